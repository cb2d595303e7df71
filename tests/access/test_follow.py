"""The chain a hub follows: it grows, it never goes back, and another history stops it."""

import random
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from mythos.access.follow import GENESIS, DirectiveSet, Link, acknowledge
from mythos.errors import AccessError, FormatError, InputError
from mythos.evidence.policy import Trust
from mythos.units import Digest

from . import estate
from .made import directive

A, B, C = (directive(name) for name in "abc")


def three():
    held = estate.chain(A, B, C, first=4)
    return held, held.links


def test_an_empty_set_and_one_that_grows():
    held = DirectiveSet()
    assert (held.head, held.size, len(held.law)) == (GENESIS, 0, 0)
    first = estate.link(held, A, 4)
    step = held.apply(first, estate.TRUST)
    assert (step.outcome, step.directive) == ("applied", A)
    assert (step.after.size, step.after.head) == (5, first.head)
    assert list(step.after.law) == [A]
    assert held.size == 0


def test_a_replayed_link_changes_nothing():
    held, links = three()
    for link in links:
        step = held.apply(link, estate.TRUST)
        assert (step.outcome, step.after) == ("replayed", held)


def test_a_missing_link_is_a_gap_until_it_is_pulled():
    held, links = three()
    short = estate.chain(A, first=4)
    step = short.apply(links[2], estate.TRUST)
    assert (step.outcome, step.after) == ("gap", short)
    for link in links[1:]:
        step = step.after.apply(link, estate.TRUST)
    assert step.after == held


@pytest.mark.parametrize("place", [0, 1, 2])
@pytest.mark.parametrize(
    "change",
    [
        {"leaf": estate.leaf(C)},
        {"index": 99},
        {"before": GENESIS},
        {"leaf": estate.leaf(A, issued=estate.NOW.plus(1))},
    ],
)
def test_another_link_at_a_held_place_is_a_fork(place, change):
    held, links = three()
    forged = replace(links[place], **change)
    if forged != links[place]:
        step = held.apply(forged, estate.TRUST)
        assert (step.outcome, step.after) == ("fork", held)


def test_a_link_that_extends_the_head_from_a_held_place_is_a_fork():
    held, _ = three()
    step = held.apply(replace(estate.link(held, directive("d"), 9), position=0), estate.TRUST)
    assert (step.outcome, step.after) == ("fork", held)


def test_the_next_link_of_another_history_is_a_fork():
    held, links = three()
    other = estate.chain(B, A, C, first=4)
    ahead = estate.link(other, directive("d"), 9)
    assert held.apply(ahead, estate.TRUST).outcome == "fork"
    older = estate.link(held, directive("d"), links[-1].index)
    assert held.apply(older, estate.TRUST).outcome == "fork"


@pytest.mark.parametrize("by", [("stranger",), ("host",), ("approver-a",), ("root",)])
def test_a_foreign_signer_is_refused_and_changes_nothing(by):
    held, _ = three()
    step = held.apply(estate.link(held, directive("d"), 9, by=by), estate.TRUST)
    assert (step.outcome, step.after) == ("refused", held)
    assert "signed this directive" in step.reason


def test_a_tampered_signature_is_refused():
    held, _ = three()
    good = estate.link(held, directive("d"), 9)
    place = good.leaf.index(b'"sig":"') + 9
    flipped = bytes([good.leaf[place] ^ 1])
    changed = replace(good, leaf=good.leaf[:place] + flipped + good.leaf[place + 1 :])
    assert held.apply(changed, estate.TRUST).outcome == "refused"
    assert held.apply(replace(changed, position=1), estate.TRUST).outcome == "refused", (
        "no forgery halts a hub"
    )


def test_an_authority_with_a_role_of_its_own_is_spoken_for_by_nobody_else():
    trust = Trust.parse(estate.own_role("us-bis", "approver-a", "approver-b", threshold=2).to_dict())
    empty = DirectiveSet()
    for by, outcome in [
        (("owner",), "refused"),
        (("approver-a",), "refused"),
        (("approver-a", "approver-b"), "applied"),
    ]:
        assert empty.apply(estate.link(empty, A, 1, by=by), trust).outcome == outcome
    other = directive("o", authority="operator")
    assert empty.apply(estate.link(empty, other, 1), trust).outcome == "applied"


def test_a_retired_key_no_longer_speaks():
    root = estate.trust_root(roles={"authority": estate.own_role("x", "approver-a").roles["x"]})
    trust = Trust.parse(root.to_dict())
    empty = DirectiveSet()
    assert empty.apply(estate.link(empty, A, 1), trust).outcome == "refused"
    assert empty.apply(estate.link(empty, A, 1, by=("approver-a",)), trust).outcome == "applied"


def test_a_document_that_travels_beside_the_log():
    empty = DirectiveSet()
    good = estate.link(empty, A, 1, inline=False)
    assert empty.apply(good, estate.TRUST).directive == A
    for document in (None, B.document, A.document + b" "):
        step = empty.apply(replace(good, document=document), estate.TRUST)
        assert (step.outcome, step.after) == ("refused", empty)


@pytest.mark.parametrize(
    ("draft", "told", "reason"),
    [
        (directive("a", cite="other"), {}, "other content"),
        (directive("x", supersedes=["nobody"]), {}, "no directive has"),
        (directive("x"), {"id": "y"}, "different directives"),
        (directive("x"), {"authority": "jp-meti"}, "different directives"),
    ],
)
def test_a_signed_link_that_is_wrong_is_void_for_everyone(draft, told, reason):
    held = estate.chain(A, B)
    step = held.apply(estate.link(held, draft, 7, **told), estate.TRUST)
    assert step.outcome == "applied"
    assert step.directive is None
    assert reason in step.reason
    assert (step.after.size, list(step.after.law)) == (8, [A, B])
    assert [index for index, _ in step.after.void] == [7]
    again = step.after.apply(estate.link(step.after, C, 8), estate.TRUST)
    assert list(again.after.law) == [A, B, C]


def test_a_statement_of_another_act_is_no_link():
    empty = DirectiveSet()
    entry = estate.acknowledgement(estate.chain(A), 1)
    assert empty.apply(Link(0, 1, GENESIS, entry), estate.TRUST).outcome == "refused"
    assert empty.apply(Link(0, 1, GENESIS, b"{}"), estate.TRUST).outcome == "refused"


def test_the_state_file_survives_and_notices_damage(tmp_path):
    held = estate.chain(A, B, C)
    step = held.apply(estate.link(held, directive("a", cite="void"), 9, inline=False), estate.TRUST)
    path = tmp_path / "directives.json"
    step.after.save(path)
    assert path.stat().st_mode & 0o777 == 0o600
    data = path.read_bytes()
    assert DirectiveSet.from_bytes(data, lambda _: estate.TRUST) == step.after
    rng = random.Random(1)
    for _ in range(60):
        place = rng.randrange(len(data))
        damaged = data[:place] + bytes([data[place] ^ (1 << rng.randrange(8))]) + data[place + 1 :]
        with pytest.raises(AccessError, match="damaged"):
            DirectiveSet.from_bytes(damaged, lambda _: estate.TRUST)
    with pytest.raises(AccessError, match="damaged"):
        DirectiveSet.from_bytes(data[:-40], lambda _: estate.TRUST)


def test_a_link_survives_its_journey():
    for inline in (True, False):
        link = estate.link(DirectiveSet(), A, 1, inline=inline)
        assert Link.from_dict(link.to_dict()) == link
    for wrong in ({}, [], None, link.to_dict() | {"leaf": "?"}, link.to_dict() | {"before": "sha256:0"}):
        with pytest.raises(FormatError):
            Link.from_dict(wrong)


@given(st.lists(st.integers(0, 5), max_size=30), st.randoms())
@settings(max_examples=40, deadline=None)
def test_links_in_any_order_with_doubles_never_go_back_and_converge(order, rng):
    full = estate.chain(*(directive(f"n{number}") for number in range(6)))
    held = DirectiveSet()
    for place in [*order, *range(6)]:
        step = held.apply(full.links[place], estate.TRUST)
        assert step.outcome in {"applied", "replayed", "gap"}
        assert step.after.size >= held.size
        held = step.after
    assert held == full
    assert rng is not None


class Hub(RuleBasedStateMachine):
    """A hub, an owner's growing chain, and an attacker who may replay, reorder, fork and forge."""

    def __init__(self):
        super().__init__()
        self.owner = DirectiveSet()
        self.rival = DirectiveSet()
        self.hub = DirectiveSet()
        self.count = 0
        self.largest = 0

    def feed(self, link):
        step = self.hub.apply(link, estate.TRUST)
        if step.outcome != "applied":
            assert step.after is self.hub
        self.hub = step.after
        return step.outcome

    @rule()
    def issue(self):
        self.count += 1
        link = estate.link(self.owner, directive(f"n{self.count}"), self.owner.size + 1)
        self.owner = self.owner.apply(link, estate.TRUST).after

    @rule(place=st.integers(0, 20))
    def push(self, place):
        if place < len(self.owner.links):
            assert self.feed(self.owner.links[place]) in {"applied", "replayed", "gap"}

    @rule()
    def fork(self):
        other = directive(f"f{self.count}", cite="rival")
        link = estate.link(self.rival, other, self.rival.size + 1)
        self.rival = self.rival.apply(link, estate.TRUST).after
        expected = {"gap"} if link.position > len(self.hub.links) else {"fork", "refused"}
        if self.hub.links:
            assert self.feed(link) in expected | {"gap"}

    @rule()
    def forge(self):
        assert (
            self.feed(estate.link(self.hub, directive("x"), self.hub.size + 1, by=("stranger",))) == "refused"
        )

    @invariant()
    def the_hub_holds_a_prefix_of_the_owners_chain(self):
        assert self.hub.links == self.owner.links[: len(self.hub.links)]
        assert self.hub.size >= self.largest
        self.largest = self.hub.size


TestHub = Hub.TestCase
TestHub.settings = settings(max_examples=25, stateful_step_count=20, deadline=None)


def test_the_head_depends_on_everything_before_it():
    heads = {
        estate.chain(*order, first=first).head
        for order in ((A, B), (B, A), (A,), (A, B, C))
        for first in (1, 2)
    }
    assert len(heads) == 8
    assert Digest.of(b"mythos directive chain v1\n") == GENESIS


def test_what_a_hub_acknowledges_is_what_a_reader_of_the_log_expects():
    from mythos.access.ledger import status

    held = estate.log(estate.leaf(A), estate.leaf(B)).held
    act = acknowledge(
        held, "tokyo", streams_cut=4, persons_refused=3, clock=estate.NOW, now=estate.NOW.plus(600)
    )
    assert (act.index, act.head) == (2, held.head)
    signed = estate.sign(act, by=("host",))
    found = status(estate.log(estate.leaf(A), estate.leaf(B), estate.grant(), signed), "b", estate.NOW)
    assert found is not None
    assert found["complete"] is True
    with pytest.raises(InputError, match="empty set"):
        acknowledge(
            DirectiveSet(), "tokyo", streams_cut=0, persons_refused=0, clock=estate.NOW, now=estate.NOW
        )
