"""What an adapter says of its origin, and that it is held to it."""

import pytest

from mythos.errors import DigestError, FormatError
from mythos.units import Digest
from mythos.weights.adapter import Lineage

A, B, C = (Digest.of(name) for name in (b"base", b"data", b"settings"))


def test_it_is_read_as_it_was_written() -> None:
    lineage = Lineage("regional", A, B, C)
    assert Lineage.parse(lineage.to_bytes()) == lineage
    lineage.check_base(A)


def test_another_base_is_refused_by_digest() -> None:
    with pytest.raises(DigestError) as raised:
        Lineage("regional", A, B, C).check_base(B)
    assert str(A) in str(raised.value)
    assert str(B) in str(raised.value)


@pytest.mark.parametrize(
    "wrong", [b"", b"{}", b"[]", b'{"base":"x"}', Lineage("r", A, B, C).to_bytes() + b"\n"]
)
def test_anything_else_is_no_lineage(wrong: bytes) -> None:
    with pytest.raises(FormatError, match="not the lineage"):
        Lineage.parse(wrong)
