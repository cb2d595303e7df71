"""A configuration says exactly what it says, and nothing that cannot be meant gets through."""

from dataclasses import replace
from pathlib import Path

import pytest

from mythos.errors import InputError
from mythos.train import Config, load_config
from mythos.train.config import BUNDLED, Rates, read_config

WHOLE = 'name = "a"\n[model]\ndepth = 1\nvocab = 300\nseq_len = 16\n[run]\nsteps = 1\nrows = 2\n'


def test_defaults_are_those_of_the_classes() -> None:
    config = read_config(WHOLE)
    assert config.rates == Rates()
    assert config.model.shape.layers == 1


@pytest.mark.parametrize("name", BUNDLED)
def test_bundled_runs_can_be_read(name: str) -> None:
    config = load_config(name)
    assert config.name in {name, f"mythos-{name}"}


def test_the_digest_is_of_the_values(config: Config) -> None:
    spaced = WHOLE.replace(" = ", "=").replace("[run]", "# a comment\n\n[run]")
    assert read_config(spaced).digest == read_config(WHOLE).digest
    assert read_config(WHOLE.replace("steps = 1", "steps = 2")).digest != read_config(WHOLE).digest
    other = replace(config, rates=replace(config.rates, head=config.rates.head * (1 + 1e-15)))
    assert other.digest != config.digest


BAD = {
    "not TOML": "name = ",
    "an unknown key": WHOLE + "colour = 3\n",
    "an unknown table": WHOLE + "[speed]\n",
    "a missing key": WHOLE.replace("depth = 1", ""),
    "a missing table": WHOLE.partition("[run]")[0],
    "text for a number": WHOLE.replace("steps = 1", 'steps = "1"'),
    "a fraction for a whole number": WHOLE.replace("steps = 1", "steps = 1.5"),
    "a truth for a number": WHOLE.replace("steps = 1", "steps = true"),
    "a value for a table": WHOLE.replace("[run]\nsteps = 1\nrows = 2\n", "") + "run = 1\n",
    "no steps": WHOLE.replace("steps = 1", "steps = 0"),
    "no depth": WHOLE.replace("depth = 1", "depth = 0"),
    "a family that is none": WHOLE.replace("seq_len = 16", 'seq_len = 16\nfamily = "gpt"'),
    "fewer tokens than bytes": WHOLE.replace("vocab = 300", "vocab = 256"),
    "a rate of nonsense": WHOLE + "[rates]\nmatrices = 1e9\n",
    "a rate of zero": WHOLE + "[rates]\nhead = 0\n",
    "a negative rate": WHOLE + "[rates]\nembedding = -0.1\n",
    "a rate that is no number": WHOLE + "[rates]\nmatrices = nan\n",
    "an infinite rate": WHOLE + "[rates]\nembedding = inf\n",
    "warm-up and decay that overlap": WHOLE + "[rates]\nwarmup = 0.6\ndecay = 0.6\n",
    "nothing held out": WHOLE + "[data]\nheld_out = 0\n",
    "more passes than rows": WHOLE + "accumulate = 3\n",
    "rows that cannot be cut": WHOLE.replace("rows = 2", "rows = 3") + "accumulate = 2\n",
    "a name with a path": WHOLE.replace('"a"', '"../a"'),
    "no name": WHOLE.replace('"a"', '""'),
    "a seed beyond 31 bits": "seed = 4294967296\n" + WHOLE,
}


@pytest.mark.parametrize("text", BAD.values(), ids=BAD.keys())
def test_what_cannot_be_meant_is_refused(text: str) -> None:
    with pytest.raises(InputError) as caught:
        read_config(text)
    assert caught.value.found or caught.value.expected


def test_a_file_is_read_from_its_own_folder(tmp_path: Path) -> None:
    path = tmp_path / "a.toml"
    path.write_text(WHOLE + '[data]\ndocuments = "texts"\n')
    assert load_config(path).data.documents == str(tmp_path / "texts")
    with pytest.raises(InputError, match="tiny"):
        load_config(tmp_path / "b.toml")
