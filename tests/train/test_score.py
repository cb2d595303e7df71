"""A score is what the pages cost; its interval covers it; two models are compared page by page."""

import json
import math
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

pytest.importorskip("torch", reason="extra missing: pip install 'mythos-hub[torch]'")
pytest.importorskip("peft", reason="extra missing: pip install 'mythos-hub[training]'")
pytest.importorskip("gguf", reason="extra missing: pip install 'mythos-hub[training]'")

from mythos.cli import evaluate as command
from mythos.errors import InputError
from mythos.evidence.predicates import Evaluation
from mythos.train import Corpus, load_config, run_config
from mythos.train.adapt import Base, load_base
from mythos.train.score import Score, evaluation, score
from mythos.units import Instant

SMALL = Path(__file__).parent / "small.toml"


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """One that has learnt nothing, and one that has learnt a little."""
    found: list[Path] = []
    for steps, head in ((1, 1e-7), (40, 0.008)):
        config = load_config(SMALL)
        run, rates = replace(config.run, steps=steps, snapshot_every=0), replace(config.rates, head=head)
        made = run_config(replace(config, run=run, rates=rates), tmp_path_factory.mktemp("m"))
        assert made is not None
        found.append(made.path)
    return found


def test_a_model_that_knows_nothing_costs_the_logarithm_of_its_vocabulary(
    models: list[Path], corpus: Corpus
) -> None:
    base = load_base(models[0])
    pages = [d for d in corpus.documents if d.language == "en"][:4]
    found = score(base, pages, size=10**9, length=64)["en"]
    tokens = [len(base.tokens([page])[0]) - 1 for page in pages]
    assert found.bits == pytest.approx([count * math.log2(300) for count in tokens], rel=1e-3)
    assert found.bytes.tolist() == [len(page.text.encode()) for page in pages]


def test_pages_are_whole_and_within_the_size(models: list[Path], corpus: Corpus) -> None:
    found = score(load_base(models[0]), corpus.documents, size=10_000, length=64)
    assert set(found) == {"en", "ja"}
    assert all(0 < one.bytes.sum() <= 10_000 for one in found.values())
    one = score(load_base(models[0]), corpus.documents[:1], size=1, length=64)
    assert len(next(iter(one.values())).bits) == 1, "the first in any case"


def test_intervals() -> None:
    dice = np.random.default_rng(0)
    sizes = dice.uniform(500, 1500, 200)
    hard = dice.uniform(0.5, 3.0, 200)
    one = Score("en", sizes, sizes * hard)
    other = Score("en", sizes, sizes * hard * dice.uniform(0.88, 0.92, 200))
    low, high = one.interval
    assert low < one.value < high
    assert high - low < 0.5
    ratio, low, high = other.ratio(one)
    assert 0.89 < low < ratio < high < 0.91, "pages differ, their ratio does not"
    single = Score("en", sizes[:1], sizes[:1])
    assert single.interval == (1.0, 1.0)


def test_no_text_is_refused(models: list[Path], corpus: Corpus) -> None:
    base: Base = load_base(models[0])
    for pages in ([], [replace(corpus.documents[0], text="")]):
        with pytest.raises(InputError, match="no text to score"):
            score(base, pages, size=100, length=64)


def test_the_command_compares(models: list[Path], corpus: Corpus, tmp_path: Path) -> None:
    text = tmp_path / "t.jsonl"
    text.write_text("".join(json.dumps(asdict(document)) + "\n" for document in corpus.documents))
    asked = [str(models[1]), "--data", str(text), "--against", str(models[0]), "--bytes", "8000", "--json"]
    done = CliRunner().invoke(
        command.command, [*asked, "--length", "64", "--home", str(tmp_path / "h")], catch_exceptions=False
    )
    assert done.exit_code == 0, done.output
    document = json.loads(done.stdout)
    for row in document["bits_per_byte"].values():
        low, high = map(float, row["ratio_interval"])
        assert low <= float(row["ratio"]) <= high < 1, "it has learnt something"
    base = load_base(models[1])
    said = evaluation("small", base, score(base, corpus.documents, size=8_000, length=64), Instant.now())
    results = {result.name: result.value for result in Evaluation.of(said).results}
    assert results == {language: row["value"] for language, row in document["bits_per_byte"].items()}
    assert said.subjects[0].digest == base.weights
