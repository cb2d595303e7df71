"""The nonce lease: a silent partition ends service in time, and no clock but the hub's own is believed."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mythos.access.follow import DirectiveSet
from mythos.access.lease import DRIFT, MARGIN, Challenge, HubLease, HubView
from mythos.errors import InputError
from mythos.evidence.note import SigningKey
from mythos.units import Instant

from . import estate
from .made import directive

OWNER = SigningKey.generate("owner")
NOW = Instant.parse("2026-06-12T21:21:00Z")
HELD = estate.chain(directive("a"))
LONGER = estate.chain(directive("a"), directive("b"))
OTHER = estate.chain(directive("b"))
SECONDS = 2.0


def reply_to(challenge, owned=HELD, *, key=OWNER, seconds=SECONDS):
    _, reply, _ = HubView().answer(challenge, owned, key, NOW, seconds)
    assert reply is not None
    return reply


def nonce(number):
    return f"nonce-{number:022d}"


def exchange(hub, view, held, owned, sent, took=0.01, *, number=0, at=NOW, seconds=SECONDS):
    """One challenge and its reply; returns both sides and the two words."""
    hub, challenge = hub.ask(held, nonce(number), sent)
    view, reply, said = view.answer(challenge, owned, OWNER, at, seconds)
    heard = "nothing"
    if reply is not None:
        hub, heard = hub.receive(reply, OWNER.verify_key, held, sent + took)
    return hub, view, said, heard


def fresh():
    return HubLease("tokyo", "boot-1"), HubView()


def test_a_fresh_hub_serves_nobody_before_its_first_lease():
    hub, view = fresh()
    assert hub.serving(0.0) is None
    hub, view, said, heard = exchange(hub, view, HELD, HELD, 100.0)
    assert (said, heard) == ("granted", "granted")
    assert hub.serving(100.01) is not None


def test_the_lease_runs_from_sending_and_ends_by_itself():
    hub, _view, *_ = exchange(*fresh(), HELD, HELD, 100.0, took=1.5)
    end = 100.0 + SECONDS * (1 - DRIFT)
    assert hub.serving(end - 1e-6) is not None
    assert hub.serving(end) is None
    assert hub.serving(101.4) is None, "not before the reply came"
    late, *_ = exchange(*fresh(), HELD, HELD, 100.0, took=SECONDS + 0.1)
    assert late.serving(100.0 + SECONDS + 0.1) is None


def test_a_replayed_reply_renews_nothing():
    hub, challenge = fresh()[0].ask(HELD, nonce(0), 100.0)
    reply = reply_to(challenge)
    hub, heard = hub.receive(reply, OWNER.verify_key, HELD, 100.1)
    assert heard == "granted"
    for later in (100.2, 101.0, 500.0):
        again, heard = hub.receive(reply, OWNER.verify_key, HELD, later)
        assert (again, heard) == (hub, "stale")
    assert hub.serving(103.0) is None


def test_a_nonce_is_fresh_and_long():
    hub, _ = fresh()
    hub, _ = hub.ask(HELD, nonce(0), 1.0)
    for wrong in (nonce(0), "short"):
        with pytest.raises(InputError, match="fresh nonce"):
            hub.ask(HELD, wrong, 2.0)


def test_a_reply_to_another_hub_or_another_start_is_stale():
    for other in (HubLease("osaka", "boot-1"), HubLease("tokyo", "boot-2")):
        _, challenge = other.ask(HELD, nonce(0), 1.0)
        reply = reply_to(challenge)
        mine, _ = fresh()[0].ask(HELD, nonce(0), 1.0)
        assert mine.receive(reply, OWNER.verify_key, HELD, 1.1)[1] == "stale"


def test_a_forged_or_damaged_reply_changes_nothing():
    hub, challenge = fresh()[0].ask(HELD, nonce(0), 1.0)
    reply = reply_to(challenge, key=SigningKey.generate("owner"))
    assert hub.receive(reply, OWNER.verify_key, HELD, 1.1) == (hub, "forged")
    good = reply_to(challenge)
    for damaged in (good[:-1], good.replace(b'"sig":"', b'"sig":"A'), b"", b"{}", b"[]", b"x" * 5000):
        assert hub.receive(damaged, OWNER.verify_key, HELD, 1.1) == (hub, "forged")


def test_a_hub_that_is_behind_gets_no_lease_until_it_caught_up():
    hub, view, said, heard = exchange(*fresh(), HELD, LONGER, 100.0)
    assert (said, heard) == ("behind", "behind")
    assert hub.serving(100.1) is None
    assert view.until is None
    hub, view, said, heard = exchange(hub, view, LONGER, LONGER, 100.2, number=1)
    assert (said, heard) == ("granted", "granted")


def test_a_lease_goes_on_while_a_newer_set_is_applied():
    hub, view, *_ = exchange(*fresh(), HELD, HELD, 100.0)
    hub, view, _said, heard = exchange(hub, view, HELD, LONGER, 100.5, number=1)
    assert heard == "behind"
    assert hub.serving(101.0) is not None


def test_another_history_halts_the_hub():
    hub, challenge = fresh()[0].ask(HELD, nonce(0), 1.0)
    forged = HubView()
    _, reply, said = forged.answer(challenge, OTHER, OWNER, NOW, SECONDS)
    assert (reply, said) == (None, "ahead")
    shown = replace(challenge, head=OTHER.head)
    reply = reply_to(shown, OTHER)
    halted, heard = hub.receive(reply, OWNER.verify_key, HELD, 1.1)
    assert heard == "fork"
    assert halted.serving(1.2) is None
    hub, *_ = exchange(halted, HubView(), HELD, HELD, 2.0, number=1)
    assert hub.serving(2.1) is None, "halted until a person looked"


def test_an_owner_who_went_back_halts_the_hub():
    hub, _challenge = fresh()[0].ask(LONGER, nonce(0), 1.0)
    lied = Challenge("tokyo", "boot-1", nonce(0), HELD.size, HELD.head)
    reply = reply_to(lied)
    assert hub.receive(reply, OWNER.verify_key, LONGER, 1.1)[1] == "fork"


def test_a_disk_that_went_back_is_denied():
    view = HubView(acknowledged=LONGER.size)
    _, _, said, heard = exchange(fresh()[0], view, HELD, LONGER, 1.0)
    assert (said, heard) == ("rolled_back", "nothing")
    _, _, said, _ = exchange(fresh()[0], view, LONGER, LONGER, 1.0)
    assert said == "granted"


def test_a_clone_waits_until_the_lease_of_the_other_has_ended():
    hub, view, *_ = exchange(*fresh(), HELD, HELD, 1.0)
    clone = HubLease("tokyo", "boot-2")
    _, _, said, _ = exchange(clone, view, HELD, HELD, 1.0, at=NOW.plus(SECONDS))
    assert said == "cloned"
    _, _, said, _ = exchange(clone, view, HELD, HELD, 1.0, at=NOW.plus(SECONDS + MARGIN))
    assert said == "granted"
    _, _, said, _ = exchange(hub, view, HELD, HELD, 1.5, at=NOW.plus(0.5), number=1)
    assert said == "granted"


def test_coverage_is_red_until_acknowledged_or_surely_stopped():
    _, view, *_ = exchange(*fresh(), HELD, HELD, 1.0)
    assert view.colour(LONGER.size, NOW.plus(SECONDS)) == "red"
    assert view.colour(LONGER.size, NOW.plus(SECONDS + MARGIN)) == "stopped"
    assert replace(view, acknowledged=LONGER.size).colour(LONGER.size, NOW) == "green"
    assert HubView().colour(1, NOW) == "stopped"


def test_a_hub_that_is_told_to_halt_stays_halted():
    hub, _view, *_ = exchange(*fresh(), HELD, HELD, 1.0)
    assert hub.halt("fork").serving(1.1) is None


def test_a_shorter_lease_does_not_cut_the_one_that_runs():
    hub, view, *_ = exchange(*fresh(), HELD, HELD, 100.0, seconds=10)
    hub, view, *_ = exchange(hub, view, HELD, HELD, 101.0, number=1, seconds=1)
    assert hub.serving(109.0) is not None


@given(
    sent=st.floats(0, 1e6),
    out=st.floats(0, 5),
    back=st.floats(0, 5),
    later=st.floats(0, 30),
    skew=st.floats(-DRIFT, DRIFT),
)
@settings(max_examples=200, deadline=None)
def test_the_true_time_lies_in_the_interval_whatever_the_journey_and_the_drift(sent, out, back, later, skew):
    """The owner's clock runs 1; the hub's runs 1 + skew. Journeys take `out` and `back` true seconds."""
    rate = 1 + skew
    hub, challenge = HubLease("tokyo", "b").ask(HELD, nonce(0), sent)
    reply = reply_to(challenge, seconds=60.0)
    received = sent + (out + back) * rate
    hub, heard = hub.receive(reply, OWNER.verify_key, HELD, received)
    assert heard == "granted"
    interval = hub.serving(received + later * rate)
    assert interval is not None
    true = NOW.plus(back + later)
    assert interval[0] <= true.plus(2e-6), "instants are whole microseconds"
    assert interval[1] >= true.plus(-2e-6)


@given(st.floats(0.1, 60), st.floats(0, 5), st.floats(-DRIFT, DRIFT))
def test_the_hub_stops_before_the_owner_counts_it_as_stopped(seconds, out, skew):
    hub, challenge = HubLease("tokyo", "b").ask(HELD, nonce(0), 0.0)
    view, reply, _ = HubView().answer(challenge, HELD, OWNER, NOW, seconds)
    assert reply is not None
    hub, _ = hub.receive(reply, OWNER.verify_key, HELD, out * (1 + skew))
    assert view.until is not None
    stopped = view.until.since(NOW) + out  # true seconds from sending until the owner counts it as stopped
    assert hub.serving(stopped * (1 + skew)) is None


def test_an_empty_set_can_be_leased_too():
    _hub, _view, said, heard = exchange(*fresh(), DirectiveSet(), DirectiveSet(), 1.0)
    assert (said, heard) == ("granted", "granted")
