"""What a model is: the files it consists of, and the one digest that names them.

Everything Mythos says about a model, from training compute to a wipe in another country, is said about one
SHA-256 digest. It is the root of an OpenSSF Model Signing (OMS 1.0) manifest: the files sorted by name,
each with its digest, and the root over those digests. One file and a folder holding only that file have
the same root, so a GGUF needs no wrapping.

    >>> from mythos.weights import identify                                   # doctest: +SKIP
    >>> manifest = identify(Path("SmolLM2-135M-Instruct.Q4_1.gguf"))          # doctest: +SKIP
    >>> print(manifest.root)                                                  # doctest: +SKIP
    sha256:16399c58348341f1727030d1fc312a7fb25819f69fcbb6d15fd0687f698a49c4

`manifest` names a model; `fetch` brings one into the owner's cache; `gguf` and `safetensors` read what the
two formats say of themselves, with bounds on everything and without loading a tensor. None of it needs
torch, and none of it believes a file: a header is a claim until its offsets, sizes and overlaps add up.
"""

from mythos.weights.fetch import SMOLLM2, WheelModel, fetch_wheel_model, resolve
from mythos.weights.formats import format_of, read_header
from mythos.weights.gguf import read_gguf
from mythos.weights.header import Header, Tensor
from mythos.weights.manifest import Manifest, Resource, check_names, identify
from mythos.weights.safetensors import read_safetensors

__all__ = [
    "SMOLLM2",
    "Header",
    "Manifest",
    "Resource",
    "Tensor",
    "WheelModel",
    "check_names",
    "fetch_wheel_model",
    "format_of",
    "identify",
    "read_gguf",
    "read_header",
    "read_safetensors",
    "resolve",
]
