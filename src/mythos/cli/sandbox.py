"""`mythos sandbox`: a sealed base learns a region's own text inside a hub; what comes out is sealed too."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Callable, Generator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mythos.cli.adapt import known_graph, limit_lines, limits_as_json
from mythos.cli.data_shared import pack_of, pack_option, region_option, store_of
from mythos.cli.shared import Home, as_option, emit, home_option, json_option, log_option, say
from mythos.cli.train import wait_without_spinning

if TYPE_CHECKING:
    from mythos.custody import Follower
    from mythos.data.training import Training
    from mythos.evidence.note import SigningKey
    from mythos.hub.release import Site
    from mythos.hub.sandbox import Done

_FOLDER = click.Path(path_type=Path, exists=True, file_okay=False)
_OUT = click.Path(path_type=Path, file_okay=False)
_MODULE = "mythos.engines.sandbox"

_grant = click.option("--grant", required=True, metavar="DIGEST", help="The grant: its leaf in the log.")
_releases = click.option(
    "--release", "releases", multiple=True, metavar="KEYNAME=ADDRESS",
    help="An approver's release service. Default: the home's own sockets. Repeatable.",
)  # fmt: skip
_out = click.option("--out", type=_OUT, required=True, help="A new folder: sealed/, keys.json.")


@click.group(short_help="Adapt a sealed model inside a hub.")
def command() -> None:
    r"""Adapt a sealed model inside a hub: nobody there sees the base, the text leaves no country.

    \b
    mythos grant request --purpose adapt …                 both organisations approve, then: grant issue
    mythos sandbox adapt sealed/base --grant sha256:… --run sha256:… --region JP --out adapted
    mythos grant request --purpose export:hub-b …          the owner and the data holder approve
    mythos sandbox export adapted/sealed --grant sha256:… --out moved
    """
    wait_without_spinning()


@command.command()
@click.argument("sealed", type=_FOLDER)
@_grant
@click.option("--run", required=True, metavar="DIGEST", help="The data: a run that `mythos data run` made.")
@click.option(
    "--holder", default="data-holder", show_default=True, metavar="PARTY", help="Who holds the data."
)
@click.option("--name", default="regional", show_default=True)
@click.option("--rank", default=16, show_default=True, type=click.IntRange(1, 1024))
@click.option("--rate", default=1e-3, show_default=True, type=click.FloatRange(1e-7, 1.0))
@click.option("--minutes", default=10.0, show_default=True, type=click.FloatRange(0.01, 1e6))
@click.option(
    "--steps", default=10_000, show_default=True, help="At most; the schedule ends by minutes first."
)
@click.option("--rows", default=4, show_default=True, type=click.IntRange(1, 65536), help="In one step.")
@click.option("--length", default=256, show_default=True, type=click.IntRange(8, 1 << 20), help="Of a row.")
@click.option("--held-out", default=0.05, show_default=True, type=click.FloatRange(0.001, 0.5))
@click.option("--threads", default=0, show_default=True, type=click.IntRange(0, 4096))
@click.option("--no-renew", is_flag=True, help="Ask for no renewal: the lease's end is the end.")
@region_option
@_out
@_releases
@pack_option
@home_option
@as_option("host")
@log_option
@json_option
def adapt(
    sealed: Path, grant: str, run: str, holder: str, region: str, out: Path, releases: Sequence[str],
    folder: Path | None, no_renew: bool, home: Home, party: str, log: str | None, as_json: bool,
    **how: Any,
) -> None:  # fmt: skip
    r"""Have SEALED released for adapting, train on a run of its own country, keep a sealed adapter.

    The base, the text and the adapter are plain in one confined process alone, which ends with its lease.
    Later openings of the adapter need the owner's and the data holder's approval.

    \b
    mythos sandbox adapt sealed/base --grant sha256:… --run sha256:… --region JP --minutes 10 --out adapted
    """
    from mythos.cli.parties import follower, log_client, signing_key
    from mythos.custody import Refused, read_manifest
    from mythos.custody.grant import check
    from mythos.custody.inside import place_of
    from mythos.data.training import decide_training
    from mythos.errors import DataError, GrantError
    from mythos.evidence.note import encode64
    from mythos.evidence.predicates import DatasetAdmitted, TrainingCompute
    from mythos.hub.sandbox import act_about
    from mythos.train.adapt import Adaptation
    from mythos.train.config import RunConfig
    from mythos.train.modified import modification_limits
    from mythos.units import Digest, Instant

    seconds, steps, rows, threads = (how.pop(name) for name in ("minutes", "steps", "rows", "threads"))
    settings = Adaptation(run=RunConfig(steps=steps, rows=rows, seconds=seconds * 60, threads=threads), **how)
    view = follower(home, click.get_current_context().with_resource(log_client(home, log)))
    record, base = view.update(), read_manifest(sealed).weights.root
    granted = check(Digest.parse(grant), record, Instant.now())
    if isinstance(granted, Refused):
        raise GrantError(granted.reason, found=granted.cite, code=granted.code)
    store, digest, to = store_of(home, holder), Digest.parse(run), place_of(granted.request)

    def decide() -> Training:
        today = Instant.now().datetime.date()
        return decide_training(store, region, digest, to, pack_of(folder, home, holder), today)

    @contextmanager
    def keeping() -> Generator[None]:
        with store.held(region):  # no takedown between this decision and the statement that names the run
            if refused := decide().refused:
                raise DataError(
                    "meanwhile the data may not be learnt from", found=refused, code="train_refused",
                    advice="What was learnt is gone; the compute ledger is kept.",
                )  # fmt: skip
            yield

    decided = decide()
    for name, one in decided.decisions.items():
        say(f"{name}: {one.words}")
    if decided.refused:
        emit({"refused": decided.refused}, as_json=as_json, line=f"not learnt from: {decided.refused}")
        sys.exit(1)
    known = known_graph(home, log, str(base))
    for name, held in modification_limits(settings.digest, base, None, known).items():
        for one in held:
            say(f"before: {name}: {one.words}: limit {one.limit} operations ({one.cite})")
    schedule = asdict(settings.run)
    message = {
        "run": run, "dataset": str(decided.dataset.digest), "schedule": schedule,
        "data": str((store.region(region) / "runs" / digest.hex).resolve()),
        "how": {name: value for name, value in asdict(settings).items() if name != "run"},
        "trustRoot": record.root.to_dict() if record.root else {},
        "grant": encode64((record.acts or {})[granted.leaf].data),
        "admitted": encode64(act_about(record, DatasetAdmitted, decided.dataset.digest)),
    }  # fmt: skip
    site = _site(home, grant, sealed, releases, "adapt", message)
    done = _work(
        home, party, log, site, signing_key(home, party), view, out, renew=not no_renew, keeping=keeping
    )
    cost = next(TrainingCompute.of(s) for s in done.statements if s.act == TrainingCompute.NAME)
    limits = modification_limits(done.manifest.weights.root, base, cost, known)
    document = _document(done, out) | {
        "base": str(base), "run": run, "flop": str(cost.model_flop), "executed": str(cost.executed_flop),
        "method": cost.method, "bits_per_byte": done.facts["bits"], "limits": limits_as_json(limits),
    }  # fmt: skip
    emit(document, as_json=as_json, line=_lines(document))


@command.command()
@click.argument("sealed", type=_FOLDER)
@_grant
@_out
@_releases
@home_option
@as_option("host")
@log_option
@json_option
def export(
    sealed: Path, grant: str, out: Path, releases: Sequence[str], home: Home, party: str, log: str | None,
    as_json: bool,
) -> None:  # fmt: skip
    r"""Seal an adapter anew for the hub that the grant names; its owner and its data holder approved that.

    \b
    mythos grant request --purpose export:hub-b --hub host --sealed adapted/sealed …
    mythos sandbox export adapted/sealed --grant sha256:… --out moved
    """
    from mythos.cli.parties import follower, log_client, signing_key

    view = follower(home, click.get_current_context().with_resource(log_client(home, log)))
    root = view.update().root
    site = _site(home, grant, sealed, releases, "export", {"trustRoot": root.to_dict() if root else {}})
    done = _work(home, party, log, site, signing_key(home, party), view, out)
    document = _document(done, out)
    emit(document, as_json=as_json, line=f"{document['adapter']}: sealed for {document['hub']}")


def _site(
    home: Home, grant: str, sealed: Path, releases: Sequence[str], purpose: str, message: dict[str, Any]
) -> Site:
    from mythos.cli.parties import release_services
    from mythos.hub.release import Site
    from mythos.units import Digest

    given = {name: value for name, _, value in (item.partition("=") for item in releases)}
    approvers = release_services(home) | given
    engine = (sys.executable, "-I", "-m", _MODULE, purpose)
    library = "torch" if purpose == "adapt" else "cryptography"
    return Site(
        Digest.parse(grant), sealed, approvers, home.runtime, purpose=purpose, engine=engine, library=library,
        message=message,
    )  # fmt: skip


def _work(
    home: Home, party: str, log: str | None, site: Site, key: SigningKey, view: Follower, out: Path,
    *, renew: bool = True, keeping: Callable[[], AbstractContextManager[object]] = nullcontext,
) -> Done:  # fmt: skip
    """The work, to its end; SIGTERM ends it as Ctrl-C does, with the engine's end stated."""
    from mythos.hub.sandbox import Place, work

    def tell(frame: dict[str, Any]) -> None:
        if "step" in frame and frame["step"] % 50 == 0:
            say(f"step {frame['step']}, loss {frame['loss']}, {frame['flop']} FLOP")

    place = Place(home.party(party) / "sandbox", log or home.address("log"), out)

    async def until_told() -> Done:
        stop = asyncio.ensure_future(work(place, site, key, view, tell, renew=renew, keeping=keeping))
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.cancel)
        return await stop

    try:
        return asyncio.run(until_told())
    except asyncio.CancelledError:
        raise click.Abort from None


def _document(done: Done, out: Path) -> dict[str, Any]:
    return {
        "adapter": str(out / "sealed"),
        "keys": str(out / "keys.json"),
        "weights": str(done.manifest.weights.root),
        "manifest": str(done.manifest.digest),
        "hub": done.manifest.hub,
        "organisations": list(done.kept.organisations),
    }


def _lines(document: dict[str, Any]) -> str:
    held = " and ".join(document["organisations"])
    lines = [
        f"{document['adapter']}  {document['weights']}",
        f"opens at {document['hub']} alone, when {held} approve",
        f"{document['flop']} FLOP, {document['method']}",
    ]
    for part, bits in document["bits_per_byte"].items():
        lines.append(f"{part}: {bits['before']} to {bits['after']} bits per byte")
    return "\n".join([*lines, *limit_lines(document["limits"])])
