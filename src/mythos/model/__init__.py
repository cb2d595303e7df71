"""How a Mythos model is built: its shape, its decoder, its tokenizer, and its way to other engines.

There is one dial. `Shape.of_depth(4, vocab=2048, seq_len=256)` is a million parameters that a laptop trains
within a minute; depth 20 is a hundred million. All of them are the same decoder (`gpt`, one file), and all of
them leave as plain Qwen3 (`export`): a Hugging Face folder or a GGUF file that the hub's own engine, vLLM and
transformers load without a line of ours.

    >>> from mythos.model import Shape
    >>> shape = Shape.of_depth(4, vocab=2048, seq_len=256)
    >>> shape.parameters, shape.cache_per_token
    (1262976, 1024)
    >>> shape.model_flop(rows=8, length=256)                # one training step, to the last digit
    15502147584

What training costs follows from the shape alone, so the meter's count has something to be equal to.

`Shape` needs nothing. The rest needs `pip install 'mythos-hub[torch]'` and is loaded on first use.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any, Final

from mythos.errors import InputError
from mythos.model.shape import Shape

if TYPE_CHECKING:
    from mythos.model.export import export_gguf, export_hf
    from mythos.model.gpt import Mythos
    from mythos.model.tokenizer import Tokenizer

__all__ = ["Mythos", "Shape", "Tokenizer", "export_gguf", "export_hf"]

_LAZY: Final = {"Mythos": "gpt", "Tokenizer": "tokenizer", "export_gguf": "export", "export_hf": "export"}


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        return getattr(importlib.import_module(f"{__name__}.{_LAZY[name]}"), name)
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in {"torch", "tokenizers"}:
            raise
        raise InputError(
            f"mythos.model.{name} needs {(error.name or '').partition('.')[0]}",
            advice="Run: pip install 'mythos-hub[torch]'",
        ) from error
