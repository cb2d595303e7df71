"""The wire format: Tink opens ours, we open Tink's; nothing can be moved, cut or opened under another key."""

import importlib
import io
import os
from hashlib import sha256
from typing import Any

import pytest
import tink
from hypothesis import given, settings
from hypothesis import strategies as st
from tink import cleartext_keyset_handle, streaming_aead

from mythos.custody.stream import (
    HEADER,
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
from mythos.errors import InputError, SealError

# Made by protobuf at import: no type checker can see into them.
aes_gcm_hkdf_streaming_pb2: Any = importlib.import_module("tink.proto.aes_gcm_hkdf_streaming_pb2")
common_pb2: Any = importlib.import_module("tink.proto.common_pb2")
tink_pb2: Any = importlib.import_module("tink.proto.tink_pb2")

SMALL = 256
DEK = bytes(range(32))
AD = b'{"path":"m.gguf"}'


def seal(plain: bytes, segment: int = SMALL, dek: bytes = DEK, ad: bytes = AD, header: bytes = b"") -> bytes:
    header = header or new_header(os.urandom)
    layout = Layout(len(plain), segment)
    cipher, out = SegmentCipher(dek, ad, header, layout), bytearray(header)
    for index in range(layout.segments):
        start, length = layout.plain(index)
        target = bytearray(length + TAG)
        cipher.seal_into(index, plain[start : start + length], target)
        out += target
    assert len(out) == layout.sealed
    return bytes(out)


def unseal(sealed: bytes, size: int, segment: int = SMALL, dek: bytes = DEK, ad: bytes = AD) -> bytes:
    layout, out = Layout(size, segment), b""
    cipher = SegmentCipher(dek, ad, sealed[:HEADER], layout)
    for index in range(layout.segments):
        start, length = layout.cipher(index)
        target = bytearray(length - TAG)
        cipher.open_into(index, sealed[start : start + length], target)
        out += target
    return out


def tinks(segment: int, dek: bytes = DEK) -> streaming_aead.StreamingAead:
    """Stock Tink's primitive for one raw key."""
    streaming_aead.register()
    params = aes_gcm_hkdf_streaming_pb2.AesGcmHkdfStreamingParams(
        ciphertext_segment_size=segment, derived_key_size=32, hkdf_hash_type=common_pb2.SHA256
    )
    raw = aes_gcm_hkdf_streaming_pb2.AesGcmHkdfStreamingKey(version=0, params=params, key_value=dek)
    data = tink_pb2.KeyData(
        type_url="type.googleapis.com/google.crypto.tink.AesGcmHkdfStreamingKey",
        value=raw.SerializeToString(),
        key_material_type=tink_pb2.KeyData.SYMMETRIC,
    )
    one = tink_pb2.Keyset.Key(
        key_data=data, status=tink_pb2.ENABLED, key_id=1, output_prefix_type=tink_pb2.RAW
    )
    keyset = tink_pb2.Keyset(primary_key_id=1, key=[one])
    handle = cleartext_keyset_handle.read(tink.BinaryKeysetReader(keyset.SerializeToString()))
    return handle.primitive(streaming_aead.StreamingAead)


def tink_opens(sealed: bytes, segment: int, ad: bytes = AD) -> bytes:
    with tinks(segment).new_decrypting_stream(io.BytesIO(sealed), ad) as stream:
        return stream.read()


class Sink(io.BytesIO):
    """Keeps its bytes after Tink closed it."""

    def close(self) -> None:
        self.kept = self.getvalue()
        super().close()


FIRST, FULL = SMALL - HEADER - TAG, SMALL - TAG
EDGES = [0, 1, FIRST - 1, FIRST, FIRST + 1, FIRST + FULL - 1, FIRST + FULL, FIRST + FULL + 1, 5000]


@pytest.mark.parametrize("size", EDGES)
def test_tink_opens_ours_and_we_open_tinks(size: int) -> None:
    plain = os.urandom(size)
    assert tink_opens(seal(plain), SMALL) == plain
    sink = Sink()
    with tinks(SMALL).new_encrypting_stream(sink, AD) as stream:
        stream.write(plain)
    assert unseal(sink.kept, size) == plain
    assert len(sink.kept) == Layout(size, SMALL).sealed


@pytest.mark.parametrize("size", [0, SEGMENT - HEADER - TAG, SEGMENT - HEADER - TAG + 1, SEGMENT + 9])
def test_tink_agrees_at_four_mebibytes(size: int) -> None:
    plain = os.urandom(size)
    assert tink_opens(seal(plain, SEGMENT), SEGMENT) == plain


def test_tink_refuses_ours_under_another_name() -> None:
    with pytest.raises(tink.TinkError):
        tink_opens(seal(b"weights"), SMALL, b'{"path":"other.gguf"}')


def test_known_bytes() -> None:
    """The format is frozen: fixed key, salt, prefix and data give these bytes for ever."""
    header = bytes([HEADER]) + bytes(range(100, 132)) + b"prefix7"
    sealed = seal(b"abc" * 200, header=header)
    assert sha256(sealed).hexdigest() == "6546baf5218d064a9474fbb59c6b48f0ce5fbf53e76cd0ad8cc3fe5e82b01793"
    assert tink_opens(sealed, SMALL) == b"abc" * 200


@given(st.integers(0, 5000), st.data())
@settings(deadline=None)
def test_any_flipped_bit_is_found(size: int, data: st.DataObject) -> None:
    sealed = bytearray(seal(bytes(size)))
    bit = data.draw(st.integers(0, len(sealed) * 8 - 1))
    sealed[bit // 8] ^= 1 << bit % 8

    def read() -> None:
        check_header(bytes(sealed[:HEADER]), "m")
        unseal(bytes(sealed), size)

    with pytest.raises((InvalidTag, SealError)):
        read()


@given(st.integers(2, 12), st.permutations(range(12)))
@settings(deadline=None)
def test_segments_have_their_place(count: int, order: list[int]) -> None:
    plain = os.urandom(FIRST + FULL * (count - 1))
    sealed = seal(plain)
    parts = [sealed[i * SMALL : (i + 1) * SMALL] for i in range(1, count)]
    moved = [parts[i] for i in order if i < len(parts)]
    if moved != parts:
        with pytest.raises(InvalidTag):
            unseal(sealed[:SMALL] + b"".join(moved), len(plain))


@pytest.mark.parametrize("count", [2, 3, 5])
def test_truncated_repeated_and_appended_segments_are_found(count: int) -> None:
    plain = os.urandom(FIRST + FULL * (count - 1))
    sealed = seal(plain)
    shorter = len(plain) - FULL
    with pytest.raises(InvalidTag):
        unseal(sealed[:-SMALL], shorter)
    with pytest.raises(InvalidTag):
        unseal(sealed + sealed[-SMALL:], len(plain) + FULL)
    with pytest.raises(InvalidTag):
        unseal(sealed[:-SMALL] + sealed[-2 * SMALL : -SMALL], len(plain))


def test_segments_of_another_file_do_not_fit() -> None:
    plain = os.urandom(FIRST + FULL)
    one, other = seal(plain), seal(plain)
    with pytest.raises(InvalidTag):
        unseal(one[:SMALL] + other[SMALL:], len(plain))


def test_another_key_or_binding_does_not_open_or_commit() -> None:
    sealed = seal(b"weights")
    header = sealed[:HEADER]
    committed = commitment(DEK, AD, header)
    check_commitment(DEK, AD, header, committed, "m")
    for dek, ad, head in (
        (bytes(32), AD, header),
        (DEK, AD + b" ", header),
        (DEK, AD, header[:1] + bytes(32) + header[33:]),
    ):
        with pytest.raises(SealError, match="commits"):
            check_commitment(dek, ad, head, committed, "m")
    with pytest.raises(InvalidTag):
        unseal(sealed, 7, dek=bytes(32))
    with pytest.raises(InvalidTag):
        unseal(sealed, 7, ad=AD + b" ")


def test_commitment_is_not_the_stream_key() -> None:
    header = new_header(os.urandom)
    assert commitment(DEK, AD, header) != commitment(DEK, AD[1:], header)
    assert commitment(DEK, AD, header).value != SegmentCipher(DEK, AD, header, Layout(1))._prefix


def test_layout_has_limits() -> None:
    assert Layout(0).segments == 1
    assert Layout(0).sealed == HEADER + TAG
    with pytest.raises(InputError, match=r"2\^32"):
        Layout((1 << 32) * SEGMENT)
    with pytest.raises(InputError):
        Layout(1, HEADER + TAG)
    with pytest.raises(InputError, match="data key"):
        SegmentCipher(bytes(16), AD, bytes(HEADER), Layout(1))
    with pytest.raises(SealError, match="header"):
        check_header(bytes(40), "m")


@given(st.integers(0, 10_000), st.integers(57, 600))
def test_layout_covers_the_file_once(size: int, segment: int) -> None:
    layout = Layout(size, segment)
    plain = cipher = 0
    for index in range(layout.segments):
        start, length = layout.plain(index)
        at, sealed = layout.cipher(index)
        assert start == plain
        assert at == (HEADER if index == 0 else index * segment)
        assert sealed == length + TAG
        assert length > 0 or size == 0
        plain, cipher = plain + length, at + sealed
    assert (plain, cipher) == (size, layout.sealed)
