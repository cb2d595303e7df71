"""`mythos regimes` as other programs call it."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any, Self
from xml.etree import ElementTree as ET

import pytest
from click.testing import CliRunner, Result

from mythos.cli import cli
from mythos.errors import InputError, MythosError
from mythos.evidence import client
from mythos.evidence.client import Appended
from mythos.evidence.note import SigningKey
from mythos.evidence.predicates import Determination
from mythos.evidence.statement import Envelope
from mythos.files import private_folder, write_private
from mythos.units import Digest

MINE = Path(__file__).parent / "mine"
WEIGHTS = str(Digest.of(b"weights"))


def call(*argv: str) -> Result:
    return CliRunner().invoke(cli, ["regimes", *argv])


def answer(*argv: str) -> Any:
    result = call(*argv, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


@pytest.fixture
def facts(tmp_path: Path) -> str:
    path = tmp_path / "facts.yaml"
    path.write_text(
        "us_state_nexus_ca: true\nops: 1.0e26\nrevenue_prev_year: 3000000000\norigin: JP\ndest: SG\n"
        "transfer: weights\nmeti_inform: true\nregion: kanto\n"
    )
    return str(path)


def test_determine_prints_one_document(facts: str) -> None:
    result = call("determine", facts, "--on", "2026-02-01", "--json")
    body = json.loads(result.stdout)
    assert result.exit_code == 0
    assert "'region'" in result.stderr
    sb53 = next(one for one in body["instruments"] if one["id"] == "US-CA-SB53")
    assert (sb53["outcome"], sb53["verified_to"], sb53["obligations"]) == (
        "below_threshold",
        "2026-10-01",
        [],
    )
    assert {"clause", "fact", "saw", "comparator", "value", "words", "cite", "held"} <= sb53["trace"][
        0
    ].keys()
    assert sb53["trace"][-2]["comparator"] == "gt"
    assert body["barred"] is True


def test_determine_for_people_speaks_both_languages(facts: str) -> None:
    shown = call("determine", facts, "--on", "2026-02-01").stdout
    assert "適用 / applies  JP-FEFTA-INFORM" in shown
    assert "✗ barred JP-FEFTA-INFORM" in shown
    assert "閾値未満 / below_threshold: " in shown
    traced = call("determine", facts, "--on", "2026-02-01", "--trace").stdout
    assert "✗ 2 threshold: operations_with_base 1e26 > 1e26  “greater than 10^26" in traced


def test_determine_a_route(facts: str) -> None:
    body = answer("determine", facts, "--on", "2026-02-01", "--route", "US:US:none,US:JP:weights,JP:SG:api")
    outcomes = [{one["id"]: one["outcome"] for one in leg["instruments"]} for leg in body["legs"]]
    assert [leg["JP-FEFTA-INFORM"] for leg in outcomes] == ["out_of_scope", "out_of_scope", "applies"]


def test_a_fact_that_the_route_replaces_is_said(tmp_path: Path) -> None:
    path = tmp_path / "f.yaml"
    path.write_text("dest: KR\norigin: US\n")
    said = call("determine", str(path), "--on", "2026-02-01", "--route", "US:JP:api").stderr
    assert "replaces the fact dest (KR)" in said
    assert "the fact origin" not in said


def test_a_file_may_hold_facts_beside_a_route(root: Path) -> None:
    preset = str(root / "src" / "mythos" / "cli" / "presets" / "smollm2.yaml")
    body = answer("determine", preset, "--on", "2026-11-23")
    assert [(leg["from"], leg["to"], leg["act"]) for leg in body["legs"]] == [("US", "JP", "weights")]
    assert (body["barred"], body["needs"], body["review"]) == (False, [], [])


def test_a_fact_beside_facts_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "facts.yaml"
    path.write_text("name: a\nroute: US:JP:weights\nfacts: {weights: open}\nmeti_inform: true\n")
    result = call("determine", str(path), "--on", "2026-11-23")
    assert isinstance(result.exception, InputError)
    assert (result.exception.exit_status, result.exception.found) == (2, "meti_inform")
    path.write_text("name: a\nlicence: b\nsource: c\nroute: US:JP:weights\nfacts: {weights: open}\n")
    assert call("determine", str(path), "--on", "2026-11-23").exit_code == 0


def test_user_rules_are_labelled(facts: str) -> None:
    body = answer("determine", facts, "--on", "2026-05-01", "--regimes", str(MINE))
    mine = [one for one in body["instruments"] if one["user"]]
    assert [(one["id"], one["outcome"]) for one in mine] == [("MY-EXPORT-BOARD", "needs_fact")]
    assert "your rule" in call("determine", facts, "--on", "2026-05-01", "--regimes", str(MINE)).stdout


@pytest.mark.parametrize(
    "argv",
    [
        ("--on", "2026-02-30"),
        ("--on", "2026-06-12T17:21:00"),
        ("--on", "2026-02-01", "--route", "US"),
        ("--on", "2026-02-01", "--route", "us:jp:weights"),
        ("--on", "2026-02-01", "--route", "US:JP:parcel"),
        ("--on", "2026-02-01", "--append"),
    ],
)
def test_wrong_calls_are_refused(facts: str, argv: tuple[str, ...]) -> None:
    result = call("determine", facts, *argv)
    assert isinstance(result.exception, MythosError)
    assert result.exception.exit_status == 2
    assert result.exception.expected


def test_cases_exit_status_says_whether_all_held(tmp_path: Path) -> None:
    good = str(MINE / "cases" / "board.yaml")
    assert answer("cases", good, "--regimes", str(MINE)) == {"checked": 5, "passed": 5, "failed": []}
    bad = call("cases", good, "--json")
    assert bad.exit_code == 1
    body = json.loads(bad.stdout)
    assert (body["passed"], body["failed"][0]["got"]) == (0, "unknown instrument")
    assert body["failed"][1].keys() == {"case", "variant", "instrument", "expected", "got"}


def test_lint(tmp_path: Path) -> None:
    assert answer("lint", str(MINE)) == {"problems": []}
    (tmp_path / "rule.yaml").write_text(
        (MINE / "in-house.yaml").read_text(encoding="utf-8"), encoding="utf-8"
    )
    result = call("lint", str(tmp_path))
    assert result.exit_code == 1
    assert "no case before 2026-04-01" in result.stdout


def test_sweep_draws_and_tabulates(facts: str, tmp_path: Path) -> None:
    out = tmp_path / "sweep.svg"
    body = answer("sweep", facts, "--on", "2026-02-01", "--out", str(out))
    assert body["picture"] == str(out)
    assert body["instruments"]["US-CA-SB53"]["compute"][-1] == {"operations": "> 1e26", "outcome": "applies"}
    ET.parse(out)  # noqa: S314 (our own picture)
    assert "US-CA-SB53" in call("sweep", facts, "--on", "2026-02-01").stdout


def test_diff_list_and_facts() -> None:
    changed = answer("diff", "--from", "2026-12-31", "--to", "2027-01-01")["changes"]
    assert [one["instrument"] for one in changed] == ["US-IL-SB315", "US-NY-RAISE-LARGE"]
    assert call("diff", "--from", "2020-01-01", "--to", "2020-01-02").stdout == "nothing changed\n"
    assert len(answer("list")["instruments"]) > 30
    assert answer("facts")["weights"]["one_of"] == ["open", "closed"]
    assert "ops: null" in call("facts").stdout


def test_the_printed_facts_are_a_question_that_states_nothing(tmp_path: Path) -> None:
    path = tmp_path / "facts.yaml"
    path.write_text(call("facts").stdout, encoding="utf-8")
    body = answer("determine", str(path), "--on", "2026-11-23")
    assert body["unknown_facts"] == []
    assert "transfer" in body["needs"]


class FakeLog:
    entries: dict[str, bytes] = {}  # noqa: RUF012

    def __init__(self, address: str) -> None:
        self.address = address

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def append(self, entries: list[bytes], key: str) -> list[Appended]:
        assert self.entries.setdefault(key, entries[0]) == entries[0]
        return [Appended(len(self.entries) - 1, bytes(32), len(self.entries))]


def test_append_signs_keeps_the_document_and_acts_once(
    facts: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    key = SigningKey.generate("owner")
    for folder in (home, home / "owner", home / "owner" / "keys"):
        private_folder(folder)
    write_private(home / "owner" / "keys" / "owner.key", key.to_text().encode())
    monkeypatch.setattr(client, "LogClient", FakeLog)
    monkeypatch.setattr(FakeLog, "entries", {})
    argv = (
        "determine",
        facts,
        "--on",
        "2026-02-01",
        "--append",
        "--weights",
        WEIGHTS,
        "--name",
        "m",
        "--home",
        str(home),
    )
    first, second = answer(*argv), answer(*argv)
    assert first == second
    assert len(FakeLog.entries) == 1
    envelope = Envelope.parse(next(iter(FakeLog.entries.values())))
    statement = envelope.statement()
    made = Determination.of(statement)
    assert envelope.verify([key.verify_key])
    assert str(statement.subjects[0].digest) == WEIGHTS
    assert made.barred
    assert [(leg.from_, leg.to, leg.act) for leg in made.legs] == [("JP", "SG", "transfer")]
    kept = Path(first["path"]).read_bytes()
    assert Digest.of(kept) == made.document == Digest.parse(first["document"])
    assert json.loads(kept)["date"] == "2026-02-01"


def test_weights_must_be_a_digest(facts: str, tmp_path: Path) -> None:
    argv = ("--on", "2026-02-01", "--append", "--weights", "mine", "--name", "m", "--home", str(tmp_path))
    assert isinstance(call("determine", facts, *argv).exception, InputError)


@pytest.mark.parametrize("verb", ["cases", "lint"])
def test_the_shell_sees_the_exit_status(tmp_path: Path, verb: str) -> None:
    path = tmp_path / "cases.yaml"
    path.write_text(
        "cases:\n- {id: a, date: 2026-02-01, facts: {us_state_nexus_ca: true, ops: 1}, "
        "expect: [{instrument: US-CA-SB53, outcome: applies}]}\n"
    )
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "rule.yaml").write_bytes((MINE / "in-house.yaml").read_bytes())
    program = "from mythos.cli import main; main()"
    argv = [str(path)] if verb == "cases" else [str(mine)]
    done = subprocess.run(
        [sys.executable, "-c", program, "regimes", verb, *argv], capture_output=True, check=False, timeout=60
    )
    assert done.returncode == 1, done.stderr
