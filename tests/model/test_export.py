"""Exported, a Mythos model is a Qwen3 model: to transformers, to safetensors, to llama.cpp as the hub runs it."""

import json
import math
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch", reason="extra missing: pip install 'mythos-hub[torch]'")
import torch

from mythos.errors import InputError
from mythos.model import Mythos, Shape, Tokenizer, export_gguf, export_hf
from mythos.model.gguf import Precision, write_gguf
from mythos.weights import read_gguf, read_safetensors

PROBE = Path(__file__).parent / "llama_probe.py"
PROMPTS = [
    "TLS 1.3 で 2024年4月1日\n\n  foo(bar); 'tis I'LL",
    "「表示」・ー々 ①② ｶﾞ",
    "a  b\t\tc \n",
    "Список 한국어 🙂",
]


def tokens_of(tokenizer: Tokenizer, texts: list[str], count: int) -> list[int]:
    return [0, *tokenizer.encode(texts[1]).tolist()][:count]


@pytest.fixture(scope="module")
def folder(model: Mythos, tokenizer: Tokenizer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("hf")
    export_hf(model, tokenizer, made)
    return made


def test_hugging_face_computes_the_same(
    model: Mythos, tokenizer: Tokenizer, texts: list[str], folder: Path
) -> None:
    transformers = pytest.importorskip("transformers", reason="extra missing: transformers")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs: Any = transformers.AutoModelForCausalLM.from_pretrained(folder)
        spoken: Any = transformers.AutoTokenizer.from_pretrained(folder)
    assert type(theirs).__name__ == "Qwen3ForCausalLM"
    tokens = tokens_of(tokenizer, texts, 128)
    with torch.no_grad():
        ours, other = model(torch.tensor([tokens])), theirs(torch.tensor([tokens])).logits
    assert (ours - other).abs().max() <= 1e-4
    assert ours.std() > 0.3, "a comparison of nothing with nothing"
    for prompt in PROMPTS:
        assert spoken(prompt)["input_ids"] == [0, *tokenizer.encode(prompt).tolist()]
    said = spoken.apply_chat_template([{"role": "user", "content": "hello"}], tokenize=False)
    assert said == "hello\n"


def test_our_own_readers_accept_both(
    model: Mythos, tokenizer: Tokenizer, folder: Path, tmp_path: Path
) -> None:
    header = read_safetensors(folder / "model.safetensors")
    assert sum(math.prod(t.shape) for t in header.tensors) == model.shape.parameters
    export_gguf(model, tokenizer, tmp_path / "m.gguf", name="m", licence="Apache-2.0")
    gguf = read_gguf(tmp_path / "m.gguf")
    assert sum(math.prod(t.shape) for t in gguf.tensors) == model.shape.parameters
    assert gguf.metadata["general.architecture"] == "qwen3"
    assert gguf.metadata["tokenizer.ggml.tokens"] == "text[512]"


def test_safetensors_reads_what_we_wrote(model: Mythos, folder: Path) -> None:
    safetensors = pytest.importorskip("safetensors.torch", reason="extra missing: safetensors")
    read = safetensors.load_file(folder / "model.safetensors")
    assert read.keys() == model.state_dict().keys()
    head = model.state_dict()["lm_head.weight"]
    assert torch.equal(read["lm_head.weight"], head)


def probe(path: Path, socket: Path, asked: dict[str, Any]) -> dict[str, Any]:
    ran = subprocess.run(
        [sys.executable, str(PROBE), str(path), str(socket)],
        input=json.dumps(asked),
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert ran.returncode == 0, ran.stderr[-2000:]
    return json.loads(ran.stdout)


@pytest.mark.parametrize(
    ("precision", "within"), [("f16", 0.005), ("f32", 0.005), ("q8_0", 0.05), ("q4_0", 0.25)]
)
def test_the_hubs_engine_computes_the_same(
    model: Mythos, tokenizer: Tokenizer, texts: list[str], tmp_path: Path, precision: Any, within: float
) -> None:
    path = tmp_path / "m.gguf"
    export_gguf(model, tokenizer, path, name="m", licence="Apache-2.0", precision=precision)
    tokens = tokens_of(tokenizer, texts, 72)
    plain = int(tokenizer.encode("a")[0])
    found = probe(
        path, tmp_path / "s.sock", {"tokens": tokens, "from": 8, "vocab": 512, "a": plain, "texts": PROMPTS}
    )
    with torch.no_grad():
        logprobs = model(torch.tensor([tokens])).log_softmax(-1)[0]
        ours = [logprobs[at - 1, tokens[at]].item() for at in range(8, len(tokens))]
        perplexity = math.exp(-sum(ours) / len(ours))
        theirs = math.exp(-sum(found["logprobs"]) / len(ours))
        assert theirs == pytest.approx(perplexity, rel=within)
        for prompt, (count, best, logprob) in zip(PROMPTS, found["texts"], strict=True):
            ids = [0, *tokenizer.encode(prompt).tolist()]
            assert count == len(ids), prompt
            mine = model(torch.tensor([ids])).log_softmax(-1)[0, -1]
            assert mine[best].item() == pytest.approx(
                logprob, abs={"q8_0": 0.1, "q4_0": 1.5}.get(precision, 0.01)
            )
    assert found["answer"]


def test_blocks_are_those_of_ggml(tmp_path: Path) -> None:
    gguf = pytest.importorskip("gguf", reason="extra missing: pip install 'mythos-hub[training]'")
    dice = np.random.default_rng(5)
    tensor = np.concatenate([dice.normal(0, 2, (40, 96)), np.zeros((1, 96))]).astype(np.float32)
    precisions: tuple[Precision, ...] = ("q8_0", "q4_0")
    for precision in precisions:
        write_gguf(tmp_path / "m.gguf", {"general.architecture": "x"}, {"w": tensor}, precision)
        [written] = gguf.GGUFReader(tmp_path / "m.gguf").tensors
        kind = gguf.GGMLQuantizationType[precision.upper()]
        assert written.tensor_type == kind
        assert np.array_equal(written.data, gguf.quants.quantize(tensor, kind))
    with pytest.raises(InputError, match="multiple of 32"):
        write_gguf(tmp_path / "n.gguf", {"general.architecture": "x"}, {"w": tensor[:, :33]}, "q4_0")


def test_weights_beyond_16_bits_are_refused(tokenizer: Tokenizer, tmp_path: Path) -> None:
    made = Mythos(Shape.of_depth(1, vocab=512, seq_len=16))
    with torch.no_grad():
        made.lm_head.weight[0, 0] = 1e6
    with pytest.raises(InputError, match="does not fit 16 bits"):
        export_gguf(made, tokenizer, tmp_path / "m.gguf", name="m", licence="none")
    assert list(tmp_path.iterdir()) == []


def test_the_baseline_is_no_qwen3(tokenizer: Tokenizer, tmp_path: Path) -> None:
    made = Mythos(Shape.of_depth(1, vocab=512, seq_len=16, family="llama"))
    with pytest.raises(InputError, match="only the mythos family"):
        export_hf(made, tokenizer, tmp_path)
