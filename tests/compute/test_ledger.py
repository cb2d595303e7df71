"""The ledger loses nothing and doubles nothing, whatever is killed, torn, rolled back or copied."""

import json
import random
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mythos.compute import Counts, Head, Ledger, Work, read, total
from mythos.compute.ledger import SentLedger
from mythos.compute.record import FORMAT, missing_ranks
from mythos.errors import BadSignatureError, ComputeError, InputError, MythosError
from mythos.evidence.note import SigningKey
from mythos.evidence.statement import canonical
from mythos.units import Digest

from . import crasher

PATTERNS = Path(__file__).parents[1]
BIG = 10**25 + 7


def work(forward: int = 1, **changes: Any) -> Work:
    return replace(Work(Counts(forward=forward, model=forward)), **changes)


def test_totals_are_exact_beyond_64_bits(tmp_path: Path) -> None:
    with Ledger.create(tmp_path / "a", run="a") as ledger:
        ledger.append(work(BIG))
        ledger.append(work(BIG))
        ledger.append(work(5, phase="eval", steps=0))
    history = read(tmp_path / "a")
    assert history.effective.model == 2 * BIG
    assert history.executed.executed == 2 * BIG, "evaluation is kept and not totalled"
    assert (history.step, len(history.works), history.attempt) == (2, 3, 1)
    assert json.loads((tmp_path / "a").read_bytes().splitlines()[1])["counts"]["forward"] == str(BIG)


def test_a_record_survives_the_way_to_the_disk_and_back() -> None:
    one = Work(
        Counts(1, 2, 3, 4, 5, 6), steps=50, phase="rl", role="generator", precision="bfloat16", method="counted",
        exact=False, unregistered=("x::y",), dynamic=("a",), audits=2, mismatches=1, tokens=2**60,
        samples_generated=4, samples_kept=3, datasets=("sha256:ab",), wall_ns=10**18, devices=8, peak=10**15,
        energy_uj=2**60, energy_method="rapl",
    )  # fmt: skip
    document = one.to_dict()
    assert Work.from_dict(document) == one
    assert document["bound"] == str(8 * 10**24)


def test_a_resume_supersedes_what_came_after_its_snapshot(tmp_path: Path) -> None:
    path = tmp_path / "run"
    with Ledger.create(path, run="r") as ledger:
        ledger.append(work(1, steps=10))
        old = ledger.snapshot()
        ledger.append(work(10, steps=10))
        new = ledger.snapshot()
        ledger.append(work(100, steps=5))
    with Ledger.resume(path, run="r", head=old) as ledger:
        assert ledger.step == 10
        ledger.append(work(1000, steps=10))
        again = ledger.snapshot()
    history = read(path)
    assert history.effective.forward == 1001
    assert history.executed.forward == 1111, "what was done stays done"
    assert [gone for _, gone in history.works] == [False, True, True, False]
    assert [step for step, _ in history.snapshots] == [0, 10, 20]
    assert (history.attempt, history.head.lines) == (2, 9)
    with pytest.raises(ComputeError, match="does not hold this snapshot"):
        Ledger.resume(path, run="r", head=new)
    with Ledger.resume(path, run="r", step=20) as ledger:
        assert ledger.history.snapshots[-1][1] == again
    with pytest.raises(InputError, match="from nowhere"):
        Ledger.resume(path, run="r")
    with Ledger.resume(path, run="r", step=0) as ledger:
        assert (ledger.step, ledger.history.effective) == (0, Counts())
        assert ledger.history.executed.forward == 1111


def test_two_runs_never_share_an_id(tmp_path: Path) -> None:
    path = tmp_path / "run"
    with Ledger.create(path, run="r") as ledger:
        with pytest.raises(ComputeError, match="exists") as caught:
            Ledger.create(path, run="r")
        assert caught.value.code == "run_exists"
        with pytest.raises(ComputeError, match="another process"):
            Ledger.resume(path, run="r", step=0)
        ledger.append(work(1))
    with pytest.raises(ComputeError, match="another run"):
        Ledger.resume(path, run="other", step=0)
    Ledger.create(tmp_path / "second", run="r").close()
    with pytest.raises(ComputeError) as caught:
        total([path, tmp_path / "second"])
    assert caught.value.code == "two_runs"
    Ledger.create(tmp_path / "rank1", run="r", rank=1, world=2).close()
    assert total([path, tmp_path / "rank1"])[0].forward == 1


def test_what_the_devices_cannot_have_done_is_refused(tmp_path: Path) -> None:
    with Ledger.create(tmp_path / "run", run="r") as ledger:
        possible = work(2 * 10**12, wall_ns=10**9, devices=2, peak=10**12)
        ledger.append(possible)
        for counts in (Counts(forward=2 * 10**12, optimizer=1), Counts(model=2 * 10**12 + 1)):
            with pytest.raises(ComputeError) as caught:
                ledger.append(replace(possible, counts=counts))
            assert caught.value.code == "impossible"
        assert len(ledger.history.works) == 1


def test_a_torn_last_line_is_dropped_and_said(tmp_path: Path) -> None:
    path = tmp_path / "run"
    with Ledger.create(path, run="r") as ledger:
        ledger.append(work(1))
        ledger.snapshot()
        ledger.append(work(10))
    whole = path.read_bytes()
    last = whole[: whole[:-1].rfind(b"\n") + 1]
    for cut in range(len(last), len(whole)):
        path.write_bytes(whole[:cut])
        history = read(path)
        assert (history.dropped, history.effective.forward) == (cut - len(last), 1)
    with Ledger.resume(path, run="r", step=1) as ledger:
        assert ledger.dropped == len(whole) - 1 - len(last)
        ledger.append(work(100))
    assert read(path).effective.forward == 101
    assert read(path).dropped == 0


def test_a_full_disk_leaves_no_half_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "run"
    with Ledger.create(path, run="r") as ledger:
        ledger.append(work(1))
        before = path.read_bytes()
        with monkeypatch.context() as patch:
            patch.setattr("os.fsync", lambda _: (_ for _ in ()).throw(OSError(28, "No space left on device")))
            with pytest.raises(OSError, match="No space"):
                ledger.append(work(10))
        assert path.read_bytes() == before
        ledger.append(work(100))
    assert read(path).effective.forward == 101


def test_every_changed_byte_is_found(tmp_path: Path) -> None:
    path = tmp_path / "run"
    key = SigningKey.generate("owner")
    with Ledger.create(path, run="r", key=key) as ledger:
        ledger.append(work(1))
        ledger.snapshot()
    data = path.read_bytes()
    assert read(path, [key.verify_key]).signed == 3
    good = read(path)
    for at in random.Random(7).sample(range(len(data) - 1), 150):
        path.write_bytes(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :])
        try:
            history = read(path, [key.verify_key])
        except (ComputeError, BadSignatureError):
            continue
        assert history.dropped or history.head != good.head or history.signed < 3, at


def test_a_signature_of_somebody_else_is_not_ours(tmp_path: Path) -> None:
    path = tmp_path / "run"
    key, other = SigningKey.generate("owner"), SigningKey.generate("owner")
    with Ledger.create(path, run="r", key=other) as ledger:
        ledger.append(work(1))
        ledger.snapshot()
    assert read(path, [key.verify_key]).signed == 0
    forged = path.read_bytes().replace(other.id.encode(), key.id.encode())
    path.write_bytes(forged)
    with pytest.raises(BadSignatureError):
        read(path, [key.verify_key])


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("work"), st.integers(0, 10**30)),
        st.tuples(st.just("snapshot"), st.just(0)),
        st.tuples(st.just("resume"), st.integers(0, 5)),
        st.tuples(st.just("tear"), st.integers(1, 40)),
    ),
    max_size=25,
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(STEPS)
def test_any_story_adds_up(tmp_path: Path, story: list[tuple[str, int]]) -> None:
    path = tmp_path / "story"
    path.unlink(missing_ok=True)
    ledger = Ledger.create(path, run="s")
    kept: list[int] = []
    saved: list[tuple[Head, list[int]]] = [(ledger.history.head, [])]
    done = 0
    for act, number in story:
        if act == "work":
            ledger.append(work(number))
            kept.append(number)
            done += number
        elif act == "snapshot":
            saved.append((ledger.snapshot(), list(kept)))
        else:
            ledger.close()
            if act == "tear":
                with open(path, "ab") as file:
                    file.write(b'{"attempt":1,"counts":{"backward":"0","forward":"9"'[:number])
            at = len(saved) - 1 if act == "tear" else min(number, len(saved) - 1)
            del saved[at + 1 :]
            ledger = Ledger.resume(path, run="s", head=saved[at][0])
            kept = list(saved[at][1])
        assert ledger.history == replace(read(path), dropped=ledger.dropped)
        assert ledger.history.effective.forward == sum(kept)
        assert ledger.history.executed.forward == done
    ledger.close()


def run_killed(folder: Path, steps: int, kills: int, seed: int) -> int:
    """Run the program to its end, killing it `kills` times after a random growth of its ledger; how many hit."""
    chance, hits, ledger = random.Random(seed), 0, folder / "run.ledger"
    for _ in range(kills):
        before = ledger.stat().st_size if ledger.exists() else 0
        process = subprocess.Popen(
            [sys.executable, crasher.__file__, str(folder), str(steps)], stdout=subprocess.PIPE
        )
        wanted = before + chance.randrange(1, 12_000)
        while process.poll() is None and (ledger.stat().st_size if ledger.exists() else 0) < wanted:
            time.sleep(0.0005)
        process.kill()
        out, _ = process.communicate()
        hits += b"done" not in out
    subprocess.run(
        [sys.executable, crasher.__file__, str(folder), str(steps)], check=True, stdout=subprocess.DEVNULL
    )
    return hits


def test_kill_9_at_random_moments_changes_no_effective_total(tmp_path: Path) -> None:
    steps = 400
    assert run_killed(tmp_path, steps, kills=6, seed=1) > 0
    expected = sum((crasher.cost(step) for step in range(1, steps + 1)), Counts())
    history = read(tmp_path / "run.ledger")
    assert history.effective == expected
    assert history.executed.executed >= expected.executed


def test_a_golden_ledger_of_this_format_stays_readable() -> None:
    path = PATTERNS / "golden" / "compute" / "ledger-1.jsonl"
    history = read(path)
    assert history.header["format"] == FORMAT == "mythos-compute-ledger/1"
    assert history.effective == Counts(61, 122, 9, 3, 183)
    assert history.executed == Counts(71, 142, 9, 3, 213)
    assert history.head.digest == Digest.parse(
        "sha256:" + (PATTERNS / "golden" / "compute" / "ledger-1.sha256").read_text().strip()
    )


@pytest.mark.parametrize(
    "path", sorted((PATTERNS / "bad" / "compute").glob("ledger-*")), ids=lambda p: p.stem
)
def test_a_bad_ledger_is_refused(path: Path) -> None:
    with pytest.raises(ComputeError) as caught:
        read(path)
    assert caught.value.advice or caught.value.expected


def test_lines_that_somebody_else_keeps_are_a_ledger(tmp_path: Path) -> None:
    kept: list[bytes] = []
    ledger = SentLedger(kept.append, run="sent", parents=[Digest.of(b"base")], device="cpu")
    ledger.append(work(3, steps=2))
    head = ledger.snapshot()
    ledger.close()
    (tmp_path / "l").write_bytes(b"".join(line + b"\n" for line in kept))
    assert read(tmp_path / "l") == ledger.history
    assert (head.lines, ledger.step, ledger.history.effective.model) == (3, 2, 3)
    (tmp_path / "torn").write_bytes(b"".join(line + b"\n" for line in (kept[0], kept[2])))
    with pytest.raises(ComputeError):
        read(tmp_path / "torn")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("tokens", -5), ("steps", -1), ("steps", 1.0), ("steps", True), ("wall_ns", -1), ("devices", 0), ("peak", 0),
        ("energy_uj", -7), ("phase", "evil"), ("role", ""), ("method", "guessed"), ("exact", 1),
        ("unregistered", "abc"), ("datasets", (1,)), ("precision", None),
    ],
)  # fmt: skip
def test_work_that_cannot_have_been_done_is_no_record(tmp_path: Path, name: str, value: Any) -> None:
    with pytest.raises(InputError, match=name):
        work(1, **{name: value})
    if isinstance(value, float):
        return  # no line can hold one
    path = tmp_path / "run"
    with Ledger.create(path, run="r") as ledger:
        ledger.append(work(1))
    texts = {"tokens", "wall_ns", "energy_uj", "peak"}
    write = list(value) if isinstance(value, tuple) else str(value) if name in texts else value
    forge(path, 1, {name: write})
    with pytest.raises(ComputeError, match="line 2"):
        read(path)


def forge(path: Path, line: int, changes: dict[str, Any]) -> None:
    """Change a line and rebuild the chain behind it, as whoever owns the file can."""
    previous, lines = "0" * 64, list[bytes]()
    for number, old in enumerate(path.read_bytes().splitlines()):
        document = json.loads(old) | {"prev": previous} | (changes if number == line else {})
        lines.append(canonical(document))
        previous = Digest.of(lines[-1]).hex
    path.write_bytes(b"".join(one + b"\n" for one in lines))


@pytest.mark.parametrize(
    ("line", "changes", "says"),
    [
        (1, {"peak": "10", "bound": "10"}, "more operations"),
        (1, {"bound": "2000000"}, "bound"),
        (2, {"step": 77}, "another step"),
        (0, {"rank": 1}, "no such rank"),
        (0, {"world": "2"}, "no such rank"),
    ],
)
def test_a_forged_chain_is_still_held_against_what_can_be(
    tmp_path: Path, line: int, changes: dict[str, Any], says: str
) -> None:
    path = tmp_path / "run"
    with Ledger.create(path, run="r") as ledger:
        ledger.append(work(1000, wall_ns=10**9, peak=10**6))
        ledger.snapshot()
    forge(path, 0, {})
    assert read(path).effective.forward == 1000
    forge(path, line, changes)
    with pytest.raises(ComputeError, match=says):
        read(path)


def test_a_record_that_no_reader_takes_is_not_written(tmp_path: Path) -> None:
    path = tmp_path / "run"
    with Ledger.create(path, run="r") as ledger:
        with pytest.raises(MythosError, match="too large"):
            ledger.append(work(1, datasets=tuple(f"sha256:{n:064}" for n in range(2000))))
        ledger.append(work(2))
    assert read(path).effective.forward == 2


def test_the_ranks_that_are_missing_are_named(tmp_path: Path) -> None:
    for rank in (0, 2):
        Ledger.create(tmp_path / f"{rank}", run="r", rank=rank, world=4).close()
    Ledger.create(tmp_path / "alone", run="s").close()
    histories = [read(tmp_path / name) for name in ("0", "2", "alone")]
    assert missing_ranks(histories) == ("r: 1", "r: 3")
    assert missing_ranks(histories[2:]) == ()
