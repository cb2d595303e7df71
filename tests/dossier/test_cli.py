import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import click
import pytest
from click.testing import CliRunner
from tests.dossier.conftest import POLICY, WEIGHTS, Story

from mythos.cli.dossier import command
from mythos.dossier.build import Dossier
from mythos.dossier.forms import AUDIENCES
from mythos.errors import InputError, NoTrustError

Run = Callable[..., Any]


@pytest.fixture
def run(tmp_path: Path, story: Story, dossier: Callable[..., Dossier]) -> Run:
    story.everything()
    (tmp_path / "dossier.json").write_bytes(dossier(story).evidence)
    (tmp_path / "trust.policy").write_text(POLICY)
    source = ["--from", str(tmp_path / "dossier.json"), "--home", str(tmp_path / "home")]
    policy = ["--policy", str(tmp_path / "trust.policy")]

    def call(*argv: str, held: bool = True) -> Any:
        return CliRunner().invoke(command, [argv[0], *source, *(policy if held else []), *argv[1:]])

    return call


def test_export_writes_the_dossier_and_its_page(run: Run, tmp_path: Path) -> None:
    done = run("export", "--out", str(tmp_path / "out"), "--json")
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert Path(told["dossier"]).read_bytes() == (tmp_path / "dossier.json").read_bytes()
    assert str(WEIGHTS) in Path(told["html"]).read_text(encoding="utf-8")
    assert told["weights"] == str(WEIGHTS)
    assert told["acts"] == told["size"]
    assert told["witnessed"].endswith("Z")


def test_export_says_where_it_wrote(run: Run, tmp_path: Path) -> None:
    done = run("export", "--out", str(tmp_path / "out"), "--model", "SmolLM2-135M-Instruct")
    assert done.stdout.split() == [str(tmp_path / "out" / name) for name in ("dossier.json", "dossier.html")]


def test_a_downstream_provider_gets_no_determination_document(run: Run, tmp_path: Path) -> None:
    done = run("export", "--out", str(tmp_path / "out"), "--audience", "downstream", "--json")
    page = Path(json.loads(done.stdout)["html"]).read_text(encoding="utf-8")
    assert "Model authenticity" not in page
    assert json.loads((tmp_path / "out" / "dossier.json").read_bytes())["documents"] == {}


@pytest.mark.parametrize(
    ("kind", "files"),
    [
        ("oms", ["model.sig"]),
        ("cyclonedx", ["bom.cdx.json"]),
        ("croissant", ["croissant-b277fd623676a525.json"]),
    ],
)
def test_the_views_of_other_standards(kind: str, files: list[str], run: Run, tmp_path: Path) -> None:
    done = run("export", "--out", str(tmp_path / "out"), "--format", kind, "--json")
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["files"] == [str(tmp_path / "out" / name) for name in files]
    assert all(json.loads((tmp_path / "out" / name).read_bytes()) for name in files)
    assert (tmp_path / "home").exists() is (kind == "oms")


def test_show_prints_the_verdicts(run: Run) -> None:
    done = run("show")
    assert done.exit_code == 0
    words = " ".join(done.stdout.split())
    assert "Where are the weights readable? No lease is open, up to the last witnessed time." in words
    assert "Has anything been revoked? Revoked. Grants withdrawn: 1" in words


def test_show_gives_one_document(run: Run) -> None:
    told = json.loads(run("show", "--json").stdout)
    assert told["weights"] == str(WEIGHTS)
    assert {v["question"] for v in told["verdicts"]} == {
        "identity",
        "law",
        "reach",
        "revoked",
        "compute",
        "missing",
    }
    assert [r["state"] for r in told["reach"]] == ["wiped"]
    assert told["clear_until"] is None


def test_a_name_cannot_write_into_the_terminal(run: Run, story: Story, tmp_path: Path, dossier: Any) -> None:
    story.identity(version="\x1b]0;owned\x07\u202e[bold]")
    (tmp_path / "dossier.json").write_bytes(dossier(story).evidence)
    done = run("show")
    assert "\x1b" not in done.stdout
    assert "⟨U+001B⟩]0;owned⟨U+0007⟩⟨U+202E⟩[bold]" in "".join(done.stdout.split())


def test_without_a_policy_nothing_is_made(run: Run, tmp_path: Path) -> None:
    done = run("export", "--out", str(tmp_path / "out"), held=False)
    assert isinstance(done.exception, NoTrustError)
    assert not list((tmp_path / "out").glob("*"))


def test_one_model_is_named_once(run: Run, tmp_path: Path) -> None:
    both = run("show", "--model", "x", "--weights", str(WEIGHTS))
    assert both.exit_code == 2
    assert isinstance(run("show", "--model", "x").exception, InputError)
    assert isinstance(run("show", "--weights", "sha256:12").exception, InputError)


def test_a_problem_is_said_aloud(run: Run, story: Story, tmp_path: Path, dossier: Any) -> None:
    (tmp_path / "dossier.json").write_bytes(dossier(story, witnesses=()).evidence)
    done = run("export", "--out", str(tmp_path / "out"), "--json")
    assert done.stderr.startswith("warning: checkpoint: ")
    assert "[quorum]" in done.stderr
    assert json.loads(done.stdout)["witnessed"] is None


def test_the_audiences_offered_are_those_of_the_forms() -> None:
    export = command.commands["export"]
    (audience,) = [option for option in export.params if option.name == "audience"]
    assert tuple(cast("click.Choice[str]", audience.type).choices) == AUDIENCES
