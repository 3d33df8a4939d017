"""`llm-train`: train a language model with Transformers' Trainer, alone or on DeepSpeed."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from math import ceil
from typing import Annotated, Any, Literal

from pydantic import Field

from knowledge.ec2.catalogue import Catalogue
from tools.charts import Text
from tools.codegen.names import DataPath, FreeText, LocalPath, S3Uri
from tools.codegen.spec import BundleRefusal, BundleRequest, Draft, Options, Workload
from tools.codegen.wheels import TorchWheel, torch_for
from tools.codegen.workloads.deepspeed_config import deepspeed_config
from tools.codegen.workloads.examples import example_of
from tools.codegen.workloads.llm_checks import CHECKS
from tools.codegen.workloads.llm_sheet import sheet_of
from tools.codegen.workloads.model_types import ModelType, model_type_of
from tools.sizing.models import (
    Count,
    Method,
    Offload,
    Optimizer,
    Precision,
    Tokens,
    TrainingPlan,
    TrainingRefusal,
    TrainingRequest,
    ZeroStage,
)

KEY = "llm-train"
DATASET, DATASET_CONFIG = "Salesforce/wikitext", "wikitext-2-raw-v1"
"""Small and free to download: a first run needs no data of one's own."""
SECONDS_BETWEEN_SAVES = 900
"""What an interruption may cost of work, at most, where the speed is as expected."""
_DATA = (".jsonl", ".json", ".txt", ".parquet")
_OPTIM = {
    "adamw": "adamw_torch_fused",
    "adamw-8bit": "adamw_bnb_8bit",
    "adafactor": "adafactor",
    "sgd": "sgd",
}
_TORCH_DTYPE = {"bf16": "bfloat16", "fp16": "float16", "fp32": "float32"}
_PLANNED = (
    "model", "method", "region", "instance", "instances", "gpus", "sequence_length", "micro_batch",
    "global_batch", "tokens", "samples", "epochs", "optimizer", "precision", "zero_stage",
    "offload", "checkpointing", "liger", "lora_rank", "lora_targets", "spot",
)  # fmt: skip
"""Options that are fields of a TrainingRequest too."""


class LlmTrainOptions(Options):
    """What to train, on what. What is None is decided by the sizing plan."""

    model: Annotated[str, Field(min_length=1, max_length=20_000)]
    """Name, size or config.json, as sizing reads it."""
    weights: LocalPath | None = None
    """Where the weights are loaded from; None: the model's repository on the hub."""
    instances: Count | None = None
    gpus: Count | None = None
    """GPUs in all; an alternative to `instances` where a GPU is named instead of a type."""
    method: Method = "full"
    engine: Literal["auto", "trainer", "deepspeed"] = "auto"
    sequence_length: Annotated[int, Field(ge=16, le=2_000_000)] | None = None
    micro_batch: Count | None = None
    global_batch: Count | None = None
    accumulation: Annotated[int, Field(ge=1, le=4096)] | None = None
    """Micro-steps per optimizer step; an alternative to `global_batch`."""
    batch_factor: Annotated[int, Field(ge=1, le=1024)] = 1
    """Times the global batch that the plan would take (`バッチを倍に`)."""
    tokens: Tokens | None = None
    samples: Tokens | None = None
    epochs: Annotated[float, Field(gt=0, le=10_000)] | None = None
    optimizer: Optimizer = "adamw"
    precision: Precision | None = None
    zero_stage: ZeroStage | None = None
    offload: Offload | None = None
    checkpointing: bool | None = None
    liger: bool = False
    """Fused kernels (liger-kernel); a plan turns them on by itself only where nothing else fits."""
    lora_rank: Annotated[int, Field(ge=1, le=4096)] = 16
    lora_targets: Literal["all-linear", "attention"] = "all-linear"
    learning_rate: Annotated[float, Field(gt=0, lt=1)] | None = None
    dataset: DataPath | None = None
    """Repository on the hub, or a file or folder."""
    dataset_config: FreeText | None = None
    dataset_split: FreeText = "train"
    text_column: FreeText = "text"
    output_dir: LocalPath = "output"
    spot: bool = False
    checkpoint_s3: S3Uri | None = None
    max_hours: Annotated[int, Field(ge=1, le=720)] | None = None
    """The instance stops itself after so many hours."""


def build(catalogue: Catalogue, options: LlmTrainOptions) -> Draft | BundleRefusal:
    """Return the bundle of the plan that fits, or why there is none."""
    plan = _plan(catalogue, options)
    if isinstance(plan, TrainingRefusal):
        return BundleRefusal(request=_request(options), reason=plan.reason, refusal=plan)
    return draft_of(options, plan)


def _plan(catalogue: Catalogue, options: LlmTrainOptions) -> TrainingPlan | TrainingRefusal:
    """Return the sizing plan; several GPUs take DeepSpeed unless the Trainer was asked for."""
    from tools.sizing.model_memory import ModelMemory
    from tools.sizing.plan import plan_training

    def planned(**changes: Any) -> TrainingPlan | TrainingRefusal:
        values.update(changes)
        found = plan_training(catalogue, TrainingRequest(**values))
        assert not isinstance(found, ModelMemory), "only asked for with states_only"
        return found

    values: dict[str, Any] = {name: getattr(options, name) for name in _PLANNED}
    plan = planned(engine=None if options.engine == "auto" else options.engine)
    if isinstance(plan, TrainingPlan) and plan.model.hf_id is None and not options.weights:
        if example := example_of(plan.model):
            plan = planned(model=example)
    if isinstance(plan, TrainingPlan) and options.engine == "auto":
        plan = _other_engine(options, plan, planned)
    if isinstance(plan, TrainingPlan) and options.accumulation:
        each = plan.micro_batch * plan.placement.gpus
        plan = planned(micro_batch=plan.micro_batch, global_batch=each * options.accumulation)
    if isinstance(plan, TrainingPlan) and options.batch_factor != 1:
        plan = planned(global_batch=plan.global_batch * options.batch_factor)
    return plan


def _other_engine(
    options: LlmTrainOptions,
    plan: TrainingPlan,
    planned: Callable[..., TrainingPlan | TrainingRefusal],
) -> TrainingPlan | TrainingRefusal:
    """Return the plan on the engine that `auto` means: DeepSpeed on several GPUs.

    Where every GPU holds the weights anyway, adapters take ZeRO-2, which moves no weights, and
    4-bit weights stay with the Trainer.
    """
    wanted = "deepspeed" if plan.placement.gpus > 1 else "trainer"
    if plan.engine == wanted or (options.method == "qlora" and plan.engine == "trainer"):
        return plan
    stage = options.zero_stage
    if options.method == "lora" and plan.engine == "trainer" and stage is None:
        stage = 2
    found = planned(engine=wanted, zero_stage=stage)
    return (
        found
        if isinstance(found, TrainingPlan)
        else planned(engine=plan.engine, zero_stage=options.zero_stage)
    )


def draft_of(options: LlmTrainOptions, plan: TrainingPlan) -> Draft | BundleRefusal:
    """Return the bundle of a plan."""
    weights = options.weights or plan.model.hf_id
    problem = _cannot(options, plan, weights)
    if problem:
        return BundleRefusal(request=_request(options), reason=problem[0], suggestion=problem[1])
    kind, wheel = model_type_of(plan.model.hf_id or str(weights)), _wheel(plan)
    assert weights and kind and wheel
    values = _values(options, plan, weights, kind, wheel)
    return Draft(
        name=f"{KEY}-{slug(plan.model.name)}-{plan.placement.instance.name}",
        sheet=sheet_of(plan, wheel),
        values=values,
        shown="ds_config.json" if plan.engine == "deepspeed" else "config.toml",
        templates=_templates(options, plan),
        texts=_texts(plan),
        plan=plan,
    )


def slug(name: str) -> str:
    """Return a name as part of a folder name: `GPT-2 XL` -> `gpt-2-xl`."""
    return re.sub(r"[^a-z0-9.]+", "-", name.lower()).strip("-.")[:60] or "model"


def _request(options: LlmTrainOptions) -> BundleRequest:
    given = options.model_dump(mode="json", exclude_unset=True, exclude={"region"})
    return BundleRequest(workload=KEY, region=options.region, options=given)


def _cannot(
    options: LlmTrainOptions, plan: TrainingPlan, weights: str | None
) -> tuple[Text, Text | None] | None:
    """Return why a plan cannot become code, and what to ask for instead."""
    model, gpu = plan.model, plan.placement.gpu
    if model.kind != "decoder":
        return Text(
            ja=f"{model.name} は言語モデル(デコーダー)ではないため、llm-train では作れません。",
            en=f"{model.name} is no decoder language model, which llm-train is for.",
        ), Text(ja="画像の分類なら vit-lightning があります。", en="For images: vit-lightning.")
    if not weights or model_type_of(model.hf_id or weights) is None:
        return Text(
            ja=f"{model.name} のクラスは Transformers に含まれていないか、"
            "どのモデルか決まりません。",
            en=f"Transformers has no class for {model.name}, or the model is not certain.",
        ), Text(
            ja="Llama、Qwen、Mistral、Gemma、GPT-2 などの名前か、"
            "weights(Hugging Face の名前)を指定します。",
            en="Name a Llama, Qwen, Mistral, Gemma or GPT-2 model, or give weights.",
        )
    attached = plan.placement.instance.gpu
    if attached and attached.partition < 1 and plan.engine == "deepspeed":
        return Text(
            ja=f"{plan.placement.instance.name} は GPU の一部だけを持つため、"
            "DeepSpeed の通信(NCCL)が使えません。",
            en=f"{plan.placement.instance.name} has a part of a GPU, where DeepSpeed's NCCL "
            "does not run.",
        ), Text(ja="engine を trainer にすれば作れます。", en="Use engine trainer.")
    if _wheel(plan) is None:
        arch = plan.placement.instance.arch
        return Text(
            ja=f"PyPI の torch({arch})には {gpu.model if gpu else 'GPU'} のカーネルがありません。"
            "AWS の arm64 用 Deep Learning AMI に入っている torch が要ります。",
            en=f"No torch wheel on PyPI for {arch} has kernels for {gpu.model if gpu else 'it'}.",
        ), Text(
            ja="同じ世代の GPU なら g4dn(T4、x86_64)で作れます。", en="g4dn (T4, x86_64) works."
        )
    dataset = options.dataset or ""
    if dataset.startswith("s3://") and not dataset.endswith(_DATA):
        return Text(
            ja=f"S3 のデータは {'、'.join(_DATA)} のファイルを 1 つ指定します。",
            en=f"Data in S3 is one file that ends in {', '.join(_DATA)}.",
        ), None
    return None


def _wheel(plan: TrainingPlan) -> TorchWheel | None:
    return torch_for(plan.placement.gpu, plan.placement.instance.arch)


def _templates(options: LlmTrainOptions, plan: TrainingPlan) -> tuple[str, ...]:
    names = ["README.md", "config.toml", "settings.py", "smoke.py", "train.py", "launch.sh"]
    templates = [f"{KEY}/{name}.j2" for name in (*names, "requirements.txt")]
    if options.spot:
        templates += [f"{KEY}/spot_callback.py.j2", "shared/spot.py.j2"]
    if plan.placement.instances > 1 and plan.engine == "deepspeed":
        templates += [f"{KEY}/hostfile.j2", f"{KEY}/.deepspeed_env.j2"]
    return tuple(templates)


def _texts(plan: TrainingPlan) -> dict[str, str]:
    if plan.engine != "deepspeed":
        return {}
    return {"ds_config.json": json.dumps(deepspeed_config(plan), indent=2) + "\n"}


def _values(
    options: LlmTrainOptions,
    plan: TrainingPlan,
    weights: str,
    kind: ModelType,
    wheel: TorchWheel,
) -> dict[str, Any]:
    request = plan.request
    steps = (
        ceil(request.tokens / (plan.global_batch * plan.sequence_length)) if request.tokens else 0
    )
    targets: str | list[str] = "all-linear"
    if request.lora_targets == "attention":
        targets = list(kind.attention)
    return {
        "plan": plan,
        "weights": weights,
        "dataset": _local(options.dataset) if options.dataset else DATASET,
        "data_s3": options.dataset if (options.dataset or "").startswith("s3://") else "",
        "dataset_config": options.dataset_config or ("" if options.dataset else DATASET_CONFIG),
        "dataset_split": options.dataset_split,
        "text_column": options.text_column,
        "output_dir": options.output_dir,
        "max_steps": steps,
        "epochs": float(request.epochs or 1),
        "learning_rate": options.learning_rate or _learning_rate(plan),
        "warmup": 0.03,
        "weight_decay": 0.1 if plan.method == "full" else 0.0,
        "optim": _OPTIM[plan.optimizer],
        "save_steps": save_steps(plan),
        "load_dtype": load_dtype(plan),
        "attention": "sdpa" if "sdpa" in plan.model.attention else "eager",
        "liger": plan.liger,
        "lora_targets": targets,
        "model_type": kind,
        "tiny": kind.tiny,
        "torch": wheel,
        "packages": _packages(options, plan),
        "exports": _exports(plan),
        "per_node": plan.placement.gpus // plan.placement.instances,
        "spot": options.spot,
        "asked": options.model,
        "example": plan.request.model != options.model,
        "checkpoint_s3": options.checkpoint_s3 or "",
        "max_hours": options.max_hours or (24 if options.spot else 0),
    }


def _local(dataset: str) -> str:
    """Return where the launch script puts a data set from S3; others stay where they are."""
    return f"data/{dataset.rpartition('/')[2]}" if dataset.startswith("s3://") else dataset


def _learning_rate(plan: TrainingPlan) -> float:
    """Return a usual peak rate: adapters take ten times that of full tuning."""
    if plan.method != "full":
        return 2e-4
    return 2e-5 if plan.model.parameters >= 10**9 else 5e-5


def load_dtype(plan: TrainingPlan) -> str:
    """Return the dtype in which the weights are loaded, as the plan's memory assumes it.

    DeepSpeed keeps the fp32 copy itself. The Trainer alone trains what it loads: fp16 needs fp32
    weights for its loss scaler, and a plan with 4 bytes per parameter means the same for bf16.
    """
    frozen = plan.method == "lora" and plan.engine == "trainer"
    if plan.engine == "deepspeed" or plan.method == "qlora":
        return _TORCH_DTYPE[plan.precision]
    weights = sum(term.gib for term in plan.memory.terms if term.key == "parameters") * 2**30
    scaled = plan.precision == "fp16" and plan.method == "full"
    if scaled or weights > 3 * plan.model.parameters:
        return "float32"
    if frozen and plan.precision == "fp32":  # adapters in fp32 on 16-bit weights
        return "bfloat16" if plan.placement.gpu and plan.placement.gpu.bf16 else "float16"
    return _TORCH_DTYPE[plan.precision]


def save_steps(plan: TrainingPlan) -> int:
    """Return the steps between checkpoints: about 15 minutes of work."""
    seconds = plan.global_batch * plan.sequence_length / plan.run.tokens_per_second.expected
    return min(max(round(SECONDS_BETWEEN_SAVES / seconds), 10), 1000)


def _packages(options: LlmTrainOptions, plan: TrainingPlan) -> list[str]:
    names = ["accelerate", "datasets", "transformers"]
    if plan.method != "full":
        names.append("peft")
    if plan.method == "qlora" or plan.optimizer == "adamw-8bit":
        names.append("bitsandbytes")
    if plan.engine == "deepspeed":
        names.append("deepspeed")
    if options.spot:
        names.append("boto3")
    return sorted(names)


def _exports(plan: TrainingPlan) -> list[tuple[str, str, str]]:
    """Return the variables of the launch script: name, value, reason."""
    from tools.codegen.workloads.llm_sheet import VARIABLES

    return [(name, value, VARIABLES.get(name, "")) for name, value in plan.environment.items()]


WORKLOAD = Workload(
    key=KEY,
    description=Text(
        ja="LLM の学習: フル・LoRA・QLoRA、1 GPU から複数台(Transformers Trainer、DeepSpeed ZeRO)",
        en="LLM training: full, LoRA, QLoRA on one GPU to several instances (Trainer, DeepSpeed)",
    ),
    options=LlmTrainOptions,
    build=build,
    level="executed",
    verified=Text(
        ja="Trainer・LoRA・QLoRA(NF4)・DeepSpeed ZeRO-2 と ZeRO-3(2 プロセス)・スポット中断からの"
        "再開を、小さなモデルで CPU 上で実行して確かめています。GPU では実行していません。",
        en="Run on a CPU with tiny models: Trainer, LoRA, QLoRA (NF4), DeepSpeed ZeRO-2 and ZeRO-3 "
        "on two processes, and resuming after a spot notice. Not run on GPUs.",
    ),
    checks=CHECKS,
    training=True,
)
