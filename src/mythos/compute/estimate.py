"""Training compute from an architecture and a number of tokens, in four conventions, or from hardware time.

Every term is forward and backward together: a product of `m x k` by `k x n` costs `2mkn` forward and twice
that backward (one product for the gradient of each operand), so 6 operations per weight and token.

`6nd`           6 x (active) parameters x tokens; no attention. Kaplan et al. 2020, section 2.1; GPT-3, D.1.
`exact-full`    every matrix product: projections, both attention products over the whole score matrix, the
                feed-forward block, the output logits; looking an embedding up multiplies nothing. This is
                what `ComputeMeter.model_flop` counts. Chowdhery et al. 2022 (PaLM), appendix B.
`exact-causal`  the same with half the score matrix: a causal kernel computes no more (MaxText since 2025).
`chinchilla-f`  Hoffmann et al. 2022, appendix F: the input embedding counts as a product too. The paper also
                lists 3 x heads x length^2 for the softmax, at most 0.3 %; `softmax=True` adds it. The
                published table's column, like every other convention, leaves element-wise work out.

Grouped keys and values narrow two of the four projections; a gated block has three matrices, not two; of a
mixture of experts only the width that a token passes (`d_ff_active`) counts. Latent attention (MLA) does not
fit these columns: `head_dim` x `heads` overstates its projections.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from decimal import Decimal
from fractions import Fraction
from typing import Any, Final, Literal, Self, cast, get_args

from mythos.errors import InputError
from mythos.units import Flop, exact

Convention = Literal["6nd", "exact-full", "exact-causal", "chinchilla-f"]
CONVENTIONS: Final[tuple[str, ...]] = get_args(Convention)
_LARGEST: Final = 10**18


@dataclass(frozen=True, slots=True)
class Architecture:
    """A transformer decoder's shape; the names are the columns of the published table. `None`: not known.

    Attributes:
        params: parameters, embeddings included; `active_params`: those that one token passes.
        kv_heads: heads of keys and values (fewer than `heads` when grouped).
        d_ff: width of the feed-forward block; `gated`: it has a gate matrix too.
        d_ff_active: for a mixture of experts, the width of the chosen and shared experts together.
        seq_len: tokens that attend to one another.
    """

    params: int | None = None
    active_params: int | None = None
    layers: int | None = None
    d_model: int | None = None
    heads: int | None = None
    kv_heads: int | None = None
    head_dim: int | None = None
    d_ff: int | None = None
    gated: bool | None = None
    d_ff_active: int | None = None
    vocab: int | None = None
    seq_len: int | None = None

    @classmethod
    def of(cls, document: Any) -> Self:
        """Read whole numbers (JSON integers, or decimals and text such as `1.25e+08`) under these names.

        Names this class does not have are left out; see `unknown`.

        Raises:
            InputError: not an object, or a value that is not a whole number from 1 (`gated`: 0 or 1).
        """
        if not isinstance(document, Mapping):
            raise InputError("an architecture is a JSON object", found=type(document).__name__)
        given, values = cast("Mapping[str, Any]", document), dict[str, Any]()
        for f in fields(cls):
            value = given.get(f.name)
            if value is None or value == "":
                continue
            if f.name == "gated":
                values["gated"] = (
                    bool(value) if isinstance(value, bool) else bool(_whole("gated", value, 0, 1))
                )
            else:
                values[f.name] = _whole(f.name, value, 1, _LARGEST)
        if values.get("active_params", 0) > values.get("params", _LARGEST):
            raise InputError(
                "more parameters are active than there are",
                expected=f"active_params up to {values['params']}",
                found=str(values["active_params"]),
            )
        return cls(**values)

    @classmethod
    def unknown(cls, document: Mapping[str, Any]) -> tuple[str, ...]:
        """The names in a document that say nothing about a shape."""
        return tuple(sorted(document.keys() - {f.name for f in fields(cls)}))

    def need(self, *names: str, convention: str) -> list[int]:
        """The values of these fields.

        Raises:
            InputError: one of them is not known.
        """
        missing = [name for name in names if getattr(self, name) is None]
        if missing:
            raise InputError(
                f"{convention} needs {', '.join(missing)}",
                expected="the columns of the published table",
                advice="Give them, or choose 6nd, which needs only params.",
            )
        return [int(getattr(self, name)) for name in names]


@dataclass(frozen=True, slots=True)
class Estimate:
    """An estimate term by term; the terms add up to `flop`.

    Attributes:
        caveats: where the convention is known not to fit this model.
    """

    convention: str
    terms: dict[str, Flop]
    caveats: tuple[str, ...] = ()

    @property
    def flop(self) -> Flop:
        """The sum of the terms."""
        return Flop(sum(self.terms.values()))


def estimate(
    arch: Architecture | Mapping[str, Any],
    tokens: int | str | Decimal,
    convention: str = "exact-full",
    *,
    softmax: bool = False,
) -> Estimate:
    """The training compute of `tokens` tokens through `arch`.

    Args:
        arch: the shape, or the document that `Architecture.of` reads.
        tokens: how many tokens were trained on, repetitions included.
        convention: one of `CONVENTIONS`.
        softmax: add appendix F's line for the softmax (chinchilla-f only).

    Raises:
        InputError: an unknown convention, a shape that lacks what it needs, or an absurd number.
    """
    arch = arch if isinstance(arch, Architecture) else Architecture.of(arch)
    count = _whole("tokens", tokens, 1, 10**21)
    if convention not in CONVENTIONS:
        raise InputError("an unknown convention", expected=", ".join(CONVENTIONS), found=convention[:40])
    if convention == "6nd":
        name = "params" if arch.active_params is None else "active_params"
        return Estimate("6nd", {name: Flop(6 * arch.need(name, convention="6nd")[0] * count)}, _caveats(arch))
    names = ("layers", "d_model", "heads", "kv_heads", "head_dim", "gated", "vocab", "seq_len")
    layers, width, heads, kv_heads, head, gated, vocab, length = arch.need(*names, convention=convention)
    inner = arch.need("d_ff" if arch.d_ff_active is None else "d_ff_active", convention=convention)[0]
    if heads % kv_heads:
        raise InputError(
            "heads do not share keys evenly", expected=f"a divisor of {heads}", found=str(kv_heads)
        )
    keys = 1 if convention == "exact-causal" else 2  # halves of the score matrix
    per_token = {
        "query_projection": 6 * layers * width * heads * head,
        "key_value_projections": 12 * layers * width * kv_heads * head,
        "attention_scores": 3 * keys * layers * length * heads * head,
        "attention_values": 3 * keys * layers * length * heads * head,
        "output_projection": 6 * layers * width * heads * head,
        "feed_forward": 6 * layers * (3 if gated else 2) * width * inner,
        "logits": 6 * width * vocab,
    }
    if convention == "chinchilla-f":
        per_token["embeddings"] = 6 * width * vocab
        if softmax:
            per_token["softmax"] = 9 * layers * heads * length
    return Estimate(convention, {name: Flop(value * count) for name, value in per_token.items()})


def estimate_hardware(
    devices: int, seconds: int | str | Decimal, peak: int | str | Decimal, utilisation: str | Decimal
) -> Estimate:
    """Devices x seconds x peak x utilisation (EU guidelines on GPAI, annex A.2: N x L x H x U).

    Args:
        devices: how many.
        seconds: how long each was in use.
        peak: operations per second of one at its best.
        utilisation: the share of the peak that was reached, from 0 to 1. A guess is off by up to 2x.

    Raises:
        InputError: a number that is not positive, or a utilisation above 1.
    """
    parts = [Fraction(exact(x, what=name)) for name, x in (("seconds", seconds), ("peak", peak))]
    used = Fraction(exact(utilisation, what="utilisation"))
    if devices < 1 or min(parts) <= 0 or not 0 < used <= 1:
        raise InputError(
            "hardware time that cannot be",
            expected="devices, seconds and peak above 0, utilisation above 0 and at most 1",
            found=f"{devices}, {seconds}, {peak}, {utilisation}",
        )
    return Estimate("hardware", {"hardware": Flop(int(devices * parts[0] * parts[1] * used))})


def _caveats(arch: Architecture) -> tuple[str, ...]:
    found: list[str] = []
    mixture = arch.active_params is not None and arch.params is not None and arch.active_params < arch.params
    if mixture:
        found.append("a mixture of experts: the EU guidelines' 6PD is for dense models; prefer exact-full")
    if arch.seq_len is not None and arch.d_model is not None and arch.seq_len > arch.d_model:
        found.append("the context is longer than the model is wide: attention adds more than a sixth")
    return tuple(found)


def _whole(name: str, value: Any, least: int, most: int) -> int:
    number = exact(value, what=name)
    if number != number.to_integral_value() or not least <= number <= most:
        raise InputError(
            f"{name} is absurd", expected=f"a whole number from {least} to {most}", found=str(value)[:40]
        )
    return int(number)
