"""What SQL may be: one query over the caller's captured tables, made of allowed parts only.

Nothing is forbidden by name; everything that is not on the list is refused, so a new function or a new kind
of statement of the database is refused too. What runs is written anew from the checked tree, never the text
that came in.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any, Final

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError
from sqlglot.optimizer.qualify import qualify

from mythos.errors import DataError
from mythos.synthesis.terms import Table

logging.getLogger("sqlglot").setLevel(logging.ERROR)  # it warns of what is refused here anyway

MAX_SQL: Final = 20_000
MAX_NODES: Final = 2_000

_NODES: Final = (
    # the query
    *(exp.Select, exp.Subquery, exp.Union, exp.Intersect, exp.Except, exp.With, exp.CTE, exp.From, exp.Join),
    *(exp.Where, exp.Group, exp.Having, exp.Order, exp.Ordered, exp.Limit, exp.Offset, exp.Distinct),
    *(exp.Table, exp.TableAlias, exp.Alias, exp.Column, exp.Identifier, exp.Star, exp.Paren, exp.Tuple),
    # values and operators
    *(exp.Literal, exp.Null, exp.Boolean, exp.Neg, exp.Add, exp.Sub, exp.Mul),
    *(exp.And, exp.Or, exp.Not, exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.Is, exp.In),
    *(exp.Between, exp.Like, exp.Case, exp.If, exp.Cast, exp.DataType, exp.DataTypeParam, exp.Exists),
    # functions
    *(exp.Count, exp.Sum, exp.Min, exp.Max, exp.Abs, exp.Coalesce, exp.Nullif, exp.Lower, exp.Upper),
    *(exp.Round, exp.Extract, exp.Var, exp.Year, exp.Month, exp.Day, exp.Quarter, exp.DateTrunc),
    *(exp.TimestampTrunc, exp.Filter, exp.Window, exp.RowNumber, exp.WindowSpec, exp.Length),
)  # fmt: skip
_DIVIDED: Final = "A database divides inexactly. Ask for the sum and the count: the quotient is made of them."
_TYPES: Final = frozenset({"DATE", "TIMESTAMP", "DECIMAL", "BIGINT", "INT", "VARCHAR", "TEXT"})
_UNITS: Final = frozenset({"YEAR", "QUARTER", "MONTH", "DAY", "WEEK", "DATE"})


def check(sql: str, tables: Sequence[Table]) -> str:
    """The canonical text of a query that may run.

    Args:
        sql: a query in DuckDB's dialect.
        tables: what it may read, with the columns it may name.

    Raises:
        DataError: anything else than a query made of allowed parts; `code` is `gate`.
    """
    if len(sql) > MAX_SQL:
        raise _refused("the query is too long", f"{len(sql)} characters")
    try:
        trees = sqlglot.parse(sql, read="duckdb")
    except (SqlglotError, RecursionError) as error:
        raise _refused("not a query", str(error).splitlines()[0][:120]) from error
    if len(trees) != 1 or not isinstance(trees[0], exp.Select | exp.Union | exp.Intersect | exp.Except):
        raise _refused("not one query", type(trees[0]).__name__ if trees else "nothing")
    tree = trees[0]
    _check_nodes(tree)
    _check_tables(tree, {table.name for table in tables})
    schema: Any = {table.name: {column.name: "VARCHAR" for column in table.columns} for table in tables}
    try:
        qualify(
            tree.copy(), schema=schema, dialect="duckdb", validate_qualify_columns=True, expand_stars=False
        )
    except (SqlglotError, RecursionError) as error:
        raise _refused("a column is not there", str(error).splitlines()[0][:120]) from error
    return tree.sql(dialect="duckdb", comments=False)


def _check_nodes(tree: exp.Expr) -> None:
    for count, node in enumerate(tree.walk()):
        if count > MAX_NODES:
            raise _refused("the query is too large", f"over {MAX_NODES} parts")
        if isinstance(node, exp.Div | exp.IntDiv | exp.Avg):
            raise _refused("a query may not divide", str(node.sql(dialect="duckdb"))[:80], _DIVIDED)
        if isinstance(node, exp.Literal) and node.is_number and "e" in node.name.lower():
            raise _refused("a number with an exponent is binary", node.name[:80], "Write its digits.")
        if type(node) not in _NODES:
            raise _refused("a part is not allowed", str(node.sql(dialect="duckdb"))[:80])
        if isinstance(node, exp.DataType) and node.this.name not in _TYPES:
            raise _refused("a type is not allowed", str(node)[:80])
        if isinstance(node, exp.Var) and node.name.upper() not in _UNITS:
            raise _refused("a word is not allowed", node.name[:80])
        if isinstance(node, exp.With) and node.args.get("recursive"):
            raise _refused("recursion is not allowed", "WITH RECURSIVE")


def _check_tables(tree: exp.Expr, allowed: set[str]) -> None:
    named = {cte.alias for cte in tree.find_all(exp.CTE)}
    if named & allowed:
        raise _refused("a name hides a table", ", ".join(sorted(named & allowed))[:80])
    for table in tree.find_all(exp.Table):
        if not isinstance(table.this, exp.Identifier) or table.args.get("db") or table.args.get("catalog"):
            raise _refused("only tables may be read", str(table.sql(dialect="duckdb"))[:80])
        if table.name not in allowed | named:
            raise _refused("the table is not there", table.name[:80])


def _refused(message: str, found: str, advice: str = "") -> DataError:
    return DataError(
        message, expected="one SELECT over the listed tables and functions", found=found, advice=advice,
        code="gate",
    )  # fmt: skip
