"""`vllm`: serve a language model with vLLM, as a server or offline, from an inference plan."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated, Any

from pydantic import Field

from knowledge.ec2.catalogue import Catalogue
from knowledge.ec2.schema import Gpu
from tools.charts import Text
from tools.codegen.names import DataPath, HubId, LocalPath
from tools.codegen.spec import (
    BundleRefusal,
    BundleRequest,
    Draft,
    Options,
    Setting,
    Sheet,
    Workload,
)
from tools.codegen.wheel_names import vllm_names
from tools.codegen.workloads.examples import example_of
from tools.codegen.workloads.placing import refusal, setting, templates
from tools.codegen.workloads.vllm_checks import CHECKS
from tools.sizing.models import (
    Count,
    InferencePlan,
    InferenceRefusal,
    InferenceRequest,
    WeightFormat,
)

KEY = "vllm"
DEFAULT_MODEL, DEFAULT_WEIGHTS = "Qwen2.5-7B", "Qwen/Qwen2.5-7B-Instruct"
"""Free to download, and of a size that one GPU of 24 GB serves."""
PORT = 8000
ONLINE = {"fp8": "fp8", "int8": "int8_per_channel_weight_only"}
"""Formats into which vLLM brings 16-bit weights while it loads them."""
READY_MADE = ("awq", "gptq", "int4")
"""Formats of which a checkpoint has to exist already; vLLM reads its settings from it."""
DTYPES = {"fp32": "float32", "fp16": "float16", "bf16": "bfloat16"}
MIN_SEQUENCES, MAX_SEQUENCES = 16, 256
"""Real requests are shorter than the longest, so more of them fit than the plan counts."""


class VllmOptions(Options):
    """What to serve, on what. What is None is decided by the sizing plan."""

    model: Annotated[str, Field(min_length=1, max_length=20_000)] = DEFAULT_MODEL
    """Name, size or config.json, as sizing reads it."""
    weights: HubId | LocalPath | None = None
    """Where the weights are loaded from; None: the model's repository on the hub."""
    quantization: WeightFormat | None = None
    context: Annotated[int, Field(ge=16, le=10_000_000)] | None = None
    concurrency: Count | None = None
    tensor_parallel: Count | None = None
    prompts: DataPath = "prompts.jsonl"
    output: DataPath = "answers.jsonl"
    max_tokens: Annotated[int, Field(ge=1, le=1_000_000)] = 512


def build(catalogue: Catalogue, options: VllmOptions) -> Draft | BundleRefusal:
    """Return the bundle of the plan that fits, or why there is none."""
    from tools.sizing.serve import plan_inference

    wanted = InferenceRequest(
        model=options.model,
        region=options.region,
        instance=options.instance,
        weights=options.quantization,
        context=options.context,
        concurrency=options.concurrency,
        tensor_parallel=options.tensor_parallel,
    )
    plan = plan_inference(catalogue, wanted)
    if isinstance(plan, InferencePlan) and not (plan.model.hf_id or options.weights):
        if example := example_of(plan.model):
            plan = plan_inference(catalogue, wanted.model_copy(update={"model": example}))
    if isinstance(plan, InferenceRefusal):
        given = options.model_dump(mode="json", exclude_unset=True, exclude={"region"})
        request = BundleRequest(workload=KEY, region=options.region, options=given)
        return BundleRefusal(
            request=request,
            reason=plan.reason,
            refusal=plan,
            suggestion=plan.smallest_change,
        )
    return draft_of(options, plan)


def draft_of(options: VllmOptions, plan: InferencePlan) -> Draft | BundleRefusal:
    """Return the bundle of a plan."""
    known = DEFAULT_WEIGHTS if options.model == DEFAULT_MODEL else plan.model.hf_id
    weights, gpu = options.weights or known, plan.placement.gpu
    if problem := _cannot(options, plan, weights):
        return refusal(KEY, options, *problem)
    assert weights and gpu
    engine = engine_arguments(plan, gpu, weights)
    slug = re.sub(r"[^a-z0-9.]+", "-", plan.model.name.lower()).strip("-.")[:60]
    place = plan.placement
    return Draft(
        name=f"{KEY}-{slug or 'model'}-{place.instance.name}",
        sheet=Sheet(
            title=Text(
                ja=f"{plan.model.name} の vLLM サーバー({place.instance.name}、{plan.weights})",
                en=f"vLLM serving {plan.model.name} on {place.instance.name} ({plan.weights})",
            ),
            instance=place.instance,
            gpu=gpu,
            instances=place.instances,
            quote=place.quote,
            settings=tuple(_settings(plan, gpu, engine)),
            memory=plan.memory,
            expected=tuple(_expected(plan)),
            warnings=plan.warnings,
            choices=plan.choices,
            rejected=plan.rejected,
        ),
        values=_values(options, plan, engine, slug or "model"),
        shown="vllm.yaml",
        templates=templates(KEY, "vllm.yaml", "offline.py"),
        plan=plan,
    )


def _values(
    options: VllmOptions, plan: InferencePlan, engine: dict[str, Any], name: str
) -> dict[str, object]:
    """Return the names for the templates."""
    names = vllm_names()
    return {
        "plan": plan,
        "engine": engine,
        "server": {
            "host": "127.0.0.1",
            "port": PORT,
            "served_model_name": name,
        },
        "config": {
            "prompts": options.prompts,
            "output": options.output,
            "max_tokens": min(options.max_tokens, plan.max_model_len),
            "temperature": 0.0,
        },
        "vllm_version": names.version,
        "wheel": names.wheel,
        "wheel_sha256": names.sha256,
        "requires": names.requires,
        "exports": [],
        "max_hours": None,
    }


def engine_arguments(plan: InferencePlan, gpu: Gpu, weights: str) -> dict[str, Any]:
    """Return the engine's arguments."""
    half = "bfloat16" if gpu.bf16 else "float16"
    kv = "fp8" if plan.kv_format == "fp8" else "auto"
    return {
        "model": weights,
        "tensor_parallel_size": plan.tensor_parallel,
        "max_model_len": plan.max_model_len,
        "gpu_memory_utilization": plan.gpu_memory_utilization,
        "dtype": DTYPES.get(plan.weights, half),
        "quantization": ONLINE.get(plan.weights),
        "kv_cache_dtype": kv,
        "max_num_seqs": max(MIN_SEQUENCES, min(MAX_SEQUENCES, plan.run.max_concurrency)),
    }


def _settings(plan: InferencePlan, gpu: Gpu, engine: dict[str, Any]) -> Iterator[Setting]:
    yield setting(
        "tensor-parallel-size",
        plan.tensor_parallel,
        f"重み({plan.weights})と KV キャッシュを {plan.tensor_parallel} 個の {gpu.model} に分ける。"
        f"注意ヘッド {plan.model.heads} を割り切る数",
        f"weights and KV cache over {plan.tensor_parallel} GPUs; divides {plan.model.heads} heads",
    )
    yield setting(
        "max-model-len",
        plan.max_model_len,
        "プロンプトと応答の合計。モデルの上限のままだと KV キャッシュが入らず起動しないことがある",
        "prompt and answer together; the model's own limit may not fit",
    )
    yield setting(
        "gpu-memory-utilization",
        plan.gpu_memory_utilization,
        "vLLM 0.33 では CUDA graph もこの中に含まれる(既定は 0.92)",
        "includes CUDA graphs since 0.33 (default 0.92)",
    )
    yield setting(
        "dtype",
        engine["dtype"],
        f"{gpu.model} は bf16 に{'対応' if gpu.bf16 else '対応しない(vLLM は起動を拒む)'}",
        f"{gpu.model} {'has' if gpu.bf16 else 'lacks'} bf16",
    )
    yield setting(
        "max-num-seqs",
        engine["max_num_seqs"],
        f"最大長の要求なら {plan.run.max_concurrency} 件分の KV キャッシュが入る。"
        "短い要求はもっと入るので"
        f" {MIN_SEQUENCES}〜{MAX_SEQUENCES} の範囲にする(足りなければ待つだけで、失敗はしない)",
        f"the KV cache holds {plan.run.max_concurrency} requests of full length",
    )


def _expected(plan: InferencePlan) -> Iterator[Setting]:
    run = plan.run
    basis, basis_en = run.assumption.ja, run.assumption.en
    alone, total = run.tokens_per_second_user.expected, run.tokens_per_second_total.expected
    first = run.time_to_first_token_ms.expected
    figures = (
        ("speed", Text(ja="1 人のときの生成速度", en="speed for one user"), alone, "tokens/s"),
        ("total", Text(ja="同時実行時の合計", en="all requests together"), total, "tokens/s"),
        ("first", Text(ja="最初のトークンまで", en="time to first token"), first, "ms"),
    )
    for key, label, value, unit in figures:
        made = setting(key, round(value), basis, basis_en, unit)
        yield made.model_copy(update={"label": label})


def _cannot(
    options: VllmOptions, plan: InferencePlan, weights: str | None
) -> tuple[Text, Text] | None:
    """Return why there is no bundle, and what to ask for instead."""
    instance = plan.placement.instance
    if plan.placement.gpu is None or plan.tensor_parallel < 1:
        return Text(
            ja=f"{instance.name} には GPU がないので、vLLM のバンドルは作れません。",
            en=f"{instance.name} has no GPU, which this vLLM bundle needs.",
        ), Text(
            ja="GPU のある型(g5、g6、p4d など)を指定します。ONNX のモデルなら cpu-infer "
            "があります。",
            en="Name a GPU type (g5, g6, p4d); for ONNX models there is cpu-infer.",
        )
    if instance.arch == "arm64":
        return Text(
            ja=f"{instance.name} は arm64 です。vLLM は x86_64 の wheel だけを確かめています。",
            en=f"{instance.name} is arm64; only vLLM's x86_64 wheel was checked.",
        ), Text(ja="g4dn や g5 なら作れます。", en="g4dn and g5 work.")
    if plan.weights == "nf4":
        return Text(
            ja="vLLM 0.33 に nf4(bitsandbytes)はありません。",
            en="vLLM 0.33 has no nf4 (bitsandbytes).",
        ), Text(ja="quantization を int8 か awq にします。", en="Use int8 or awq.")
    if plan.weights in READY_MADE and not options.weights:
        return Text(
            ja=f"{plan.weights} の重みは、量子化済みのチェックポイントが要ります。",
            en=f"{plan.weights} needs a checkpoint that is quantised already.",
        ), Text(
            ja="weights に Hugging Face の名前(例: 組織/モデル-AWQ)を指定するか、"
            "quantization を int8 にします。",
            en="Give weights, such as owner/model-AWQ, or use int8.",
        )
    if not weights:
        return Text(
            ja=f"{plan.model.name} の重みをどこから読むか決まりません。",
            en=f"It is not known where the weights of {plan.model.name} are.",
        ), Text(
            ja="weights に Hugging Face の名前かフォルダーを指定します。",
            en="Give weights: a repository on the hub, or a folder.",
        )
    return None


WORKLOAD = Workload(
    key=KEY,
    description=Text(
        ja="vLLM の推論サーバーとまとめて生成: テンソル並列、量子化、最大長をサイジングから決める",
        en="vLLM server and offline generation: tensor parallel, quantisation, length from sizing",
    ),
    options=VllmOptions,
    build=build,
    level="checked",
    verified=Text(
        ja=f"実行していません。設定と引数の名前と値を、{vllm_names().wheel} から取り出した一覧と"
        "照合しました。offline.py は、その一覧にない引数を拒む代役を相手に動かしています。",
        en=f"Not run. Names and values of the arguments were compared with the list taken out of "
        f"{vllm_names().wheel}; offline.py runs against a stand-in that refuses any other.",
    ),
    checks=CHECKS,
)
