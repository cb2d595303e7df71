"""Every exception Mythos raises, in one tree.

A refusal (a person may not use a model, a grant does not cover a host) is a *value* with a reason and a
citation. An exception means that something is broken, hostile or wrongly called. Each one says what was
expected, what was found and what to do.

    MythosError
    ├── InputError              the call or its input is wrong                          (exit status 2)
    │   ├── HomeError           the home is missing, not writable, or readable by others
    │   └── FormatError         a file is not in the format it should have
    ├── EvidenceError           a proof does not hold                                    (exit status 1)
    │   ├── MalformedError      bytes that are not in their one canonical form
    │   ├── NotIncludedError    an inclusion proof does not hold
    │   ├── InconsistentError   a fork, a rollback, or a consistency proof that does not hold
    │   ├── BadSignatureError   a signature by a known key does not verify
    │   ├── NotTrustedError     no key that the trust root names for this act signed it
    │   ├── QuorumError         too few witnesses cosigned
    │   ├── ClockError          a time lies in the future, or a clock went backwards
    │   ├── NoTrustError        the reader holds no policy
    │   └── QuotaError          a signer sent too much, or an entry is too large
    ├── LogError                the log cannot take or give an entry now                 (exit status 3)
    │   ├── LogLockedError      another process is the writer
    │   ├── LogFullError        the disk of the log is full; nothing was written
    │   ├── KeyReusedError      an idempotency key came again with other bytes
    │   └── LogCorruptError     the log's own database is inconsistent
    ├── WeightsError            weights are missing, cut short, or not those that were named (exit status 1)
    │   └── DigestError         a digest differs from the one expected
    ├── RegimeError             an instrument's file is wrong                            (exit status 2)
    ├── ComputeError            a compute record is broken or impossible                 (exit status 1)
    ├── CustodyError            custody of weights                                       (exit status 1)
    │   ├── SealError           sealed bytes do not open: wrong key, flipped, cut or moved
    │   ├── QuorumSplitError    too few organisations approved, or their shares do not fit
    │   ├── GrantError          the grant does not cover this release
    │   ├── LeaseError          the lease has ended or was not renewed
    │   └── AttestationError    evidence of a host does not verify
    ├── AccessError             a directive, person or entity file is wrong              (exit status 2)
    │   └── TokenError          a token or credential proves nothing
    ├── EngineError             the engine could not start or ended                      (exit status 3)
    ├── HubError                the front could not do what was asked                    (exit status 3)
    ├── DataError               a source, catalogue or table is wrong                    (exit status 2)
    ├── TrainError              a training run cannot go on                              (exit status 3)
    ├── NetworkError            another party did not answer                             (exit status 3)
    ├── ProcessError            a command or service that was started ended with an error (its own status)
    └── MachineError            this machine lacks something                             (exit status 3)
"""

from __future__ import annotations


class MythosError(Exception):
    """The root of every exception Mythos raises.

    Args:
        message: one sentence, what is wrong.
        expected: what should have been there.
        found: what was there instead. Never a secret.
        advice: what the reader can do now.
        code: a stable machine-readable name; the class name in snake case when not given.
    """

    exit_status: int = 3

    def __init__(
        self, message: str, *, expected: str = "", found: str = "", advice: str = "", code: str = ""
    ) -> None:
        super().__init__(message)
        self.message = message
        self.expected = expected
        self.found = found
        self.advice = advice
        self.code = code or _snake(type(self).__name__.removesuffix("Error"))

    def __str__(self) -> str:
        parts = [self.message]
        if self.expected:
            parts.append(f"expected {self.expected}")
        if self.found:
            parts.append(f"found {self.found}")
        text = "; ".join(parts)
        return f"{text}. {self.advice}" if self.advice else text


def _snake(name: str) -> str:
    return "".join("_" + c.lower() if c.isupper() else c for c in name).lstrip("_")


class InputError(MythosError):
    """The call or its input is wrong."""

    exit_status = 2


class HomeError(InputError):
    """The home is missing, not writable, or readable by others."""


class FormatError(InputError):
    """A file is not in the format it should have."""


class EvidenceError(MythosError):
    """A proof does not hold."""

    exit_status = 1


class MalformedError(EvidenceError):
    """Bytes that are not in their one canonical form."""


class NotIncludedError(EvidenceError):
    """An inclusion proof does not hold (RFC 6962 section 2.1.1)."""


class InconsistentError(EvidenceError):
    """A fork, a rollback, or a consistency proof that does not hold (RFC 6962 section 2.1.2)."""


class BadSignatureError(EvidenceError):
    """A signature by a known key does not verify."""


class NotTrustedError(EvidenceError):
    """No key that the trust root names for this act signed it."""


class QuorumError(EvidenceError):
    """Too few witnesses cosigned."""


class ClockError(EvidenceError):
    """A time lies in the future, or a clock went backwards."""


class NoTrustError(EvidenceError):
    """The reader holds no policy; a policy that arrives with the evidence is never used."""


class QuotaError(EvidenceError):
    """A signer sent too much, or an entry is too large."""


class LogError(MythosError):
    """The log cannot take or give an entry now."""


class LogLockedError(LogError):
    """Another process is the writer."""


class LogFullError(LogError):
    """The disk of the log is full; nothing was written."""


class KeyReusedError(LogError):
    """An idempotency key came again with other bytes."""


class LogCorruptError(LogError):
    """The log's own database is inconsistent."""


class WeightsError(MythosError):
    """Weights are missing, cut short, or not those that were named."""

    exit_status = 1


class DigestError(WeightsError):
    """A digest differs from the one expected."""


class RegimeError(MythosError):
    """An instrument's file is wrong."""

    exit_status = 2


class ComputeError(MythosError):
    """A compute record is broken or impossible."""

    exit_status = 1


class CustodyError(MythosError):
    """Custody of weights."""

    exit_status = 1


class SealError(CustodyError):
    """Sealed bytes do not open: wrong key, flipped, cut or moved."""


class QuorumSplitError(CustodyError):
    """Too few organisations approved, or their shares do not fit."""


class GrantError(CustodyError):
    """The grant does not cover this release."""


class LeaseError(CustodyError):
    """The lease has ended or was not renewed."""


class AttestationError(CustodyError):
    """Evidence of a host does not verify."""


class AccessError(MythosError):
    """A directive, person or entity file is wrong; nothing was decided."""

    exit_status = 2


class TokenError(AccessError):
    """A token or credential proves nothing; `code` says why, to the operator and to nobody else."""


class EngineError(MythosError):
    """The engine could not start or ended."""


class HubError(MythosError):
    """The front could not do what was asked."""


class DataError(MythosError):
    """A source, catalogue or table is wrong."""

    exit_status = 2


class TrainError(MythosError):
    """A training run cannot go on."""


class NetworkError(MythosError):
    """Another party did not answer."""


class MachineError(MythosError):
    """This machine lacks something."""


class ProcessError(MythosError):
    """A command or service that was started ended with an error; its own message and status say why."""

    def __init__(self, message: str, *, status: int = 3, advice: str = "") -> None:
        super().__init__(message, advice=advice)
        self.exit_status = status
