"""An adapter that came alone: read strictly, and merged into the very base that it was trained on.

Its configuration is what somebody sent: the library would import modules it names, scale as it says and leave
out what it cannot place. So only what `mythos adapt` writes is taken, and every matrix must be there.
"""
# peft and torch annotate themselves only in part
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportMissingTypeStubs=false

from __future__ import annotations

import json
from collections.abc import Mapping
from enum import Enum
from pathlib import Path
from typing import Any, Final

from peft import get_peft_model_state_dict, set_peft_model_state_dict
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from mythos.errors import DigestError, InputError
from mythos.train.adapt import Adaptation, Base, export_adapted, lora_of, with_lora
from mythos.train.config import RunConfig
from mythos.weights.adapter import LINEAGE, Lineage

CONFIG: Final = "adapter_config.json"
WEIGHTS: Final = "adapter_model.safetensors"
_FREE: Final = frozenset({"inference_mode", "peft_version", "base_model_name_or_path"})
"""Settings that say nothing of the matrices; the base is compared by itself."""


def plain(value: Any) -> Any:
    """The library's settings as canonical JSON, which has no floats and no null for what is not set."""
    if isinstance(value, dict):
        return {str(key): plain(one) for key, one in value.items() if one is not None}
    if isinstance(value, set | frozenset):
        return sorted(str(one) for one in value)
    if isinstance(value, list | tuple):
        return [plain(one) for one in value]
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, float):
        return int(value) if value.is_integer() else str(value)
    return value if isinstance(value, int) else str(value)


def name_of(adapter: Path) -> str:
    """The name that an adapter was made under: merged under it, the weights are those that were stated."""
    path = adapter / LINEAGE
    return Lineage.parse(path.read_bytes()).name if path.exists() else "merged"


def merge_adapter(base: Base, adapter: Path, out: Path, *, name: str) -> Path:
    """Merge an adapter that came alone into its base, and export.

    Args:
        base: the model; its weights are changed in place.
        adapter: the folder that `mythos adapt` wrote.
        out: where the merged weights go.
        name: the merged model's.

    Raises:
        DigestError: the adapter was trained on another base.
        InputError: no adapter, one of another make, or one that is not whole.
    """
    config = _config(adapter)
    made_for = config["base_model_name_or_path"]
    if made_for != str(base.weights):
        raise DigestError(
            "the adapter is for another base", expected=str(made_for)[:80], found=str(base.weights)
        )
    how = Adaptation(name, RunConfig(steps=1, rows=1), rank=config["r"])
    ours, theirs = plain(lora_of(how).to_dict()), plain(config)
    other = [key for key, said in theirs.items() if key not in _FREE and _differ(said, ours.get(key))]
    if other:
        raise InputError(
            f"the adapter at {adapter} is of another make",
            expected="the settings of `mythos adapt`",
            found=", ".join(sorted(other))[:200],
        )
    inner = with_lora(base, how)
    matrices = _matrices(adapter, get_peft_model_state_dict(inner, save_embedding_layers=False))
    set_peft_model_state_dict(inner, dict(matrices))
    out.mkdir(parents=True, exist_ok=True)
    return export_adapted(base, inner.merge_and_unload(), out, how)


def _config(adapter: Path) -> dict[str, Any]:
    try:
        config: dict[str, Any] = json.loads((adapter / CONFIG).read_bytes())
        base, rank = config["base_model_name_or_path"], config["r"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise _none(adapter, str(error)[:120]) from error
    if type(rank) is not int or rank < 1 or not isinstance(base, str):
        raise _none(adapter, f"rank {rank!r}"[:120])
    return config


def _none(adapter: Path, found: str) -> InputError:
    expected = "the folder that `mythos adapt` wrote"
    return InputError(f"no adapter at {adapter}", expected=expected, found=found)


def _differ(said: Any, ours: Any) -> bool:
    """What is not set, and a setting of another version of the library that is off, are the same."""
    if isinstance(said, list) and isinstance(ours, list):
        return sorted(map(str, said)) != sorted(map(str, ours))
    return said != ours and (bool(said) or bool(ours))


def _matrices(adapter: Path, wanted: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
    """The adapter's matrices: exactly those, of these shapes, all of them numbers; nothing is unpickled."""
    try:
        found = load_file(adapter / WEIGHTS)
    except (OSError, ValueError, SafetensorError) as error:
        raise InputError(f"the adapter at {adapter} is not whole", found=str(error)[:120]) from error
    shapes = {key: tuple(tensor.shape) for key, tensor in found.items()}
    wrong = {key: tuple(tensor.shape) for key, tensor in wanted.items()}.items() ^ shapes.items()
    wrong_names = sorted({key for key, _ in wrong}) or sorted(
        key for key, tensor in found.items() if not tensor.is_floating_point() or not tensor.isfinite().all()
    )
    if wrong_names:
        raise InputError(
            f"the adapter at {adapter} is not whole",
            expected="every matrix of its rank beside the base's, of finite numbers",
            found=f"{len(wrong_names)} that differ, such as {wrong_names[0]}"[:200],
        )
    return found
