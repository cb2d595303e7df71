"""What one person may know: decided before anything is read, planned or searched.

Columns and documents that need roles the person lacks are not in the view. Rows are bounded when they are
captured: those of the person's tenant, and of every limit column only the listed values. `closed` holds the
names that the person may know to exist although they may not read them: only of those is "not permitted"
ever said; of everything else the answer is the same as of what was never there.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from mythos.errors import InputError
from mythos.synthesis.terms import Catalog, Column, Document, Person, Table, View


def view_for(catalog: Catalog, person: str | None) -> View:
    """The view of the person with this id.

    Args:
        catalog: everything.
        person: an id of the catalogue; none is needed only where one person may see all.

    Raises:
        InputError: nobody of that id, or nobody named where people are listed.
    """
    known = {listed.id: listed for listed in catalog.people}
    if catalog.everybody_sees_all and person is None:
        everybody = Person("everybody")
        return View(catalog, everybody, catalog.tables, catalog.documents, frozenset())
    if person is None or person not in known:
        raise InputError(
            "nobody of that id is in the catalogue" if person else "the catalogue lists people: who asks?",
            expected="--as with an id of `people`",
            found=repr((person or "")[:60]),
        )
    return _of(catalog, known[person])


def _of(catalog: Catalog, person: Person) -> View:
    tables: list[Table] = []
    closed: set[str] = set()
    for table in catalog.tables:
        open_columns = tuple(column for column in table.columns if column.roles <= person.roles)
        closed |= {f"{table.name}.{c.name}" for c in table.columns if c not in open_columns}
        if table.tenant_column is not None and person.tenant is None:
            continue
        if open_columns:
            tables.append(_reduced(table, open_columns))
        else:
            closed.add(table.name)
    documents = [document for document in catalog.documents if _reads(person, document)]
    closed |= {
        document.file
        for document in catalog.documents
        if document not in documents and document.tenant in {None, person.tenant}
    }
    return View(catalog, person, tuple(tables), tuple(documents), frozenset(closed))


def _reduced(table: Table, columns: tuple[Column, ...]) -> Table:
    names = {column.name for column in columns}
    return replace(
        table,
        columns=columns,
        primary_key=table.primary_key if set(table.primary_key) <= names else (),
        foreign_keys=tuple(key for key in table.foreign_keys if key.column in names),
    )


def _reads(person: Person, document: Document) -> bool:
    return (
        document.tenant in {None, person.tenant}
        and document.roles <= person.roles
        and all(value in person.limits.get(name, (value,)) for name, value in document.limits.items())
    )


def rows_of(table: Table, person: Person) -> Iterable[tuple[str, tuple[str, ...]]]:
    """The conditions every row must meet: (column, allowed values), each of them."""
    if table.tenant_column is not None and person.tenant is not None:
        yield table.tenant_column, (person.tenant,)
    for name, column in table.limit_columns.items():
        if name in person.limits:
            yield column, person.limits[name]
