"""The next version of a trust root: who becomes known, and what they may say."""

from dataclasses import replace
from hashlib import sha256

import pytest

from mythos.errors import InputError
from mythos.evidence.estate import FURTHER_ROLES, ROLES, Holder, first_root, next_root
from mythos.evidence.note import COSIGNATURE, SigningKey
from mythos.evidence.policy import Trust
from mythos.evidence.predicates import HpkeKey, TrustRoot
from mythos.units import Instant

NOW = Instant.parse("2026-11-26T12:00:00Z")


def key(name: str) -> SigningKey:
    return SigningKey(name, sha256(name.encode()).digest())


NAMES = sorted({name for keys, _ in ROLES.values() for name in keys})
ROOT = first_root(
    {name: Holder(key(name).verify_key, name) for name in NAMES},
    key("log").verify_key,
    [SigningKey("w", sha256(b"w").digest(), COSIGNATURE).verify_key],
    verifier=None,
    now=NOW,
)
CLINIC = Holder(key("data-holder").verify_key, "Clinic", HpkeKey("suite", "AAAA"))


def test_a_new_key_holds_the_roles_it_is_given_and_the_others_stay() -> None:
    made = next_root(ROOT, CLINIC, ["approver", "data-holder"], version=2, now=NOW.plus(1))
    trust, before = Trust.parse(made.to_dict()), Trust.parse(ROOT.to_dict())
    name = CLINIC.key.id
    assert trust.organisations[name] == "Clinic"
    assert trust.may([name], "approval")
    assert trust.may([name], "dataset-admitted")
    assert not trust.may([name], "grant")
    assert made.keys[name].hpke == CLINIC.hpke
    assert (made.version, made.issued_at) == (2, NOW.plus(1))
    for role, held in before.roles.items():
        assert held.keys <= trust.roles[role].keys
        assert held.acts == trust.roles[role].acts
    assert TrustRoot.from_dict(made.to_dict()) == made


def test_a_hub_that_adapts_may_say_so_and_grants_nothing() -> None:
    host = key("host").verify_key
    assert not Trust.parse(ROOT.to_dict()).may([host.id], "derivation")
    made = next_root(ROOT, host, ["sandbox"], version=2, now=NOW)
    trust = Trust.parse(made.to_dict())
    assert all(trust.may([host.id], act) for act in FURTHER_ROLES["sandbox"])
    assert not any(
        trust.may([host.id], act) for act in ("grant", "approval", "dataset-admitted", "trust-root")
    )
    again = next_root(made, host, ["sandbox"], version=2, now=NOW)
    assert again.roles["sandbox"].keys == (host.id,)


def test_what_cannot_be_meant_is_refused() -> None:
    with pytest.raises(InputError, match="no such role"):
        next_root(ROOT, CLINIC, ["king"], version=2, now=NOW)
    with pytest.raises(InputError, match="not the key"):
        next_root(ROOT, key("stranger").verify_key, ["approver"], version=2, now=NOW)
    known = Holder(key("host").verify_key, "Another organisation")
    with pytest.raises(InputError, match="not the key"):
        next_root(ROOT, known, ["approver"], version=2, now=NOW)
    assert next_root(ROOT, replace(known, organisation="host"), ["approver"], version=2, now=NOW)
