"""The hash tree of RFC 6962 section 2.1 with SHA-256: roots, proofs and their verification.

Every function takes and returns 32-byte hashes. `Tree` keeps the hash of every complete subtree, so that a
proof costs a handful of look-ups; `Frontier` keeps only the right edge, which is enough to append.

    >>> leaves = [leaf_hash(b"a"), leaf_hash(b"b"), leaf_hash(b"c")]
    >>> tree = Tree(leaves)
    >>> verify_inclusion(leaves[2], 2, 3, tree.inclusion(2, 3), tree.root(3))
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from hashlib import sha256
from typing import Any, Final, cast

from mythos.errors import InconsistentError, InputError, MalformedError, NotIncludedError

EMPTY_ROOT: Final = sha256(b"").digest()
"""The root of a tree without leaves."""

SIZE: Final = 32

TILE: Final = 256
"""Hashes of a full tile, entries of a full bundle (C2SP tlog-tiles 0.1.0)."""


def leaf_hash(data: bytes) -> bytes:
    """The hash of an entry: SHA-256 over 0x00 and its bytes."""
    return sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of an inner node: SHA-256 over 0x01 and both children."""
    return sha256(b"\x01" + left + right).digest()


def root(leaf_hashes: Iterable[bytes]) -> bytes:
    """The root over leaf hashes in order; of none, `EMPTY_ROOT`."""
    level = list(leaf_hashes)
    if not level:
        return EMPTY_ROOT
    while len(level) > 1:
        pairs = zip(level[::2], level[1::2], strict=False)
        above = [sha256(b"\x01" + left + right).digest() for left, right in pairs]
        if len(level) % 2:
            above.append(level[-1])
        level = above
    return level[0]


class Frontier:
    """The right edge of a tree: one hash for every set bit of its size, largest subtree first.

    Appending is amortised constant; `pack` and `unpack` give it a durable form.
    """

    __slots__ = ("_edge", "size")

    def __init__(self, size: int = 0, edge: Sequence[bytes] = ()) -> None:
        if size < 0 or len(edge) != size.bit_count() or any(len(h) != SIZE for h in edge):
            raise InputError(
                "not the edge of a tree of this size",
                expected=f"{max(size, 0).bit_count()} hashes of 32 bytes",
                found=f"{len(edge)} hashes for size {size}",
            )
        self.size = size
        self._edge = list(edge)

    @classmethod
    def unpack(cls, size: int, packed: bytes) -> Frontier:
        """Read the edge from its concatenated hashes."""
        return cls(size, [packed[i : i + SIZE] for i in range(0, len(packed), SIZE)])

    def pack(self) -> bytes:
        """The edge as concatenated hashes, largest subtree first."""
        return b"".join(self._edge)

    def copy(self) -> Frontier:
        """An independent edge; appending to one leaves the other alone."""
        return Frontier(self.size, self._edge)

    def append(self, leaf: bytes) -> None:
        """Add one leaf hash."""
        carry, size = leaf, self.size
        edge = self._edge
        while size & 1:
            carry = sha256(b"\x01" + edge.pop() + carry).digest()
            size >>= 1
        edge.append(carry)
        self.size += 1

    def root(self) -> bytes:
        """The root of what was appended so far."""
        return _fold(self._edge)


class Tree:
    """Every complete subtree's hash, 64 bytes an entry: makes proofs for any size up to its own."""

    __slots__ = ("_levels", "_partial", "size")

    def __init__(self, leaf_hashes: Iterable[bytes] = ()) -> None:
        self._levels: list[bytearray] = [bytearray()]
        self._partial: dict[tuple[int, int], bytes] = {}
        self.size = 0
        self.extend(leaf_hashes)

    def extend(self, leaf_hashes: Iterable[bytes]) -> None:
        """Append leaf hashes; proofs for earlier sizes stay what they were."""
        levels = self._levels
        for leaf in leaf_hashes:
            if len(leaf) != SIZE:
                raise InputError("not a leaf hash", expected="32 bytes", found=f"{len(leaf)} bytes")
            levels[0] += leaf
        depth = 0
        while len(levels[depth]) >= 2 * SIZE:
            if depth + 1 == len(levels):
                levels.append(bytearray())
            below, above = levels[depth], levels[depth + 1]
            for start in range(2 * len(above), len(below) - 2 * SIZE + 1, 2 * SIZE):
                above += sha256(b"\x01" + below[start : start + 2 * SIZE]).digest()
            depth += 1
        # Last: other threads ask meanwhile, and a size is theirs to ask about once every level is whole.
        self.size = len(levels[0]) // SIZE

    def leaf(self, index: int) -> bytes:
        """The leaf hash at `index`."""
        return self._node(0, index)

    def subtree(self, level: int, start: int, end: int) -> bytes:
        """The hashes of the complete subtrees of 2**level leaves, `start` to `end` (exclusive), in a row."""
        return bytes(self._levels[level][start * SIZE : end * SIZE]) if level < len(self._levels) else b""

    def root(self, size: int | None = None) -> bytes:
        """The root of the first `size` leaves (default: all)."""
        size = self._checked(self.size if size is None else size)
        return self._range(0, size) if size else EMPTY_ROOT

    def inclusion(self, index: int, size: int) -> list[bytes]:
        """The audit path of leaf `index` in the tree of `size` leaves (RFC 6962 section 2.1.1)."""
        self._checked(size)
        if not 0 <= index < size:
            raise InputError("no such leaf", expected=f"an index below {size}", found=str(index))
        path: list[bytes] = []
        start, end = 0, size
        while end - start > 1:
            middle = start + _split(end - start)
            if index < middle:
                path.append(self._range(middle, end))
                end = middle
            else:
                path.append(self._range(start, middle))
                start = middle
        path.reverse()
        return path

    def consistency(self, size1: int, size2: int) -> list[bytes]:
        """The proof that the first `size1` of `size2` leaves are the older tree (RFC 6962 section 2.1.2)."""
        self._checked(size2)
        if not 0 < size1 <= size2:
            raise InputError("no such pair of sizes", expected=f"1 to {size2}", found=str(size1))
        proof: list[bytes] = []
        start, end, whole = 0, size2, True
        while size1 != end:
            middle = start + _split(end - start)
            if size1 <= middle:
                proof.append(self._range(middle, end))
                end = middle
            else:
                proof.append(self._range(start, middle))
                start, whole = middle, False
        if not whole:
            proof.append(self._range(start, end))
        proof.reverse()
        return proof

    def _checked(self, size: int) -> int:
        if not 0 <= size <= self.size:
            raise InputError("no such tree size", expected=f"at most {self.size}", found=str(size))
        return size

    def _node(self, level: int, index: int) -> bytes:
        return bytes(self._levels[level][index * SIZE : (index + 1) * SIZE])

    def _range(self, start: int, end: int) -> bytes:
        """The hash of leaves `start` to `end`, where `start` is aligned to the range's largest subtree."""
        width = end - start
        if width & (width - 1) == 0:
            level = width.bit_length() - 1
            return self._node(level, start >> level)
        known = self._partial.get((start, end))
        if known is None:
            middle = start + _split(width)
            known = node_hash(self._range(start, middle), self._range(middle, end))
            if len(self._partial) > 4096:
                self._partial.clear()
            self._partial[start, end] = known
        return known


def inclusion_proof(leaf_hashes: Sequence[bytes], index: int, size: int | None = None) -> list[bytes]:
    """The audit path for one leaf; for many proofs over the same leaves keep a `Tree`."""
    return Tree(leaf_hashes).inclusion(index, len(leaf_hashes) if size is None else size)


def consistency_proof(leaf_hashes: Sequence[bytes], size1: int, size2: int | None = None) -> list[bytes]:
    """The consistency proof between two sizes; for many over the same leaves keep a `Tree`."""
    return Tree(leaf_hashes).consistency(size1, len(leaf_hashes) if size2 is None else size2)


def verify_inclusion(leaf_hash: bytes, index: int, size: int, proof: list[bytes], root: bytes) -> None:
    """Check that the leaf stands at `index` of the tree with this size and root (RFC 9162 section 2.1.3.2).

    Raises:
        NotIncludedError: the proof does not hold, is too long or too short, a hash is not 32 bytes, or
            something is of another type.
    """
    if not (_counts(index, size) and index < size):
        raise NotIncludedError("no such leaf", expected="an index below the size", found=_told(index, size))
    if not _hashes(proof) or not _hashes([leaf_hash]):
        raise NotIncludedError("a hash of the proof is not SHA-256", expected="32 bytes each")
    inner = (index ^ (size - 1)).bit_length()
    border = (index >> inner).bit_count()
    if len(proof) != inner + border:
        raise NotIncludedError(
            "the inclusion proof has the wrong length",
            expected=f"{inner + border} hashes",
            found=f"{len(proof)}",
        )
    computed = leaf_hash
    for position, sibling in enumerate(proof):
        on_right = position < inner and not index >> position & 1
        left, right = (computed, sibling) if on_right else (sibling, computed)
        computed = sha256(b"\x01" + left + right).digest()
    if computed != root:
        raise NotIncludedError(
            "the inclusion proof leads to another root", expected=_told(root), found=computed.hex()
        )


def verify_consistency(size1: int, size2: int, proof: list[bytes], root1: bytes, root2: bytes) -> None:
    """Check that the tree of `size2` only appends to the tree of `size1` (RFC 9162 section 2.1.4.2).

    Raises:
        InconsistentError: the proof does not hold, starts from an empty tree (which proves nothing), or
            something is of another type.
    """
    if not _hashes(proof):
        raise InconsistentError("a hash of the proof is not SHA-256", expected="32 bytes each")
    if not (_counts(size1, size2) and 0 < size1 <= size2):
        raise InconsistentError(
            "not an older and a newer size", expected="1 to the newer", found=_told(size1, size2)
        )
    if not _octets(root1) or not _octets(root2):
        raise InconsistentError("a root is no hash", expected="32 bytes", found=_told(root1, root2))
    if size1 == size2:
        if proof or root1 != root2:
            raise InconsistentError("two heads of equal size differ", expected=root1.hex(), found=root2.hex())
        return
    shift = (size1 & -size1).bit_length() - 1
    inner = (size1 - 1 ^ size2 - 1).bit_length() - shift
    border = (size1 - 1 >> inner + shift).bit_count()
    hashes = proof if size1 != 1 << shift else [root1, *proof]
    if len(hashes) != 1 + inner + border:
        raise InconsistentError("the consistency proof has the wrong length", found=f"{len(proof)} hashes")
    older = newer = hashes[0]
    for position, sibling in enumerate(hashes[1:]):
        if position >= inner or size1 - 1 >> shift + position & 1:
            older = node_hash(sibling, older)
            newer = node_hash(sibling, newer)
        else:
            newer = node_hash(newer, sibling)
    if older != root1:
        raise InconsistentError("the older head is not in the log", expected=root1.hex(), found=older.hex())
    if newer != root2:
        raise InconsistentError("the newer head does not follow", expected=root2.hex(), found=newer.hex())


def tile_path(level: int | None, index: int, width: int = TILE) -> str:
    """Where tlog-tiles keeps a tile (level `None`: an entry bundle), such as `tile/0/x001/234.p/5`."""
    digits = f"{index % 1000:03d}"
    while index := index // 1000:
        digits = f"x{index % 1000:03d}/{digits}"
    partial = "" if width == TILE else f".p/{width}"
    return f"tile/{'entries' if level is None else level}/{digits}{partial}"


def pack(entries: Sequence[bytes]) -> bytes:
    """An entry bundle of tlog-tiles: each entry with its length in 16 bits before it."""
    return b"".join(len(entry).to_bytes(2, "big") + entry for entry in entries)


def unpack(data: bytes) -> list[bytes]:
    """The entries of a bundle.

    Raises:
        MalformedError: the last one is cut short.
    """
    entries: list[bytes] = []
    at = 0
    while at < len(data):
        start = at + 2
        at = start + int.from_bytes(data[at:start], "big")
        entries.append(data[start:at])
    if at != len(data):
        raise MalformedError("an entry bundle is cut short", found=f"{len(data)} bytes")
    return entries


def _counts(*values: Any) -> bool:
    """Whether these are whole numbers that a log's size can be (an unsigned 64-bit number)."""
    return all(isinstance(value, int) and 0 <= value < 1 << 64 for value in values)


def _octets(value: Any) -> bool:
    return isinstance(value, bytes | bytearray) and len(value) > 0


def _hashes(values: Any) -> bool:
    """Whether this is a list of SHA-256 hashes."""
    return isinstance(values, list | tuple) and all(
        isinstance(value, bytes | bytearray) and len(value) == SIZE for value in cast("list[Any]", values)
    )


def _told(*values: Any) -> str:
    """Values of any type as a short text for an error; Python refuses to write huge numbers as decimals."""

    def one(value: Any) -> str:
        if isinstance(value, bytes | bytearray):
            return value.hex()
        return f"{value:#x}" if isinstance(value, int) and abs(value) >> 64 else repr(value)

    return ", ".join(map(one, values))[:80]


def _split(width: int) -> int:
    """The largest power of two below `width`."""
    return 1 << (width - 1).bit_length() - 1


def _fold(edge: Sequence[bytes]) -> bytes:
    if not edge:
        return EMPTY_ROOT
    computed = edge[-1]
    for left in reversed(edge[:-1]):
        computed = node_hash(left, computed)
    return computed
