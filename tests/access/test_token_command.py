"""`mythos access accept`: a token is a person's line once, for the sign-in it was asked for, or it is nothing."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

pytest.importorskip("joserfc", reason="the extra oidc is not installed: pip install 'mythos-hub[oidc]'")

from mythos.cli import access
from mythos.errors import AccessError, MythosError
from mythos.units import Instant

from .tokens import ISSUER, JWKS, NONCE, US, token

MAPPING = {"paths": {"citizenships": "nationalities"}, "days": 30}
NAMED = {"issuer": ISSUER, "audience": US, "jwks": JWKS, "mapping": MAPPING}


def fresh(**more: Any) -> str:
    seconds = Instant.now().micros // 1_000_000
    return token(iat=seconds - 5, exp=seconds + 300, **more)


def accept(
    folder: Path, text: str, *, nonce: str = NONCE, named: Any = NAMED, out: bool = True
) -> tuple[int, Any]:
    (folder / "issuer.json").write_text(json.dumps(named))
    more = ["--out", str(folder / "persons.jsonl")] if out else []
    arguments = ["accept", "-", "--issuer", str(folder / "issuer.json"), "--nonce", nonce, "--json", *more]
    result = CliRunner().invoke(access.command, [*arguments, "--used", str(folder / "used")], input=text)
    if isinstance(result.exception, MythosError):
        raise result.exception
    assert isinstance(result.exception, SystemExit | None), result.exception
    return result.exit_code, json.loads(result.stdout)


def test_a_token_is_a_persons_line_once(tmp_path: Path) -> None:
    (tmp_path / "persons.jsonl").write_text(
        json.dumps({"id": "other"})
        + "\n"
        + json.dumps({"id": f"{ISSUER}|alice", "tenant": "acme", "entity": "old"})
    )
    text = fresh()
    status, told = accept(tmp_path, text + "\n")
    assert (status, told["verified"], told["person"]["citizenships"]) == (0, True, ["JP"])
    lines = [json.loads(line) for line in (tmp_path / "persons.jsonl").read_text().splitlines()]
    assert lines == [{"id": "other"}, told["person"] | {"tenant": "acme"}]
    assert told["person"]["entity"] is None
    assert accept(tmp_path, text) == (1, {"verified": False, "reason": "replayed"})
    assert accept(tmp_path, fresh(sub="bob"), out=False)[0] == 0
    assert len((tmp_path / "persons.jsonl").read_text().splitlines()) == 2


def test_what_was_used_is_forgotten_when_nobody_takes_it_any_more(tmp_path: Path) -> None:
    assert accept(tmp_path, fresh())[0] == 0
    [first] = (tmp_path / "used").iterdir()
    until = Instant(int(first.read_bytes()))
    assert 300 < until.since(Instant.now()) < 365
    first.write_bytes(b"1")
    assert accept(tmp_path, fresh(sub="bob"))[0] == 0
    assert not first.exists()
    assert len(list((tmp_path / "used").iterdir())) == 1


@pytest.mark.parametrize(
    ("text", "nonce", "reason"),
    [
        (fresh, "another", "unbound"),
        (lambda: fresh(aud="x"), NONCE, "audience"),
        (lambda: token(iat=1, exp=2), NONCE, "expired"),
        (lambda: fresh(header={"kid": "new"}), NONCE, "unknown_key"),
        (lambda: fresh() + "~", NONCE, "unbound"),
        (lambda: "x" * (10 << 20), NONCE, "too_large"),
        (lambda: "", NONCE, "not_a_jws"),
        (lambda: fresh(nationalities=["uk"]), NONCE, "no_facts"),
    ],
)
def test_what_proves_nothing_writes_nothing(tmp_path: Path, text: Any, nonce: str, reason: str) -> None:
    assert accept(tmp_path, text(), nonce=nonce) == (1, {"verified": False, "reason": reason})
    assert not (tmp_path / "persons.jsonl").exists()
    assert not list((tmp_path / "used").iterdir())


@pytest.mark.parametrize(
    "named",
    [
        {},
        [],
        NAMED | {"issuer": ""},
        NAMED | {"jwks": []},
        NAMED | {"mapping": None},
        NAMED | {"mapping": {"days": 1}},
    ],
)
def test_a_file_that_names_no_issuer(tmp_path: Path, named: Any) -> None:
    with pytest.raises(AccessError):
        accept(tmp_path, fresh(), named=named)
