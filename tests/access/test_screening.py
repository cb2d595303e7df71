"""Hits are cases with evidence; nothing is refused, and a changed list is another screen."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

pytest.importorskip("rapidfuzz", reason="extra missing: pip install 'mythos-hub[screening]'")

from mythos.access.screening import Case, Screen, check_disposition
from mythos.access.watchlist import Watchlist, read_list
from mythos.cli import access
from mythos.errors import AccessError
from mythos.units import Instant

NOW = Instant.parse("2026-06-20T00:00:00Z")


def listed(*names: str, source: str = "SDN", **more: Any) -> Watchlist:
    results = [{"id": str(i), "source": source, "name": name, **more} for i, name in enumerate(names)]
    return read_list(json.dumps({"results": results}).encode())


def found(watchlist: Watchlist, name: str) -> list[str]:
    return [hit.entry.id for hit in Screen(watchlist).search(name)]


def test_order_spelling_and_script_are_found_and_others_are_not() -> None:
    watchlist = listed("Gaddafi, Muammar", "KIM, Jong Un", "Maria Garcia")
    assert found(watchlist, "Mu'ammar al-Qadhafi") == ["0"]
    assert found(watchlist, "Kim Jeong-eun") == ["1"]
    assert found(watchlist, "김정은") == ["1"]
    assert found(watchlist, "John Smith") == []


def test_the_evidence_stands_beside_the_hit() -> None:
    [hit] = Screen(listed("Khrushchev, Nikita", citizenships=["SU"], dates_of_birth=["1894"])).search(
        "Никита Хрущёв"
    )
    assert hit.score == 100
    assert hit.compared == ("nikita khrushchev", "khrushchev nikita")
    assert (hit.by, hit.listed, hit.entry.countries, hit.entry.born) == (
        "spelled",
        "Khrushchev, Nikita",
        ("SU",),
        ("1894",),
    )


def test_a_changed_record_under_the_same_id_is_another_version() -> None:
    before, after = listed("Alpha Betason"), listed("Gamma Deltason")
    assert before.entries[0].key == after.entries[0].key
    assert before.entries[0].version != after.entries[0].version
    assert found(before, "Alpha Betason") == ["0"]
    assert found(after, "Alpha Betason") == []
    assert found(after, "Gamma Deltason") == ["0"]


def test_a_single_letter_is_near_to_itself_only() -> None:
    watchlist = listed("O", "U", "Oh")
    assert found(watchlist, "O") == ["0"]
    assert found(watchlist, "!") == []


def test_an_entry_is_found_once_by_its_best_name() -> None:
    watchlist = listed("Robert Zimmermann", alt_names=["Bob Zimmermann", "Zimmermann, R."])
    [hit] = Screen(watchlist).search("Bob Zimmerman")
    assert hit.listed == "Bob Zimmermann"


def test_an_entry_with_many_names_hides_no_other() -> None:
    names = [f"John Smith {a}{b}" for a in "abcdefghij" for b in "klmnopqrst"]
    many: dict[str, Any] = {"id": "1", "source": "SDN", "name": "John Smith", "alt_names": names}
    other = {"id": "2", "source": "SDN", "name": "Jon Smythe"}
    names_found = found(read_list(json.dumps({"results": [many, other]}).encode()), "John Smyth")
    assert sorted(names_found) == ["1", "2"]


@pytest.mark.parametrize(
    "name",
    [
        "John Smith ก",
        "J\u200bo\u200bh\u200bn Smith",
        "Jo\u00adhn Smi\u034fth",
        "Jo\u3164hn Smith",
        "ＪＯＨＮ SМIТН",
        "J o h n S m i t h",
        "Jοhn Smιth",
    ],
)
def test_a_letter_more_or_an_invisible_one_hides_nobody(name: str) -> None:
    assert found(listed("John Smith"), name) == ["0"]


def test_entries_that_nobody_can_read_are_told() -> None:
    screen = Screen(listed("ยิ่งลักษณ์", "\u0301", "John Smith"))
    assert [entry.id for entry in screen.unread] == ["0", "1"]
    assert Screen(listed("\u0301")).search("John Smith") == ()


def test_a_list_may_begin_with_a_mark_or_with_a_long_line() -> None:
    long = {"caption": "x" * 9_000, "id": "Q1", "schema": "Person", "properties": {"name": ["A B"]}}
    for record in (long, {"results": [{"id": "Q1", "source": "S", "name": "A B"}]}):
        [entry] = read_list(json.dumps(record).encode("utf-8-sig")).entries
        assert entry.id == "Q1"


def test_ids_repeat_across_sources_and_not_within_one() -> None:
    record = {"id": "7", "source": "SDN", "name": "One Name"}
    other = record | {"source": "EL", "name": "Another"}
    assert len(read_list(json.dumps({"results": [record, other, record]}).encode()).entries) == 2
    with pytest.raises(AccessError, match="two records are called '7'"):
        read_list(json.dumps({"results": [record, record | {"name": "X"}]}).encode())


def test_the_csv_and_follow_the_money() -> None:
    text = "_id,source,entity_number,name,alt_names,citizenships\na1,SDN,5,Doe John,Johnny Doe; J. Doe,US\n"
    [entry] = read_list(text.encode("utf-8-sig")).entries
    assert (entry.key, entry.names, entry.countries) == (
        ("SDN", "a1"),
        ("Doe John", "Johnny Doe", "J. Doe"),
        ("US",),
    )
    lines = [
        {
            "id": "Q1",
            "schema": "Person",
            "caption": "A B",
            "properties": {"alias": ["C D"], "birthDate": ["1950"]},
        },
        {"id": "Q2", "schema": "Address", "properties": {"full": ["x"]}},
    ]
    [entry] = read_list("\n".join(map(json.dumps, lines)).encode()).entries
    assert (entry.key, entry.names, entry.born) == (("ftm", "Q1"), ("A B", "C D"), ("1950",))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{",
        b'{"results": 3}',
        b'{"results": [3]}',
        b'{"results": [{"id": "1", "name": "x"}]}',
        b"name\nx\n",
        b"\xff\xfe",
        b'{"id": "", "schema": "Person", "caption": "A B", "properties": {}}',
        b'{"results": [{"id": "1", "source": "S", "name": "half \\ud800"}]}',
        b'{"id": 3, "schema": "Person", "properties": {}}',
        b'{"results": [], "results": []}',
    ],
)
def test_what_is_no_list_is_refused(data: bytes) -> None:
    with pytest.raises(AccessError):
        read_list(data)


def test_a_case_commits_to_every_word_of_it_with_a_salt() -> None:
    screen = Screen(listed("Alpha Betason"))
    hits = screen.search("Alpha Betason")
    one, two = (Case.open("Alpha Betason", screen, hits, NOW) for _ in range(2))
    assert one.document() == two.document()
    assert one.commitment != two.commitment
    assert Case("Alpha Betasom", one.list_digest, hits, NOW, one.salt).commitment != one.commitment
    with pytest.raises(AccessError, match="not a disposition"):
        check_disposition("guilty")


def test_the_commands_write_private_cases_and_say_no_hits(tmp_path: Path) -> None:
    (tmp_path / "list.json").write_text(
        json.dumps({"results": [{"id": "1", "source": "SDN", "name": "Nikita Khrushchev"}]})
    )
    (tmp_path / "names.jsonl").write_text(
        '{"id": "p1", "name": "Никита Хрущёв"}\n{"id": "p2", "name": "Maria Garcia"}\n'
    )
    arguments = [
        "screen",
        "--list",
        str(tmp_path / "list.json"),
        "--names",
        str(tmp_path / "names.jsonl"),
        "--json",
    ]
    done = CliRunner().invoke(
        access.command, [*arguments, "--cases", str(tmp_path / "cases")], catch_exceptions=False
    )
    document = json.loads(done.stdout)
    [case] = document["cases"]
    assert case["id"] == "p1"
    assert Path(case["case"]).stat().st_mode & 0o777 == 0o600
    assert json.loads(Path(case["case"]).read_text())["case"]["name"] == "Никита Хрущёв"
    assert document["unread"] == []
    for line, why in [
        ('{"id": "p1"}', "names nobody"),
        ('{"id": "", "name": "x"}', "names nobody"),
        ('{"id": "p1", "name": " "}', "names nobody"),
        ('{"id": "p1", "name": "half \\ud800"}', "half a character"),
    ]:
        (tmp_path / "names.jsonl").write_text(line + "\n")
        with pytest.raises(AccessError, match=why):
            CliRunner().invoke(access.command, arguments, catch_exceptions=False)


def test_a_name_that_cannot_be_read_whole_is_not_cleared(tmp_path: Path) -> None:
    (tmp_path / "list.json").write_text(
        json.dumps({"results": [{"id": "1", "source": "SDN", "name": "Nikita Khrushchev"}]})
    )
    names = {"thai": "ยิ่งลักษณ์", "marks": "\u0301\u0302", "long": "Maria " * 40, "whole": "Maria Garcia"}
    names["both"] = "Nikita Khrushchev ก"
    lines = [json.dumps({"id": identity, "name": name}) for identity, name in names.items()]
    (tmp_path / "names.jsonl").write_text("\n".join(lines))
    arguments = ["screen", "--list", str(tmp_path / "list.json"), "--names", str(tmp_path / "names.jsonl")]
    done = CliRunner().invoke(access.command, [*arguments, "--json"], catch_exceptions=False)
    document = json.loads(done.stdout)
    assert document["unread"] == ["thai", "marks", "long", "both"]
    assert [case["id"] for case in document["cases"]] == ["both"]
    done = CliRunner().invoke(access.command, arguments, catch_exceptions=False)
    assert "thai: cannot be read whole, and is not cleared" in done.stdout
