"""Every example runs as it stands, and what it prints is right."""

import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples" / "metering"


def need(*modules: str) -> None:
    for module in modules:
        if importlib.util.find_spec(module) is None:
            pytest.skip(f"extra missing: pip install {module}")


def run(*command: str) -> str:
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=300, cwd=ROOT, check=False, env={**ENVIRONMENT}
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


ENVIRONMENT = {
    "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin", "HOME": "/tmp", "OMP_NUM_THREADS": "1",
    "GLOO_SOCKET_IFNAME": "lo", "HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false", "RAY_TRAIN_ENABLE_STATE_TRACKING": "0",
}  # fmt: skip


def python(name: str, *arguments: str) -> str:
    return run(sys.executable, str(EXAMPLES / name), *arguments)


def test_every_example_is_run_here() -> None:
    text = Path(__file__).read_text()
    assert [path.name for path in sorted(EXAMPLES.glob("*.py")) if f'"{path.name}"' not in text] == []


def test_plain_loop_with_accumulation_checkpointing_and_ledger() -> None:
    need("torch")
    assert re.search(
        r"model 125829120, executed \d+, exact True\nrecomputed \d+ in 3 records", python("plain_loop.py")
    )


def test_compiled() -> None:
    need("torch")
    assert "model 393216, executed 327680" in python("compiled.py")


def test_lora() -> None:
    need("torch", "peft")
    assert "exact True" in python("lora.py")


def test_accelerate() -> None:
    need("torch", "accelerate")
    assert "exact True" in python("accelerated.py")


def test_hugging_face_trainer() -> None:
    need("torch", "transformers", "accelerate")
    out = python("trainer.py")
    assert "exact True" in out
    assert "snapshots at [0, 2, 4]" in out


@pytest.mark.parametrize("how", ["ddp", "fsdp2", "tensor"])
def test_two_ranks_sum_to_what_one_rank_counts(how: str) -> None:
    need("torch")
    single = python("data_parallel.py", "single")
    launcher = ("-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2")
    both = run(sys.executable, *launcher, str(EXAMPLES / "data_parallel.py"), how)
    assert re.findall(r"sum \d+ \d+ exact True", both) == [single.strip()]


@pytest.mark.slow
def test_ray_train() -> None:
    need("torch", "ray")
    assert "sum of the ledgers 589824" in python("ray_train.py")
