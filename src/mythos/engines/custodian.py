"""How the engine opens sealed weights: shares in, data keys for a moment, a lease that it verifies itself.

The front relays and cannot forge: a share opens only with the key made here, only for the request that names
it; a renewal counts only when the approver that handed over a share signed it. Time is what approvers signed
plus what the kernel counted since, suspend included; the host's wall clock is not asked.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from mythos.custody import EngineRelease, Lease, Live, open_into_memfd, read_manifest
from mythos.custody.release import boot_seconds
from mythos.custody.seal import wipe
from mythos.custody.sealed import SealedFile, SealManifest
from mythos.engines.frames import Frame
from mythos.engines.process import Opened
from mythos.errors import LeaseError, WeightsError
from mythos.evidence.note import decode64

__all__ = ["SealedCustodian"]

_FORMAT: Final = "gguf"


class SealedCustodian:
    """One release of one engine; made after the first filter is loaded."""

    def __init__(self) -> None:
        self._release = EngineRelease()
        self._lease: Lease | None = None

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
        folder = Path(frame["folder"])
        manifest = read_manifest(folder)
        file = _model(manifest)
        answers = [decode64(answer) for answer in frame["answers"]]
        deks, self._lease = self._release.combine(
            answers, request=decode64(frame["request"]), manifest=manifest.to_bytes()
        )
        try:
            self.remaining()
            descriptor = open_into_memfd(file.within(folder), file, deks[file.dek_id])
        finally:
            for dek in deks.values():
                wipe(dek)
        facts = {"manifest": str(manifest.digest), "bytes": file.plaintext_bytes, **self._said()}
        return Opened(descriptor, facts)

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


def _model(manifest: SealManifest) -> SealedFile:
    """The one file that llama.cpp loads."""
    found = [file for file in manifest.files if file.format == _FORMAT]
    if len(found) != 1:
        raise WeightsError(
            "this engine serves one GGUF file", expected="one", found=f"{len(found)} in the seal",
            advice="Seal one GGUF file; models in several parts need another engine.",
        )  # fmt: skip
    return found[0]
