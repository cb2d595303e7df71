"""Seal what came of work on sealed weights, inside the engine: no disk sees it, no party alone opens it.

The engine makes the data keys, splits the key to them among organisations (all of which are needed) and wraps
each share to an approver of theirs, with keys from the trust root that the approvers of the release vouched
for. What leaves the process is ciphertext:

    sealed/seal.json, sealed/NAME.sealed   as `mythos seal` makes them, bound to one hub
    keys.json                              the keyring, and the wrapped shares

So whatever is to be done with it later needs a grant that each of those organisations approves.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Self

from mythos.custody.approval import Refused
from mythos.custody.grant import Quorum
from mythos.custody.keys import KEY, HpkePublicKey, Keyring, Organisation, split
from mythos.custody.owner import Issue
from mythos.custody.record import root_digest
from mythos.custody.release import deposit_info
from mythos.custody.seal import Random, wipe
from mythos.custody.sealed import MANIFEST, SUFFIX, SealedFile, SealManifest, binding, segment_hash
from mythos.custody.stream import SEGMENT, Layout, SegmentCipher, commitment, new_header
from mythos.errors import EvidenceError, GrantError, InputError, NotTrustedError, QuorumSplitError, SealError
from mythos.evidence.merkle import root as merkle_root
from mythos.evidence.note import decode64, encode64
from mythos.evidence.policy import Trust
from mythos.evidence.predicates import Approval, GrantRequest, TrustedKey, TrustRoot
from mythos.evidence.statement import Envelope, Json, canonical, fields, integer, items, parse_canonical, text
from mythos.units import Bytes, Digest, Instant
from mythos.weights import Manifest, Resource

EPOCH: Final = 0
"""Of the keys that an engine made; the owner counts its own from 1."""
KEYS_FILE: Final = "keys.json"
_LIMIT: Final = 1 << 20
_ANSWERS: Final = frozenset({"api", "access"})
"""What moves on a leg where weights do not."""


@dataclass(frozen=True, slots=True)
class Kept:
    """keys.json: opens for nobody; with the shares of every organisation in it, for the engine of its hub."""

    manifest: Digest
    keyring: bytes
    shares: tuple[tuple[str, str, bytes], ...]
    """(approver's key id, its organisation, wrapped share)"""

    @property
    def organisations(self) -> tuple[str, ...]:
        """All of them are needed."""
        return tuple(sorted({organisation for _, organisation, _ in self.shares}))

    def to_bytes(self) -> bytes:
        """Canonical JSON."""
        shares = [{"approver": a, "organisation": o, "wrapped": encode64(w)} for a, o, w in self.shares]
        ring = encode64(self.keyring)
        return canonical({"v": 1, "manifest": str(self.manifest), "keyring": ring, "shares": shares})

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """Read keys.json; `SealError` for anything else."""
        try:
            what = "the keys"
            document = fields(parse_canonical(data, _LIMIT), "keyring", "manifest", "shares", "v", what=what)
            if integer(document["v"], what="v") != 1:
                raise SealError("keys of another version", expected="1", found=str(document["v"])[:20])
            parts = [_share(one) for one in items(document["shares"], what="shares")]
            manifest = Digest.parse(text(document["manifest"], what="manifest"))
            keyring = decode64(text(document["keyring"], what="keyring"))
            held = Keyring.parse(keyring)
        except (EvidenceError, InputError) as error:
            raise SealError(f"not {KEYS_FILE} of a sandbox", found=str(error)[:200]) from error
        if (held.manifest, held.epoch) != (manifest, EPOCH):
            raise SealError("a keyring of another seal", expected=str(manifest), found=str(held.manifest))
        return cls(manifest, keyring, tuple(parts))

    def issue(self, manifest: Digest, quorum: Quorum) -> Issue | Refused:
        """What a grant hands out, or why these approvals do not suffice: an organisation is missing."""
        if manifest != self.manifest:
            return Refused("other_keyring", "these are the keys of another seal", str(self.manifest))
        approved = {one.approver for one in quorum.approvals}
        given = tuple(share for share in self.shares if share[0] in approved)
        members, agreed = (Counter(organisation for _, organisation, _ in s) for s in (self.shares, given))
        missing = [name for name in self.organisations if agreed[name] < min(2, members[name])]
        if missing:
            return Refused(
                "organisation_missing", f"{' and '.join(missing)} did not approve",
                f"keys.json: {' and '.join(self.organisations)} hold the key together",
            )  # fmt: skip
        return Issue(EPOCH, self.keyring, given)


@dataclass(frozen=True, slots=True)
class SealedInside:
    """Everything that may leave the process: ciphertext by file name, seal.json and keys.json among them."""

    manifest: SealManifest
    files: Mapping[str, bytes] = field(repr=False)


def answerable(envelope: bytes, act: str, about: Digest, root: TrustRoot) -> str:
    """The organisation whose key signed an act of this kind about something.

    Keys that may not sign such an act do not count: a hub that signs a holder's act too stays a hub.

    Raises:
        NotTrustedError: another act or subject, no key of this trust root that may sign it did, or keys of
            several organisations did.
    """
    signed, trust = Envelope.parse(envelope), Trust.parse(root.to_dict())
    statement = signed.statement()
    by = signed.verify(list(trust.keys.values()))
    if statement.act != act or about not in {s.digest for s in statement.subjects} or not trust.may(by, act):
        raise NotTrustedError(
            f"nobody who may has said {act} of {about}", found=", ".join(by) or "no signature"
        )
    may = {key for role in trust.roles.values() if act in role.acts for key in role.keys.intersection(by)}
    found = sorted({trust.organisations[key] for key in may})
    if len(found) != 1:
        raise NotTrustedError(f"several have said {act} of {about}", expected="one", found=", ".join(found))
    return found[0]


def trusted_root(data: Json, expected: Digest) -> TrustRoot:
    """The trust root that the approvers of a release vouched for; `NotTrustedError` for another."""
    if root_digest(data) != expected:
        raise NotTrustedError("another trust root than the approvers hold", expected=str(expected))
    return TrustRoot.from_dict(data)


def holders(root: TrustRoot, organisation: str) -> tuple[Organisation, dict[str, TrustedKey]]:
    """An organisation's approvers to whom shares can be wrapped: 1 of 1, or 2 of n.

    Raises:
        QuorumSplitError: it has none.
    """
    may = {name for role in root.roles.values() if Approval.NAME in role.acts for name in role.keys}
    found = {
        name: key
        for name, key in root.keys.items()
        if key.organisation == organisation and key.hpke is not None and name in may
    }
    if not found:
        raise QuorumSplitError(
            f"{organisation} has no approver to hold a share", expected="an approver's key with an HPKE key",
            advice="Add one in a new trust root: mythos keys new --hpke, then mythos trust draft.",
        )  # fmt: skip
    return Organisation(organisation, min(2, len(found)), tuple(sorted(found))), found


def check_holders(organisations: Sequence[str], root: TrustRoot) -> None:
    """Refuse, before any work, what `seal_inside` could not seal afterwards.

    Raises:
        QuorumSplitError: fewer than two organisations, or one without an approver.
    """
    if len(set(organisations)) < max(2, len(organisations)):
        raise QuorumSplitError(
            "one organisation would hold the key alone", expected="an owner and another who holds the data",
            found=", ".join(organisations),
        )  # fmt: skip
    for organisation in organisations:
        holders(root, organisation)


def place_of(request: GrantRequest) -> str:
    """The country where a granted hub holds weights: where the last leg that moves them ends.

    Raises:
        GrantError: no leg of the route moves weights.
    """
    places = [leg.to for leg in request.legs if leg.act not in _ANSWERS]
    if not places:
        raise GrantError("the route of the grant moves no weights", expected="where the hub is")
    return places[-1]


def seal_inside(
    plain: Mapping[str, bytes],
    *,
    name: str,
    hub: str,
    organisations: Sequence[str],
    root: TrustRoot,
    now: Instant,
    release: int = 1,
    random: Random = os.urandom,
    segment: int = SEGMENT,
) -> SealedInside:
    """Seal files that exist in memory alone.

    Args:
        plain: bytes by name.
        name: of the weights.
        hub: the one hub that may open them.
        organisations: who must agree to every later opening, all of them; at least two.
        root: the trust root, with the keys of their approvers.
        now: written into the manifest.
        release: the number of this release.
        random: source of randomness.
        segment: bytes of a ciphertext segment.

    Raises:
        QuorumSplitError: fewer than two organisations, or one without an approver.
    """
    check_holders(organisations, root)
    members = [holders(root, organisation) for organisation in organisations]
    resources = [Resource(path, Digest.of(data)) for path, data in sorted(plain.items())]
    weights, deks = Manifest(name, tuple(resources)), dict[str, bytearray]()
    files, sealed = list[SealedFile](), dict[str, bytes]()
    for number, (path, data) in enumerate(sorted(plain.items())):
        dek_id = f"{release}.{number}"
        dek = deks[dek_id] = bytearray(random(KEY))
        layout, form = Layout(len(data), segment), _format(path)
        bound = binding(
            weights=weights.root, release=release, hub=hub, path=path, form=form, plaintext=len(data),
            segment=segment, dek_id=dek_id,
        )  # fmt: skip
        header = new_header(random)
        sealed[path + SUFFIX], leaf = _encrypt(
            data, SegmentCipher(dek, bound, header, layout), header, layout
        )
        files.append(
            SealedFile(
                path=path, format=form, dek_id=dek_id, plaintext_bytes=Bytes(len(data)),
                sealed_bytes=Bytes(layout.sealed), ciphertext_root=leaf,
                key_commitment=commitment(dek, bound, header), segment_bytes=segment, associated_data=bound,
            )
        )  # fmt: skip
    manifest = SealManifest(weights, release, hub, tuple(files), now, segment)
    kek = bytearray(random(KEY))
    keyring = Keyring.wrap(deks, kek, manifest=manifest.digest, hub=hub, epoch=EPOCH, random=random)
    mnemonics = split(kek, [organisation for organisation, _ in members], len(members))
    for secret in (kek, *deks.values()):
        wipe(secret)
    keys = {approver: key for _, found in members for approver, key in found.items()}
    kept = Kept(manifest.digest, keyring.to_bytes(), tuple(_wrapped(mnemonics, keys, manifest.digest)))
    return SealedInside(manifest, {**sealed, MANIFEST: manifest.to_bytes(), KEYS_FILE: kept.to_bytes()})


def _wrapped(
    mnemonics: Mapping[str, str], keys: Mapping[str, TrustedKey], manifest: Digest
) -> Iterable[tuple[str, str, bytes]]:
    for approver, mnemonic in mnemonics.items():
        hpke = keys[approver].hpke
        if hpke is not None:
            info = deposit_info(manifest, approver, EPOCH)
            wrapped = HpkePublicKey.parse(hpke.public_key).wrap(mnemonic.encode(), info)
            yield approver, keys[approver].organisation, wrapped


def _encrypt(data: bytes, cipher: SegmentCipher, header: bytes, layout: Layout) -> tuple[bytes, Digest]:
    """The sealed file, and the root over its segments (the first holds the header)."""
    out = bytearray(layout.sealed)
    out[: len(header)] = header
    view, leaves = memoryview(out), list[bytes]()
    for index in range(layout.segments):
        (start, length), (at, size) = layout.plain(index), layout.cipher(index)
        cipher.seal_into(index, memoryview(data)[start : start + length], view[at : at + size])
        leaves.append(segment_hash(view[0 if index == 0 else at : at + size]))
    return bytes(out), Digest(merkle_root(leaves))


def _format(path: str) -> str:
    return next((form for form in ("gguf", "safetensors") if path.endswith(f".{form}")), "other")


def _share(value: Any) -> tuple[str, str, bytes]:
    one = fields(value, "approver", "organisation", "wrapped", what="a share")
    names = text(one["approver"], what="approver"), text(one["organisation"], what="organisation")
    return (*names, decode64(text(one["wrapped"], what="wrapped")))
