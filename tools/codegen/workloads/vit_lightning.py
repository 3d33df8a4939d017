"""`vit-lightning`: fine-tune a Vision Transformer with PyTorch Lightning, DDP on several GPUs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field

from knowledge.ec2.catalogue import Catalogue
from knowledge.ec2.schema import Gpu
from tools.charts import Text
from tools.codegen.checks import instance_of
from tools.codegen.folder import Folder
from tools.codegen.names import DataPath, HubId, LocalPath, S3Uri
from tools.codegen.spec import (
    BundleRefusal,
    Check,
    Draft,
    Options,
    Setting,
    Sheet,
    Workload,
    judged,
)
from tools.codegen.wheels import torch_for
from tools.codegen.workloads.placing import (
    Place,
    choose_place,
    has_gpu,
    power_of_two,
    refusal,
    setting,
    templates,
)

KEY = "vit-lightning"
MODEL = "google/vit-base-patch16-224-in21k"
BYTES_PER_ACTIVATION = 41
"""Saved for backward per token, hidden unit and layer under autocast: 40.6 for ViT-B/16 and 40.3
for ViT-L/16, summed over what autograd keeps (transformers 5.23.0, torch 2.13.0, sdpa)."""
BYTES_PER_PARAMETER = 18
"""fp32 weight, gradient and two AdamW moments, and autocast's 16-bit copy of the weight."""
CONTEXT_GIB = 1.5
"""CUDA context, cuDNN and NCCL buffers, and what the allocator rounds up."""
BUDGET_SHARE = 0.85
MAX_MICRO_BATCH = 256
MAX_LOADERS = 12


@dataclass(frozen=True, slots=True)
class Shape:
    """Size of a ViT at 224 x 224."""

    parameters: int
    hidden: int
    layers: int
    tokens: int


SHAPES = {
    "vit-base-patch16": Shape(86_600_000, 768, 12, 197),
    "vit-base-patch32": Shape(88_200_000, 768, 12, 50),
    "vit-large-patch16": Shape(304_400_000, 1024, 24, 197),
    "vit-large-patch32": Shape(306_500_000, 1024, 24, 50),
    "vit-huge-patch14": Shape(632_000_000, 1280, 32, 257),
}


class VitOptions(Options):
    """What to train, on what."""

    model: HubId | LocalPath = MODEL
    data: DataPath = "s3://my-bucket/images"
    output_dir: LocalPath = "output"
    instances: Annotated[int, Field(ge=1, le=128)] = 1
    micro_batch: Annotated[int, Field(ge=1, le=8192)] | None = None
    global_batch: Annotated[int, Field(ge=1, le=1_000_000)] | None = None
    epochs: Annotated[int, Field(ge=1, le=10_000)] = 10
    learning_rate: Annotated[float, Field(gt=0, lt=1)] = 1e-4
    spot: bool = False
    checkpoint_s3: S3Uri | None = None
    max_hours: Annotated[int, Field(ge=1, le=720)] | None = None


def shape_of(model: str) -> Shape | None:
    """Return the size of a model by its name."""
    return next((shape for name, shape in SHAPES.items() if name in model.lower()), None)


def memory_gib(shape: Shape, micro_batch: int) -> float:
    """Return the peak GPU memory of training, in GiB."""
    per_image = BYTES_PER_ACTIVATION * shape.tokens * shape.hidden * shape.layers
    fixed = BYTES_PER_PARAMETER * shape.parameters
    return (fixed + per_image * micro_batch) / 2**30 + CONTEXT_GIB


def largest_batch(shape: Shape, usable_gib: float) -> int:
    """Return the largest power of two that fits; 0 if not even one image does."""
    free = BUDGET_SHARE * usable_gib - memory_gib(shape, 0)
    per_image = memory_gib(shape, 1) - memory_gib(shape, 0)
    count = free / per_image
    return min(MAX_MICRO_BATCH, power_of_two(count)) if count >= 1 else 0


def build(catalogue: Catalogue, options: VitOptions) -> Draft | BundleRefusal:
    """Return the bundle, or why there is none."""
    place = choose_place(catalogue, options, default="g5.xlarge", fits=has_gpu)
    shape, gpu = shape_of(options.model), place.gpu
    micro = options.micro_batch or (
        largest_batch(shape, gpu.usable_gib or gpu.memory_gib) if gpu and shape else 0
    )
    if problem := _cannot(options, place, shape, micro):
        return refusal(KEY, options, *problem)
    assert gpu is not None
    processes = place.devices * options.instances
    global_batch = options.global_batch or micro * processes
    if global_batch % (micro * processes):
        return refusal(KEY, options, *_indivisible(global_batch, micro, processes))
    return _draft(options, place, gpu, shape, micro, global_batch)


def _config(
    options: VitOptions, place: Place, gpu: Gpu, micro: int, global_batch: int
) -> dict[str, object]:
    """Return the values of config.toml."""
    instance = place.instance
    precision: Literal["bf16-mixed", "16-mixed"] = "bf16-mixed" if gpu.bf16 else "16-mixed"
    loaders = max(1, min(MAX_LOADERS, instance.vcpus // place.devices - 1))
    return {
        "data": options.data,
        "cache": "/local_nvme/images" if instance.instance_store else "data",
        "model": options.model,
        "output": options.output_dir,
        "gpus": place.devices,
        "nodes": options.instances,
        "precision": precision,
        "micro_batch": micro,
        "global_batch": global_batch,
        "workers": loaders,
        "epochs": options.epochs,
        "learning_rate": options.learning_rate,
        "weight_decay": 0.05,
        "warmup": 0.05,
        "seed": 0,
        "checkpointing": False,
        "checkpoint_s3": options.checkpoint_s3 or "",
        "max_hours": float(options.max_hours or 720),
    }


def _draft(
    options: VitOptions,
    place: Place,
    gpu: Gpu,
    shape: Shape | None,
    micro: int,
    global_batch: int,
) -> Draft:
    instance, wheel = place.instance, torch_for(gpu, place.instance.arch)
    assert wheel
    config = _config(options, place, gpu, micro, global_batch)
    count = f" × {options.instances} 台" if options.instances > 1 else ""
    return Draft(
        name=f"{KEY}-{instance.name}",
        sheet=Sheet(
            title=Text(
                ja=f"ViT の学習(Lightning DDP、{instance.name}{count})",
                en=f"Training a ViT with Lightning DDP on {options.instances} x {instance.name}",
            ),
            instance=instance,
            gpu=gpu,
            instances=options.instances,
            quote=place.quote,
            settings=tuple(_settings(place, gpu, shape, config)),
        ),
        values={
            "config": config,
            "spot": options.spot,
            "packages": ["lightning", "numpy", "pillow", "s3fs", "torchmetrics", "transformers"]
            + (["boto3"] if options.spot else []),
            "torch": wheel,
            "exports": [("NCCL_SOCKET_IFNAME", "en", "NCCL の制御通信に使うネットワーク")]
            if options.instances > 1
            else [],
            "max_hours": options.max_hours,
        },
        shown="config.toml",
        templates=templates(
            KEY,
            "train.py",
            *(["lightning_spot.py"] if options.spot else []),
            shared=("spot.py",) if options.spot else (),
        ),
    )


def _settings(
    place: Place, gpu: Gpu, shape: Shape | None, config: Mapping[str, object]
) -> Iterator[Setting]:
    micro = int(str(config["micro_batch"]))
    usable = gpu.usable_gib or gpu.memory_gib
    yield setting(
        "micro_batch",
        micro,
        f"1 GPU の枚数。見積もり {memory_gib(shape, micro):.1f} GiB"
        f"(重み・勾配・AdamW {BYTES_PER_PARAMETER} B × {shape.parameters / 1e6:.0f}M、"
        f"活性 {BYTES_PER_ACTIVATION} B × {shape.tokens} トークン × {shape.hidden} × "
        f"{shape.layers} 層)、"
        f"{gpu.model} で使えるのは {usable:g} GiB"
        if shape
        else "指定した値(モデルの大きさが分からないため、メモリは見積もっていません)",
        f"images per GPU, of {usable:g} GiB",
    )
    yield setting(
        "global_batch",
        int(str(config["global_batch"])),
        f"micro_batch × {place.devices} GPU × {config['nodes']} 台 × 勾配累積",
        "micro_batch x GPUs x instances x accumulation",
    )
    yield setting(
        "precision",
        str(config["precision"]),
        f"{gpu.model} は bf16 に{'対応' if gpu.bf16 else '対応せず、fp16 と勾配スケーラーを使う'}",
        f"{gpu.model} {'has' if gpu.bf16 else 'lacks'} bf16",
    )
    yield setting(
        "workers",
        int(str(config["workers"])),
        f"画像を読むプロセス。{place.instance.vcpus} vCPU ÷ {place.devices} GPU − 1(上限 "
        f"{MAX_LOADERS})",
        f"{place.instance.vcpus} vCPUs over {place.devices} GPUs, less one",
    )
    yield setting(
        "strategy",
        "ddp" if place.devices > 1 or config["nodes"] != 1 else "auto",
        "1 GPU に 1 プロセス。勾配を平均する",
        "a process per GPU",
    )


Problem = tuple[Text, Text]


def _cannot(options: VitOptions, place: Place, shape: Shape | None, micro: int) -> Problem | None:
    """Return why there is no bundle, and what to ask for instead."""
    instance, gpu = place.instance, place.gpu
    other = Text(ja="g4dn.xlarge や g5.xlarge なら作れます。", en="g4dn.xlarge or g5.xlarge work.")
    if gpu is None:
        return Text(
            ja=f"{instance.name} には GPU がないので、ViT の学習には向きません。",
            en=f"{instance.name} has no GPU, which training a ViT needs.",
        ), other
    if torch_for(gpu, instance.arch) is None:
        return Text(
            ja=f"{instance.name} の {gpu.model}({instance.arch})で動く torch の wheel が"
            "PyPI にありません。",
            en=f"PyPI has no torch wheel that runs on the GPU of {instance.name}.",
        ), other
    if place.instance.gpu and place.instance.gpu.partition < 1:
        return Text(
            ja=f"{instance.name} は GPU を分割した型なので、ViT の学習には向きません。",
            en=f"{instance.name} has a fraction of a GPU, too little for training a ViT.",
        ), other
    if micro < 1:
        known = "、".join(SHAPES)
        return Text(
            ja=f"{options.model} の大きさが分からないので、バッチを決められません。"
            if shape is None
            else f"{options.model} は {gpu.model} のメモリに収まりません。",
            en=f"The size of {options.model} is not known."
            if shape is None
            else f"{options.model} does not fit on {gpu.model}.",
        ), Text(
            ja=f"micro_batch を指定するか、{known} のどれかを使います。",
            en=f"Give micro_batch, or use one of {', '.join(SHAPES)}.",
        )
    if options.spot and not options.checkpoint_s3:
        return Text(
            ja="スポットでは中断後に続きから始めるため、チェックポイントを送る S3 "
            "の場所が要ります。",
            en="A spot run needs an S3 location for its checkpoints.",
        ), Text(
            ja="checkpoint_s3 に s3://バケット名/接頭辞 を指定します。",
            en="Give checkpoint_s3, for example s3://bucket/prefix.",
        )
    return None


def _indivisible(global_batch: int, micro: int, processes: int) -> Problem:
    return Text(
        ja=f"global_batch {global_batch} は micro_batch {micro} × {processes} GPU = "
        f"{micro * processes} の倍数ではありません。",
        en=f"global_batch {global_batch} is no multiple of {micro} x {processes} GPUs.",
    ), Text(
        ja=f"{micro * processes} の倍数にするか、micro_batch を小さくします。",
        en=f"Use a multiple of {micro * processes}, or a smaller micro_batch.",
    )


def training_fits(folder: Folder, catalogue: Catalogue) -> Iterator[Check]:
    """The batch identity holds, the GPUs are there, the memory fits, the precision is native."""
    config, instance = folder.toml(), instance_of(folder, catalogue)
    gpu = catalogue.gpu_of(instance)
    assert gpu is not None and instance.gpu is not None
    processes = config["gpus"] * config["nodes"]
    accumulation, rest = divmod(config["global_batch"], config["micro_batch"] * processes)
    yield judged(
        "batch",
        not rest and accumulation >= 1,
        f"{config['micro_batch']} × {processes} GPU × 累積 {accumulation} = "
        f"{config['global_batch']}",
        f"{config['micro_batch']} x {processes} GPUs x {accumulation} = {config['global_batch']}",
    )
    machines = int(folder.manifest["sheet"]["instances"])
    yield judged(
        "gpus",
        config["gpus"] == instance.gpu.devices and config["nodes"] == machines,
        f"{config['gpus']} GPU × {config['nodes']} 台、{instance.name} は {instance.gpu.devices} "
        "GPU",
        f"{config['gpus']} GPUs x {config['nodes']}; {instance.name} has {instance.gpu.devices}",
    )
    yield judged(
        "precision",
        gpu.bf16 or not str(config["precision"]).startswith("bf16"),
        f"precision {config['precision']}、{gpu.model}(bf16 {'対応' if gpu.bf16 else '非対応'})",
        f"precision {config['precision']} on {gpu.model}",
    )
    yield judged(
        "loaders",
        config["workers"] * config["gpus"] <= instance.vcpus,
        f"読み込み {config['workers']} × {config['gpus']} プロセス、{instance.vcpus} vCPU",
        f"{config['workers']} x {config['gpus']} loaders on {instance.vcpus} vCPUs",
    )
    if shape := shape_of(config["model"]):
        need, usable = memory_gib(shape, config["micro_batch"]), gpu.usable_gib or gpu.memory_gib
        yield judged(
            "memory",
            need <= usable,
            f"見積もり {need:.1f} GiB、{gpu.model} で使えるのは {usable:g} GiB",
            f"estimated {need:.1f} of {usable:g} GiB",
        )


WORKLOAD = Workload(
    key=KEY,
    description=Text(
        ja="ViT の学習: PyTorch Lightning の DDP、1 GPU から複数台、スポット対応",
        en="ViT training with PyTorch Lightning DDP, one GPU to several instances, spot-safe",
    ),
    options=VitOptions,
    build=build,
    level="executed",
    verified=Text(
        ja="小さな ViT を CPU の 2 プロセス(DDP)で学習し、スポット中断からの再開も確かめています。"
        "GPU では実行していません。",
        en="Trained with a tiny ViT in two CPU processes (DDP), resuming after a spot notice. "
        "Not run on GPUs.",
    ),
    checks=(training_fits,),
    training=True,
)
