"""The owner's side, with its disk: keeps the keys of its seals, splits a fresh key for every grant.

    seals/MANIFEST.keys     a KEK and the keyring it opens: as secret as the plain weights beside it
    grants/REQUEST.shares   a grant's shares, each wrapped to its approver, and the grant's keyring

The key that opens a grant's keyring is never on a disk: it is made, split and wiped in `prepare`. What stays
is enough to issue further grants without sealing again, and to deposit the same shares after a kill.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from mythos.custody.approval import request_digest
from mythos.custody.approver import ShareDeposit
from mythos.custody.grant import Quorum
from mythos.custody.keys import KEY, HpkePublicKey, Keyring, Organisation, split
from mythos.custody.release import deposit_info, sign_message
from mythos.custody.seal import Sealed, wipe
from mythos.errors import GrantError, InputError
from mythos.evidence.note import SigningKey, decode64, encode64
from mythos.evidence.predicates import Grant, GrantRequest, Share, TrustedKey
from mythos.evidence.statement import Json, canonical, fields, parse_canonical
from mythos.files import private_folder, read_private, write_private
from mythos.units import Digest, Instant

_OWN: Final = "owner"


@dataclass(frozen=True, slots=True)
class Issue:
    """What a grant hands out: each approver's wrapped share, and the keyring that enough of them open."""

    epoch: int
    keyring: bytes
    shares: tuple[tuple[str, str, bytes], ...]
    """(approver's key id, its organisation, wrapped share)"""


def keep(folder: Path, sealed: Sealed) -> None:
    """Store the keys of a new seal in the owner's folder, 0600; for `seal(..., keep=...)`."""
    manifest, kek = sealed.manifest.digest, bytearray(os.urandom(KEY))
    keyring = Keyring.wrap(sealed.deks, kek, manifest=manifest, hub=_OWN, epoch=0)
    text = canonical({"kek": encode64(bytes(kek)), "keyring": encode64(keyring.to_bytes())})
    write_private(_seal_keys(folder, manifest), text)
    wipe(kek)
    for dek in sealed.deks.values():
        wipe(dek)


def has_keys(folder: Path, manifest: Digest) -> bool:
    """Whether the owner still has the keys of a seal; without them it can only be sealed again."""
    return _seal_keys(folder, manifest).exists()


def prepare(
    folder: Path, request: GrantRequest, quorum: Quorum, keys: Mapping[str, TrustedKey], *, epoch: int
) -> Issue:
    """Make (or find, after a kill) the shares of a grant: a fresh key, split among those who approved.

    Args:
        folder: the owner's private folder.
        request: what was approved.
        quorum: who approved it; an organisation with several approvers needs two of them.
        keys: the trust root's keys, with the HPKE key of each approver.
        epoch: counts the keys of this seal, from 1.

    Raises:
        InputError: the keys of the seal are not here.
        GrantError: an approver has no HPKE key in the trust root.
        QuorumSplitError: the approvers cannot hold the key together.
    """
    digest = request_digest(request)
    path = private_folder(folder / "grants") / f"{digest.hex}.shares"
    if not path.exists():
        deks, kek = _take(folder, request.manifest), bytearray(os.urandom(KEY))
        keyring = Keyring.wrap(deks, kek, manifest=request.manifest, hub=request.hub.name, epoch=epoch)
        mnemonics = split(kek, _organisations(quorum), request.organisations_required)
        wipe(kek)
        for dek in deks.values():
            wipe(dek)
        shares = [
            {
                "approver": one.approver,
                "organisation": one.organisation,
                "wrapped": encode64(_wrap(mnemonics[one.approver], one.approver, digest, epoch, keys)),
            }
            for one in quorum.approvals
        ]
        document = {"epoch": epoch, "keyring": encode64(keyring.to_bytes()), "shares": shares}
        write_private(path, canonical(document))
    found = _read(path, "epoch", "keyring", "shares")
    wrapped = tuple((s["approver"], s["organisation"], decode64(s["wrapped"])) for s in found["shares"])
    return Issue(found["epoch"], decode64(found["keyring"]), wrapped)


def grant_act(request: GrantRequest, quorum: Quorum, issue: Issue, now: Instant) -> Grant:
    """The act of granting: the request, its approvals, and the digests of the shares handed out."""
    shares = tuple(Share(approver, name, Digest.of(wrapped)) for approver, name, wrapped in issue.shares)
    return Grant(request, quorum.approvals, shares, issue.epoch, now)


def deposits(issue: Issue, grant: Digest, key: SigningKey) -> dict[str, bytes]:
    """The signed message that brings each approver (by key id) its share."""
    return {
        approver: sign_message(
            ShareDeposit(grant, approver, encode64(wrapped), encode64(issue.keyring)), grant, key
        )
        for approver, _, wrapped in issue.shares
    }


def _seal_keys(folder: Path, manifest: Digest) -> Path:
    return private_folder(folder / "seals") / f"{manifest.hex}.keys"


def _take(folder: Path, manifest: Digest) -> dict[str, bytearray]:
    path = _seal_keys(folder, manifest)
    if not path.exists():
        raise InputError(
            "the keys of this seal are not in the owner's home", expected=str(path),
            advice="Issue the grant where the model was sealed, or seal it again.",
        )  # fmt: skip
    found = _read(path, "kek", "keyring")
    kek = bytearray(decode64(found["kek"]))
    try:
        return Keyring.parse(decode64(found["keyring"])).open(kek)
    finally:
        wipe(kek)


def _read(path: Path, *names: str) -> Json:
    return fields(parse_canonical(read_private(path), 1 << 20), *names, what=str(path))


def _organisations(quorum: Quorum) -> list[Organisation]:
    members: dict[str, list[str]] = {}
    for one in quorum.approvals:
        members.setdefault(one.organisation, []).append(one.approver)
    return [Organisation(name, min(2, len(those)), tuple(those)) for name, those in members.items()]


def _wrap(mnemonic: str, approver: str, request: Digest, epoch: int, keys: Mapping[str, TrustedKey]) -> bytes:
    hpke = keys[approver].hpke
    if hpke is None:
        raise GrantError(
            "an approver has no HPKE key to wrap its share to", found=approver,
            advice="Add it in a new trust root: mythos keys new --hpke, then mythos trust draft.",
        )  # fmt: skip
    return HpkePublicKey.parse(hpke.public_key).wrap(
        mnemonic.encode(), deposit_info(request, approver, epoch)
    )
