"""The whole life of the real model: real processes, real HTTP, the built wheel in an empty environment."""

import base64
import json
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from tests.e2e.conftest import Installed, Lived, free_port

pytestmark = pytest.mark.e2e


def acts(dossier: Path) -> Counter[str]:
    """How many statements of each kind a dossier holds."""
    names: list[str] = []
    for entry in json.loads(dossier.read_bytes())["entries"]:
        envelope: dict[str, Any] = json.loads(base64.b64decode(entry))
        statement = json.loads(base64.b64decode(envelope["payload"]))
        names.append(statement["predicateType"].split("/")[-2])
    return Counter(names)


def once(lived: Lived, home: Path, **env: str) -> dict[str, Any]:
    argv = ("up", "--home", str(home), "--port", str(free_port()), "--once", "Say hello.", "--json")
    done = lived.installed.run(*argv, env=env)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_one_command_answers_with_a_receipt_and_a_verified_dossier(lived: Lived) -> None:
    document = lived.document
    assert document["verified"] is True
    assert document["tokens"] > 0
    assert len(document["answer"]) > 0
    assert document["weights"].startswith("sha256:")
    assert set(document) >= {
        "answer",
        "weights",
        "receipt",
        "dossier",
        "verified",
        "ready_s",
        "first_token_s",
        "tokens",
    }
    answer = Path(document["receipt"]).with_suffix(".answer")
    checked = lived.installed.json(
        "verify", document["receipt"], "--answer", str(answer), "--policy", str(lived.home / "trust.policy")
    )
    assert checked["verified"] is True
    assert checked["kind"] == "receipt"


def test_ten_steps_are_shown_with_commands_that_can_be_pasted(lived: Lived) -> None:
    shown = lived.shown
    for number, title in enumerate(
        [
            "Model",
            "Identity",
            "Compute",
            "Determination",
            "Seal",
            "Approve and grant",
            "Release and lease",
            "Serve",
            "Receipt",
            "Dossier",
        ],
        start=1,
    ):
        assert re.search(rf"^ ?{number}  {title}$", shown, re.MULTILINE), title
    assert "$ mythos seal" in shown
    assert "declared" in shown
    assert "declared by others, not counted" in shown


def test_the_readme_shows_what_the_command_shows(lived: Lived, root: Path) -> None:
    readme = (root / "README.md").read_text(encoding="utf-8")
    block = readme.partition("<!-- up:begin -->")[2].partition("<!-- up:end -->")[0]

    def commands(text: str) -> list[str]:
        return re.findall(r"\$ (mythos \S+(?: [a-z]+)?)", text)

    def facts(text: str) -> list[str]:
        changing = r"\S*trust\.policy|sha256\S+|'.*'|[\d.,…]+"
        return [re.sub(changing, "#", line.strip()) for line in text.splitlines() if "✓" in line]

    assert commands(block) == commands(lived.shown)
    assert facts(block) == facts(lived.shown)


def test_another_answer_is_not_the_one_committed(lived: Lived, tmp_path: Path) -> None:
    answer = Path(lived.document["receipt"]).with_suffix(".answer")
    forged = tmp_path / "answer"
    forged.write_bytes(answer.read_bytes() + b" ")
    done = lived.installed.run(
        "verify",
        lived.document["receipt"],
        "--answer",
        str(forged),
        "--policy",
        str(lived.home / "trust.policy"),
        "--json",
    )
    assert done.returncode == 1
    assert json.loads(done.stdout)["verified"] is False


def test_a_dossier_without_a_policy_held_beforehand_is_not_trusted(lived: Lived, tmp_path: Path) -> None:
    done = lived.installed.run("verify", lived.document["dossier"], "--home", str(tmp_path), "--json")
    assert done.returncode == 1
    assert [problem["code"] for problem in json.loads(done.stdout)["problems"]] == ["no_trust"]


def test_a_changed_byte_in_the_dossier_is_refused(lived: Lived, tmp_path: Path) -> None:
    data = Path(lived.document["dossier"]).read_bytes()
    policy = str(lived.home / "trust.policy")
    generator = random.Random(20261123)
    for position in [0, len(data) - 1, *(generator.randrange(len(data)) for _ in range(8))]:
        changed = tmp_path / "dossier.json"
        changed.write_bytes(data[:position] + bytes([data[position] ^ 1]) + data[position + 1 :])
        done = lived.installed.run("verify", str(changed), "--policy", policy, "--json")
        assert done.returncode == 1, f"byte {position}"
        assert json.loads(done.stdout)["verified"] is False


def test_the_second_start_needs_no_network_and_doubles_no_act(lived: Lived) -> None:
    before = acts(Path(lived.document["dossier"]))
    again = once(
        lived,
        lived.home,
        PIP_NO_INDEX="1",
        PIP_FIND_LINKS="/nowhere",
        http_proxy="http://127.0.0.1:1",
        https_proxy="http://127.0.0.1:1",
    )
    after = acts(Path(again["dossier"]))
    for act in (
        "trust-root",
        "model-identity",
        "training-compute",
        "determination",
        "seal",
        "approval",
        "grant",
    ):
        assert after[act] == before[act], act
    assert before["approval"] == 2
    assert before["grant"] == 1
    assert after["opened"] == before["opened"] + 1
    assert after["wiped"] >= 1


def test_nothing_plain_is_found_outside_the_owner(lived: Lived) -> None:
    cached = next(lived.home.joinpath("cache").rglob("*.gguf"))
    size = cached.stat().st_size
    with cached.open("rb") as file:
        canaries: list[bytes] = []
        for part in range(1, 12):
            file.seek(size * part // 12)
            canaries.append(file.read(48))
    places = [
        lived.home / name
        for name in ("host", "approver-a", "approver-b", "witness", "log", "run", "receipts", "dossier")
    ]
    others = set(Path(tempfile_root()).glob("mythos-e2e-*"))  # homes of another run of these tests
    places += [Path("/dev/shm"), *(set(Path(tempfile_root()).glob("mythos-*")) - others)]
    for place in places:
        for path in place.rglob("*"):
            if (
                path.is_file()
                and not path.is_symlink()
                and not path.is_relative_to(lived.home / "cache")
                and not path.is_relative_to(lived.home / "owner")
            ):
                data = path.read_bytes()
                assert not any(canary in data for canary in canaries), path


def tempfile_root() -> str:
    import tempfile

    return tempfile.gettempdir()


def test_no_socket_is_left_behind(lived: Lived) -> None:
    from mythos.cli.shared import Home

    once(lived, lived.home)
    assert not list(Home(lived.home).runtime.iterdir())


def test_no_owner_key_is_in_the_hosts_home(lived: Lived) -> None:
    secrets = [path.read_bytes().strip() for path in lived.home.joinpath("owner").rglob("*.key")]
    assert secrets
    for path in lived.home.joinpath("host").rglob("*"):
        if path.is_file():
            assert not any(secret in path.read_bytes() for secret in secrets), path


@pytest.mark.slow
def test_killed_anywhere_it_begins_or_continues_cleanly(
    lived: Lived, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """SIGKILL `mythos up` at growing times, start again on the same home, and count every act."""
    home = tmp_path_factory.mktemp("killed") / "h"
    home.mkdir(mode=0o700)
    shutil.copytree(lived.home / "cache", home / "cache")
    for seconds in (1.0, 2.5, 4.0, 5.5, 7.5):
        up = subprocess.Popen(
            [str(lived.installed.python), "-m", "mythos", "up", "--home", str(home), "--port", str(free_port()), "--once", "Hi", "--json"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd="/", start_new_session=True,
        )  # fmt: skip
        time.sleep(seconds)
        os.kill(up.pid, signal.SIGKILL)
        up.wait()
    document = once(lived, home)
    assert document["verified"] is True
    counted = acts(Path(document["dossier"]))
    for act, expected in {
        "trust-root": 1,
        "model-identity": 1,
        "training-compute": 1,
        "determination": 1,
        "seal": 1,
        "approval": 2,
        "grant": 1,
    }.items():
        assert counted[act] == expected, (act, counted)


def test_a_taken_port_is_said_before_anything_happens(installed: Installed, tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        done = installed.run("up", "--home", str(tmp_path / "h"), "--port", str(port), "--once", "Hi")
    assert done.returncode == 3
    assert str(port) in done.stderr
    assert "--port" in done.stderr
    assert not (tmp_path / "h" / "cache").exists()


def test_a_home_that_others_may_enter_is_refused(installed: Installed, tmp_path: Path) -> None:
    home = tmp_path / "h"
    home.mkdir(mode=0o755)
    home.chmod(0o755)
    done = installed.run("up", "--home", str(home), "--port", str(free_port()), "--once", "Hi")
    assert done.returncode == 2
    assert "chmod 700" in done.stderr


def test_no_network_on_the_first_start_is_said(installed: Installed, tmp_path: Path) -> None:
    done = installed.run(
        "up", "--home", str(tmp_path / "h"), "--port", str(free_port()), "--once", "Hi",
        env={"PIP_INDEX_URL": "http://127.0.0.1:1/", "PIP_EXTRA_INDEX_URL": "", "PIP_CONFIG_FILE": "/dev/null", "PIP_RETRIES": "0", "PIP_NO_CACHE_DIR": "1"},
    )  # fmt: skip
    assert done.returncode == 3
    assert "network" in done.stderr


def test_a_second_up_on_the_same_home_touches_nothing(lived: Lived) -> None:
    import fcntl

    with (lived.home / "up.lock").open("wb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        done = lived.installed.run(
            "up", "--home", str(lived.home), "--port", str(free_port()), "--once", "Hi"
        )
    assert done.returncode == 2
    assert "another `mythos up`" in done.stderr


def test_a_torn_life_json_loses_nothing(lived: Lived) -> None:
    (lived.home / "life.json").write_text('{"x')
    document = once(lived, lived.home)
    counted = acts(Path(document["dossier"]))
    assert document["verified"] is True
    for act in ("trust-root", "model-identity", "training-compute", "seal", "grant"):
        assert counted[act] == 1, (act, counted)


@pytest.mark.parametrize("port", ["0", "-1", "99999"])
def test_a_port_that_cannot_be_is_a_wrong_call(installed: Installed, port: str) -> None:
    assert installed.run("up", "--port", port).returncode == 2
