"""seal.json: what a sealed folder says of itself, and everything that can be checked without a key.

The manifest names the weights, every file with its sizes, the root of a hash tree over its ciphertext
segments (RFC 6962, so a host, a cache or an auditor finds and repairs a bad segment without any key), and
the commitment to its data key. Its digest is what approvers approve. It is canonical JSON: one spelling.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Self

from mythos.custody.stream import HEADER, SEGMENT, SUITE, Layout
from mythos.errors import FormatError, InputError, MalformedError, SealError, WeightsError
from mythos.evidence.merkle import root as merkle_root
from mythos.evidence.predicates import Seal
from mythos.evidence.predicates import SealedFile as SealedFileRecord
from mythos.evidence.statement import canonical, fields, integer, items, parse_canonical, text
from mythos.units import Bytes, Digest, Instant
from mythos.weights import Manifest, check_names

MANIFEST: Final = "seal.json"
SUFFIX: Final = ".sealed"
VERSION: Final = 1
LIMIT: Final = 64 << 20
ANY_HUB: Final = "*"

_FILE: Final = (
    "ciphertextRoot", "dekId", "format", "keyCommitment", "path", "plaintextBytes", "sealedBytes",
)  # fmt: skip
_MANIFEST: Final = (
    "files", "hub", "identity", "model", "release", "sealedAt", "segmentBytes", "suite", "v", "weights",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class SealedFile:
    """One sealed file of a manifest.

    Attributes:
        associated_data: everything that opening this file binds (see `binding`); not written, but computed.
    """

    path: str
    format: str
    dek_id: str
    plaintext_bytes: Bytes
    sealed_bytes: Bytes
    ciphertext_root: Digest
    key_commitment: Digest
    segment_bytes: int = SEGMENT
    associated_data: bytes = field(default=b"", repr=False)

    @property
    def layout(self) -> Layout:
        """Where its segments lie."""
        return Layout(self.plaintext_bytes, self.segment_bytes)

    def within(self, folder: Path) -> Path:
        """Its sealed file in a sealed folder."""
        return folder / (self.path + SUFFIX)


@dataclass(frozen=True, slots=True)
class SealManifest:
    """A parsed seal.json. `SealManifest.parse(m.to_bytes()) == m`."""

    weights: Manifest
    release: int
    hub: str
    files: tuple[SealedFile, ...]
    sealed_at: Instant
    segment_bytes: int = SEGMENT

    def to_bytes(self) -> bytes:
        """Canonical JSON."""
        return canonical(
            {
                "v": VERSION,
                "suite": SUITE,
                "segmentBytes": self.segment_bytes,
                "model": self.weights.name,
                "weights": str(self.weights.root),
                "identity": self.weights.to_predicate(),
                "release": self.release,
                "hub": self.hub,
                "sealedAt": str(self.sealed_at),
                "files": [
                    {
                        "path": f.path,
                        "format": f.format,
                        "dekId": f.dek_id,
                        "plaintextBytes": int(f.plaintext_bytes),
                        "sealedBytes": int(f.sealed_bytes),
                        "ciphertextRoot": str(f.ciphertext_root),
                        "keyCommitment": str(f.key_commitment),
                    }
                    for f in self.files
                ],
            }
        )

    @property
    def digest(self) -> Digest:
        """The SHA-256 of seal.json."""
        return Digest.of(self.to_bytes())

    @property
    def sealed_bytes(self) -> Bytes:
        """Ciphertext in all files."""
        return Bytes(sum(f.sealed_bytes for f in self.files))

    def file(self, path: str) -> SealedFile:
        """The entry of one file, or `SealError`."""
        found = next((f for f in self.files if f.path == path), None)
        if found is None:
            raise SealError(
                f"the manifest seals no {path!r}", found=", ".join(f.path for f in self.files)[:200]
            )
        return found

    def predicate(self) -> Seal:
        """The act of sealing, as the log keeps it."""
        return Seal(
            manifest=self.digest,
            suite=SUITE,
            release=self.release,
            files=tuple(
                SealedFileRecord(
                    path=f.path,
                    plaintext_bytes=int(f.plaintext_bytes),
                    sealed_bytes=int(f.sealed_bytes),
                    ciphertext_root=f.ciphertext_root,
                    key_commitment=f.key_commitment,
                )
                for f in self.files
            ),
            sealed_at=self.sealed_at,
        )

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """Read seal.json.

        Raises:
            SealError: not canonical, another version or suite, names that mean two things, sizes that do not
                follow from each other, or files that are not those of the weights.
        """
        try:
            document = fields(parse_canonical(data, LIMIT), *_MANIFEST, what=MANIFEST)
            if (document["v"], document["suite"]) != (VERSION, SUITE):
                raise SealError(
                    "sealed by another version",
                    expected=f"version {VERSION}, {SUITE}",
                    found=f"{document['v']}, {document['suite']}"[:80],
                )
            root = Digest.parse(text(document["weights"], what="weights"))
            weights = Manifest.from_predicate(
                text(document["model"], what="model"), document["identity"], root=root
            )
            segment = integer(document["segmentBytes"], what="segmentBytes")
            release = integer(document["release"], what="release")
            hub = text(document["hub"], what="hub")
            files = tuple(
                _file(item, weights=root, release=release, hub=hub, segment=segment)
                for item in items(document["files"], what="files")
            )
            sealed_at = Instant.parse(text(document["sealedAt"], what="sealedAt"))
        except (MalformedError, InputError, WeightsError) as error:
            raise SealError(f"{MANIFEST} is not a seal", found=str(error)[:300]) from error
        manifest = cls(weights, release, hub, files, sealed_at, segment)
        manifest._check_whole()
        if manifest.to_bytes() != data:
            raise SealError(f"{MANIFEST} is not in its one spelling", advice="Seal again.")
        return manifest

    def _check_whole(self) -> None:
        if [f.path for f in self.files] != [r.name for r in self.weights.resources]:
            raise SealError("the sealed files are not those of the weights", expected="one for each resource")
        if len({f.dek_id for f in self.files}) != len(self.files):
            raise SealError("one data key for two files", expected="a key of its own for each file")


def binding(
    *,
    weights: Digest,
    release: int,
    hub: str,
    path: str,
    form: str,
    plaintext: int,
    segment: int,
    dek_id: str,
) -> bytes:
    """The associated data of one file: rename, splice, roll back, move to another hub or lie about a length,
    and the key is another.
    """  # noqa: D205 (one sentence)
    return canonical(
        {
            "v": VERSION,
            "suite": SUITE,
            "weights": str(weights),
            "release": release,
            "path": path,
            "format": form,
            "plaintextBytes": plaintext,
            "segmentBytes": segment,
            "hub": hub,
            "dekId": dek_id,
        }
    )


def segment_hash(segment: bytes | memoryview) -> bytes:
    """The RFC 6962 leaf hash of a ciphertext segment, without copying it."""
    hasher = hashlib.sha256(b"\x00")
    hasher.update(segment)
    return hasher.digest()


def _file(value: Any, *, weights: Digest, release: int, hub: str, segment: int) -> SealedFile:
    entry = fields(value, *_FILE, what="a sealed file")
    path, form = text(entry["path"], what="path"), text(entry["format"], what="format")
    check_names([path])
    plaintext = integer(entry["plaintextBytes"], what="plaintextBytes")
    sealed = integer(entry["sealedBytes"], what="sealedBytes")
    dek_id = text(entry["dekId"], what="dekId")
    if sealed != Layout(plaintext, segment).sealed:
        raise FormatError(
            f"{path}: impossible sizes", expected=f"{Layout(plaintext, segment).sealed}", found=f"{sealed}"
        )
    return SealedFile(
        path=path,
        format=form,
        dek_id=dek_id,
        plaintext_bytes=Bytes(plaintext),
        sealed_bytes=Bytes(sealed),
        ciphertext_root=Digest.parse(text(entry["ciphertextRoot"], what="ciphertextRoot")),
        key_commitment=Digest.parse(text(entry["keyCommitment"], what="keyCommitment")),
        segment_bytes=segment,
        associated_data=binding(
            weights=weights, release=release, hub=hub, path=path, form=form, plaintext=plaintext,
            segment=segment, dek_id=dek_id,
        ),
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong with a sealed folder."""

    code: str
    message: str
    where: str


def read_manifest(folder: Path) -> SealManifest:
    """Read and check seal.json of a sealed folder; `SealError` when it is missing or wrong."""
    path = folder / MANIFEST
    try:
        with open(path, "rb") as file:
            data = file.read(LIMIT + 1)
    except OSError as error:
        raise SealError(
            f"{folder} is not a sealed folder",
            expected=MANIFEST,
            found=error.strerror or str(error),
            advice="Run `mythos seal` again; a seal that was stopped leaves no manifest.",
        ) from error
    return SealManifest.parse(data)


def check(folder: Path) -> tuple[SealManifest, tuple[Problem, ...]]:
    """Everything that can be checked without a key: the manifest, sizes, headers, every ciphertext segment.

    Raises:
        SealError: there is no manifest, or it is wrong in itself.
    """
    manifest = read_manifest(folder)
    problems: list[Problem] = []
    headers: dict[bytes, str] = {}
    for file in manifest.files:
        problems += _check_file(file, folder, headers)
    listed = {MANIFEST} | {f.path + SUFFIX for f in manifest.files}
    for path in _walk(folder):
        name = path.relative_to(folder).as_posix()
        if path.is_symlink():
            problems.append(Problem("symlink", "a link stands where a file should", name))
        elif name not in listed:
            problems.append(Problem("unlisted", "the manifest does not list this file", name))
    return manifest, tuple(problems)


def _check_file(file: SealedFile, folder: Path, headers: dict[bytes, str]) -> Iterator[Problem]:
    path = file.within(folder)
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    except OSError as error:
        yield Problem("missing", error.strerror or str(error), file.path)
        return
    with os.fdopen(descriptor, "rb") as source:
        size = os.fstat(descriptor).st_size
        if size != file.sealed_bytes:
            yield Problem("size", f"expected {file.sealed_bytes} bytes, found {size}", file.path)
            return
        header = os.pread(descriptor, HEADER, 0)
        if header[:1] != bytes([HEADER]):
            yield Problem("header", "not the header of a sealed file", file.path)
        if header[1:] in headers:
            yield Problem("salt_reused", f"the same salt as {headers[header[1:]]}", file.path)
        headers[header[1:]] = file.path
        leaves = [segment_hash(segment) for segment in iter(lambda: source.read(file.segment_bytes), b"")]
        if merkle_root(leaves) != file.ciphertext_root.value:
            yield Problem("ciphertext", "the ciphertext is not the one that was sealed", file.path)


def _walk(folder: Path) -> Iterator[Path]:
    for root, folders, names in os.walk(folder):
        for name in sorted([*names, *(d for d in folders if (Path(root) / d).is_symlink())]):
            yield Path(root) / name
