"""What rules a run out, and that reasons agree with the figures beside them."""

from __future__ import annotations

import importlib
from typing import Any

import pytest

from knowledge.ec2.catalogue import Catalogue
from tools.sizing.architectures import named_models, resolve_model
from tools.sizing.hardware import mfu_limit, sustained
from tools.sizing.hf_config import ATTENTION
from tools.sizing.memory import training_memory
from tools.sizing.models import (
    InferenceRefusal,
    InferenceRequest,
    TrainingPlan,
    TrainingRefusal,
    TrainingRequest,
)
from tools.sizing.plan import plan_training
from tools.sizing.serve import plan_inference
from tools.sizing.setup import TrainingSetup

TOKYO = "ap-northeast-1"


def train(catalogue: Catalogue, **given: Any) -> TrainingPlan | TrainingRefusal:
    found = plan_training(catalogue, TrainingRequest.model_validate({"region": TOKYO, **given}))
    assert isinstance(found, TrainingPlan | TrainingRefusal)
    return found


@pytest.mark.parametrize("instance", ["p2.xlarge", "g4ad.xlarge", "g3.4xlarge"])
def test_gpus_that_nothing_runs_on_are_refused_with_others(
    catalogue: Catalogue, instance: str
) -> None:
    trained = train(catalogue, model="llama-3.2-1b", instance=instance)
    asked = InferenceRequest(model="llama-3.2-1b", region=TOKYO, instance=instance)
    served = plan_inference(catalogue, asked)
    for found in (trained, served):
        assert isinstance(found, TrainingRefusal | InferenceRefusal)
        assert instance in found.reason.ja
        assert found.alternatives


@pytest.mark.parametrize(
    "given",
    [
        {"engine": "deepspeed"},
        {"engine": "fsdp"},
        {"zero_stage": 2},
        {"offload": "optimizer-cpu"},
        {"gpus": 2},
    ],
)
def test_nothing_that_needs_nccl_runs_on_a_part_of_a_gpu(
    catalogue: Catalogue, given: dict[str, Any]
) -> None:
    found = train(catalogue, model="qwen2.5-0.5b", instance="g6f.4xlarge", **given)
    assert isinstance(found, TrainingRefusal)
    assert "NCCL" in found.reason.en


def test_a_plan_on_a_part_of_a_gpu_uses_the_trainer(catalogue: Catalogue) -> None:
    for model in ("qwen2.5-0.5b", "llama-3.2-1b", "llama-3.2-3b"):
        for method in ("full", "lora", "qlora"):
            found = train(catalogue, model=model, instance="g6f.4xlarge", method=method)
            if isinstance(found, TrainingPlan):
                assert (found.engine, found.offload) == ("trainer", "none")


@pytest.mark.parametrize(
    ("instance", "offload"),
    [
        ("g5.xlarge", "optimizer-param-cpu"),
        ("g5.xlarge", "all-nvme"),
        ("g6e.xlarge", "optimizer-cpu"),
        ("p4d.24xlarge", "optimizer-param-cpu"),
    ],
)
@pytest.mark.parametrize("model", ["llama-3-8b", "llama-3-70b"])
def test_a_refusal_names_what_is_really_missing(
    catalogue: Catalogue, model: str, instance: str, offload: str
) -> None:
    found = train(catalogue, model=model, instance=instance, offload=offload)
    if isinstance(found, TrainingPlan):
        assert found.memory.fits
        return
    assert found.memory is not None
    if found.memory.fits:
        assert "host memory" in found.reason.en or "NVMe" in found.reason.en
        assert "more than the" not in found.reason.en
    else:
        assert "more than the" in found.reason.en


def test_a_fixed_number_of_instances_may_offload_as_one_instance_may(catalogue: Catalogue) -> None:
    found = train(catalogue, model="llama-3.1-70b", instance="p4d.24xlarge", instances=4)
    assert isinstance(found, TrainingPlan)
    assert found.offload != "none"
    assert found.memory.fits
    assert found.host_ram_gib <= found.placement.instance.memory_gib
    free = train(catalogue, model="llama-3.1-70b", instance="p4d.24xlarge")
    assert isinstance(free, TrainingPlan)
    assert free.offload == "none"
    assert free.placement.instances > 4


@pytest.mark.parametrize("instance", ["g7e.2xlarge", "g5.xlarge", "g6.xlarge", "g4dn.xlarge"])
@pytest.mark.parametrize("method", ["full", "lora", "qlora"])
def test_no_estimate_goes_beyond_the_plain_stack(
    catalogue: Catalogue, instance: str, method: str
) -> None:
    for model in ("llama-3-8b", "llama-3.2-3b", "qwen2.5-0.5b"):
        found = train(catalogue, model=model, instance=instance, method=method, region="us-east-1")
        if isinstance(found, TrainingRefusal):
            continue
        assert found.placement.gpu is not None
        limit = mfu_limit(found.placement.gpu, tuned=False)
        assert limit is not None
        assert found.run.mfu.expected <= limit * 1.005
        assert found.run.tokens_per_second.high > 2 * found.run.tokens_per_second.low
        assert any("公開された実測" in warning.ja for warning in found.warnings)


def test_published_gpus_have_no_limit(catalogue: Catalogue) -> None:
    for gpu in catalogue.gpus.values():
        assert (mfu_limit(gpu, tuned=True) is None) == sustained(gpu).measured


def test_gemma_2_is_planned_with_eager_attention(catalogue: Catalogue) -> None:
    for instance in ("g6e.xlarge", "g7e.2xlarge"):
        found = train(catalogue, model="gemma-2-2b", method="lora", instance=instance)
        assert isinstance(found, TrainingPlan)
        assert found.attention == "eager"
    for instance in (None, "g6e.xlarge"):
        refused = train(catalogue, model="gemma-2-2b", attention="sdpa", instance=instance)
        assert isinstance(refused, TrainingRefusal)
        assert refused.smallest_change is not None
        assert refused.smallest_change.en == "use eager"
    asked = train(
        catalogue, model="gemma-2-2b", attention="flash_attention_2", instance="g6e.xlarge"
    )
    assert isinstance(asked, TrainingPlan)
    assert asked.attention == "flash_attention_2"


_CLASSES = {
    "gemma2": ("gemma2.modeling_gemma2", "Gemma2PreTrainedModel"),
    "gptj": ("gptj.modeling_gptj", "GPTJPreTrainedModel"),
    "gpt_oss": ("gpt_oss.modeling_gpt_oss", "GptOssPreTrainedModel"),
    "bloom": ("bloom.modeling_bloom", "BloomPreTrainedModel"),
    "mpt": ("mpt.modeling_mpt", "MptPreTrainedModel"),
    "t5": ("t5.modeling_t5", "T5PreTrainedModel"),
    "llama": ("llama.modeling_llama", "LlamaPreTrainedModel"),
    "qwen3": ("qwen3.modeling_qwen3", "Qwen3PreTrainedModel"),
    "gemma3_text": ("gemma3.modeling_gemma3", "Gemma3PreTrainedModel"),
    "falcon": ("falcon.modeling_falcon", "FalconPreTrainedModel"),
    "opt": ("opt.modeling_opt", "OPTPreTrainedModel"),
    "deepseek_v3": ("deepseek_v3.modeling_deepseek_v3", "DeepseekV3PreTrainedModel"),
}


@pytest.mark.parametrize("kind", _CLASSES)
def test_attention_is_what_transformers_says(kind: str) -> None:
    pytest.importorskip("transformers")
    module, name = _CLASSES[kind]
    found = getattr(importlib.import_module(f"transformers.models.{module}"), name)
    ours = ATTENTION.get(kind, ("flash_attention_2", "sdpa", "eager"))
    assert ("sdpa" in ours) == bool(found._supports_sdpa)
    if "flash_attention_2" in ours:
        assert found._supports_flash_attn


def test_named_models_without_sdpa_are_known() -> None:
    names = {spec.name for spec in named_models() if "sdpa" not in spec.attention}
    assert {"Gemma 2 2B", "Gemma 2 27B", "gpt-oss-20b", "BLOOM 7B1", "MPT 7B", "GPT-J 6B"} <= names
    assert "Llama 3 8B" not in names


def test_experts_are_not_quantised_by_qlora(catalogue: Catalogue) -> None:
    """bitsandbytes replaces nn.Linear; experts are one fused parameter in Transformers 5."""
    mixtral = resolve_model("mixtral-8x7b")
    assert mixtral.expert_parameters == 8 * 3 * 4096 * 14336 * 32
    qlora = training_memory(mixtral, TrainingSetup(method="qlora", checkpointing=True), 1000)
    lora = training_memory(mixtral, TrainingSetup(method="lora", checkpointing=True), 1000)
    assert qlora.peak_gib > 4 * mixtral.expert_parameters / 2**30
    assert lora.peak_gib < qlora.peak_gib
    refused = train(catalogue, model="mixtral-8x7b", method="qlora", instance="g6e.xlarge")
    assert isinstance(refused, TrainingRefusal)
