"""Signed notes: the examples of C2SP and of Go's sumdb/note, and every way to spell one wrongly."""

import base64
import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mythos.errors import BadSignatureError, MalformedError
from mythos.evidence.note import (
    COSIGNATURE,
    Checkpoint,
    Note,
    Signature,
    SigningKey,
    VerifyKey,
    cosign,
    decimal,
    decode64,
    encode64,
)

# golang.org/x/mod sumdb/note, package documentation and note_test.go (facts: keys and signatures).
PETER = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
PETER_PRIVATE = "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz"
ENOCH = "EnochRoot+af0cfe78+ATtqJ7zOtqQtYqOo0CpvDXNlMhV3HeJDpjrASKGLWdop"
QUOTE = (
    "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
)
PETER_LINE = "\u2014 PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
ENOCH_LINE = "\u2014 EnochRoot rwz+eBzmZa0SO3NbfRGzPCpDckykFXSdeX+MNtCOXm2/5n2tiOHp+vAF1aGrQ5ovTG01oOTGwnWLox33WWd1RvMc+QQ=\n"
# C2SP signed-note, section "Verifier keys" and its example.
EXAMPLE = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
EXAMPLE_NOTE = (
    "This is an example message.\n\n"
    "\u2014 example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n"
)
WITNESS_VKEY = "remora.n621.de+da77ade7+BOvN63jn/bLvkieywe8R6UYAtVtNbZpXh34x7onlmtw2"
# C2SP tlog-cosignature, the example checkpoint (its keys are not published, so it is only read).
SOFA = (
    "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n"
    "\u2014 example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n"
    "\u2014 witness.example.com/w1 jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA==\n"
)


@pytest.mark.parametrize("text", [PETER, ENOCH, EXAMPLE, WITNESS_VKEY])
def test_published_keys_come_back_byte_for_byte(text):
    assert str(VerifyKey.parse(text)) == text


def test_the_published_private_key_makes_the_published_note():
    key = SigningKey.parse(PETER_PRIVATE)
    assert str(key.verify_key) == PETER
    assert key.to_text() == PETER_PRIVATE
    signature = Signature(key.name, key.verify_key.key_id, key.sign(QUOTE.encode()))
    assert str(Note(QUOTE, (signature,))) == f"{QUOTE}\n{PETER_LINE}"
    assert "Y7hfZx" not in repr(key)


@pytest.mark.parametrize(
    ("note", "keys", "signers"),
    [
        (f"{QUOTE}\n{PETER_LINE}", [PETER], 1),
        (f"{QUOTE}\n{PETER_LINE}{ENOCH_LINE}", [PETER, ENOCH], 2),
        (f"{QUOTE}\n{PETER_LINE}{ENOCH_LINE}", [ENOCH], 1),
        (f"{QUOTE}\n{PETER_LINE}", [ENOCH], 0),
        (EXAMPLE_NOTE, [EXAMPLE], 1),
    ],
)
def test_published_notes_verify_and_unknown_keys_are_ignored(note, keys, signers):
    parsed = Note.parse(note)
    assert str(parsed) == note
    assert len(parsed.verified([VerifyKey.parse(key) for key in keys])) == signers


def test_a_known_key_that_fails_rejects_the_note():
    with pytest.raises(BadSignatureError, match="PeterNeumann"):
        Note.parse(f"Another quote.\n\n{PETER_LINE}").verified([VerifyKey.parse(PETER)])


def test_every_changed_character_of_a_key_is_refused():
    for text, parse in ((PETER, VerifyKey.parse), (PETER_PRIVATE, SigningKey.parse)):
        for at in range(len(text)):
            changed = text[:at] + chr(ord(text[at]) + 1) + text[at + 1 :]
            with pytest.raises(MalformedError):
                parse(changed)
        for end in range(len(text)):
            with pytest.raises(MalformedError):
                parse(text[:end])


@pytest.mark.parametrize(
    "note",
    [
        b"", b"text", b"text\n", b"text\n\n", b"\n\n" + PETER_LINE.encode(), QUOTE.encode(),
        f"{QUOTE}\n{PETER_LINE}"[:-1].encode(), f"{QUOTE}\n{PETER_LINE}\n".encode(),
        f"{QUOTE}\n{PETER_LINE.replace('—', '-')}".encode(), f"{QUOTE}\n{PETER_LINE.replace(' Pet', '  Pet')}".encode(),
        f"{QUOTE}\n{PETER_LINE.replace('nAM=', 'nAN=')}".encode(), f"{QUOTE}\n{PETER_LINE.replace('=', '')}".encode(),
        f"{QUOTE}\t\n{PETER_LINE}".encode(), f"{QUOTE}\r\n{PETER_LINE}".encode(), b"\xff\n\n" + PETER_LINE.encode(),
        f"{QUOTE}\n\u2014 Peter+Neumann x08goAAA\n".encode(), f"{QUOTE}\n\u2014 Peter x08g\n".encode(),
        f"{QUOTE}\n{PETER_LINE * 65}".encode(), b"x" * 70_000,
    ],
)  # fmt: skip
def test_other_spellings_of_a_note_are_refused(note):
    with pytest.raises(MalformedError):
        Note.parse(note)


def test_the_c2sp_checkpoint_example_is_read_and_written():
    note = Note.parse(SOFA)
    head = Checkpoint.parse(note.text)
    assert (head.origin, head.size) == ("example.com/behind-the-sofa", 20852163)
    assert head.text == note.text
    assert str(note) == SOFA
    assert note.signatures[1].time == 1679315147  # the time of the specification's signed message


@pytest.mark.parametrize(
    "text",
    ["a\n1\n", "\n1\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n", "a\n01\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n",
     "a\n-1\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n", "a\n1\nCsUYapGGPo4dkMgI\n",
     "a\n1\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\nextension\n", "a\n9223372036854775808\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"],
)  # fmt: skip
def test_other_spellings_of_a_checkpoint_are_refused(text):
    with pytest.raises(MalformedError):
        Checkpoint.parse(text)


def test_a_cosignature_binds_time_and_text():
    witness, log = SigningKey.generate("w", cosigner=True), SigningKey.generate("log")
    note = Checkpoint("log", 3, b"\1" * 32).sign(log)
    line = cosign(witness, note.text, 1679315147)
    assert line.time == 1679315147
    assert line.holds(witness.verify_key, note.text)
    assert not line.holds(witness.verify_key, note.text.replace("3", "4"))
    later = Signature(line.name, line.key_id, (line.time + 1).to_bytes(8, "big") + line.data[8:])
    assert not later.holds(witness.verify_key, note.text)
    signed = note.with_signatures([line])
    assert signed.verified([log.verify_key, witness.verify_key]) == signed.signatures
    assert note.with_signatures([line, later]).signatures[1:] == (later,)


def test_a_witness_key_is_no_log_key_and_the_other_way_round():
    log, witness = SigningKey.generate("log"), SigningKey("log", b"\2" * 32, COSIGNATURE)
    with pytest.raises(MalformedError, match="cannot cosign"):
        cosign(log, "text\n", 1)
    assert log.verify_key.key_id != SigningKey("log", log.seed, COSIGNATURE).verify_key.key_id
    assert SigningKey.parse(witness.to_text()) == witness


@given(st.binary(max_size=80))
def test_base64_has_one_spelling(data):
    text = encode64(data)
    assert decode64(text) == data
    for other in (
        text + "=",
        text + "\n",
        " " + text,
        text.rstrip("=") if text.endswith("=") else text + "A",
    ):
        with pytest.raises(MalformedError):
            decode64(other)


def test_spare_bits_are_refused():
    assert base64.b64decode("AB==", validate=True) == b"\0"  # what the standard library lets through
    with pytest.raises(MalformedError, match="canonical"):
        decode64("AB==")


@pytest.mark.parametrize("text", ["", "01", "+1", "-0", "1 ", "１", "9" * 20, str(1 << 63), "1_0"])
def test_decimals_have_one_spelling(text):
    with pytest.raises(MalformedError):
        decimal(text)
    assert decimal(str((1 << 63) - 1)) == (1 << 63) - 1


@given(st.binary(max_size=200))
def test_no_bytes_do_anything_but_parse_or_be_refused(data):
    with contextlib.suppress(MalformedError):
        assert str(Note.parse(data)).encode() == data
