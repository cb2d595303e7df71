"""The log service with two real witness services over Unix sockets, and its command line beside it."""

import http.client
import json
import shutil
import tempfile
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
import uvicorn
from starlette.applications import Starlette

from mythos.errors import (
    InconsistentError,
    InputError,
    KeyReusedError,
    LogError,
    MalformedError,
    NotTrustedError,
    QuotaError,
)
from mythos.evidence import predicates as acts
from mythos.evidence.client import LogClient, Peer
from mythos.evidence.estate import Holder, first_root, policy_text
from mythos.evidence.log import Log, Quota
from mythos.evidence.merkle import leaf_hash, unpack, verify_consistency, verify_inclusion
from mythos.evidence.note import COSIGNATURE, Checkpoint, Note, SigningKey
from mythos.evidence.policy import Policy
from mythos.evidence.proof import Proof
from mythos.evidence.publish import Publisher
from mythos.evidence.statement import Envelope, Subject
from mythos.evidence.tiles import Projection
from mythos.evidence.witness import Witness
from mythos.services import serve
from mythos.services.log import News, log_app
from mythos.services.witness import witness_app
from mythos.units import Digest, Instant

LOG = SigningKey("log.example", b"\1" * 32)
WITNESSES = [
    SigningKey(name, seed * 32, COSIGNATURE) for name, seed in (("regulator", b"\2"), ("host-witness", b"\3"))
]
KEYS = {
    n: SigningKey(n, bytes([i]) * 32)
    for i, n in enumerate(("owner", "root", "approver-a", "approver-b", "host"), 10)
}
WHEN = Instant.parse("2026-06-12T17:21:00Z")
ROOT = first_root(
    {n: Holder(k.verify_key, n) for n, k in KEYS.items()},
    LOG.verify_key,
    [w.verify_key for w in WITNESSES],
    verifier=None,
    now=WHEN,
)
POLICY = Policy.parse(policy_text(ROOT))
TRUST = Envelope.sign(ROOT.statement(), *(KEYS[n] for n in ("root", "approver-a", "approver-b"))).to_bytes()


def _act(number, key="host"):
    usage = acts.Usage("hub", WHEN, WHEN, number, number, None)
    return Envelope.sign(usage.statement(Subject("model", Digest.of(b"w"))), KEYS[key]).to_bytes()


def _evaluation(suite):
    statement = acts.Evaluation(suite, (), WHEN).statement(Subject("model", Digest.of(b"w")))
    return Envelope.sign(statement, KEYS["owner"]).to_bytes()


class _Running:
    """A uvicorn server in a thread."""

    def __init__(self, app, path):
        self.server = uvicorn.Server(uvicorn.Config(app, uds=str(path), log_level="error", ws="none"))
        self.thread = threading.Thread(target=self.server.run)
        self.thread.start()
        while not self.server.started:
            time.sleep(0.005)

    def stop(self):
        self.server.should_exit = True
        self.thread.join()


@pytest.fixture(scope="module")
def world():
    """A log with its trust root, two witnesses, and a client."""
    folder = Path(tempfile.mkdtemp(prefix="mythos-test-"))
    running, addresses = [], []
    for key in WITNESSES:
        witness = Witness(folder / f"{key.name}.db", key, {LOG.name: [LOG.verify_key]})
        addresses.append(f"unix:{folder / key.name}")
        running.append(_Running(witness_app(witness), folder / key.name))
    log = Log.open(folder / "log", LOG, policy=POLICY, quota=Quota(5_000))
    news, projection = News(), Projection(folder / "log")
    publisher = Publisher(log, projection, POLICY, addresses, news.tell)
    running.append(_Running(log_app(log, projection, publisher, news), folder / "sock"))
    client = LogClient(f"unix:{folder / 'sock'}")
    client.append([TRUST])
    yield SimpleNamespace(client=client, folder=folder, addresses=addresses)
    client.close()
    for server in reversed(running):
        server.stop()
    shutil.rmtree(folder)


@pytest.fixture
def client(world):
    return world.client


def test_append_wait_and_prove(client):
    entry = _act(1)
    [place] = client.append([entry], "act 1")
    text = client.wait(place.index + 1)
    note = Note.parse(text)
    head = Checkpoint.parse(note.text)
    assert len(note.verified([LOG.verify_key, *(w.verify_key for w in WITNESSES)])) == 3
    assert place.leaf_hash == leaf_hash(entry)
    verify_inclusion(
        place.leaf_hash, place.index, head.size, client.inclusion(place.index, head.size), head.root
    )
    assert client.entries(place.index, place.index + 1) == [entry]
    proof = Proof.parse(client.proof(place.index))
    assert proof.verify(leaf_hash(entry)).size >= head.size
    assert client.append([entry], "act 1") == [place]


def test_one_act_is_witnessed_in_well_under_a_tenth_of_a_second(client):
    times = []
    for number in range(100, 115):
        started = time.perf_counter()
        [place] = client.append([_act(number)])
        client.wait(place.index + 1)
        times.append(time.perf_counter() - started)
    assert sorted(times)[len(times) // 2] < 0.1


def test_a_thousand_entries_in_one_call(client):
    entries = [_act(number) for number in range(1000, 2000)]
    places = client.append(entries)
    assert [p.index - places[0].index for p in places] == list(range(1000))
    assert client.entries(places[0].index, places[-1].index + 1) == entries
    old, new = places[0].index, places[-1].index + 1
    head = Checkpoint.parse(Note.parse(client.wait(new)).text)
    proof = client.consistency(old, head.size)
    with pytest.raises(InconsistentError):
        verify_consistency(old, head.size, proof, b"\0" * 32, head.root)


def test_static_files_are_served(client):
    [*_, last] = client.append([_act(number) for number in range(3000, 3300)])
    client.wait(last.index + 1, "published")
    for path, kind in (
        ("/checkpoint", "text/plain"),
        ("/tile/0/000", "application/octet-stream"),
        ("/tile/entries/000", "application/octet-stream"),
    ):
        reply = client.request("GET", path)
        assert (reply.status, reply.content_type) == (200, kind), path
    assert unpack(client.request("GET", "/tile/entries/000").body)[0] == TRUST
    for path in (
        "/tile/0/999",
        "/tile/0/../../log.db",
        "/tile/../lock",
        "/tile/0/1",
        "/tile/0/000.p/0000",
        "/tile//etc/passwd",
    ):
        assert client.request("GET", path).status == 404, path


def test_errors_travel_with_their_names(client):
    client.append([_act(5)], "key 5")
    for call, error in (
        (lambda: client.append([b"{}"]), MalformedError),
        (lambda: client.append([_act(1, "owner")]), NotTrustedError),
        (lambda: client.append([_act(6)], "key 5"), KeyReusedError),
        (lambda: client.append([_act(7)], "k" * 300), InputError),
        (lambda: client.inclusion(10**6, 10**7), InputError),
        (lambda: client.consistency(0, 1), InputError),
        (lambda: client.wait(10**9, "witnessed", 0.2), LogError),
        (lambda: client.proof(10**9), LogError),
    ):
        with pytest.raises(error):
            call()
    reply = client.request("GET", "/v1/inclusion?index=x&size=1")
    assert (reply.status, json.loads(reply.body)["error"]) == (400, "MalformedError")
    assert client.request("GET", "/wait?size=1&state=believed").status == 400
    for timeout in ("", "-1", "nan", "1e9", "inf"):
        assert client.request("GET", f"/wait?size=1&timeout={timeout}").status == 400
    assert client.request("POST", "/v1/append", b"\0\5abc").status == 400
    assert client.request("POST", "/v1/append", b"").status == 400


def test_a_signer_that_floods_is_held_up(client):
    batches = [[_evaluation(f"{start} {i}") for i in range(1000)] for start in range(10)]
    with pytest.raises(QuotaError, match="at most 5000 entries a minute"):
        [client.append(batch) for batch in batches]
    assert client.request("GET", "/healthz").status == 200


def test_many_waiters_do_not_hold_up_appends(client, world):
    size = client.status()["acknowledged"]
    with_next = []

    def wait():
        with LogClient(f"unix:{world.folder / 'sock'}") as own:
            with_next.append(own.wait(size + 1, "witnessed", 20))

    threads = [threading.Thread(target=wait) for _ in range(60)]
    for thread in threads:
        thread.start()
    time.sleep(0.2)
    client.append([_act(90_000)])
    for thread in threads:
        thread.join()
    assert len(with_next) == 60


def test_status_tells_the_three_states_and_every_witness(client, world):
    client.wait(client.status()["acknowledged"])
    found = client.status()
    assert found["origin"] == LOG.name
    assert found["acknowledged"] == found["published"] == found["witnessed"]
    assert set(found["witnesses"]) == set(world.addresses)
    assert found["problem"] == ""


def test_a_request_over_the_limit_is_refused_while_it_is_read(world, monkeypatch):
    monkeypatch.setattr("mythos.services.log.MAX_BODY", 1000)
    with (
        LogClient(f"unix:{world.folder / 'sock'}") as own,
        pytest.raises(QuotaError, match="request is too large"),
    ):
        own.append([b"x" * 900, b"x" * 900])


def test_the_witness_service_speaks_the_specification(world):
    world.client.wait(1)
    with Peer(world.addresses[0]) as peer:
        assert peer.request("GET", "/key").body.decode() == f"{WITNESSES[0].verify_key}\n"
        assert peer.request("POST", "/add-checkpoint", b"nonsense").status == 400
        assert peer.request("POST", "/add-checkpoint", b"x" * 200_000).status == 400
        assert peer.request("GET", f"/checkpoint?origin={LOG.name}").status == 200
        assert peer.request("GET", "/checkpoint?origin=other").status == 404
        assert peer.request("GET", "/add-checkpoint").status == 405


def test_an_address_to_serve_on_is_checked():
    for address in ("", "tcp:1", "http://host", "https://127.0.0.1:1"):
        with pytest.raises(InputError, match="address to serve on"):
            serve(Starlette(), address)


def test_a_plain_http_client_needs_nothing_of_ours(world):
    import socket

    link = http.client.HTTPConnection("localhost")
    link.sock = socket.socket(socket.AF_UNIX)
    link.sock.connect(str(world.folder / "sock"))
    link.request("GET", "/checkpoint")
    answer = link.getresponse()
    assert answer.status == 200
    assert answer.read().startswith(b"log.example\n")
    link.close()
