"""The commands of this room as an operator types them, in one home, with real processes for the services."""

import json
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from mythos.cli import keys, log, trust, verify, witness
from mythos.cli.shared import Home
from mythos.errors import InputError, MythosError, NoTrustError
from mythos.evidence.client import LogClient
from mythos.evidence.note import COSIGNATURE, NOTE, SigningKey, VerifyKey
from mythos.evidence.policy import Policy
from mythos.units import Digest

from . import samples


@pytest.fixture
def home(monkeypatch):
    folder = Path(tempfile.mkdtemp(prefix="mythos-test-"))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(folder))
    yield folder / "home"
    shutil.rmtree(folder)


def _run(command, *arguments, home) -> Any:
    result = CliRunner().invoke(command, [*map(str, arguments), "--home", str(home), "--json"])
    if isinstance(result.exception, MythosError):
        raise result.exception
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return json.loads(result.stdout) if result.stdout else result.stderr


def _all_keys(home):
    for party, name in (
        ("owner", "owner"),
        ("owner", "log"),
        ("owner", "root"),
        ("approver-a", "approver-a"),
        ("approver-b", "approver-b"),
        ("host", "host"),
        ("host", "host-witness"),
        ("witness", "witness"),
    ):
        _run(keys.command, "new", "--as", party, "--name", name, home=home)


def test_a_key_is_made_once_and_kept_private(home):
    made = _run(keys.command, "new", "--as", "owner", "--name", "log", "--key-name", "log.example", home=home)
    assert _run(keys.command, "new", "--as", "owner", "--name", "log", home=home) == made
    path = Path(made["path"])
    assert path.stat().st_mode & 0o777 == 0o600
    assert str(SigningKey.parse(path.read_text()).verify_key) == made["key"]
    assert VerifyKey.parse(made["key"]).kind == NOTE
    cosigner = _run(keys.command, "new", "--as", "host", "--name", "host-witness", home=home)
    assert VerifyKey.parse(cosigner["key"]).kind == COSIGNATURE
    chosen = _run(keys.command, "new", "--as", "host", "--name", "w2", "--kind", "cosigner", home=home)
    assert VerifyKey.parse(chosen["key"]).kind == COSIGNATURE
    assert len(_run(keys.command, "list", home=home)["keys"]) == 3


def test_a_key_for_shares_comes_with_it(home):
    made = _run(keys.command, "new", "--as", "approver-a", "--hpke", home=home)
    again = _run(keys.command, "new", "--as", "approver-a", "--hpke", home=home)
    assert made == again
    assert len(made["hpke"]["publicKey"]) > 1000
    assert (home / "approver-a/keys/approver-a.hpke").stat().st_mode & 0o777 == 0o600


def test_an_empty_home_says_what_to_do(home):
    for command, error, advice in (
        ((keys.command, "list"), InputError, "mythos keys new"),
        ((trust.command, "init"), InputError, "mythos keys new"),
        ((trust.command, "publish"), InputError, "mythos trust init"),
    ):
        with pytest.raises(error, match=advice):
            _run(*command, home=home)
    for command in (log.command, witness.command):
        result = CliRunner().invoke(command, ["serve", "--home", str(home)])
        assert isinstance(result.exception, NoTrustError)


def test_a_trust_root_is_drafted_and_signed_once(home):
    _all_keys(home)
    made = _run(trust.command, "init", "--organisation", "approver-b=Ministry", home=home)
    assert made["version"] == 1
    assert len(made["signers"]) == 3
    assert _run(trust.command, "init", home=home) == made
    policy = Policy.parse((home / "trust.policy").read_bytes())
    assert (policy.threshold, len(policy.roots), sorted(policy.witnesses)) == (
        2,
        3,
        ["host-witness", "witness"],
    )
    built = _run(verify.command, "--archive", home / "v.pyz", home=home)
    assert made["verifier"] == built["digest"] == str(Digest.of((home / "v.pyz").read_bytes()))


@contextmanager
def _service(*arguments, home, address):
    process = subprocess.Popen([sys.executable, "-m", "mythos", *arguments, "--home", str(home)])
    try:
        with LogClient(address) as probe:
            for _ in range(400):
                try:
                    probe.request("GET", "/healthz")
                    break
                except MythosError:
                    assert process.poll() is None
                    time.sleep(0.02)
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(10)


def test_an_estate_from_its_first_key_to_a_verified_log(home):
    _all_keys(home)
    _run(trust.command, "init", home=home)
    place = Home(home)
    witnesses = [place.address("witness"), place.address("host-witness")]
    with (
        _service("witness", "serve", home=home, address=witnesses[0]),
        _service(
            "witness", "serve", "--as", "host", "--name", "host-witness", home=home, address=witnesses[1]
        ),
        _service(
            "log",
            "serve",
            "--witness",
            witnesses[0],
            "--witness",
            witnesses[1],
            home=home,
            address=place.address("log"),
        ),
    ):
        assert _run(trust.command, "publish", home=home)["index"] == 0
        assert _run(trust.command, "publish", home=home)["index"] == 0
        owner = SigningKey.parse((home / "owner/keys/owner.key").read_text())
        act = home / "seal.dsse"
        act.write_bytes(samples.signed(samples.SAMPLES["seal"], owner))
        assert _run(log.command, "append", act, home=home)["appended"][0]["index"] == 1
        assert [e["act"] for e in _run(log.command, "show", home=home)["entries"]] == ["trust-root", "seal"]
        status = _run(log.command, "status", home=home)
        assert status["witnessed"] == 2
        proof = _run(log.command, "proof", 1, "--out", home / "seal.tlog-proof", home=home)
        assert len(proof["signatures"]) == 3
        with pytest.raises(InputError, match="an index below 2"):
            _run(log.command, "proof", 2, home=home)
        root = _run(trust.command, "show", home=home)
        assert root["roles"]["root"]["threshold"] == 2
        _rotate(home, root)
        assert _run(trust.command, "show", home=home)["version"] == 2
        _run(log.command, "append", act, home=home)
    report = _run(verify.command, home / "log", home=home)
    assert (report["verified"], report["size"], report["acts"]) == (True, 3, 3)
    lines = CliRunner().invoke(verify.command, [str(home / "log"), "--home", str(home)])
    assert lines.stdout == "verified: log, 3 acts in a log of 3, cosigned by host-witness, witness\n"
    assert lines.stderr == f"what to trust: {home / 'trust.policy'}\n"
    nobody = CliRunner().invoke(verify.command, [str(home / "log"), "--home", str(home / "elsewhere")])
    assert nobody.exit_code == 1
    assert "[no_trust]" in nobody.stdout


def _rotate(home, root):
    """Version 2 of a trust root, signed by two parties one after the other."""
    edited, statement, signed = (home / name for name in ("next.json", "next.statement", "next.dsse"))
    edited.write_text(json.dumps(root | {"version": 2, "verifier": None}))
    _run_plain(trust.command, "draft", edited, "--out", statement)
    _run(trust.command, "sign", statement, "--as", "approver-a", "--out", signed, home=home)
    with pytest.raises(MythosError, match="too few"):
        _run(trust.command, "publish", signed, home=home)
    _run(trust.command, "sign", statement, "--as", "approver-b", "--out", signed, home=home)
    edited.write_text(json.dumps(root | {"version": 3}))
    _run_plain(trust.command, "draft", edited, "--out", statement)
    with pytest.raises(InputError, match="another trust root"):
        _run(trust.command, "sign", statement, "--as", "approver-b", "--out", signed, home=home)
    assert _run(trust.command, "publish", signed, home=home)["version"] == 2


def _run_plain(command, *arguments):
    result = CliRunner().invoke(command, [*map(str, arguments), "--json"])
    assert result.exit_code == 0, result.output


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["show", "--from", "-1"], "-1 is not in the range"),
        (["proof", "--", "-1"], "-1 is not in the range"),
        (["serve", "--quota", "0"], "0 is not in the range"),
    ],
)
def test_numbers_have_a_range(arguments, why):
    result = CliRunner().invoke(log.command, arguments)
    assert (result.exit_code, why in result.output) == (2, True)


@pytest.mark.parametrize("content", [b"", b"junk", b"x" * 70_000])
def test_a_file_that_is_no_envelope_is_named(home, content):
    path = home.parent / "act.dsse"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"act\.dsse holds no signed envelope"):
        _run(log.command, "append", path, home=home)


def test_verify_wants_something_to_verify(home):
    result = CliRunner().invoke(verify.command, ["--home", str(home)])
    assert result.exit_code == 2
    assert "PATH to verify" in result.output
    both = ["--archive", str(home / "v.pyz"), str(home.parent), "--home", str(home), "--json"]
    assert CliRunner().invoke(verify.command, both).exit_code == 2
