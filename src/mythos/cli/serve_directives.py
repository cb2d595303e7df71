"""How `mythos serve` obeys directives: where they come from, and who stands behind its keys."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from mythos.cli.shared import Home, say
from mythos.errors import AccessError, InputError, NoTrustError

if TYPE_CHECKING:
    from mythos.hub.admission import Admission
    from mythos.hub.enforcement import Enforcement
    from mythos.hub.receipts import Receipts
    from mythos.hub.signals import Signals


def obeying(
    home: Home,
    party: str,
    address: str | None,
    persons: Path | None,
    entities: Path | None,
    heard: Signals | None,
) -> Callable[[Admission, Receipts], Enforcement] | None:
    """What makes a hub obey the directives of `address`; None without one.

    Raises:
        InputError: files or signals about people, and no service whose directives would ask for them.
        NoTrustError: no policy to judge directives by.
        AccessError: a file about people is wrong.
    """
    import asyncio
    import signal

    from mythos.cli.parties import signing_key
    from mythos.evidence.policy import Policy
    from mythos.hub.enforcement import Enforcement
    from mythos.hub.enforcement_people import Orders, People
    from mythos.units import Instant

    if address is None:
        if persons or entities or heard:
            raise InputError("something about people, and no directives", advice="Add --directives ADDRESS.")
        return None
    if not home.policy.exists():
        raise NoTrustError(f"no policy at {home.policy}", advice="Make one: mythos trust init")

    def read() -> People:
        written = Instant(persons.stat().st_mtime_ns // 1_000 if persons else 0)
        people = People.read(
            persons.read_bytes() if persons else b"", entities.read_bytes() if entities else b""
        )
        return heard.known(people, written) if heard else people

    orders = Orders(address, Policy.parse(home.policy.read_bytes()), read())
    signer, folder = signing_key(home, party), home.party(party)

    def make(admission: Admission, receipts: Receipts) -> Enforcement:
        enforcement = Enforcement(orders, folder, signer, admission, receipts)

        def reread() -> None:
            try:
                enforcement.meet(read())
            except (AccessError, OSError) as error:
                say(f"the files about people are not read again: {error}")

        asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, reread)
        return enforcement

    return make


def hearing(home: Home, party: str, transmitter: Path | None) -> Signals | None:
    """What hears an identity provider's signals; None without one.

    Raises:
        AccessError: the file names no transmitter.
    """
    if transmitter is None:
        return None
    from mythos.files import private_folder
    from mythos.hub.signals import Signals, read_transmitter

    folder = private_folder(home.party(party) / "directives")
    return Signals(folder / "signals.jsonl", *read_transmitter(transmitter))
