"""Write a GGUF file anew with some of its matrices replaced: what adaptation changed, and nothing else.

Tensors that were not trained keep their bytes, quantised as they are; trained ones become 8-bit blocks
(`q8_0`, whose error is far below that of a base in 4 bits). Metadata is copied, with another name.
"""
# the gguf library annotates itself only in part
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportMissingTypeStubs=false

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import gguf
import numpy as np
from gguf.gguf_writer import WriterState
from numpy.typing import NDArray

from mythos.errors import InputError
from mythos.files import sync_folder


def export_merged_gguf(
    base: Path, weights: Mapping[str, NDArray[np.float32]], out: Path, *, name: str
) -> None:
    """Write `base` with new weights.

    Args:
        base: the file whose weights were adapted.
        weights: new numbers under their Hugging Face names.
        out: the new file, whole or not at all.
        name: the new model's name.

    Raises:
        InputError: a weight that the file does not hold.
    """
    reader = gguf.GGUFReader(base)
    architecture = str(reader.fields["general.architecture"].contents())
    new = _renamed(weights, reader, architecture)
    draft = out.with_name(f".{out.name}.tmp")
    writer = gguf.GGUFWriter(draft, architecture)
    for field in reader.fields.values():
        if field.name.startswith("GGUF.") or field.name in {"general.architecture", "general.name"}:
            continue
        inner = field.types[-1] if field.types[0] == gguf.GGUFValueType.ARRAY else None
        writer.add_key_value(field.name, field.contents(), field.types[0], sub_type=inner)
    writer.add_name(name)
    eight = gguf.GGMLQuantizationType.Q8_0
    for tensor in reader.tensors:
        fresh = new.get(tensor.name)
        if fresh is None:
            writer.add_tensor(tensor.name, tensor.data, raw_dtype=tensor.tensor_type)
        elif fresh.ndim == 1:
            writer.add_tensor(tensor.name, fresh)
        else:
            writer.add_tensor(tensor.name, gguf.quants.quantize(fresh, eight), raw_dtype=eight)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    draft.replace(out)
    sync_folder(out.parent)


def adapter_gguf(base: Path, weights: Mapping[str, NDArray[np.float32]], *, alpha: float, name: str) -> bytes:
    """Thin matrices as llama.cpp reads them beside their base; made in memory alone.

    Args:
        base: the GGUF file that was adapted.
        weights: matrices A and B under the names that `peft` gives them.
        alpha: of LoRA; the library divides it by the rank.
        name: the adapter's.

    Raises:
        InputError: a matrix beside a tensor that the base does not hold.
    """
    reader = gguf.GGUFReader(base)
    architecture = str(reader.fields["general.architecture"].contents())
    writer = gguf.GGUFWriter(None, architecture)
    writer.add_type(gguf.GGUFType.ADAPTER)
    writer.add_name(name)
    writer.add_string(gguf.Keys.Adapter.TYPE, "lora")
    writer.add_float32(gguf.Keys.Adapter.LORA_ALPHA, alpha)
    for part in ("lora_A", "lora_B"):
        # The rows of B are those of the weight that it adds to, so their order may differ in the file.
        plain = {
            key.removeprefix("base_model.model.").replace(f".{part}", ""): tensor
            for key, tensor in weights.items()
            if f".{part}." in key
        }
        for there, tensor in _renamed(plain, reader, architecture, turned=part == "lora_B").items():
            writer.add_tensor(f"{there}.{part.lower()}", tensor)
    memory = os.memfd_create("adapter")
    with os.fdopen(os.dup(memory), "wb") as file:
        writer.fout, writer.state = [file], WriterState.EMPTY  # it would open a path for writing
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
    with os.fdopen(memory, "rb") as made:
        made.seek(0)
        return made.read()


def _renamed(
    weights: Mapping[str, NDArray[np.float32]], reader: Any, architecture: str, *, turned: bool = True
) -> dict[str, NDArray[np.float32]]:
    """The weights under their GGUF names and in its order of rows."""

    def number(key: str) -> int:
        return int(reader.fields[f"{architecture}.{key}"].contents())

    kind = next(key for key, value in gguf.MODEL_ARCH_NAMES.items() if value == architecture)
    names = gguf.get_tensor_name_map(kind, number("block_count"))
    held = {tensor.name for tensor in reader.tensors}
    found: dict[str, NDArray[np.float32]] = {}
    for name, weight in weights.items():
        there = names.get_name(name, try_suffixes=(".weight", ".bias")) or ""
        if there == "output.weight" and there not in held:
            continue  # the head is the embedding
        if there not in held:
            raise InputError(f"the base has no tensor for {name}", found=str(there))
        if turned and architecture == "llama" and name.endswith(("q_proj.weight", "k_proj.weight")):
            heads = number("attention.head_count" if "q_proj" in name else "attention.head_count_kv")
            weight = _interleaved(weight, heads)  # noqa: PLW2901 (the same weight, in another order)
        found[there] = weight
    return found


def _interleaved(weight: NDArray[np.float32], heads: int) -> NDArray[np.float32]:
    """Rows of each head from halves to pairs: llama.cpp turns neighbours where Hugging Face turns halves."""
    rows, columns = weight.shape
    return weight.reshape(heads, 2, rows // heads // 2, columns).swapaxes(1, 2).reshape(rows, columns)
