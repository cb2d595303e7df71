from datetime import datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mythos.errors import InputError
from mythos.units import Bytes, Digest, Flop, Instant, exact

INSTANTS = st.integers(min_value=-60_000_000_000_000_000, max_value=250_000_000_000_000_000).map(Instant)


@given(INSTANTS)
def test_an_instant_reads_what_it_writes(instant: Instant) -> None:
    assert Instant.parse(str(instant)) == instant


def test_an_instant_keeps_the_zone_of_the_letter() -> None:
    assert str(Instant.parse("2026-06-12T17:21:00-04:00")) == "2026-06-12T21:21:00Z"


@pytest.mark.parametrize(
    "text",
    [
        "2026-06-12", "2026-06-12T17:21:00", "2026-06-12T17:21:00z", "2026-06-12T23:59:60Z", "2026-W24-5T00:00:00Z",
        "2026-02-30T00:00:00Z", "2026-06-12 17:21:00Z", "2026-06-12T17:21:00.1234567Z", "2026-06-12T17:21:00+09:99",
        "9999-12-31T23:59:59-00:01", "0001-01-01T00:00:00+00:01", "٢٠٢٦-06-12T17:21:00Z", "",
    ],
)  # fmt: skip
def test_a_time_that_is_not_rfc3339_with_a_zone_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="not a time"):
        Instant.parse(text)


def test_a_naive_datetime_is_refused() -> None:
    with pytest.raises(InputError, match="without a zone"):
        Instant.of(datetime(2026, 6, 12))  # noqa: DTZ001


@given(st.binary())
def test_a_digest_reads_what_it_writes(data: bytes) -> None:
    digest = Digest.of(data)
    assert Digest.parse(str(digest)) == digest


@pytest.mark.parametrize(
    "text", ["", "sha256:", "sha256:" + "A" * 64, "sha512:" + "a" * 64, "sha256:" + "a" * 63]
)
def test_a_wrong_digest_is_refused(text: str) -> None:
    with pytest.raises(InputError):
        Digest.parse(text)


def test_a_count_is_exact_where_a_float_is_not() -> None:
    assert Flop.parse("1e26") >= Flop.parse("1.0e26")
    assert Flop.parse("1.0000001e26") > Flop.parse("1e26")
    assert str(Flop.parse("1e26")) == "1" + "0" * 26


@pytest.mark.parametrize("value", [1e26, True, "1e26x", "nan", "inf", "-1", "0.5", "1e1000"])
def test_a_count_that_is_not_exact_is_refused(value: object) -> None:
    with pytest.raises(InputError):
        Flop.parse(value)  # type: ignore[arg-type]


def test_exact_says_why_a_float_is_refused() -> None:
    with pytest.raises(InputError, match="binary floats lose digits"):
        exact(1.5)  # type: ignore[arg-type]
    assert exact("1.50") == Decimal("1.50")


def test_sizes_are_written_as_disks_are_sold() -> None:
    assert [Bytes(size).human for size in (0, 999, 98_362_432, 5 * 10**15)] == [
        "0 B",
        "999 B",
        "98.4 MB",
        "5000.0 TB",
    ]


@pytest.mark.parametrize(
    ("seconds", "last"), [(2**53, "9999-12-31T23:59:59.999999Z"), (-(2**53), "0001-01-01T00:00:00Z")]
)
def test_a_time_far_away_is_still_one_that_can_be_written(seconds: int, last: str) -> None:
    assert str(Instant.parse("2026-06-12T17:21:00Z").plus(seconds)) == last
