from collections.abc import Callable
from typing import Any

import pytest
from tests.dossier.conftest import Story

from mythos.dossier.forms import AUDIENCES, answer, forms, shown_to, table
from mythos.dossier.passport import Level, Passport
from mythos.evidence.predicates import PREDICATES
from mythos.evidence.predicates.codec import shape

FORMS = {form["id"]: form for form in forms()}
FIELDS = [(form["id"], field["id"], field) for form in FORMS.values() for field in form["fields"]]
MADE = "<!-- Made by docs/generate.py from the code; edit the code instead. -->\n\n"


def field(form: str, name: str) -> dict[str, Any]:
    return next(f for f in FORMS[form]["fields"] if f["id"] == name)


def test_the_forms_are_those_of_the_laws() -> None:
    assert {name: len(form["fields"]) for name, form in FORMS.items()} == {
        "ai-act-annex-xi": 15,
        "ai-act-annex-xii": 11,
        "gpai-model-documentation": 35,
        "us-ca-sb53": 11,
        "us-ny-raise": 11,
    }


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_a_form_says_where_it_was_read_in_both_languages(form: dict[str, Any]) -> None:
    assert set(form) == {"id", "title", "instrument", "source", "readOn", "note", "fields"}
    assert form["source"].startswith("https://")
    assert form["title"]["ja"]
    assert form["title"]["en"]
    assert form["note"]["ja"]
    assert form["note"]["en"]
    ids = [f["id"] for f in form["fields"]]
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize(("form", "name", "asked"), FIELDS, ids=[f"{a}:{b}" for a, b, _ in FIELDS])
def test_a_field_has_a_cite_an_audience_and_sources_that_exist(
    form: str, name: str, asked: dict[str, Any]
) -> None:
    assert set(asked) == {"id", "title", "cite", "audience", "from"}
    assert asked["title"]["en"]
    assert asked["title"]["ja"]
    assert asked["cite"]
    assert asked["audience"]
    assert {"ai-office", "authority", "downstream", "public"}.issuperset(asked["audience"])
    for source in asked["from"]:
        kind, _, path = source.removeprefix("each ").partition(".")
        known = {json for _, json, _ in shape(PREDICATES[kind])} | {"@digest", "@name", "@organisation"}
        assert path.split(".")[0] in known, source


def test_an_answer_names_its_act_index_and_level(story: Story, passport: Callable[..., Passport]) -> None:
    story.live()
    found = answer(passport(story), field("gpai-model-documentation", "computation"))
    assert [(a.kind, a.field, a.value, a.level, a.index) for a in found] == [
        ("training-compute", "modelFlop", "1614180096000000000000", Level.DECLARED, 2)
    ]
    (authentic,) = answer(passport(story), field("gpai-model-documentation", "authenticity"))
    assert (authentic.value, authentic.level) == (str(passport(story).weights), Level.SIGNED)
    (provider,) = answer(passport(story), field("gpai-model-documentation", "provider"))
    assert provider.value == "Example Models Inc."


def test_empty_stays_empty(story: Story, passport: Callable[..., Passport]) -> None:
    story.live()
    found = passport(story)
    assert answer(found, field("ai-act-annex-xi", "1.2e")) == []  # the energy is null
    assert answer(found, field("us-ca-sb53", "languages")) == []  # no act speaks of it


def test_the_newest_act_answers_unless_each_is_asked(story: Story, passport: Callable[..., Passport]) -> None:
    story.trust()
    story.identity(licence="MIT")
    story.identity(licence="Apache-2.0")
    story.compute(modelFlop="1")
    story.compute(modelFlop="2")
    found = passport(story)
    assert [a.value for a in answer(found, field("ai-act-annex-xi", "1.1f"))] == ["Apache-2.0"]
    assert [a.value for a in answer(found, field("gpai-model-documentation", "computation"))] == ["1", "2"]


def test_who_may_see_what() -> None:
    secret, public = field("gpai-model-documentation", "authenticity"), field("us-ca-sb53", "website")
    assert [shown_to(secret, audience) for audience in AUDIENCES] == [True, True, False, True]
    assert all(shown_to(public, audience) for audience in AUDIENCES)


def test_the_reference_page_is_what_the_forms_say(root: Any) -> None:
    page = root / "docs" / "reference" / "dossier-fields.md"
    assert page.read_text(encoding="utf-8") == MADE + table().rstrip() + "\n", "Run: make docs"
