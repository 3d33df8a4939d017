"""The OOM doctor: messages of several torch versions, nvidia-smi, DeepSpeed files, long logs."""

from __future__ import annotations

import json

import pytest

from knowledge.ec2.catalogue import Catalogue, load_catalogue
from tools.errors import ToolInputError
from tools.sizing.doctor import DiagnoseRequest, diagnose, kind_of
from tools.sizing.doctor_log import relevant_part
from tools.sizing.models import Diagnosis

TORCH_2 = """Traceback (most recent call last):
  File "train.py", line 9, in <module>
  File "transformers/models/llama/modeling_llama.py", line 1190, in forward
    logits = logits.float()
torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 7.83 GiB. GPU 0 has a total capacity \
of 22.03 GiB of which 1.23 GiB is free. Including non-PyTorch memory, this process has 20.80 GiB \
memory in use. Of the allocated memory 19.50 GiB is allocated by PyTorch, and 500.00 MiB is \
reserved by PyTorch but unallocated."""
TORCH_1 = """RuntimeError: CUDA out of memory. Tried to allocate 20.00 MiB (GPU 0; 15.77 GiB total \
capacity; 8.93 GiB already allocated; 13.75 MiB free; 14.05 GiB reserved in total by PyTorch)"""
TORCH_OLD = """RuntimeError: CUDA out of memory. Tried to allocate 1.20 GiB (GPU 0; 14.56 GiB \
total capacity; 13.10 GiB already allocated; 0.40 GiB free; 24.54 MiB cached)"""
TORCH_21 = TORCH_2.replace("capacity", "capacty")
OPTIMIZER = TORCH_2.replace(
    "    logits = logits.float()",
    '  File "torch/optim/adamw.py", line 100, in step\n    state["exp_avg_sq"] = zeros_like(p)',
)
VLLM = (
    "ValueError: To serve at least one request with the models's max seq len (131072), (16.00 GiB "
    "KV cache is needed, which is larger than the available KV cache memory (5.21 GiB)."
)
VLLM_OLD = (
    "ValueError: The model's max seq len (32768) is larger than the maximum number of tokens that "
    "can be stored in KV cache (12064). Try increasing `gpu_memory_utilization`"
)
KILLED = "torch.distributed.elastic: failed (exitcode: -9) local_rank: 0, Signal 9 (SIGKILL)"
SMI = """+---------------------------------------------------------------------------+
| NVIDIA-SMI 535.104.05   Driver Version: 535.104.05   CUDA Version: 12.2     |
|   0  NVIDIA A10G         On   | 00000000:00:1E.0 Off |                    0 |
|  0%   30C    P0    60W / 300W |  21500MiB / 23028MiB |     98%      Default |
|   1  NVIDIA A10G         On   | 00000000:00:1F.0 Off |                    0 |
|  0%   30C    P8    10W / 300W |      3MiB / 23028MiB |      0%      Default |
| Processes:
|    0   N/A  N/A      1234      C   python                          19490MiB |
|    0   N/A  N/A      4321      C   /opt/jupyter                     1990MiB |
+---------------------------------------------------------------------------+"""


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    """The packaged catalogue."""
    return load_catalogue()


def read(catalogue: Catalogue, text: str) -> Diagnosis:
    """Return the diagnosis of a text."""
    return diagnose(catalogue, DiagnoseRequest(text=text))


def changes(found: Diagnosis) -> str:
    """All changes in one English text."""
    return "\n".join(f"{item.what.en}: {item.why.en}" for item in found.changes)


def findings(found: Diagnosis) -> str:
    """All findings in one English text."""
    return "\n".join(f"{item.what.en}: {item.why.en}" for item in found.findings)


@pytest.mark.parametrize("text", [TORCH_2, TORCH_21])
def test_amounts_of_a_current_message_are_read(catalogue: Catalogue, text: str) -> None:
    found = read(catalogue, text)
    assert found.source == "traceback"
    assert found.figures["tried_gib"] == 7.83
    assert found.figures["capacity_gib"] == 22.03
    assert found.figures["allocated_gib"] == 19.5
    assert "A10G" in findings(found)


def test_the_logits_frame_names_the_logits_and_a_fused_loss(catalogue: Catalogue) -> None:
    found = read(catalogue, TORCH_2)
    assert found.dominating is not None
    assert "logits" in found.dominating.en
    assert "fused loss" in found.changes[0].what.en


def test_the_optimizer_frame_names_the_optimizer_and_8_bit_adam(catalogue: Catalogue) -> None:
    found = read(catalogue, OPTIMIZER)
    assert found.dominating is not None
    assert "optimizer" in found.dominating.en
    assert "adamw_8bit" in found.changes[0].what.en


def test_reserved_memory_that_lies_idle_is_fragmentation(catalogue: Catalogue) -> None:
    found = read(catalogue, TORCH_1)
    assert found.figures["unallocated_gib"] == pytest.approx(5.12)
    assert found.dominating is not None
    assert "fragmentation" in found.dominating.en
    assert "expandable_segments" in found.changes[0].what.en


def test_a_message_with_cached_memory_is_read(catalogue: Catalogue) -> None:
    found = read(catalogue, TORCH_OLD)
    assert found.figures["allocated_gib"] == 13.1
    assert "T4" in findings(found)


def test_another_process_on_the_gpu_is_named(catalogue: Catalogue) -> None:
    text = TORCH_2.replace("20.80 GiB memory in use", "8.10 GiB memory in use")
    found = read(catalogue, text)
    assert found.figures["other_process_gib"] == pytest.approx(22.03 - 1.23 - 8.10)
    assert found.dominating is not None
    assert "process" in found.dominating.en


def test_vllm_refusals_say_how_long_the_context_may_be(catalogue: Catalogue) -> None:
    assert read(catalogue, VLLM).figures["kv_needed_gib"] == 16
    assert "12064" in changes(read(catalogue, VLLM_OLD))


def test_a_killed_process_is_a_matter_of_the_host(catalogue: Catalogue) -> None:
    found = read(catalogue, KILLED)
    assert found.dominating is not None
    assert "host" in found.dominating.en


def test_nvidia_smi_shows_processes_idle_gpus_and_the_driver(catalogue: Catalogue) -> None:
    found = read(catalogue, SMI)
    assert found.source == "nvidia-smi"
    assert found.figures["used_gib"] == pytest.approx(21500 / 1024)
    text = findings(found)
    assert "2 processes" in text
    assert "1 of 2 GPUs are idle" in text
    assert "older than CUDA 13" in text
    assert "PID 4321" in found.changes[0].what.en


CONFIG = {
    "train_batch_size": 30,
    "train_micro_batch_size_per_gpu": 4,
    "gradient_accumulation_steps": 2,
    "bf16": {"enabled": True, "loss_scale": 0},
    "fp16": {"enabled": True},
    "zero_optimization": {
        "stage": 2,
        "offload_param": {"device": "cpu"},
        "cpu_offload": True,
        "reduce_bucket_size": 5e8,
        "stage3_prefetch_bucket_size": 100.5,
        "no_such_key": 1,
    },
    "scheduler": {"type": "WarmupLR", "params": {"warmup_num_steps": 0}},
    "amp": {"enabled": False},
}


def test_every_fault_of_a_deepspeed_file_is_found(catalogue: Catalogue) -> None:
    found = read(catalogue, json.dumps(CONFIG) + " V100で動かない")
    text = findings(found)
    for fault in (
        "`amp` was removed",
        "`cpu_offload` is an old name",
        "no `bf16.loss_scale`",
        "no `zero_optimization.no_such_key`",
        "no multiple of 4 × 2",
        "both enabled",
        "on a V100 or T4",
        "offload_param has no effect with ZeRO-2",
        "1.0 GB",
        "is no integer",
        "warmup_num_steps is 0",
    ):
        assert fault in text


def test_a_sound_deepspeed_file_has_nothing_to_fix(catalogue: Catalogue) -> None:
    sound = {
        "train_micro_batch_size_per_gpu": 1,
        "bf16": {"enabled": True},
        "zero_optimization": {"stage": 3, "offload_optimizer": {"device": "cpu"}},
    }
    found = read(catalogue, json.dumps(sound))
    assert "Nothing here" in findings(found)


def test_the_batch_identity_tells_the_number_of_gpus(catalogue: Catalogue) -> None:
    found = read(catalogue, json.dumps(CONFIG | {"train_batch_size": 64}))
    assert found.figures["world_size"] == 8


def test_a_model_configuration_is_counted(catalogue: Catalogue) -> None:
    llama = {
        "model_type": "llama",
        "hidden_size": 4096,
        "num_hidden_layers": 32,
        "num_attention_heads": 32,
        "num_key_value_heads": 8,
        "intermediate_size": 14336,
        "vocab_size": 128256,
    }
    found = read(catalogue, json.dumps(llama))
    assert found.source == "model-config"
    assert found.figures["parameters_b"] == pytest.approx(8.03, abs=0.01)


@pytest.mark.parametrize(
    "question",
    [
        "G5のメモリは?",
        "out of memoryになる原因は?",
        "GPUメモリ24GBのインスタンスは?",
        "nvidia-smiとは?",
    ],
)
def test_questions_are_not_taken_for_logs(catalogue: Catalogue, question: str) -> None:
    assert kind_of(question) is None
    with pytest.raises(ToolInputError):
        read(catalogue, question)


def test_a_long_log_is_cut_to_the_error_and_the_question() -> None:
    noise = "\n".join(f"step {i} loss 2.31 lr 1e-5" for i in range(20_000))
    text = f"{noise}\n{TORCH_2}\n{noise[:200]}\n\nこれは何が原因?"
    part = relevant_part(text, 20_000)
    assert part is not None
    assert len(part) <= 20_000
    assert "Tried to allocate 7.83 GiB" in part
    assert "logits = logits.float()" in part
    assert part.endswith("これは何が原因?")


def test_a_long_text_that_is_no_log_is_left_alone() -> None:
    assert relevant_part("長い文章です。\n" * 5_000, 20_000) is None
