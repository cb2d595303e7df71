"""The witness service called without a socket."""

import pytest
from starlette.testclient import TestClient

from mythos.evidence.note import COSIGNATURE, Checkpoint, Note, SigningKey
from mythos.evidence.witness import AddCheckpoint, Witness
from mythos.services.witness import witness_app

LOG, KEY = SigningKey("log.example", b"\1" * 32), SigningKey("w", b"\2" * 32, COSIGNATURE)


@pytest.fixture
def clock():
    return [1_700_000_000.9]


@pytest.fixture
def service(tmp_path, clock):
    witness = Witness(tmp_path / "w.db", KEY, {LOG.name: [LOG.verify_key]})
    with TestClient(witness_app(witness, lambda: clock[0])) as client:
        yield client
    witness.close()


def _body(size, root=b"\1" * 32):
    return AddCheckpoint(0, (), Checkpoint(LOG.name, size, root).sign(LOG)).to_bytes()


def test_a_cosignature_carries_the_clocks_second(service):
    reply = service.post("/add-checkpoint", content=_body(3))
    assert (reply.status_code, reply.headers["content-type"]) == (200, "text/plain")
    note = Note.parse(_body(3).partition(b"\n\n")[2] + reply.content)
    assert [s.time for s in note.verified([KEY.verify_key])] == [1_700_000_000]
    assert service.get("/checkpoint", params={"origin": LOG.name}).text == str(note)


def test_a_conflict_tells_its_size_with_the_specifications_type(service):
    service.post("/add-checkpoint", content=_body(3))
    reply = service.post("/add-checkpoint", content=_body(4))
    assert (reply.status_code, reply.text, reply.headers["content-type"]) == (409, "3\n", "text/x.tlog.size")


def test_a_clock_that_jumped_back_cosigns_nothing(service, clock):
    service.post("/add-checkpoint", content=_body(3))
    clock[0] -= 3600
    again = AddCheckpoint(3, (), Checkpoint(LOG.name, 3, b"\1" * 32).sign(LOG)).to_bytes()
    assert service.post("/add-checkpoint", content=again).status_code == 503


def test_what_is_not_there_is_404(service):
    assert service.get("/checkpoint", params={"origin": "other"}).status_code == 404
    assert service.get("/").status_code == 404
