"""The keys between an owner's plain weights and a hub's memory, and how nobody holds them alone.

    DEK     random, one for each file                        lives in the owner's process and in the engine
    KEK     random, one for each grant (epoch)               wraps the DEKs into the keyring, then is split
    shares  SLIP-39; a group is an organisation              at least two organisations are needed
    HPKE    MLKEM768_X25519, HKDF-SHA256, AES-256-GCM        wraps a share to an approver, then to an engine

The quorum is arithmetic, not policy: fewer organisations than the threshold hold nothing that opens a file,
and neither does the host, a broker or an administrator. The post-quantum half of HPKE (RFC 9180 with X-Wing)
is there because weights stay valuable for years and a wrapped share can be recorded today.

CPython copies freely. `bytearray`s here are wiped when they are done with, and yet `bytes`, `str` (every
mnemonic) and the internals of libraries may keep copies until the process ends. What protects a key is the
process that holds it, ended soon, not the wiping.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Self

import shamir_mnemonic
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey, MLKEM768PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hpke import (
    AEAD,
    KDF,
    KEM,
    MLKEM768X25519PrivateKey,
    MLKEM768X25519PublicKey,
    Suite,
)

from mythos.errors import CustodyError, InputError, MalformedError, QuorumSplitError
from mythos.evidence.note import decode64, encode64
from mythos.evidence.statement import canonical, fields, integer, items, parse_canonical, text
from mythos.units import Digest

HPKE_SUITE: Final = "MLKEM768_X25519-HKDF_SHA256-AES_256_GCM"
KEY: Final = 32
_MLKEM_SEED, _MLKEM_PUBLIC, _X25519, _NONCE = 64, 1184, 32, 12
_SUITE: Final = Suite(KEM.MLKEM768_X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)
_PRIVATE: Final = "PRIVATE+HPKE+"


@dataclass(frozen=True, slots=True)
class HpkePublicKey:
    """Where something can be wrapped to: 1,184 bytes of ML-KEM-768, then 32 of X25519."""

    raw: bytes

    def __post_init__(self) -> None:
        if len(self.raw) != _MLKEM_PUBLIC + _X25519:
            raise MalformedError("not an HPKE key", expected="1216 bytes", found=f"{len(self.raw)}")

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read base64."""
        return cls(decode64(text.strip(), what="HPKE key"))

    def __str__(self) -> str:
        return encode64(self.raw)

    def wrap(self, data: bytes | bytearray, info: bytes) -> bytes:
        """Encrypt to this key; only `info` with the same bytes opens it again."""
        try:
            mlkem = MLKEM768PublicKey.from_public_bytes(self.raw[:_MLKEM_PUBLIC])
            x25519 = X25519PublicKey.from_public_bytes(self.raw[_MLKEM_PUBLIC:])
            return _SUITE.encrypt(data, MLKEM768X25519PublicKey(mlkem, x25519), info)
        except ValueError as error:
            raise MalformedError("not an HPKE key", found="bytes that are no ML-KEM key") from error


@dataclass(frozen=True, slots=True)
class HpkePrivateKey:
    """Opens what was wrapped to its public half; never printed by `repr`."""

    raw: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if len(self.raw) != _MLKEM_SEED + _X25519:
            raise MalformedError("not an HPKE private key", expected="a seed of 64 and a key of 32 bytes")

    @classmethod
    def generate(cls) -> Self:
        """A new key pair."""
        mlkem = MLKEM768PrivateKey.generate().private_bytes_raw()
        return cls(mlkem + X25519PrivateKey.generate().private_bytes_raw())

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `PRIVATE+HPKE+BASE64`, the text of a key file."""
        if not text.startswith(_PRIVATE):
            raise MalformedError("not an HPKE private key", expected=f"{_PRIVATE}BASE64")
        return cls(decode64(text.strip().removeprefix(_PRIVATE), what="HPKE private key"))

    def to_text(self) -> str:
        """The text of the key file; keep it 0600."""
        return _PRIVATE + encode64(self.raw)

    def _halves(self) -> tuple[MLKEM768PrivateKey, X25519PrivateKey]:
        return (
            MLKEM768PrivateKey.from_seed_bytes(self.raw[:_MLKEM_SEED]),
            X25519PrivateKey.from_private_bytes(self.raw[_MLKEM_SEED:]),
        )

    @property
    def public(self) -> HpkePublicKey:
        """The public half."""
        mlkem, x25519 = self._halves()
        return HpkePublicKey(mlkem.public_key().public_bytes_raw() + x25519.public_key().public_bytes_raw())

    def open(self, wrapped: bytes, info: bytes) -> bytes:
        """Decrypt what was wrapped to this key under the same `info`.

        Raises:
            CustodyError: wrapped to another key, for another purpose, or changed.
        """
        try:
            return _SUITE.decrypt(wrapped, MLKEM768X25519PrivateKey(*self._halves()), info)
        except (InvalidTag, ValueError) as error:
            raise CustodyError(
                "a wrapped share does not open", expected="one wrapped to this key, for this very purpose",
                code="share_does_not_open",
            ) from error  # fmt: skip


@dataclass(frozen=True, slots=True)
class Keyring:
    """The data keys of one seal, wrapped by one KEK for one hub. It opens nothing by itself.

    `epoch` counts the KEKs of a seal: a new epoch re-wraps the data keys and leaves the sealed files alone.
    It does not take a data key away from a host that kept one; for that, seal again.
    """

    manifest: Digest
    hub: str
    epoch: int
    wrapped: tuple[tuple[str, bytes], ...]

    @classmethod
    def wrap(
        cls, deks: Mapping[str, bytes | bytearray], kek: bytes | bytearray, *, manifest: Digest, hub: str,
        epoch: int, random: Callable[[int], bytes] = os.urandom,
    ) -> Self:  # fmt: skip
        """Wrap data keys under `kek`; each is bound to the manifest, the hub, the epoch and its id."""
        aead = AESGCM(kek)
        wrapped: list[tuple[str, bytes]] = []
        for dek_id, dek in sorted(deks.items()):
            nonce = random(_NONCE)
            bound = _keyring_binding(manifest, hub, epoch, dek_id)
            wrapped.append((dek_id, nonce + aead.encrypt(nonce, dek, bound)))
        return cls(manifest, hub, epoch, tuple(wrapped))

    def open(self, kek: bytes | bytearray) -> dict[str, bytearray]:
        """The data keys by id; wipe them after use.

        Raises:
            QuorumSplitError: another KEK, epoch, hub or manifest, or a changed keyring.
        """
        aead = AESGCM(kek)
        deks: dict[str, bytearray] = {}
        for dek_id, wrapped in self.wrapped:
            bound = _keyring_binding(self.manifest, self.hub, self.epoch, dek_id)
            try:
                dek = bytearray(len(wrapped) - _NONCE - 16)
                aead.decrypt_into(wrapped[:_NONCE], wrapped[_NONCE:], bound, dek)
            except (InvalidTag, ValueError) as error:
                raise QuorumSplitError(
                    "the key does not open this keyring", expected=f"the key of epoch {self.epoch}",
                    found="another key or a changed keyring",
                ) from error  # fmt: skip
            deks[dek_id] = dek
        return deks

    def to_bytes(self) -> bytes:
        """Canonical JSON."""
        keys = [{"dekId": dek_id, "wrapped": encode64(data)} for dek_id, data in self.wrapped]
        return canonical(
            {"v": 1, "manifest": str(self.manifest), "hub": self.hub, "epoch": self.epoch, "keys": keys}
        )

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """Read the canonical JSON; `MalformedError` for anything else."""
        try:
            what = "the keyring"
            document = fields(
                parse_canonical(data, 1 << 24), "epoch", "hub", "keys", "manifest", "v", what=what
            )
            if document["v"] != 1:
                raise MalformedError(
                    "a keyring of another version", expected="1", found=str(document["v"])[:20]
                )
            manifest = Digest.parse(text(document["manifest"], what="manifest"))
        except InputError as error:
            raise MalformedError("not a keyring", found=str(error)) from error
        wrapped = tuple(_wrapped(item) for item in items(document["keys"], what="keys"))
        hub, epoch = text(document["hub"], what="hub"), integer(document["epoch"], what="epoch")
        return cls(manifest, hub, epoch, wrapped)


def _wrapped(value: Any) -> tuple[str, bytes]:
    entry = fields(value, "dekId", "wrapped", what="a wrapped key")
    data = decode64(text(entry["wrapped"], what="wrapped"))
    if len(data) != _NONCE + KEY + 16:
        raise MalformedError("not a wrapped key", expected="60 bytes", found=f"{len(data)}")
    return text(entry["dekId"], what="dekId"), data


def _keyring_binding(manifest: Digest, hub: str, epoch: int, dek_id: str) -> bytes:
    return canonical({"manifest": str(manifest), "hub": hub, "epoch": epoch, "dekId": dek_id})


@dataclass(frozen=True, slots=True)
class Organisation:
    """Who gets shares: `threshold` of `members` (key ids) speak for it: 1 of 1, or at least 2 of n."""

    name: str
    threshold: int
    members: tuple[str, ...]


def split(kek: bytes | bytearray, organisations: Sequence[Organisation], needed: int) -> dict[str, str]:
    """Split a KEK (SLIP-39: a group is an organisation); returns each member's mnemonic.

    Raises:
        QuorumSplitError: fewer than two organisations needed or present, one twice, a member twice, or a
            threshold of 1 among several.
    """
    names = {organisation.name for organisation in organisations}
    members = [member for organisation in organisations for member in organisation.members]
    if not 2 <= needed <= len(organisations) or len(names) != len(organisations):
        raise QuorumSplitError(
            "the key cannot be split", expected=f"2 to {len(names)} organisations needed, each named once",
            found=f"{needed} of {len(organisations)}",
        )  # fmt: skip
    for one in organisations:
        alone = (one.threshold, len(one.members)) == (1, 1)
        if not alone and not 2 <= one.threshold <= len(one.members):
            raise QuorumSplitError(
                f"{one.name} cannot hold its share", expected="1 of 1, or at least 2 of n",
                found=f"{one.threshold} of {len(one.members)}",
            )  # fmt: skip
    if len(set(members)) != len(members):
        raise QuorumSplitError("a member holds two shares", expected="each key once")
    groups = [(one.threshold, len(one.members)) for one in organisations]
    shares = shamir_mnemonic.generate_mnemonics(needed, groups, bytes(kek), iteration_exponent=0)
    return dict(zip(members, (share for group in shares for share in group), strict=True))


def combine(mnemonics: Iterable[str]) -> bytearray:
    """Rebuild a KEK from enough shares; shares beyond the threshold are left out.

    Raises:
        QuorumSplitError: too few organisations or members, a share twice, or shares of different splits.
    """
    reason = ""
    try:
        groups = shamir_mnemonic.decode_mnemonics(list(mnemonics))
        complete = {index: group for index, group in groups.items() if group.is_complete()}
        needed = next(iter(groups.values())).common_parameters().group_threshold
        if len(complete) < needed:
            reason = f"shares of {len(complete)} of {needed} organisations"
        else:
            chosen = {index: complete[index].get_minimal_group() for index in sorted(complete)[:needed]}
            return bytearray(shamir_mnemonic.recover_ems(chosen).decrypt(b""))
    except (shamir_mnemonic.MnemonicError, ValueError, StopIteration):
        reason = "shares that are damaged or do not belong together"
    # Not chained: the library's messages quote words of the shares.
    raise QuorumSplitError(
        "the shares do not make the key", expected="enough organisations, one split", found=reason
    )
