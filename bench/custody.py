"""How fast weights are sealed and opened, beside what the machine itself can do, in one run.

    python bench/custody.py [--megabytes N] [--folder DIR]

CPU seconds of this process, so neighbours count little; bytes are 10^6 a megabyte and the figures are GB/s of
one core, the best of five. The first rows are the ceiling: AES-256-GCM over a 4 MiB buffer that stays in the
cache, a copy of memory, SHA-256. Tink is the stock Python package on the same bytes. Exit status 1
when a row is below its figure.
"""

import argparse
import hashlib
import importlib
import io
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from mythos.custody.keys import HpkePrivateKey, Organisation, combine, split
from mythos.custody.seal import open_into, open_into_memfd, seal
from mythos.custody.sealed import check
from mythos.custody.stream import SEGMENT
from mythos.units import Instant
from mythos.weights import identify

FAILED: list[str] = []
ROUNDS = 5


def cpu(call: Callable[[], object]) -> float:
    """The least CPU seconds of several calls."""
    spent: list[float] = []
    for _ in range(ROUNDS):
        began = time.process_time()
        call()
        spent.append(time.process_time() - began)
    return min(spent)


def row(what: str, size: int, call: Callable[[], object], wanted: float | None = None) -> None:
    found = size / cpu(call) / 1e9
    said = "" if wanted is None else f"at least {wanted:.1f}   {'ok' if found >= wanted else 'BELOW'}"
    print(f"{what:58} {found:8.2f} GB/s   {said}", flush=True)
    if wanted is not None and found < wanted:
        FAILED.append(what)


def ceiling(size: int) -> None:
    aead, plain = AESGCM(os.urandom(32)), bytearray(os.urandom(SEGMENT - 16))
    sealed, nonce = bytearray(SEGMENT), bytes(12)
    aead.encrypt_into(nonce, plain, None, sealed)
    rounds = max(1, size // SEGMENT)

    def decrypt() -> None:
        for _ in range(rounds):
            aead.decrypt_into(nonce, sealed, None, plain)

    def encrypt() -> None:
        for _ in range(rounds):
            aead.encrypt_into(nonce, plain, None, sealed)

    source, target = memoryview(bytearray(os.urandom(SEGMENT)) * rounds), memoryview(bytearray(size))

    def copy() -> None:
        target[: len(source)] = source

    row("AES-256-GCM encrypt_into, 4 MiB in the cache", rounds * SEGMENT, encrypt)
    row("AES-256-GCM decrypt_into, 4 MiB in the cache", rounds * SEGMENT, decrypt)
    row("copy of memory", len(source), copy)
    row("SHA-256", len(source), lambda: hashlib.sha256(source))


def tink_rows(folder: Path, plain: bytes) -> None:
    streaming: Any = importlib.import_module("tink.streaming_aead")
    tink: Any = importlib.import_module("tink")
    streaming.register()
    template = streaming.streaming_aead_key_templates.AES256_GCM_HKDF_1MB
    primitive = tink.new_keyset_handle(template).primitive(streaming.StreamingAead)
    sealed = folder / "tink"

    def encrypt() -> None:
        with primitive.new_encrypting_stream(open(sealed, "wb"), b"") as stream:
            stream.write(plain)

    def decrypt() -> None:
        with primitive.new_decrypting_stream(io.BytesIO(sealed.read_bytes()), b"") as stream:
            stream.read()

    row("stock tink, AES256_GCM_HKDF_1MB, seal", len(plain), encrypt)
    row("stock tink, AES256_GCM_HKDF_1MB, open", len(plain), decrypt)
    sealed.unlink()


def sealed_rows(folder: Path, plain: bytes) -> None:
    model, count = folder / "weights", [0]
    model.write_bytes(plain)
    identity, size = identify(model), len(plain)
    made: list[Any] = []

    def sealing() -> None:
        count[0] += 1
        out = folder / f"out{count[0]}"
        made[:] = [seal(model, out, identity=identity, release=1, now=Instant.now(), keep=lambda _: None)]

    row("seal (two digests, AES, write, fsync)", size, sealing)
    out = folder / f"out{count[0]}"
    [file], deks = made[0].manifest.files, made[0].deks
    dek = deks[file.dek_id]
    row("custody check (ciphertext tree, no key)", size, lambda: check(out))
    row("open into a sealed memfd", size, lambda: os.close(open_into_memfd(file.within(out), file, dek)), 0.8)
    buffer = memoryview(bytearray(b"\x01") * size)
    row("open into pre-faulted memory", size, lambda: open_into(file.within(out), file, dek, buffer), 2.5)
    assert hashlib.sha256(buffer).digest() == hashlib.sha256(plain).digest()
    row("plain file into a memfd (the same without any seal)", size, lambda: os.close(plain_memfd(model)))


def plain_memfd(path: Path) -> int:
    """What opening costs when nothing is encrypted."""
    descriptor, buffer = os.memfd_create("plain"), bytearray(SEGMENT)
    with open(path, "rb", buffering=0) as source:
        while length := source.readinto(buffer):
            os.write(descriptor, memoryview(buffer)[:length])
    return descriptor


def key_rows() -> None:
    key, kek = HpkePrivateKey.generate(), bytes(range(32))
    wrapped = key.public.wrap(bytes(700), b"info")
    two = [Organisation("A", 1, ("a",)), Organisation("B", 1, ("b",))]
    shares = list(split(kek, two, 2).values())
    for what, call in (
        ("HPKE wrap a share (MLKEM768_X25519)", lambda: key.public.wrap(bytes(700), b"info")),
        ("HPKE open a share", lambda: key.open(wrapped, b"info")),
        ("split a key between two organisations (SLIP-39)", lambda: split(kek, two, 2)),
        ("combine it", lambda: combine(shares)),
    ):
        print(f"{what:58} {cpu(call) * 1e3:8.2f} ms", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--megabytes", type=int, default=256)
    parser.add_argument("--folder", type=Path, default=Path("/dev/shm"))  # noqa: S108 (memory, not a disk)
    chosen = parser.parse_args()
    size = chosen.megabytes * 1_000_000
    with tempfile.TemporaryDirectory(dir=chosen.folder) as temporary:
        ceiling(size)
        sealed_rows(Path(temporary), plain := os.urandom(size))
        tink_rows(Path(temporary), plain)
    key_rows()
    sys.exit(bool(FAILED))


if __name__ == "__main__":
    main()
