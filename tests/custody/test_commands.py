"""The commands of custody, called as an operator would, over a log in memory and real files and keys."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

import pytest
from click.testing import CliRunner

from mythos.cli import cli
from mythos.cli.shared import Home
from mythos.custody.approver import Approver, Follower
from mythos.errors import GrantError, InputError, NoTrustError
from mythos.evidence import client as client_module
from mythos.evidence.client import Reply, refusal
from mythos.evidence.estate import policy_text
from mythos.evidence.predicates import Approval, Grant, ModelIdentity, Revocation, Seal
from mythos.files import write_private
from mythos.units import Digest, Instant
from mythos.weights import identify

from ..weights.test_formats import GOOD  # noqa: TID252
from .world import HPKE, KEYS, LEGS, POLICY, ROOT, World, signed

Run = Callable[..., Any]


class Peer:
    """Stands for the connection to an approver's release service."""

    approvers: dict[str, Approver]

    def __init__(self, address: str) -> None:
        self.approver = self.approvers[address.rsplit("release-", 1)[1].removesuffix(".sock")]

    def request(self, method: str, path: str, body: bytes) -> Reply:
        assert (method, path) == ("POST", "/v1/share")
        try:
            return Reply(200, "application/json", str(self.approver.deposit(body)).encode())
        except GrantError as error:
            return Reply(403, "application/json", json.dumps(refusal(error)).encode())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> World:
    made = World(seconds=Instant.now().micros // 1_000_000)
    home = Home(tmp_path / "home")
    for name, key in KEYS.items():
        if name != "root":
            write_private(home.key(name), f"{key.to_text()}\n".encode())
    home.policy.write_text(policy_text(ROOT))
    monkeypatch.setattr(client_module, "LogClient", lambda *_, **__: made)
    follower: Any = Follower(made, POLICY)  # type: ignore[arg-type]
    Peer.approvers = {
        name: Approver(home.party(name), KEYS[name], HPKE[name], made, follower)  # type: ignore[arg-type]
        for name in HPKE
    }
    monkeypatch.setattr(client_module, "Peer", Peer)
    return made


@pytest.fixture
def run(tmp_path: Path) -> Run:
    def call(*argv: str, status: int = 0, as_json: bool = True, home: bool = True) -> Any:
        options = ["--home", str(tmp_path / "home")] if home else []
        full = [*argv, *options, *(["--json"] if as_json else [])]
        result = CliRunner().invoke(cli, full, catch_exceptions=True)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        assert result.exit_code == status, result.output
        return json.loads(result.stdout) if as_json else result.stdout

    return call


def gguf(tmp_path: Path) -> Path:
    path = tmp_path / "tiny.gguf"
    path.write_bytes(GOOD)
    return path


def determination(world: World, weights: Digest) -> int:
    from mythos.evidence.predicates import Determination
    from mythos.evidence.statement import Subject

    zero = Digest(bytes(32))
    law = Determination("2026-06-12", LEGS, zero, zero, (), False, (), (), zero, Instant.now())
    [place] = world.append([signed(law, "owner", Subject("tiny", weights))])
    return place.index


def requested(world: World, run: Run, tmp_path: Path, *more: str) -> Path:
    model = gguf(tmp_path)
    sealed = tmp_path / "sealed"
    run("seal", str(model), "--out", str(sealed), "--name", "tiny")
    index = determination(world, identify(model).root)
    out = tmp_path / "request.json"
    run(
        *("grant", "request", "--weights", str(identify(model).root), "--name", "tiny"),
        *("--sealed", str(sealed), "--hub", "host", "--determination", str(index), "--out", str(out), *more),
    )
    return out


def test_fetch_identify_show(world: World, run: Run, tmp_path: Path) -> None:
    model = gguf(tmp_path)
    fetched = run("model", "fetch", str(model))
    root = str(identify(model).root)
    assert fetched == {
        "path": str(model), "bytes": len(GOOD), "digest": str(Digest.of(GOOD)), "weights": root,
        "name": "tiny",
    }  # fmt: skip
    identified = run("model", "identify", str(model), "--name", "tiny", "--licence", "Apache-2.0")
    assert identified["weights"] == root
    assert identified["parameters"] == "136"
    assert run("model", "identify", str(model), "--name", "tiny", "--licence", "Apache-2.0") == identified
    [act] = [
        ModelIdentity.of(s)
        for s in map(_statement, world.data)
        if s.act == "model-identity"
    ]  # fmt: skip
    assert (act.name, act.format, act.architecture, act.licence) == ("tiny", "gguf", "llama", "Apache-2.0")
    shown = run("model", "show", str(model), home=False)
    assert shown["parameters"] == "136"
    assert "llama" in run("model", "show", str(model), as_json=False, home=False)


def _statement(data: bytes) -> Any:
    from mythos.evidence.statement import Envelope

    return Envelope.parse(data).statement()


def test_seal_is_safe_to_call_again(world: World, run: Run, tmp_path: Path) -> None:
    model, out = gguf(tmp_path), tmp_path / "sealed"
    first = run("seal", str(model), "--out", str(out), "--name", "tiny")
    again = run("seal", str(model), "--out", str(out), "--name", "tiny")
    assert {k: v for k, v in first.items() if k != "seconds"} == {
        k: v for k, v in again.items() if k != "seconds"
    }
    assert len(world.record().all(Seal)) == 1
    assert run("custody", "check", str(out), home=False)["verified"] is True
    with pytest.raises(InputError, match="other weights"):
        run("seal", str(model), "--out", str(tmp_path / "x"), "--weights", "sha256:" + "00" * 32)
    for path in (tmp_path / "home" / "owner" / "seals").iterdir():
        assert path.stat().st_mode & 0o777 == 0o600
        path.unlink()
    with pytest.raises(InputError, match="its keys are not here"):
        run("seal", str(model), "--out", str(out))


def test_check_says_what_is_wrong(run: Run, world: World, tmp_path: Path) -> None:
    out = tmp_path / "sealed"
    run("seal", str(gguf(tmp_path)), "--out", str(out))
    path = out / "tiny.gguf.sealed"
    raw = bytearray(path.read_bytes())
    raw[60] ^= 1
    path.write_bytes(raw)
    found = run("custody", "check", str(out), status=1, home=False)
    assert found["verified"] is False
    assert [p["code"] for p in found["problems"]] == ["ciphertext"]
    assert "[ciphertext]" in run("custody", "check", str(out), status=1, as_json=False, home=False)


def test_request_to_grant_to_revocation(world: World, run: Run, tmp_path: Path) -> None:
    request = requested(world, run, tmp_path, "--lease", "600")
    before = request.read_bytes()
    requested_again = run("grant", "show", str(request))
    assert requested_again["lease"] == "600 s, at most 1000 opens"
    with pytest.raises(GrantError, match="0 of 2 organisations"):
        run("grant", "issue", str(request))
    approved = run("grant", "approve", str(request), "--as", "approver-a", "--yes", "--max-lease", "300")
    assert approved["organisation"] == "A"
    assert approved["shown"]["digest"] == str(Digest.of(before)) == approved["request"]
    run("grant", "approve", str(request), "--as", "approver-a", "--yes")
    run("grant", "approve", str(request), "--as", "approver-c", "--yes")
    with pytest.raises(GrantError, match="not 2"):
        run("grant", "issue", str(request))
    run("grant", "approve", str(request), "--as", "approver-b", "--yes")
    assert len(world.record().all(Approval)) == 3
    granted = run("grant", "issue", str(request))
    assert granted["leaseSeconds"] == 300
    assert granted["organisations"] == ["A", "B"]
    assert run("grant", "issue", str(request)) == granted
    assert len(world.record().all(Grant)) == 1
    assert run("grant", "show", granted["grant"])["state"] == "granted"
    revoked = run("grant", "revoke", granted["grant"], "--reason", "contract ended")
    assert Instant.parse(revoked["readableUntil"]) > Instant.now()
    run("grant", "revoke", granted["grant"], "--reason", "contract ended")
    assert len(world.record().all(Revocation)) == 1
    shown = run("grant", "show", granted["grant"])
    assert (shown["state"], shown["reason"]) == ("revoked", "revoked: contract ended")
    assert request.read_bytes() == before


def test_a_killed_issue_grants_once(
    world: World, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = requested(world, run, tmp_path)
    for name in ("approver-a", "approver-b"):
        run("grant", "approve", str(request), "--as", name, "--yes")

    class Killed(BaseException):
        pass

    def killed(*_: object, **__: object) -> Reply:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(Peer, "request", killed)
        with pytest.raises(Killed):
            run("grant", "issue", str(request))
    granted = run("grant", "issue", str(request))
    assert len(world.record().all(Grant)) == 1
    for name in ("approver-a", "approver-b"):
        folder = tmp_path / "home" / name / "shares"
        assert sorted(p.suffix for p in folder.iterdir()) == [".keyring", ".share"]
    assert granted["grant"].startswith("sha256:")


def test_shares_can_be_carried(world: World, run: Run, tmp_path: Path) -> None:
    request = requested(world, run, tmp_path)
    for name in ("approver-a", "approver-b"):
        run("grant", "approve", str(request), "--as", name, "--yes")
        write_private(Home(tmp_path / "home").key(name).with_suffix(".hpke"), HPKE[name].to_text().encode())
    carry = tmp_path / "carry"
    granted = run("grant", "issue", str(request), "--shares", str(carry))
    assert sorted(p.name for p in carry.iterdir()) == ["approver-a.share", "approver-b.share"]
    kept = run("release", "deposit", str(carry / "approver-b.share"), "--as", "approver-b")
    found = world.record().act(Digest.parse(granted["grant"]), Grant)
    assert found is not None
    assert kept["digest"] in {str(share.digest) for share in found[1].shares}
    with pytest.raises(GrantError, match="no witnessed grant names this share"):
        run("release", "deposit", str(carry / "approver-a.share"), "--as", "approver-b")


def test_a_request_is_kept_until_it_is_of_no_use(world: World, run: Run, tmp_path: Path) -> None:
    request = requested(world, run, tmp_path)
    before = request.read_bytes()
    assert requested(world, run, tmp_path).read_bytes() != before, "another determination, another request"
    held = request.read_bytes()
    weights = str(identify(gguf(tmp_path)).root)
    index = max(e for e in range(len(world.data)) if _statement(world.data[e]).act == "determination")
    arguments = (
        *("grant", "request", "--weights", weights, "--name", "tiny", "--sealed", str(tmp_path / "sealed")),
        *("--hub", "host", "--determination", str(index), "--out", str(request)),
    )
    run(*arguments)
    assert request.read_bytes() == held
    run(*arguments, "--new")
    assert request.read_bytes() != held
    with pytest.raises(InputError, match="does not hold the determination"):
        run(*(a if a != str(index) else "99" for a in arguments))
    with pytest.raises(InputError, match="no hub 'nobody'"):
        run(*(a if a != "host" else "nobody" for a in arguments))


def test_nobody_signs_unseen(world: World, run: Run, tmp_path: Path) -> None:
    request = requested(world, run, tmp_path)
    with pytest.raises(InputError, match="nobody is there to say yes"):
        run("grant", "approve", str(request), "--as", "approver-a")
    assert world.record().all(Approval) == []
    with pytest.raises(InputError, match="is no approver"):
        run("grant", "approve", str(request), "--as", "owner", "--yes")
    request.write_bytes(request.read_bytes().replace(b'"organisation":"Host"', b'"organisation":"Most"'))
    with pytest.raises(GrantError, match="another organisation"):
        run("grant", "approve", str(request), "--as", "approver-a", "--yes")


def test_without_policy_or_key_nothing_happens(world: World, run: Run, tmp_path: Path) -> None:
    request = requested(world, run, tmp_path)
    Home(tmp_path / "home").policy.unlink()
    with pytest.raises(NoTrustError, match="no policy"):
        run("grant", "show", str(request))
    Home(tmp_path / "home").key("owner").unlink()
    with pytest.raises(InputError, match="mythos keys new --as owner"):
        run("model", "identify", str(gguf(tmp_path)), "--name", "tiny")
