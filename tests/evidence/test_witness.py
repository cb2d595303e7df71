"""The witness: every status code of C2SP tlog-witness, forks, and what survives a restart."""

import threading

import pytest

from mythos.errors import MalformedError
from mythos.evidence.merkle import Tree, leaf_hash
from mythos.evidence.note import Checkpoint, Note, Signature, SigningKey, cosign
from mythos.evidence.witness import AddCheckpoint, Witness

from . import samples

KEY = samples.WITNESSES[0]
LEAVES = [leaf_hash(str(i).encode()) for i in range(40)]
FORK = [leaf_hash(b"fork"), *LEAVES[1:]]


@pytest.fixture
def witness(tmp_path):
    made = Witness(tmp_path / "witness.db", KEY, {samples.ORIGIN: [samples.LOG.verify_key]})
    yield made
    made.close()


def _body(old, size, leaves=LEAVES, *, key=samples.LOG, origin=samples.ORIGIN, proof=None):
    tree = Tree(leaves)
    note = Checkpoint(origin, size, tree.root(size)).sign(key)
    hashes = proof if proof is not None else tree.consistency(old, size) if 0 < old < size else []
    return AddCheckpoint(old, tuple(hashes), note).to_bytes()


def _ask(witness, *args, seconds=1_700_000_000, **options):
    return witness.add_checkpoint(_body(*args, **options), seconds=seconds)


def test_a_log_that_grows_is_cosigned(witness):
    for old, size in ((0, 3), (3, 3), (3, 17), (17, 40)):
        reply = _ask(witness, old, size, seconds=1_700_000_000 + size)
        assert (reply.status, reply.content_type) == (200, "text/plain")
        line = Signature.parse(reply.body.decode().removesuffix("\n"))
        note = Note.parse(_body(old, size).partition(b"\n\n")[2])
        assert line.holds(KEY.verify_key, note.text)
        assert line.time == 1_700_000_000 + size
    seen = witness.seen(samples.ORIGIN)
    assert Checkpoint.parse(seen.text).size == 40
    assert len(seen.verified([samples.LOG.verify_key, KEY.verify_key])) == 2


def test_another_size_is_told_with_409(witness):
    _ask(witness, 0, 17)
    for old, size in ((0, 20), (3, 20), (0, 3), (3, 17)):
        reply = _ask(witness, old, size)
        assert (reply.status, reply.content_type, reply.body) == (409, "text/x.tlog.size", b"17\n")


def test_a_rollback_is_refused(witness):
    _ask(witness, 0, 17)
    assert _ask(witness, 3, 5).status == 409
    assert _ask(witness, 17, 5).status == 400


def test_a_fork_of_equal_size_is_refused(witness):
    _ask(witness, 0, 17)
    reply = _ask(witness, 17, 17, FORK)
    assert (reply.status, reply.content_type) == (409, "text/plain")
    assert b"fork of equal size" in reply.body
    assert Checkpoint.parse(witness.seen(samples.ORIGIN).text).root == Tree(LEAVES).root(17)


@pytest.mark.parametrize("proof", [None, [], [b"\1" * 32] * 5])
def test_a_fork_that_grew_is_refused_with_422(witness, proof):
    _ask(witness, 0, 17)
    assert _ask(witness, 17, 40, FORK, proof=proof).status == 422
    assert _ask(witness, 17, 40).status == 200


@pytest.mark.parametrize("old", [0, 3])
def test_a_proof_where_none_belongs_is_refused(witness, old):
    if old:
        _ask(witness, 0, old)
    assert _ask(witness, old, 3, proof=[b"\1" * 32]).status == 422


def test_strangers_are_refused(witness):
    assert _ask(witness, 0, 3, origin="another.example").status == 404
    assert _ask(witness, 0, 3, key=samples.key("stranger")).status == 403
    imposter = SigningKey(samples.ORIGIN, b"\7" * 32)
    assert _ask(witness, 0, 3, key=imposter).status == 403
    body = _body(0, 3)
    at = body.rindex(b"=") - 3
    assert witness.add_checkpoint(body[:at] + b"A" + body[at + 1 :], seconds=1).status in {400, 403}
    assert witness.seen(samples.ORIGIN) is None


@pytest.mark.parametrize(
    "body",
    [
        b"", b"old 0\n", b"old 0\n\n", b"old 00\n\n" + _body(0, 3)[7:], b"old -1\n\n" + _body(0, 3)[7:],
        b"new 0\n\n" + _body(0, 3)[7:], b"old 0\nxx\n\n" + _body(0, 3)[7:], _body(0, 3)[:-1], _body(0, 3) + b"x",
        b"old 0\n" + b"PlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=\n" * 64 + b"\n" + _body(0, 3)[7:],
        b"\xff" + _body(0, 3), b"x" * 200_000, _body(9, 3),
    ],
)  # fmt: skip
def test_a_malformed_request_is_refused_with_400(witness, body):
    assert witness.add_checkpoint(body, seconds=1).status == 400


def test_the_specifications_request_is_read():
    text = (
        "old 20852014\nPlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=\njrJZDmY8Y7SyJE0MWLpLozkIVMSMZcD5kvuKxPC3swk=\n\n"
        "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n"
        "\u2014 example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n"
    ).encode()
    request = AddCheckpoint.parse(text)
    assert (request.old, len(request.proof)) == (20852014, 2)
    assert request.to_bytes() == text


def test_a_clock_that_went_backwards_cosigns_nothing(witness):
    assert _ask(witness, 0, 3, seconds=2_000).status == 200
    reply = _ask(witness, 3, 17, seconds=1_999)
    assert reply.status == 503
    assert b"clock went backwards" in reply.body
    assert _ask(witness, 3, 17, seconds=2_000).status == 200


def test_no_cosignature_is_shown_before_it_is_durable(witness, monkeypatch):
    _ask(witness, 0, 3)
    shown, asking = [], []

    def cosigning(*arguments):
        asking.append(threading.Thread(target=lambda: shown.append(witness.seen(samples.ORIGIN))))
        asking[0].start()
        line = cosign(*arguments)
        witness._db.execute("UPDATE heads SET note = 'not durable'")
        asking[0].join(0.1)
        return line

    monkeypatch.setattr("mythos.evidence.witness.cosign", cosigning)
    assert _ask(witness, 3, 17).status == 200
    asking[0].join(5)
    assert [Checkpoint.parse(note.text).size for note in shown] == [17]


def test_a_witness_remembers_across_a_restart(tmp_path):
    for old, status in ((0, 200), (0, 409), (17, 200)):
        witness = Witness(tmp_path / "w.db", KEY, {samples.ORIGIN: [samples.LOG.verify_key]})
        assert _ask(witness, old, 17).status == status
        witness.close()


def test_of_two_forks_at_once_only_one_is_cosigned(witness):
    _ask(witness, 0, 3)
    replies, barrier = [], threading.Barrier(8)

    def ask(leaves):
        barrier.wait()
        replies.append(_ask(witness, 3, 20, leaves).status)

    other = [*LEAVES[:5], leaf_hash(b"fork"), *LEAVES[6:]]
    threads = [threading.Thread(target=ask, args=(leaves,)) for leaves in (LEAVES, other) * 4]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(replies) == [200] + [409] * 7


def test_two_heads_of_the_same_witness_never_contradict(witness):
    # The oracle of all of the above: whatever was asked, cosigned heads form one chain.
    cosigned = []
    for leaves in (LEAVES, FORK):
        for old, size in ((0, 1), (0, 5), (1, 5), (5, 9), (5, 5), (9, 30), (30, 30)):
            if _ask(witness, old, size, leaves).status == 200:
                cosigned.append((size, Tree(leaves).root(size)))
    assert cosigned == [(size, Tree(LEAVES).root(size)) for size in (1, 5, 9, 30, 30)]


def test_a_body_of_other_bytes_is_malformed_and_never_an_exception():
    with pytest.raises(MalformedError):
        AddCheckpoint.parse(b"\xff\n\n")
