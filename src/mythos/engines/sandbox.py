"""The engine that adapts a sealed base, and the one that moves what came of it to another hub.

    python -m mythos.engines.sandbox adapt FD
    python -m mythos.engines.sandbox export FD

Both are the engine process of `process`: confined before anything secret is there, opened by the approvers'
shares, ended by the kernel when the lease is over. They open only under a grant for this very purpose. The
adapter is sealed in this process before a byte of it leaves: for one hub, its key split between the owner's
organisation and the data holder's, which the process reads from acts that their keys signed, under the trust
root that the approvers vouched for. A front that lies about any of it gets nothing.
"""

from __future__ import annotations

import os
import signal
import sys
import tempfile
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from mythos.custody.approval import EXPORT
from mythos.custody.inside import SealedInside, answerable, check_holders, seal_inside, trusted_root
from mythos.data.training import text_of
from mythos.engines.confine import confine_after_library
from mythos.engines.custodian import SealedCustodian
from mythos.engines.frames import Frame
from mythos.engines.process import Channel, arm, attend, expect_open, run
from mythos.errors import EngineError, GrantError, LeaseError, MythosError
from mythos.evidence.merkle import leaf_hash
from mythos.evidence.note import decode64, encode64
from mythos.evidence.predicates import DatasetAdmitted, Grant
from mythos.train.documents import parse_corpus
from mythos.units import Digest, Instant

PIECE: Final = 2 << 20
"""Bytes of ciphertext in one frame."""
_NOWHERE: Final = "/"


def main() -> None:
    """Start on the descriptor named last, for the purpose named first."""
    works = {"adapt": adapt, "export": export}
    if len(sys.argv) != 3 or sys.argv[1] not in works or not sys.argv[2].isdigit():
        raise EngineError("this program is started by the hub", advice="Run: mythos sandbox")
    purpose = sys.argv[1]
    run(int(sys.argv[2]), lambda: SealedCustodian(purpose), works[purpose])


def adapt(channel: Channel, custodian: SealedCustodian, frame: Frame) -> None:
    """Open the base, read the text, train when asked, hand out a sealed adapter."""
    expect_open(frame)
    opened = custodian.open(frame)
    arm(custodian.remaining())
    channel.send({"kind": "opened", **opened.facts})
    root = trusted_root(frame["trustRoot"], custodian.granted.trust_root)
    run_digest, dataset = Digest.parse(frame["run"]), Digest.parse(frame["dataset"])
    grant = decode64(frame["grant"])
    if Digest(leaf_hash(grant)) != custodian.grant:
        raise GrantError("this is not the grant that was released under", expected=str(custodian.grant))
    owner = answerable(grant, Grant.NAME, custodian.weights, root)
    holder = answerable(decode64(frame["admitted"]), DatasetAdmitted.NAME, dataset, root)
    check_holders((owner, holder), root)
    corpus = parse_corpus(text_of(Path(frame["data"]), run_digest, dataset), run_digest)
    prepare_library()
    from mythos.train.adapt import Adaptation, load_base
    from mythos.train.config import RunConfig
    from mythos.train.inside import adapt_inside
    from mythos.train.loop import Listener, Row

    how = Adaptation(run=RunConfig(**frame["schedule"]), **frame["how"])
    base = load_base(Path(f"/proc/self/fd/{opened.descriptor}"), custodian.weights)
    confine_after_library(reading=True)

    def work(tell: Callable[[Frame], None]) -> tuple[SealedInside, Frame]:
        def keep(line: bytes) -> None:
            tell({"ledger": line.decode()})

        def show(row: Row) -> None:
            still(custodian)
            tell({"step": row.step, "loss": f"{row.loss:.3f}", "flop": str(row.flop), "seconds": row.seconds})

        made = adapt_inside(base, corpus, how, keep, Listener(step=show))
        sealed = seal_inside(
            made.files, name=how.name, hub=custodian.granted.hub, organisations=(owner, holder), root=root,
            now=Instant.now(),
        )  # fmt: skip
        bits = {part: {"before": f"{made.before[part]:.4f}", "after": f"{made.after[part]:.4f}"}
                for part in sorted(made.after)}  # fmt: skip
        said = [encode64(statement.to_bytes()) for statement in made.statements]
        return sealed, {"statements": said, "bits": bits, "weights": str(made.weights)}

    channel.send({"kind": "ready"})
    _attend(channel, custodian, work)


def export(channel: Channel, custodian: SealedCustodian, frame: Frame) -> None:
    """Open an adapter and seal it for the hub that the grant names; the same organisations hold its key."""
    expect_open(frame)
    manifest, plain, facts = custodian.open_whole(frame)
    arm(custodian.remaining())
    channel.send({"kind": "opened", **facts})
    root = trusted_root(frame["trustRoot"], custodian.granted.trust_root)
    organisations = sorted({root.keys[name].organisation for name in custodian.approvers})
    confine_after_library()

    def work(_: Callable[[Frame], None]) -> tuple[SealedInside, Frame]:
        sealed = seal_inside(
            plain, name=manifest.weights.name, hub=custodian.granted.purpose.removeprefix(EXPORT),
            organisations=organisations, root=root, now=Instant.now(), release=manifest.release + 1,
        )  # fmt: skip
        return sealed, {}

    channel.send({"kind": "ready"})
    _attend(channel, custodian, work)


Work = Callable[[Callable[[Frame], None]], tuple[SealedInside, Mapping[str, Any]]]


def prepare_library() -> None:
    """Have torch and transformers look for no cache and no network; before they are imported."""
    quiet = {"TORCHINDUCTOR_CACHE_DIR": _NOWHERE, "HF_HOME": _NOWHERE, "HF_HUB_OFFLINE": "1"}
    os.environ.update(quiet)
    tempfile.tempdir = _NOWHERE  # the library asks where files could be written, and writes none


def still(custodian: SealedCustodian) -> None:
    """End with the lease also after a sleep of the machine, which the timer does not count."""
    try:
        arm(custodian.remaining())
    except (LeaseError, EngineError):
        signal.raise_signal(signal.SIGALRM)


def _attend(channel: Channel, custodian: SealedCustodian, work: Work) -> None:
    """Work once, when asked, and answer renewals meanwhile."""
    begun = False
    while (frame := channel.receive()) is not None:
        if frame["kind"] != "work":
            attend(channel, custodian, frame)
            continue
        if begun:
            raise EngineError("an engine works once: its base has changed", advice="Start a new engine.")
        begun = True
        still(custodian)
        threading.Thread(target=_work, args=(channel, frame["id"], work), daemon=True).start()


def _work(channel: Channel, name: str, work: Work) -> None:
    def tell(frame: Frame) -> None:
        channel.send({"kind": "delta", "id": name, **frame})

    try:
        sealed, facts = work(tell)
        for file, data in sealed.files.items():
            for at in range(0, max(1, len(data)), PIECE):
                tell({"file": file, "data": encode64(data[at : at + PIECE])})
        channel.send({"kind": "done", "id": name, **facts})
    except MythosError as error:
        channel.send({"kind": "failed", "id": name, "code": error.code, "message": str(error)})
    except BaseException as error:  # noqa: BLE001 (its text could carry what must not leave; its name cannot)
        message = f"the work broke: {type(error).__name__}"
        channel.send({"kind": "failed", "id": name, "code": "engine_failure", "message": message})


if __name__ == "__main__":
    main()
