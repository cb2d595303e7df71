"""The commands as an operator types them: exit statuses, documents, and one evening with a real log service."""

import json
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

import pytest
from click.testing import CliRunner

from mythos.cli import access, directive, keys, trust
from mythos.cli.shared import Home
from mythos.errors import AccessError, InputError, MythosError, NoTrustError
from mythos.evidence.client import LogClient
from mythos.evidence.note import SigningKey
from mythos.evidence.predicates import DirectiveAcknowledgement
from mythos.evidence.statement import Envelope
from mythos.units import Digest, Instant

from . import population
from .made import FAR
from .made import directive as made

# `act_once` leaves its connection to the garbage collector.
pytestmark = pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")

GOLDEN = Path(__file__).parents[1] / "golden" / "access"
BAD = Path(__file__).parents[1] / "bad" / "access"
LETTER, RELIEF, LIFTING = (f"us-bis-2026-06-{day}" for day in (12, 26, 30))
ENTITIES = [{"id": "acme", "name": "Acme", "headquartered_in": "JP", "parent": "none"}, {"id": "initech"}]
PERSONS = [
    {"id": "jp", "citizenships": ["JP"], "permanent_residencies": [], "protected_in": [], "entity": "acme"},
    {"id": "us", "citizenships": ["US"], "entity": "none"},
    {"id": "unsure"},
]


@pytest.fixture
def files(tmp_path):
    for person in PERSONS:
        person["verified_until"] = FAR
    (tmp_path / "persons.jsonl").write_bytes(population.jsonl(PERSONS))
    (tmp_path / "entities.jsonl").write_bytes(population.jsonl(ENTITIES))
    folder = tmp_path / "directives"
    folder.mkdir()
    for name in (LETTER, RELIEF):
        shutil.copy(GOLDEN / f"{name}.yaml", folder)
    return tmp_path


def run(command, *arguments, status=0):
    result = CliRunner().invoke(command, [str(argument) for argument in arguments])
    if isinstance(result.exception, MythosError):
        raise result.exception
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    assert result.exit_code == status, result.output
    return result


def decide(files, at, *more, model="mythos-5"):
    question = ("--model", model, "--act", "access", "--at", at, "--persons", files / "persons.jsonl")
    where = ("--entities", files / "entities.jsonl", "--directives", files / "directives")
    result = run(access.command, "decide", *question, *where, *more)
    return [json.loads(line) for line in result.stdout.splitlines()], result


def test_one_line_a_person_in_order(files):
    answers, result = decide(files, "2026-06-27T00:00:00Z", "--json")
    assert answers == [
        {"id": "jp", "decision": "allow", "reason": "exempt", "directive": None, "needs": [], "cite": "Relief of 26 June 2026, annex A"},
        {"id": "us", "decision": "allow", "reason": "no_directive", "directive": None, "needs": [], "cite": None},
        {
            "id": "unsure",
            "decision": "refuse",
            "reason": "needs_fact",
            "directive": LETTER,
            "needs": ["citizenships", "entity", "permanent_residencies", "protected_in"],
            "cite": "Letter of the Bureau of Industry and Security, 12 June 2026 (15 CFR 744.22; 50 USC 4817(b)(1))",
        },
    ]  # fmt: skip
    assert result.stderr == ""
    people, told = decide(files, "2026-06-27T00:00:00Z")
    assert people == answers
    assert told.stderr.startswith("3 persons; 2 directives in force")


def test_known_at_an_index(files):
    assert decide(files, "2026-06-27T00:00:00Z", "--known-at", 0)[0][0]["reason"] == "refused"
    assert decide(files, "2026-06-27T00:00:00Z", "--known-at", 1)[0][0]["reason"] == "exempt"
    assert decide(files, "2026-06-27T00:00:00Z", "--known-at", -1)[0][0]["reason"] == "no_directive"


def test_lineage(files):
    digest = "sha256:" + "ab" * 32
    lineage = files / "lineage.json"
    lineage.write_text(
        json.dumps(
            {"names": {"fable-5": "sha256:" + "cd" * 32}, "parents": {digest: ["sha256:" + "cd" * 32]}}
        )
    )
    assert decide(files, "2026-06-27T00:00:00Z", model=digest)[0][0]["reason"] == "no_directive"
    assert (
        decide(files, "2026-06-27T00:00:00Z", "--lineage", lineage, model=digest)[0][0]["reason"] == "refused"
    )


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"at": "2026-06-27T00:00:00"}, InputError),
        ({"at": "2026-06-27"}, InputError),
        ({"at": "9999-12-31T23:59:59-00:01"}, InputError),
        ({"model": "*"}, AccessError),
        ({"model": "SHA256:" + "CD" * 32}, AccessError),
        ({"model": "sha256:cd"}, AccessError),
    ],
)
def test_a_wrong_question_decides_nothing(files, change, error):
    with pytest.raises(error) as caught:
        decide(files, **({"at": "2026-06-27T00:00:00Z"} | change))
    assert caught.value.exit_status == 2


def test_a_wrong_file_decides_nothing(files):
    shutil.copy(BAD / "directive" / "uk.yaml", files / "directives")
    with pytest.raises(AccessError):
        decide(files, "2026-06-27T00:00:00Z")


def test_the_real_command_leaves_standard_output_empty_when_a_line_is_wrong(files):
    with (files / "persons.jsonl").open("a") as file:
        file.write('{"id": "late", "citizenships": ["us"]}\n')
    question = ["--model", "m", "--act", "access", "--at", "2026-06-27T00:00:00Z"]
    where = [
        "--persons",
        files / "persons.jsonl",
        "--entities",
        files / "entities.jsonl",
        "--directives",
        files / "directives",
    ]
    done = subprocess.run(
        [sys.executable, "-m", "mythos", "access", "decide", *question, *where, "--json"],
        capture_output=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (2, b"")
    assert b"line 4: citizenships is not a country code; expected ISO 3166-1" in done.stderr


def test_other_files_beside_the_directives_are_told(files):
    (files / "directives" / "notes.txt").write_text("x")
    assert "left alone: notes.txt" in decide(files, "2026-06-27T00:00:00Z")[1].stderr


def test_explain_shows_the_trace(files):
    question = (
        "--model",
        "mythos-5",
        "--act",
        "access",
        "--at",
        "2026-06-27T00:00:00Z",
        "--directives",
        files / "directives",
    )
    where = ("--persons", files / "persons.jsonl", "--entities", files / "entities.jsonl")
    told = json.loads(run(access.command, "explain", *question, *where, "--person", "jp", "--json").stdout)
    assert told["reason"] == "exempt"
    assert told["trace"] == [
        {"directive": LETTER, "asks": "foreign_person_of US", "held": True},
        {"directive": RELIEF, "asks": "entity_in annex-a", "held": True},
    ]
    assert (
        "entity_in annex-a: unknown"
        in run(access.command, "explain", *question, *where, "--person", "unsure").stdout
    )
    with pytest.raises(AccessError, match="no line describes"):
        run(access.command, "explain", *question, *where, "--person", "nobody")


def test_an_imported_table_is_what_decide_reads(files):
    (files / "people.csv").write_text("id,citizenships,permanent_residencies,protected_in\na,JP,none,none\n")
    out = files / "out.jsonl"
    run(access.command, "import", files / "people.csv", "--tenant", "acme", "--out", out)
    assert out.stat().st_mode & 0o777 == 0o600
    [line] = [json.loads(line) for line in out.read_text().splitlines()]
    assert line["id"] == "acme/a"
    assert line["citizenships"] == ["JP"]
    assert Instant.parse(line["verified_until"]).since(Instant.now()) == pytest.approx(180 * 86_400, abs=60)


@pytest.mark.parametrize("data", [b"\xff", b"5", b'{"schemas": [], "id": "\\ud800"}', b"{"])
def test_a_directory_that_is_none_imports_nothing(tmp_path, data):
    (tmp_path / "users.json").write_bytes(data)
    out = tmp_path / "out.jsonl"
    with pytest.raises(AccessError):
        run(access.command, "import", tmp_path / "users.json", "--scim", "--tenant", "t", "--out", out)
    assert not out.exists()


def test_preview_without_a_log(files):
    where = (
        "--persons",
        files / "persons.jsonl",
        "--entities",
        files / "entities.jsonl",
        "--directives",
        files / "directives",
    )
    lifting = GOLDEN / f"{LIFTING}.yaml"
    (files / "sessions.jsonl").write_text('{"person": "unsure", "model": "fable-5"}\n' * 2)
    told = run(
        directive.command,
        "preview",
        lifting,
        *where,
        "--at",
        "2026-06-30T00:00:00Z",
        "--json",
        "--sessions",
        files / "sessions.jsonl",
    )
    document = json.loads(told.stdout)
    tables = {(table["model"], table["act"]): table for table in document["tables"]}
    assert tables["fable-5", "access"]["persons"] == {
        "refused -> allow": 1,
        "allow": 1,
        "needs_fact -> allow": 1,
    }
    assert tables["fable-5", "access"]["sessions"] == {"needs_fact -> allow": 2}
    assert document["clauses"] == [{"clause": "anyone", "true": 3}]
    shown = run(directive.command, "preview", lifting, *where, "--at", "2026-06-30T00:00:00Z").stdout
    assert (
        "access to fable-5, transfer to fable-5: 1 allow, 1 needs_fact -> allow, 1 refused -> allow" in shown
    )


def test_a_model_that_nobody_bears_is_asked_about(files):
    digest = "sha256:" + "ab" * 32
    (files / "lineage.json").write_text(
        json.dumps({"names": {"mythos-5": digest}, "parents": {digest: [digest[:-1] + "c"]}})
    )
    where = ("--persons", files / "persons.jsonl", "--directives", files / "directives", "--json")
    (files / "draft.yaml").write_bytes(
        made("draft", models=["mythos5", "mythos-5", digest, digest[:-1] + "c"]).document
    )
    told = run(
        directive.command, "preview", files / "draft.yaml", *where, "--lineage", files / "lineage.json"
    )
    found = [f["message"] for f in json.loads(told.stdout)["findings"] if f["code"] == "unbound"]
    assert found == ["no identity statement is about 'mythos5': is it spelled so?"]


def test_preview_fails_where_the_linter_does(files):
    (files / "entities.jsonl").write_text("")
    where = (
        "--persons",
        files / "persons.jsonl",
        "--entities",
        files / "entities.jsonl",
        "--directives",
        files / "directives",
    )
    told = run(directive.command, "preview", GOLDEN / f"{RELIEF}.yaml", *where, "--json", status=1)
    assert [f["code"] for f in json.loads(told.stdout)["findings"] if f["level"] == "error"] == ["unmatched"]
    run(directive.command, "preview", GOLDEN / f"{RELIEF}.yaml", *where, "--unmatched")


# With a log.


@pytest.fixture
def home(monkeypatch):
    folder = Path(tempfile.mkdtemp(prefix="mythos-test-"))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(folder))
    home = folder / "home"
    for party, name in [("owner", "owner"), ("owner", "root"), ("owner", "log"), ("host", "host"), ("host", "host-witness"),
                        ("approver-a", "approver-a"), ("approver-b", "approver-b"), ("witness", "witness")]:  # fmt: skip
        run(keys.command, "new", "--as", party, "--name", name, "--home", home)
    run(trust.command, "init", "--home", home)
    with _log_service(home):
        run(trust.command, "publish", "--home", home)
        yield home
    shutil.rmtree(folder)


@contextmanager
def _log_service(home):
    process = subprocess.Popen([sys.executable, "-m", "mythos", "log", "serve", "--home", str(home)])
    try:
        with LogClient(Home(home).address("log")) as probe:
            for _ in range(400):
                try:
                    probe.request("GET", "/healthz")
                    break
                except MythosError:
                    assert process.poll() is None
                    time.sleep(0.02)
        yield
    finally:
        process.terminate()
        process.wait(20)


def at_home(home, command, *arguments, status=0):
    return json.loads(run(command, *arguments, "--home", home, "--json", status=status).stdout)


def acknowledge(home, told, head):
    key = SigningKey.parse((home / "host/keys/host.key").read_text())
    now = Instant.now()
    act = DirectiveAcknowledgement("tokyo", told["index"], head, 3, 2, now, now)
    with LogClient(Home(home).address("log")) as client:
        client.append([Envelope.sign(act.statement(), key).to_bytes()])


def test_a_disposition_names_nobody(home, files):
    pytest.importorskip("rapidfuzz", reason="extra missing: pip install 'mythos-hub[screening]'")
    records = [{"id": "1", "source": "SDN", "name": "Nikita Khrushchev"}]
    (files / "list.json").write_text(json.dumps({"results": records}))
    (files / "names.jsonl").write_text('{"id": "p1", "name": "Nikita Khrushchev"}\n')
    where = ("--list", files / "list.json", "--names", files / "names.jsonl", "--cases", files / "cases")
    [case] = json.loads(run(access.command, "screen", *where, "--json").stdout)["cases"]
    told = at_home(home, access.command, "dispose", case["case"], "--disposition", "false-match")
    assert at_home(home, access.command, "dispose", case["case"], "--disposition", "false-match") == told
    with LogClient(Home(home).address("log")) as client:
        [entry] = client.entries(told["index"], told["index"] + 1)
    assert told["case"] in Envelope.parse(entry).payload.decode()
    for word in ("Khrushchev", "SDN", 'p1"'):
        assert word not in Envelope.parse(entry).payload.decode()
    with pytest.raises(AccessError, match="not a disposition"):
        run(access.command, "dispose", case["case"], "--disposition", "guilty", "--home", home)
    (files / "deep.json").write_text("[" * 100_000)
    for wrong in ("list.json", "deep.json"):
        with pytest.raises(InputError, match="is no case"):
            run(access.command, "dispose", files / wrong, "--disposition", "needs-more", "--home", home)


def test_an_evening(home, files):
    entities = ("--entities", files / "entities.jsonl")
    order = at_home(home, directive.command, "issue", GOLDEN / f"{LETTER}.yaml")
    assert (order["id"], order["effective"]) == (LETTER, "2026-06-12T21:21:00Z")
    assert at_home(home, directive.command, "issue", GOLDEN / f"{LETTER}.yaml") == order
    relief = at_home(home, directive.command, "issue", GOLDEN / f"{RELIEF}.yaml", *entities)
    assert relief["index"] == order["index"] + 1

    changed = files / "changed.yaml"
    changed.write_bytes((GOLDEN / f"{LETTER}.yaml").read_bytes() + b"\n")
    with pytest.raises(AccessError, match="other content"):
        run(directive.command, "issue", changed, "--home", home)
    draft = files / "draft.yaml"
    draft.write_bytes(made("x", who={"entity_in": "a"}, lists={"a": ["ghost"]}).document)
    with pytest.raises(AccessError, match="not issued; found no entity line describes ghost"):
        run(directive.command, "issue", draft, *entities, "--home", home)

    told = at_home(home, directive.command, "status", LETTER)
    assert told["hubs"] == []
    pulled = files / "pulled"
    at_home(home, directive.command, "pull", "--out", pulled)
    assert [path.name for path in sorted(pulled.iterdir())] == [
        f"{order['index']:012d}.{LETTER}.yaml",
        f"{relief['index']:012d}.{RELIEF}.yaml",
    ]
    held = access.fetch_ledger(Home(home), None).held
    acknowledge(home, relief, held.head)
    told = at_home(home, directive.command, "status", LETTER)
    assert [
        (hub["hub"], hub["streams_cut"], hub["persons_refused"], hub["state"]) for hub in told["hubs"]
    ] == [("tokyo", 3, 2, "green")]
    assert told["complete"] is True
    assert "tokyo: green" in run(directive.command, "status", LETTER, "--home", home).stdout
    acknowledge(home, relief, Digest(bytes(32)))
    assert at_home(home, directive.command, "status", LETTER)["complete"] is False

    report = at_home(
        home, access.command, "report", "--model", "mythos-5", "--from", "2026-06-01T00:00:00Z", "--to", "2029-01-01T00:00:00Z",
        "--persons", files / "persons.jsonl", *entities,
    )  # fmt: skip
    spans = {person["id"]: [span["reason"] for span in person["spans"]] for person in report["persons"]}
    assert spans == {
        "jp": ["no_directive", "refused", "exempt"],
        "us": ["no_directive"],
        "unsure": ["no_directive", "needs_fact", "needs_fact"],  # the relief asks for one fact more
    }
    assert report["head"] == str(held.head)


def test_a_confidential_text_stays_out_of_the_log(home, files):
    draft = files / "secret.yaml"
    secret = made("secret-order", text="confidential", source="nobody may read this sentence")
    draft.write_bytes(secret.document)
    told = at_home(home, directive.command, "issue", draft)
    with LogClient(Home(home).address("log")) as client:
        [entry] = client.entries(told["index"], told["index"] + 1)
    assert Envelope.parse(entry).statement().predicate["document"] is None
    ledger = access.fetch_ledger(Home(home), None)
    assert ledger.held.law.by_id["secret-order"].source == "nobody may read this sentence"


def test_what_the_log_does_not_know(home):
    with pytest.raises(AccessError, match="holds no directive"):
        run(directive.command, "status", "nothing", "--home", home)


def test_without_a_policy_or_a_key_nothing_is_read_or_signed(home, tmp_path):
    with pytest.raises(NoTrustError, match="trust init"):
        run(directive.command, "status", LETTER, "--home", tmp_path / "nowhere")
    with pytest.raises(InputError, match="mythos keys new"):
        run(
            directive.command,
            "issue",
            GOLDEN / f"{LETTER}.yaml",
            "--as",
            "witness",
            "--name",
            "none",
            "--home",
            home,
        )


def test_records_are_proven_and_replayed(home, files):
    from mythos.access.decide import Decider
    from mythos.access.people import Entities, person
    from mythos.access.record import Record, minute_root

    with LogClient(Home(home).address("log")) as client:
        ledger = access.fetch_ledger(Home(home), None)
        decider, lo = Decider(ledger.held.law, Entities.of([]), ledger.lineage_at(ledger.size)), Instant.now()
        records = []
        for line in PERSONS:
            one = person(line | {"verified_until": FAR})
            answer = decider.decide(one, "mythos-5", "access", lo, lo)
            records.append(
                Record.of(
                    ledger.held, Entities.of([]), one, answer,
                    hub="osaka", request=f"req-{one.id}", model="mythos-5", act="access", lo=lo, hi=lo, log_size=ledger.size,
                )
            )  # fmt: skip
        key = SigningKey.parse((home / "host/keys/host.key").read_text())
        client.append([Envelope.sign(minute_root(records).statement(), key).to_bytes()])
    path = files / "records.jsonl"
    path.write_bytes(b"".join(record.to_bytes() + b"\n" for record in records))
    question = (
        "report",
        "--model",
        "mythos-5",
        "--from",
        "2026-06-01T00:00:00Z",
        "--to",
        "2026-06-02T00:00:00Z",
    )
    told = at_home(home, access.command, *question, "--records", path)
    assert told["replay"] == {"records": 3, "same": 3, "different": [], "problems": []}
    proof = files / "proof.json"
    run(access.command, "prove", "req-us", "--records", path, "--out", proof)
    assert at_home(home, access.command, "check", proof)["id"] == "us"
    path.write_bytes(b"".join(record.to_bytes() + b"\n" for record in records[1:]))
    told = at_home(home, access.command, *question, "--records", path, status=1)
    assert "2 records shown are not the 3" in told["replay"]["problems"][0]
