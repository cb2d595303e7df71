"""A replayed step costs what torch's own counter says of the same step on a clone, to the last operation."""

import copy

import pytest

pytest.importorskip("torch", reason="extra missing: pip install 'mythos-hub[torch]'")

import torch
from torch import nn
from torch.nn import functional
from torch.utils.flop_counter import FlopCounterMode

from mythos.compute import ComputeMeter, formulas

from .models import VOCAB, Experts, Gpt, replay, tokens, train


def test_fixed_length() -> None:
    result = replay(Gpt, lambda m, o, _: train(m, o, tokens()), 7)
    assert result.wrong == []
    assert result.counted == 1
    assert result.meter.exact
    assert result.meter.complete


def test_manual_attention() -> None:
    result = replay(lambda: Gpt(fused=False), lambda m, o, _: train(m, o, tokens()), 5)
    assert (result.wrong, result.counted) == ([], 1)
    assert result.meter.executed_flop == result.meter.model_flop, (
        "nothing is recomputed, and AdamW is element-wise"
    )


def test_variable_length() -> None:
    result = replay(Gpt, lambda m, o, i: train(m, o, tokens(8 + 4 * (i % 4))), 20)
    assert (result.wrong, result.counted) == ([], 4)


def test_gradient_accumulation_with_mixed_shapes() -> None:
    def work(model: nn.Module, optimizer: torch.optim.Optimizer, index: int) -> None:
        for length in ((8, 16), (16, 16), (16, 8))[index % 3]:
            batch = tokens(length)
            functional.cross_entropy(model(batch).flatten(0, 1), batch.flatten()).backward()
        optimizer.step()
        optimizer.zero_grad()

    result = replay(Gpt, work, 6)
    assert result.wrong == []
    assert result.counted == 1, "the first step shows both shapes"


@pytest.mark.parametrize("reentrant", [False, True])
def test_checkpointing_switched_on_and_off(reentrant: bool) -> None:
    def work(model: nn.Module, optimizer: torch.optim.Optimizer, index: int) -> None:
        assert isinstance(model, Gpt)
        model.checkpointing, model.reentrant = index % 2 == 1, reentrant
        model.embedding.weight.requires_grad_(True)
        train(model, optimizer, tokens())

    result = replay(Gpt, work, 6)
    assert (result.wrong, result.counted) == ([], 2)
    total = result.meter.total
    assert total.model_flop * 3 == total.forward * 9, "recomputation is in no model figure"
    assert total.recompute > 0


def test_evaluation_between_steps() -> None:
    def work(model: nn.Module, optimizer: torch.optim.Optimizer, index: int) -> None:
        if index % 3 == 2:
            model.eval()
            with torch.no_grad():
                model(tokens())
            model.train()
        else:
            train(model, optimizer, tokens())

    assert replay(Gpt, work, 18).wrong == []


def test_frozen_layers_and_unfreezing() -> None:
    def work(model: nn.Module, optimizer: torch.optim.Optimizer, index: int) -> None:
        assert isinstance(model, Gpt)
        model.blocks.requires_grad_(index >= 3)
        model.embedding.requires_grad_(index >= 3)
        train(model, optimizer, tokens())

    result = replay(Gpt, work, 6)
    assert (result.wrong, result.counted) == ([], 2)


def test_a_forward_pass_that_is_thrown_away() -> None:
    kept: list[torch.Tensor] = []

    def work(model: nn.Module, optimizer: torch.optim.Optimizer, index: int) -> None:
        kept.append(model(tokens(8)))
        train(model, optimizer, tokens(16))

    result = replay(Gpt, work, 6)
    assert (result.wrong, result.counted) == ([], 1)
    total = result.meter.total
    one = total.forward // 6
    assert total.model_flop < 18 * one, "only the pass that was differentiated counts three times"


def test_two_forward_passes_one_backward() -> None:
    def work(model: nn.Module, optimizer: torch.optim.Optimizer, _: int) -> None:
        (model(tokens(8)).mean() + model(tokens(16)).mean()).backward()
        optimizer.step()
        optimizer.zero_grad()

    result = replay(Gpt, work, 6)
    assert (result.wrong, result.counted) == ([], 1)
    assert result.meter.model_flop == 3 * result.meter.total.forward


def test_the_output_of_one_pass_feeds_another() -> None:
    def work(model: nn.Module, optimizer: torch.optim.Optimizer, _: int) -> None:
        model(model(torch.randn(4, 8))).sum().backward()
        optimizer.step()

    result = replay(lambda: nn.Linear(8, 8), work, 3)
    assert (result.wrong, result.counted) == ([], 1)
    assert result.meter.model_flop == 3 * result.meter.total.forward


@pytest.mark.parametrize(
    "model", [Experts(), Experts(capacity=8), Experts(how="mask"), Experts(capacity=8, how="tolist")]
)
def test_work_that_depends_on_data_is_counted_every_step_and_never_called_exact(model: Experts) -> None:
    result = replay(lambda: copy.deepcopy(model), lambda m, o, _: train(m, o, tokens()), 12)
    assert (result.wrong, result.counted) == ([], 12)
    assert not result.meter.exact
    assert result.meter.complete


def test_the_first_step_already_shows_that_work_depends_on_data() -> None:
    model = Experts(capacity=4)
    with ComputeMeter(model) as meter, meter.step() as step:
        model(tokens()).sum().backward()
    assert step.dynamic == {"aten::nonzero has a shape that depends on data"}


def test_a_product_outside_the_model_is_counted_with_its_gradient() -> None:
    def work(model: nn.Module, optimizer: torch.optim.Optimizer, _: int) -> None:
        left, right = model(tokens()).mean(1), model(tokens()).mean(1)
        (left @ right.T).logsumexp(-1).sum().backward()
        optimizer.step()

    result = replay(Gpt, work, 5)
    assert result.wrong == []
    assert result.meter.exact
    assert result.meter.model_flop == 3 * result.meter.total.forward


def test_optimizers() -> None:
    def work(model: nn.Module, optimizer: torch.optim.Optimizer, _: int) -> None:
        model(torch.randn(4, 16)).square().sum().backward()
        optimizer.step()

    muon = replay(lambda: nn.Linear(16, 16, bias=False), work, 4, lambda m: torch.optim.Muon(m.parameters()))
    assert (muon.wrong, muon.counted) == ([], 1)
    assert muon.meter.total.optimizer > 0
    assert muon.meter.model_flop == 3 * muon.meter.total.forward, "an optimizer is in no model figure"

    def closure(model: nn.Module, optimizer: torch.optim.Optimizer, _: int) -> None:
        def again() -> torch.Tensor:
            optimizer.zero_grad()
            loss = model(torch.ones(4, 16)).square().sum()
            loss.backward()
            return loss

        optimizer.step(again)  # pyright: ignore[reportCallIssue, reportArgumentType]

    lbfgs = replay(lambda: nn.Linear(16, 16), closure, 3, lambda m: torch.optim.LBFGS(m.parameters()))
    assert (lbfgs.wrong, lbfgs.counted) == ([], 3)
    assert not lbfgs.meter.exact, "a line search stops when its values say so"


def test_gradient_penalty() -> None:
    """Torch's own counter cannot enter `torch.autograd.grad` of an input: replays must equal the count."""
    model = nn.Sequential(nn.Linear(16, 16), nn.Tanh(), nn.Linear(16, 1))
    costs: list[int] = []
    with ComputeMeter(model) as meter:
        for _ in range(3):
            x = torch.randn(4, 16, requires_grad=True)
            with meter.step() as step:
                out = model(x).sum()
                (gradient,) = torch.autograd.grad(out, x, create_graph=True)
                (out + gradient.square().sum()).backward()
            costs.append(step.executed_flop)
            assert step.executed_flop > 3 * step.forward
    assert len(set(costs)) == 1


def test_recurrent_and_convolutional_models() -> None:
    class Mixed(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv1d(8, 8, 3, padding=1, groups=2)
            self.rnn = nn.LSTM(8, 16, batch_first=True)
            self.head = nn.Linear(16, 4)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.head(self.rnn(self.conv(x).transpose(1, 2))[0])

    def work(model: nn.Module, optimizer: torch.optim.Optimizer, _: int) -> None:
        model(torch.randn(2, 8, 10)).sum().backward()
        optimizer.step()

    result = replay(Mixed, work, 4)
    assert (result.wrong, result.counted) == ([], 1)
    assert result.meter.complete


@pytest.mark.parametrize("mask", ["none", "ones", "padded", "mixed"])
def test_attention_masks_of_hugging_face(mask: str) -> None:
    transformers = pytest.importorskip("transformers", reason="extra missing: pip install transformers")
    config = transformers.LlamaConfig(
        hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=2, vocab_size=VOCAB,
        bos_token_id=1, eos_token_id=2, pad_token_id=0,
    )  # fmt: skip

    def work(model: nn.Module, optimizer: torch.optim.Optimizer, index: int) -> None:
        batch = tokens()
        given = {} if mask == "none" else {"attention_mask": torch.ones_like(batch)}
        if mask == "padded" or (mask == "mixed" and index % 2):
            given["attention_mask"][0, :4] = 0
        model(input_ids=batch, labels=batch, **given).loss.backward()
        optimizer.step()
        optimizer.zero_grad()

    result = replay(lambda: transformers.LlamaForCausalLM(config), work, 6)
    assert (result.wrong, result.counted) == ([], 1)
    assert result.meter.exact


def test_generation_with_a_cache_of_hugging_face() -> None:
    transformers = pytest.importorskip("transformers", reason="extra missing: pip install transformers")
    config = transformers.LlamaConfig(
        hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=2, vocab_size=64,
        bos_token_id=1, eos_token_id=2, pad_token_id=0,
    )  # fmt: skip
    model = transformers.LlamaForCausalLM(config).eval()
    clone = copy.deepcopy(model)
    prompt = torch.randint(3, 64, (1, 6))

    def step(one: nn.Module, cache: object, ids: torch.Tensor) -> tuple[object, torch.Tensor]:
        with torch.no_grad():
            out = one(input_ids=ids, past_key_values=cache, use_cache=True)
        return out.past_key_values, out.logits[:, -1:].argmax(-1)

    wrong = 0
    for _ in range(2):
        mine, theirs = (None, prompt), (None, prompt)
        with ComputeMeter(model) as meter:
            for _ in range(10):
                with meter.step() as counted:
                    mine = step(model, *mine)
                with FlopCounterMode(display=False, custom_mapping=formulas()) as reference:
                    theirs = step(clone, *theirs)
                wrong += counted.executed_flop != reference.get_total_flops()
    assert wrong == 0
