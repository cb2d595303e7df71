"""Opt-outs from their own files: whoever reserves anywhere has reserved; what nobody looked at is not `none`."""

import datetime as dt
import io
import json
import struct
import time
import zlib
from dataclasses import replace
from datetime import UTC, date

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from mythos.cli import data as cli
from mythos.data import OptOut, Place, Record, decide
from mythos.data.admit import read_records
from mythos.data.c2pa import c2pa, of_store
from mythos.data.optout import ABSENT, LIMIT, UNLOOKED, Capture, matches, read, robots, tdmrep
from mythos.errors import InputError
from mythos.units import Digest

from .conftest import ON, OPEN

URL = "https://example.jp/docs/a.html?x=1"
LOOKED = Capture(URL, ABSENT, ABSENT, b"HTTP/1.1 200 OK\r\n", b"<html><p>text", ABSENT)


@pytest.mark.parametrize(
    ("text", "path", "told"),
    [
        ("", "/a", "none"),
        ("User-agent: *\nDisallow: /", "/a", "reserved"),
        ("User-agent: *\nDisallow:", "/a", "none"),
        ("User-agent: *\nDisallow: /private", "/a", "none"),
        ("user-AGENT : gptbot\nDISALLOW: /", "/a", "reserved"),
        ("User-agent: GPTBot/1.2\nDisallow: /", "/a", "reserved"),
        ("User-agent: Kangaroo Bot\nDisallow: /", "/a", "reserved"),
        ("User-agent: Nutch\nDisallow: /", "/a", "none"),
        ("User-agent: Nutch\nUser-agent: CCBot\nDisallow: /", "/a", "reserved"),
        ("User-agent: CCBot\nUser-agent: Nutch\nCrawl-delay: 3\nDisallow: /", "/a", "reserved"),
        ("User-agent: CCBot\nAllow: /\nUser-agent: Nutch\nDisallow: /", "/a", "none"),
        ("User-agent: CCBot\nAllow: /x\n\nUser-agent: ccbot\nDisallow: /a", "/a", "reserved"),
        ("User-agent: GPTBot\nAllow: /\n\nUser-agent: *\nDisallow: /", "/a", "reserved"),
        ("User-agent: *\nDisallow: /\nAllow: /docs", "/docs/a", "none"),
        ("User-agent: *\nDisallow: /docs\nAllow: /docs", "/docs/a", "none"),
        ("User-agent: *\nDisallow: /*.html$", "/docs/a.html", "reserved"),
        ("User-agent: *\nDisallow: /*.html$", "/docs/a.html?x=1", "none"),
        ("User-agent: *\nDisallow: /%E3%81%82", "/あ", "reserved"),
        ("\ufeffUser-agent: *\r\nDisallow: / # all\r\n", "/a", "reserved"),
        ("User-agent: *\rDisallow: /", "/a", "reserved"),
        ("Disallow: /\nUser-agent: *\nAllow: /", "/a", "none"),
        ("User-agent: *\nContent-Signal: search=yes, ai-train=no\nAllow: /", "/a", "reserved"),
        ("User-agent: *\nContent-Signal: search=yes, ai-train=yes\nAllow: /", "/a", "none"),
        ("User-Agent: *\nContent-Usage: train-ai=n\nAllow: /", "/a", "reserved"),
        ("<html>not found</html>", "/a", "none"),
        ("User-agent: *\0Disallow: /", "/a", None),
        ("#" * (LIMIT + 1), "/a", None),
    ],
)
def test_a_robots_txt_says(text, path, told):
    assert robots(text.encode(), path) == told


def slow(rule, path):
    """The rule as a pattern, by the language's own engine."""
    import re

    end = rule.endswith("$")
    body = ".*".join(re.escape(one) for one in rule.removesuffix("$").split("*"))
    return re.match(body + (r"\Z" if end else ""), path, re.DOTALL) is not None


@given(st.text("ab*", max_size=6), st.booleans(), st.text("ab", max_size=8))
def test_a_rule_matches_as_its_pattern_does(rule, end, path):
    rule += "$" if end else ""
    assert matches(rule, path) is slow(rule, path)


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ([], "none"),
        ([{"location": "/docs/*", "tdm-reservation": 1}], "reserved"),
        ([{"location": "/docs/*", "tdm-reservation": 0}], "none"),
        ([{"location": "/other", "tdm-reservation": 1}], "none"),
        ([{"location": "/", "tdm-reservation": 0}, {"location": "/docs", "tdm-reservation": 1}], "reserved"),
        ([{"location": "/docs", "tdm-reservation": 1}, {"location": "/", "tdm-reservation": 0}], "reserved"),
        ([{"location": "/", "tdm-reservation": "0"}], "none"),
        ([{"location": "/", "tdm-reservation": "1"}], "reserved"),
        ([{"location": "/", "tdm-reservation": True}], "reserved"),
        ([{"location": "/", "tdm-reservation": False}], "reserved"),
        ([{"location": "/", "tdm-reservation": 2}], "reserved"),
        ([{"location": "/"}], "reserved"),
        ([{"location": "*.html", "tdm-reservation": 1}], "reserved"),
        ([{"location": "docs", "tdm-reservation": 0}], None),
        ([{"tdm-reservation": 0}], None),
        ([["/", 1]], None),
        ({"location": "/", "tdm-reservation": 0}, None),
    ],
)
def test_a_tdmrep_json_says(body, told):
    assert tdmrep(json.dumps(body).encode(), "/docs/a.html") == told


@pytest.mark.parametrize("data", [b"", b"<html>", b"[" * 100_000, b"\xff\xfe", b" " * (LIMIT + 1)])
def test_a_file_that_cannot_be_read_leaves_it_unknown(data):
    assert tdmrep(data, "/a") is None


@pytest.mark.parametrize(
    ("change", "robots", "tdmrep"),
    [
        ({}, "none", "none"),
        ({"headers": b"HTTP/2 200\r\nTDM-Reservation: 1\r\n"}, "none", "reserved"),
        ({"headers": b"HTTP/2 200\r\ntdm-reservation: 0\r\n"}, "none", "none"),
        ({"headers": b"HTTP/2 301\r\ntdm-reservation: 1\r\n\r\nHTTP/2 200\r\n"}, "none", "reserved"),
        ({"headers": b"tdm-reservation: 0\r\ntdm-reservation: 1\r\n"}, "none", "reserved"),
        ({"headers": b"X-Robots-Tag: noindex, noai\r\n"}, "reserved", "none"),
        ({"headers": b"Content-Usage: train-ai=n\r\n"}, "reserved", "none"),
        ({"page": b'<META NAME="TDM-Reservation" content="1">'}, "none", "reserved"),
        ({"page": b"<meta content='1' name=tdm-reservation />"}, "none", "reserved"),
        ({"page": b'<meta name="tdm-reservation" content="0">'}, "none", "none"),
        ({"page": b'<!-- <meta name="tdm-reservation" content="1"> -->'}, "none", "reserved"),
        ({"page": b'<meta name="robots" content="noimageai">'}, "reserved", "none"),
        ({"page": '<meta name="tdm-reservation" content="1">'.encode("utf-16")}, "none", None),
        ({"page": "<title>あ</title><meta name='tdm-reservation' content='1'>".encode("shift_jis")}, "none", "reserved"),
        ({"page": ABSENT}, "none", "none"),
        ({"page": UNLOOKED}, "none", None),
        ({"headers": UNLOOKED}, "none", None),
        ({"tdmrep": UNLOOKED}, "none", None),
        ({"tdmrep": b"<html>"}, "none", None),
        ({"tdmrep": UNLOOKED, "page": b'<meta name="tdm-reservation" content="1">'}, "none", "reserved"),
        ({"robots": UNLOOKED}, None, "none"),
        ({"robots": b"User-agent: *\nDisallow: /docs/a.html?x"}, "reserved", "none"),
    ],
)  # fmt: skip
def test_each_place_is_looked_at_and_one_reservation_is_enough(change, robots, tdmrep):
    found = read(replace(LOOKED, **change)).opt_out
    assert (found.robots, found.tdmrep) == (robots, tdmrep)


def test_a_copy_of_which_nothing_was_captured_stays_unknown():
    assert read(Capture(URL)).opt_out == OptOut()
    assert read(LOOKED).opt_out == OptOut("none", "none", "none")
    assert len(read(LOOKED).evidence) == 2


@pytest.mark.parametrize(
    "url", ["", "example.jp/a", "file:///etc/passwd", "https://", "https://[::1", "javascript:1"]
)
def test_what_is_no_address_is_refused(url):
    with pytest.raises(InputError):
        read(Capture(url))


def test_a_capture_made_to_be_slow_is_not():
    start = time.process_time()
    robots(b"User-agent: *\n" + b"Disallow: /*a*a*a*a*a*a*a*b\n" * 3_000, "/" + "a" * 2000)
    read(replace(LOOKED, headers=b"a:\n" * 170_000, page=b"<meta name=a>" * 40_000))
    for piece in (
        b"<",
        b"<meta ",
        b"<meta a=",
        b"<!--",
        b"<![",
        b"<a b='",
        b"<meta a='",
        b"<meta " + b"a" * 4090,
    ):
        read(replace(LOOKED, page=piece * (LIMIT // len(piece))))
    assert time.process_time() - start < 5


@given(
    st.binary(max_size=60),
    st.lists(st.sampled_from([b"<![", b"<meta ", b"<!--", b"name=", b'"', b"'", b">", b"=", b"1"])),
)
def test_whatever_was_captured_there_is_an_answer(raw, pieces):
    data = raw + b"".join(pieces)
    found = read(Capture(URL, data, data, data, data, data)).opt_out
    assert {found.robots, found.tdmrep, found.c2pa} <= {None, "none", "reserved"}
    marked = b'<meta name="tdm-reservation" content="1">'
    if b"\0" not in data:
        assert read(replace(LOOKED, page=data + b">" + marked)).opt_out.tdmrep == "reserved"


def test_what_was_found_goes_into_the_record_and_a_second_look_does_not_unsay_it(pack):
    record = replace(OPEN, opt_out=OptOut(), copied_on=None)
    japan = Place("JP", "JP", third_party=False)
    assert not decide(record, "train", japan, pack, ON).allowed
    clean = read(LOOKED).into(record, ON)
    assert decide(clean, "train", japan, pack, ON).allowed
    assert clean.copied_on == ON
    assert set(clean.evidence) == {str(Digest.of(b"HTTP/1.1 200 OK\r\n")), str(Digest.of(b"<html><p>text"))}
    closed = read(replace(LOOKED, tdmrep=b'[{"location": "/", "tdm-reservation": 1}]')).into(clean, ON)
    assert decide(closed, "train", japan, pack, ON).clause == "DATA-OPT-OUT"
    assert read(LOOKED).into(closed, date(2026, 12, 1)).opt_out.tdmrep == "reserved"


def test_the_command_writes_them_into_the_record(tmp_path):
    records = tmp_path / "records.yaml"
    records.write_text("a: {source: https://example.jp/a}\nb: {source: other, licence: MIT}\n")
    (tmp_path / "robots.txt").write_bytes(b"User-agent: ClaudeBot\nDisallow: /\n")
    (tmp_path / "head.txt").write_bytes(b"HTTP/2 200\r\n")
    call = ["opt-outs", str(records), "--record", "a", "--url", URL, "--on", "2026-11-26", "--json"]
    places = [
        "--robots",
        str(tmp_path / "robots.txt"),
        "--tdmrep",
        "absent",
        "--headers",
        str(tmp_path / "head.txt"),
    ]
    done = CliRunner().invoke(cli.command, [*call, *places, "--page", "absent"])
    assert done.exit_code == 0, done.output
    said = json.loads(done.stdout)
    assert said["opt_out"] == {"robots": "reserved", "tdmrep": "none", "c2pa": None}
    known = read_records(records)
    assert known["a"].opt_out == OptOut("reserved", "none", None)
    assert known["a"].copied_on == date(2026, 11, 26)
    assert list(known["a"].evidence) == said["evidence"]
    assert known["b"] == Record(source="other", licence="MIT")
    for wrong in (["--record", "c"], ["--robots", "/nowhere"]):
        assert isinstance(CliRunner().invoke(cli.command, [*call, *wrong]).exception, InputError)


def store(*uses, label="c2pa.training-mining"):
    entries = {f"c2pa.{n}": {"use": use} for n, use in enumerate(uses)}
    return {"manifests": {"a": {"assertions": [{"label": label, "data": {"entries": entries}}]}, "b": {}}}


@pytest.mark.parametrize(
    ("held", "told"),
    [
        (store("allowed"), "none"),
        (store("allowed", "notAllowed"), "reserved"),
        (store("constrained"), "reserved"),
        (store("ALLOWED"), "reserved"),
        (store("notAllowed", label="cawg.training-mining"), "reserved"),
        (store("notAllowed", label="c2pa.training-mining__1"), "reserved"),
        (store("notAllowed", label="c2pa.actions"), "none"),
        ({"manifests": {}}, "none"),
        ({"manifests": {"a": {"assertions": [{"label": "c2pa.training-mining", "data": {}}]}}}, None),
        ({"manifests": {"a": {"assertions": [{"label": "c2pa.training-mining", "data": {"entries": {"x": {}}}}]}}}, None),
        ({}, None),
        ([], None),
    ],
)  # fmt: skip
def test_a_manifest_store_says(held, told):
    assert of_store(held) == told


def picture():
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    size = struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0)
    parts = [(b"IHDR", size), (b"IDAT", zlib.compress(b"\0\0\0\0")), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*part) for part in parts)


def signed(reader, assertions):
    """A picture under a certificate of this test's own, by the library's own signer."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import ExtendedKeyUsageOID

    keys = [ec.generate_private_key(ec.SECP256R1()) for _ in range(2)]
    chain = []
    for name, key, root in (("leaf", keys[0], False), ("root", keys[1], True)):
        subject, issuer = (
            x509.Name(
                [
                    x509.NameAttribute(x509.NameOID.COMMON_NAME, n),
                    x509.NameAttribute(x509.NameOID.ORGANIZATION_NAME, "T"),
                ]
            )
            for n in (name, "root")
        )
        made = (
            x509.CertificateBuilder(issuer, subject, key.public_key(), x509.random_serial_number())
            .not_valid_before(dt.datetime(2024, 1, 1, tzinfo=UTC))
            .not_valid_after(dt.datetime(2044, 1, 1, tzinfo=UTC))
            .add_extension(x509.BasicConstraints(root, None), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(keys[1].public_key()), critical=False
            )
            .add_extension(
                x509.KeyUsage(not root, False, False, False, False, root, root, False, False), critical=True
            )
        )
        if not root:
            use = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION])
            made = made.add_extension(use, critical=False)
        chain.append(made.sign(keys[1], hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
    secret = keys[0].private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    signer = reader.Signer.from_info(reader.C2paSignerInfo(b"es256", b"".join(chain), secret, None))
    kind = "http://cv.iptc.org/newscodes/digitalsourcetype/digitalCreation"
    made = {
        "label": "c2pa.actions.v2",
        "data": {"actions": [{"action": "c2pa.created", "digitalSourceType": kind}]},
    }
    manifest = {
        "claim_generator_info": [{"name": "test", "version": "1"}],
        "format": "image/png",
        "title": "x",
        "assertions": [made, *assertions],
    }
    out = io.BytesIO()
    with reader.Builder(json.dumps(manifest)) as builder:
        builder.sign(signer, "image/png", io.BytesIO(picture()), out)
    return out.getvalue()


def test_a_picture_that_was_signed_is_read_by_the_projects_own_reader(monkeypatch):
    reader = pytest.importorskip("c2pa", reason="extra missing: pip install 'mythos-hub[c2pa]'")
    entries = {"entries": {"c2pa.ai_training": {"use": "notAllowed"}, "c2pa.data_mining": {"use": "allowed"}}}
    reserved = signed(reader, [{"label": "c2pa.training-mining", "data": entries}])
    assert c2pa(reserved) == "reserved"
    assert c2pa(signed(reader, [])) == "none"
    assert c2pa(picture()) == "none"
    assert read(replace(LOOKED, asset=reserved)).opt_out.c2pa == "reserved"
    cut = reserved[: len(reserved) // 2]
    assert c2pa(cut) in {None, "reserved"}
    changed = reserved[:-200] + bytes(100) + reserved[-100:]
    assert c2pa(changed) in {None, "reserved"}
    monkeypatch.setitem(__import__("sys").modules, "c2pa", None)
    assert c2pa(reserved) is None, "without the reader nothing is known"


@pytest.mark.parametrize("data", [b"", b"text", b"%PDF-1.7\n%%EOF", b"\xff\xd8\xff" + b"x" * 99, b"GIF89a"])
def test_a_file_of_another_kind_or_a_broken_one_is_not_said_to_be_open(data):
    assert c2pa(data) is None
    assert c2pa(None) == "none"
