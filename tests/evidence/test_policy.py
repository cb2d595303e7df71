"""Who is believed: policy files, quorums, trust roots and their rotation."""

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mythos.errors import (
    BadSignatureError,
    FormatError,
    InputError,
    MalformedError,
    NotTrustedError,
    QuotaError,
)
from mythos.evidence import predicates as acts
from mythos.evidence.estate import first_root
from mythos.evidence.note import SigningKey
from mythos.evidence.policy import Policy, Trust, admit
from mythos.evidence.statement import Envelope, Statement, canonical
from mythos.units import Instant

from . import samples

LOG = samples.key("log").verify_key
W = [samples.key(f"w{i}", cosigner=True).verify_key for i in range(6)]
ROOT = samples.KEYS["root"].verify_key

# The example of the C2SP specification, with keys.
EXAMPLE = f"""
log {LOG}

witness X1 {W[0]}
witness X2 {W[1]}\thttps://witness.example/x2
  witness X3 {W[2]}
group X-witnesses 2 X1 X2 X3

witness Y1 {W[3]}
witness Y2 {W[4]}
witness Y3 {W[5]}
group Y-witnesses any Y1 Y2 Y3
  # both organisations
group X-and-Y all X-witnesses Y-witnesses
quorum X-and-Y
"""


@given(st.sets(st.integers(0, 5)))
def test_the_specifications_example_needs_two_of_x_and_one_of_y(present):
    policy = Policy.parse(EXAMPLE)
    met = len(present & {0, 1, 2}) >= 2 and bool(present & {3, 4, 5})
    assert policy.met([W[i] for i in present]) == met


def test_what_is_read_is_what_was_written():
    policy = Policy.parse(EXAMPLE.encode())
    assert policy.logs == (LOG,)
    assert policy.addresses == {W[1].id: "https://witness.example/x2"}
    assert (policy.roots, policy.threshold) == ((), 0)
    assert samples.POLICY.threshold == 2
    assert len(samples.POLICY.roots) == 3


def test_a_stranger_and_a_key_of_the_same_name_count_for_nothing():
    policy = Policy.parse(f"witness a {W[0]}\nquorum a\n")
    other = SigningKey.generate(W[0].name, cosigner=True).verify_key
    assert not policy.met([other, W[1]])
    assert policy.met([W[0]])
    assert Policy.parse("quorum none\n").met([])


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "no quorum"),
        ("quorum a", "no line before"),
        (f"group g any a\nwitness a {W[0]}\nquorum g", "no line before"),
        (f"witness a {W[0]}\nwitness a {W[1]}\nquorum a", "name is taken"),
        (f"witness none {W[0]}\nquorum none", "name is taken"),
        (f"witness a {W[0]}\nwitness b {W[0]}\nquorum a", "same public key"),
        (f"log {LOG}\nlog {LOG}\nquorum none", "same public key"),
        (f"witness a {LOG}\nquorum a", "another type"),
        (f"log {W[0]}\nquorum none", "another type"),
        (f"witness a {W[0]}\ngroup g 2 a\nquorum g", "no such threshold"),
        (f"witness a {W[0]}\ngroup g 0 a\nquorum g", "no such threshold"),
        (f"witness a {W[0]}\ngroup g one a\nquorum g", "canonical decimal"),
        (f"witness a {W[0]}\ngroup g any a a\nquorum g", "member once"),
        (f"witness a {W[0]}\ngroup g any a\ngroup h any a\nquorum g", "member once"),
        (f"witness a {W[0]}\ngroup g any none\nquorum g", "member once"),
        (f"witness a {W[0]}\ngroup g any\nquorum g", "not a policy line"),
        ("quorum none\nquorum none", "not a policy line"),
        ("trust everyone\nquorum none", "not a policy line"),
        (f"log {LOG} url more\nquorum none", "not a policy line"),
        (f"root {ROOT}\nquorum none", "do not fit"),
        (f"root {ROOT}\nthreshold 2\nquorum none", "do not fit"),
        (f"root {ROOT}\nthreshold 0\nquorum none", "threshold of nobody"),
        ("threshold 1\nquorum none", "do not fit"),
        (f"root {ROOT}\nroot {ROOT}\nthreshold 2\nquorum none", "same public key"),
        ("quorum none\r\n", "control character"),
        ("log x\nquorum none", "line 1: not a verifier key"),
        ("#" * (1 << 21), "too large"),
    ],
)
def test_a_wrong_policy_says_the_line(text, why):
    with pytest.raises(FormatError, match=why):
        Policy.parse(text)


def test_names_are_opaque_octets():
    policy = Policy.parse(b"witness \xff\xfe " + str(W[0]).encode() + b"\nquorum \xff\xfe\n")
    assert policy.met([W[0]])


def _changed(**changes):
    return dataclasses.replace(samples.TRUST, **changes).to_dict()


@pytest.mark.parametrize(
    ("predicate", "why"),
    [
        (_changed(roles={}), "no root role"),
        (_changed(roles={"root": acts.Role(4, samples.TRUST.roles["root"].keys, ())}), "cannot be held"),
        (_changed(roles={"root": acts.Role(0, samples.TRUST.roles["root"].keys, ())}), "cannot be held"),
        (_changed(roles={"root": acts.Role(1, ("stranger+00000000",), ())}), "cannot be held"),
        (_changed(roles={"root": acts.Role(2, (ROOT.id, ROOT.id), ())}), "cannot be held"),
        (_changed(witnesses=(str(W[0]), str(W[0]))), "witness key twice"),
        (_changed(witnesses=(str(LOG),)), "another type"),
        (_changed(keys={"other+00000000": acts.TrustedKey(str(ROOT), "o", None)}), "under another's id"),
        (samples.TRUST.to_dict() | {"issuedAt": "yesterday"}, "malformed"),
        (samples.TRUST.to_dict() | {"version": "1"}, "whole number"),
        (samples.TRUST.to_dict() | {"extra": 1}, "other fields"),
    ],
)
def test_an_unsound_trust_root_is_refused(predicate, why):
    with pytest.raises(MalformedError, match=why):
        Trust.parse(predicate)


def test_one_public_key_under_two_names_would_count_twice():
    twin = SigningKey("twin", samples.KEYS["root"].seed)
    keys = samples.TRUST.keys | {twin.id: acts.TrustedKey(str(twin.verify_key), "o", None)}
    with pytest.raises(MalformedError, match="two names"):
        Trust.parse(_changed(keys=keys))


def test_a_role_needs_its_threshold():
    role = acts.Role(2, (samples.KEYS["owner"].id, samples.KEYS["host"].id), ("seal",))
    trust = Trust.parse(_changed(roles=samples.TRUST.roles | {"owner": role}))
    assert not trust.may([samples.KEYS["owner"].id], "seal")
    assert trust.may([samples.KEYS["owner"].id, samples.KEYS["host"].id], "seal")


def _admitted(*entries):
    trust, found = None, []
    for index, data in enumerate(entries):
        entry, trust = admit(samples.POLICY, trust, index, data)
        found.append(entry)
    return found, trust


def test_every_act_by_its_role_is_trusted():
    found, _ = _admitted(*samples.whole_life())
    assert all(entry.trusted for entry in found)
    assert [entry.act for entry in found] == list(samples.SAMPLES)


def test_unknown_acts_and_versions_of_a_known_key_are_kept_and_not_trusted():
    key = samples.KEYS["owner"]
    for kind in ("https://mythos.example/seal/v2", "https://slsa.dev/provenance/v1"):
        entry = Envelope.sign(Statement((samples.MODEL,), kind, {}), key).to_bytes()
        found, _ = _admitted(samples.signed(samples.TRUST), entry)
        assert (found[1].trusted, found[1].act, found[1].signers) == (False, None, (key.id,))


@pytest.mark.parametrize(
    ("entry", "error", "why"),
    [
        (
            samples.signed(samples.SAMPLES["seal"], samples.KEYS["host"]),
            NotTrustedError,
            "may not say seal; expected owner",
        ),
        (samples.signed(samples.SAMPLES["seal"], samples.key("stranger")), NotTrustedError, "no such key"),
        (
            samples.signed(samples.SAMPLES["seal"], samples.KEYS["owner"], samples.key("stranger")),
            NotTrustedError,
            "no such key",
        ),
        (samples.signed(samples.TRUST), NotTrustedError, "out of order; expected version 2"),
        (b"{}", MalformedError, "other fields"),
        (b"a" * 65_536, QuotaError, "too large"),
    ],
)
def test_what_is_not_allowed_is_not_admitted(entry, error, why):
    with pytest.raises(error, match=why):
        _admitted(samples.signed(samples.TRUST), entry)


def test_a_signature_over_other_bytes_is_not_admitted():
    good = Envelope.parse(samples.signed(samples.SAMPLES["seal"]))
    forged = Envelope(samples.SAMPLES["lease"].statement(samples.MODEL).to_bytes(), good.signatures)
    with pytest.raises(BadSignatureError):
        _admitted(samples.signed(samples.TRUST), forged.to_bytes())


def test_the_first_entry_is_a_trust_root_signed_by_the_policys_root_keys():
    with pytest.raises(NotTrustedError, match="begins without a trust root"):
        _admitted(samples.signed(samples.SAMPLES["seal"]))
    with pytest.raises(NotTrustedError, match="too few of the policy's root keys"):
        _admitted(samples.signed(samples.TRUST, samples.KEYS["root"]))
    own = Policy.parse(f"log {samples.LOG.verify_key}\nquorum none\n")
    with pytest.raises(NotTrustedError, match="names no root key"):
        admit(own, None, 0, samples.signed(samples.TRUST))
    stranger = samples.key("stranger")
    with pytest.raises(NotTrustedError, match="unknown key signed"):
        _admitted(samples.signed(samples.TRUST, *samples.signers("trust-root"), stranger))


def test_a_rotation_is_signed_by_the_thresholds_before_and_after():
    new = samples.key("approver-c")
    keys = {k: v for k, v in samples.TRUST.keys.items() if k != samples.KEYS["approver-b"].id}
    keys[new.id] = acts.TrustedKey(str(new.verify_key), "Ministry", None)
    roles = {
        name: acts.Role(role.threshold, tuple(new.id if k == samples.KEYS["approver-b"].id else k for k in role.keys), role.acts)
        for name, role in samples.TRUST.roles.items()
    }  # fmt: skip
    second = dataclasses.replace(samples.TRUST, version=2, keys=keys, roles=roles)
    first, old = samples.signed(samples.TRUST), samples.KEYS
    approval = samples.SAMPLES["approval"]
    found, trust = _admitted(
        first,
        samples.signed(approval, old["approver-b"]),
        samples.signed(second, old["root"], old["approver-a"]),
        samples.signed(approval, new),
    )
    assert trust is not None
    assert trust.version == 2
    assert all(entry.trusted for entry in found)
    with pytest.raises(NotTrustedError, match="no such key"):
        _admitted(
            first,
            samples.signed(second, old["root"], old["approver-a"]),
            samples.signed(approval, old["approver-b"]),
        )
    with pytest.raises(NotTrustedError, match="too few of trust root version 1"):
        _admitted(first, samples.signed(second, old["root"], new))
    with pytest.raises(NotTrustedError, match="too few of its own root role"):
        _admitted(first, samples.signed(second, old["root"], old["approver-b"]))


def test_a_trust_root_cannot_move_to_another_log():
    moved = dataclasses.replace(samples.TRUST, version=2, log=acts.LogIdentity("log", str(LOG)))
    with pytest.raises(NotTrustedError, match="another log"):
        _admitted(samples.signed(samples.TRUST), samples.signed(moved))


def test_a_first_root_names_the_keys_that_are_missing():
    with pytest.raises(InputError, match="no approver-a, approver-b, host"):
        first_root({}, LOG, [], verifier=None, now=Instant.parse("2026-01-01T00:00:00Z"))


@given(
    st.binary(max_size=120)
    | st.builds(
        canonical,
        st.dictionaries(st.sampled_from(["payload", "payloadType", "signatures"]), st.text(max_size=5)),
    )
)
def test_no_bytes_do_anything_but_pass_or_be_refused(data):
    with pytest.raises((MalformedError, QuotaError, NotTrustedError)):
        admit(samples.POLICY, None, 0, data)
