"""What the regulator runs is short, imports nothing of ours but itself, and is the same file on every machine."""

import ast
import json
import subprocess
import sys
import time
import venv
import zipfile
from pathlib import Path
from typing import Any

import cryptography
import pytest

from mythos.evidence import verifier
from mythos.evidence.verify import verify

from . import samples

SOURCE = Path(verifier.__file__).parents[1]
OURS = {"mythos." + name.removesuffix(".py").replace("/", ".") for name in verifier.MODULES}
PROVIDED = set(sys.stdlib_module_names) | {"cryptography"}


def _imports(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((alias.name, ()) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path.name}: a relative import"
            yield node.module or "", tuple(alias.name for alias in node.names)


def test_the_verifier_is_exactly_these_files():
    assert set(verifier.MODULES) == {
        "errors.py", "units.py", *(f"evidence/{name}.py" for name in ("merkle", "note", "policy", "statement", "verify")),
    }  # fmt: skip


@pytest.mark.parametrize("name", verifier.MODULES)
def test_each_imports_only_the_others_the_standard_library_and_cryptography(name):
    for module, names in _imports(SOURCE / name):
        if module.split(".")[0] in PROVIDED or module in OURS:
            continue
        assert module in {"mythos", "mythos.evidence"}, f"{name} imports {module}"
        assert {f"{module}.{n}" for n in names} <= OURS, f"{name} imports {names} of {module}"


def test_the_room_itself_imports_nothing_at_import(root):
    code = "import sys, mythos.evidence; print([m for m in sys.modules if m.startswith(('mythos.', 'cryptography'))])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "['mythos.evidence']"


def test_every_exported_name_is_there():
    import mythos.evidence as room

    assert set(room.__all__) == set(room._HOME)
    for name in room.__all__:
        assert getattr(room, name).__name__ == name
    with pytest.raises(AttributeError, match="no attribute 'Nothing'"):
        room.Nothing  # noqa: B018


def test_the_archive_is_the_same_bytes_every_time_and_says_what_it_holds(tmp_path, monkeypatch):
    first = verifier.build()
    monkeypatch.setattr(time, "time", lambda: 2e9)
    assert verifier.build() == first
    (tmp_path / "v.pyz").write_bytes(first)
    with zipfile.ZipFile(tmp_path / "v.pyz") as archive:
        held = {n: archive.read(n) for n in archive.namelist()}
    assert {n.removeprefix("mythos/") for n in held} == {
        *verifier.MODULES,
        "__init__.py",
        "evidence/__init__.py",
        "__main__.py",
    }
    assert all(held[f"mythos/{name}"] == (SOURCE / name).read_bytes() for name in verifier.MODULES)


@pytest.fixture(scope="module")
def bare_python(tmp_path_factory):
    """A virtual environment in which nothing can be imported but the standard library and cryptography."""
    folder = tmp_path_factory.mktemp("bare")
    venv.create(folder, with_pip=False, symlinks=True)
    site = next(folder.glob("lib/python*/site-packages"))
    origin = Path(cryptography.__file__).parents[1]
    for name in ("cryptography", "cffi", "pycparser", *(p.name for p in origin.glob("_cffi_backend*"))):
        if (origin / name).exists():
            (site / name).symlink_to(origin / name)
    return folder / "bin" / "python"


def test_the_archive_runs_alone_in_isolated_mode(bare_python, tmp_path, monkeypatch):
    archive, policy, good, bad = (
        tmp_path / name for name in ("v.pyz", "trust.policy", "good.json", "bad.json")
    )
    archive.write_bytes(verifier.build())
    policy.write_text(samples.POLICY_TEXT)
    dossier = samples.small_dossier()
    good.write_bytes(dossier)
    bad.write_bytes(
        dossier.replace(b"officer-1", b"officer-2").replace(b'"formatVersion":1', b'"formatVersion": 1')
    )

    def run(*arguments) -> tuple[int, Any]:
        command = [str(bare_python), "-I", "-W", "error", str(archive), *map(str, arguments)]
        done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, env={}, check=False)
        return done.returncode, json.loads(done.stdout) if done.stdout else done.stderr

    status, report = run(good, "--policy", policy)
    assert (status, report["verified"], report["size"]) == (0, True, 3)
    assert report == verify(dossier, samples.POLICY, now=samples.NOW).to_dict()
    assert run(bad, "--policy", policy)[0] == 1
    status, report = run(good)
    assert (status, [p["code"] for p in report["problems"]]) == (1, ["no_trust"])
    assert run(tmp_path / "nothing", "--policy", policy)[0] == 2
    probe = subprocess.run([str(bare_python), "-I", "-c", "import click"], capture_output=True, check=False)
    assert probe.returncode == 1
