"""Keys: HPKE binds its purpose, a keyring binds its place, and one organisation is never enough."""

import os
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mythos.custody.keys import HpkePrivateKey, HpkePublicKey, Keyring, Organisation, combine, split
from mythos.errors import CustodyError, MalformedError, QuorumSplitError
from mythos.units import Digest

KEK = bytes(range(32))
MANIFEST = Digest.of(b"m")
KEY = HpkePrivateKey.generate()
TWO = [Organisation("A", 1, ("a",)), Organisation("B", 1, ("b",))]
DEEP = [Organisation("A", 2, ("a1", "a2", "a3")), Organisation("B", 1, ("b",)), Organisation("C", 1, ("c",))]


def test_hpke_opens_only_for_its_purpose_and_key() -> None:
    wrapped = KEY.public.wrap(b"share", b"purpose")
    assert KEY.open(wrapped, b"purpose") == b"share"
    with pytest.raises(CustodyError, match="does not open"):
        KEY.open(wrapped, b"another purpose")
    with pytest.raises(CustodyError, match="does not open"):
        HpkePrivateKey.generate().open(wrapped, b"purpose")
    for at in (0, 1087, 1088, 1119, 1120, -1):
        changed = bytearray(wrapped)
        changed[at] ^= 1
        with pytest.raises(CustodyError, match="does not open"):
            KEY.open(bytes(changed), b"purpose")
    for short in (b"", wrapped[:100], wrapped[:-1]):
        with pytest.raises(CustodyError):
            KEY.open(short, b"purpose")


def test_both_halves_of_the_hybrid_count() -> None:
    other = HpkePrivateKey.generate()
    wrapped = KEY.public.wrap(b"share", b"")
    for mixed in (KEY.raw[:64] + other.raw[64:], other.raw[:64] + KEY.raw[64:]):
        with pytest.raises(CustodyError):
            HpkePrivateKey(mixed).open(wrapped, b"")


def test_keys_have_one_text_and_do_not_print() -> None:
    assert HpkePrivateKey.parse(KEY.to_text()) == KEY
    assert HpkePublicKey.parse(str(KEY.public)) == KEY.public
    assert KEY.to_text()[20:40] not in repr(KEY)
    for text in ("", "PRIVATE+HPKE+", "PRIVATE+HPKE+AAAA", "PRIVATE+KEY+x", "PRIVATE+HPKE+!"):
        with pytest.raises(MalformedError):
            HpkePrivateKey.parse(text)
    for text in ("", "AAAA", str(KEY.public)[:-4]):
        with pytest.raises(MalformedError):
            HpkePublicKey.parse(text)
    with pytest.raises(MalformedError):
        HpkePublicKey(b"\xff" * 1216).wrap(b"share", b"")


def keyring() -> Keyring:
    deks = {"1.0": b"\x01" * 32, "1.1": b"\x02" * 32}
    return Keyring.wrap(deks, KEK, manifest=MANIFEST, hub="host", epoch=1)


def test_a_keyring_gives_back_its_keys_and_only_in_place() -> None:
    ring = keyring()
    assert Keyring.parse(ring.to_bytes()) == ring
    assert ring.open(KEK) == {"1.0": b"\x01" * 32, "1.1": b"\x02" * 32}
    assert b"\x01" * 32 not in ring.to_bytes()
    for wrong in (
        replace(ring, epoch=2),
        replace(ring, hub="elsewhere"),
        replace(ring, manifest=Digest.of(b"other")),
        replace(ring, wrapped=(("1.0", ring.wrapped[1][1]), ("1.1", ring.wrapped[0][1]))),
        replace(ring, wrapped=(("9.9", ring.wrapped[0][1]),)),
    ):
        with pytest.raises(QuorumSplitError, match="does not open"):
            wrong.open(KEK)
    with pytest.raises(QuorumSplitError):
        ring.open(bytes(32))


def test_a_new_epoch_leaves_the_data_keys_alone() -> None:
    deks = keyring().open(KEK)
    fresh = Keyring.wrap(deks, b"\x07" * 32, manifest=MANIFEST, hub="host", epoch=2)
    assert fresh.open(b"\x07" * 32) == deks
    with pytest.raises(QuorumSplitError):
        fresh.open(KEK)


@pytest.mark.parametrize(
    "data", [b"", b"{}", b"[]", keyring().to_bytes()[:-1], keyring().to_bytes().replace(b'"v":1', b'"v":2')]
)
def test_other_bytes_are_no_keyring(data: bytes) -> None:
    with pytest.raises(MalformedError):
        Keyring.parse(data)


def test_every_organisation_is_needed() -> None:
    shares = split(KEK, TWO, 2)
    assert combine(shares.values()) == KEK
    for alone in shares.values():
        with pytest.raises(QuorumSplitError, match="1 of 2 organisations"):
            combine([alone])
        with pytest.raises(QuorumSplitError):
            combine([alone, alone])
    with pytest.raises(QuorumSplitError):
        combine([])


@given(st.sets(st.sampled_from(["a1", "a2", "a3", "b", "c"])))
@settings(max_examples=40, deadline=None)
def test_exactly_the_quorums_open(chosen: set[str]) -> None:
    shares = split(KEK, DEEP, 2)
    organisations = (len(chosen & {"a1", "a2", "a3"}) >= 2) + ("b" in chosen) + ("c" in chosen)
    if organisations >= 2:
        assert combine(shares[name] for name in chosen) == KEK
    else:
        with pytest.raises(QuorumSplitError):
            combine(shares[name] for name in chosen)


def test_shares_of_two_splits_do_not_mix() -> None:
    one, other = split(KEK, TWO, 2), split(KEK, TWO, 2)
    with pytest.raises(QuorumSplitError, match="do not belong together"):
        combine([one["a"], other["b"]])


def test_a_damaged_share_is_not_quoted() -> None:
    shares = split(KEK, TWO, 2)
    words = shares["a"].split()
    at = next(i for i in range(8, len(words) - 1) if words[i] != words[i + 1])
    words[at], words[at + 1] = words[at + 1], words[at]
    with pytest.raises(QuorumSplitError) as caught:
        combine([" ".join(words), shares["b"]])
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None
    assert not any(f"{a} {b}" in str(caught.value) for a, b in pairwise(words))


@pytest.mark.parametrize(
    ("organisations", "needed"),
    [
        (TWO, 1),
        (TWO, 3),
        (TWO[:1], 2),
        (TWO[:1], 1),
        ([TWO[0], replace(TWO[1], name="A")], 2),
        ([TWO[0], replace(TWO[1], members=("a",))], 2),
        ([TWO[0], Organisation("B", 1, ("b", "c"))], 2),
        ([TWO[0], Organisation("B", 3, ("b", "c"))], 2),
        ([TWO[0], Organisation("B", 0, ())], 2),
    ],
)
def test_weak_splits_are_refused(organisations: list[Organisation], needed: int) -> None:
    with pytest.raises(QuorumSplitError):
        split(KEK, organisations, needed)


def test_wrapped_keys_have_one_length() -> None:
    ring = keyring()
    text = ring.to_bytes()
    short = Keyring(ring.manifest, ring.hub, ring.epoch, (("1.0", os.urandom(59)),)).to_bytes()
    assert len(short) < len(text)
    with pytest.raises(MalformedError, match="60 bytes"):
        Keyring.parse(short)
