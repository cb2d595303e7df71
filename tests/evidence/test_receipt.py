"""Receipts: what the hub builds is what the verifier accepts, for every place in a batch."""

import pytest

from mythos.errors import InputError
from mythos.evidence.merkle import leaf_hash, verify_inclusion
from mythos.evidence.receipt import LABELS, batch, commit, leaf_bytes
from mythos.evidence.verify import verify

from . import samples


@pytest.mark.parametrize(("place", "count"), [(0, 1), (0, 2), (1, 2), (4, 5), (6, 7), (255, 256)])
def test_every_place_in_a_batch_verifies(place, count):
    made = samples.answered(place, count)
    report = verify(made.file, samples.POLICY, now=samples.NOW, answer=made.answer)
    assert report.problems == []


def test_a_batch_proves_each_of_its_leaves():
    leaves = [f"leaf {i}".encode() for i in range(9)]
    made = batch(leaves)
    for i, (leaf, path) in enumerate(zip(leaves, made.paths, strict=True)):
        verify_inclusion(leaf_hash(leaf), i, 9, list(path), made.root.value)


def test_a_leaf_commits_to_everything_a_receipt_promises():
    whole = {label: commit(b"\1" * 32, label, b"x") for label in LABELS}
    assert leaf_bytes("r", whole) == leaf_bytes("r", dict(reversed(whole.items())))
    for wrong in ({k: v for k, v in whole.items() if k != "lease"}, whole | {"mood": whole["lease"]}):
        with pytest.raises(InputError, match="commits to all of these"):
            leaf_bytes("r", wrong)
    with pytest.raises(InputError, match="32 bytes"):
        leaf_bytes("r", whole | {"lease": b"short"})


def test_a_batch_needs_a_receipt():
    with pytest.raises(InputError, match="without receipts"):
        batch([])


def test_equal_answers_of_two_receipts_do_not_show_that_they_are_equal():
    assert commit(b"\1" * 32, "answer", b"yes") != commit(b"\2" * 32, "answer", b"yes")
