"""Sealing appears whole or not at all; opening hands out what was sealed or nothing."""

import errno
import fcntl
import mmap
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mythos.custody import owner
from mythos.custody.seal import Sealed, finished, open_into, open_into_memfd, seal, wipe
from mythos.custody.sealed import SealedFile, check, read_manifest
from mythos.errors import InputError, MachineError, SealError, WeightsError
from mythos.units import Digest, Instant
from mythos.weights import identify

NOW = Instant.parse("2026-06-12T12:00:00Z")
SMALL = 1024
CANARY = b"CANARY-e3b0c442-WEIGHTS"


def model(tmp_path: Path, **files: bytes) -> Path:
    folder = tmp_path / "model"
    folder.mkdir()
    for name, data in (files or {"weights": os.urandom(5000), "config": b"{}", "empty": b""}).items():
        (folder / name).write_bytes(data)
    return folder


def sealed(source: Path, out: Path, *, segment: int = SMALL, hub: str = "*", release: int = 1) -> Sealed:
    identity = identify(source)
    return seal(
        source,
        out,
        identity=identity,
        release=release,
        hub=hub,
        keep=lambda _: None,
        now=NOW,
        segment=segment,
    )


def opened(folder: Path, file: SealedFile, dek: bytes | bytearray) -> bytes:
    buffer = memoryview(bytearray(file.plaintext_bytes))
    open_into(file.within(folder), file, dek, buffer)
    descriptor = open_into_memfd(file.within(folder), file, dek)
    try:
        found = os.pread(descriptor, file.plaintext_bytes + 1, 0)
    finally:
        os.close(descriptor)
    assert found == bytes(buffer)
    return found


def test_every_file_comes_back(tmp_path: Path) -> None:
    source = model(tmp_path)
    seen: list[tuple[int, int]] = []
    result = seal(
        source, tmp_path / "out", identity=identify(source), release=1, keep=lambda _: None, now=NOW,
        segment=SMALL, progress=lambda a, b: seen.append((a, b)),
    )  # fmt: skip
    manifest, problems = check(tmp_path / "out")
    assert problems == ()
    assert manifest == result.manifest
    assert seen[-1] == (5002, 5002)
    for file in manifest.files:
        assert opened(tmp_path / "out", file, result.deks[file.dek_id]) == (source / file.path).read_bytes()
    assert len({bytes(dek) for dek in result.deks.values()}) == 3


def test_a_single_file_seals_like_a_folder(tmp_path: Path) -> None:
    source = model(tmp_path, one=os.urandom(3000)) / "one"
    result = sealed(source, tmp_path / "out")
    assert [f.path for f in result.manifest.files] == ["one"]
    assert opened(tmp_path / "out", result.manifest.files[0], result.deks["1.0"]) == source.read_bytes()


def test_the_memfd_can_never_change(tmp_path: Path) -> None:
    result = sealed(model(tmp_path, w=b"x" * 3000), tmp_path / "out")
    file = result.manifest.files[0]
    descriptor = open_into_memfd(file.within(tmp_path / "out"), file, result.deks["1.0"])
    try:
        seals = fcntl.F_SEAL_WRITE | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_SEAL
        assert fcntl.fcntl(descriptor, fcntl.F_GET_SEALS) == seals
        assert fcntl.fcntl(descriptor, fcntl.F_GETFD) & fcntl.FD_CLOEXEC
        for attempt in (
            lambda: os.write(descriptor, b"y"),
            lambda: os.ftruncate(descriptor, 1),
            lambda: os.ftruncate(descriptor, 1 << 20),
            lambda: mmap.mmap(descriptor, 3000, mmap.MAP_SHARED, mmap.PROT_WRITE),
        ):
            with pytest.raises(OSError):
                attempt()
        assert Path(f"/proc/self/fd/{descriptor}").read_bytes() == b"x" * 3000
    finally:
        os.close(descriptor)


@given(st.data())
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_flip_wipes_everything(tmp_path: Path, data: st.DataObject) -> None:
    out = tmp_path / "out"
    if not out.exists():
        test_any_flip_wipes_everything.result = sealed(model(tmp_path, w=CANARY * 200), out)  # type: ignore[attr-defined]
    result: Sealed = test_any_flip_wipes_everything.result  # type: ignore[attr-defined]
    file, dek = result.manifest.files[0], result.deks["1.0"]
    raw = bytearray(file.within(out).read_bytes())
    bit = data.draw(st.integers(0, len(raw) * 8 - 1))
    raw[bit // 8] ^= 1 << bit % 8
    bad = tmp_path / "bad"
    bad.write_bytes(raw)
    before = len(list(Path("/proc/self/fd").iterdir()))
    buffer = memoryview(bytearray(b"\xaa" * file.plaintext_bytes))
    with pytest.raises(SealError, match="w: "):
        open_into(bad, file, dek, buffer)
    assert bytes(buffer) == bytes(len(buffer))
    with pytest.raises(SealError, match="w: "):
        open_into_memfd(bad, file, dek)
    assert len(list(Path("/proc/self/fd").iterdir())) == before


@pytest.mark.parametrize("change", [-1, +1, -SMALL, +SMALL, None])
def test_any_other_length_is_refused(tmp_path: Path, change: int | None) -> None:
    result = sealed(model(tmp_path, w=os.urandom(5000)), tmp_path / "out")
    file = result.manifest.files[0]
    path = file.within(tmp_path / "out")
    raw = path.read_bytes()
    path.write_bytes(b"" if change is None else raw[:change] if change < 0 else raw + raw[-change:])
    with pytest.raises(SealError, match=r"w: the sealed file was cut or extended"):
        open_into_memfd(path, file, result.deks["1.0"])


def test_the_error_names_file_and_segment(tmp_path: Path) -> None:
    result = sealed(model(tmp_path, w=os.urandom(5000)), tmp_path / "out")
    file = result.manifest.files[0]
    path = file.within(tmp_path / "out")
    raw = bytearray(path.read_bytes())
    raw[3 * SMALL + 5] ^= 1
    path.write_bytes(raw)
    with pytest.raises(SealError, match=r"w: segment 3 of 5 does not open"):
        open_into_memfd(path, file, result.deks["1.0"])
    _, [problem] = check(tmp_path / "out")
    assert (problem.code, problem.where) == ("ciphertext", "w")


def test_nothing_sealed_for_another_place_opens(tmp_path: Path) -> None:
    """Rename, splice, other model, other release, other hub: the key commits to all of it."""
    source = model(tmp_path, a=os.urandom(3000), b=os.urandom(3000))
    base = sealed(source, tmp_path / "base")
    a, b = base.manifest.files
    with pytest.raises(SealError, match="commits"):
        opened(tmp_path / "base", a, base.deks[b.dek_id])
    shutil.copy(b.within(tmp_path / "base"), a.within(tmp_path / "base"))
    with pytest.raises(SealError, match="commits"):
        opened(tmp_path / "base", a, base.deks[a.dek_id])
    for other in (
        sealed(source, tmp_path / "again"),
        sealed(source, tmp_path / "next", release=2),
        sealed(source, tmp_path / "hub", hub="elsewhere"),
    ):
        theirs = other.manifest.files[0]
        with pytest.raises(SealError):
            open_into_memfd(a.within(tmp_path / "base"), theirs, other.deks[theirs.dek_id])


@pytest.mark.parametrize("field", ["path", "format", "dek_id", "hub", "release", "plaintext", "weights"])
def test_every_bound_field_changes_the_key(tmp_path: Path, field: str) -> None:
    from dataclasses import replace

    from mythos.custody.sealed import binding

    result = sealed(model(tmp_path, w=os.urandom(2000)), tmp_path / "out")
    file, manifest = result.manifest.files[0], result.manifest
    bound = {
        "weights": manifest.weights.root, "release": 1, "hub": "*", "path": "w", "form": file.format,
        "plaintext": 2000, "segment": SMALL, "dek_id": file.dek_id,
    }  # fmt: skip
    assert binding(**bound) == file.associated_data  # type: ignore[arg-type]
    name = "form" if field == "format" else field
    other = {"release": 2, "plaintext": 1999, "weights": Digest(bytes(32))}.get(name, "elsewhere")
    wrong = replace(file, associated_data=binding(**{**bound, name: other}))  # type: ignore[arg-type]
    with pytest.raises(SealError, match="commits"):
        opened(tmp_path / "out", wrong, result.deks[file.dek_id])


def test_a_key_that_opens_but_is_not_committed_is_refused(tmp_path: Path) -> None:
    from dataclasses import replace

    result = sealed(model(tmp_path, w=os.urandom(2000)), tmp_path / "out")
    file = replace(result.manifest.files[0], key_commitment=Digest(bytes(32)))
    with pytest.raises(SealError, match="commits"):
        open_into_memfd(file.within(tmp_path / "out"), file, result.deks[file.dek_id])


def test_refuses_what_is_not_the_identified_model(tmp_path: Path) -> None:
    source = model(tmp_path, a=b"1" * 100, b=b"2" * 100)
    identity = identify(source)
    (source / "b").write_bytes(b"3" * 100)
    with pytest.raises(WeightsError, match="b is not the file"):
        seal(source, tmp_path / "out", identity=identity, release=1, keep=lambda _: None, now=NOW)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["model"]
    (source / "b").unlink()
    with pytest.raises(WeightsError, match="missing"):
        seal(source, tmp_path / "out", identity=identity, release=1, keep=lambda _: None, now=NOW)
    (source / "b").symlink_to(source / "a")
    with pytest.raises(WeightsError, match="plain file"):
        seal(source, tmp_path / "out", identity=identity, release=1, keep=lambda _: None, now=NOW)


def test_refuses_a_folder_that_holds_something(tmp_path: Path) -> None:
    source = model(tmp_path, a=b"1")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.txt").write_text("mine")
    with pytest.raises(InputError, match="not empty"):
        sealed(source, tmp_path / "out")
    assert (tmp_path / "out" / "thesis.txt").read_text() == "mine"
    (tmp_path / "free").mkdir()
    sealed(source, tmp_path / "free")


def test_nothing_appears_when_the_keys_cannot_be_kept(tmp_path: Path) -> None:
    source = model(tmp_path, a=b"1" * 3000)

    def keep(result: Sealed) -> None:
        assert not (tmp_path / "out").exists()
        raise PermissionError(errno.EACCES, "no")

    with pytest.raises(PermissionError):
        seal(source, tmp_path / "out", identity=identify(source), release=1, keep=keep, now=NOW)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["model"]


@pytest.mark.parametrize("when", ["before", "during"])
def test_a_full_disk_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, when: str) -> None:
    source = model(tmp_path, a=os.urandom(9000))
    written = 0
    real = os.write

    def write(descriptor: int, data: memoryview) -> int:
        nonlocal written
        written += len(data)
        if written > 4000:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return real(descriptor, data)

    if when == "during":
        monkeypatch.setattr(os, "write", write)
    else:
        usage = shutil.disk_usage(tmp_path)._replace(free=100)
        monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    with pytest.raises(MachineError, match=r"is full.*Nothing was kept"):
        sealed(source, tmp_path / "out")
    monkeypatch.undo()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["model"]
    sealed(source, tmp_path / "out")


def test_a_killed_seal_leaves_nothing_that_looks_finished(tmp_path: Path) -> None:
    source = model(tmp_path, a=os.urandom(64 << 20))
    script = """
import sys
from pathlib import Path
from mythos.custody import owner
from mythos.custody.seal import seal
from mythos.units import Instant
from mythos.weights import identify
source, out, home = map(Path, sys.argv[1:])
print("go", flush=True)
seal(source, out, identity=identify(source), release=1, now=Instant.now(), segment=65536,
     keep=lambda sealed: owner.keep(home, sealed))
"""
    out, home = tmp_path / "out", tmp_path / "home"
    home.mkdir(mode=0o700)
    for delay in (0.1, 0.2, 0.3):
        child = subprocess.Popen(
            [sys.executable, "-c", script, str(source), str(out), str(home)], stdout=subprocess.PIPE
        )
        assert child.stdout is not None
        child.stdout.readline()
        time.sleep(delay)
        child.send_signal(signal.SIGKILL)
        child.wait()
        child.stdout.close()
        if out.exists():
            break
        assert finished(out, identify(source).root, 1) is None
    if not out.exists():
        seal(
            source, out, identity=identify(source), release=1, now=NOW,
            keep=lambda result: owner.keep(home, result),
        )  # fmt: skip
    manifest = finished(out, identify(source).root, 1)
    assert manifest is not None
    assert owner.has_keys(home, manifest.digest)
    assert check(out)[1] == ()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["home", "model", "out"]


def test_finished_knows_its_own_seal(tmp_path: Path) -> None:
    source = model(tmp_path, a=b"1")
    sealed(source, tmp_path / "out")
    root = identify(source).root
    assert finished(tmp_path / "nothing", root, 1) is None
    assert finished(tmp_path / "out", root, 1) == read_manifest(tmp_path / "out")
    with pytest.raises(InputError, match="another seal"):
        finished(tmp_path / "out", root, 2)
    with pytest.raises(InputError, match="another seal"):
        finished(tmp_path / "out", Digest(bytes(32)), 1)


def test_no_plain_byte_reaches_the_sealed_folder(tmp_path: Path) -> None:
    source = model(tmp_path, w=CANARY * 1000, config=CANARY)
    result = sealed(source, tmp_path / "out")
    secrets = [CANARY, *(bytes(dek) for dek in result.deks.values())]
    for path in (tmp_path / "out").rglob("*"):
        if path.is_file():
            data = path.read_bytes()
            assert not any(secret in data for secret in secrets), path
    assert "bytearray" not in repr(result)


def test_wrong_calls_are_refused(tmp_path: Path) -> None:
    result = sealed(model(tmp_path, w=b"x" * 100), tmp_path / "out")
    file = result.manifest.files[0]
    path = file.within(tmp_path / "out")
    for buffer in (memoryview(bytearray(99)), memoryview(bytes(100))):
        with pytest.raises(InputError, match="buffer"):
            open_into(path, file, result.deks["1.0"], buffer)
    with pytest.raises(SealError, match="no sealed file"):
        open_into_memfd(tmp_path / "nothing", file, result.deks["1.0"])
    (tmp_path / "link").symlink_to(path)
    with pytest.raises(SealError, match="no sealed file"):
        open_into_memfd(tmp_path / "link", file, result.deks["1.0"])


def test_wipe_leaves_zeroes() -> None:
    memory = bytearray(b"secret" * 500_000)
    wipe(memory)
    assert memory == bytes(len(memory))
