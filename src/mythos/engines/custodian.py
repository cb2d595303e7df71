"""How the engine opens sealed weights: shares in, data keys for a moment, a lease that it verifies itself.

The front relays and cannot forge: a share opens only with the key made here, only for the request that names
it; a renewal counts only when the approver that handed over a share signed it. Time is what approvers signed
plus what the kernel counted since, suspend included; the host's wall clock is not asked.
"""

from __future__ import annotations

import os
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from mythos.custody import EngineRelease, Lease, Live, open_into, open_into_memfd, read_manifest
from mythos.custody.release import boot_seconds
from mythos.custody.seal import wipe
from mythos.custody.sealed import SealedFile, SealManifest
from mythos.engines.frames import Frame
from mythos.engines.process import Opened
from mythos.errors import LeaseError, WeightsError
from mythos.evidence.note import decode64
from mythos.units import Digest, Instant
from mythos.weights.adapter import ADAPTER, LINEAGE, Lineage

__all__ = ["SealedCustodian", "ServingCustodian"]

_FORMAT: Final = "gguf"
_FOREVER: Final = 1e9


class SealedCustodian:
    """One release of one engine; made after the first filter is loaded.

    Args:
        purpose: what this engine does with what it opens; a grant for anything else is refused.
    """

    def __init__(self, purpose: str = "serve") -> None:
        self._release = EngineRelease()
        self._purpose = purpose
        self._lease: Lease | None = None
        self.weights = Digest(bytes(32))

    @property
    def granted(self) -> EngineRelease:
        """For which hub and purpose, and under which trust root, the approvers released."""
        return self._release

    @property
    def grant(self) -> Digest:
        """The grant that the approvers released under: the leaf of its act."""
        return self._held().grant

    @property
    def approvers(self) -> tuple[str, ...]:
        """The key ids of those who released."""
        return tuple(term.approver.id for term in self._held().terms)

    def hello(self) -> Frame:
        """The public key that shares are to be wrapped to."""
        return {"publicKey": self._release.public}

    def open(self, frame: Frame) -> Opened:
        """Rebuild the data keys, open the model file, forget the keys.

        Raises:
            CustodyError: shares, keyring, manifest or ciphertext are not what was granted.
            LeaseError: the lease is over already.
            WeightsError: the seal holds no model file that llama.cpp reads.
        """
        manifest = read_manifest(Path(frame["folder"]))
        file = _model(manifest)
        with self._released(frame, manifest) as deks:
            descriptor = open_into_memfd(file.within(Path(frame["folder"])), file, deks[file.dek_id])
        self.weights = manifest.weights.root
        return Opened(descriptor, self._facts(manifest, file.plaintext_bytes))

    def open_whole(self, frame: Frame) -> tuple[SealManifest, dict[str, bytes], Frame]:
        """Open every file of a small seal, such as an adapter's: manifest, bytes by name, and what is said.

        Raises:
            CustodyError: shares, keyring, manifest or ciphertext are not what was granted.
            LeaseError: the lease is over already.
        """
        manifest, plain = read_manifest(Path(frame["folder"])), dict[str, bytes]()
        with self._released(frame, manifest) as deks:
            for file in manifest.files:
                buffer = bytearray(file.plaintext_bytes)
                open_into(file.within(Path(frame["folder"])), file, deks[file.dek_id], memoryview(buffer))
                plain[file.path] = bytes(buffer)
        return manifest, plain, self._facts(manifest, sum(f.plaintext_bytes for f in manifest.files))

    @contextmanager
    def _released(self, frame: Frame, manifest: SealManifest) -> Generator[dict[str, bytearray]]:
        answers = [decode64(answer) for answer in frame["answers"]]
        deks, self._lease = self._release.combine(
            answers, request=decode64(frame["request"]), manifest=manifest.to_bytes(), purpose=self._purpose
        )
        try:
            self.remaining()
            yield deks
        finally:
            for dek in deks.values():
                wipe(dek)

    def _facts(self, manifest: SealManifest, size: int) -> Frame:
        return {"manifest": str(manifest.digest), "bytes": size, **self._said()}

    def renew(self, frame: Frame) -> Frame:
        """Take the approvers' renewals, all or none; what is said about the lease then.

        Raises:
            LeaseError: one does not verify; the lease is what it was.
        """
        lease = self._held()
        for token in frame["renewals"]:
            lease = lease.renewed(decode64(token), boot_seconds())
        self._lease = lease
        return self._said()

    def remaining(self) -> float:
        """Seconds until the lease ends.

        Raises:
            LeaseError: it is over.
        """
        lease = self._held()
        state = lease.check(lease.now(boot_seconds()))
        if isinstance(state, Live):
            return state.seconds
        raise LeaseError(state.reason, code=state.code)

    def _held(self) -> Lease:
        if self._lease is None:
            raise LeaseError("there is no lease", expected="open before renew")
        return self._lease

    def _said(self) -> Frame:
        lease = self._held()
        return {"now": str(lease.now(boot_seconds())), "until": str(lease.until)}


class ServingCustodian(SealedCustodian):
    """Opens a base, and an adapter beside it where the front has one released too; each has its lease."""

    def __init__(self) -> None:
        super().__init__()
        self._adapter = SealedCustodian()
        self._beside: list[SealedCustodian] = []

    def hello(self) -> Frame:
        """The public keys that the shares of the base and of an adapter are to be wrapped to."""
        return {**super().hello(), "adapterKey": self._adapter.hello()["publicKey"]}

    def open(self, frame: Frame) -> Opened:
        """Open the base, then the adapter, which must be one of this very base.

        Raises:
            DigestError: an adapter of another base.
            CustodyError, LeaseError, WeightsError: as for a base.
        """
        opened = super().open(frame)
        if not frame.get("adapter"):
            return opened
        _, plain, facts = self._adapter.open_whole(frame["adapter"][0])
        if not {LINEAGE, ADAPTER} <= plain.keys():
            raise WeightsError("this seal holds no adapter", expected=f"{ADAPTER} and {LINEAGE}")
        Lineage.parse(plain[LINEAGE]).check_base(self.weights)
        self._beside = [self._adapter]
        descriptor = os.memfd_create("adapter", os.MFD_CLOEXEC)
        with os.fdopen(os.dup(descriptor), "wb") as file:
            file.write(plain[ADAPTER])
        return Opened(
            descriptor=opened.descriptor, facts={**opened.facts, "adapter": [facts]}, adapter=descriptor
        )

    def renew(self, frame: Frame) -> Frame:
        """Take the renewals of both leases; the earlier end counts."""
        said = super().renew(frame)
        for one, tokens in zip(self._beside, frame.get("adapterRenewals", ()), strict=True):
            other = one.renew({"renewals": tokens})
            said = min(said, other, key=lambda told: Instant.parse(told["until"]))
        return said

    def remaining(self) -> float:
        """Seconds until the first of the leases ends."""
        return min(super().remaining(), *(one.remaining() for one in self._beside), _FOREVER)


def _model(manifest: SealManifest) -> SealedFile:
    """The one file that llama.cpp loads."""
    found = [file for file in manifest.files if file.format == _FORMAT]
    if len(found) != 1:
        raise WeightsError(
            "this engine serves one GGUF file", expected="one", found=f"{len(found)} in the seal",
            advice="Seal one GGUF file; models in several parts need another engine.",
        )  # fmt: skip
    return found[0]
