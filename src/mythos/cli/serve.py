"""`mythos serve`: open a granted model in a confined engine and answer over HTTP."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from mythos.cli.shared import (
    Home,
    as_option,
    emit,
    home_option,
    hub_folder,
    hub_option,
    json_option,
    log_option,
    say,
)

_FILE = click.Path(path_type=Path, exists=True, dir_okay=False)


@click.command()
@home_option
@as_option("host")
@click.option("--grant", required=True, metavar="DIGEST", help="The grant: its leaf in the log.")
@click.option(
    "--sealed", required=True, type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="The sealed folder that was granted.",
)  # fmt: skip
@click.option(
    "--adapter", type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="A sealed adapter of this base, served in its stead: `mythos sandbox adapt`.",
)  # fmt: skip
@click.option("--adapter-grant", metavar="DIGEST", help="The adapter's own grant.")
@click.option("--port", default=8642, show_default=True)
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option(
    "--name", "names", multiple=True, metavar="HOST", help="A host name it may be called by. Repeatable."
)
@click.option(
    "--release", "releases", multiple=True, metavar="KEYNAME=ADDRESS",
    help="An approver's release service. Default: the home's own sockets. Repeatable.",
)  # fmt: skip
@click.option("--context", default=4096, show_default=True, help="Tokens of one request, prompt and answer.")
@click.option("--slots", default=2, show_default=True, help="Requests answered at once.")
@click.option("--threads", default=0, help="Computing threads. Default: one for each core.")
@click.option("--no-renew", is_flag=True, help="Ask for no renewal: the lease's end is the end.")
@click.option("--retention", default=7, show_default=True, help="Days that transcripts are kept.")
@click.option("--directives", metavar="ADDRESS", help="Obey the directives of this service, or serve nobody.")
@click.option("--persons", type=_FILE, help="JSONL: who stands behind each key, by its tenant's name.")
@click.option("--entities", type=_FILE, help="JSONL: the entities of these persons.")
@click.option(
    "--signals", "transmitter", type=_FILE,
    help='JSON {"issuer", "audience", "jwks"}: whose Shared Signals at /v1/signals are heard.',
)  # fmt: skip
@click.option(
    "--data", "data", multiple=True, metavar="NAME=FOLDER",
    help="A folder with a catalog.yaml, asked at /v1/ask by the people it lists. Repeatable.",
)  # fmt: skip
@click.option(
    "--region", metavar="CC", help="The country where this hub is; needed where data has records.yaml."
)
@hub_option
@log_option
@json_option
def command(
    home: Home, party: str, grant: str, sealed: Path, adapter: Path | None, adapter_grant: str | None,
    port: int, host: str, names: Sequence[str], releases: Sequence[str], context: int, slots: int,
    threads: int, no_renew: bool, retention: int, directives: str | None, persons: Path | None,
    entities: Path | None, transmitter: Path | None, data: Sequence[str], region: str | None,
    hub: str | None, log: str | None, as_json: bool,
) -> None:  # fmt: skip
    r"""Answer until SIGTERM; then the engine is wiped, and said to be.

    Needs an API key to be called: mythos serve-key new. With --directives it decides about everyone; SIGHUP
    reads the files about them again, and cuts whoever is refused by then.

    \b
    mythos serve --grant sha256:… --sealed sealed/smollm2
    mythos serve --grant sha256:… --sealed sealed/smollm2 --release approver-b=https://b.example:7002
    mythos serve --grant sha256:… --sealed sealed/smollm2 --data company=/srv/company
    mythos serve --grant sha256:… --sealed sealed/base --adapter adapted/sealed --adapter-grant sha256:…
    """
    import asyncio
    import signal

    from mythos.cli.parties import follower, log_client, release_services, signing_key
    from mythos.cli.serve_data import served
    from mythos.cli.serve_directives import hearing, obeying
    from mythos.console import pages
    from mythos.engines import LoadOptions
    from mythos.errors import InputError
    from mythos.hub import Parts, Serving, Settings, listen, serve
    from mythos.hub.release import Release, Site
    from mythos.units import Digest

    address = log or home.address("log")
    leaf, signer = Digest.parse(grant), signing_key(home, party)
    given = {name: value for name, _, value in (item.partition("=") for item in releases)}
    approvers = release_services(home) | given
    beside = None
    if adapter is not None:
        if adapter_grant is None:
            raise InputError("an adapter without a grant", expected="--adapter-grant DIGEST")
        beside = Site(Digest.parse(adapter_grant), adapter, approvers, home.runtime)
    load = LoadOptions(context, slots, threads)
    site = Site(leaf, sealed, approvers, home.runtime, load, adapter=beside)
    heard = hearing(home, party, transmitter)
    settings = Settings(
        folder=hub_folder(home, party, hub), log=address, signer=signer, slots=slots, renew=not no_renew,
        names=frozenset(name.lower() for name in (host, *names)), retention_days=retention,
        enforce=obeying(home, party, directives, persons, entities, heard),
        signals=heard.routes if heard else None, data=served(data, region, home, party),
        pages=pages() if data else (),
    )  # fmt: skip
    sock = listen(host, port)
    url = f"http://{host}:{sock.getsockname()[1]}"

    def ready(parts: Parts) -> None:
        state = parts.keeper.state
        if isinstance(state, Serving):
            document = {
                "url": url,
                "model": state.model,
                "weights": str(state.weights),
                "until": str(state.until),
            }
            emit(document, as_json=as_json, line=f"{state.model} is served at {url}/v1 until {state.until}")

    async def run() -> None:
        stop = asyncio.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        with log_client(home, log) as client:
            view = follower(home, client)
            await serve(settings, sock, lambda receipts: Release(site, signer, view, receipts), ready, stop)

    say(f"opening {sealed.name} under grant {grant[:19]}…")
    asyncio.run(run())
    say("the engine is gone; stopped")
