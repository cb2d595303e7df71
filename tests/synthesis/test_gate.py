"""One query over listed tables, made of allowed parts; everything else is refused."""

import contextlib
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("sqlglot", reason="extra missing: pip install 'mythos-hub[synthesis]'")
pytest.importorskip("duckdb", reason="extra missing: pip install 'mythos-hub[synthesis]'")
import duckdb

from mythos.errors import DataError
from mythos.synthesis.gate import check
from mythos.synthesis.terms import Column, Table

TABLES = [
    Table("orders", "f", "csv", (Column("id"), Column("amount", "integer"), Column("day", "date"), Column("region"))),
    Table("customers", "g", "csv", (Column("id"), Column("name"))),
]  # fmt: skip

ALLOWED = [
    "SELECT count(*) FROM orders",
    "SELECT region, sum(amount) s FROM orders WHERE day >= DATE '2024-04-01' GROUP BY region ORDER BY s DESC LIMIT 5",
    "WITH a AS (SELECT region r, count(*) c FROM orders GROUP BY 1) SELECT * FROM a",
    "SELECT date_trunc('month', day) m, sum(amount) FILTER (WHERE region = 'x') FROM orders GROUP BY 1",
    "SELECT sum(o.amount) * -1, nullif(count(*), 0) FROM orders o JOIN customers c ON o.id = c.id",
    "SELECT count(DISTINCT region) FROM orders WHERE region IS NOT NULL AND NOT (amount BETWEEN 1 AND 2)",
    "SELECT CASE WHEN amount > 3 THEN 'a' ELSE 'b' END x, extract(year FROM day) FROM orders",
    "SELECT amount FROM orders WHERE id IN (SELECT id FROM customers)",
    "SELECT amount FROM orders UNION ALL SELECT amount FROM orders",
]

REFUSED = """
SELECT * FROM read_csv('/etc/passwd')
SELECT * FROM '/etc/passwd'
SELECT * FROM 'x.parquet'
SELECT * FROM 'http://127.0.0.1/y.csv'
SELECT * FROM glob('*')
SELECT read_text('/etc/passwd')
COPY orders TO '/tmp/x'
ATTACH '/tmp/x' AS y
INSTALL httpfs
LOAD httpfs
SET memory_limit='1TB'
RESET memory_limit
PRAGMA database_list
SELECT getenv('HOME')
EXPORT DATABASE '/tmp/x'
CREATE SECRET x (TYPE S3)
SELECT repeat('x', 1000000000)
SELECT * FROM base_orders
DROP VIEW orders
SELECT * FROM duckdb_settings()
SELECT * FROM information_schema.tables
SELECT * FROM sqlite_master
SELECT current_setting('x')
SELECT 1; DROP TABLE orders
SELECT * FROM orders; SELECT 1
WITH RECURSIVE a AS (SELECT 1 x UNION ALL SELECT x + 1 FROM a) SELECT * FROM a
WITH orders AS (SELECT 1 id) SELECT * FROM orders
SELECT * FROM range(10000000000)
SELECT unnest([1, 2])
SELECT $1
SELECT * FROM orders WHERE amount = ?
SELECT secret FROM orders
SELECT main.orders.amount FROM main.orders
SELECT * FROM other.main.orders
EXPLAIN SELECT 1
VALUES (1)
SELECT * FROM orders TABLESAMPLE 10%
SELECT COLUMNS('.*') FROM orders
SELECT list(amount) FROM orders
SELECT random()
SELECT mean(amount) FROM orders
SELECT sum(amount) * 1e-1 FROM orders
SELECT 1E3 * amount FROM orders
SELECT amount % 2 FROM orders
SELECT now()
DESCRIBE orders
SELECT x -> x + 1
PIVOT orders ON region
INSERT INTO orders VALUES (1)
UPDATE orders SET amount = 1
CALL x()
SELECT CAST(amount AS BLOB) FROM orders
SELECT amount::JSON FROM orders
SELECT regexp_matches(region, '(a+)+$') FROM orders
SELECT hash(region) FROM orders
SELECT query('SELECT 1')
SELECT * FROM query_table(['orders'])
SELECT [x FOR x IN [1]]
SELECT {'a': 1}
SELECT amount FROM orders FOR UPDATE
""".strip().split("\n")


@pytest.mark.parametrize("sql", ALLOWED)
def test_what_may_run(sql: str) -> None:
    text = check(sql, TABLES)
    assert check(text, TABLES) == text


@pytest.mark.parametrize("sql", REFUSED)
def test_what_may_not(sql: str) -> None:
    with pytest.raises(DataError) as caught:
        check(sql, TABLES)
    assert caught.value.code == "gate"


@pytest.mark.parametrize(
    "quotient", ["sum(amount) / 7", "count(*) // 2", "avg(amount)", "avg(amount) OVER ()"]
)
def test_nothing_is_divided_in_binary(quotient: str) -> None:
    with pytest.raises(DataError, match=r"may not divide.*Ask for the sum and the count") as caught:
        check(f"SELECT {quotient} FROM orders", TABLES)  # noqa: S608
    assert caught.value.code == "gate"


def test_comments_do_not_pass() -> None:
    assert check("SELECT /* x */ 1 -- y", TABLES) == "SELECT 1"


@pytest.mark.parametrize(
    "sql", ["SELECT " + "(" * 3_000 + "1" + ")" * 3_000, "SELECT 1" + " + 1" * 4_000, "x" * 30_000, ""]
)
def test_sizes_are_bounded(sql: str) -> None:
    with pytest.raises(DataError):
        check(sql, TABLES)


WORDS = st.sampled_from(
    [
        "SELECT",
        "FROM",
        "WHERE",
        "orders",
        "customers",
        "secret",
        "id",
        "amount",
        "region",
        "*",
        "(",
        ")",
        ",",
        ".",
        ";",
        "'",
        '"',
        "read_csv",
        "UNION",
        "ALL",
        "WITH",
        "AS",
        "IN",
        "count",
        "sum",
        "CAST",
        "::",
        "DATE",
        "VARCHAR",
        "--",
        "/*",
        "*/",
        "=",
        "1",
        "'a'",
        "NULL",
        "JOIN",
        "ON",
        "ATTACH",
        "COPY",
        "TO",
        "main",
        "information_schema",
    ]
)


@pytest.fixture(scope="module")
def database() -> Iterator[duckdb.DuckDBPyConnection]:
    """The listed tables beside one that is not."""
    with duckdb.connect() as connection:
        connection.execute("CREATE TABLE orders (id VARCHAR, amount INTEGER, day DATE, region VARCHAR)")
        connection.execute("CREATE TABLE customers (id VARCHAR, name VARCHAR)")
        connection.execute(
            "CREATE TABLE secret AS SELECT 'CANARY' AS id, 'CANARY' AS amount, 'CANARY' AS name"
        )
        yield connection


@given(st.lists(WORDS, max_size=14).map(" ".join))
def test_whatever_passes_reads_listed_tables_only(database: duckdb.DuckDBPyConnection, sql: str) -> None:
    try:
        text = check(sql, TABLES)
    except DataError:
        return
    with contextlib.suppress(duckdb.Error):
        assert "CANARY" not in str(database.execute(text).fetchall())
    assert database.execute("SELECT count(*) FROM secret").fetchone() == (1,)
