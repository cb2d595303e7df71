"""Adaptation of a small base: what changes, what is said, what is refused."""

import json
import math
import shutil
import sys
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

pytest.importorskip("torch", reason="extra missing: pip install 'mythos-hub[torch]'")
pytest.importorskip("peft", reason="extra missing: pip install 'mythos-hub[training]'")
pytest.importorskip("gguf", reason="extra missing: pip install 'mythos-hub[training]'")
import gguf
import torch
from safetensors.torch import load_file, save_file

from mythos.cli import adapt as adapt_command
from mythos.compute import read
from mythos.compute.lineage import Figure, Graph
from mythos.errors import DigestError, InputError
from mythos.evidence.predicates import Derivation, Evaluation, TrainingCompute, TrainingRun
from mythos.train import Corpus, Listener, Row, load_config, read_corpus, run_config
from mythos.train.adapt import Adaptation, Adapted, adapt, load_base
from mythos.train.adapter import CONFIG, WEIGHTS, merge_adapter
from mythos.train.config import RunConfig
from mythos.units import Digest, Flop
from mythos.weights import identify

SMALL = Path(__file__).parent / "small.toml"
HOW = Adaptation(
    "regional",
    RunConfig(steps=12, rows=4, threads=1, snapshot_every=4),
    rank=4,
    rate=1e-2,
    length=32,
    held_out=0.1,
)


@pytest.fixture(scope="module")
def base_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    config = load_config(SMALL)
    config = replace(config, run=replace(config.run, steps=40, snapshot_every=0))
    made = run_config(config, tmp_path_factory.mktemp("base"))
    assert made is not None
    return made.path


@pytest.fixture(scope="module")
def japanese(corpus: Corpus) -> Corpus:
    return replace(corpus, documents=tuple(d for d in corpus.documents if d.language == "ja"))


@pytest.fixture(scope="module")
def english(corpus: Corpus) -> Corpus:
    return replace(corpus, documents=tuple(d for d in corpus.documents if d.language == "en")[:3])


@pytest.fixture(scope="module")
def adapted(
    base_file: Path, japanese: Corpus, english: Corpus, tmp_path_factory: pytest.TempPathFactory
) -> Adapted:
    return adapt(load_base(base_file), japanese, tmp_path_factory.mktemp("adapted"), HOW, also=english)


def logits(path: Path) -> torch.Tensor:
    base = load_base(path)
    with torch.no_grad():
        return base.model(input_ids=torch.arange(1, 25)[None]).logits


def test_it_learns_and_shows_what_it_forgot(adapted: Adapted) -> None:
    assert set(adapted.before) == set(adapted.after) == {"ja", "en-also"}
    assert adapted.after["ja"] < adapted.before["ja"] - 0.01
    assert all(math.isfinite(value) for value in adapted.after.values())


def test_what_is_served_is_what_was_trained(
    adapted: Adapted, base_file: Path, japanese: Corpus, tmp_path: Path
) -> None:
    assert identify(adapted.path).root == adapted.weights != adapted.base
    merged = merge_adapter(load_base(base_file), adapted.adapter, tmp_path, name="regional")
    assert identify(merged).root == adapted.weights, "the adapter alone gives the same file"
    before, after = logits(base_file), logits(adapted.path)
    assert (before - after).abs().max() > 0.05
    names = {t.name: t for t in gguf.GGUFReader(adapted.path).tensors}
    old = {t.name: t for t in gguf.GGUFReader(base_file).tensors}
    assert names.keys() == old.keys()
    for name, tensor in names.items():
        trained = any(
            part in name
            for part in ("attn_q.", "attn_k.", "attn_v.", "attn_output", "ffn_gate", "ffn_up", "ffn_down")
        )
        assert (tensor.tensor_type == gguf.GGMLQuantizationType.Q8_0) is trained
        if not trained:
            assert (tensor.data == old[name].data).all()


def test_its_lineage_names_the_base(adapted: Adapted, base_file: Path, japanese: Corpus) -> None:
    derivation, run, compute, evaluation = adapted.statements
    assert {s.digest for said in adapted.statements for s in said.subjects} == {adapted.weights}
    said = Derivation.of(derivation)
    assert (said.kind, [p.weights for p in said.parents]) == ("adapt", [identify(base_file).root])
    assert TrainingRun.of(run).base == adapted.base
    assert TrainingRun.of(run).datasets == (japanese.digest,)
    spent = TrainingCompute.of(compute)
    assert spent.complete
    assert spent.tokens == 12 * 4 * 32
    results = {r.name: r.value for r in Evaluation.of(evaluation).results}
    assert results["ja after"] == f"{adapted.after['ja']:.4f}"
    assert results["en-also before"] == f"{adapted.before['en-also']:.4f}"
    assert {work.phase for work, _ in adapted.history.works} == {"sft", "eval"}


def test_limits_on_modifications_are_held_against_it(adapted: Adapted) -> None:
    third = adapted.limits["EU-MODIFIER"][0]
    assert third.held is False, "so little is below a third of whatever the base may count for"
    assert " to " in third.limit, "what it cost is not known here"


def test_limits_with_a_known_base(adapted: Adapted) -> None:
    from mythos.train.adapt import modification_limits

    cost = TrainingCompute.of(adapted.statements[2])
    for times, above in ((2, True), (4, False)):
        figure = replace(cost, model_flop=Flop(times * cost.model_flop), executed_flop=None)
        known = Graph({}, {adapted.base: Figure(figure, frozenset())})
        found = modification_limits(adapted.weights, adapted.base, cost, known)
        assert found["EU-MODIFIER"][0].held is above, f"a third of {times} times"
        unspent = modification_limits(adapted.weights, adapted.base, None, known)["EU-MODIFIER"][0]
        assert unspent.held is None, "nothing is known of what it will cost"
        assert unspent.limit == found["EU-MODIFIER"][0].limit, "but what it may"


def test_what_may_be_spent_is_said_before(base_file: Path, japanese: Corpus, tmp_path: Path) -> None:
    told: list[str] = []

    def first(_: Row) -> None:
        told.append("a step")

    how = replace(HOW, run=replace(HOW.run, steps=1))
    adapt(load_base(base_file), japanese, tmp_path, how, listener=Listener(step=first, say=told.append))
    limits = [said.split(": ")[1] for said in told[: told.index("a step")] if said.startswith("before: ")]
    assert {"EU-MODIFIER", "US-EAR-4E091"} <= set(limits)


def test_it_goes_on_to_the_bit(
    base_file: Path, adapted: Adapted, japanese: Corpus, english: Corpus, tmp_path: Path
) -> None:
    def cut(row: Row) -> None:
        if row.step == 7:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        adapt(load_base(base_file), japanese, tmp_path, HOW, also=english, listener=Listener(step=cut))
    again = adapt(load_base(base_file), japanese, tmp_path, HOW, also=english, resume=True)
    assert again.weights == adapted.weights
    assert (again.before, again.after) == (adapted.before, adapted.after)
    assert read(tmp_path / "run.0.ledger").attempt == 2


def test_everything_can_be_trained(base_file: Path, japanese: Corpus, tmp_path: Path) -> None:
    how = replace(HOW, rank=0, rate=3e-4, run=replace(HOW.run, steps=4))
    full = adapt(load_base(base_file), japanese, tmp_path, how)
    assert full.after["ja"] < full.before["ja"]
    assert not full.adapter.exists()
    assert (logits(base_file) - logits(full.path)).abs().max() > 0.01


def test_a_folder_is_a_base_too(base_file: Path, japanese: Corpus, tmp_path: Path) -> None:
    how = replace(HOW, run=replace(HOW.run, steps=2))
    base = load_base(base_file.parent / "hf")
    found = adapt(base, japanese, tmp_path, how)
    assert (found.path / "config.json").exists()
    assert identify(found.path).root == found.weights
    assert load_base(found.path).weights == found.weights


def test_an_adapter_fits_its_base_alone(adapted: Adapted, base_file: Path, tmp_path: Path) -> None:
    other = load_base(base_file.parent / "hf")
    with pytest.raises(DigestError, match="for another base"):
        merge_adapter(other, adapted.adapter, tmp_path, name="x")
    path = adapted.adapter / "adapter_config.json"
    config = json.loads(path.read_bytes())
    assert config["base_model_name_or_path"] == str(adapted.base)


def test_a_damaged_adapter_is_refused(adapted: Adapted, base_file: Path, tmp_path: Path) -> None:
    for name, data in (
        ("adapter_config.json", b"{"),
        ("adapter_config.json", b"[]"),
        ("adapter_model.safetensors", b""),
        ("adapter_model.safetensors", (adapted.adapter / "adapter_model.safetensors").read_bytes()[:-9]),
    ):
        shutil.rmtree(tmp_path / "a", ignore_errors=True)
        shutil.copytree(adapted.adapter, tmp_path / "a")
        (tmp_path / "a" / name).write_bytes(data)
        with pytest.raises(InputError, match=r"no adapter|not whole"):
            merge_adapter(load_base(base_file), tmp_path / "a", tmp_path / "o", name="x")
    with pytest.raises(InputError, match="no adapter"):
        merge_adapter(load_base(base_file), tmp_path, tmp_path / "o", name="x")
    assert not list(tmp_path.rglob("*.gguf"))


def test_an_adapter_of_another_make_decides_nothing(
    adapted: Adapted, base_file: Path, tmp_path: Path
) -> None:
    """The library would import `megatron_core` by name, scale by `alpha_pattern`, leave `lm_head` out."""
    base, said = load_base(base_file), json.loads((adapted.adapter / CONFIG).read_bytes())
    folder = tmp_path / "a"
    shutil.copytree(adapted.adapter, folder)
    for changes in (
        {"megatron_config": {"a": 1}, "megatron_core": "antigravity"}, {"alpha_pattern": {"q_proj": 99}},
        {"target_modules": ["lm_head"]}, {"modules_to_save": ["lm_head"]}, {"peft_type": "PREFIX_TUNING"},
        {"lora_alpha": math.nan}, {"lora_alpha": 99}, {"use_dora": True}, {"use_rslora": True}, {"bias": "all"},
        {"r": "4"}, {"r": True}, {"r": 0}, {"r": 10**9}, {"r": 8}, {"a_setting_of_tomorrow": 1},
    ):  # fmt: skip
        (folder / CONFIG).write_text(json.dumps(said | changes))
        with pytest.raises(InputError, match=r"of another make|no adapter|cannot be meant|not whole"):
            merge_adapter(base, folder, tmp_path / "o", name="x")
        assert "antigravity" not in sys.modules
        base = load_base(base_file) if changes == {"r": 8} else base
    assert not list(tmp_path.rglob("*.gguf"))


def test_an_adapter_with_a_matrix_missing_or_no_number_is_refused(
    adapted: Adapted, base_file: Path, tmp_path: Path
) -> None:
    folder, whole = tmp_path / "a", load_file(adapted.adapter / WEIGHTS)
    shutil.copytree(adapted.adapter, folder)
    first, tensor = next(iter(whole.items()))
    for changed in (
        {key: one for key, one in whole.items() if key != first},
        whole | {first: torch.full_like(tensor, math.nan)},
        whole | {first: tensor.to(torch.int32)},
        whole | {first: tensor[:-1].contiguous()},
        whole | {"base_model.model.lm_head.weight": tensor.clone()},
    ):
        save_file(changed, folder / WEIGHTS)
        with pytest.raises(InputError, match=r"not whole.*1 that differ"):
            merge_adapter(load_base(base_file), folder, tmp_path / "o", name="x")
    (folder / WEIGHTS).unlink()
    torch.save(whole, folder / "adapter_model.bin")
    with pytest.raises(InputError, match="not whole"):
        merge_adapter(load_base(base_file), folder, tmp_path / "o", name="x")
    assert not list(tmp_path.rglob("*.gguf"))


NONSENSE: list[dict[str, Any]] = [
    {"rate": math.nan}, {"rate": 0.0}, {"rate": 1e9}, {"rank": -1}, {"length": 0}, {"held_out": 1.0}, {"name": "../x"},
    {"run": RunConfig(steps=0, rows=1)}, {"run": RunConfig(steps=1, rows=1, seconds=math.nan)},
]  # fmt: skip


@pytest.mark.parametrize("changes", NONSENSE, ids=str)
def test_settings_that_cannot_be_meant_are_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(InputError, match=r"cannot be meant|not a name"):
        replace(HOW, **changes)


def test_another_base_is_not_gone_on_with(base_file: Path, japanese: Corpus, tmp_path: Path) -> None:
    how = replace(HOW, run=replace(HOW.run, steps=2))
    adapt(load_base(base_file), japanese, tmp_path, how)
    with pytest.raises(InputError, match="another base"):
        adapt(load_base(base_file.parent / "hf"), japanese, tmp_path, how, resume=True)
    kept = {path: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()}
    with pytest.raises(InputError, match="holds a run already"):
        adapt(load_base(base_file.parent / "hf"), japanese, tmp_path, how)
    assert {path: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()} == kept
    adapt(load_base(base_file), japanese, tmp_path, how, resume=True)


def test_what_is_no_model_is_refused(tmp_path: Path, base_file: Path, corpus: Corpus) -> None:
    with pytest.raises(InputError, match="no model"):
        load_base(tmp_path)
    with pytest.raises(InputError, match=r"too little text|nothing is held out"):
        adapt(load_base(base_file), replace(corpus, documents=(), digest=Digest.of(b"")), tmp_path / "o", HOW)


def test_the_command_shows_gain_loss_and_limits(
    base_file: Path, japanese: Corpus, english: Corpus, tmp_path: Path
) -> None:
    def written(name: str, corpus: Corpus) -> str:
        path = tmp_path / name
        path.write_text("".join(json.dumps(asdict(document)) + "\n" for document in corpus.documents))
        return str(path)

    arguments = [
        str(base_file),
        "--data",
        written("ja.jsonl", japanese),
        "--also",
        written("en.jsonl", english),
    ]
    arguments += [
        "--steps",
        "2",
        "--rows",
        "2",
        "--length",
        "16",
        "--threads",
        "1",
        "--rank",
        "2",
        "--no-log",
    ]
    arguments += ["--home", str(tmp_path / "h"), "--out", str(tmp_path / "o")]
    done = CliRunner().invoke(adapt_command.command, [*arguments, "--json"], catch_exceptions=False)
    assert done.exit_code == 0
    document = json.loads(done.stdout)
    assert document["base"] == str(identify(base_file).root)
    assert {"ja", "en-also"} == set(document["bits_per_byte"])
    assert {limit["id"] for limit in document["limits"]} >= {"EU-MODIFIER", "US-EAR-4E091"}
    assert [limit["above"] for limit in document["limits"]] == [False] * len(document["limits"])
    merge = ["merge", document["adapter"], "--base", str(base_file), "--out", str(tmp_path / "m")]
    merge += ["--no-log", "--home", str(tmp_path / "h"), "--json"]
    done = CliRunner().invoke(adapt_command.command, merge, catch_exceptions=False)
    assert json.loads(done.stdout)["weights"] == document["weights"]


TEMPLATE = (
    "{% for m in messages %}<{{ m['role'] }}>{{ m['content'] }}\n{% endfor %}"
    "{% if add_generation_prompt %}<assistant>{% endif %}"
)


def test_of_a_task_the_answer_alone_is_learnt(base_file: Path, tmp_path: Path) -> None:
    lines = [
        {"id": f"t{n}", "language": "en", "text": f"How many metres are {n} km?", "answer": f"{n}000"}
        for n in range(60)
    ]
    path = tmp_path / "tasks.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    base = load_base(base_file)
    base.tokenizer.chat_template = None
    with pytest.raises(InputError, match="no chat template"):
        base.tokens(read_corpus(str(path)).documents)
    base.tokenizer.chat_template = TEMPLATE
    corpus = read_corpus(str(path))
    (tokens,) = base.tokens(corpus.documents[7:8])
    learnt = tokens[tokens >= 0]
    assert base.tokenizer.decode(learnt[:-1]) == "7000"
    assert base.tokenizer.decode(~tokens[tokens < 0]).endswith("<user>How many metres are 7 km?\n<assistant>")
    found = adapt(base, corpus, tmp_path / "out", replace(HOW, name="tasks"))
    assert found.after["en"] < found.before["en"] * 0.8
