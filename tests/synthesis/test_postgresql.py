"""A real PostgreSQL gives exact values, the caller's rows alone, and reasons that tell nobody's cells."""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("duckdb", reason="extra missing: pip install 'mythos-hub[synthesis]'")
pytest.importorskip("psycopg", reason="extra missing: pip install 'mythos-hub[postgres]'")
import duckdb
import psycopg

from mythos.errors import DataError
from mythos.synthesis import sources
from mythos.synthesis.capture import capture
from mythos.synthesis.sources import read_postgresql
from mythos.synthesis.terms import Catalog, Column, Person, Table
from mythos.synthesis.view import view_for

_DEBIAN = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
INITDB = shutil.which("initdb") or (str(_DEBIAN[-1]) if _DEBIAN else None)

TABLES = """
CREATE TABLE orders (id int PRIMARY KEY, tenant text, amount numeric(38,10), rate float8, day date,
                     at timestamp, seen timestamptz, paid bool, "no""te" text);
INSERT INTO orders VALUES
  (10, 't1', 12345678901234567890.1234567891, 1e-7, '2024-04-01', '2024-04-01 10:00:00.5',
   '2024-04-01 09:00+09', true, 'O''Brien said "no"; DROP TABLE orders; --'),
  (9, ' ｔ1', 0, 1e20, NULL, NULL, NULL, NULL, NULL),
  (11, 't1', 0.0000001, -0.25, '0001-01-01', '9999-12-31 23:59:59', '2024-12-31 23:30-01', false, '日本'),
  (12, 't2', 5, 'NaN', 'infinity', 'infinity', '-infinity', NULL, 'CANARY'),
  (13, NULL, 6, 0, NULL, NULL, NULL, NULL, 'CANARY');
INSERT INTO orders SELECT n, 't3', n, n, NULL, NULL, NULL, NULL, 'CANARY' FROM generate_series(1000, 3000) n;
CREATE TABLE closed (LIKE orders);
CREATE VIEW judged AS SELECT * FROM orders WHERE coalesce("no""te", '0') NOT LIKE 'CAN%' OR "no""te"::int > 0;
CREATE ROLE reader LOGIN; CREATE ROLE writer LOGIN; CREATE ROLE painter LOGIN;
GRANT SELECT ON orders, judged TO reader, writer, painter;
GRANT DELETE ON orders TO writer; GRANT UPDATE (amount) ON orders TO painter;
"""


class Server:
    """A database server of its own, without a network, in a short folder that its user owns."""

    def __init__(self, folder: Path, initdb: str) -> None:
        self.folder = folder
        self._programs = Path(initdb).resolve().parent
        self._user: dict[str, Any] = {}
        if os.getuid() == 0:  # it refuses to run as root
            shutil.chown(folder, "nobody")
            self._user = {"user": "nobody", "group": pwd.getpwnam("nobody").pw_gid, "extra_groups": []}
        data = ["-D", str(folder / "data")]
        self._run(initdb, *data, "-U", "owner", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync").wait()
        self.start()

    def _run(self, *command: str) -> subprocess.Popen[Any]:
        with (self.folder / "log").open("ab") as log:
            return subprocess.Popen(
                [*command],
                cwd=self.folder,
                stdout=log,
                stderr=log,
                env={"PATH": os.environ["PATH"]},
                **self._user,
            )

    def start(self) -> None:
        settings = [
            "-c",
            "listen_addresses=",
            "-c",
            "fsync=off",
            "-c",
            "timezone=Asia/Tokyo",
            "-c",
            "datestyle=SQL,DMY",
        ]
        program = str(self._programs / "postgres")
        self._process = self._run(program, "-D", str(self.folder / "data"), "-k", str(self.folder), *settings)
        until = time.monotonic() + 60
        while True:
            try:
                return self.connect().close()
            except psycopg.OperationalError:
                if time.monotonic() > until or self._process.poll() is not None:
                    raise AssertionError((self.folder / "log").read_text()) from None
                time.sleep(0.1)

    def connect(self) -> Any:
        return psycopg.connect(host=str(self.folder), user="owner", dbname="postgres", autocommit=True)

    def stop(self) -> None:
        self._process.send_signal(signal.SIGINT)
        self._process.wait(60)


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    if INITDB is None:
        pytest.skip("database missing: no initdb to make a PostgreSQL server with")
    folder = Path(tempfile.mkdtemp(prefix="pg-", dir="/tmp"))
    roles = ("reader", "writer", "painter", "owner")
    services = "".join(f"[{role}]\nhost={folder}\nuser={role}\ndbname=postgres\n" for role in roles)
    (folder / "services.conf").write_text(services)
    try:
        server = Server(folder, INITDB)
        with pytest.MonkeyPatch.context() as patch, server.connect() as connection:
            connection.execute(TABLES)
            patch.setenv("PGSERVICEFILE", str(folder / "services.conf"))
            yield server
        server.stop()
    finally:
        shutil.rmtree(folder)


ORDERS = Table(
    "orders", "postgresql:reader/public.orders", "postgresql", primary_key=("id",), tenant_column="tenant",
    columns=(
        Column("id", "integer"), Column("tenant", "code"), Column("amount", "decimal"), Column("rate", "decimal"),
        Column("day", "date"), Column("at", "timestamp"), Column("seen", "timestamp"), Column("paid", "code"),
        Column('no"te'),
    ),
)  # fmt: skip


def at(*parts: int) -> datetime:
    """A time as a table holds it: of no zone."""
    return datetime(*parts, tzinfo=UTC).replace(tzinfo=None)  # pyright: ignore[reportArgumentType]


def captured(table: Table, tenant: str, cache: Path) -> tuple[list[tuple[Any, ...]], bytes]:
    people = (Person("p", tenant),)
    catalog = Catalog(cache, date(2026, 4, 15), (table,), (), people)
    taken = capture(view_for(catalog, "p"), cache / "c")
    with duckdb.connect(str(taken.file), read_only=True) as database:
        return database.execute("SELECT * FROM orders ORDER BY _rid").fetchall(), taken.file.read_bytes()


@pytest.mark.usefixtures("server")
def test_values_are_exact_and_rows_the_callers(tmp_path: Path) -> None:
    rows, file = captured(ORDERS, "t1", tmp_path)
    assert rows == [
        (1, 9, "t1", 0, 10**20, None, None, None, None, None),
        (2, 10, "t1", Decimal("12345678901234567890.1234567891"), Decimal("0.0000001"), date(2024, 4, 1),
         at(2024, 4, 1, 10, 0, 0, 500_000), at(2024, 4, 1), "true",
         'O\'Brien said "no"; DROP TABLE orders; --'),
        (3, 11, "t1", Decimal("0.0000001"), Decimal("-0.25"), date(1, 1, 1),
         at(9999, 12, 31, 23, 59, 59), at(2025, 1, 1, 0, 30), "false", "日本"),
    ]  # fmt: skip
    assert b"CANARY" not in file


def test_the_same_rows_are_one_capture_whatever_others_write(server: Server, tmp_path: Path) -> None:
    before = captured(ORDERS, "t1", tmp_path)
    with server.connect() as owner:
        owner.execute("INSERT INTO orders (id, tenant) VALUES (20, 't5')")
        assert captured(ORDERS, "t1", tmp_path) == before
        assert len(list((tmp_path / "c").glob("*.duckdb"))) == 1
        owner.execute("UPDATE orders SET tenant = 't1' WHERE id = 20")
        assert len(captured(ORDERS, "t1", tmp_path)[0]) == 4
        owner.execute("DELETE FROM orders WHERE id = 20")
    assert captured(ORDERS, "t1", tmp_path) == before
    assert len(list((tmp_path / "c").glob("*.duckdb"))) == 2


@pytest.mark.usefixtures("server")
def test_a_cell_that_cannot_be_read_is_told_to_its_tenant(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"row 1, column rate.*'nan'"):
        captured(ORDERS, "t2", tmp_path)
    assert captured(ORDERS, "t4", tmp_path)[0] == []


@pytest.mark.usefixtures("server")
def test_the_bound_counts_the_callers_rows_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "MAX_TEXT_BYTES", 1_000)
    assert read_postgresql(ORDERS, "t1").columns[0] == ["9", "10", "11"]
    with pytest.raises(DataError, match=r"too large to be read by cells.*Export it to Parquet"):
        read_postgresql(ORDERS, "t3")


@pytest.mark.usefixtures("server")
def test_a_column_of_too_many_texts_names_no_tenants(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "MAX_TENANTS", 4)
    with pytest.raises(DataError, match="names no tenants"):
        read_postgresql(ORDERS, "t1")


@pytest.mark.usefixtures("server")
@pytest.mark.parametrize("role", ["writer", "painter", "owner"])
def test_a_role_that_may_write_is_refused(role: str) -> None:
    with pytest.raises(DataError, match=r"may write to it; expected a role with SELECT alone.*GRANT SELECT"):
        read_postgresql(replace(ORDERS, file=f"postgresql:{role}/orders"), "t1")


@pytest.mark.usefixtures("server")
@pytest.mark.parametrize(
    ("file", "says"),
    [
        ("reader/public.gone", r'"public.gone" does not exist.*Correct `file` and `columns`'),
        ("reader/gone.orders", r'schema "gone" does not exist.*Correct `file`'),
        ("reader/closed", "permission denied for table closed.*grant SELECT"),
        ("nobody/orders", r"pg_service.conf describes \[nobody\]"),
        ("/orders", "names no table; expected postgresql:SERVICE/SCHEMA.TABLE"),
        ("reader", "names no table"),
    ],
)
def test_what_is_not_there_says_what_to_do(file: str, says: str) -> None:
    with pytest.raises(DataError, match=says):
        read_postgresql(replace(ORDERS, file=f"postgresql:{file}"), "t1")


@pytest.mark.usefixtures("server")
def test_a_column_that_is_not_there_is_named() -> None:
    with pytest.raises(DataError, match=r'column "price" does not exist.*Correct `file` and `columns`'):
        read_postgresql(replace(ORDERS, columns=(*ORDERS.columns, Column("price"))), "t1")


@pytest.mark.usefixtures("server")
def test_the_servers_words_about_another_tenants_cell_are_not_told() -> None:
    with pytest.raises(DataError, match=r"SQLSTATE 22P02.*psql") as caught:
        read_postgresql(replace(ORDERS, file="postgresql:reader/judged"), "t1")
    assert "CANARY" in str(caught.value.__cause__)
    assert "CANARY" not in str(caught.value)


def test_a_statement_has_an_end(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "STATEMENT_SECONDS", 1)
    with server.connect() as other, other.transaction():
        other.execute("LOCK TABLE orders")
        with pytest.raises(DataError, match=r"statement timeout.*over 1 s: name a smaller view"):
            read_postgresql(ORDERS, "t1")
    assert len(read_postgresql(ORDERS, "t1").columns[0]) == 3


def test_a_stopped_server_is_named(server: Server) -> None:
    server.stop()
    with pytest.raises(DataError, match=r"No such file.*\[reader\] and that its server runs"):
        read_postgresql(ORDERS, "t1")
    server.start()
    assert len(read_postgresql(ORDERS, "t1").columns[0]) == 3
