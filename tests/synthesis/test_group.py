"""The made-up group: the same bytes from a seed, files that say what the records say, an oracle that counts right."""

import contextlib
import hashlib
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("duckdb", reason="extra missing: pip install 'mythos-hub[synthesis]'")
import duckdb

from mythos.synthesis.capture import capture
from mythos.synthesis.catalog import read_catalog
from mythos.synthesis.terms import Capture
from mythos.synthesis.view import view_for

from .group import oracle, periods, said, schema, words
from .group.documents import SUFFIXES
from .group.oracle import Spec, Where
from .group.questions import ANSWERED, questions
from .group.records import Company, Person, make, write
from .group.refused import REFUSED
from .group.score import score
from .group.topics import GROUP, OWN

SEED = 5


@pytest.fixture(scope="module")
def company() -> Company:
    return make(SEED)


@pytest.fixture(scope="module")
def folder(company: Company, tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("group")
    write(company, made)
    return made


@pytest.fixture(scope="module")
def captures(company: Company, folder: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Capture]:
    """What the product itself reads out of the files, for everybody."""
    catalog, cache = read_catalog(folder, today=date(2000, 1, 1)), tmp_path_factory.mktemp("cache")
    return {person.id: capture(view_for(catalog, person.id), cache) for person in company.people}


def digests(folder: Path) -> dict[str, str]:
    found = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in found}


def test_a_seed_gives_the_same_bytes_and_another_seed_others(folder: Path, tmp_path: Path) -> None:
    write(make(SEED), tmp_path / "again")
    write(make(SEED + 1), tmp_path / "other")
    assert digests(tmp_path / "again") == digests(folder)
    other = digests(tmp_path / "other")
    assert {
        name for name in other if name in digests(folder) and other[name] == digests(folder)[name]
    } == set()


def test_it_is_as_large_and_as_mixed_as_promised(company: Company, folder: Path) -> None:
    catalog = read_catalog(folder, today=date(2000, 1, 1))
    assert (len(catalog.tables), len(catalog.documents), len(catalog.tenants)) == (12, 60, 3)
    assert {table.format for table in catalog.tables} == {"csv", "parquet", "xlsx"}
    assert {Path(d.file).suffix for d in catalog.documents} == set(SUFFIXES)
    assert (folder / "customers.csv").read_bytes().startswith(b"\xef\xbb\xbf")
    for file, encoding in (("orders.csv", "cp932"), ("products.csv", "euc_jp")):
        with pytest.raises(UnicodeDecodeError):
            (folder / file).read_text("utf-8")
        assert "product_id" in (folder / file).read_text(encoding)
    orders = (folder / "orders.csv").read_text("cp932")
    for spelling in ("令和", "R6.", "年", "/", "，", "未定", "-"):
        assert spelling in orders
    assert all(company.extra[name] for name in ("orders", "expenses", "employees"))
    assert {len([p for p in company.people if p.tenant == t]) for t in schema.TENANTS} == {4}


def test_every_person_finds_in_the_files_what_the_records_say(
    company: Company, captures: dict[str, Capture]
) -> None:
    """The product's own reading of the dirty files against the clean records, cell by cell."""
    for person in company.people:
        with duckdb.connect(str(captures[person.id].file), read_only=True) as database:
            known = {
                name for (name,) in database.execute("SELECT table_name FROM duckdb_tables()").fetchall()
            }
            for tab in schema.TABLES:
                shown = [col.name for col in tab.cols if oracle.open_to(person, tab.name, col.name)]
                truth = oracle.rows(company, person, tab.name)
                if not shown or (tab.tenant is not None and person.tenant is None):
                    assert tab.name not in known
                    continue
                columns = ", ".join(shown)
                found = database.execute(f"SELECT {columns} FROM {tab.name}").fetchall()  # noqa: S608
                wanted = [tuple(row[name] for name in shown) for row in truth]
                assert sorted(map(repr, map(plain, found))) == sorted(map(repr, map(plain, wanted)))


def plain(row: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple(Decimal(v).normalize() if isinstance(v, int | Decimal) else v for v in row)


def joins(spec: Spec) -> str:
    """FROM with every table that the declared keys lead to, each named once."""
    text, reached, open_ends = spec.table, {spec.table}, [spec.table]
    while open_ends:
        table = open_ends.pop(0)
        for column, reference in schema.BY_NAME[table].keys.items():
            other, _, key = reference.partition(".")
            if other not in reached:
                reached.add(other)
                open_ends.append(other)
                text += f" LEFT JOIN {other} ON {table}.{column} = {other}.{key}"
    return text


def sql(spec: Spec) -> tuple[str, list[Any]]:
    """The spec as one query, by another way than the oracle's."""
    tab, values, conditions = schema.BY_NAME[spec.table], [], []
    day = f"CAST({spec.table}.{tab.dated} AS DATE)"
    if spec.period is not None:
        conditions.append(f"{day} BETWEEN ? AND ?")
        values += [spec.period.first, spec.period.last]
    for where in spec.where:
        path = where.path if "." in where.path else f"{spec.table}.{where.path}"
        conditions.append(f"{path} {where.op} ?")
        values.append(where.value)
    grains = {
        "month": f"CAST(date_trunc('month', {day}) AS DATE)",
        "quarter": f"CAST(date_trunc('quarter', {day}) AS DATE)",
        "year": f"CAST(date_trunc('year', {day}) AS DATE)",
        "fiscal_year": f"CAST(date_trunc('year', {day} - INTERVAL 3 MONTH) + INTERVAL 3 MONTH AS DATE)",
    }
    group = spec.group and grains.get(
        spec.group, spec.group if "." in spec.group else f"{spec.table}.{spec.group}"
    )
    measure = "*" if spec.how == "count" else f"{spec.table}.{spec.measure}"
    text = f"SELECT {group or 'NULL'}, {spec.how}({measure}) AS figure FROM {joins(spec)}"  # noqa: S608
    text += f" WHERE {' AND '.join(conditions)}" if conditions else ""
    text += f" GROUP BY {group}" if group else ""
    if spec.top is not None:
        text += f" ORDER BY figure {'ASC' if spec.lowest else 'DESC'} LIMIT {spec.top}"
    return text, values


@pytest.mark.parametrize("seed", [1, 2])
def test_the_oracle_agrees_with_a_database_over_the_files(
    company: Company, captures: dict[str, Capture], seed: int
) -> None:
    asked = [q for q in questions(company, count=300, seed=seed) if q.spec is not None]
    assert len(asked) > 120
    assert {q.spec.how for q in asked if q.spec} == {"sum", "avg", "min", "max", "count"}
    with contextlib.ExitStack() as stack:
        databases = {
            name: stack.enter_context(duckdb.connect(str(captures[name].file), read_only=True))
            for name in {question.person.id for question in asked}
        }
        found = [databases[q.person.id].execute(*sql(q.spec)).fetchall() for q in asked if q.spec]
    for question, rows in zip(asked, found, strict=True):
        assert question.spec is not None
        truth = oracle.values(company, question.person, question.spec)
        got = [(key, figure) for key, figure in rows if figure is not None]
        if question.spec.top is None:
            got.sort(key=lambda pair: str(pair[0]))
        assert [key for key, _ in got] == [key for key, _ in truth], question.text
        for (_, figure), (_, wanted) in zip(got, truth, strict=True):
            assert abs(Decimal(figure) - wanted) <= abs(wanted) * Decimal("1e-9"), question.text


def test_by_hand() -> None:
    """Six rows whose sums a reader can check."""
    made = make(1)
    rows = [
        ("O1", "kitano", "KANTO", date(2024, 4, 1), 100, "C1"), ("O2", "kitano", "KANSAI", date(2024, 6, 30), 50, "C2"),
        ("O3", "kitano", "KANTO", date(2024, 7, 1), 7, "C2"), ("O4", "kitano", "KANTO", date(2025, 3, 31), None, "C1"),
        ("O5", "minato", "KANTO", date(2024, 5, 5), 900, "C3"), ("O6", "kitano", "KANTO", date(2025, 4, 1), 11, "C1"),
    ]  # fmt: skip
    names = ("order_id", "company", "region", "order_date", "amount", "customer_id")
    customers: list[dict[str, Any]] = [
        {"customer_id": "C1", "tenant": "kitano", "region": "KANTO", "industry": "AUTO"},
        {"customer_id": "C2", "tenant": "kitano", "region": "KANSAI", "industry": "FOOD"},
    ]
    tables = dict(made.tables)
    tables["orders"] = [dict(zip(names, row, strict=True)) for row in rows]
    tables["customers"] = customers
    tiny = Company(0, tables, made.extra, made.people, made.documents)
    head = Person("head", "kitano")
    east = Person("east", "kitano", regions=frozenset({"KANTO"}))

    def one(person: Person, **more: Any) -> list[tuple[Any, Decimal]]:
        return oracle.values(tiny, person, Spec("orders", more.pop("how", "sum"), "amount", **more))

    assert one(head) == [(None, Decimal(168))]
    assert one(east) == [(None, Decimal(118))]
    assert one(head, period=periods.fiscal_year(2024)) == [(None, Decimal(157))]
    assert one(head, period=periods.quarter(2024, 1), how="avg") == [(None, Decimal(75))]
    assert one(head, period=periods.year(2025), how="count") == [(None, Decimal(2))]
    assert one(head, period=periods.fiscal_year(2020)) == []
    assert one(head, group="customers.industry") == [("AUTO", Decimal(111)), ("FOOD", Decimal(57))]
    assert one(head, where=(Where("customers.industry", "FOOD"),), how="max") == [(None, Decimal(50))]
    assert one(head, where=(Where("amount", 50, ">"),), how="count") == [(None, Decimal(1))]
    assert one(head, where=(Where("amount", 50, "<"),)) == [(None, Decimal(18))]
    assert one(head, group="fiscal_year") == [
        (date(2024, 4, 1), Decimal(157)),
        (date(2025, 4, 1), Decimal(11)),
    ]
    assert one(head, group="region", top=1, lowest=True) == [("KANSAI", Decimal(50))]
    assert oracle.values(tiny, Person("visitor", None), Spec("orders", "sum", "amount")) == []


def test_periods_mean_what_they_say() -> None:
    assert (periods.quarter(2024, 4).first, periods.quarter(2024, 4).last) == (
        date(2025, 1, 1),
        date(2025, 3, 31),
    )
    assert (periods.half(2023, 2).first, periods.half(2023, 2).last) == (date(2023, 10, 1), date(2024, 3, 31))
    said_now = {text: (p.first, p.last) for p in periods.relative() for text in p.ja}
    assert said_now["先月"] == (date(2026, 3, 1), date(2026, 3, 31))
    assert said_now["前年度"] == (date(2025, 4, 1), date(2026, 3, 31))
    assert periods.start_of("fiscal_year", date(2025, 3, 31)) == date(2024, 4, 1)


def test_three_in_four_can_be_answered_and_nobody_is_asked_twice_the_same(company: Company) -> None:
    asked = questions(company, count=400, seed=3)
    assert asked == questions(company, count=400, seed=3)
    assert sum(q.expected.shape == "refusal" for q in asked) == 100
    assert len({(q.text, q.person) for q in asked}) == 400
    assert 150 < sum(q.lang == "ja" for q in asked) < 250
    assert len({q.person.id for q in asked if q.expected.shape != "refusal"}) == 12
    shapes = {q.expected.shape for q in asked}
    assert shapes == {"number", "list", "label", "pair", "trend", "lookup", "quote", "refusal"}
    assert all("{" not in q.text and "  " not in q.text for q in asked)
    same = [[q.expected for q in asked if q.text == text] for text in {q.text for q in asked}]
    assert any(len(expected) > 1 and len(set(expected)) > 1 for expected in same), "who asks matters"


def test_every_kind_has_five_wordings_in_both_languages() -> None:
    for kind, wordings in said.SAID.items():
        for listed in wordings:
            assert len(set(listed)) >= 5, kind
    assert all(len(maker) == 2 for maker in (*ANSWERED.values(), *REFUSED.values()))
    both = [set(said.SAID["sum"][1][half::2]) for half in (0, 1)]
    assert both[0].isdisjoint(both[1])


def test_the_halves_of_the_wordings_do_not_meet(company: Company) -> None:
    texts = [{q.text for q in questions(company, count=200, seed=3, half=half)} for half in (0, 1)]
    assert len(texts[0] & texts[1]) < 20  # a wording that has no other stands in both


def test_the_third_set_has_eight_wordings_of_every_kind_and_its_halves_do_not_meet(company: Company) -> None:
    listed = [*words.THIRD.said.values(), *words.THIRD.lookups.values(), words.THIRD.quoted]
    for kind, wordings in words.THIRD.said.items():
        assert all(len(set(w)) == len(w) >= 8 for w in wordings), kind
        assert not {*wordings[0], *wordings[1]} & {t for both in said.SAID.get(kind, ((), ())) for t in both}
    assert all(not set(w[0::2]) & set(w[1::2]) - {"{q}"} for both in listed for w in both)
    asked = [questions(company, count=160, seed=3, half=half) for half in range(4)]
    texts = [{q.text for q in found} for found in asked]
    assert all(not texts[half] & texts[other] for half in (2, 3) for other in range(4) if other != half)
    for found in asked[2:]:
        assert sum(q.expected.shape == "refusal" for q in found) == 40
        assert all("{" not in q.text and "  " not in q.text for q in found)
        kinds = {q.kind.removesuffix(" + join") for q in found}
        assert kinds >= {"share", "except", "count over", "unknown group", "unknown attribute"}


def test_the_third_set_asks_every_fact_and_names_every_column_that_the_first_does() -> None:
    first, third = words.FIRST, words.THIRD
    for topic in (*OWN, *GROUP):
        assert len(third.asked[topic.name]) == len(topic.facts), topic.name
    assert {m.column for m in first.measures} == {m.column for m in third.measures}
    for name in ("said", "lookups", "counted", "number_of", "edges", "filters", "groups", "grains"):
        assert set(getattr(first, name)) <= set(getattr(third, name)), name
    for table in first.filters:
        assert set(first.filters[table]) == set(third.filters[table])
        assert table not in first.groups or set(first.groups[table]) == set(third.groups[table])


def test_a_share_may_stand_after_its_part_and_its_whole(company: Company) -> None:
    share = next(q for q in questions(company, count=300, seed=3, half=2) if q.expected.shape == "share")
    part, whole = share.expected.also
    percent = f"{part / whole * 100:.2f}"

    def judged(*shown: str) -> str:
        parts = [{"cell": f"c{n}", "shown": text} for n, text in enumerate(shown)]
        refs = {f"c{n}": {} for n in range(len(shown))}
        return score(share, {"kind": "answer", "parts": parts, "refs": refs}, company).outcome

    assert judged(f"{percent}%") == judged(str(part), str(whole), f"{percent}%") == "right"
    assert judged(str(part)) == judged(f"{part / whole * 100 + 5:.2f}%") == "wrong"


def test_documents_hold_their_facts_in_every_format(company: Company, folder: Path) -> None:
    docx = pytest.importorskip("docx", reason="extra missing: pip install 'mythos-hub[synthesis]'")
    for made in company.documents:
        path = folder / made.file
        if path.suffix == ".docx":
            text = "\n".join(p.text for p in docx.Document(str(path)).paragraphs)
        else:
            text = path.read_text(encoding="utf-8")
        for fact in made.facts:
            assert text.count(fact.sentence) == 1, made.file
    by_tenant = [
        {f.sentence for d in company.documents if d.tenant == t for f in d.facts} for t in schema.TENANTS
    ]
    assert len(by_tenant[0] - by_tenant[1]) > 20
