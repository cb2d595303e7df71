"""From acknowledged to published to witnessed, with witnesses in this process and failures in between."""

import contextlib
import shutil
import threading
import time
from types import SimpleNamespace

import pytest

from mythos.errors import LogCorruptError, LogError, NetworkError
from mythos.evidence.client import Reply
from mythos.evidence.log import Log
from mythos.evidence.note import Checkpoint
from mythos.evidence.policy import Policy
from mythos.evidence.publish import Publisher
from mythos.evidence.tiles import Disk, Projection
from mythos.evidence.verify import check_path
from mythos.evidence.witness import Witness

from . import samples


def _until(reached, seconds=5.0):
    deadline = time.monotonic() + seconds
    while not reached():
        assert time.monotonic() < deadline, "not reached in time"
        time.sleep(0.002)


@pytest.fixture
def estate(tmp_path):
    """A log with two witnesses in this process; each can be taken down."""
    made = SimpleNamespace(witnesses={}, folder=tmp_path / "log")
    for key in samples.WITNESSES:
        inner = Witness(tmp_path / f"{key.name}.db", key, {samples.ORIGIN: [samples.LOG.verify_key]})
        made.witnesses[key.name] = SimpleNamespace(up=True, inner=inner)

    def ask(name):
        def answer(body):
            if not made.witnesses[name].up:
                raise NetworkError(f"no answer from {name}")
            return made.witnesses[name].inner.add_checkpoint(body, seconds=samples.NOW)

        return name, answer

    @contextlib.contextmanager
    def run(*, disk=None, asking=True):
        log = Log.open(made.folder, samples.LOG, policy=samples.POLICY)
        witnesses = [ask(name) for name in made.witnesses] if asking else []
        publisher = Publisher(log, Projection(made.folder, disk), samples.POLICY, witnesses)
        publisher.start()
        try:
            yield log, publisher
        finally:
            publisher.close()
            log.close()

    made.run = run
    yield made
    for witness in made.witnesses.values():
        witness.inner.close()


LIFE = samples.whole_life()


def test_an_entry_goes_through_its_three_states(estate, tmp_path):
    with estate.run() as (log, publisher):
        log.append(LIFE)
        _until(lambda: publisher.size("published") == len(LIFE))
        _until(lambda: publisher.size("witnessed") == len(LIFE))
        note = publisher.checkpoint("witnessed")
        assert len(note.signatures) == 3
        assert [w["size"] for w in publisher.witnesses().values()] == [len(LIFE)] * 2
        _until(
            lambda: (
                (estate.folder / "witnessed").exists()
                and b"host-witness" in (estate.folder / "checkpoint").read_bytes()
            )
        )
    (tmp_path / "trust.policy").write_text(samples.POLICY_TEXT)
    assert check_path(estate.folder, tmp_path / "trust.policy", None, now=samples.NOW).verified


def test_a_witness_that_is_down_holds_nobody_up_and_is_caught_up_with(estate):
    down = estate.witnesses["host-witness"]
    down.up = False
    with estate.run() as (log, publisher):
        for entry in LIFE[:5]:
            log.append([entry])
        _until(lambda: publisher.size("published") == 5)
        _until(lambda: "no answer" in str(publisher.witnesses()["host-witness"]["problem"]))
        assert publisher.size("witnessed") == 0
        log.append(LIFE[5:])
        _until(lambda: publisher.size("published") == len(LIFE))
        down.up = True
        _until(lambda: publisher.size("witnessed") == len(LIFE))
        assert publisher.witnesses()["host-witness"]["problem"] == ""


def test_lines_of_two_witnesses_meet_on_one_checkpoint_while_the_log_grows(estate):
    with estate.run() as (log, publisher):
        stop = threading.Event()

        def grow():
            for entry in LIFE:
                log.append([entry])
                time.sleep(0.004)
            stop.set()

        growing = threading.Thread(target=grow)
        growing.start()
        _until(lambda: publisher.size("witnessed") > 0)
        assert not stop.is_set()  # it did not need the log to stand still
        growing.join()
        _until(lambda: publisher.size("witnessed") == len(LIFE))


def test_cosignatures_outlive_a_restart_with_the_witnesses_gone(estate):
    with estate.run() as (log, publisher):
        log.append(LIFE)
        _until(lambda: publisher.size("witnessed") == len(LIFE))
        _until((estate.folder / "witnessed").exists)
        text = str(publisher.checkpoint("witnessed"))
    with estate.run(asking=False) as (_, publisher):
        assert sorted(str(publisher.checkpoint("witnessed")).split("\n")) == sorted(text.split("\n"))
        assert publisher.size("published") == len(LIFE)


def test_a_log_restored_from_a_backup_is_stopped_by_its_witnesses(estate, tmp_path):
    with estate.run() as (log, publisher):
        log.append(LIFE[:5])
        _until(lambda: publisher.size("witnessed") == 5)
    shutil.copytree(estate.folder, tmp_path / "backup")
    with estate.run() as (log, publisher):
        log.append(LIFE[5:10])
        _until(lambda: publisher.size("witnessed") == 10)
    shutil.rmtree(estate.folder)
    shutil.copytree(tmp_path / "backup", estate.folder)
    with estate.run() as (log, publisher):
        _until(lambda: "it saw 10 entries, this log has 5" in str(publisher.witnesses()))
        with pytest.raises(LogError, match="contradicts it"):
            log.append(LIFE[14:16])
        assert publisher.size("witnessed") == 5


def test_a_fork_that_grew_past_the_witness_is_stopped(estate, tmp_path):
    with estate.run() as (log, publisher):
        log.append(LIFE[:3])
        _until(lambda: publisher.size("witnessed") == 3)
    shutil.copytree(estate.folder, tmp_path / "backup")
    with estate.run() as (log, publisher):
        log.append(LIFE[3:6])
        _until(lambda: publisher.size("witnessed") == 6)
    shutil.rmtree(estate.folder)
    shutil.copytree(tmp_path / "backup", estate.folder)
    with estate.run(asking=False) as (log, _):
        log.append(LIFE[8:20])
    with estate.run() as (log, publisher):
        _until(lambda: "answered 422" in str(publisher.witnesses()))
        with pytest.raises(LogError, match="contradicts it"):
            log.append(LIFE[20:21])


def test_a_database_older_than_the_published_checkpoint_is_not_served(estate, tmp_path):
    with estate.run(asking=False) as (log, _):
        log.append(LIFE[:5])
    shutil.copy(estate.folder / "log.db", tmp_path / "old.db")
    with estate.run(asking=False) as (log, _):
        log.append(LIFE[5:])
    shutil.copy(tmp_path / "old.db", estate.folder / "log.db")
    for extra in ("log.db-wal", "log.db-shm"):
        (estate.folder / extra).unlink(missing_ok=True)
    with (
        pytest.raises(
            LogCorruptError, match=r"ahead of the database; expected at most 5 entries; found 28.*fork"
        ),
        estate.run(),
    ):
        pass


def test_a_published_checkpoint_of_another_tree_is_not_built_upon(estate):
    with estate.run(asking=False) as (log, _):
        log.append(LIFE[:5])
    other = Checkpoint(samples.ORIGIN, 3, b"\1" * 32).sign(samples.LOG)
    (estate.folder / "checkpoint").write_text(str(other))
    with pytest.raises(LogCorruptError, match="not of this log"), estate.run():
        pass


@pytest.mark.parametrize("torn", [b"", b"log.example\n5\n", None])
def test_a_torn_or_missing_checkpoint_means_publishing_anew(estate, torn):
    with estate.run(asking=False) as (log, _):
        log.append(LIFE)
    if torn is None:
        shutil.rmtree(estate.folder / "tile")
        (estate.folder / "checkpoint").unlink()
    else:
        (estate.folder / "checkpoint").write_bytes(torn)
    with estate.run(asking=False) as (_, publisher):
        assert publisher.size("published") == len(LIFE)
        assert (estate.folder / "tile" / "entries").is_dir()


def test_a_full_disk_is_a_problem_that_passes_and_appends_go_on(estate):
    class Full(Disk):
        full = False

        def write(self, path, data, *, sync):
            if Full.full:
                raise OSError(28, "No space left on device")
            super().write(path, data, sync=sync)

    with estate.run(disk=Full()) as (log, publisher):
        log.append(LIFE[:2])
        _until(lambda: publisher.size("witnessed") == 2)
        Full.full = True
        log.append(LIFE[2:4])
        _until(lambda: "No space left" in publisher.problem)
        log.append(LIFE[4:6])
        assert publisher.size("published") == 2
        Full.full = False
        _until(lambda: publisher.size("witnessed") == 6)
        assert publisher.problem == ""


def test_a_line_by_a_key_that_the_trust_root_does_not_name_is_not_published(estate, tmp_path):
    stranger = Witness(
        tmp_path / "s.db", samples.key("stranger", cosigner=True), {samples.ORIGIN: [samples.LOG.verify_key]}
    )
    estate.witnesses["host-witness"].inner.close()
    estate.witnesses["host-witness"].inner = stranger
    with estate.run() as (log, publisher):
        log.append(LIFE[:1])
        _until(lambda: "does not name" in str(publisher.witnesses()["host-witness"]["problem"]))
        assert publisher.size("witnessed") == 0
        assert "stranger" not in str(publisher.checkpoint("published"))


def test_a_witness_that_signs_nothing_has_cosigned_nothing(estate):
    """Not even where the note that it is asked about carries the lines of another already."""
    estate.witnesses["host-witness"].up = False
    with estate.run() as (log, publisher):
        log.append(LIFE[:1])
        _until(lambda: publisher.witnesses()["regulator-witness"]["size"] == 1)
    estate.witnesses["host-witness"].up = True
    estate.witnesses["host-witness"].inner.close()
    silent = SimpleNamespace(
        add_checkpoint=lambda _body, **_: Reply(200, "text/plain", b""), close=lambda: None
    )
    estate.witnesses["host-witness"].inner = silent
    with estate.run() as (_, publisher):
        _until(lambda: publisher.witnesses()["host-witness"]["problem"])
        assert publisher.witnesses()["host-witness"]["size"] == 0


def test_without_a_quorum_published_is_witnessed(tmp_path):
    log = Log.open(tmp_path / "log", samples.LOG, policy=None)
    publisher = Publisher(log, Projection(tmp_path / "log"), Policy.parse("quorum none\n"))
    publisher.start()
    log.append([b"x"])
    _until(lambda: publisher.size("witnessed") == 1)
    publisher.close()
    log.close()


def test_everything_acknowledged_is_published_within_a_second_under_load(tmp_path):
    log = Log.open(tmp_path / "log", samples.LOG, policy=None)
    publisher = Publisher(log, Projection(tmp_path / "log"), Policy.parse("quorum none\n"))
    publisher.start()
    worst, at = 0.0, {}
    for batch in range(12):
        log.append([f"{batch} {i}".encode().ljust(300) for i in range(1000)])
        at[log.size] = time.monotonic()
        for size in [s for s in at if s <= publisher.size("published")]:
            worst = max(worst, time.monotonic() - at.pop(size))
    _until(lambda: publisher.size("published") == log.size)
    worst = max(worst, *(time.monotonic() - moment for moment in at.values()), 0.0)
    publisher.close()
    log.close()
    assert worst < 1.0
