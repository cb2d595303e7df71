import base64
import json
import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest
from tests.dossier.conftest import LATER, POLICY, START, WEIGHTS, Story, digest, key, make_policy, take

from mythos.dossier.build import Capture, Dossier, build, find
from mythos.errors import InputError, LogError, MalformedError, MythosError
from mythos.evidence.client import LogClient
from mythos.evidence.note import Checkpoint, Note, encode64
from mythos.evidence.policy import Policy
from mythos.evidence.statement import Envelope, Subject, canonical, commit
from mythos.evidence.verify import verify
from mythos.units import Digest

Make = Callable[..., Dossier]
GOLDEN = Path(__file__).parents[1] / "golden" / "dossier"
BAD = Path(__file__).parents[1] / "bad" / "dossier"


def test_the_verifier_accepts_what_we_build(story: Story, dossier: Make) -> None:
    story.everything()
    made = dossier(story)
    report = verify(made.evidence, make_policy(), now=LATER.micros // 1_000_000)
    assert report.verified, report.problems
    assert (made.problems, made.origin) == ((), "mythos.example/log")
    assert report.acts == len(made.passport.trusted)


def test_the_file_makes_the_same_dossier_again(story: Story, dossier: Make) -> None:
    document = b'{"instruments": []}'
    story.live()
    story.determination(document=str(Digest.of(document)))
    made = dossier(story, document, b"another document that nobody names")
    capture = Capture.of_file(made.evidence)
    assert capture.weights == WEIGHTS
    assert build(make_policy(), capture, WEIGHTS, LATER) == made
    assert list(made.documents) == [str(Digest.of(document))]


def test_the_golden_file_is_read_as_it_was_written() -> None:
    data = (GOLDEN / "everything.dossier.json").read_bytes()
    policy = Policy.parse((GOLDEN / "trust.policy").read_bytes())
    made = build(policy, Capture.of_file(data), WEIGHTS, LATER)
    assert made.evidence == data
    assert made.problems == ()


def test_no_changed_byte_gives_a_dossier_without_a_problem() -> None:
    data = (GOLDEN / "everything.dossier.json").read_bytes()
    policy = Policy.parse((GOLDEN / "trust.policy").read_bytes())
    random_ = random.Random(7)
    for place in random_.sample(range(len(data)), 120):
        changed = bytearray(data)
        changed[place] ^= 1 << random_.randrange(7)
        try:
            capture = Capture.of_file(bytes(changed))
            assert build(policy, capture, capture.weights or WEIGHTS, LATER).problems, place
        except MythosError:
            continue


def test_a_policy_with_other_root_keys_trusts_nothing(story: Story) -> None:
    story.live()
    others = [
        f"root {key('stranger').verify_key}" if line.startswith("root") else line
        for line in POLICY.split("\n")
    ]
    with pytest.raises(InputError, match="no trusted act"):
        build(Policy.parse("\n".join(others)), take(story), WEIGHTS, LATER)


def test_a_model_that_the_log_does_not_know_has_no_dossier(story: Story) -> None:
    story.live()
    with pytest.raises(InputError, match="no trusted act"):
        build(make_policy(), take(story), digest("another model"), LATER)


def test_a_checkpoint_of_other_entries_is_a_problem_and_not_witnessed(story: Story) -> None:
    story.live()
    old = story.checkpoint()
    story.usage()
    made = build(make_policy(), Capture(story.entries, old), WEIGHTS, LATER)
    assert [p.where for p in made.problems] == ["checkpoint"]
    assert made.passport.witnessed is None


def test_no_number_of_other_problems_hides_that_nobody_cosigned(story: Story) -> None:
    story.live()
    story.entries += [f"noise {i}".encode() for i in range(30)]
    note = Note.parse(story.checkpoint())
    forged = [replace(s, data=s.data[:8] + bytes(64)) for s in note.signatures[1:]]
    made = build(make_policy(), Capture(story.entries, str(note.with_signatures(forged))), WEIGHTS, LATER)
    assert "checkpoint" in {p.where for p in made.problems}
    assert len(made.problems) == 20
    assert made.passport.witnessed is None
    assert [act.distrust for act in made.passport.distrusted] == ["malformed"] * 30


def test_a_cosignature_from_the_future_is_a_problem(story: Story) -> None:
    story.live()
    made = build(make_policy(), take(story, at=LATER), WEIGHTS, START.plus(3600))
    assert made.problems
    assert made.passport.witnessed is None


def test_a_model_is_found_by_its_name_or_name_and_version(story: Story) -> None:
    story.live()
    assert find(story.entries, "SmolLM2-135M-Instruct") == WEIGHTS
    assert find([b"noise", *story.entries], "SmolLM2-135M-Instruct 1.0") == WEIGHTS
    odd = Story()
    odd.add("model-identity", "owner", {"name": [], "version": {}}, Subject("x", digest("other weights")))
    assert find([*odd.entries, *story.entries], "SmolLM2-135M-Instruct") == WEIGHTS
    with pytest.raises(InputError, match="0 models"):
        find(story.entries, "SmolLM2")
    second = Story()
    body = Envelope.parse(story.entries[1]).statement().predicate
    second.add("model-identity", "owner", body, Subject("x", digest("other weights")))
    with pytest.raises(InputError, match="2 models"):
        find([*story.entries, *second.entries], "SmolLM2-135M-Instruct")


@pytest.mark.parametrize("path", sorted(BAD.glob("*.json")), ids=lambda p: p.stem)
def test_what_is_no_dossier_is_refused(path: Path) -> None:
    with pytest.raises(MalformedError):
        Capture.of_file(path.read_bytes())


@pytest.mark.parametrize(
    ("change", "value"),
    [
        ("kind", "receipt"),
        ("formatVersion", 2),
        ("openings", {}),
        ("extra", 1),
        ("entries", "no"),
        ("weights", "sha256:xy"),
    ],
)
def test_a_dossier_of_another_shape_is_refused(change: str, value: Any) -> None:
    document = json.loads((GOLDEN / "everything.dossier.json").read_bytes())
    with pytest.raises(MythosError):
        Capture.of_file(canonical(document | {change: value}))


def test_openings_travel_on_and_are_judged(story: Story) -> None:
    story.live()
    salt, data = bytes(range(32)), b"Jane Doe"
    case = str(Digest(commit(salt, "screening-case", data)))
    body = {
        "case": case,
        "disposition": "cleared",
        "officer": "k",
        "listDigest": case,
        "decidedAt": story.now,
    }
    story.add("screening-disposition", "authority", body)
    opening = {
        "commitment": case,
        "data": encode64(data),
        "label": "screening-case",
        "salt": encode64(salt),
    }
    document = json.loads(build(make_policy(), take(story), WEIGHTS, LATER).evidence)
    for openings, codes in (
        ([opening], []),
        ([opening | {"label": "x"}], ["not_included"]),
        ([{}], ["malformed"]),
    ):
        data = canonical(document | {"openings": openings})
        made = build(make_policy(), Capture.of_file(data), WEIGHTS, LATER)
        assert made.evidence == data
        assert [p.code for p in made.problems] == codes


class FakeLog:
    """A log service that has these entries, and witnesses that answer or do not."""

    def __init__(self, story: Story, *, witnesses: bool) -> None:
        self.story, self.witnesses = story, witnesses

    def status(self) -> dict[str, Any]:
        return {"acknowledged": len(self.story.entries)}

    def wait(self, size: int, state: str, timeout: float) -> str:
        assert (size, state, timeout) == (len(self.story.entries), "witnessed", 0.5)
        if not self.witnesses:
            raise LogError("not witnessed in time")
        return self.story.checkpoint()

    def checkpoint(self, state: str) -> str:
        assert state == "published"
        return self.story.checkpoint(witnesses=())

    def entries(self, start: int, end: int) -> list[bytes]:
        return self.story.entries[start:end]


@pytest.mark.parametrize("witnesses", [True, False])
def test_the_log_is_taken_whole_and_witnessed_if_it_can_be(witnesses: bool, story: Story) -> None:
    story.live()
    log = cast("LogClient", FakeLog(story, witnesses=witnesses))
    capture = Capture.of_log(log, [b"document"], 0.5)
    assert capture.entries == story.entries
    assert Checkpoint.parse(Note.parse(capture.checkpoint).text).size == len(story.entries)
    made = build(make_policy(), capture, WEIGHTS, LATER)
    assert (made.passport.witnessed is not None) is witnesses
    assert bool(made.problems) is not witnesses


def test_entries_are_base64_in_the_file(story: Story, dossier: Make) -> None:
    story.live()
    document = json.loads(dossier(story).evidence)
    assert [base64.b64decode(e) for e in document["entries"]] == story.entries
    assert set(document) == {
        "checkpoint",
        "documents",
        "entries",
        "formatVersion",
        "kind",
        "openings",
        "weights",
    }
