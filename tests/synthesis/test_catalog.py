"""The catalogue is read strictly, and decides who may know what."""

from datetime import date
from pathlib import Path

import pytest
from tests.synthesis.conftest import CATALOG

from mythos.errors import DataError, FormatError, InputError
from mythos.synthesis.catalog import parse_catalog, read_catalog
from mythos.synthesis.view import rows_of, view_for

TODAY = date(2026, 4, 15)


def test_every_part_is_read(company: Path) -> None:
    catalog = read_catalog(company, today=date(2020, 1, 1))
    [orders] = catalog.tables
    assert catalog.today == TODAY
    assert catalog.covers == (date(2024, 4, 1), date(2026, 3, 31))
    assert catalog.tenants["t1"].of("ja") == "山田工業"
    assert orders.duplicates is not None
    assert orders.column("region").values["KANTO"].of("en") == "Kanto"
    assert orders.column("amount").scale == 1000


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (("roles: [finance], missing", "role: [finance], missing"), "unknown key 'role'"),
        (("tenant_column: tenant", "tenant_column: tennant"), "has no column 'tennant'"),
        (("primary_key: [order_id]", "primary_key: [id]"), "has no column 'id'"),
        (("limit_columns: {region: region}", "limit_columns: {region: area}"), "has no column 'area'"),
        (("by: updated, ", ""), "by is missing"),
        (("rule: latest", "rule: newest"), "rule is unknown"),
        (("type: integer", "type: money"), "type is unknown"),
        (("scale: 1000", "scale: lots"), "scale cannot be read"),
        (("file: orders.csv", "file: ../orders.csv"), "outside the folder"),
        (("file: open.md", "file: /etc/passwd"), "outside the folder"),
        (("id: boss", "id: clerk"), "stands twice"),
        (("today: 2026-04-15", "today: soon"), "today cannot be read"),
        (("name: orders", "title: orders"), "unknown key"),
        (("people:", "people: 3\npersons:"), "unknown key|not a list"),
    ],
)
def test_a_wrong_catalogue_says_where(tmp_path: Path, change: tuple[str, str], says: str) -> None:
    text = CATALOG.replace(*change, 1)
    assert text != CATALOG
    with pytest.raises(DataError, match=says):
        parse_catalog(text, tmp_path, today=TODAY)


def test_a_missing_catalogue_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(
        DataError, match=r"catalog\.yaml cannot be read; found No such file.*mythos data catalog"
    ):
        read_catalog(tmp_path, today=TODAY)


@pytest.mark.parametrize(
    ("sql", "says"),
    [
        ("SELECT avg(amount) FROM orders", "the metric 'm': a query may not divide.*the sum and the count"),
        ("SELECT sum(amount) / count(*) FROM orders", "the metric 'm': a query may not divide"),
        ("SELECT sum(price) FROM orders", "the metric 'm': a column is not there"),
        ("DELETE FROM orders", "the metric 'm': not one query"),
    ],
)
def test_a_metric_that_may_not_run_is_refused_with_the_catalogue(tmp_path: Path, sql: str, says: str) -> None:
    pytest.importorskip("sqlglot", reason="extra missing: pip install 'mythos-hub[synthesis]'")
    text = CATALOG + f"metrics:\n- {{name: m, sql: '{sql}', unit: JPY, reviewed_by: finance}}\n"
    with pytest.raises(DataError, match=says):
        parse_catalog(text, tmp_path, today=TODAY)


def test_a_foreign_key_must_lead_somewhere(tmp_path: Path) -> None:
    text = CATALOG.replace(
        "  tenant_column", "  foreign_keys: [{column: region, references: regions.id}]\n  tenant_column", 1
    )
    with pytest.raises(DataError, match="references what is not there"):
        parse_catalog(text, tmp_path, today=TODAY)


def test_anchors_are_taken_and_bombs_are_not(tmp_path: Path) -> None:
    shared = CATALOG.replace("roles: [sales]", "roles: &r [sales]").replace("roles: []", "roles: *r")
    assert len(parse_catalog(shared, tmp_path, today=TODAY).people) == 4
    with pytest.raises(FormatError):
        parse_catalog("a: &a [*a]", tmp_path, today=TODAY)


def test_who_sees_what(company: Path) -> None:
    catalog = read_catalog(company, today=TODAY)
    clerk, boss, other, nobody = (view_for(catalog, p) for p in ("clerk", "boss", "other", "nobody"))
    assert "amount" not in {c.name for c in clerk.tables[0].columns}
    assert clerk.closed == {"orders.amount", "secret.md", "kansai.md"}
    assert [d.file for d in clerk.documents] == ["open.md"]
    assert [d.file for d in boss.documents] == ["open.md", "kansai.md", "secret.md"]
    assert [d.file for d in other.documents] == ["open.md", "theirs.md"]
    assert boss.closed == other.closed == frozenset()
    assert nobody.tables == ()
    assert dict(rows_of(catalog.tables[0], clerk.person)) == {"tenant": ("t1",), "region": ("KANTO",)}
    assert dict(rows_of(catalog.tables[0], boss.person)) == {"tenant": ("t1",)}


@pytest.mark.parametrize("person", [None, "", "Clerk", "clerk "])
def test_a_person_who_is_not_listed_sees_nothing(company: Path, person: str | None) -> None:
    with pytest.raises(InputError, match=r"nobody of that id|who asks"):
        view_for(read_catalog(company, today=TODAY), person)
