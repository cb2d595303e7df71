"""`mythos compute` as an operator calls it: one document on standard output, the contract's exit statuses."""

import base64
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from mythos.cli import compute
from mythos.compute import Counts, Ledger, Work
from mythos.errors import InputError, MythosError
from mythos.evidence import Appended, Envelope, SigningKey
from mythos.evidence.predicates import TrainingCompute
from mythos.units import Digest

from .family import Family, weights

SMALL = {
    "params": 1.25e8, "layers": 12, "d_model": 768, "heads": 12, "kv_heads": 12, "head_dim": 64, "d_ff": 3072,
    "gated": 0, "d_ff_active": 3072, "vocab": 50257, "seq_len": 2048, "note": "GPT-3 Small",
}  # fmt: skip


def answer(*arguments: str) -> Any:
    done = CliRunner().invoke(compute.command, [*arguments, "--json"], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


def shape(folder: Path, **changes: Any) -> str:
    path = folder / "arch.json"
    path.write_text(json.dumps(SMALL | changes))
    return str(path)


def test_estimate(tmp_path: Path) -> None:
    found = answer("estimate", "--arch", shape(tmp_path), "--tokens", "3e11", "--convention", "6nd")
    assert found["flop"] == str(6 * 125 * 10**6 * 3 * 10**11)
    assert found["convention"] == "6nd"
    assert found["terms"] == {"params": found["flop"]}
    assert found["unread"] == ["note"]
    full = answer(
        "estimate", "--arch", shape(tmp_path), "--tokens", "300000000000", "--convention", "exact-full"
    )
    assert sum(map(int, full["terms"].values())) == int(full["flop"])


@pytest.mark.parametrize(
    ("changes", "tokens", "convention"),
    [
        ({"params": -1}, "10", "6nd"),
        ({"params": 1.5}, "10", "6nd"),
        ({"active_params": 1.3e8}, "10", "6nd"),
        ({}, "-5", "6nd"),
        ({}, "many", "6nd"),
        ({}, "1e400", "6nd"),
        ({}, "10", "8nd"),
        ({"layers": None}, "10", "exact-full"),
        ({"seq_len": 10**30}, "10", "exact-full"),
    ],
)
def test_bad_input_is_status_2_and_says_so(
    tmp_path: Path, changes: Any, tokens: str, convention: str
) -> None:
    arguments = [
        "estimate",
        "--arch",
        shape(tmp_path, **changes),
        "--tokens",
        tokens,
        "--convention",
        convention,
    ]
    done = subprocess.run(
        [sys.executable, "-m", "mythos", "compute", *arguments], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("mythos: ")


@pytest.mark.parametrize("text", ["[", "[1]", '{"params": 1, "params": 2}', '{"params": NaN}', "[" * 5000])
def test_a_file_that_is_no_architecture(tmp_path: Path, text: str) -> None:
    path = tmp_path / "arch.json"
    path.write_text(text)
    with pytest.raises(InputError):
        answer("estimate", "--arch", str(path), "--tokens", "1", "--convention", "6nd")


def test_hardware() -> None:
    found = answer(
        "hardware", "--devices", "1", "--seconds", "1332000000", "--peak", "989e12", "--utilisation", "0.5"
    )
    assert found["flop"] == "658674000000000000000000"


@pytest.fixture
def sent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, bytes]]:
    """What would have gone to the log, with its key."""
    keys = tmp_path / "home" / "owner" / "keys"
    keys.mkdir(parents=True, mode=0o700)
    (tmp_path / "home").chmod(0o700)
    (tmp_path / "home" / "owner").chmod(0o700)
    (keys / "owner.key").write_text(SigningKey.generate("owner").to_text())
    (keys / "owner.key").chmod(0o600)
    found: list[tuple[str, bytes]] = []

    def act_once(_home: object, _party: str, _log: str | None, key: str, make: Any) -> Appended:
        found.append((key, make()))
        return Appended(len(found) - 1, b"", len(found))

    monkeypatch.setattr(compute, "act_once", act_once)
    return found


def statement(sent: list[tuple[str, bytes]]) -> TrainingCompute:
    return TrainingCompute.of(Envelope.parse(sent[-1][1]).statement())


def test_declare_what_was_published(tmp_path: Path, sent: list[tuple[str, bytes]]) -> None:
    model = str(weights("smollm2"))
    home = ("--weights", model, "--name", "SmolLM2", "--home", str(tmp_path / "home"))
    found = answer("declare", "--preset", "smollm2", *home)
    assert found["flop"] == str(6 * 134_515_008 * 2 * 10**12) == "1614180096000000000000"
    assert (found["method"], found["convention"], found["index"]) == ("declared", "6nd", 0)
    said = statement(sent)
    assert (said.method, said.parameters, said.tokens) == ("declared", 134_515_008, 2 * 10**12)
    assert all(
        source.url.startswith("https://") and source.read_on == "2026-11-23" for source in said.sources
    )
    again = answer("declare", "--preset", "smollm2", *home)
    assert again["flop"] == found["flop"]
    assert sent[0][0] == sent[1][0], "the same act has the same key"
    cited = ("--source", "A paper|https://example.org/paper|2026-01-02")
    answer("declare", "--params", "1e9", "--tokens", "2e10", *cited, *home)
    assert statement(sent).model_flop == 6 * 10**9 * 2 * 10**10


def test_unknown_is_said_and_logs_nothing(sent: list[tuple[str, bytes]]) -> None:
    found = answer("declare", "--unknown", "--weights", str(weights("x")), "--name", "x")
    assert (found["flop"], found["method"], found["index"], sent) == (None, "unknown", None, [])


def test_declare_what_a_ledger_counted(tmp_path: Path, sent: list[tuple[str, bytes]]) -> None:
    path = tmp_path / "run.ledger"
    with Ledger.create(path, run="r") as ledger:
        ledger.append(
            Work(Counts(forward=10, model=30), tokens=7, energy_uj=3_600_000_000, energy_method="rapl")
        )
    home = ("--weights", str(weights("m")), "--name", "m", "--home", str(tmp_path / "home"))
    found = answer("declare", "--ledger", str(path), *home)
    assert (found["flop"], found["method"], found["complete"]) == ("30", "replayed", True)
    said = statement(sent)
    assert (said.energy_watt_hours, said.energy_method, said.tokens) == ("1.000000", "rapl", 7)
    assert said.started_at is not None
    assert said.started_at <= (said.ended_at or said.started_at)


@pytest.mark.parametrize(
    "arguments",
    [
        ("--preset", "nobody"),
        (),
        ("--unknown", "--preset", "smollm2"),
        ("--tokens", "5"),
        ("--tokens", "5", "--params", "5"),
        ("--tokens", "5", "--params", "5", "--source", "only a title"),
        ("--tokens", "5", "--params", "5", "--source", "a|https://b.example|yesterday"),
        ("--tokens", "5", "--params", "5", "--source", "a|https://b.example|2026-02-30"),
        ("--tokens", "5", "--params", "5", "--source", "a|javascript:b|2026-02-03"),
    ],
)
def test_a_declaration_without_a_ground_is_refused(arguments: tuple[str, ...], sent: object) -> None:
    with pytest.raises(InputError):
        answer("declare", "--weights", str(weights("x")), "--name", "x", *arguments)
    assert sent == []


def test_ledgers_are_checked_and_added(tmp_path: Path) -> None:
    for rank in (0, 1):
        with Ledger.create(tmp_path / f"r{rank}", run="r", rank=rank, world=2) as ledger:
            ledger.append(Work(Counts(forward=10, model=30), unregistered=("x::y",)))
    found = answer("ledger", str(tmp_path / "r0"), str(tmp_path / "r1"))
    assert (found["model_flop"], found["complete"], found["unregistered"]) == ("60", False, ["x::y"])
    assert [run["rank"] for run in found["runs"]] == [0, 1]
    with pytest.raises(MythosError, match="two ledgers"):
        answer("ledger", str(tmp_path / "r0"), str(tmp_path / "r0"))


def test_a_rank_without_a_ledger_is_said_and_never_declared_whole(
    tmp_path: Path, sent: list[tuple[str, bytes]]
) -> None:
    paths = [str(tmp_path / f"r{rank}") for rank in (0, 1)]
    for rank, path in enumerate(paths):
        with Ledger.create(Path(path), run="r", rank=rank, world=2) as ledger:
            ledger.append(Work(Counts(forward=10 + rank, model=30 + rank), tokens=5))
    found = answer("ledger", paths[0])
    assert (found["complete"], found["missing"], answer("ledger", *paths)["missing"]) == (False, ["r: 1"], [])
    home = ("--weights", str(weights("m")), "--name", "m", "--home", str(tmp_path / "home"))
    found = answer("declare", "--ledger", paths[0], *home)
    assert (found["flop"], found["complete"]) == ("30", False)
    assert statement(sent).uncertainty_percent is None
    found = answer("declare", "--ledger", paths[0], "--ledger", paths[1], *home)
    assert (found["flop"], found["complete"], found["tokens"]) == ("61", True, "10")
    with pytest.raises(MythosError, match="two ledgers"):
        answer("declare", "--ledger", paths[0], "--ledger", paths[0], *home)


def test_an_original_is_held_against_somebodys_limit(tmp_path: Path) -> None:
    chosen = (
        str(weights("tuned")),
        "--from",
        dossier(tmp_path, Family()),
        "--original",
        str(weights("base")),
    )
    with pytest.raises(InputError, match="without a limit"):
        answer("lineage", *chosen)


def test_a_key_that_signed_nothing_is_not_verified(tmp_path: Path) -> None:
    key, other = SigningKey.generate("owner"), SigningKey.generate("owner")
    with Ledger.create(tmp_path / "run", run="r", key=key) as ledger:
        ledger.append(Work(Counts(forward=1, model=3)))
        ledger.snapshot()
    for chosen, status in ((str(key.verify_key), 0), (str(other.verify_key), 1), ("junk", 2)):
        done = CliRunner().invoke(compute.command, ["ledger", str(tmp_path / "run"), "--key", chosen])
        error = done.exception
        assert (error.exit_status if isinstance(error, MythosError) else done.exit_code) == status


def dossier(folder: Path, family: Family) -> str:
    path = folder / "dossier.json"
    entries = [base64.b64encode(envelope.to_bytes()).decode() for envelope in family.envelopes]
    path.write_text(json.dumps({"entries": entries}))
    return str(path)


def test_lineage(tmp_path: Path) -> None:
    family = Family().spent("base", 9 * 10**24, by="lab").spent("tuned", 4 * 10**24, by="owner")
    family.made("tuned", "adapt", "base")
    chosen = (str(weights("tuned")), "--from", dossier(tmp_path, family))
    everything = answer("lineage", *chosen)
    assert (everything["total"], everything["complete"]) == (str(13 * 10**24), True)
    assert [part["name"] for part in everything["parts"]] == ["tuned", "base"]
    pictures = ("--svg", str(tmp_path / "l.svg"), "--mermaid", str(tmp_path / "l.mmd"))
    systemic = answer("lineage", *chosen, "--regime", "EU-GPAI-SR", *pictures)
    assert systemic["total"] == str(13 * 10**24)
    assert (tmp_path / "l.svg").read_text().startswith("<svg")
    assert (tmp_path / "l.mmd").read_text().startswith("graph TD")
    change = answer("lineage", *chosen, "--regime", "EU-MODIFIER", "--original", str(weights("base")))[
        "modification"
    ]
    assert (change["added"], change["before"], change["limits"][0]["held"]) == (
        str(4 * 10**24),
        str(9 * 10**24),
        True,
    )
    assert change["facts"]["base_flop"] == str(9 * 10**24)


def test_lineage_with_facts_and_without_knowledge(tmp_path: Path) -> None:
    family = Family().spent("m", 100, by="owner").made("m", "synthetic", generator="g")
    facts = tmp_path / "facts.yaml"
    facts.write_text("gen_ops: 40\nsynth_published: false\ngen_published: true\ncolour: blue\n")
    chosen = (str(weights("m")), "--from", dossier(tmp_path, family))
    found = answer("lineage", *chosen, "--regime", "US-EAR-4E091", "--facts", str(facts))
    assert (found["total"], found["complete"], found["unread"]) == ("140", True, ["colour"])
    nothing = answer("lineage", str(weights("stranger")), "--from", dossier(tmp_path, Family()))
    assert (nothing["total"], nothing["complete"], nothing["most"]) == ("0", False, None)


@pytest.mark.parametrize(
    "arguments",
    [
        ("not-a-digest",),
        (str(Digest.of(b"x")), "--regime", "NO-SUCH"),
        (str(Digest.of(b"x")), "--regime", "JP-COPYRIGHT-30-4"),
    ],
)
def test_wrong_calls_of_lineage(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    with pytest.raises(MythosError):
        answer("lineage", *arguments, "--from", dossier(tmp_path, Family()))


def test_people_get_lines(tmp_path: Path) -> None:
    family = Family().spent("base", 5).spent("tuned", 1).made("tuned", "adapt", "base", "nobody")
    done = CliRunner().invoke(
        compute.command, ["lineage", str(weights("tuned")), "--from", dossier(tmp_path, family)]
    )
    assert done.stdout.splitlines()[0] == "6 FLOP at least; incomplete"
    assert f"needed: training compute of {weights('nobody')}" in done.stdout
