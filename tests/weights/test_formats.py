"""GGUF and safetensors headers: what is accepted adds up, what is hostile is refused before it is read."""

import json
import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mythos.errors import FormatError, MythosError, WeightsError
from mythos.weights import format_of, read_gguf, read_header, read_safetensors

BAD = Path(__file__).parents[1] / "bad" / "weights"


def text(value: str) -> bytes:
    return struct.pack("<Q", len(value.encode())) + value.encode()


def gguf(
    tensors: list[tuple[str, tuple[int, ...], int, int]],
    keys: list[tuple[str, int, bytes]] = [],  # noqa: B006 (never written)
    *,
    data: int = 4096,
    counts: tuple[int, int] | None = None,
) -> bytes:
    out = b"GGUF" + struct.pack("<IQQ", 3, *(counts or (len(tensors), len(keys))))
    for key, kind, raw in keys:
        out += text(key) + struct.pack("<I", kind) + raw
    for name, shape, kind, offset in tensors:
        out += text(name) + struct.pack("<I", len(shape)) + struct.pack(f"<{len(shape)}Q", *shape)
        out += struct.pack("<IQ", kind, offset)
    return out + bytes(-len(out) % 32) + bytes(data)


def safetensors(header: object, data: int, *, length: int | None = None) -> bytes:
    raw = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(raw) if length is None else length) + raw + bytes(data)


def write(tmp_path: Path, data: bytes) -> Path:
    path = tmp_path / "file"
    path.write_bytes(data)
    return path


GOOD = gguf(
    [("a", (64, 2), 3, 0), ("b", (8,), 0, 96)],
    [
        ("general.architecture", 8, text("llama")),
        ("llama.block_count", 4, struct.pack("<I", 2)),
        ("f", 6, struct.pack("<f", 0.5)),
        ("ok", 7, b"\x01"),
        ("tokens", 9, struct.pack("<IQ", 8, 2) + text("x") + text("y")),
        ("scores", 9, struct.pack("<IQ", 6, 3) + bytes(12)),
    ],
    data=128,
)


def test_reads_gguf(tmp_path: Path) -> None:
    header = read_header(write(tmp_path, GOOD))
    assert header.format == "gguf"
    assert header.metadata["general.architecture"] == "llama"
    assert header.metadata["llama.block_count"] == 2
    assert header.metadata["ok"] is True
    assert header.metadata["tokens"] == "text[2]"
    assert header.metadata["scores"] == "f32[3]"
    assert [(t.name, t.dtype, t.shape, t.size) for t in header.tensors] == [
        ("a", "Q4_1", (64, 2), 80),
        ("b", "F32", (8,), 32),
    ]
    assert header.tensors[1].offset == header.data + 96
    assert header.parameters == 136


BAD_GGUF = {
    "big endian": b"GGUF" + struct.pack(">IQQ", 3, 0, 0),
    "version 1": b"GGUF" + struct.pack("<IQQ", 1, 0, 0),
    "tensor count bomb": gguf([], counts=(1 << 63, 0)),
    "key count bomb": gguf([], counts=(0, 1 << 40)),
    "key length bomb": b"GGUF" + struct.pack("<IQQQ", 3, 0, 1, 1 << 62),
    "array of texts bomb": gguf([], [("k", 9, struct.pack("<IQ", 8, 1 << 61))]),
    "array of numbers bomb": gguf([], [("k", 9, struct.pack("<IQ", 10, 1 << 61))]),
    "nested array": gguf([], [("k", 9, struct.pack("<IQ", 9, 1))]),
    "unknown metadata type": gguf([], [("k", 13, b"")]),
    "key twice": gguf([], [("k", 0, b"1"), ("k", 0, b"2")]),
    "key not UTF-8": b"GGUF" + struct.pack("<IQQQ", 3, 0, 1, 1) + b"\xff" + bytes(64),
    "five dimensions": gguf([("a", (1, 1, 1, 1, 1), 0, 0)]),
    "no dimensions": gguf([("a", (), 0, 0)]),
    "zero extent": gguf([("a", (0,), 0, 0)]),
    "product over 2^63": gguf([("a", (1 << 32, 1 << 32), 0, 0)]),
    "unknown tensor type": gguf([("a", (8,), 31, 0)]),
    "part of a block": gguf([("a", (33,), 3, 0)]),
    "name too long": gguf([("a" * 65, (8,), 0, 0)]),
    "name twice": gguf([("a", (8,), 0, 0), ("a", (8,), 0, 32)]),
    "overlap": gguf([("a", (16,), 0, 0), ("b", (8,), 0, 32)]),
    "not aligned": gguf([("a", (8,), 0, 4)]),
    "past the end": gguf([("a", (8,), 0, 1 << 40)]),
    "cut": gguf([("a", (1024,), 0, 0)], data=4095),
    "alignment not a power of two": gguf([], [("general.alignment", 4, struct.pack("<I", 48))]),
    "alignment zero": gguf([], [("general.alignment", 4, struct.pack("<I", 0))]),
    "empty": b"",
    "only the magic": b"GGUF",
}


@pytest.mark.parametrize("name", BAD_GGUF)
def test_refuses_hostile_gguf(name: str, tmp_path: Path) -> None:
    with pytest.raises((FormatError, WeightsError)):
        read_gguf(write(tmp_path, BAD_GGUF[name]))


@given(st.data())
@settings(max_examples=150)
def test_no_change_to_a_gguf_escapes_the_error_tree(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    raw = bytearray(GOOD)
    for _ in range(data.draw(st.integers(1, 3))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    path = write(tmp_path_factory.mktemp("g"), bytes(raw[: data.draw(st.integers(0, len(raw)))]))
    try:
        header = read_gguf(path)
    except MythosError:
        return
    assert all(t.offset + t.size <= path.stat().st_size for t in header.tensors)


def test_reads_safetensors_of_another_writer(tmp_path: Path) -> None:
    array = np.arange(12, dtype=np.float16)
    raw = safetensors(
        {
            "__metadata__": {"format": "pt"},
            "w": {"dtype": "F16", "shape": [3, 4], "data_offsets": [0, 24]},
            "empty": {"dtype": "F32", "shape": [0], "data_offsets": [24, 24]},
        },
        0,
    )
    header = read_header(write(tmp_path, raw + array.tobytes()))
    assert header.format == "safetensors"
    assert header.metadata == {"format": "pt"}
    assert header.parameters == 12
    assert header.tensors[0].offset == header.data


def entry(begin: int, end: int, shape: object = None, dtype: object = "U8") -> dict[str, object]:
    return {"dtype": dtype, "shape": [end - begin] if shape is None else shape, "data_offsets": [begin, end]}


BAD_SAFETENSORS = {
    "length bomb": safetensors({}, 0, length=1 << 63),
    "length over the file": safetensors({}, 0, length=3),
    "too short": b"\x02\0\0\0",
    "not JSON": safetensors(b"{nope", 0),
    "not an object": safetensors(b"[]", 0),
    "leading space": safetensors(b" {}", 0),
    "key twice": safetensors(b'{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}', 1),
    "nesting bomb": safetensors(b"{" + b'"a":{' * 50_000, 0),
    "negative begin": safetensors({"a": entry(-1, 1, [2])}, 2),
    "begin after end": safetensors({"a": entry(2, 0, [2])}, 2),
    "huge offset": safetensors({"a": entry(0, 1 << 64)}, 2),
    "negative shape": safetensors({"a": entry(0, 1, [-1, -1])}, 1),
    "boolean shape": safetensors({"a": entry(0, 1, [True])}, 1),
    "float shape": safetensors({"a": entry(0, 1, [1.0])}, 1),
    "shape does not fill": safetensors({"a": entry(0, 4, [3])}, 4),
    "unknown type": safetensors({"a": entry(0, 1, [1], "Q8")}, 1),
    "type not text": safetensors({"a": entry(0, 1, [1], 8)}, 1),
    "extra key": safetensors({"a": {**entry(0, 1), "more": 1}}, 1),
    "missing key": safetensors({"a": {"dtype": "U8", "shape": [1]}}, 1),
    "not a tensor": safetensors({"a": 3}, 1),
    "hole": safetensors({"a": entry(0, 1), "b": entry(2, 3)}, 3),
    "overlap": safetensors({"a": entry(0, 2), "b": entry(1, 3)}, 3),
    "bytes without owner": safetensors({"a": entry(0, 1)}, 2),
    "cut": safetensors({"a": entry(0, 8)}, 7),
    "metadata not text": safetensors({"__metadata__": {"a": 1}}, 0),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD_SAFETENSORS)
def test_refuses_hostile_safetensors(name: str, tmp_path: Path) -> None:
    with pytest.raises((FormatError, WeightsError)):
        read_safetensors(write(tmp_path, BAD_SAFETENSORS[name]))


@pytest.mark.parametrize("path", sorted(BAD.glob("*")), ids=lambda p: p.name)
def test_refuses_the_museum(path: Path) -> None:
    with pytest.raises((FormatError, WeightsError)):
        (read_gguf if path.suffix == ".gguf" else read_safetensors)(path)


def test_tells_formats_by_content(tmp_path: Path) -> None:
    assert format_of(write(tmp_path, GOOD)) == "gguf"
    assert format_of(write(tmp_path, safetensors({"a": entry(0, 1)}, 1))) == "safetensors"
    assert format_of(write(tmp_path, b'{"model_type": "llama"}')) == "other"
    assert format_of(write(tmp_path, b"")) == "other"
    with pytest.raises(FormatError, match="GGUF or safetensors"):
        read_header(write(tmp_path, b"hello"))
