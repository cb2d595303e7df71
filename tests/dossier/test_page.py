import json
import re
import shutil
import subprocess
from collections import Counter
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.dossier.conftest import LATER, WEIGHTS, Story, make_policy, take

from mythos.dossier.acts import KINDS
from mythos.dossier.build import Dossier, build
from mythos.dossier.forms import AUDIENCES, forms
from mythos.dossier.markup import Html, join, tag, text
from mythos.dossier.page import render
from mythos.dossier.standards import cyclonedx
from mythos.dossier.terminal import document
from mythos.evidence.statement import Envelope, Subject
from mythos.units import Digest

VOID = {"meta", "input", "br", "path", "rect"}
HOSTILE = "</title></style></bdi><script>alert(1)</script>\"'><img src=x onerror=alert(2)> \u202egnp.exe\u2066 ${weights} {name} $name %s \x00"
Make = Callable[..., Dossier]


class Page(HTMLParser):
    """Reads a page strictly: every element closed in order; keeps what a browser would load or run."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.tags: Counter[str] = Counter()
        self.attributes: list[tuple[str, str, str]] = []
        self.words: list[str] = []
        self.feed(page)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] += 1
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag not in VOID or tag in {"path", "rect"}:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.words.append(data)

    @property
    def text(self) -> str:
        """What is read, without the isolates around values."""
        return " ".join(" ".join(self.words).translate({0x2068: None, 0x2069: None}).split())


def safe(page: str) -> Page:
    """A page that runs nothing, loads nothing and hides nothing."""
    read = Page(page)
    assert not set(read.tags) & {"script", "iframe", "object", "embed", "link", "img", "form", "base", "a"}
    assert not [
        name
        for _, name, _ in read.attributes
        if name.startswith("on") or name in {"src", "href", "style", "srcset"}
    ]
    assert ("meta", "content", "default-src 'none'; style-src 'unsafe-inline'") in read.attributes
    assert not re.search(r"url\((?!#tip\))|@import", page)
    assert not set(page) & set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u200e\u200f\u061c\x00\ufeff")
    return read


def test_verdicts_come_first_and_what_is_not_proven_stands_there(story: Story, dossier: Make) -> None:
    story.live()
    read = safe(render(dossier(story), audience="all"))
    sections = [value for tag, name, value in read.attributes if tag == "section" and name == "id"]
    assert sections == [
        "verdicts",
        "law",
        "map",
        "timeline",
        "forms",
        "acts",
        "distrusted",
        "unproven",
        "levels",
        "check",
    ]
    seen = read.text
    assert (
        "Not revoked up to 2026-11-23 09:11:01 UTC, the last witnessed time. Nothing is known after it."
        in seen
    )
    assert "Readable at hub-host until 2026-11-23 10:09:00 UTC." in seen
    assert "1.61 × 10²¹ FLOP (declared; method declared, convention 6nd)." in seen
    assert "最後に確認された2026-11-23 09:11:01 UTCまでは取消しなし。" in seen
    assert "That no other copy exists." in seen
    assert "No training run" in seen


def test_every_kind_of_act_is_on_the_page(story: Story, dossier: Make) -> None:
    story.everything()
    full = safe(render(dossier(story), audience="all")).text
    for kind, row in KINDS.items():
        assert row["says"]["en"] in full, kind
        assert row["says"]["ja"] in full, kind
    story = Story()
    story.live()
    absent = safe(render(dossier(story), audience="all")).text.partition("No act of these kinds")[2]
    assert KINDS["takedown"]["title"]["en"] in absent
    assert KINDS["seal"]["title"]["en"] not in absent.partition("Kept, but not trusted")[0]


def test_every_field_of_every_form_stands_there_with_its_cite(story: Story, dossier: Make) -> None:
    story.live()
    read = safe(render(dossier(story), audience="all")).text
    for form in forms():
        assert form["instrument"] in read
        for field in form["fields"]:
            assert field["title"]["en"] in read
            assert field["title"]["ja"] in read
            assert field["cite"] in read
    assert read.count("Not provided") == sum(len(f["fields"]) for f in forms()) - 14


@pytest.mark.parametrize("audience", AUDIENCES)
def test_an_audience_sees_only_its_fields(audience: str, story: Story, dossier: Make) -> None:
    story.live()
    read = safe(render(dossier(story), audience=audience)).text
    assert ("Model authenticity" in read) is (audience != "downstream")
    assert "The developer's website" in read
    assert ("fields are not for this audience" in read) is (audience == "downstream")


def test_the_same_log_gives_the_same_page(story: Story, dossier: Make) -> None:
    story.everything()
    assert render(dossier(story), audience="all") == render(dossier(story), audience="all")


def test_obligations_come_from_the_determination_document(story: Story, dossier: Make) -> None:
    full = json.dumps({"instruments": [{"id": "EU-GPAI", "obligations": ["keep <b>records</b>"]}]}).encode()
    story.trust()
    story.determination(document=str(Digest.of(full)))
    assert "keep <b>records</b>" in safe(render(dossier(story, full), audience="all")).text
    deep = b'{"instruments": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"
    for other in (b"", b"[]", b"{}", b'{"instruments": [1]}', b"\xff", deep):
        story = Story()
        story.trust()
        story.determination(document=str(Digest.of(other)))
        assert "Obligations" not in safe(render(dossier(story, other), audience="all")).text


def test_acts_that_are_not_trusted_and_a_log_that_does_not_verify_are_shown(
    story: Story, dossier: Make
) -> None:
    story.live()
    story.add("wiped", "host", {"x": 1}, version=2)
    story.entries += [b"noise", b"x" * 65_536]
    read = safe(render(dossier(story), audience="all")).text
    assert "wiped/v2 A version of this act that this release cannot read" in read
    assert "Does not verify" in read
    assert "entry 12" in read
    assert "It is larger than an entry of the log may be" in read
    assert "Not known: the log head is not witnessed" in read


def hostile(story: Story, word: str) -> None:
    story.name = word
    story.trust()
    story.identity(
        version=word, licence=word, architecture=word, source={"title": word, "url": word, "digest": None}
    )
    source = {"title": word, "url": word, "readOn": word}
    energy = {
        "energyWattHours": word,
        "energyMethod": word,
        "uncertaintyPercent": word,
        "unregistered": [word],
    }
    story.compute(method=word, convention=word, sources=[source], **energy)
    for _ in range(4):
        used = {"hub": word, "from": story.now, "until": story.now, "bytesOut": 1, "tokens": 1}
        story.add("usage", "host", used | {"energyWattHours": word})
    order = {"id": word, "authority": word, "document": word, "issuedAt": story.now}
    story.add("directive", "authority", order, Subject(word, WEIGHTS))
    story.determination(
        on=word,
        legs=[{"from": word, "to": "JP", "act": word}],
        instruments=[{"id": word, "outcome": word, "cite": word}],
        needs=[word],
        review=[word],
    )
    grant = story.grant(legs=[{"from": word, "to": word + "x", "act": word}])
    story.release(grant)
    story.add("refused", "host", {"grant": grant, "reason": word, "code": word, "refusedAt": story.now})
    story.add("wiped", "host", {word: word}, version=2)


def test_a_hostile_name_changes_no_markup_and_hides_nothing(dossier: Make) -> None:
    pages: list[Page] = []
    for word in ("harmless", HOSTILE):
        story = Story()
        hostile(story, word.replace("\x00", "\u0001"))
        pages.append(safe(render(dossier(story), audience="all")))
    plain, attacked = pages
    assert plain.tags == attacked.tags
    assert [name for _, name, _ in plain.attributes] == [name for _, name, _ in attacked.attributes]
    assert "<script>alert(1)</script>" in attacked.text
    assert "⟨U+202E⟩gnp.exe⟨U+2066⟩ ${weights} {name} $name %s" in attacked.text


@settings(max_examples=15, deadline=None)
@given(st.text(min_size=1, max_size=40) | st.sampled_from(["²", "nan", "1e999999", "9" * 100, "٣", "-1"]))
def test_no_text_in_the_log_can_break_the_page(word: str) -> None:
    story = Story()
    hostile(story, word)
    made = build(make_policy(), take(story), WEIGHTS, LATER)
    safe(render(made, audience="all"))
    assert json.dumps(cyclonedx(made.passport), allow_nan=False)
    assert json.dumps(document(made), allow_nan=False)


def test_a_lease_of_any_length_has_an_end_that_can_be_written(story: Story, dossier: Make) -> None:
    story.trust()
    story.grant()
    body = Envelope.parse(story.entries[-1]).statement().predicate
    body["request"]["leaseSeconds"] = 2**53 - 1
    story.opened(story.add("grant", "owner", body))
    assert "9999-12-31 23:59:59 UTC" in safe(render(dossier(story), audience="all")).text


def test_a_thousand_hubs_and_acts_stay_readable(story: Story, dossier: Make) -> None:
    grant = story.live()
    for i in range(40):
        story.grant(hub="other-host", legs=[{"from": "US", "to": f"C{i % 7}", "act": "transfer"}])
    for i in range(300):
        story.usage(i)
        story.lease(grant, i)
    page = render(dossier(story), audience="all")
    read = safe(page)
    assert len(page) < 400_000
    assert read.tags["rect"] <= 24 + 9
    assert "300 acts, 2026-11-23" in read.text
    assert "Σ Tokens" in read.text


def test_markup_escapes_whatever_is_not_markup() -> None:
    assert tag("p", "<b>", Html("<i></i>"), cls='"x"') == '<p class="&quot;x&quot;">&lt;b&gt;<i></i></p>'
    assert join(["<", Html("<")]) == "&lt;<"
    assert Html("<br>") + "<" == "<br>&lt;"
    assert isinstance(Html("a") + "b", Html)
    assert text("<") == "<bdi>&lt;</bdi>"


CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
browser = pytest.mark.skipif(CHROMIUM is None, reason="browser missing: no chromium to look at the page with")
QUIET = "--headless=new --no-sandbox --disable-gpu --no-first-run --disable-sync --enable-logging=stderr"


def visit(page: Path, *what: str) -> tuple[str, str, list[str]]:
    """What a real browser made of a file: its output, what it logged, and the URLs the page itself asked for."""
    net = page.with_suffix(".net.json")
    profile = f"--user-data-dir={page.with_suffix('.profile')}"
    command = [str(CHROMIUM), *QUIET.split(), profile, f"--log-net-log={net}", *what, page.as_uri()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    events = [e.get("params", {}) for e in json.loads(net.read_text(encoding="utf-8"))["events"]]
    asked = [
        e["url"] for e in events if "url" in e and e.get("initiator", "not an origin") != "not an origin"
    ]
    return done.stdout, done.stderr, [url for url in asked if not url.startswith(("file:", "data:"))]


@browser
@pytest.mark.parametrize("word", ["SmolLM2", HOSTILE.replace("\x00", "")], ids=["plain", "hostile"])
def test_a_real_browser_shows_it_without_network_script_or_complaint(
    word: str, tmp_path: Path, dossier: Make
) -> None:
    story = Story()
    hostile(story, word)
    page = tmp_path / "dossier.html"
    page.write_text(render(dossier(story), audience="all"), encoding="utf-8")
    shown, logged, asked = visit(page, "--dump-dom")
    assert "CONSOLE" not in logged
    assert asked == []
    read = Page(shown)
    assert read.tags["section"] == 10
    assert read.tags["script"] + read.tags["img"] == 0
    printed = tmp_path / "dossier.pdf"
    visit(page, f"--print-to-pdf={printed}", "--no-pdf-header-footer")
    assert printed.read_bytes().startswith(b"%PDF")


@browser
def test_the_browser_test_would_see_a_request_and_a_complaint(tmp_path: Path) -> None:
    page = tmp_path / "bad.html"
    page.write_text("<img src='http://example.invalid/x.png'><script>console.error('no')</script>")
    _, logged, asked = visit(page, "--dump-dom")
    assert asked == ["http://example.invalid/x.png"]
    assert "CONSOLE" in logged
