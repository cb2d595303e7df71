"""What custody's commands share: a party's keys, its own view of the log, and the wait for witnesses."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mythos.cli.shared import Home
from mythos.errors import InputError, NoTrustError

if TYPE_CHECKING:
    from mythos.custody.approver import Follower
    from mythos.custody.keys import HpkePrivateKey
    from mythos.evidence.client import LogClient
    from mythos.evidence.note import SigningKey


def signing_key(home: Home, party: str) -> SigningKey:
    """A party's signing key, 0600, or an error that says how to make it."""
    from mythos.evidence.note import SigningKey
    from mythos.files import read_private

    path = home.key(party)
    if not path.exists():
        raise InputError(f"no key {path}", advice=f"Make it: mythos keys new --as {party}")
    return SigningKey.parse(read_private(path).decode())


def hpke_key(home: Home, party: str) -> HpkePrivateKey:
    """A party's HPKE key, 0600, or an error that says how to make it."""
    from mythos.custody.keys import HpkePrivateKey
    from mythos.files import read_private

    path = home.key(party).with_suffix(".hpke")
    if not path.exists():
        raise InputError(f"no HPKE key {path}", advice=f"Make it: mythos keys new --as {party} --hpke")
    return HpkePrivateKey.parse(read_private(path).decode())


def release_services(home: Home) -> dict[str, str]:
    """Where the approvers of this home answer, by the name of their key."""
    local = {path.stem.removeprefix("release-") for path in home.runtime.glob("release-*.sock")}
    return {name: home.address(f"release-{name}") for name in {"approver-a", "approver-b"} | local}


def log_client(home: Home, log: str | None) -> LogClient:
    """The log service."""
    from mythos.evidence.client import LogClient

    return LogClient(log or home.address("log"))


def follower(home: Home, client: LogClient) -> Follower:
    """The log as this home's policy allows to believe it."""
    from mythos.custody.approver import Follower
    from mythos.evidence.policy import Policy

    if not home.policy.exists():
        raise NoTrustError(f"no policy at {home.policy}", advice="Make one: mythos trust init")
    return Follower(client, Policy.parse(home.policy.read_bytes()))
