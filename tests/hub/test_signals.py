"""A pushed signal cuts whoever it makes unknown, before it is answered, and stays so after a restart."""

import asyncio
import json
from pathlib import Path

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
            again = Signals(tmp_path / "signals.jsonl", LISTENING, JWKS, given.now)
            before = again.known(everyone(), Instant(0)).persons["https://id.example|alice"]
            after = again.known(everyone(), given.now().plus(60)).persons["https://id.example|alice"]
            assert (before.facts.citizenships, after.facts.citizenships) == (None, ("US",))
            assert again.known(everyone(), Instant(0)).persons["citizen"].facts.citizenships == ("US",)
            hub.enforcement.meet(people(citizen={"citizenships": ["FR"]}))
            await asyncio.gather(*tasks)

    run(scenario())


@pytest.mark.parametrize(
    "text", ["{}", '{"issuer": "a", "audience": "b"}', "[]", '{"issuer": 1, "audience": "b", "jwks": {}}']
)
def test_what_names_no_transmitter(tmp_path: Path, text: str) -> None:
    (tmp_path / "t.json").write_text(text)
    with pytest.raises(AccessError):
        read_transmitter(tmp_path / "t.json")
