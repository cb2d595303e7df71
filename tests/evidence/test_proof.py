"""C2SP tlog-proof files."""

import pytest

from mythos.errors import MalformedError, NotIncludedError
from mythos.evidence.merkle import Tree, leaf_hash
from mythos.evidence.proof import Proof

from . import samples

LIFE = samples.whole_life()
TREE = Tree(map(leaf_hash, LIFE))
PROOF = Proof(5, tuple(TREE.inclusion(5, TREE.size)), samples.head(LIFE))


@pytest.mark.parametrize("extra", [None, b"", b"a VRF proof"])
def test_a_proof_comes_back_byte_for_byte(extra):
    proof = Proof(PROOF.index, PROOF.hashes, PROOF.checkpoint, extra)
    assert Proof.parse(str(proof)) == Proof.parse(str(proof).encode()) == proof
    assert proof.verify(leaf_hash(LIFE[5])).size == len(LIFE)


def test_a_proof_of_the_only_entry_has_no_hashes():
    alone = Proof(0, (), samples.head(LIFE[:1]))
    assert Proof.parse(str(alone)).verify(leaf_hash(LIFE[0])).size == 1


def test_another_entry_is_not_proven():
    with pytest.raises(NotIncludedError):
        PROOF.verify(leaf_hash(LIFE[6]))


@pytest.mark.parametrize(
    "change",
    [
        lambda t: t.replace("@v1", "@v2"), lambda t: t.replace("index 5", "index 05"), lambda t: t.replace("index", "indexes"),
        lambda t: t.partition("\n")[2], lambda t: t.replace("\n\n", "\n", 1), lambda t: t.replace("index 5\n", "index 5\nxx\n"),
        lambda t: t.replace("index 5", "extra A\nindex 5"), lambda t: t[:-1],
    ],
)  # fmt: skip
def test_other_spellings_are_refused(change):
    with pytest.raises(MalformedError):
        Proof.parse(change(str(PROOF)))


def test_bytes_that_are_no_text_are_refused():
    with pytest.raises(MalformedError, match="UTF-8"):
        Proof.parse(b"\xff")
