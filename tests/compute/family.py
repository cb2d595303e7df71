"""Signed statements about a family of weights."""

from __future__ import annotations

from dataclasses import dataclass, field

from mythos.evidence import Envelope, SigningKey, Subject
from mythos.evidence.predicates import Derivation, TrainingCompute
from mythos.evidence.predicates.weights import Parent
from mythos.units import Digest, Flop, Instant

NOW = Instant.parse("2026-11-23T00:00:00Z")


def weights(name: str) -> Digest:
    return Digest.of(name.encode())


@dataclass
class Family:
    """`spent` and `made` append what they say; `envelopes` is the log so far."""

    envelopes: list[Envelope] = field(default_factory=list[Envelope])
    keys: dict[str, SigningKey] = field(default_factory=dict[str, SigningKey])

    def key(self, party: str) -> SigningKey:
        return self.keys.setdefault(party, SigningKey(party, bytes([len(self.keys)]) * 32))

    def spent(
        self,
        name: str,
        flop: int,
        *,
        by: str | None = None,
        method: str = "counted",
        executed: int | None = None,
        uncertainty: str | None = None,
        complete: bool = True,
    ) -> Family:
        said = TrainingCompute(
            method=method,
            convention="x",
            model_flop=Flop(flop),
            executed_flop=None if executed is None else Flop(executed),
            complete=complete,
            uncertainty_percent=uncertainty,
            parameters=None,
            tokens=None,
            sources=(),
            energy_watt_hours=None,
            energy_method=None,
            unregistered=(),
            record_digest=None,
            declared_at=NOW,
            started_at=None,
            ended_at=None,
        )
        statement = said.statement(Subject(name, weights(name)))
        self.envelopes.append(Envelope.sign(statement, self.key(by or f"maker-of-{name}")))
        return self

    def made(self, name: str, kind: str, *parents: str, by: str = "owner", **roles: str) -> Family:
        """`made("c", "merge", "a", "b")`, or with roles: `made("s", "distil", base="b", teacher="t")`."""
        named = [Parent(weights(p), "base") for p in parents]
        named += [Parent(weights(p), role) for role, p in roles.items()]
        said = Derivation(kind, tuple(named), "", NOW)
        self.envelopes.append(Envelope.sign(said.statement(Subject(name, weights(name))), self.key(by)))
        return self
