"""`video-detect`: objects in a stream or a video file, on a G instance."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any

from pydantic import Field

from knowledge.ec2.catalogue import Catalogue
from knowledge.ec2.schema import Gpu
from tools.charts import Text
from tools.codegen.checks import instance_of
from tools.codegen.folder import Folder
from tools.codegen.names import DataPath, HubId, LocalPath, StreamUrl
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
    refusal,
    setting,
    templates,
)

KEY = "video-detect"
MODEL = "PekingU/rtdetr_v2_r18vd"


WARNINGS = (
    Text(
        ja="pip の OpenCV は動画を CPU で復号します(NVDEC は使いません)。",
        en="OpenCV from pip decodes video on the CPU, without NVDEC.",
    ),
)


class VideoOptions(Options):
    """What to watch."""

    source: StreamUrl | DataPath = "rtsp://camera.example/stream"
    output: LocalPath = "output"
    model: HubId | LocalPath = MODEL
    threshold: Annotated[float, Field(gt=0, lt=1)] = 0.5
    write_video: bool = False
    window: bool = False


def _no_wheel(options: VideoOptions, place: Place) -> BundleRefusal:
    instance, gpu = place.instance, place.gpu
    return refusal(
        KEY,
        options,
        Text(
            ja=f"PyPI の torch({instance.arch})に {gpu.model if gpu else 'この型'} の"
            "カーネルがありません。",
            en=f"No torch wheel on PyPI for {instance.arch} runs on {instance.name}.",
        ),
        Text(ja="g4dn.xlarge や g5.xlarge なら作れます。", en="g4dn.xlarge or g5.xlarge work."),
    )


def is_live(source: str) -> bool:
    """Return whether the source is a stream."""
    return source.startswith(("rtsp", "http"))


def _settings(
    gpu: Gpu | None, options: VideoOptions, config: Mapping[str, Any]
) -> tuple[Setting, ...]:
    """Return the values with their reasons."""
    live = is_live(options.source)
    return (
        setting(
            "source",
            options.source,
            "ストリーム: 推論中に届いたフレームは捨て、常に最新の 1 枚を処理する(遅れがたまらない)"
            if live
            else "ファイル: 全フレームを処理する",
            "a stream: frames that arrive meanwhile are dropped" if live else "a file: every frame",
        ),
        setting(
            "precision",
            config["precision"],
            f"{gpu.model} の Tensor コアを使う(autocast)" if gpu else "CPU では float32",
            "half precision on the GPU's tensor cores" if gpu else "float32 on a CPU",
        ),
        setting(
            "show_window",
            options.window,
            "画面に表示する(opencv-python が必要)"
            if options.window
            else "サーバーには画面がないので表示せず、detections.jsonl に書く",
            "shown on a display" if options.window else "servers have no display",
        ),
        setting(
            "retries",
            10,
            "ストリームが切れたら待ち時間を倍にしながら(最大 30 秒)つなぎ直す回数",
            "reconnections in a row, with growing pauses",
        ),
    )


def build(catalogue: Catalogue, options: VideoOptions) -> Draft | BundleRefusal:
    """Return the bundle, or why there is none for this GPU."""
    place = choose_place(catalogue, options, default="g4dn.xlarge", fits=has_gpu)
    instance, gpu = place.instance, place.gpu
    wheel = torch_for(gpu, instance.arch)
    if wheel is None:
        return _no_wheel(options, place)
    config = {
        "source": options.source,
        "output": options.output,
        "model": options.model,
        "precision": "fp16" if gpu else "fp32",
        "threshold": options.threshold,
        "write_video": options.write_video,
        "show_window": options.window,
        "max_frames": 0,
        "timeout_s": 10.0,
        "retries": 10,
    }
    return Draft(
        name=f"{KEY}-{instance.name}",
        sheet=Sheet(
            title=Text(
                ja=f"動画の物体検出({instance.name}{f'、{gpu.model}' if gpu else ''})",
                en=f"Object detection in video on {instance.name}",
            ),
            instance=instance,
            gpu=gpu,
            quote=place.quote,
            settings=_settings(gpu, options, config),
            warnings=WARNINGS,
        ),
        values={
            "config": config,
            "packages": ["numpy", "pillow", "s3fs", "transformers"]
            + ([] if options.window else ["opencv-python-headless"]),
            "torch": wheel,
            "exports": [
                (
                    "OPENCV_FFMPEG_CAPTURE_OPTIONS",
                    "rtsp_transport;tcp",
                    "UDP の欠落で画像が乱れるのを避ける",
                )
            ]
            if is_live(options.source)
            else [],
            "max_hours": None,
        },
        shown="config.toml",
        templates=templates(KEY, "detect.py", "frames.py"),
    )


def display(folder: Folder, catalogue: Catalogue) -> Iterator[Check]:
    """A window needs an OpenCV that can open one; half precision needs a GPU."""
    config, pins = folder.toml(), folder.requirements()
    headless = "opencv-python-headless" in pins
    yield judged(
        "window",
        not (config["show_window"] and headless),
        f"show_window {config['show_window']}、OpenCV は "
        f"{'headless 版' if headless else '画面つき'}",
        f"show_window {config['show_window']} with {'headless ' if headless else ''}OpenCV",
    )
    gpu = catalogue.gpu_of(instance_of(folder, catalogue))
    native = config["precision"] != "bf16" or (gpu is not None and gpu.bf16)
    yield judged(
        "precision",
        native,
        f"precision {config['precision']}、{gpu.model if gpu else 'CPU'}",
        f"precision {config['precision']} on {gpu.model if gpu else 'a CPU'}",
    )


WORKLOAD = Workload(
    key=KEY,
    description=Text(
        ja="動画の物体検出: RTSP・HTTP・ファイル、再接続とフレーム間引き、画面なしでも動く",
        en="Object detection in video: RTSP, HTTP or files, reconnecting, dropping frames, "
        "headless",
    ),
    options=VideoOptions,
    build=build,
    level="executed",
    verified=Text(
        ja="OpenCV で作った動画ファイルと、切断される HTTP ストリームで、小さな RT-DETR を CPU 上で"
        "実行しています。RTSP のカメラと GPU では実行していません。",
        en="Run on a CPU with a tiny RT-DETR on a video file made by OpenCV and an HTTP stream "
        "that "
        "breaks off. Not run with an RTSP camera or on a GPU.",
    ),
    checks=(display,),
)
