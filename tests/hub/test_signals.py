"""A pushed signal cuts whoever it makes unknown, before it is answered, and stays so after a restart."""

import asyncio
import json
from pathlib import Path
from typing import Any, cast

import httpx
import pytest

pytest.importorskip("joserfc", reason="the extra oidc is not installed: pip install 'mythos-hub[oidc]'")

from joserfc import jws
from joserfc.jwk import ECKey
from starlette.applications import Starlette
from tests.hub.orders import NOW, order, people, world
from tests.hub.test_enforcement import run, site, until

from mythos.access.signals import Transmitter
from mythos.errors import AccessError
from mythos.hub import signals
from mythos.hub.enforcement_people import People
from mythos.hub.signals import Signals, read_transmitter
from mythos.units import Instant

KEY = ECKey.generate_key("P-256", {"kid": "k", "use": "sig"})
JWKS = {"keys": [KEY.as_dict(private=False)]}
LISTENING = Transmitter("https://id.example", "hub")
HEADERS = {"content-type": "application/secevent+jwt"}
REVOKED = "https://schemas.openid.net/secevent/caep/event-type/session-revoked"


def pushed(subject: str = "alice", **more: object) -> str:
    said = {
        "iss": "https://id.example", "aud": "hub", "iat": NOW.micros // 1_000_000, "jti": subject,
        "sub_id": {"format": "iss_sub", "iss": "https://id.example", "sub": subject}, "events": {REVOKED: {}},
    } | more  # fmt: skip
    header = {"alg": "ES256", "kid": "k", "typ": "secevent+jwt"}
    return jws.serialize_compact(header, json.dumps(said).encode(), KEY)


def everyone() -> People:
    """The usual people, and a citizen whom the identity provider calls alice."""
    known = people()
    alice = known.persons["citizen"]
    one = alice._replace(id="https://id.example|alice")
    return People({**known.persons, one.id: one}, known.chains, known.entities)


def test_a_revoked_session_ends_the_stream_and_survives_a_restart(tmp_path: Path) -> None:
    async def scenario() -> None:
        given = world()
        await given.say(order())
        async with site(given, tmp_path) as hub:
            await hub.enforcement.leased.wait()
            hub.enforcement.meet(everyone())
            tasks = [hub.stream("https://id.example|alice"), hub.stream("citizen")]
            await until(lambda: len(hub.ended) == 2)
            heard = Signals(tmp_path / "signals.jsonl", LISTENING, JWKS, given.now)
            app = Starlette(routes=heard.routes(hub.enforcement))
            transport = httpx.ASGITransport(app)
            async with httpx.AsyncClient(transport=transport, base_url="http://hub") as client:
                answer = await client.post("/v1/signals", content=pushed(), headers=HEADERS)
                assert answer.status_code == 202
                await until(lambda: hub.ended["https://id.example|alice"] == "needs_fact")
                assert hub.ended["citizen"] == "running"
                assert (
                    await client.post("/v1/signals", content=pushed(), headers=HEADERS)
                ).status_code == 202
                nobody = await client.post("/v1/signals", content=pushed("nobody"), headers=HEADERS)
                assert nobody.status_code == 202
                for body, headers in [
                    (pushed(iss="https://evil.example"), HEADERS),
                    (pushed(), {"content-type": "application/json"}),
                    ("x" * 100_000, HEADERS),
                    ("", HEADERS),
                ]:
                    refused = await client.post("/v1/signals", content=body, headers=headers)
                    assert refused.status_code == 400
                    assert "alice" not in refused.text
            lines = (tmp_path / "signals.jsonl").read_text().splitlines()
            assert [json.loads(line)["person"].partition("|")[2] for line in lines] == ["alice", "nobody"]
            again = Signals(tmp_path / "signals.jsonl", LISTENING, JWKS, lambda: given.now().plus(120))
            before = again.known(everyone(), Instant(0)).persons["https://id.example|alice"]
            after = again.known(everyone(), given.now().plus(60)).persons["https://id.example|alice"]
            assert (before.facts.citizenships, after.facts.citizenships) == (None, ("US",))
            assert again.known(everyone(), Instant(0)).persons["citizen"].facts.citizenships == ("US",)
            hub.enforcement.meet(people(citizen={"citizenships": ["FR"]}))
            await asyncio.gather(*tasks)

    run(scenario())


class Ear:
    """An enforcement that only holds people."""

    def __init__(self) -> None:
        self.people = everyone()

    def meet(self, people: People) -> None:
        self.people = people

    def known(self, name: str = "alice") -> bool:
        return self.people.persons[f"https://id.example|{name}"].facts.citizenships is not None


def push(heard: Signals, ear: Any, *bodies: str, headers: dict[str, str] = HEADERS) -> list[int]:
    async def scenario() -> list[int]:
        transport = httpx.ASGITransport(Starlette(routes=heard.routes(ear)), raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://hub") as client:
            return [
                (await client.post("/v1/signals", content=body, headers=headers)).status_code
                for body in bodies
            ]

    return asyncio.run(scenario())


def listen(path: Path, now: Instant = NOW) -> Signals:
    return Signals(path, LISTENING, JWKS, lambda: now)


def test_a_full_disk_keeps_the_transmitter_trying_and_not_the_person_in(tmp_path: Path) -> None:
    ear = Ear()
    heard = listen(tmp_path / "gone" / "signals.jsonl")
    assert push(heard, ear, pushed()) == [500]
    assert not ear.known()
    assert heard.known(everyone(), NOW).persons["https://id.example|alice"].facts.citizenships is None
    (tmp_path / "gone").mkdir()
    assert push(heard, ear, pushed(), pushed()) == [202, 202]
    assert len((tmp_path / "gone" / "signals.jsonl").read_bytes().splitlines()) == 1


def test_a_token_that_does_not_arrive_holds_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signals, "_PATIENCE", 0.05)
    heard, sent = listen(tmp_path / "s.jsonl"), []

    async def receive() -> dict[str, Any]:
        await asyncio.sleep(0.02)
        return {"type": "http.request", "body": b"e", "more_body": True}

    async def send(message: Any) -> None:
        sent.append(message)

    async def scenario() -> None:
        headers = [(b"content-type", b"application/secevent+jwt")]
        scope = {
            "type": "http",
            "method": "POST",
            "path": "/v1/signals",
            "headers": headers,
            "query_string": b"",
        }
        async with asyncio.timeout(5):
            await Starlette(routes=heard.routes(cast("Any", Ear())))(scope, receive, send)

    asyncio.run(scenario())
    assert sent[0]["status"] == 400


def test_signals_about_others_do_not_push_a_person_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(signals, "_KEPT", 3)
    path, ear = tmp_path / "signals.jsonl", Ear()
    heard = listen(path)
    heard.known(everyone(), NOW)
    assert set(push(heard, ear, pushed(), *(pushed(f"u{n % 20}", jti=f"j{n}") for n in range(60)))) == {202}
    assert len(path.read_bytes().splitlines()) < 35  # not one for every signal
    again = listen(path, NOW.plus(5))
    name = "https://id.example|alice"
    assert again.known(everyone(), NOW).persons[name].facts.citizenships is None
    assert push(again, Ear(), pushed()) == [202]
    assert again.known(everyone(), NOW.plus(1)).persons[name].facts.citizenships == ("US",)
    assert len(path.read_bytes().splitlines()) == 3


@pytest.mark.parametrize("slow", [0, 600, -600])
def test_a_hub_whose_clock_is_wrong_hears_and_remembers(tmp_path: Path, slow: int) -> None:
    ear = Ear()
    assert push(listen(tmp_path / "s.jsonl", NOW.plus(-slow)), ear, pushed()) == [202]
    assert not ear.known()
    again = listen(tmp_path / "s.jsonl").known(everyone(), NOW)
    assert again.persons["https://id.example|alice"].facts.citizenships is None


def test_a_file_from_the_future_makes_nobody_known_again(tmp_path: Path) -> None:
    push(listen(tmp_path / "s.jsonl"), Ear(), pushed())
    for written, known in ((0, None), (5, ("US",)), (10, ("US",)), (11, None), (600, None)):
        again = listen(tmp_path / "s.jsonl", NOW.plus(10)).known(everyone(), NOW.plus(written))
        assert again.persons["https://id.example|alice"].facts.citizenships == known


def test_a_line_that_was_cut_short_was_not_answered_and_a_damaged_file_is_told(tmp_path: Path) -> None:
    path, ear = tmp_path / "s.jsonl", Ear()
    push(listen(path), ear, pushed())
    whole = path.read_bytes()
    path.write_bytes(whole + whole[:40])
    push(listen(path), ear, pushed("bob"))
    assert [json.loads(line)["person"][-3:] for line in path.read_bytes().splitlines()] == ["ice", "bob"]
    for damage in (b"{}\n", b"x\n", b'{"person": "a", "heard": "soon", "token": "b"}\n'):
        path.write_bytes(whole + damage)
        with pytest.raises(AccessError, match="damaged"):
            listen(path)


def test_the_type_of_the_body_is_told_without_regard_to_case(tmp_path: Path) -> None:
    headers = {"content-type": "Application/SecEvent+JWT; charset=us-ascii"}
    assert push(listen(tmp_path / "s.jsonl"), Ear(), pushed(), headers=headers) == [202]


@pytest.mark.parametrize(
    "text",
    [
        "\xff",
        '{"issuer": "a", "audience": "b", "jwks": {"keys": []}}',
        "{}",
        '{"issuer": "a", "audience": "b"}',
        "[]",
        '{"issuer": 1, "audience": "b", "jwks": {}}',
    ],
)
def test_what_names_no_transmitter(tmp_path: Path, text: str) -> None:
    (tmp_path / "t.json").write_bytes(text.encode("latin-1"))
    with pytest.raises(AccessError):
        read_transmitter(tmp_path / "t.json")
