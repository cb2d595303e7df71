"""What the front of a sandbox checks of its engine and leaves on its disk; no process is started."""

import errno
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from tests.custody import world
from tests.custody.world import NOW, ROOT, SUBJECT, World

from mythos.custody.inside import KEYS_FILE, seal_inside
from mythos.errors import HubError, InputError, SealError
from mythos.evidence.note import encode64
from mythos.evidence.predicates import DatasetAdmitted, Derivation, Wiped
from mythos.evidence.predicates.weights import Parent
from mythos.evidence.statement import Statement, Subject
from mythos.hub import sandbox
from mythos.units import Digest

MADE = seal_inside(
    {"adapter.gguf": b"matrices"}, name="a", hub="host", organisations=("A", "B"), root=ROOT, now=NOW
)
ABOUT = Subject("a", MADE.manifest.weights.root)


def finish(folder: Path, said: Sequence[Statement]) -> None:
    with sandbox._drafting(folder) as draft:
        for name, data in MADE.files.items():
            (folder / name if name == KEYS_FILE else draft / name).write_bytes(data)
        sandbox._finish(folder, draft, {"statements": [encode64(one.to_bytes()) for one in said]})


def test_what_belongs_together_appears(tmp_path: Path) -> None:
    finish(tmp_path / "out", ())
    assert {p.name for p in (tmp_path / "out").iterdir()} == {"sealed", KEYS_FILE}


def test_an_engine_has_its_hub_say_nothing_else(tmp_path: Path) -> None:
    wiped = Wiped(Digest.of(b"a grant"), "never happened", NOW)
    derived = Derivation("adapt", (Parent(SUBJECT.digest, "base"),), "LoRA", NOW)
    for said, why in (
        ([wiped.statement(ABOUT)], "would have more said"),
        ([derived.statement(ABOUT)] * 4, "would have more said"),
        ([derived.statement(SUBJECT)], "something else than it sealed"),
    ):
        with pytest.raises(SealError, match=why):
            finish(tmp_path / "out", said)
        assert not (tmp_path / "out").exists()


def test_what_was_not_finished_is_not_left(tmp_path: Path) -> None:
    out = tmp_path / "out"

    def full() -> None:
        with sandbox._drafting(out) as draft:
            (draft / "adapter.gguf.sealed").write_bytes(b"half")
            (out / KEYS_FILE).write_bytes(b"half")
            (out / sandbox.LEDGER).write_bytes(b"what was computed")
            raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(HubError, match="the disk is full"):
        full()
    assert [p.name for p in out.iterdir()] == [sandbox.LEDGER]
    with pytest.raises(InputError, match="is not empty"), sandbox._drafting(out):
        pass


def test_two_works_do_not_share_a_folder(tmp_path: Path) -> None:
    with sandbox._drafting(tmp_path / "out"):
        with pytest.raises(InputError, match="is not empty"), sandbox._drafting(tmp_path / "out"):
            pass
        assert (tmp_path / "out").exists(), "the first goes on"


def test_data_that_two_organisations_admitted_is_nobodys(monkeypatch: pytest.MonkeyPatch) -> None:
    role = ROOT.roles["data-holder"]
    both = replace(role, keys=(*role.keys, world.KEYS["approver-b"].id))
    monkeypatch.setattr(world, "ROOT", replace(ROOT, roles={**ROOT.roles, "data-holder": both}))
    log = World()
    admitted = DatasetAdmitted(None, "Apache-2.0", "JP", "JP", (), 1, NOW)
    with pytest.raises(InputError, match=r"whose is .* found none"):
        sandbox.act_about(log.record(), DatasetAdmitted, SUBJECT.digest)
    log.act(admitted, "owner")
    assert sandbox.act_about(log.record(), DatasetAdmitted, SUBJECT.digest) == log.data[-1]
    log.act(admitted, "approver-b")
    with pytest.raises(InputError, match=r"whose is .* found B, Owner"):
        sandbox.act_about(log.record(), DatasetAdmitted, SUBJECT.digest)
