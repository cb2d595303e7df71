"""What a question's process reaches once its walls stand: tried from inside, by a process that was taken over."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

INSIDE = """
import json, os, signal, socket, subprocess, sys, threading
from pathlib import Path
from mythos.hub.walls import around, no_sockets

data, cache, mine, secret, other = map(Path, sys.argv[1:])
told = {"version": around([cache], [data])}
before = threading.Event()
thread_saw = []

def tried(act):
    try:
        act()
    except OSError as error:
        return type(error).__name__
    return "done"

def earlier():
    before.wait()
    thread_saw.append(tried(secret.read_text))

early = threading.Thread(target=earlier)
early.start()
around([mine], [data])
no_sockets()
before.set()
early.join()
told |= {
    "read data": tried((data / "file").read_text),
    "write data": tried(lambda: (data / "new").write_text("x")),
    "change data": tried(lambda: os.truncate(data / "file", 0)),
    "write mine": tried(lambda: (mine / "new").write_text("x")),
    "run of mine": tried(lambda: subprocess.run([mine / "program"])),
    "read others": tried((other / "file").read_text),
    "list others": tried(lambda: os.listdir(other)),
    "read secret": tried(secret.read_text),
    "read secret by thread": thread_saw[0],
    "read secret by child": subprocess.run([sys.executable, "-c", f"open({str(secret)!r})"], capture_output=True).returncode,
    "link secret": tried(lambda: os.link(secret, mine / "linked")),
    "link and read": tried(lambda: (os.symlink(secret, mine / "soft"), (mine / "soft").read_text())),
    "parent's memory": tried(lambda: Path(f"/proc/{os.getppid()}/mem").open("rb")),
    "parent's environment": tried(Path(f"/proc/{os.getppid()}/environ").read_bytes),
    "signal to the parent": tried(lambda: os.kill(os.getppid(), signal.SIGUSR1)),
    "socket": tried(socket.socket),
    "unix socket": tried(lambda: socket.socket(socket.AF_UNIX)),
    "child": subprocess.run([sys.executable, "-I", "-c", "import mythos.hub.walls"]).returncode,
}
print(json.dumps(told))
"""


def test_nothing_but_the_data_and_ones_own_captures_is_reached(tmp_path: Path) -> None:
    data, cache, secret = tmp_path / "data", tmp_path / "cache", tmp_path / "host.key"
    mine, other = cache / "mine", cache / "other"
    for folder in (data, mine, other):
        folder.mkdir(parents=True)
        (folder / "file").write_text("rows")
    (mine / "program").write_text("#!/bin/sh\n")
    (mine / "program").chmod(0o700)
    secret.write_text("secret")
    places = [str(path) for path in (data, cache, mine, secret, other)]
    ran = subprocess.run([sys.executable, "-c", INSIDE, *places], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    told: dict[str, Any] = json.loads(ran.stdout)
    if told.pop("version") < 6:
        pytest.skip("kernel missing: no Landlock, or one that does not know signals")
    done = {name for name, how in told.items() if how in {"done", 0}}
    assert done == {"read data", "write mine", "child"}, told
    assert (data / "file").read_text() == "rows"
