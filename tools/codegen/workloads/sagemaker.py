"""`sagemaker-realtime` and `sagemaker-multimodel`: endpoints made, called, deleted with boto3."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal

from pydantic import Field

from knowledge.ec2.catalogue import Catalogue
from knowledge.ec2.schema import InstanceType
from tools.charts import Text
from tools.codegen.checks import instance_of
from tools.codegen.folder import Folder
from tools.codegen.names import BucketName, LocalPath, ResourceName, RoleArn, S3Prefix
from tools.codegen.spec import BundleRefusal, Check, Draft, Options, Sheet, Workload, judged
from tools.codegen.wheel_names import hosting_types, sagemaker_image
from tools.codegen.workloads.placing import (
    Place,
    capability,
    choose_place,
    refusal,
    setting,
    templates,
)

REALTIME = "sagemaker-realtime"
MULTIMODEL = "sagemaker-multimodel"
PYTORCH, PYTORCH_ARM, TRITON = (
    "pytorch-inference",
    "pytorch-inference-arm64",
    "sagemaker-tritonserver",
)
ROLE = "arn:aws:iam::123456789012:role/SageMakerExecutionRole"
LEAST_CAPABILITY = (7, 5)
INVOCATIONS_PER_MINUTE = 600.0
"""Target per instance; a load test replaces it."""
_TASK = Literal[
    "text-classification",
    "token-classification",
    "zero-shot-classification",
    "feature-extraction",
    "fill-mask",
    "text-generation",
]


WARNINGS = (
    Text(
        ja="表示している料金は同じ型の EC2 のものです。SageMaker "
        "のエンドポイントの料金は別に決まっていて、"
        "カタログにはありません(AWS の SageMaker 料金ページで確認してください)。",
        en="The price is that of EC2. SageMaker endpoints have their own prices, which the "
        "catalogue does not hold.",
    ),
    Text(
        ja="エンドポイントは呼ばなくても、消すまで課金されます(./launch.sh delete)。",
        en="An endpoint costs money until it is deleted (./launch.sh delete).",
    ),
)


class EndpointOptions(Options):
    """What both kinds of endpoint need."""

    endpoint: ResourceName = "my-endpoint"
    role: RoleArn = ROLE
    bucket: BucketName = "my-bucket"
    prefix: S3Prefix = "models"
    min_instances: Annotated[int, Field(ge=1, le=100)] = 1
    max_instances: Annotated[int, Field(ge=1, le=1000)] = 2


class RealtimeOptions(EndpointOptions):
    """What to serve."""

    model: LocalPath = "model"
    task: _TASK = "text-classification"


class MultimodelOptions(EndpointOptions):
    """What to serve."""

    models: LocalPath = "models"
    max_batch: Annotated[int, Field(ge=1, le=1024)] = 16


def build_realtime(catalogue: Catalogue, options: RealtimeOptions) -> Draft | BundleRefusal:
    """Return the bundle of an endpoint with one model, or why there is none."""
    place = choose_place(catalogue, options, default="g5.xlarge", fits=_can_host)
    repository = PYTORCH_ARM if place.instance.arch == "arm64" else PYTORCH
    problem = _cannot(options, place, repository)
    if problem:
        return refusal(REALTIME, options, *problem)
    config = _endpoint(options, place, repository) | {
        "model": options.model,
        "task": options.task,
        "sample": "SageMaker のエンドポイントを試しています。",
    }
    return _draft(
        REALTIME,
        place,
        config,
        title=Text(
            ja=f"SageMaker のリアルタイムエンドポイント({config['instance_type']})",
            en=f"SageMaker real-time endpoint on {config['instance_type']}",
        ),
        packages=["boto3", "moto", "numpy", "transformers"],
        templates=templates(
            REALTIME,
            "endpoint.py",
            "code/inference.py",
            "code/requirements.txt",
            shared=("hosting.py", "mock_aws.py"),
        ),
    )


def build_multimodel(catalogue: Catalogue, options: MultimodelOptions) -> Draft | BundleRefusal:
    """Return the bundle of an endpoint with many models, or why there is none."""
    place = choose_place(catalogue, options, default="g5.xlarge", fits=_can_host)
    problem = _cannot(options, place, TRITON)
    if problem:
        return refusal(MULTIMODEL, options, *problem)
    config = _endpoint(options, place, TRITON) | {
        "gpu": place.gpu is not None,
        "models": options.models,
        "max_batch": options.max_batch,
    }
    return _draft(
        MULTIMODEL,
        place,
        config,
        title=Text(
            ja=f"SageMaker のマルチモデルエンドポイント(Triton、{config['instance_type']})",
            en=f"SageMaker multi-model endpoint on {config['instance_type']} (Triton)",
        ),
        packages=["boto3", "moto", "numpy", "onnx"],
        templates=templates(
            MULTIMODEL, "endpoint.py", "triton.py", shared=("hosting.py", "mock_aws.py")
        ),
    )


def _can_host(instance: InstanceType) -> bool:
    return f"ml.{instance.name}" in hosting_types()


def _processor(place: Place) -> Literal["cpu", "gpu"]:
    return "gpu" if place.gpu else "cpu"


def _endpoint(options: EndpointOptions, place: Place, repository: str) -> dict[str, Any]:
    region = place.quote.region
    return {
        "endpoint": options.endpoint,
        "region": region,
        "role": options.role,
        "bucket": options.bucket,
        "prefix": f"{options.prefix}/{options.endpoint}",
        "image": sagemaker_image(repository, region, _processor(place)),
        "instance_type": f"ml.{place.instance.name}",
        "min_instances": options.min_instances,
        "max_instances": max(options.min_instances, options.max_instances),
        "invocations_per_minute": INVOCATIONS_PER_MINUTE,
    }


def _draft(
    workload: str,
    place: Place,
    config: Mapping[str, Any],
    *,
    title: Text,
    packages: list[str],
    templates: tuple[str, ...],
) -> Draft:
    triton = workload == MULTIMODEL
    settings = (
        setting(
            "instance_type",
            config["instance_type"],
            "SageMaker のエンドポイントで使える型(botocore の一覧で確認)",
            "a type that SageMaker endpoints take (in botocore's list)",
        ),
        setting(
            "image",
            config["image"],
            "GPU のマルチモデルエンドポイントは Triton のコンテナーだけが対応する"
            if triton
            else "PyTorch の推論コンテナー。code/inference.py を中で動かす",
            "multi-model endpoints on GPUs need Triton" if triton else "AWS's PyTorch container",
        ),
        setting(
            "max_instances",
            config["max_instances"],
            f"{config['min_instances']} 台から増える上限。1 台あたり毎分 "
            f"{config['invocations_per_minute']:g} 件を超えると増やす(負荷試験で決め直す)",
            "upper limit of auto-scaling by invocations per instance",
        ),
    )
    return Draft(
        name=f"{workload}-{place.instance.name}",
        sheet=Sheet(
            title=title,
            instance=place.instance,
            gpu=place.gpu,
            quote=place.quote,
            settings=settings,
            warnings=WARNINGS,
        ),
        values={"config": config, "packages": packages},
        shown="config.toml",
        templates=templates,
    )


def _cannot(options: EndpointOptions, place: Place, repository: str) -> tuple[Text, Text] | None:
    """Return why there is no bundle, and what to ask for instead."""
    instance, region = place.instance, place.quote.region
    other = Text(
        ja="g5.xlarge、g4dn.xlarge、c6i.xlarge などなら作れます。",
        en="g5.xlarge, g4dn.xlarge or c6i.xlarge work.",
    )
    if not _can_host(instance):
        return Text(
            ja=f"ml.{instance.name} は SageMaker のエンドポイントでは使えません(botocore "
            "の一覧にありません)。",
            en=f"SageMaker endpoints do not take ml.{instance.name}.",
        ), other
    accelerated = place.gpu is not None or instance.neuron is not None
    if accelerated and capability(place.gpu) < LEAST_CAPABILITY:
        chip = place.gpu.model if place.gpu else instance.neuron.model if instance.neuron else ""
        return Text(
            ja=f"{repository} のコンテナーが {instance.name} の {chip} "
            "で動くかは確かめていません。",
            en=f"Whether {repository} runs on the {chip} of {instance.name} was not checked.",
        ), other
    if repository == TRITON and instance.arch == "arm64":
        return Text(
            ja="SageMaker の Triton コンテナーに arm64 版はありません。",
            en="SageMaker's Triton container has no arm64 version.",
        ), other
    if sagemaker_image(repository, region, _processor(place)) is None:
        return Text(
            ja=f"{region} で {instance.name}({instance.arch})に使える {repository} の"
            "コンテナーが見つかりません。",
            en=f"There is no {repository} image for {instance.name} in {region}.",
        ), other
    return None


def hosting(folder: Folder, catalogue: Catalogue) -> Iterator[Check]:
    """Type, image and scaling are ones that SageMaker takes, for the instance's architecture."""
    config, instance = folder.toml(), instance_of(folder, catalogue)
    yield judged(
        "instance_type",
        config["instance_type"] in hosting_types()
        and config["instance_type"] == f"ml.{instance.name}",
        f"{config['instance_type']}(SageMaker の一覧 {len(hosting_types())} 種と照合)",
        f"{config['instance_type']} against SageMaker's list",
    )
    repository = str(config["image"]).rpartition("/")[2].partition(":")[0]
    known = {PYTORCH, PYTORCH_ARM, TRITON}
    processor: Literal["cpu", "gpu"] = "gpu" if instance.gpu else "cpu"
    expected = (
        sagemaker_image(repository, config["region"], processor) if repository in known else None
    )
    arm_image = repository == PYTORCH_ARM
    same_arch = arm_image == (instance.arch == "arm64")
    yield judged(
        "image",
        config["image"] == expected and same_arch,
        f"{config['image']}({instance.name} は {instance.arch}、{processor})",
        f"{config['image']} for {instance.arch}, {processor}",
    )
    yield judged(
        "scaling",
        1 <= config["min_instances"] <= config["max_instances"],
        f"{config['min_instances']}〜{config['max_instances']} 台",
        f"{config['min_instances']} to {config['max_instances']} instances",
    )


REALTIME_WORKLOAD = Workload(
    key=REALTIME,
    description=Text(
        ja="SageMaker リアルタイムエンドポイント: デプロイ、オートスケーリング、呼び出し、"
        "削除(boto3)",
        en="SageMaker real-time endpoint: deploy, auto-scaling, invoke, delete (boto3)",
    ),
    options=RealtimeOptions,
    build=build_realtime,
    level="executed",
    verified=Text(
        ja="推論コードを小さなモデルで実行し、boto3 "
        "の呼び出し(作成・オートスケーリング・呼び出し・削除)を"
        "手元の模擬 AWS(moto)に対して実行しています。更新だけは botocore の API 定義との照合です。"
        "本物の AWS とコンテナーの中では実行していません。",
        en="The handler runs on a tiny model, and the boto3 calls run against a local mock of AWS "
        "(moto; updating: against botocore's model of the API). Not run on AWS or in the "
        "container.",
    ),
    checks=(hosting,),
)
MULTIMODEL_WORKLOAD = Workload(
    key=MULTIMODEL,
    description=Text(
        ja="SageMaker マルチモデルエンドポイント: 多くの ONNX モデルを Triton の 1 台で(boto3)",
        en="SageMaker multi-model endpoint: many ONNX models on Triton (boto3)",
    ),
    options=MultimodelOptions,
    build=build_multimodel,
    level="executed",
    verified=Text(
        ja="ONNX から Triton の設定を作り、boto3 の呼び出しを手元の模擬 AWS(moto)に対して"
        "実行しています。本物の AWS と Triton では実行していません。",
        en="Triton's configuration is made from ONNX, and the boto3 calls run against a local mock "
        "of AWS (moto). Not run on AWS or with Triton.",
    ),
    checks=(hosting,),
)
