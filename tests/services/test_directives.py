"""The owner's push service over HTTP: only hubs that a grant names are heard, and only their own words count."""

import base64
import json
from dataclasses import replace
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from mythos.access.lease import Challenge
from mythos.cli.drill_estate import MODEL, services
from mythos.evidence.note import SigningKey
from mythos.evidence.policy import Policy
from mythos.evidence.predicates import Directive, DirectiveAcknowledgement
from mythos.evidence.statement import Envelope, Subject
from mythos.hub.enforcement_state import Followed
from mythos.hub.enforcement_wire import question, read_told
from mythos.services.directives import Board, directives_app
from mythos.units import Digest, Instant

BOOT = "0" * 32


@pytest.fixture(scope="module")
def estate():
    with services(["hub-a", "hub-b"]) as (running, keys):
        document = json.dumps(
            {
                "id": "d-1", "authority": "test", "kind": "order", "effective": "2026-01-01T00:00:00Z",
                "models": [MODEL], "acts": ["access"], "who": {"any": True}, "effect": "refuse",
            }
        ).encode()  # fmt: skip
        act = Directive("d-1", "test", base64.b64encode(document).decode(), Instant.now())
        subject = Subject("d-1", Digest.of(document))
        running.log.append([Envelope.sign(act.statement(subject), running.owner).to_bytes()])
        policy = Policy.parse(Path(running.home.policy).read_bytes())
        app = directives_app(lambda: Board(running.home.address("log"), running.owner, policy))
        with TestClient(app) as client:
            client.post("/v1/read")
            yield client, keys, policy


def follow(client, key, hub="hub-a", nonce="n" * 32, **more):
    about = {"path": "/v1/follow", "nonce": nonce, "after": 0, "links": 0, "wait": 0} | more
    return client.post("/v1/follow", content=question(hub, about, key))


def news(client, keys, policy, nonce="n" * 32, **more):
    reply = follow(client, keys["hub-a"], nonce=nonce, **more)
    owners = lambda told: Followed(policy).learn(told.entries).owners()  # noqa: E731
    return read_told(reply.content, "hub-a", nonce, owners)


def lease(client, key, held, hub="hub-a", path="/v1/lease", **more):
    challenge = replace(Challenge(hub, BOOT, "x" * 32, held.size, held.head), **more)
    about = {"path": path, "challenge": challenge.to_dict()}
    return client.post("/v1/lease", content=question(hub, about, key))


def held(client, keys, policy):
    return Followed(policy).take(news(client, keys, policy))[0]


def test_a_hub_is_told_what_the_log_holds_and_can_check_it(estate):
    client, keys, policy = estate
    state, outcome, _ = Followed(policy).take(news(client, keys, policy))
    assert (outcome, [one.id for one in state.held.law]) == ("applied", ["d-1"])
    assert state.lineage.model(MODEL).bears > {MODEL}
    again = read_told(
        follow(client, keys["hub-a"], after=state.size, links=1).content,
        "hub-a",
        "n" * 32,
        lambda _: state.owners(),
    )
    assert (again.links, again.entries) == ([], [])


def test_news_for_another_nonce_or_hub_is_not_believed(estate):
    client, keys, policy = estate
    told = follow(client, keys["hub-a"]).content
    from mythos.errors import EvidenceError

    for hub, nonce in (("hub-a", "m" * 32), ("hub-b", "n" * 32)):
        with pytest.raises(EvidenceError, match="not signed by the owner"):
            read_told(told, hub, nonce, lambda news: Followed(policy).learn(news.entries).owners())


def test_strangers_and_other_hubs_are_not_heard(estate):
    client, keys, policy = estate
    state = held(client, keys, policy).held
    stranger = SigningKey.generate("hub-a")
    answers = [
        follow(client, stranger), follow(client, keys["hub-b"]), follow(client, keys["hub-a"], hub="hub-c"),
        lease(client, stranger, state), lease(client, keys["hub-a"], state, path="/v1/follow"),
    ]  # fmt: skip
    assert [(one.status_code, one.json()["code"]) for one in answers] == [(403, "evidence")] * 5
    assert not any(b"d-1" in one.content for one in answers)


@pytest.mark.parametrize(
    "junk", [b"", b"{}", b"[]", b"\xff" * 100, b'{"payload":"e30=","sig":""}', b"a" * 70_000]
)
@pytest.mark.parametrize("path", ["/v1/follow", "/v1/lease", "/v1/acknowledge"])
def test_junk_is_refused(estate, path, junk):
    client, _, _ = estate
    assert client.post(path, content=junk).status_code in {400, 403, 413}


def test_a_lease_is_for_the_newest_set_and_one_start_of_a_hub(estate):
    client, keys, policy = estate
    state = held(client, keys, policy).held
    granted = lease(client, keys["hub-a"], state)
    assert granted.status_code == 200
    behind = lease(client, keys["hub-a"], state, size=0, head=Followed(policy).held.head)
    assert behind.status_code == 200  # signed, and says how far the owner is
    cloned = lease(client, keys["hub-a"], state, boot="1" * 32)
    ahead = lease(client, keys["hub-b"], state, hub="hub-b", size=state.size + 5)
    assert [(one.status_code, one.json()["code"]) for one in (cloned, ahead)] == [
        (403, "cloned"),
        (403, "ahead"),
    ]


def acknowledgement(state, key, hub="hub-b", head=None):
    now = Instant.now()
    act = DirectiveAcknowledgement(hub, state.links[-1].index, head or state.head, 3, 2, now, now)
    return Envelope.sign(act.statement(Subject(hub, state.head)), key).to_bytes()


def test_coverage_is_live_and_only_a_hubs_own_word_counts(estate):
    client, keys, policy = estate
    state = held(client, keys, policy).held
    lease(client, keys["hub-b"], state, hub="hub-b")
    before = client.get("/v1/status/d-1").json()
    assert {row["hub"]: row["state"] for row in before["hubs"]}["hub-b"] == "red"
    forged = client.post("/v1/acknowledge", content=acknowledgement(state, keys["hub-a"]))
    assert forged.status_code == 403
    assert client.post("/v1/acknowledge", content=acknowledgement(state, keys["hub-b"])).status_code == 200
    rows = {row["hub"]: row for row in client.get("/v1/status/d-1").json()["hubs"]}
    assert (rows["hub-b"]["state"], rows["hub-b"]["streams_cut"], rows["hub-b"]["persons_refused"]) == (
        "green",
        3,
        2,
    )
    other = client.post(
        "/v1/acknowledge", content=acknowledgement(state, keys["hub-b"], head=Digest(bytes(32)))
    )
    assert (other.status_code, other.json()["code"]) == (403, "other_head")
    rows = {row["hub"]: row for row in client.get("/v1/status/d-1").json()["hubs"]}
    assert rows["hub-b"]["state"] == "red"  # it also signed for another history: an alarm


def test_unknown_directives_and_health(estate):
    client, _, _ = estate
    assert client.get("/v1/status/nothing").status_code == 404
    assert client.get("/healthz").text == "ok\n"
