"""Disks that forget: what a power cut may leave of files that were not synced.

`ForgetfulDisk` models a file system under the projection, `ForgetfulVFS` the files of SQLite (through apsw).
Both record every operation; `survivors` replays them up to a cut and then, for everything that was not yet
durable, lets chance decide: names are there or not, contents are whole, torn, empty or garbage.
"""

import random
from collections.abc import Iterator
from pathlib import Path

import apsw

from mythos.evidence.tiles import Disk


class ForgetfulDisk(Disk):
    """Performs and records the operations of a projection."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.done: list[tuple[str, str, object]] = []

    def _note(self, kind: str, path: Path, more: object = None) -> None:
        self.done.append((kind, str(path.relative_to(self.root)), more))

    def make_folder(self, path):
        super().make_folder(path)
        self._note("folder", path)

    def write(self, path, data, *, sync):
        super().write(path, data, sync=False)
        self._note("write", path, data)
        if sync:
            self._note("sync", path)

    def rename(self, old, new):
        super().rename(old, new)
        self._note("rename", new, str(old.relative_to(self.root)))

    def sync_folder(self, path):
        self._note("sync-folder", path)

    def sync_all(self, path):
        self._note("sync-all", path)

    def survivors(self, cut: int, chance: random.Random) -> dict[str, bytes | None]:
        """The tree after a cut before operation `cut`: path to content, `None` for a folder."""
        model = _Model()
        for kind, path, more in self.done[:cut]:
            model.apply(kind, path, more)
        if cut < len(self.done) and self.done[cut][0] == "write":
            model.apply(*self.done[cut])
        return model.after_the_cut(chance)


class _Model:
    """Names and contents, each with what is durable and what is only in memory."""

    def __init__(self) -> None:
        self.live: dict[str, int] = {}
        self.durable: dict[str, int] = {}
        self.pending: list[tuple[str, str, str | None, int]] = []
        self.content: list[bytes | None] = []
        self.synced: set[int] = set()

    def apply(self, kind, path, more):
        match kind:
            case "folder":
                self._new(path, None)
            case "write":
                if path in self.live:
                    self.content[self.live[path]] = more
                    self.synced.discard(self.live[path])
                else:
                    self._new(path, more)
            case "sync":
                self.synced.add(self.live[path])
            case "rename":
                node = self.live.pop(more)
                self.live[path] = node
                self.pending.append(("rename", path, more, node))
            case "sync-folder":
                here = [p for p in self.pending if _folder(p[1]) == path]
                self.pending = [p for p in self.pending if p not in here]
                for operation in here:
                    self._settle(operation)
            case "sync-all":
                for operation in self.pending:
                    self._settle(operation)
                self.pending = []
                self.synced.update(self.live.values())
            case _:
                raise AssertionError(kind)

    def _new(self, path, content):
        self.content.append(content)
        self.live[path] = len(self.content) - 1
        self.pending.append(("new", path, None, self.live[path]))

    def _settle(self, operation):
        _, path, old, node = operation
        if old is not None:
            self.durable.pop(old, None)
        self.durable[path] = node

    def after_the_cut(self, chance):
        for operation in self.pending:
            if chance.random() < 0.5:
                self._settle(operation)
        found = {}
        for path, node in self.durable.items():
            content = self.content[node]
            if content is not None and node not in self.synced:
                content = _torn(content, chance)
            found[path] = content
        return {p: c for p, c in found.items() if all(parent in found for parent in _parents(p))}


def _torn(content: bytes, chance: random.Random) -> bytes:
    choice = chance.randrange(4)
    if choice == 0:
        return content
    if choice == 1:
        return b""
    if choice == 2:
        return content[: chance.randrange(len(content) + 1)]
    return bytes(len(content))


def _folder(path: str) -> str:
    return str(Path(path).parent)


def _parents(path: str) -> Iterator[str]:
    return (str(parent) for parent in Path(path).parents if str(parent) != ".")


class ForgetfulVFS(apsw.VFS):
    """Passes through to the system's VFS and records writes, truncations and syncs of every file."""

    def __init__(self, name: str) -> None:
        self.done: list[tuple[str, str, int, bytes]] = []
        super().__init__(name, "")
        self.shim = name

    def xOpen(self, name, flags):
        return _File(self, name, flags)

    def xDelete(self, filename, syncdir):
        self.done.append(("delete", Path(filename).name, 0, b""))
        super().xDelete(filename, syncdir)

    def mark(self, count: int) -> None:
        """Note that so many entries are acknowledged now."""
        self.done.append(("acknowledged", "", count, b""))

    def survivors(self, cut: int, chance: random.Random) -> tuple[dict[str, bytes], int]:
        """The files after a cut before operation `cut`, and how many entries had been acknowledged."""
        durable: dict[str, bytearray] = {}
        pending: dict[str, list[tuple[str, int, bytes]]] = {}
        acknowledged = 0
        for kind, name, number, data in self.done[:cut]:
            match kind:
                case "acknowledged":
                    acknowledged = number
                case "sync":
                    for operation in pending.pop(name, []):
                        _perform(durable.setdefault(name, bytearray()), *operation)
                case "delete":
                    durable.pop(name, None)
                    pending.pop(name, None)
                case _:
                    pending.setdefault(name, []).append((kind, number, data))
        for name, operations in pending.items():
            for kind, number, data in operations:
                if (fate := chance.randrange(3)) == 0:
                    continue
                written = data[: chance.randrange(len(data) + 1)] if fate == 1 and data else data
                _perform(durable.setdefault(name, bytearray()), kind, number, written)
        return {name: bytes(content) for name, content in durable.items()}, acknowledged


def _perform(content: bytearray, kind: str, number: int, data: bytes) -> None:
    if kind == "truncate":
        del content[number:]
        return
    if len(content) < number:
        content.extend(bytes(number - len(content)))
    content[number : number + len(data)] = data


class _File(apsw.VFSFile):
    def __init__(self, vfs: ForgetfulVFS, name: str | apsw.URIFilename | None, flags: list[int]) -> None:
        self._vfs = vfs
        self._name = Path(name.filename() if isinstance(name, apsw.URIFilename) else str(name)).name
        super().__init__("", name, flags)

    def xWrite(self, data, offset):
        self._vfs.done.append(("write", self._name, offset, bytes(data)))
        super().xWrite(data, offset)

    def xTruncate(self, newsize):
        self._vfs.done.append(("truncate", self._name, newsize, b""))
        super().xTruncate(newsize)

    def xSync(self, flags):
        self._vfs.done.append(("sync", self._name, 0, b""))
        super().xSync(flags)


class _Shared:
    """The store's second connection on the same database; it must not weaken the first one's durability."""

    def __init__(self, connection: apsw.Connection) -> None:
        self._connection = connection

    def execute(self, sql, *rest):
        return self._connection.execute("SELECT 1" if sql == "PRAGMA synchronous=NORMAL" else sql, *rest)

    def executemany(self, sql, rows):
        return self._connection.executemany(sql, rows)

    def close(self):
        pass


def recorded(vfs: ForgetfulVFS):
    """How a store opens SQLite through the shim: one connection, for apsw's files have no shared memory."""
    held: list[apsw.Connection] = []

    def open_database(path: Path):
        if held:
            return _Shared(held[0])
        held.append(apsw.Connection(str(path), vfs=vfs.shim))
        held[0].execute("PRAGMA locking_mode=EXCLUSIVE").fetchall()
        return held[0]

    return open_database
