"""The log: what it acknowledges is durable, once, in order, and judged."""

import os
import sqlite3
import threading
import time

import pytest

from mythos.errors import (
    BadSignatureError,
    InputError,
    KeyReusedError,
    LogCorruptError,
    LogError,
    LogFullError,
    LogLockedError,
    MalformedError,
    NotTrustedError,
    QuotaError,
)
from mythos.evidence.log import GATHER, Log, Quota
from mythos.evidence.merkle import Tree, leaf_hash, verify_consistency, verify_inclusion
from mythos.evidence.note import Checkpoint
from mythos.evidence.store import connect

from . import samples


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "log"


LIFE = samples.whole_life()


def _open(folder, **options):
    options.setdefault("policy", None)
    return Log.open(folder, samples.LOG, **options)


def _raw(count, size=40, start=0):
    return [str(start + i).encode().ljust(size) for i in range(count)]


def test_an_entry_gets_its_place_and_its_proof(folder):
    log = _open(folder)
    first = log.append(_raw(3))
    second = log.append(_raw(2, start=3))
    assert [a.index for a in first + second] == [0, 1, 2, 3, 4]
    assert (first[0].size, second[0].size) == (3, 5)
    head = Checkpoint.parse(log.checkpoint.text)
    assert log.checkpoint.verified([samples.LOG.verify_key])
    for place in first + second:
        verify_inclusion(place.leaf_hash, place.index, 5, log.inclusion(place.index, 5), head.root)
    verify_consistency(3, 5, log.consistency(3, 5), log.tree.root(3), head.root)
    assert log.entries(1, 99) == _raw(2, start=1) + _raw(2, start=3)
    log.close()


def test_what_was_acknowledged_is_there_after_a_restart(folder):
    log = _open(folder)
    log.append(_raw(300))
    text = str(log.checkpoint)
    log.close()
    log = _open(folder)
    assert (log.size, str(log.checkpoint)) == (300, text)
    assert log.append(_raw(1, start=300))[0].index == 300
    assert log.tree.root() == Tree(map(leaf_hash, _raw(301))).root()
    log.close()


def test_an_idempotency_key_finds_its_entries_again_also_after_a_restart(folder):
    log = _open(folder)
    places = log.append(_raw(2), "request 7")
    log.append(_raw(1, start=50))
    assert log.append(_raw(2), "request 7") == places
    with pytest.raises(KeyReusedError, match="other bytes"):
        log.append(_raw(2, start=9), "request 7")
    log.close()
    log = _open(folder)
    assert log.append(_raw(2), "request 7") == places
    assert log.size == 3
    log.close()


def test_a_key_is_its_signers_own_and_nobody_else_can_use_it_up(folder):
    log = _open(folder, policy=samples.POLICY)
    log.append(LIFE[:1], "owner:trust-root")
    revocation, lease = (
        samples.signed(samples.SAMPLES["revocation"]),
        samples.signed(samples.SAMPLES["lease"]),
    )
    assert log.append([lease], "owner:revoke")[0].index == 1  # the host guessed what the owner will say
    assert log.append([revocation], "owner:revoke")[0].index == 2
    assert log.append([revocation], "owner:revoke")[0].index == 2
    with pytest.raises(KeyReusedError, match="owner:revoke"):
        log.append([samples.signed(samples.SAMPLES["seal"])], "owner:revoke")
    log.close()


def test_a_key_from_before_keys_had_owners_is_still_known(folder, monkeypatch):
    with monkeypatch.context() as before:
        before.setattr(Log, "_scoped", lambda _self, _entries, key: key)
        log = _open(folder, policy=samples.POLICY)
        log.append(LIFE[:1], "owner:trust-root")
        log.append([samples.signed(samples.SAMPLES["seal"])], "owner:seal")
        log.close()
    log = _open(folder, policy=samples.POLICY)
    assert log.append(LIFE[:1], "owner:trust-root")[0].index == 0
    assert log.append([samples.signed(samples.SAMPLES["seal"])], "owner:seal")[0].index == 1
    assert log.append([samples.signed(samples.SAMPLES["lease"])], "owner:seal")[0].index == 2
    log.close()


def test_without_a_key_the_bytes_are_their_own(folder):
    log = _open(folder)
    assert log.append(_raw(2)) == log.append(_raw(2))
    assert log.append(_raw(1))[0].index == 2  # another batch is another act
    log.close()


def test_many_callers_at_once_share_commits_and_each_gets_its_own_place(folder):
    log = _open(folder)
    commits = []
    log.committed = lambda: commits.append(log.size)
    places = {}

    def call(caller):
        for i in range(25):
            [place] = log.append([f"{caller} {i}".encode()])
            places[caller, i] = place.index

    threads = [threading.Thread(target=call, args=(caller,)) for caller in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(places.values()) == list(range(200))
    assert all(log.entries(at, at + 1) == [f"{c} {i}".encode()] for (c, i), at in places.items())
    assert len(commits) < 200
    assert max(b - a for a, b in zip([0, *commits], commits, strict=False)) <= GATHER
    log.close()


def test_two_callers_with_one_key_get_one_place(folder):
    log = _open(folder)
    found = []
    threads = [threading.Thread(target=lambda: found.append(log.append(_raw(3), "same"))) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert log.size == 3
    assert all(places == found[0] for places in found)
    log.close()


def test_a_second_writer_gets_a_clear_error(folder):
    log = _open(folder)
    with pytest.raises(LogLockedError, match=r"another process writes the log .*--log ADDRESS"):
        _open(folder)
    log.close()
    _open(folder).close()


@pytest.mark.parametrize(("entries", "key"), [([], ""), ([b"x"] * 4097, ""), ([b"x"], "k" * 201)])
def test_a_batch_has_limits(folder, entries, key):
    log = _open(folder)
    with pytest.raises(InputError, match="not a batch"):
        log.append(entries, key)
    log.close()


def test_an_entry_over_the_limit_is_refused_and_nothing_of_its_batch_stays(folder):
    log = _open(folder)
    assert log.append([b"x" * 65_535])[0].index == 0
    with pytest.raises(QuotaError, match="too large"):
        log.append([b"good", b"x" * 65_536])
    assert log.size == 1
    log.close()


def test_the_log_judges_every_entry_before_it_takes_it(folder):
    log = _open(folder, policy=samples.POLICY)
    seal = samples.signed(samples.SAMPLES["seal"])
    with pytest.raises(NotTrustedError, match="begins without a trust root"):
        log.append([seal])
    log.append([samples.signed(samples.TRUST), seal])  # the trust root counts for the rest of its own batch
    for entry, error in (
        (b"{}", MalformedError),
        (samples.signed(samples.SAMPLES["seal"], samples.KEYS["host"]), NotTrustedError),
        (seal.replace(b'"sig":"', b'"sig":"AAAA')[: len(seal)], MalformedError),
    ):
        with pytest.raises(error):
            log.append([samples.signed(samples.SAMPLES["lease"]), entry])
    assert log.size == 2
    log.close()
    log = _open(folder, policy=samples.POLICY)
    assert log.trust is not None
    assert log.trust.version == 1
    log.append([samples.signed(samples.SAMPLES["lease"])])
    log.close()


def test_a_forged_signature_of_a_known_key_is_refused(folder):
    log = _open(folder, policy=samples.POLICY)
    log.append([samples.signed(samples.TRUST)])
    seal = samples.signed(samples.SAMPLES["seal"])
    at = seal.index(b'"sig":"') + 7
    with pytest.raises(BadSignatureError):
        log.append([seal[:at] + (b"A" if seal[at : at + 1] != b"A" else b"B") + seal[at + 1 :]])
    log.close()


def test_a_signer_has_a_quota_of_its_own(folder):
    now = [0.0]
    log = _open(folder, policy=samples.POLICY, quota=Quota(3, clock=lambda: now[0]))
    log.append([samples.signed(samples.TRUST)])
    acts = [
        samples.signed(samples.SAMPLES[name])
        for name in ("seal", "derivation", "evaluation", "determination")
    ]
    log.append(acts[:3])
    with pytest.raises(QuotaError, match="at most 3 entries a minute"):
        log.append(acts[3:])
    log.append([samples.signed(samples.SAMPLES["lease"])])  # the host is not held up by the owner
    now[0] = 20.0
    log.append(acts[3:])
    assert log.append(acts[3:])[0].index == 5  # a repetition costs nothing
    log.close()


def test_a_clock_that_goes_backwards_gives_nobody_more_and_takes_nothing_away():
    now = [100.0]
    quota = Quota(2, clock=lambda: now[0])
    quota.take({"a": 1})
    now[0] = 50.0
    quota.take({"a": 1})
    with pytest.raises(QuotaError):
        quota.take({"a": 1})


class _FullDisk:
    """A connection on a disk that is full when told so: SQLite's own page limit makes the error."""

    def __init__(self, path):
        self.inner = connect(path)

    def limit(self, pages):
        self.inner.execute(f"PRAGMA max_page_count={pages}").fetchall()

    def __getattr__(self, name):
        return getattr(self.inner, name)


def test_a_full_disk_in_mid_batch_loses_nothing_and_goes_on_when_there_is_space(folder):
    opened = []

    def open_database(path):
        opened.append(_FullDisk(path))
        return opened[-1]

    log = _open(folder, open_database=open_database)
    log.append(_raw(5))
    before = str(log.checkpoint)
    opened[0].limit(20)
    with pytest.raises(LogFullError, match=r"disk of the log is full.*nothing was lost"):
        log.append(_raw(200, size=2000, start=5))
    assert (log.size, str(log.checkpoint)) == (5, before)
    opened[0].limit(1 << 30)
    assert log.append(_raw(200, size=2000, start=5))[0].index == 5
    log.close()
    log = _open(folder)
    assert log.size == 205
    log.close()


def test_a_database_that_fails_stops_the_log_until_it_is_opened_again(folder):
    class Failing(_FullDisk):
        broken = False

        def execute(self, sql, *rest):
            if Failing.broken and sql == "COMMIT":
                raise sqlite3.OperationalError("disk I/O error")
            return self.inner.execute(sql, *rest)

    log = _open(folder, open_database=Failing)
    log.append(_raw(1))
    Failing.broken = True
    with pytest.raises(LogError, match="disk I/O error"):
        log.append(_raw(1, start=1))
    Failing.broken = False
    with pytest.raises(LogError, match="open the log again"):
        log.append(_raw(1, start=2))
    log.close()
    log = _open(folder)
    assert log.append(_raw(1, start=1))[0].index == 1
    log.close()


def test_a_rollback_that_fails_too_leaves_nobody_waiting(folder):
    class Failing(_FullDisk):
        broken = False

        def execute(self, sql, *rest):
            if Failing.broken and sql in {"COMMIT", "ROLLBACK"}:
                raise sqlite3.OperationalError("disk I/O error")
            return self.inner.execute(sql, *rest)

    log = _open(folder, open_database=Failing)
    log.append(_raw(1))
    Failing.broken = True
    caught = []

    def call(number):
        try:
            log.append(_raw(1, start=number))
        except LogError as error:
            caught.append(error)

    threads = [threading.Thread(target=call, args=(i,), daemon=True) for i in range(1, 5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(5)
    assert not any(thread.is_alive() for thread in threads)
    assert len(caught) == 4
    Failing.broken = False
    log.close()
    log = _open(folder)
    assert log.size == 1
    log.close()


def _tamper(folder, *statements):
    database = sqlite3.connect(folder / "log.db")
    for statement in statements:
        database.execute(*statement)
    database.commit()
    database.close()


@pytest.mark.parametrize(
    ("statement", "why"),
    [
        (("DELETE FROM entries WHERE id = 3",), "has a gap"),
        (("DELETE FROM entries WHERE id = 9",), "entries and its head differ"),
        (("UPDATE entries SET leaf = ? WHERE id = 3", (b"\1" * 32,)), "entries and its head differ"),
        (("UPDATE head SET checkpoint = replace(checkpoint, 'log', 'lag')",), "not this key's"),
        (("UPDATE head SET format = 2",), "another format"),
    ],
)
def test_a_database_that_was_tampered_with_is_not_opened(folder, statement, why):
    log = _open(folder)
    log.append(_raw(10))
    log.close()
    _tamper(folder, statement)
    with pytest.raises(LogCorruptError, match=why):
        _open(folder)


def test_a_flipped_entry_is_never_given_out(folder):
    log = _open(folder)
    log.append(_raw(10))
    _tamper(folder, ("UPDATE entries SET data = ? WHERE id = 3", (b"another",)))
    assert len(log.entries(4, 10)) == 6
    with pytest.raises(LogCorruptError, match="entry 3 is not what was committed"):
        log.entries(0, 10)
    log.close()


def test_another_key_does_not_open_the_log(folder):
    log = _open(folder)
    log.append(_raw(1))
    log.close()
    with pytest.raises(LogCorruptError, match="not this key's"):
        Log.open(folder, samples.key("other"), policy=None)


def test_a_file_that_is_no_database_is_named(folder):
    folder.mkdir(mode=0o700)
    (folder / "log.db").write_bytes(os.urandom(8192))
    with pytest.raises(LogCorruptError, match="cannot open"):
        _open(folder)


def test_a_stopped_log_says_why(folder):
    log = _open(folder)
    log.stop("the witness w contradicts it")
    with pytest.raises(LogError, match="witness w contradicts"):
        log.append(_raw(1))
    log.close()


def test_a_thousand_entries_are_read_back_quickly(folder):
    log = _open(folder)
    log.append(_raw(4096))
    log.close()
    started = time.perf_counter()
    log = _open(folder)
    assert time.perf_counter() - started < 2
    log.close()
