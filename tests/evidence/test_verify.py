"""The verifier: what is whole verifies, and every byte that is not what it was is refused with its code."""

import dataclasses
import json
import random
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mythos.errors import InputError
from mythos.evidence import predicates as acts
from mythos.evidence.merkle import Tree, leaf_hash, tile_path
from mythos.evidence.note import Checkpoint, SigningKey, cosign, encode64
from mythos.evidence.policy import Policy
from mythos.evidence.statement import Envelope, Statement, canonical, commit
from mythos.evidence.tiles import Projection
from mythos.evidence.verify import check_path, main, verify
from mythos.units import Digest

from . import golden, samples


def _verify(data: bytes, policy: Policy | None = samples.POLICY, *, answer: bytes | None = None):
    return verify(data, policy, now=samples.NOW, answer=answer)


def _codes(data: bytes, policy: Policy | None = samples.POLICY, *, answer: bytes | None = None):
    report = _verify(data, policy, answer=answer)
    assert not report.verified
    return {problem.code for problem in report.problems}


LIFE = samples.whole_life()
SMALL = samples.small_dossier()


def test_a_whole_life_verifies():
    report = _verify(samples.dossier(LIFE))
    assert report.to_dict() == {
        "verified": True,
        "kind": "dossier",
        "size": len(LIFE),
        "root": Tree(map(leaf_hash, LIFE)).root().hex(),
        "witnesses": ["host-witness", "regulator-witness"],
        "acts": len(LIFE),
        "problems": [],
    }
    assert [entry.index for entry in report.entries] == list(range(len(LIFE)))
    assert report.trust is not None


@pytest.mark.parametrize("file", ["dossier.v1.json", "receipt.v1.json"])
def test_the_golden_files_of_every_release_verify(file):
    data = (golden.GOLDEN / file).read_bytes()
    policy = Policy.parse((golden.GOLDEN / "trust.policy").read_bytes())
    assert _verify(data, policy).verified
    assert data == golden.golden_files()[file]


def test_without_a_policy_nothing_is_believed():
    report = _verify(SMALL, None)
    assert [(p.code, p.where) for p in report.problems] == [("no_trust", "dossier")]
    assert not report.verified
    assert report.size == 3  # shown, not believed
    assert _codes(samples.answered().file, None) == {"no_trust"}
    assert _codes(SMALL, Policy.parse(f"log {samples.LOG.verify_key}\nquorum none\n")) == {"no_trust"}


def test_every_single_byte_mutation_of_a_small_dossier_is_refused():
    assert _verify(SMALL).verified
    chance = random.Random(7)
    for at in range(len(SMALL)):
        for flip in {1, 1 << chance.randrange(8)}:
            mutated = SMALL[:at] + bytes([SMALL[at] ^ flip]) + SMALL[at + 1 :]
            assert not _verify(mutated).verified, f"byte {at} flipped by {flip:#x} was not noticed"


@pytest.mark.parametrize("stride", [0, 1])
def test_every_byte_taken_out_or_put_in_is_refused(stride):
    for at in range(stride, len(SMALL), 2):
        assert not _verify(SMALL[:at] + SMALL[at + 1 :]).verified
        assert not _verify(SMALL[:at] + SMALL[at : at + 1] + SMALL[at:]).verified


def test_every_single_byte_mutation_of_an_opened_receipt_is_refused():
    receipt = samples.answered()
    data, answer = receipt.file, receipt.answer
    assert _verify(data, answer=answer).verified
    for at in range(len(data)):
        mutated = data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]
        assert not _verify(mutated, answer=answer).verified, f"byte {at} was not noticed"


def test_a_receipt_is_for_one_answer_only():
    receipt = samples.answered()
    report = _verify(receipt.file, answer=receipt.answer)
    assert (report.verified, report.kind, report.acts, report.size) == (True, "receipt", 2, 3)
    assert _verify(receipt.file).verified  # without an answer it proves the commitments alone
    for other in (b"", receipt.answer + b" ", receipt.answer[:-1]):
        assert _codes(receipt.file, answer=other) == {"not_included"}
    assert _codes(SMALL, answer=b"x") == {"input"}


def _changed(data, change):
    document = json.loads(data)
    change(document)
    return canonical(document)


def _of(**changes):
    return lambda document: document.update(changes)


RECEIPT = samples.answered()


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (_of(id="another"), "malformed"),
        (_of(formatVersion=2), "malformed"),
        (_of(formatVersion=True), "malformed"),
        (_of(kind="letter"), "malformed"),
        (_of(trust=[]), "not_trusted"),
        (_of(more=1), "malformed"),
        (lambda d: d["path"].update(index=0), "not_included"),
        (lambda d: d["path"].update(count=6), "not_included"),
        (lambda d: d["path"].update(hashes=[]), "not_included"),
        (lambda d: d["batch"].update(index=2), "not_included"),
        (lambda d: d.update(batch=d["trust"][0]), "malformed"),
        (lambda d: d["leaf"]["commitments"].pop("hub"), "not_included"),
        (lambda d: d["openings"].update(nothing={"data": None, "salt": ""}), "malformed"),
        (lambda d: d["openings"]["hub"].update(data=encode64(b"another hub")), "not_included"),
        (lambda d: d["openings"]["hub"].update(salt="AAAA"), "input"),
    ],
)
def test_a_receipt_that_was_put_together_wrongly_is_refused(change, code):
    assert code in _codes(_changed(RECEIPT.file, change))


def test_a_batch_by_a_key_that_may_not_sign_one_is_refused():
    def swap(document):
        entries = [
            RECEIPT.entries[0],
            samples.signed(samples.SAMPLES["receipt-batch"], samples.KEYS["owner"]),
        ]
        tree = Tree(map(leaf_hash, entries))
        document["checkpoint"] = str(samples.head(entries))
        for place, entry in zip((document["trust"][0], document["batch"]), entries, strict=True):
            index = entries.index(entry)
            place.update(
                entry=encode64(entry), index=index, proof=[encode64(h) for h in tree.inclusion(index, 2)]
            )

    assert "not_trusted" in _codes(_changed(RECEIPT.file, swap))


def test_an_opening_of_other_weights_than_the_batchs_is_refused():
    other = str(Digest.of(b"other")).encode()
    document = json.loads(RECEIPT.file)
    leaf = document["leaf"]
    leaf["commitments"]["weights"] = str(Digest(commit(samples.salt("weights"), "weights", other)))
    root = Digest(Tree([leaf_hash(canonical(leaf))]).root())
    batch = samples.signed(acts.ReceiptBatch("hub", 0, root, 1, samples.WHEN, samples.LATER))
    entries = [RECEIPT.entries[0], batch]
    tree = Tree(map(leaf_hash, entries))
    document["checkpoint"] = str(samples.head(entries))
    for place, index in ((document["trust"][0], 0), (document["batch"], 1)):
        place.update(
            entry=encode64(entries[index]), index=index, proof=[encode64(h) for h in tree.inclusion(index, 2)]
        )
    document["path"] = {"count": 1, "hashes": [], "index": 0}
    document["openings"]["weights"]["data"] = encode64(other)
    report = _verify(canonical(document))
    assert [(p.code, p.where) for p in report.problems] == [("not_included", "opening weights")]


def test_a_log_that_is_not_whole_is_refused():
    head = str(samples.head(LIFE))
    short = samples.dossier(LIFE[:-1], checkpoint=head)
    gap = samples.dossier(LIFE[:5] + LIFE[6:], checkpoint=head)
    moved = samples.dossier([LIFE[0], LIFE[2], LIFE[1], *LIFE[3:]], checkpoint=head)
    assert _codes(short) == _codes(gap) == {"inconsistent"}
    assert _codes(moved) == {"not_included"}


def test_a_forked_log_is_refused_whoever_signed_it():
    forked = [*LIFE[:-1], samples.signed(samples.SAMPLES["revocation"])]
    data = samples.dossier(forked, checkpoint=str(samples.head(LIFE)))
    assert _codes(data) == {"not_included"}
    unwitnessed = samples.dossier(forked, checkpoint=str(samples.head(forked, witnesses=[])))
    assert _codes(unwitnessed) == {"quorum"}


def test_a_quorum_is_the_readers_and_not_the_logs():
    one = samples.dossier(LIFE, checkpoint=str(samples.head(LIFE, witnesses=samples.WITNESSES[:1])))
    assert _codes(one) == {"quorum"}
    any_of = Policy.parse(samples.POLICY_TEXT.replace("group witnesses all", "group witnesses any"))
    assert _verify(one, any_of).verified
    report = _verify(samples.dossier(LIFE), any_of)
    assert report.witnesses == ["host-witness", "regulator-witness"]


def test_a_log_that_the_policy_does_not_name_is_refused():
    other = samples.POLICY_TEXT.replace(str(samples.LOG.verify_key), str(samples.key("other").verify_key))
    assert _codes(SMALL, Policy.parse(other)) == {"not_trusted"}


def test_every_line_of_the_checkpoint_must_be_a_named_keys_and_hold():
    note = samples.head(LIFE)
    stranger = SigningKey.generate("stranger", cosigner=True)
    added = note.with_signatures([cosign(stranger, note.text, samples.NOW)])
    assert _codes(samples.dossier(LIFE, checkpoint=str(added))) == {"not_trusted"}
    twice = str(note) + f"{note.signatures[1]}\n"
    assert _codes(samples.dossier(LIFE, checkpoint=twice)) == {"not_trusted"}
    other = dataclasses.replace(
        note, signatures=(note.signatures[0], note.signatures[1], cosign(samples.WITNESSES[1], "x\n", 1))
    )
    assert _codes(samples.dossier(LIFE, checkpoint=str(other))) == {"bad_signature"}
    nobody = dataclasses.replace(note, signatures=note.signatures[1:])
    assert _codes(samples.dossier(LIFE, checkpoint=str(nobody))) == {"bad_signature"}


@pytest.mark.parametrize(("ahead", "codes"), [(300, set()), (301, {"clock"}), (1 << 40, {"clock"})])
def test_a_checkpoint_from_the_future_is_refused(ahead, codes):
    note = samples.head(LIFE, seconds=samples.NOW + ahead)
    report = _verify(samples.dossier(LIFE, checkpoint=str(note)))
    assert {problem.code for problem in report.problems} == codes


def test_a_checkpoint_of_a_future_size_is_refused():
    note = Checkpoint(samples.ORIGIN, 10**9, b"\1" * 32).sign(samples.LOG)
    note = note.with_signatures([cosign(w, note.text, samples.NOW) for w in samples.WITNESSES])
    assert _codes(samples.dossier(LIFE, checkpoint=str(note))) == {"inconsistent"}


def test_an_unknown_predicate_version_is_kept_and_shown_and_not_trusted():
    newer = Statement((samples.MODEL,), "https://mythos.example/seal/v2", {"new": "field"})
    entries = [*LIFE, Envelope.sign(newer, samples.KEYS["owner"]).to_bytes()]
    report = _verify(samples.dossier(entries))
    assert report.verified
    assert report.acts == len(LIFE)
    assert (report.entries[-1].trusted, report.entries[-1].act) == (False, None)


def _dsse(**changes):
    return canonical(json.loads(LIFE[1]) | changes)


@pytest.mark.parametrize(
    ("entry", "code"),
    [
        (samples.signed(samples.SAMPLES["seal"], samples.KEYS["host"]), "not_trusted"),
        (samples.signed(samples.SAMPLES["seal"], samples.key("stranger")), "not_trusted"),
        (_dsse(payloadType="application/json"), "malformed"),
        (_dsse(payload=encode64(Envelope.parse(LIFE[2]).payload)), "bad_signature"),
        (LIFE[1].replace(b'","payloadType"', b'", "payloadType"'), "malformed"),
        (LIFE[1].replace(b'{"payload"', b'{"payload":"","payload"'), "malformed"),
        (b"x" * 65_536, "quota"),
        (b"\xff", "malformed"),
    ],
)
def test_an_entry_that_should_not_be_in_a_log_is_named_by_its_index(entry, code):
    entries = [LIFE[0], LIFE[1], entry]
    report = _verify(samples.dossier(entries))
    assert [(p.code, p.where) for p in report.problems] == [(code, "entry 2")]


def test_only_so_many_problems_are_told_and_that_of_the_head_is_one_of_them():
    entries = [LIFE[0], *(f"junk {i}".encode() for i in range(100))]
    report = _verify(samples.dossier(entries, checkpoint=str(samples.head(entries, witnesses=[]))))
    told = report.to_dict()["problems"]
    assert len(told) == 20
    assert ("quorum", "checkpoint") in {(p["code"], p["where"]) for p in told}
    assert len(report.problems) > 100


@pytest.mark.parametrize("kind", ["\x1b[2Kverified", "log", "", None, 1])
def test_a_file_does_not_say_itself_what_kind_of_report_it_gets(kind):
    report = _verify(canonical({"formatVersion": 1, "kind": kind}))
    assert (report.kind, [p.code for p in report.problems]) == ("dossier", ["malformed"])


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({"weights": str(Digest.of(b"others"))}, "weights"),
        ({"weights": str(Digest.of(b"card"))}, "weights"),  # named, but nothing is about it
        ({"weights": 7}, "weights"),
        ({"documents": {str(Digest.of(b"unknown")): encode64(b"unknown")}}, None),
        ({"documents": {str(Digest.of(samples.DOCUMENT)): encode64(b"another")}}, None),
        ({"documents": {str(Digest.of(samples.DOCUMENT)): None}}, None),
        (
            {
                "openings": [
                    {
                        "commitment": str(Digest.of(b"x")),
                        "data": "",
                        "label": "a",
                        "salt": encode64(b"1" * 32),
                    }
                ]
            },
            "opening 0",
        ),
        ({"openings": [{}]}, "opening 0"),
        ({"openings": {}}, "dossier"),
    ],
)
def test_what_travels_along_must_be_named_by_a_statement(changes, where):
    report = _verify(samples.dossier(LIFE, **changes))
    assert not report.verified
    assert where is None or [p.where for p in report.problems] == [where]


@pytest.fixture
def directory(tmp_path):
    """A log of 300 entries as static files."""
    owner = samples.KEYS["owner"]
    more = [
        samples.signed(acts.Evaluation("suite", (acts.Result("a", str(i), "1", 1),), samples.WHEN), owner)
        for i in range(300 - len(LIFE))
    ]
    entries = LIFE + more
    tree = Tree(map(leaf_hash, entries))
    projection = Projection(tmp_path)
    for old, new in ((0, 280), (280, 300)):
        projection.publish(tree, lambda a, b: entries[a:b], old, new, str(samples.head(entries[:new])))
    return tmp_path, entries, projection


@pytest.fixture
def policy_file(tmp_path_factory):
    path = tmp_path_factory.mktemp("policy") / "trust.policy"
    path.write_text(samples.POLICY_TEXT)
    return path


def test_a_log_directory_verifies(directory, policy_file):
    folder, entries, _ = directory
    report = check_path(folder, policy_file, None, now=samples.NOW)
    assert report.verified
    assert (report.kind, report.size, report.acts) == ("log", 300, len(entries))
    assert [p.code for p in check_path(folder, None, None, now=samples.NOW).problems] == ["no_trust"]


def test_the_last_witnessed_checkpoint_counts_while_a_newer_one_waits(directory, policy_file):
    folder, entries, projection = directory
    projection.replace("witnessed", str(samples.head(entries[:280])))
    projection.replace("checkpoint", str(samples.head(entries, witnesses=[])))
    report = check_path(folder, policy_file, None, now=samples.NOW)
    assert (report.verified, report.size) == (True, 280)


def _longer(path, more):
    path.write_bytes(path.read_bytes() + more)


@pytest.mark.parametrize(
    ("spoil", "code"),
    [
        (lambda f: (f / tile_path(None, 0)).unlink(), "inconsistent"),
        (lambda f: (f / tile_path(0, 0)).unlink(), "inconsistent"),
        (lambda f: (f / tile_path(0, 1, 44)).write_bytes(b"\1" * 44 * 32), "inconsistent"),
        (
            lambda f: (f / tile_path(None, 1, 44)).write_bytes(
                (f / tile_path(None, 1, 44)).read_bytes()[:-1]
            ),
            "malformed",
        ),
        (lambda f: (f / tile_path(None, 1, 44)).write_bytes(b""), "inconsistent"),
        (lambda f: _longer(f / tile_path(None, 1, 44), b"\0\0"), "inconsistent"),
        (lambda f: _longer(f / tile_path(None, 0), b"\0\0"), "inconsistent"),
        (lambda f: _longer(f / tile_path(0, 1, 44), bytes(32)), "inconsistent"),
        (lambda f: _longer(f / tile_path(0, 0), bytes(1)), "inconsistent"),
        (lambda f: (f / "checkpoint").unlink(), "unreadable"),
        (lambda f: (f / "checkpoint").write_bytes(b"\xff"), "malformed"),
        (
            lambda f: (f / "checkpoint").write_bytes(
                (f / "checkpoint").read_bytes().replace(b"\n300\n", b"\n299\n")
            ),
            "inconsistent",
        ),
    ],
)
def test_a_spoiled_directory_is_refused(directory, policy_file, spoil, code):
    folder, _, _ = directory
    spoil(folder)
    report = check_path(folder, policy_file, None, now=samples.NOW)
    assert not report.verified
    assert code in {p.code for p in report.problems}


def test_an_answer_to_a_log_is_no_answer_at_all(directory, policy_file):
    folder, _, _ = directory
    report = check_path(folder, policy_file, policy_file, now=samples.NOW)
    assert [(p.code, p.where) for p in report.problems] == [("input", "log")]


def test_a_file_that_does_not_end_is_not_read_to_its_end(directory, policy_file, monkeypatch):
    folder, _, _ = directory
    endless = Path("/dev/zero")
    with pytest.raises(InputError, match="too large"):
        check_path(folder, endless, None, now=samples.NOW)
    monkeypatch.setattr("mythos.evidence.verify.MAX_FILE", 1 << 16)
    for path, answer in ((endless, None), (policy_file, endless)):
        with pytest.raises(InputError, match="too large"):
            check_path(path, policy_file, answer, now=samples.NOW)
    (folder / "checkpoint").unlink()
    (folder / "checkpoint").symlink_to(endless)
    assert not check_path(folder, policy_file, None, now=samples.NOW).verified


def test_the_report_can_be_printed_anywhere(tmp_path, policy_file, capsys):
    """Text in a dossier is chosen by its sender; a terminal must not act on it, nor an encoding fail."""
    path = tmp_path / "dossier.json"
    path.write_bytes(canonical(json.loads(SMALL) | {"\x1b[2K\x9b\u202e": 1}))
    with pytest.raises(SystemExit):
        main([str(path), "--policy", str(policy_file)])
    assert (out := capsys.readouterr().out).isascii()
    assert "202e" in out


def test_the_command_line_prints_the_report(tmp_path, policy_file, capsys, monkeypatch):
    file, answer = tmp_path / "receipt.json", tmp_path / "answer"
    file.write_bytes(RECEIPT.file)
    answer.write_bytes(RECEIPT.answer)
    monkeypatch.setattr("time.time", lambda: float(samples.NOW))
    for arguments, status in (
        ([str(file), "--policy", str(policy_file), "--answer", str(answer)], 0),
        ([str(file), "--policy", str(policy_file), "--answer", str(file)], 1),
        ([str(file)], 1),
    ):
        with pytest.raises(SystemExit) as ended:
            main(arguments)
        assert ended.value.code == status
        assert json.loads(capsys.readouterr().out)["verified"] is (status == 0)
    for arguments in (
        [str(tmp_path / "none"), "--policy", str(policy_file)],
        [str(file), "--policy", str(answer)],
    ):
        with pytest.raises(SystemExit) as ended:
            main(arguments)
        assert ended.value.code == 2
        assert "mythos-verify" in capsys.readouterr().err


TREES = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=6) | st.sampled_from(["dossier", "receipt", "AAAA"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["entry", "index", "proof", "salt", "data"]), inner, max_size=3),
    max_leaves=6,
)  # fmt: skip


@settings(max_examples=150)
@given(st.sampled_from([SMALL, RECEIPT.file]), st.data())
def test_no_document_does_anything_but_verify_or_be_refused(data, draw):
    document = json.loads(data)
    at = document
    for _ in range(draw.draw(st.integers(0, 3))):
        children = [
            k
            for k, v in (at.items() if isinstance(at, dict) else enumerate(at))
            if isinstance(v, dict | list) and v
        ]
        if not children:
            break
        at = at[draw.draw(st.sampled_from(children))]
    at[draw.draw(st.sampled_from(sorted(at) if isinstance(at, dict) else range(len(at))))] = draw.draw(TREES)
    # Leaving documents or openings out is the reader's loss and nobody's forgery; all else must be as it was.
    optional = {"documents", "openings"}
    unchanged = {k: v for k, v in document.items() if k not in optional}
    original = {k: v for k, v in json.loads(data).items() if k not in optional}
    if _verify(canonical(document)).verified:
        assert canonical(unchanged) == canonical(original)


def test_deep_nesting_is_refused_and_not_a_crash():
    deep = b"[" * (sys.getrecursionlimit() * 40) + b"]" * (sys.getrecursionlimit() * 40)
    assert _codes(deep) == {"malformed"}
