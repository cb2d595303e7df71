"""`mythos up`: five parties on one machine take a real model through its whole life, and then serve it."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import signal
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import click
from rich.console import Console

from mythos import strict_yaml
from mythos.cli.life import APPROVERS, GRANT_DAYS, Life, sealed_folder
from mythos.cli.processes import refuse_shadowed_package
from mythos.cli.question import ask
from mythos.cli.question import receipt as fetch_receipt
from mythos.cli.shared import Home, emit, home_option, json_option
from mythos.errors import InputError, MachineError, ProcessError
from mythos.files import private_folder, read_private, write_atomic, write_private
from mythos.units import Bytes, Digest, Instant

PRESETS: Final = Path(__file__).parent / "presets"
TINY: Final = "tiny"
GREETING: Final = "Say hello."
TOKENS: Final = 32
SOON: Final = 3600.0
"""A grant that ends within so many seconds is not started on; a new one is asked for."""

ORGANISATIONS: Final = (
    ("owner", "Developer"),
    ("root", "Developer"),
    ("approver-a", "Developer"),
    ("approver-b", "Regulator"),
    ("host", "Regional operator"),
)
PARTY_KEYS: Final = (
    ("owner", "owner", False),
    ("owner", "log", False),
    ("owner", "root", False),
    ("approver-a", "approver-a", True),
    ("approver-b", "approver-b", True),
    ("host", "host", False),
    ("host", "host-witness", False),
    ("witness", "witness", False),
)


@click.command()
@home_option
@click.option(
    "--port", type=click.IntRange(1, 65535), default=8642, show_default=True, help="Where on 127.0.0.1."
)
@click.option(
    "--model", default="smollm2", show_default=True, metavar="smollm2|tiny|PATH", help="Which model."
)
@click.option(
    "--facts",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Facts of PATH, for the law.",
)
@click.option(
    "--data", "data", multiple=True, metavar="NAME=FOLDER",
    help="A folder to ask at /v1/ask; its catalog.yaml lists the person `first`. Repeatable.",
)  # fmt: skip
@click.option("--region", metavar="CC", help="The country where it is; needed where data has records.yaml.")
@click.option(
    "--once", "prompt", metavar="PROMPT", help="Ask one question, check its receipt, export, verify, end."
)
@json_option
def command(
    home: Home, port: int, model: str, facts: Path | None, data: Sequence[str], region: str | None,
    prompt: str | None, as_json: bool,
) -> None:  # fmt: skip
    r"""Take a model through its whole life on this machine, then serve it.

    \b
    mythos up
    mythos up --once "What is a witness?" --json
    mythos up --home /srv/mythos --port 9000 --model ./my-model.gguf --facts facts.yaml
    mythos up --data company=./company
    """
    refuse_shadowed_package()
    _refuse_lacking_machine(home, port)
    life = Life.of(home, Console(stderr=True))
    started = time.monotonic()
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    lock = _alone(home)
    try:
        _prepare(life)
        weights = _become_known(life, model, facts)
        _seal_and_grant(life, weights)
        key, first = _api_key(life)
        _serve(life, weights, port, data, region)
        ready = round(time.monotonic() - started, 3)
        question = prompt if prompt is not None else GREETING
        document = _answered(life, port, key, question, TOKENS if prompt is not None else 8)
        document["ready_s"] = ready
        if prompt is not None:
            emit(document, as_json=as_json, line=document["answer"])
        else:
            _stay(life, port, key, first=first, pages=bool(data))
    except KeyboardInterrupt:
        life.console.print("\nStopping: the engine is wiped first, the log closes last.", style="dim")
    finally:
        life.household.stop()
        shutil.rmtree(home.runtime, ignore_errors=True)
        os.close(lock)


def _interrupt(_number: int, _frame: object) -> None:
    raise KeyboardInterrupt


def _alone(home: Home) -> int:
    """Hold the home: a second `mythos up` would take the sockets of the first. Returns the lock."""
    lock = os.open(private_folder(home.path) / "up.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(lock)
        raise InputError(
            f"another `mythos up` runs on {home.path}", advice="Stop it, or choose another --home."
        ) from error
    return lock


def _refuse_lacking_machine(home: Home, port: int) -> None:
    from mythos.engines.machine import examine

    lacking = [finding for finding in examine(home.path, port) if finding.verdict == "lacking"]
    if lacking:
        first = lacking[0]
        raise MachineError(f"this machine lacks: {first.name}", found=first.found, advice=first.advice)


def _prepare(life: Life) -> None:
    home = life.home
    life.console.print(
        "[bold]Parties[/] owner, approver-a, approver-b, host, witness: a home and keys of its own each",
        soft_wrap=True,
    )
    for party, name, hpke in PARTY_KEYS:
        life.once(f"key {name}", "keys", "new", "--as", party, "--name", name, *(["--hpke"] if hpke else []))
    who = [part for name, org in ORGANISATIONS for part in ("--organisation", f"{name}={org}")]
    life.once("trust", "trust", "init", *who)
    witness, host_witness = home.address("witness"), home.address("host-witness")
    life.service("witness", witness, "witness", "serve", "--as", "witness")
    life.service("host-witness", host_witness, "witness", "serve", "--as", "host", "--name", "host-witness")
    life.service(
        "log",
        home.address("log"),
        "log",
        "serve",
        "--as",
        "owner",
        "--witness",
        witness,
        "--witness",
        host_witness,
    )
    life.once("trust published", "trust", "publish")
    for approver in APPROVERS:
        life.service(
            f"release-{approver}", home.address(f"release-{approver}"), "release", "serve", "--as", approver
        )


def _become_known(life: Life, model: str, facts: Path | None) -> str:
    """Steps 1 to 4: the model, its identity, its compute, the law. Returns the weights' digest."""
    preset = _preset(model)
    with life.step(1, "Model") as fact:
        found = _trained(life) if model == TINY else _fetched(life, model)
        fact(f"{Path(found['path']).name}, {Bytes(found['bytes']).human}, {found['digest'][:19]}…")
    name: str = preset.get("name", found["name"])
    with life.step(2, "Identity") as fact:
        licence = ["--licence", preset["licence"]] if "licence" in preset else []
        identify = ("model", "identify", found["path"], "--name", name, *licence)
        weights: str = life.once(f"identity {found['weights']}", *identify)["weights"]
        life.keep("serving", {"weights": weights, "name": name, "path": found["path"]})
        fact(f"the weights are named {weights[:26]}… from here on")
    with life.step(3, "Compute") as fact:
        if model == TINY:
            fact(f"{found['said']}; executed {found['executed']}")
        elif preset:
            declare = ("compute", "declare", "--weights", weights, "--name", name, "--preset", model)
            compute = life.once(f"compute {weights}", *declare)
            fact(f"{compute['flop']} FLOP, {compute['method']} by others, not counted by us")
        else:
            known = life.command("compute", "lineage", weights)
            unknown = "unknown, and shown as unknown: see `mythos compute declare --help`"
            spent = f"{known['total']} FLOP, those of what it was made from among them"
            fact(spent if known["complete"] else unknown)
    with life.step(4, "Determination") as fact:
        today = datetime.now(UTC).date().isoformat()
        file = facts or _facts_of(life, model, found)
        subject = ("--weights", weights, "--name", name)
        determine = ("regimes", "determine", str(file), "--on", today, "--append", *subject)
        stated = Digest.of(file.read_bytes())  # a file that was corrected is another question
        law = life.once(f"determination {weights} {today} {stated}", *determine)
        life.keep("determination", {"index": law["index"]})
        binding = [item["id"] for item in law["instruments"] if item["outcome"] == "applies"]
        fact(
            f"US to JP on {today}: of {len(law['instruments'])} instruments, "
            f"applying: {', '.join(binding) or 'none'}"
        )
    return weights


def _fetched(life: Life, model: str) -> dict[str, Any]:
    return life.once(f"model {model}", "model", "fetch", model, show_progress=True)


def _trained(life: Life) -> dict[str, Any]:
    """Train the project's own architecture, its compute counted; a run that was killed goes on."""
    out = life.home.party("owner") / "trained" / TINY
    resume = ["--resume"] if out.exists() else []
    return life.once("model tiny", "train", TINY, "--out", str(out), *resume, show_progress=True)


def _preset(model: str) -> dict[str, Any]:
    path = PRESETS / f"{model}.yaml"
    return strict_yaml.loads(path.read_bytes(), where=path.name) if path.exists() else {}


def _facts_of(life: Life, model: str, found: dict[str, Any]) -> Path:
    path = PRESETS / f"{model}.yaml"
    if not path.exists():
        raise InputError(
            "the law cannot be determined without facts about this model",
            expected="--facts FILE",
            found="none",
            advice=f"Copy {PRESETS / 'smollm2.yaml'} and change what differs; unknown is not allowed.",
        )
    if model != TINY:
        return path
    counted = private_folder(life.home.party("owner") / "facts") / path.name
    lines = f"  ops: {found['executed']}\n  flop: {found['executed']}\n"
    write_atomic(counted, path.read_bytes() + lines.encode())
    return counted


def _seal_and_grant(life: Life, weights: str) -> None:
    """Steps 5 and 6: sealed for this hub; two organisations approve one exact release."""
    serving, folder = life.facts["serving"], sealed_folder(life.home, weights)
    name, path = serving["name"], serving["path"]
    with life.step(5, "Seal") as fact:
        seal = life.once(
            f"seal {weights}", "seal", path, "--out", str(folder), "--weights", weights, "--name", name
        )
        fact(
            f"{Bytes(seal['bytes']).human} of ciphertext in {seal['seconds']:.1f} s; "
            "its keys stay with the owner"
        )
    with life.step(6, "Approve and grant") as fact:
        grant = life.facts.get(f"grant {weights}")
        if grant is None or Instant.parse(grant["notAfter"]).since(Instant.now()) < SOON:
            grant = _grant(life, weights, name, folder)
        fact(f"{' and '.join(grant['organisations'])} approved; granted until {grant['notAfter']}")


def _grant(life: Life, weights: str, name: str, folder: Path) -> dict[str, Any]:
    request = private_folder(life.home.party("owner") / "requests") / f"{weights[7:23]}.json"
    life.command(
        *("grant", "request", "--weights", weights, "--name", name, "--sealed", str(folder), "--hub", "host"),
        *("--determination", str(life.facts["determination"]["index"]), "--days", str(GRANT_DAYS)),
        *("--out", str(request)),
    )
    for approver in APPROVERS:
        life.command("grant", "approve", str(request), "--as", approver, "--yes")
    return life.keep(f"grant {weights}", life.command("grant", "issue", str(request)))


def _serve(life: Life, weights: str, port: int, data: Sequence[str], region: str | None) -> None:
    """Step 7: the engine gets its shares and a lease, and opens the weights in memory."""
    asked = [part for item in data for part in ("--data", item)] + (["--region", region] if region else [])
    with life.step(7, "Release and lease") as fact:
        grant = life.facts[f"grant {weights}"]["grant"]
        life.service(
            "hub",
            f"http://127.0.0.1:{port}/readyz",
            *("serve", "--as", "host", "--grant", grant, "--sealed", str(sealed_folder(life.home, weights))),
            *("--port", str(port), *asked),
        )
        fact("both approvers handed over; the engine opened the weights in memory, no disk saw them")


def _api_key(life: Life) -> tuple[str, bool]:
    """The tenant's API key, and whether it was made just now (it is shown once)."""
    path = private_folder(life.home.path / "tenant") / "api.key"
    if path.exists():
        return read_private(path).decode(), False
    key: str = life.command("serve-key", "new", "--name", "first")["key"]
    write_private(path, key.encode())
    return key, True


def _answered(life: Life, port: int, key: str, prompt: str, max_tokens: int) -> dict[str, Any]:
    """Steps 8 to 10: one question over HTTP, its receipt checked, the dossier exported and verified."""
    with life.step(8, "Serve") as fact:
        answer = ask(port, key, prompt, max_tokens=max_tokens)
        fact(
            f"{answer.tokens} tokens, the first after {answer.first_token_s:.2f} s: "
            f"{answer.text.strip()[:60]!r}"
        )
    with life.step(9, "Receipt") as fact:
        folder = private_folder(life.home.path / "receipts")
        receipt, text = folder / f"{answer.receipt}.json", folder / f"{answer.receipt}.answer"
        write_atomic(receipt, fetch_receipt(port, key, answer.receipt))
        write_atomic(text, answer.text.encode())
        checked = life.command("verify", str(receipt), "--answer", str(text))
        fact(f"the answer is the one committed, cosigned by {', '.join(checked['witnesses'])}")
    with life.step(10, "Dossier") as fact:
        weights: str = life.facts["serving"]["weights"]
        out = life.home.path / "dossier"
        exported = life.command("dossier", "export", "--weights", weights, "--out", str(out))
        verified = life.command("verify", exported["dossier"])
        fact(f"{verified['acts']} acts, verified offline with {life.home.policy}")
    return {
        "answer": answer.text,
        "weights": weights,
        "receipt": str(receipt),
        "dossier": exported["dossier"],
        "verified": bool(checked["verified"] and verified["verified"]),
        "first_token_s": round(answer.first_token_s, 3),
        "tokens": answer.tokens,
    }


def _stay(life: Life, port: int, key: str, *, first: bool, pages: bool) -> None:
    say = life.console.print
    say(f"\n[bold]Serving[/] http://127.0.0.1:{port}/v1    Ctrl-C stops everything")
    if first:
        say(f"API key, shown this once: [bold]{key}[/]", highlight=False, soft_wrap=True)
    name = life.facts["serving"]["name"]
    body = json.dumps({"model": name, "messages": [{"role": "user", "content": "What is a witness?"}]})
    say(
        f"curl http://127.0.0.1:{port}/v1/chat/completions -H \"Authorization: Bearer $KEY\" -d '{body}'",
        highlight=False,
        soft_wrap=True,
        markup=False,
    )
    if pages:
        say(f"Ask your data: http://127.0.0.1:{port}/console/ask", highlight=False)
    say(f"Dossier: {life.home.path / 'dossier' / 'dossier.html'}", highlight=False)
    while (ended := life.household.ended()) is None:
        time.sleep(0.5)
    raise ProcessError(f"the service {ended} ended: {life.household.last_words(ended)}")
