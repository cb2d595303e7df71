"""The OMS 1.0 manifest of a model and its root digest.

Source: OpenSSF Model Signing specification 1.0, predicate `https://model_signing/signature/v1.0`, method
`files` with SHA-256. The order of resources (by path components) and the default git paths left out are
those of its reference implementation, model-signing 1.1.1, so both compute the same root.

The root covers the files' digests in name order, not the names themselves: a renaming that keeps the order
keeps the root. Whoever needs names bound too (the seal does) binds the manifest.
"""

from __future__ import annotations

import hashlib
import os
import stat
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self, cast

from mythos.errors import FormatError, WeightsError
from mythos.units import Bytes, Digest

PREDICATE_TYPE: Final = "https://model_signing/signature/v1.0"
IGNORED: Final = (".git", ".gitattributes", ".github", ".gitignore")
NAMES: Final = 100_000
NAME_BYTES: Final = 1024
_CHUNK: Final = 4 << 20

Progress = Callable[[int, int], None]
"""Called with bytes done and bytes in all."""


@dataclass(frozen=True, slots=True)
class Resource:
    """One file of a model: its POSIX path below the root, its SHA-256, its size in bytes."""

    name: str
    digest: Digest
    size: Bytes | None = None


@dataclass(frozen=True, slots=True)
class Manifest:
    """The files of a model in OMS order; `root` is the model's name in every statement.

    `name` is informative: two manifests with other names and the same resources name the same weights.
    """

    name: str
    resources: tuple[Resource, ...]

    def __post_init__(self) -> None:
        if not self.resources:
            raise WeightsError("a model without files", expected="at least one file", found=self.name)
        check_names(resource.name for resource in self.resources)
        if list(self.resources) != sorted(self.resources, key=lambda r: r.name.split("/")):
            raise FormatError("a manifest out of order", expected="resources sorted by path")

    @property
    def root(self) -> Digest:
        """SHA-256 over the concatenated raw digests."""
        return Digest.of(b"".join(resource.digest.value for resource in self.resources))

    @property
    def size(self) -> Bytes | None:
        """All bytes of all files; None when a parsed predicate did not say."""
        sizes = [resource.size for resource in self.resources]
        return None if None in sizes else Bytes(sum(cast("list[Bytes]", sizes)))

    def to_predicate(self) -> dict[str, Any]:
        """The OMS predicate: `serialization` and `resources`."""
        return {
            "serialization": {
                "method": "files",
                "hash_type": "sha256",
                "allow_symlinks": False,
                "ignore_paths": list(IGNORED),
            },
            "resources": [
                {"name": r.name, "algorithm": "sha256", "digest": r.digest.hex} for r in self.resources
            ],
        }

    @classmethod
    def from_predicate(cls, name: str, predicate: object, *, root: Digest | None = None) -> Self:
        """Read an OMS predicate whose files were hashed whole with SHA-256.

        Args:
            name: the subject's name.
            predicate: the decoded JSON.
            root: the subject's digest, when there is one to compare.

        Raises:
            FormatError: not an OMS predicate, or of another method or algorithm.
            WeightsError: the resources do not hash to `root`.
        """
        try:
            body = cast("dict[str, Any]", predicate)
            how = body["serialization"]
            if (how["method"], how["hash_type"], how["allow_symlinks"]) != ("files", "sha256", False):
                raise FormatError(
                    "an OMS manifest of another kind",
                    expected="method files, sha256, no symlinks",
                    found=f"{how['method']}, {how['hash_type']}, allow_symlinks {how['allow_symlinks']}",
                )
            resources: list[Resource] = []
            for entry in body["resources"]:
                if entry["algorithm"] != "sha256":
                    raise FormatError("an OMS resource of another hash", found=str(entry["algorithm"])[:40])
                resources.append(Resource(str(entry["name"]), Digest.parse("sha256:" + entry["digest"])))
        except (KeyError, TypeError, AttributeError) as error:
            raise FormatError("not an OMS predicate", found=f"{type(error).__name__}: {error}") from error
        manifest = cls(name, tuple(resources))
        if root is not None and manifest.root != root:
            raise WeightsError(
                "the manifest is inconsistent", expected=f"root {root}", found=f"root {manifest.root}"
            )
        return manifest


def identify(path: Path, *, progress: Progress | None = None) -> Manifest:
    """Hash a model's file or folder into its manifest.

    Args:
        path: a file, or a folder with all the model's files.
        progress: told of bytes done and in all, at most once for each 4 MiB.

    Raises:
        WeightsError: missing, empty, not made of plain files (a symlink, a socket), or changed while read.
        FormatError: a name that could mean two files on another system.
    """
    files = list(_files(path))
    check_names(name for name, _ in files)
    total = sum(file.stat().st_size for _, file in files)
    done = 0
    resources: list[Resource] = []
    for name, file in sorted(files, key=lambda pair: pair[0].split("/")):
        hasher = hashlib.sha256()
        start = done
        for chunk in read_stable(file):
            hasher.update(chunk)
            done += len(chunk)
            if progress is not None:
                progress(done, total)
        resources.append(Resource(name, Digest(hasher.digest()), Bytes(done - start)))
    return Manifest(path.resolve().name, tuple(resources))


def read_stable(path: Path) -> Iterator[memoryview]:
    """Read a plain file in chunks of one reused 4 MiB buffer; refuse one that changes meanwhile.

    A yielded view is overwritten by the next step.

    Raises:
        WeightsError: not a plain file, not readable, or changed while read.
    """
    buffer = bytearray(_CHUNK)
    view = memoryview(buffer)
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        raise WeightsError(f"cannot read {path}", found=error.strerror or str(error)) from error
    try:
        before = os.fstat(descriptor)
        if not stat.S_ISREG(before.st_mode):
            raise WeightsError(f"{path} is not a plain file")
        left = before.st_size
        while left >= 0 and (count := os.readv(descriptor, [view])):
            left -= count
            yield view[:count]
        after = os.fstat(descriptor)
    finally:
        os.close(descriptor)
    if left or (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
        raise WeightsError(f"{path} changed while it was read", advice="Stop what writes it and try again.")


def check_names(names: Iterable[str]) -> None:
    """Refuse names that leave the folder or that two systems would read differently.

    Raises:
        FormatError: absolute, empty, `.`, `..`, backslash or control characters, too long, not Unicode in
            normal form C, or twins that differ only in case or normal form.
    """
    seen: dict[str, str] = {}
    for count, name in enumerate(names, start=1):
        parts = name.split("/")
        if count > NAMES:
            raise FormatError("too many files", expected=f"at most {NAMES}")
        if any(part in {"", ".", ".."} for part in parts) or "\\" in name:
            raise FormatError("a file name that leaves its folder", found=repr(name[:200]))
        if any(unicodedata.category(char) in {"Cc", "Cs"} for char in name):
            raise FormatError("a file name with control characters or not UTF-8", found=repr(name[:200]))
        if len(name.encode()) > NAME_BYTES:
            raise FormatError("a file name that is too long", expected=f"at most {NAME_BYTES} bytes")
        if unicodedata.normalize("NFC", name) != name:
            raise FormatError(
                "a file name that is not in normal form C", found=repr(name[:200]), advice="Rename the file."
            )
        folded = unicodedata.normalize("NFC", name.casefold())
        if folded in seen:
            raise FormatError(
                "two file names that some systems cannot tell apart",
                found=f"{seen[folded]!r} and {name!r}",
                advice="Rename one of them.",
            )
        seen[folded] = name


def _files(path: Path) -> Iterator[tuple[str, Path]]:
    """Names and paths of all plain files; folders named in `IGNORED` at the top are left out."""
    if path.is_symlink() or not path.exists():
        raise WeightsError(
            f"no model at {path}",
            expected="a file or folder (not a symlink)",
            found="a symlink" if path.is_symlink() else "nothing",
        )
    if not path.is_dir():
        yield path.name, path
        return
    todo = [path]
    while todo:
        with os.scandir(todo.pop()) as entries:
            for entry in entries:
                name = Path(entry.path).relative_to(path).as_posix()
                if name in IGNORED:
                    continue
                if entry.is_dir(follow_symlinks=False):
                    todo.append(Path(entry.path))
                elif entry.is_file(follow_symlinks=False):
                    yield name, Path(entry.path)
                else:
                    raise WeightsError(
                        f"{entry.path} is neither a plain file nor a folder",
                        found="a symlink" if entry.is_symlink() else "a special file",
                        advice="Copy the model with its files in place of links.",
                    )
