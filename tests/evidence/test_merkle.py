"""The hash tree: official vectors, and the recursive definition of RFC 6962 as the slow truth."""

import base64
import json
from hashlib import sha256
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mythos.errors import EvidenceError, InconsistentError, InputError, MalformedError, NotIncludedError
from mythos.evidence import merkle
from mythos.evidence.merkle import Frontier, Tree, leaf_hash, tile_path, verify_consistency, verify_inclusion


def slow_root(leaves):
    """MTH of RFC 6962 section 2.1, word for word."""
    if not leaves:
        return sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    return sha256(b"\x01" + slow_root(leaves[:k]) + slow_root(leaves[k:])).digest()


def leaves(count):
    return [leaf_hash(str(i).encode()) for i in range(count)]


def _decoded(text):
    return base64.b64decode(text or "")


def test_every_official_vector(shared):
    files = sorted((shared / "vectors" / "merkle" / "testdata").rglob("*.json"))
    assert len(files) == 196
    for file in files:
        case = json.loads(file.read_text())
        proof = [_decoded(h) for h in case["proof"] or []]
        try:
            if "leafIdx" in case:
                leaf, root = _decoded(case["leafHash"]), _decoded(case["root"])
                verify_inclusion(leaf, case["leafIdx"], case["treeSize"], proof, root)
            else:
                roots = _decoded(case["root1"]), _decoded(case["root2"])
                verify_consistency(case["size1"], case["size2"], proof, *roots)
            holds = True
        except EvidenceError:
            holds = False
        assert holds != case["wantErr"], f"{file.name}: {case['desc']}"


@pytest.mark.parametrize("size", [0, 1, 2, 3, 7, 8, 9, 255, 256, 257])
def test_three_ways_to_the_root_agree_with_the_definition(size):
    hashes = leaves(size)
    frontier = Frontier()
    for leaf in hashes:
        frontier.append(leaf)
    expected = slow_root(hashes)
    assert merkle.root(hashes) == Tree(hashes).root() == frontier.root() == expected
    assert Frontier.unpack(size, frontier.pack()).root() == expected


@given(st.integers(1, 200), st.data())
def test_every_proof_holds_and_only_where_it_belongs(size, data):
    hashes = leaves(size)
    tree = Tree(hashes)
    index = data.draw(st.integers(0, size - 1))
    older = data.draw(st.integers(1, size))
    inclusion, consistency = tree.inclusion(index, size), tree.consistency(older, size)
    root, root_before = tree.root(size), tree.root(older)
    verify_inclusion(hashes[index], index, size, inclusion, root)
    verify_consistency(older, size, consistency, root_before, root)
    if size > 1:
        other = (index + 1) % size
        with pytest.raises(NotIncludedError):
            verify_inclusion(hashes[index], other, size, inclusion, root)
    with pytest.raises(NotIncludedError):
        verify_inclusion(hashes[index], index, size, [*inclusion, root], root)
    if older < size:
        with pytest.raises(InconsistentError):
            verify_consistency(older, size, consistency, root, root_before)
        with pytest.raises(InconsistentError):
            verify_consistency(older, size, [], root_before, root)


@given(st.integers(1, 120), st.data())
def test_a_flipped_bit_anywhere_in_a_proof_is_refused(size, data):
    tree = Tree(leaves(size))
    index = data.draw(st.integers(0, size - 1))
    proof = tree.inclusion(index, size)
    if proof:
        at = data.draw(st.integers(0, len(proof) - 1))
        bit = data.draw(st.integers(0, 255))
        flipped = bytearray(proof[at])
        flipped[bit // 8] ^= 1 << bit % 8
        proof[at] = bytes(flipped)
        with pytest.raises(NotIncludedError):
            verify_inclusion(tree.leaf(index), index, size, proof, tree.root(size))


def test_a_tree_that_grew_gives_the_proofs_of_one_made_at_once():
    hashes = leaves(600)
    grown = Tree()
    for start in range(0, 600, 37):
        grown.extend(hashes[start : start + 37])
    whole = Tree(hashes)
    for size in (1, 255, 256, 300, 600):
        assert grown.root(size) == whole.root(size) == slow_root(hashes[:size])
        assert grown.inclusion(size // 2, size) == whole.inclusion(size // 2, size)


def test_a_tree_that_is_asked_while_it_grows_never_answers_with_half_a_level(monkeypatch):
    """Requests for proofs come from other threads than the commit that extends the tree."""
    every, tree, hashed, told = leaves(40), Tree(), merkle.sha256, []

    def interrupted(data):
        monkeypatch.setattr(merkle, "sha256", hashed)
        if tree.size:
            told.append((tree.size, tree.root()))
        monkeypatch.setattr(merkle, "sha256", interrupted)
        return hashed(data)

    monkeypatch.setattr(merkle, "sha256", interrupted)
    for size in range(0, 40, 8):
        tree.extend(every[size : size + 8])
    monkeypatch.setattr(merkle, "sha256", hashed)
    assert {size for size, _ in told} >= {8, 16, 24, 32}
    assert told == [(size, merkle.root(every[:size])) for size, _ in told]
    assert all(tree.root(size) == merkle.root(every[:size]) for size in range(41))


def test_helpers_make_the_same_proofs_as_a_tree():
    hashes = leaves(11)
    assert merkle.inclusion_proof(hashes, 4) == Tree(hashes).inclusion(4, 11)
    assert merkle.consistency_proof(hashes, 4) == Tree(hashes).consistency(4, 11)


def test_equal_heads_are_consistent_and_forks_of_equal_size_are_not():
    root = merkle.root(leaves(4))
    verify_consistency(4, 4, [], root, root)
    with pytest.raises(InconsistentError, match="equal size differ"):
        verify_consistency(4, 4, [], root, merkle.root(leaves(3)))


def test_wrong_calls_are_named():
    tree = Tree(leaves(4))
    with pytest.raises(InputError, match="no such leaf"):
        tree.inclusion(4, 4)
    with pytest.raises(InputError, match="no such tree size"):
        tree.root(5)
    with pytest.raises(InputError, match="no such pair of sizes"):
        tree.consistency(0, 4)
    with pytest.raises(InputError, match="not a leaf hash"):
        Tree([b"short"])
    with pytest.raises(InputError, match="not the edge"):
        Frontier(3, [b"\0" * 32])
    with pytest.raises(InconsistentError, match="older and a newer"):
        verify_consistency(0, 4, [], merkle.EMPTY_ROOT, tree.root())


_HUGE = 10**5000
"""An index whose digits Python refuses to write out."""


@pytest.mark.parametrize("told", [-1, 7, "huge", "-huge", 3.0, "3", None, True])
def test_an_index_or_size_that_is_none_proves_nothing(told):
    tree = Tree(leaves(7))
    index: Any = {"huge": _HUGE, "-huge": -_HUGE}.get(told, told)
    for size in (7, index):
        with pytest.raises(NotIncludedError):
            verify_inclusion(tree.leaf(3), index, size, tree.inclusion(3, 7), tree.root())
        with pytest.raises(InconsistentError):
            verify_consistency(index, size, tree.consistency(3, 7), tree.root(3), tree.root())


_NO_PROOFS = [None, "proof", 3, [None], [3] * 3, ["h" * 32] * 3, [b"short"] * 3, [b"h" * 32] * 100_000, {}]


@pytest.mark.parametrize("proof", _NO_PROOFS)
def test_a_proof_that_is_none_proves_nothing(proof):
    tree = Tree(leaves(7))
    with pytest.raises(NotIncludedError):
        verify_inclusion(tree.leaf(3), 3, 7, proof, tree.root())
    with pytest.raises(InconsistentError):
        verify_consistency(3, 7, proof, tree.root(3), tree.root())


@pytest.mark.parametrize("wrong", [None, 3, "h" * 32, [], b""])
def test_a_hash_that_is_none_proves_nothing(wrong):
    tree = Tree(leaves(7))
    for leaf, top in ((wrong, tree.root()), (tree.leaf(3), wrong)):
        with pytest.raises(NotIncludedError):
            verify_inclusion(leaf, 3, 7, tree.inclusion(3, 7), top)
    for older, newer in ((wrong, tree.root()), (tree.root(3), wrong)):
        with pytest.raises(InconsistentError):
            verify_consistency(3, 7, tree.consistency(3, 7), older, newer)
        with pytest.raises(InconsistentError):
            verify_consistency(7, 7, [], older, newer)


@pytest.mark.parametrize(
    ("level", "index", "width", "path"),
    [
        (0, 0, 256, "tile/0/000"),
        (0, 1234067, 256, "tile/0/x001/x234/067"),  # the example of tlog-tiles
        (2, 0, 1, "tile/2/000.p/1"),
        (None, 273, 112, "tile/entries/273.p/112"),
    ],
)
def test_tile_paths(level, index, width, path):
    assert tile_path(level, index, width) == path


@given(st.lists(st.binary(max_size=300), max_size=20))
def test_bundles_come_back(entries):
    assert merkle.unpack(merkle.pack(entries)) == entries


@pytest.mark.parametrize("data", [b"\0", b"\0\x05abcd", b"\0\x01a\0"])
def test_a_bundle_that_is_cut_short_is_refused(data):
    with pytest.raises(MalformedError, match="cut short"):
        merkle.unpack(data)
