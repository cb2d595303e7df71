"""Each convention against the published table and against the literature's own formula, exact integers."""

import csv
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mythos.compute import CONVENTIONS, Architecture, estimate, estimate_hardware
from mythos.errors import InputError

COLUMNS = {
    "6nd": "flops_6ND",
    "exact-full": "flops_exact_full",
    "exact-causal": "flops_exact_causal",
    "chinchilla-f": "flops_chinchilla_appF",
}
LATENT = {"DeepSeek-V2", "Kimi K2"}
GPT3_SMALL = {
    "params": "1.25e+08", "active_params": "1.25e+08", "layers": "12", "d_model": "768", "heads": "12",
    "kv_heads": "12", "head_dim": "64", "d_ff": "3072", "gated": "0", "d_ff_active": "3072", "vocab": "50257",
    "seq_len": "2048",
}  # fmt: skip


def test_the_published_table_to_its_last_digit(shared: Path) -> None:
    compared = 0
    with open(shared / "compute" / "published.csv", newline="") as file:
        for row in csv.DictReader(file):
            for convention, column in COLUMNS.items():
                latent = row["model"] in LATENT and convention != "6nd"
                if not row[column] or latent:
                    continue
                flop = estimate(Architecture.of(row), row["tokens"], convention).flop
                assert f"{Decimal(flop):.3e}" == f"{Decimal(row[column]):.3e}", (row["model"], convention)
                compared += 1
    assert compared >= 80


def test_gpt3_small_by_hand() -> None:
    arch, tokens = Architecture.of(GPT3_SMALL), 300 * 10**9
    matrices = 12 * (4 * 768 * 768 + 2 * 768 * 3072) + 768 * 50257
    scores = 12 * 12 * 768 * 2048
    assert estimate(arch, tokens, "6nd").flop == 6 * 125 * 10**6 * tokens
    assert estimate(arch, tokens, "exact-full").flop == (6 * matrices + scores) * tokens
    assert estimate(arch, tokens, "exact-causal").flop == (6 * matrices + scores // 2) * tokens
    assert estimate(arch, tokens, "chinchilla-f").flop == (6 * matrices + scores + 6 * 768 * 50257) * tokens


def chinchilla(layers: int, d: int, ffw: int, heads: int, key: int, vocab: int, length: int) -> Fraction:
    """Hoffmann et al. 2022, appendix F, line by line for one sequence, divided by its length."""
    embeddings = 2 * length * vocab * d
    attention = 2 * 3 * length * d * key * heads
    attention += 2 * length * length * key * heads
    attention += 3 * heads * length * length
    attention += 2 * length * length * key * heads
    attention += 2 * length * key * heads * d
    dense = 2 * length * (d * ffw + d * ffw)
    logits = 2 * length * d * vocab
    return Fraction(3 * (embeddings + layers * (attention + dense) + logits), length)


SIZES = st.integers(1, 200)


@given(SIZES, SIZES, SIZES, SIZES, SIZES, SIZES, SIZES, st.integers(1, 10**14))
def test_appendix_f_as_the_paper_has_it(
    layers: int, d: int, ffw: int, heads: int, key: int, vocab: int, length: int, tokens: int
) -> None:
    arch = Architecture(
        layers=layers, d_model=d, d_ff=ffw, heads=heads, kv_heads=heads, head_dim=key, gated=False, vocab=vocab,
        seq_len=length,
    )  # fmt: skip
    paper = estimate(arch, tokens, "chinchilla-f", softmax=True)
    assert paper.flop == chinchilla(layers, d, ffw, heads, key, vocab, length) * tokens
    assert paper.flop - paper.terms["softmax"] == estimate(arch, tokens, "chinchilla-f").flop


@given(SIZES, SIZES, st.integers(1, 12), st.integers(1, 12), SIZES, SIZES, st.booleans(), SIZES, SIZES)
def test_terms_add_up_and_conventions_are_ordered(
    layers: int, d: int, kv: int, share: int, head: int, inner: int, gated: bool, vocab: int, length: int
) -> None:
    arch = Architecture(
        params=10, layers=layers, d_model=d, heads=kv * share, kv_heads=kv, head_dim=head, d_ff=inner, gated=gated,
        vocab=vocab, seq_len=length,
    )  # fmt: skip
    found = {c: estimate(arch, 7, c) for c in CONVENTIONS}
    for one in found.values():
        assert one.flop == sum(one.terms.values())
        assert all(isinstance(term, int) and term > 0 for term in one.terms.values())
    assert found["exact-causal"].flop < found["exact-full"].flop < found["chinchilla-f"].flop
    full, causal = found["exact-full"].terms, found["exact-causal"].terms
    assert {name: full[name] - causal[name] for name in full if full[name] != causal[name]} == {
        "attention_scores": causal["attention_scores"],
        "attention_values": causal["attention_values"],
    }


def test_the_meter_and_exact_full_agree_on_a_real_decoder() -> None:
    pytest.importorskip("torch", reason="extra missing: pip install 'mythos-hub[torch]'")
    from mythos.compute import ComputeMeter

    from .models import VOCAB, Gpt, tokens

    model = Gpt(layers=3, width=32)
    with ComputeMeter(model) as meter, meter.step():
        model(tokens(16, 4)).sum().backward()
    arch = Architecture(
        layers=3, d_model=32, heads=2, kv_heads=2, head_dim=16, d_ff=128, gated=False, vocab=VOCAB, seq_len=16
    )
    assert meter.model_flop == estimate(arch, 64, "exact-full").flop


def test_a_mixture_counts_what_a_token_passes() -> None:
    dense = Architecture.of(GPT3_SMALL)
    mixture = Architecture.of(GPT3_SMALL | {"d_ff_active": "6144", "active_params": "6e7"})
    assert estimate(mixture, 1, "6nd").flop == 6 * 60_000_000
    assert (
        estimate(mixture, 1, "exact-full").terms["feed_forward"]
        == 2 * estimate(dense, 1, "exact-full").terms["feed_forward"]
    )
    assert "6PD is for dense models" in estimate(mixture, 1, "6nd").caveats[0]
    assert estimate(dense, 1, "6nd").caveats == (
        "the context is longer than the model is wide: attention adds more than a sixth",
    )


@pytest.mark.parametrize(
    "value", ["125000000", 125_000_000, "1.25e8", "1.25E+08", Decimal("1.25e8"), "125000000.0"]
)
def test_a_number_may_be_written_in_any_exact_way(value: Any) -> None:
    assert Architecture.of({"params": value}).params == 125_000_000


@pytest.mark.parametrize(
    "document",
    [
        {"params": 1.25e8},
        {"params": "-5"},
        {"params": 0},
        {"params": "1.5"},
        {"params": "1e30"},
        {"params": "many"},
        {"params": True},
        {"params": "nan"},
        {"gated": 2},
        {"gated": "yes"},
        {"layers": [12]},
        [1],
        "x",
    ],
)
def test_absurd_architectures_are_refused(document: Any) -> None:
    with pytest.raises(InputError):
        Architecture.of(document)


def test_what_is_missing_is_named() -> None:
    with pytest.raises(InputError, match="needs layers, d_model"):
        estimate(Architecture(params=5), 10, "exact-full")
    with pytest.raises(InputError, match="needs params"):
        estimate(Architecture(layers=5), 10, "6nd")
    with pytest.raises(InputError, match="unknown convention"):
        estimate(Architecture(params=5), 10, "8nd")
    with pytest.raises(InputError, match="share keys"):
        estimate(Architecture.of(GPT3_SMALL | {"kv_heads": 5}), 10, "exact-full")
    for tokens in (0, -1, "1.5", "1e22", 3e11):
        with pytest.raises(InputError):
            estimate(Architecture(params=5), tokens, "6nd")  # pyright: ignore[reportArgumentType]
    assert Architecture.unknown({"params": 1, "colour": 2, "name": 3}) == ("colour", "name")


def test_hardware_time_as_the_commission_reckons_it() -> None:
    """Guidelines, annex A.3: 370,000 H100-hours at 989 TFLOP/s and 50 % are 6.5e23 (to two figures)."""
    found = estimate_hardware(1, 370_000 * 3600, "989e12", "0.5")
    assert found.flop == 658_674 * 10**18
    assert found.terms == {"hardware": found.flop}
    for wrong in ((0, 1, 1, "0.5"), (1, 0, 1, "0.5"), (1, 1, -1, "0.5"), (1, 1, 1, "1.01"), (1, 1, 1, "0")):
        with pytest.raises(InputError):
            estimate_hardware(*wrong)


def test_the_commission_s_other_example() -> None:
    assert estimate(Architecture(params=3_800_000_000), "3.3e12", "6nd").flop == 7524 * 10**19
