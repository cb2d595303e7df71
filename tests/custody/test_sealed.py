"""seal.json has one spelling, adds up, and lets anybody check the ciphertext without a key."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mythos.custody.seal import seal
from mythos.custody.sealed import SealManifest, check, read_manifest
from mythos.errors import SealError
from mythos.evidence.statement import canonical
from mythos.units import Instant
from mythos.weights import identify

GOLDEN = Path(__file__).parents[1] / "golden" / "custody"
BAD = Path(__file__).parents[1] / "bad" / "custody"
NOW = Instant.parse("2026-06-12T12:00:00Z")


class Counted:
    """Randomness that is the same on every run."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self, size: int) -> bytes:
        self.count += 1
        return bytes([self.count]) * size


def sealed(tmp_path: Path) -> tuple[Path, SealManifest]:
    model = tmp_path / "model"
    (model / "sub").mkdir(parents=True)
    (model / "config.json").write_bytes(b"{}")
    (model / "sub" / "w").write_bytes(b"weights" * 300)
    result = seal(
        model, tmp_path / "out", identity=identify(model), release=3, hub="host", keep=lambda _: None,
        now=NOW, random=Counted(), segment=1024,
    )  # fmt: skip
    return tmp_path / "out", result.manifest


def test_the_format_is_frozen(tmp_path: Path) -> None:
    """The golden folder was written by 0.1.0 with fixed randomness; it is never edited."""
    out, manifest = sealed(tmp_path)
    assert manifest.to_bytes() == (GOLDEN / "seal.json").read_bytes()
    for name in ("config.json.sealed", "sub/w.sealed"):
        assert (out / name).read_bytes() == (GOLDEN / name).read_bytes()
    assert read_manifest(GOLDEN) == manifest
    assert check(GOLDEN) == (manifest, ())


def test_predicate_says_what_the_manifest_says(tmp_path: Path) -> None:
    _, manifest = sealed(tmp_path)
    act = manifest.predicate()
    assert act.manifest == manifest.digest
    assert act.release == 3
    assert [(f.path, f.sealed_bytes) for f in act.files] == [(f.path, f.sealed_bytes) for f in manifest.files]
    assert manifest.file("sub/w").plaintext_bytes == 2100
    with pytest.raises(SealError, match="seals no 'x'"):
        manifest.file("x")


def set_(document: Any, path: str, value: Any) -> Any:
    *walk, last = path.split(".")
    at = document
    for step in walk:
        at = at[int(step)] if isinstance(at, list) else at[step]
    at[int(last) if isinstance(at, list) else last] = value
    return document


CHANGES: dict[str, Callable[[Any], Any]] = {
    "version": lambda d: set_(d, "v", 2),
    "suite": lambda d: set_(d, "suite", "AES128_GCM_HKDF_4KB"),
    "other weights": lambda d: set_(d, "weights", "sha256:" + "00" * 32),
    "a file renamed": lambda d: set_(d, "files.0.path", "other.json"),
    "two files exchanged": lambda d: set_(d, "files", d["files"][::-1]),
    "a file dropped": lambda d: set_(d, "files", d["files"][:1]),
    "a file twice": lambda d: set_(d, "files", [*d["files"], d["files"][1]]),
    "one key for two": lambda d: set_(d, "files.1.dekId", d["files"][0]["dekId"]),
    "path leaves": lambda d: set_(d, "files.0.path", "../config.json"),
    "negative length": lambda d: set_(d, "files.0.plaintextBytes", -1),
    "length lie": lambda d: set_(d, "files.0.plaintextBytes", 3),
    "sealed length lie": lambda d: set_(d, "files.0.sealedBytes", 59),
    "huge length": lambda d: set_(d, "files.0.plaintextBytes", 1 << 52),
    "tiny segments": lambda d: set_(d, "segmentBytes", 56),
    "zero segments": lambda d: set_(d, "segmentBytes", 0),
    "release not a number": lambda d: set_(d, "release", "3"),
    "release negative": lambda d: set_(d, "release", -1),
    "hub not text": lambda d: set_(d, "hub", None),
    "time without zone": lambda d: set_(d, "sealedAt", "2026-06-12T12:00:00"),
    "another spelling of the time": lambda d: set_(d, "sealedAt", "2026-06-12T12:00:00.000Z"),
    "unknown field": lambda d: set_(d, "more", 1),
    "unknown file field": lambda d: set_(d, "files.0.more", 1),
    "identity of another kind": lambda d: set_(d, "identity.serialization.method", "shards"),
    "identity without its git paths": lambda d: set_(d, "identity.serialization.ignore_paths", []),
    "ciphertext root not a digest": lambda d: set_(d, "files.0.ciphertextRoot", "sha256:00"),
    "files not a list": lambda d: set_(d, "files", {}),
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_manifest_that_does_not_add_up_is_refused(name: str) -> None:
    document = json.loads((GOLDEN / "seal.json").read_bytes())
    with pytest.raises(SealError):
        SealManifest.parse(canonical(CHANGES[name](document)))


@pytest.mark.parametrize("path", sorted(BAD.glob("*.seal.json")), ids=lambda p: p.name)
def test_the_museum_is_refused(path: Path) -> None:
    with pytest.raises(SealError):
        SealManifest.parse(path.read_bytes())


@given(st.data())
def test_no_changed_byte_is_read_as_the_same_manifest(data: st.DataObject) -> None:
    golden = (GOLDEN / "seal.json").read_bytes()
    raw = bytearray(golden)
    raw[data.draw(st.integers(0, len(raw) - 1))] ^= data.draw(st.integers(1, 255))
    try:
        manifest = SealManifest.parse(bytes(raw))
    except SealError:
        return
    assert manifest.digest != SealManifest.parse(golden).digest


def test_check_finds_every_kind_of_damage(tmp_path: Path) -> None:
    out, _ = sealed(tmp_path)
    weights, config = out / "sub" / "w.sealed", out / "config.json.sealed"
    good = weights.read_bytes()

    def codes() -> list[tuple[str, str]]:
        return sorted((p.code, p.where) for p in check(out)[1])

    assert codes() == []
    weights.write_bytes(good[:-1] + bytes([good[-1] ^ 1]))
    assert codes() == [("ciphertext", "sub/w")]
    weights.write_bytes(good[:-1])
    assert codes() == [("size", "sub/w")]
    weights.write_bytes(bytes([41]) + good[1:])
    assert codes() == [("ciphertext", "sub/w"), ("header", "sub/w")]
    weights.write_bytes(config.read_bytes()[:40] + good[40:])
    assert codes() == [("ciphertext", "sub/w"), ("salt_reused", "sub/w")]
    weights.unlink()
    assert codes() == [("missing", "sub/w")]
    weights.symlink_to(config)
    assert codes() == [("missing", "sub/w"), ("symlink", "sub/w.sealed")]
    weights.unlink()
    weights.write_bytes(good)
    (out / "extra.sealed").write_bytes(b"")
    (out / "sub" / "link").symlink_to(tmp_path)
    assert codes() == [("symlink", "sub/link"), ("unlisted", "extra.sealed")]


def test_a_folder_without_manifest_is_not_sealed(tmp_path: Path) -> None:
    with pytest.raises(SealError, match="not a sealed folder"):
        read_manifest(tmp_path)
