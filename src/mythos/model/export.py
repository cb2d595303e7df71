"""Take a Mythos model to where others run it: a Hugging Face folder or one GGUF file, without code of ours.

Both are plain Qwen3. The embedding's norm is folded into its rows, which changes nothing that is computed:
the norm of a row depends on that row alone.
"""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from torch.nn import functional

from mythos.errors import InputError
from mythos.model.gguf import FILE_TYPE, Precision, Value, write_gguf
from mythos.model.gpt import EPSILON, Mythos
from mythos.model.tokenizer import END, Tokenizer

CHAT: Final = "{% for m in messages %}{{ m['content'] }}\n{% endfor %}"
"""A base model has seen documents, not conversations: the messages are simply the text so far."""

_OUTSIDE: Final = {
    "model.embed_tokens.weight": "token_embd.weight",
    "model.norm.weight": "output_norm.weight",
    "lm_head.weight": "output.weight",
}
_INSIDE: Final = {
    "input_layernorm": "attn_norm",
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "self_attn.q_norm": "attn_q_norm",
    "self_attn.k_norm": "attn_k_norm",
    "post_attention_layernorm": "ffn_norm",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
}


def qwen3_weights(model: Mythos) -> dict[str, NDArray[np.float32]]:
    """The weights under their Qwen3 names, with the embedding's norm folded in.

    Raises:
        InputError: the baseline family, which is no Qwen3.
    """
    if model.shape.family != "mythos":
        raise InputError("only the mythos family exports as Qwen3", found=model.shape.family)
    tensors = {name: tensor.detach().float().cpu() for name, tensor in model.state_dict().items()}
    embedding = tensors["model.embed_tokens.weight"]
    tensors["model.embed_tokens.weight"] = functional.rms_norm(
        embedding, (embedding.shape[1],), None, EPSILON
    )
    return {name: tensor.contiguous().numpy() for name, tensor in tensors.items()}


def export_hf(model: Mythos, tokenizer: Tokenizer, folder: Path) -> None:
    """Write a folder that `AutoModelForCausalLM.from_pretrained` and vLLM load as `Qwen3ForCausalLM`."""
    folder.mkdir(parents=True, exist_ok=True)
    shape = model.shape
    config = {
        "architectures": ["Qwen3ForCausalLM"],
        "model_type": "qwen3",
        "hidden_size": shape.d_model,
        "num_hidden_layers": shape.layers,
        "num_attention_heads": shape.heads,
        "num_key_value_heads": shape.kv_heads,
        "head_dim": shape.head_dim,
        "intermediate_size": shape.d_ff,
        "vocab_size": shape.vocab,
        "max_position_embeddings": shape.seq_len,
        "rope_theta": shape.rope_base,
        "rms_norm_eps": EPSILON,
        "hidden_act": "silu",
        "attention_bias": False,
        "tie_word_embeddings": False,
        "bos_token_id": 0,
        "eos_token_id": 0,
        "torch_dtype": "float32",
    }
    about_text = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "bos_token": END,
        "eos_token": END,
        "model_max_length": shape.seq_len,
        "clean_up_tokenization_spaces": False,
        "chat_template": CHAT,
    }
    for name, document in (("config", config), ("tokenizer_config", about_text)):
        (folder / f"{name}.json").write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    tokenizer.save(folder / "tokenizer.json")
    _write_safetensors(folder / "model.safetensors", qwen3_weights(model))


def export_gguf(
    model: Mythos, tokenizer: Tokenizer, path: Path, *, name: str, licence: str, precision: Precision = "f16"
) -> None:
    """Write one GGUF file of architecture `qwen3` that llama.cpp loads, tokenizer included."""
    shape = model.shape
    tokens, merges = tokenizer.tables()
    sizes: dict[str, Value] = {
        "block_count": shape.layers,
        "context_length": shape.seq_len,
        "embedding_length": shape.d_model,
        "feed_forward_length": shape.d_ff,
        "attention.head_count": shape.heads,
        "attention.head_count_kv": shape.kv_heads,
        "attention.key_length": shape.head_dim,
        "attention.value_length": shape.head_dim,
        "attention.layer_norm_rms_epsilon": EPSILON,
        "rope.freq_base": shape.rope_base,
        "vocab_size": shape.vocab,
    }
    metadata: dict[str, Value] = {
        "general.architecture": "qwen3",
        "general.name": name,
        "general.license": licence,
        "general.file_type": FILE_TYPE[precision],
        **{f"qwen3.{key}": value for key, value in sizes.items()},
        "tokenizer.ggml.model": "gpt2",
        "tokenizer.ggml.pre": "qwen2",
        "tokenizer.ggml.tokens": tokens,
        "tokenizer.ggml.token_type": [3, *([1] * (len(tokens) - 1))],
        "tokenizer.ggml.merges": merges,
        "tokenizer.ggml.bos_token_id": 0,
        "tokenizer.ggml.eos_token_id": 0,
        "tokenizer.ggml.add_bos_token": True,
        "tokenizer.chat_template": CHAT,
    }
    tensors = {_gguf_name(name): tensor for name, tensor in qwen3_weights(model).items()}
    write_gguf(path, metadata, tensors, precision)


def _gguf_name(name: str) -> str:
    if name in _OUTSIDE:
        return _OUTSIDE[name]
    _, _, layer, inner = name.split(".", 3)
    return f"blk.{layer}.{_INSIDE[inner.removesuffix('.weight')]}.weight"


def _write_safetensors(path: Path, tensors: dict[str, NDArray[np.float32]]) -> None:
    header: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    offset = 0
    for name, tensor in tensors.items():
        header[name] = {
            "dtype": "F32",
            "shape": tensor.shape,
            "data_offsets": [offset, offset + tensor.nbytes],
        }
        offset += tensor.nbytes
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for tensor in tensors.values():
            file.write(tensor.astype("<f4").tobytes())
