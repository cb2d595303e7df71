"""Seal a model's files, and open them again into memory that no disk has seen.

Sealing is one pass for the digest that names the weights and one that encrypts, checks that digest again
and hashes the ciphertext. All of it happens in a folder beside the target that takes its name at the very
end: a seal that was stopped left nothing that looks finished.

Opening authenticates before it hands out. Ciphertext is read with pread into private memory, never mapped:
a host that changes a mapped file between GHASH and decryption would get unauthenticated plaintext accepted.
One bad segment wipes everything that was opened and names the file and the segment.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import shutil
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from mythos.custody.sealed import (
    ANY_HUB,
    MANIFEST,
    SealedFile,
    SealManifest,
    binding,
    read_manifest,
    segment_hash,
)
from mythos.custody.stream import (
    HEADER,
    KEY,
    SEGMENT,
    TAG,
    InvalidTag,
    Layout,
    SegmentCipher,
    check_commitment,
    check_header,
    commitment,
    new_header,
)
from mythos.errors import InputError, MachineError, SealError, WeightsError
from mythos.evidence.merkle import root as merkle_root
from mythos.files import sync_folder
from mythos.units import Bytes, Digest, Instant
from mythos.weights import Manifest, Resource, format_of

_SEALS: Final = fcntl.F_SEAL_WRITE | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_SEAL

Progress = Callable[[int, int], None]
Random = Callable[[int], bytes]


@dataclass(frozen=True, slots=True)
class Sealed:
    """What sealing made: the manifest, and the data key of each file by its id (wipe them after use)."""

    manifest: SealManifest
    deks: Mapping[str, bytearray] = field(repr=False)


def seal(
    source: Path,
    out: Path,
    *,
    identity: Manifest,
    release: int,
    keep: Callable[[Sealed], None],
    hub: str = ANY_HUB,
    now: Instant,
    progress: Progress | None = None,
    random: Random = os.urandom,
    segment: int = SEGMENT,
) -> Sealed:
    """Seal a model into a new folder.

    Args:
        source: the file or folder that `identity` names.
        out: the folder that appears when everything is done; absent or empty before.
        identity: the weights' manifest; every file must still have its digest.
        release: the owner's number for this release of the model.
        keep: called with the keys when all ciphertext is durable and before `out` appears; when it raises,
            nothing appears. The owner stores its keys here: a sealed folder without its keys is lost.
        hub: the one hub that may open it, or `*`.
        now: written into the manifest.
        progress: told of plain bytes sealed and in all.
        random: source of randomness.
        segment: bytes of a ciphertext segment.

    Raises:
        WeightsError: a file is not the one that `identity` names.
        InputError: `out` holds something.
        MachineError: the disk is full; nothing is left behind.
    """
    if out.is_symlink() or (out.exists() and (not out.is_dir() or any(out.iterdir()))):
        raise InputError(f"{out} is not empty", expected="a new folder", advice="Choose another with --out.")
    total = sum(_path(source, resource).stat().st_size for resource in identity.resources)
    deks: dict[str, bytearray] = {}
    files: list[SealedFile] = []
    done = 0
    with _workshop(out, total) as folder:
        for number, resource in enumerate(identity.resources):
            dek_id = f"{release}.{number}"
            deks[dek_id] = bytearray(random(KEY))
            plain = _path(source, resource)
            layout = Layout(plain.stat().st_size, segment)
            form = format_of(plain)
            data = binding(
                weights=identity.root, release=release, hub=hub, path=resource.name, form=form,
                plaintext=layout.plaintext, segment=segment, dek_id=dek_id,
            )  # fmt: skip
            target = folder / (resource.name + ".sealed")
            target.parent.mkdir(parents=True, exist_ok=True)
            header = new_header(random)
            cipher = SegmentCipher(deks[dek_id], data, header, layout)
            root = _seal_file(plain, target, resource, cipher, header, layout)
            files.append(
                SealedFile(
                    path=resource.name, format=form, dek_id=dek_id, plaintext_bytes=Bytes(layout.plaintext),
                    sealed_bytes=Bytes(layout.sealed), ciphertext_root=root,
                    key_commitment=commitment(deks[dek_id], data, header), segment_bytes=segment,
                    associated_data=data,
                )
            )  # fmt: skip
            done += layout.plaintext
            if progress is not None:
                progress(done, total)
        bare = Manifest(identity.name, tuple(Resource(r.name, r.digest) for r in identity.resources))
        result = Sealed(SealManifest(bare, release, hub, tuple(files), now, segment), deks)
        _write_durably(folder / MANIFEST, result.manifest.to_bytes())
        keep(result)
        _publish(folder, out)
    return result


def finished(out: Path, weights: Digest, release: int) -> SealManifest | None:
    """The manifest when `out` already is the finished seal of this release; None when nothing is there.

    Raises:
        InputError: `out` is the seal of something else.
    """
    if not (out / MANIFEST).exists():
        return None
    manifest = read_manifest(out)
    if (manifest.weights.root, manifest.release) != (weights, release):
        raise InputError(
            f"{out} holds another seal",
            expected=f"release {release} of {weights}",
            found=f"release {manifest.release} of {manifest.weights.root}",
            advice="Choose another folder with --out.",
        )
    return manifest


def open_into_memfd(sealed: Path, file: SealedFile, dek: bytes | bytearray) -> int:
    """Open one file into a sealed memfd: anonymous memory that nobody can change, given as a descriptor.

    Args:
        sealed: the sealed file (`file.within(folder)`).
        file: its entry in the manifest.
        dek: its data key.

    Returns:
        A descriptor at offset 0 with F_SEAL_WRITE, GROW, SHRINK and SEAL; `/proc/self/fd/N` is its path.

    Raises:
        SealError: names the file and the segment; nothing was handed out.
    """
    plain = bytearray(file.segment_bytes)
    view = memoryview(plain)
    descriptor = os.memfd_create("weights", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    try:
        with _opening(sealed, file, dek) as segments:
            for length, into in segments:
                into(view[:length])
                _write_all(descriptor, view[:length])
        fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, _SEALS)
        os.lseek(descriptor, 0, os.SEEK_SET)
    except BaseException:
        os.ftruncate(descriptor, 0)
        os.close(descriptor)
        raise
    finally:
        wipe(plain)
    return descriptor


def open_into(sealed: Path, file: SealedFile, dek: bytes | bytearray, buffer: memoryview) -> None:
    """Open one file into memory of the caller, best touched beforehand: page faults cost more than AES.

    Args:
        sealed: the sealed file (`file.within(folder)`).
        file: its entry in the manifest.
        dek: its data key.
        buffer: writable, exactly `file.plaintext_bytes` long.

    Raises:
        SealError: names the file and the segment; the whole buffer was wiped.
    """
    if len(buffer) != file.plaintext_bytes or buffer.readonly:
        raise InputError("a buffer of another size", expected=f"{file.plaintext_bytes} writable bytes")
    at = 0
    try:
        with _opening(sealed, file, dek) as segments:
            for length, into in segments:
                into(buffer[at : at + length])
                at += length
    except BaseException:
        wipe(buffer)
        raise


def wipe(memory: bytearray | memoryview) -> None:
    """Overwrite with zeroes. CPython may hold copies elsewhere: the process boundary is what protects."""
    view = memoryview(memory).cast("B")
    zeroes = bytes(min(len(view), 1 << 20))
    for start in range(0, len(view), 1 << 20):
        part = view[start : start + (1 << 20)]
        part[:] = zeroes[: len(part)]


_Segments = Generator[tuple[int, Callable[[memoryview], None]]]


@contextmanager
def _opening(sealed: Path, file: SealedFile, dek: bytes | bytearray) -> Generator[_Segments]:
    """The segments of a sealed file: plain length, and a function that opens the segment into memory."""
    layout = file.layout
    try:
        descriptor = os.open(sealed, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    except OSError as error:
        raise SealError(f"{file.path}: no sealed file", found=error.strerror or str(error)) from error
    try:
        size = os.fstat(descriptor).st_size
        if size != layout.sealed:
            raise SealError(
                f"{file.path}: the sealed file was cut or extended", expected=f"{layout.sealed} bytes",
                found=f"{size}", advice="Copy it again and run `mythos custody check`.",
            )  # fmt: skip
        header = os.pread(descriptor, HEADER, 0)
        check_header(header, file.path)
        check_commitment(dek, file.associated_data, header, file.key_commitment, file.path)
        cipher = SegmentCipher(dek, file.associated_data, header, layout)
        yield _segments(descriptor, file, cipher, layout)
    finally:
        os.close(descriptor)


def _segments(descriptor: int, file: SealedFile, cipher: SegmentCipher, layout: Layout) -> _Segments:
    buffer = memoryview(bytearray(min(layout.segment, layout.sealed)))
    for index in range(layout.segments):
        start, length = layout.cipher(index)
        part = buffer[:length]

        def into(target: memoryview, index: int = index, start: int = start, part: memoryview = part) -> None:
            complete = os.preadv(descriptor, [part], start) == len(part)
            try:
                if complete:
                    cipher.open_into(index, part, target)
            except InvalidTag:
                complete = False
            if not complete:
                raise SealError(
                    f"{file.path}: segment {index} of {layout.segments} does not open",
                    expected="the bytes that were sealed, under their key and in their place",
                    found="flipped, cut, moved or of another file",
                    advice="Nothing was handed out. Copy it again and run `mythos custody check`.",
                )

        yield length - TAG, into


def _seal_file(
    plain: Path, target: Path, resource: Resource, cipher: SegmentCipher, header: bytes, layout: Layout
) -> Digest:
    """Encrypt one file; returns the root over its ciphertext segments."""
    hasher = hashlib.sha256()
    leaves: list[bytes] = []
    clear, out = bytearray(layout.segment), bytearray(layout.segment)
    with open(plain, "rb", buffering=0) as source, open(target, "xb", buffering=0) as sink:
        for index in range(layout.segments):
            length = layout.plain(index)[1]
            view = memoryview(clear)[:length]
            if _read_all(source.fileno(), view) != length:
                raise WeightsError(f"{resource.name} shrank while it was sealed")
            hasher.update(view)
            start = HEADER if index == 0 else 0
            out[:start] = header[:start]
            whole = memoryview(out)[: start + length + TAG]
            cipher.seal_into(index, view, whole[start:])
            leaves.append(segment_hash(whole))
            _write_all(sink.fileno(), whole)
        os.fsync(sink.fileno())
    wipe(clear)
    if Digest(hasher.digest()) != resource.digest:
        raise WeightsError(
            f"{resource.name} is not the file that the weights' name was computed from",
            expected=str(resource.digest), found=f"sha256:{hasher.hexdigest()}",
            advice="Run `mythos model identify` again.",
        )  # fmt: skip
    return Digest(merkle_root(leaves))


def _path(source: Path, resource: Resource) -> Path:
    path = source / resource.name if source.is_dir() else source
    if path.is_symlink() or not path.is_file():
        raise WeightsError(f"{resource.name} is missing or not a plain file")
    return path


@contextmanager
def _workshop(out: Path, needed: int) -> Generator[Path]:
    """A folder beside `out` for unfinished work; what an earlier, stopped seal left there is removed."""
    out.parent.mkdir(parents=True, exist_ok=True)
    folder = out.with_name(f".{out.name}.sealing")
    shutil.rmtree(folder, ignore_errors=True)
    free = shutil.disk_usage(out.parent).free
    full = MachineError(
        f"the disk of {out.parent} is full",
        expected=f"{Bytes(needed).human} free",
        found=Bytes(free).human,
        advice="Nothing was kept. Free some space or choose another --out.",
    )
    if free < needed:
        raise full
    try:
        folder.mkdir(mode=0o700)
        yield folder
    except OSError as error:
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            raise full from error
        raise
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _publish(folder: Path, out: Path) -> None:
    for root, _, _ in os.walk(folder):
        sync_folder(Path(root))
    folder.rename(out)
    sync_folder(out.parent)


def _write_durably(path: Path, data: bytes) -> None:
    with open(path, "xb", buffering=0) as file:
        _write_all(file.fileno(), memoryview(data))
        os.fsync(file.fileno())


def _write_all(descriptor: int, data: memoryview) -> None:
    while data:
        data = data[os.write(descriptor, data) :]


def _read_all(descriptor: int, view: memoryview) -> int:
    done = 0
    while done < len(view) and (count := os.readv(descriptor, [view[done:]])):
        done += count
    return done
