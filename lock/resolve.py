"""Resolve pyproject.toml into hash-locked requirement files without index addresses.

core.txt is what `make up` installs, build.txt the build backend, test.txt what `make test` adds.
"""

import subprocess
import sys
import tomllib
from pathlib import Path

HERE = Path(__file__).parent
PROJECT = tomllib.loads((HERE.parent / "pyproject.toml").read_text(encoding="utf-8"))


def compile_lock(name: str, requirements: list[str], constraint: str | None = None) -> None:
    """Write NAME.txt from a list of requirements."""
    source = HERE / f".{name}.in"
    lines = [f"-c {constraint}", *requirements] if constraint else requirements
    source.write_text("\n".join(lines) + "\n", encoding="utf-8")
    try:
        subprocess.run(
            [
                sys.executable, "-m", "piptools", "compile", "--quiet", "--generate-hashes", "--strip-extras",
                "--allow-unsafe", "--no-header", "--no-annotate", "--no-emit-index-url", "--no-emit-find-links",
                "--no-emit-trusted-host", "--output-file", f"{name}.txt", source.name,
            ],
            check=True,
            cwd=HERE,
        )  # fmt: skip
    finally:
        source.unlink()


if __name__ == "__main__":
    core = PROJECT["project"]["dependencies"]
    compile_lock("core", core)
    compile_lock("build", [*PROJECT["build-system"]["requires"], "editables"])
    compile_lock("test", PROJECT["project"]["optional-dependencies"]["test"], "core.txt")
