"""The client: addresses, stale connections, and errors that arrive as what they were."""

import json
import socket
import threading

import pytest

from mythos import errors
from mythos.errors import InputError, LogError, NetworkError, NotTrustedError, QuotaError
from mythos.evidence.client import LogClient, connection, refusal
from mythos.evidence.merkle import leaf_hash
from mythos.evidence.note import encode64


@pytest.mark.parametrize(
    "address", ["", "log", "ftp://host", "http://", "unix", "http://h:99999", "http://h:x", "http://[::1"]
)
def test_other_addresses_are_refused(address):
    with pytest.raises(InputError, match="not an address"):
        connection(address, 1.0)


def test_a_prefix_is_kept():
    assert connection("https://log.example/estate/", 1.0)[1] == "/estate"


@pytest.mark.parametrize("address", ["unix:/nowhere/log.sock", "http://127.0.0.1:1"])
def test_nobody_there_is_said(address):
    with (
        LogClient(address, timeout=1.0) as client,
        pytest.raises(NetworkError, match=f"no answer from {address}"),
    ):
        client.checkpoint()


def _server(*answers):
    """A server that gives these answers, one on each connection, and closes it; returns its port."""
    listener = socket.create_server(("127.0.0.1", 0))

    def run():
        for answer in answers:
            link, _ = listener.accept()
            link.recv(65536)
            link.sendall(answer)
            link.close()
        listener.close()

    threading.Thread(target=run, daemon=True).start()
    return listener.getsockname()[1]


def _http(status, body, kind="application/json"):
    return (
        f"HTTP/1.1 {status} X\r\ncontent-type: {kind}\r\ncontent-length: {len(body)}\r\n\r\n{body}".encode()
    )


def test_a_connection_that_went_stale_is_opened_anew():
    port = _server(_http(200, "first", "text/plain"), _http(200, "second", "text/plain"))
    with LogClient(f"http://127.0.0.1:{port}", timeout=5.0) as client:
        assert [client.checkpoint(), client.checkpoint()] == ["first", "second"]


def test_an_error_arrives_as_the_exception_it_was():
    error = NotTrustedError("the signers may not say seal", expected="owner", found="host", advice="Sign.")
    port = _server(_http(403, json.dumps(refusal(error))))
    with (
        LogClient(f"http://127.0.0.1:{port}", timeout=5.0) as client,
        pytest.raises(NotTrustedError) as caught,
    ):
        client.checkpoint()
    assert str(caught.value) == str(error)
    assert caught.value.code == error.code


@pytest.mark.parametrize("name", ["Exception", "os", "annotations", "NoSuchError", "a b", "ClassVar"])
def test_an_answer_cannot_raise_anything_but_ours(name):
    document = refusal(LogError("broken")) | {"error": name}
    port = _server(_http(500, json.dumps(document)))
    with (
        LogClient(f"http://127.0.0.1:{port}", timeout=5.0) as client,
        pytest.raises(LogError, match="broken"),
    ):
        client.checkpoint()


@pytest.mark.parametrize("body", ["", "[]", "{}", "not json", '{"error": 1, "message": 2}'])
def test_an_answer_that_is_no_error_document_is_said(body):
    port = _server(_http(502, body, "text/html"))
    with (
        LogClient(f"http://127.0.0.1:{port}", timeout=5.0) as client,
        pytest.raises(LogError, match="answered 502"),
    ):
        client.checkpoint()


def test_a_batch_is_checked_before_it_is_sent():
    with pytest.raises(InputError, match="not a batch"):
        LogClient("unix:/nowhere").append([])
    with pytest.raises(QuotaError, match="entry is too large"):
        LogClient("unix:/nowhere").append([b"x" * 65_536])


_STATUS = {"origin": "log", "acknowledged": 1, "published": 1, "witnessed": 1, "problem": ""}
_NO_LOG = ["<html>", "[]", "{}", "7", "null", "[" * 100_000, json.dumps(_STATUS | {"witnesses": []})]
_CALLS = {
    "status": LogClient.status,
    "append": lambda client: client.append([b"entry"]),
    "inclusion": lambda client: client.inclusion(0, 1),
    "consistency": lambda client: client.consistency(1, 2),
}


@pytest.mark.parametrize("body", _NO_LOG)
@pytest.mark.parametrize("call", _CALLS)
def test_a_service_that_is_no_log_is_named(call, body):
    with (
        LogClient(f"http://127.0.0.1:{_server(_http(200, body))}", timeout=5.0) as client,
        pytest.raises(LogError, match=r"127\.0\.0\.1:\d+ does not answer as a log does"),
    ):
        _CALLS[call](client)


def test_places_of_other_entries_than_were_sent_are_not_taken():
    body = json.dumps({"first": 0, "size": 1, "leafHashes": [encode64(leaf_hash(b"another"))]})
    with (
        LogClient(f"http://127.0.0.1:{_server(_http(200, body))}", timeout=5.0) as client,
        pytest.raises(LogError, match="about other entries"),
    ):
        client.append([b"entry"])


def test_an_answer_without_end_is_not_read_to_its_end(monkeypatch):
    monkeypatch.setattr("mythos.evidence.client.MAX_ANSWER", 1000)
    with (
        LogClient(f"http://127.0.0.1:{_server(_http(200, 'x' * 1001))}", timeout=5.0) as client,
        pytest.raises(NetworkError, match="answers too much"),
    ):
        client.checkpoint()


def test_every_error_of_the_tree_can_travel():
    for name in ("QuotaError", "KeyReusedError", "LogFullError", "MalformedError", "ClockError"):
        assert issubclass(getattr(errors, name), errors.MythosError)
