"""The filters, tried from inside a process that has given everything up."""

import json
import platform
import subprocess
import sys
from pathlib import Path

import pytest

from mythos.engines.confine import confinement
from mythos.engines.syscalls import numbers
from mythos.errors import MachineError

PRELUDE = """
import ctypes, errno, json, os, resource, signal, socket, sys, threading, time
from mythos.engines.confine import confine_after_library, confine_before_library, confinement
from mythos.engines.syscalls import numbers
libc = ctypes.CDLL(None, use_errno=True)
folder = sys.argv[1]
existing = os.path.join(folder, "existing")
open(existing, "w").close()
memory = os.memfd_create("m")
left, right = socket.socketpair()
def call(name, *args):
    ctypes.set_errno(0)
    result = libc.syscall(ctypes.c_long(numbers()[name]), *[ctypes.c_long(a) if isinstance(a, int) else a for a in args])
    return errno.errorcode.get(ctypes.get_errno(), "0") if result == -1 else "done"
def tried(action):
    try:
        action()
    except OSError as error:
        return errno.errorcode[error.errno]
    return "done"
"""


def confined(tmp_path: Path, body: str) -> dict[str, str]:
    """Run `body` in a fresh process; it fills `results`."""
    program = PRELUDE + "results = {}\n" + body + "\nprint(json.dumps(results))"
    done = subprocess.run(
        [sys.executable, "-I", "-c", program, str(tmp_path)], capture_output=True, text=True, timeout=30
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_a_library_that_loads_late_may_read_and_reach_nobody(tmp_path: Path) -> None:
    results = confined(
        tmp_path,
        """
confine_before_library()
confine_after_library(reading=True)
results["read"] = tried(lambda: os.close(os.open(existing, os.O_RDONLY)))
results["write"] = tried(lambda: os.open(existing, os.O_WRONLY))
results["create"] = tried(lambda: os.open(folder + "/new", os.O_RDONLY | os.O_CREAT))
results["socket"] = tried(lambda: socket.socket(socket.AF_UNIX))
results["connect"] = tried(lambda: left.connect(folder + "/none"))
""",
    )
    assert results == {
        "read": "done",
        "write": "EACCES",
        "create": "EACCES",
        "socket": "EPERM",
        "connect": "EPERM",
    }


def test_before_the_library_nothing_can_be_written_named_or_reached(tmp_path: Path) -> None:
    results = confined(
        tmp_path,
        """
confine_before_library()
for mode in ("O_WRONLY", "O_RDWR"):
    results["open " + mode] = tried(lambda: os.open(existing, getattr(os, mode)))
results["open O_TRUNC"] = tried(lambda: os.open(existing, os.O_RDONLY | os.O_TRUNC))
results["open O_CREAT"] = tried(lambda: os.open(folder + "/new", os.O_RDONLY | os.O_CREAT))
results["open O_TMPFILE"] = tried(lambda: os.open(folder, os.O_TMPFILE | os.O_RDWR))
results["rename"] = tried(lambda: os.rename(existing, folder + "/b"))
results["link"] = tried(lambda: os.link(existing, folder + "/b"))
results["symlink"] = tried(lambda: os.symlink(existing, folder + "/b"))
results["unlink"] = tried(lambda: os.unlink(existing))
results["mkdir"] = tried(lambda: os.mkdir(folder + "/b"))
results["truncate"] = tried(lambda: os.truncate(existing, 0))
results["chmod"] = tried(lambda: os.chmod(existing, 0o777))
results["setxattr"] = tried(lambda: os.setxattr(existing, "user.a", b"1"))
results["utime"] = tried(lambda: os.utime(existing))
results["mknod"] = tried(lambda: os.mkfifo(folder + "/b"))
results["inet"] = tried(lambda: socket.socket(socket.AF_INET))
results["inet6"] = tried(lambda: socket.socket(socket.AF_INET6))
results["netlink"] = tried(lambda: socket.socket(socket.AF_NETLINK, socket.SOCK_RAW))
results["vsock"] = tried(lambda: socket.socket(socket.AF_VSOCK))
results["execve"] = tried(lambda: os.execv("/bin/true", ["true"]))
results["fork"] = tried(os.fork)
results["kill"] = tried(lambda: os.kill(os.getppid(), 0))
results["tgkill other"] = call("tgkill", os.getppid(), os.getppid(), 0)
results["pass descriptor"] = tried(lambda: socket.send_fds(left, [b"x"], [memory]))
limit = ctypes.byref((ctypes.c_ulong * 2)(0, 0))
results["core limit"] = call("prlimit64", 0, resource.RLIMIT_CORE, limit, 0)
results["dumpable"] = call("prctl", 4, 1, 0, 0, 0)
for name in "ptrace process_vm_readv shmget io_uring_setup pidfd_getfd openat2 unshare userfaultfd keyctl bpf".split():
    number = {"io_uring_setup": 425, "pidfd_getfd": 438, "openat2": 437}.get(name) or numbers()[name]
    result = libc.syscall(ctypes.c_long(number), 0, 0, 0, 0, 0, 0)
    results[name] = errno.errorcode[ctypes.get_errno()] if result == -1 else "done"
state = confinement()
results["state"] = f"{state['dumpable']} {state['noNewPrivileges']} {state['seccomp']} {state['coreLimit']}"
""",
    )
    assert results.pop("state") == "0 1 2 0"
    unseen = {"io_uring_setup", "pidfd_getfd", "openat2"}
    assert {name: results.pop(name) for name in sorted(unseen)} == dict.fromkeys(sorted(unseen), "ENOSYS")
    opens = {name: results.pop(name) for name in list(results) if name.startswith("open ")}
    assert opens == dict.fromkeys(opens, "EACCES")
    assert len(opens) == 5
    assert results == dict.fromkeys(results, "EPERM")
    assert len(results) > 25
    assert (tmp_path / "existing").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["existing"]


def test_before_the_library_what_it_needs_still_works(tmp_path: Path) -> None:
    results = confined(
        tmp_path,
        """
confine_before_library()
results["read"] = tried(lambda: open(existing).read())
results["unix"] = tried(lambda: socket.socket(socket.AF_UNIX).close())
results["memfd"] = tried(lambda: os.write(os.memfd_create("w"), b"x" * 5_000_000))
thread = threading.Thread(target=lambda: results.update(thread="done"))
thread.start()
thread.join()
results["self"] = tried(lambda: open("/proc/self/status").read())
""",
    )
    assert results == dict.fromkeys(["read", "unix", "memfd", "thread", "self"], "done")


def test_after_the_library_every_thread_is_covered(tmp_path: Path) -> None:
    results = confined(
        tmp_path,
        """
confine_before_library()
ready, go = threading.Event(), threading.Event()
def other():
    ready.set()
    go.wait()
    results["other open"] = tried(lambda: os.open(existing, os.O_RDONLY))
    results["other unix"] = tried(lambda: socket.socket(socket.AF_UNIX))
thread = threading.Thread(target=other)
thread.start()
ready.wait()
server = socket.socket(socket.AF_UNIX)
confine_after_library()
go.set()
thread.join()
results["open"] = tried(lambda: os.open(existing, os.O_RDONLY))
results["unix"] = tried(lambda: socket.socket(socket.AF_UNIX))
results["pair"] = tried(socket.socketpair)
results["bind"] = tried(lambda: server.bind(folder + "/s"))
results["connect"] = tried(lambda: server.connect(folder + "/s"))
results["memfd"] = tried(lambda: os.memfd_create("w"))
left.sendall(b"still")
assert right.recv(9) == b"still"
""",
    )
    assert results == dict.fromkeys(results, "EPERM")
    assert len(results) == 8


def test_sigalrm_is_deadly_even_when_it_was_ignored_and_blocked(tmp_path: Path) -> None:
    program = (
        PRELUDE
        + """
signal.signal(signal.SIGALRM, signal.SIG_IGN)
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGALRM])
confine_before_library()
signal.setitimer(signal.ITIMER_REAL, 0.05)
sum(range(10**11))  # one native call without a look at Python's signals
"""
    )
    done = subprocess.run([sys.executable, "-I", "-c", program, str(tmp_path)], timeout=30)
    assert done.returncode == -14


def test_this_process_is_not_confined() -> None:
    assert confinement()["seccomp"] == 0


def test_both_architectures_know_every_call_the_filters_need() -> None:
    for machine in ("x86_64", "aarch64"):
        table = numbers(machine)
        assert {"openat", "socket", "clone", "prctl", "prlimit64", "tgkill", "seccomp"} <= table.keys()
        assert len(set(table.values())) == len(table)
    assert "open" not in numbers("aarch64")


def test_numbers_of_this_machine_match_the_kernel_headers() -> None:
    header = Path("/usr/include/x86_64-linux-gnu/asm/unistd_64.h")
    if platform.machine() != "x86_64" or not header.exists():
        header = Path("/usr/include/asm-generic/unistd.h")
    if not header.exists():
        pytest.skip("hardware missing: no kernel headers to compare with")
    lines = [line.split() for line in header.read_text().splitlines() if line.startswith("#define __NR_")]
    known = {
        words[1].removeprefix("__NR_"): int(words[2]) for words in lines if words[2:3] and words[2].isdigit()
    }
    table = numbers()
    shared = table.keys() & known.keys()
    assert len(shared) > 60
    assert {name: table[name] for name in shared} == {name: known[name] for name in shared}


def test_another_processor_is_refused_with_advice() -> None:
    with pytest.raises(MachineError, match="x86_64 or aarch64"):
        numbers("riscv64")
