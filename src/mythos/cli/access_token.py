"""`mythos access accept`: what an identity provider's token, or a credential, proves about one person."""

from __future__ import annotations

import json
import os
import secrets
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import click

from mythos.cli.shared import emit, json_option
from mythos.errors import AccessError
from mythos.files import private_folder, sync_folder, write_private

if TYPE_CHECKING:
    from mythos.access.oidc import Issuer
    from mythos.access.people import Person
    from mythos.units import Digest, Instant

_FILE = click.Path(path_type=Path, exists=True, dir_okay=False)


@click.command()
@click.argument("token", type=click.Path(path_type=Path, exists=True, dir_okay=False, allow_dash=True))
@click.option(
    "--issuer", "provider", type=_FILE, required=True, help='JSON {"issuer", "audience", "jwks", "mapping"}.'
)
@click.option("--nonce", required=True, help="What this sign-in was asked with; a token counts for it alone.")
@click.option(
    "--used",
    type=click.Path(path_type=Path, file_okay=False),
    required=True,
    help="A private folder that remembers accepted tokens until they expire.",
)
@click.option(
    "--out", type=click.Path(path_type=Path, dir_okay=False), help="JSONL: the person's line goes here."
)
@json_option
def accept(token: Path, provider: Path, nonce: str, used: Path, out: Path | None, as_json: bool) -> None:
    r"""Check TOKEN (an ID token, or an SD-JWT with its key binding; - is standard input); tell the person.

    Exit status 1 when it proves nothing; the reason is for the operator, and the same for everybody. When an
    issuer has rotated its keys the reason is `unknown_key`: fetch its JWKS into the file anew.

    \b
    mythos access accept token.jwt --issuer issuer.json --nonce n-0S6 --used used/ --out persons.jsonl
    """
    from mythos.access.oidc import verify_id_token
    from mythos.access.sdjwt import verify_sd_jwt
    from mythos.access.tokens import TOKEN_LIMIT, Rejected
    from mythos.units import Instant

    with sys.stdin.buffer if str(token) == "-" else token.open("rb") as file:
        text = file.read(TOKEN_LIMIT + 1).decode("ascii", "replace").rstrip("\r\n")
    issuer, jwks = _issuer(provider)
    memory, now = _Used(private_folder(used)), Instant.now()
    check = verify_sd_jwt if "~" in text else verify_id_token
    found = check(text, issuer, jwks, now, nonce=nonce, used=memory)
    if not isinstance(found, Rejected) and not memory.add(found.token, found.expires, now):
        found = Rejected("replayed")
    if isinstance(found, Rejected):
        emit(
            {"verified": False, "reason": found.reason},
            as_json=as_json,
            line=f"proves nothing: {found.reason}",
        )
        sys.exit(1)
    if out is not None:
        _put(out, found.person)
    told = {"verified": True, "person": found.person.to_dict(), "assurance": found.assurance}
    emit(told, as_json=as_json, line=json.dumps(told["person"], ensure_ascii=False))


class _Used:
    """Tokens that were accepted: one file each, made only once whoever tries at the same time."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __contains__(self, token: object) -> bool:
        return (self._folder / f"{getattr(token, 'hex', '')}.used").exists()

    def add(self, token: Digest, expires: Instant, now: Instant) -> bool:
        """Remember a token until it expires; false when it is remembered already."""
        for old in self._folder.glob("*.used"):
            if now.micros >= int(old.read_bytes() or b"0"):
                old.unlink(missing_ok=True)
        path = self._folder / f"{token.hex}.used"
        whole = self._folder / f".{token.hex}.{secrets.token_hex(8)}"
        write_private(whole, str(expires.micros).encode())
        try:
            os.link(whole, path)  # with its time or not at all
        except FileExistsError:
            return False
        finally:
            whole.unlink()
        sync_folder(self._folder)
        return True


def _issuer(path: Path) -> tuple[Issuer, dict[str, Any]]:
    from mythos.access.claims import ClaimsMapping
    from mythos.access.oidc import Issuer
    from mythos.access.people import read_object

    told = read_object(path.read_bytes(), where=path.name)
    issuer, audience, jwks, mapping = (told.get(name) for name in ("issuer", "audience", "jwks", "mapping"))
    if not (isinstance(issuer, str) and issuer and isinstance(audience, str) and audience):
        jwks = None
    if not (isinstance(jwks, dict) and isinstance(mapping, dict)):
        raise AccessError(
            f"{path.name} names no issuer",
            expected="issuer, audience, jwks and mapping",
            found=", ".join(told)[:120],
        )
    keys, claims = cast("dict[str, Any]", jwks), cast("dict[str, Any]", mapping)
    return Issuer(str(issuer), str(audience), ClaimsMapping.of(claims)), keys


def _put(path: Path, one: Person) -> None:
    """Write a person's line in the place of an older one about the same id, or at the end."""
    from mythos.access.people import json_lines

    lines = [
        document for document, _ in json_lines(path.read_bytes() if path.exists() else b"", where=path.name)
    ]
    old = next((line for line in lines if line.get("id") == one.id), dict[str, Any]())  # its tenant stays
    kept = [line for line in lines if line.get("id") != one.id]
    text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in [*kept, old | one.to_dict()])
    write_private(path, text.encode())
