"""Training state on disk, whole or not at all.

    snapshots/step-00000100/state.pt      model, optimisers, random state
    snapshots/step-00000100/facts.json    step, configuration, tokenizer, ledger head; digest of state.pt
    snapshots/latest                      the name of the newest, written last

A snapshot is made under another name, every file and folder is flushed, then it is renamed. Reading checks
the size and digest that the facts name; one that fails is left aside, the one before it is taken, and that is
said.
"""

from __future__ import annotations

import errno
import fcntl
import io
import json
import os
import shutil
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import torch

from mythos.errors import InputError, TrainError
from mythos.evidence import canonical
from mythos.files import sync_folder, write_atomic
from mythos.units import Bytes, Digest

KEPT: Final = 2


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A snapshot that was read and checked. `digest` is that of its facts, which name its state's digest."""

    step: int
    facts: dict[str, Any]
    state: dict[str, Any]
    digest: Digest


def save_snapshot(folder: Path, step: int, state: Mapping[str, Any], facts: Mapping[str, Any]) -> Digest:
    """Write the snapshot of a step and drop all but the newest two.

    Args:
        folder: `snapshots` of the run.
        step: how many steps are done.
        state: tensors, numbers and texts, nested.
        facts: JSON without fractions; `step` and `state` are added.

    Raises:
        TrainError: the disk is full or not writable; the snapshots before are untouched.
    """
    buffer = io.BytesIO()
    torch.save(dict(state), buffer)
    data = buffer.getvalue()
    about = canonical({**facts, "step": step, "state": {"size": len(data), "digest": str(Digest.of(data))}})
    final = folder / _name(step)
    draft = folder / f".{final.name}.tmp"
    try:
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(parents=True)
        for name, content in (("state.pt", data), ("facts.json", about)):
            with open(draft / name, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
        sync_folder(draft)
        shutil.rmtree(final, ignore_errors=True)
        draft.rename(final)
        sync_folder(folder)
        write_atomic(folder / "latest", final.name.encode())
    except OSError as error:
        shutil.rmtree(draft, ignore_errors=True)
        full = error.errno in {errno.ENOSPC, errno.EDQUOT}
        raise TrainError(
            "the disk is full" if full else f"cannot write a snapshot into {folder}",
            expected=f"{Bytes(len(data)).human} of room",
            found=str(error),
            advice="Make room and run again with --resume: the snapshots before this one are whole.",
            code="disk_full" if full else "",
        ) from error
    for old in sorted(folder.glob("step-*"))[:-KEPT]:
        if old != final:
            shutil.rmtree(old, ignore_errors=True)
    return Digest.of(about)


def latest_snapshot(folder: Path, say: Callable[[str], None]) -> Snapshot | None:
    """Read the newest whole snapshot, or None when there is none at all.

    Args:
        folder: `snapshots` of the run.
        say: told of every snapshot that is left aside and why.

    Raises:
        TrainError: there are snapshots and none of them is whole.
    """
    found = sorted((path for path in folder.glob("step-*") if path.is_dir()), reverse=True)
    for path in found:
        try:
            return _read(path)
        except (OSError, ValueError, KeyError, TypeError, RuntimeError, EOFError) as error:
            say(f"{path.name} is torn and left aside ({str(error)[:120]}); trying the one before it")
    if found:
        raise TrainError(
            "no snapshot is whole",
            expected="one of the last two",
            found=", ".join(path.name for path in found),
            advice="Start again in a new folder; the ledger of this one still holds what was computed.",
        )
    return None


def _read(path: Path) -> Snapshot:
    about = (path / "facts.json").read_bytes()
    facts: dict[str, Any] = json.loads(about)
    data = (path / "state.pt").read_bytes()
    if (len(data), str(Digest.of(data))) != (facts["state"]["size"], facts["state"]["digest"]):
        raise ValueError("state.pt is not the file that facts.json names")
    state: dict[str, Any] = torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
    return Snapshot(facts["step"], facts, state, Digest.of(about))


def _name(step: int) -> str:
    return f"step-{step:08d}"


@contextmanager
def alone(out: Path, rank: int) -> Generator[None]:
    """Hold a run's folder (made when missing); two runs in one would tear each other's snapshots.

    Raises:
        InputError: another run is at work in it.
    """
    out.mkdir(parents=True, exist_ok=True)
    with open(out / f"run.{rank}.lock", "wb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise InputError(
                f"another run is at work in {out}",
                expected="one run to a folder",
                advice="Choose another --out.",
            ) from error
        yield
