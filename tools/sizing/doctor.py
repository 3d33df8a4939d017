"""The OOM doctor: a pasted traceback, nvidia-smi output or configuration -> a Diagnosis."""

from __future__ import annotations

import re
from typing import Literal

from pydantic import Field

from knowledge.ec2.catalogue import Catalogue
from tools.charts import Text
from tools.errors import ToolInputError
from tools.profiles import Model
from tools.sizing.doctor_deepspeed import find_config, is_deepspeed, read_deepspeed
from tools.sizing.doctor_smi import SMI, read_smi
from tools.sizing.doctor_traceback import OOM, read_traceback
from tools.sizing.doctor_words import Reading
from tools.sizing.models import Diagnosis, ModelSpec

MAX_TEXT = 200_000
Kind = Literal["traceback", "nvidia-smi", "deepspeed-config", "model-config"]
_FAILED = re.compile(
    r"SIGKILL|exit(?:ed with)? ?code:? -9|DefaultCPUAllocator|oom-kill", re.IGNORECASE
)


class DiagnoseRequest(Model):
    """What was pasted."""

    text: str = Field(min_length=1, max_length=MAX_TEXT)


def diagnose(catalogue: Catalogue, request: DiagnoseRequest) -> Diagnosis:
    """Return what the text says and what to change. Raises ToolInputError for other texts."""
    kind = kind_of(request.text)
    if kind == "traceback":
        found = read_traceback(request.text, catalogue.gpus.values())
    elif kind == "nvidia-smi":
        found = read_smi(request.text)
    elif kind == "deepspeed-config":
        config = find_config(request.text)
        assert config is not None
        found = read_deepspeed(*config)
    elif kind == "model-config":
        found = _read_model(request.text)
    else:
        raise ToolInputError(
            "エラーの全文、nvidia-smi の出力、DeepSpeed の JSON、config.json "
            "のどれかを貼ってください。",
            "Paste the whole error, the output of nvidia-smi, a DeepSpeed JSON or a config.json.",
        )
    return Diagnosis(
        source=kind,
        findings=tuple(found.findings),
        dominating=found.dominating,
        changes=tuple(found.changes),
        figures=found.figures,
    )


def kind_of(text: str) -> Kind | None:
    """Return what kind of thing was pasted; None for an ordinary question."""
    config = find_config(text) if "{" in text else None
    if config and is_deepspeed(config[0]):
        return "deepspeed-config"
    if config and config[0].keys() & {"hidden_size", "n_embd", "d_model"}:
        return "model-config"
    if SMI.search(text) and "|" in text:
        return "nvidia-smi"
    if _is_error(text):
        return "traceback"
    return None


def _is_error(text: str) -> bool:
    """Whether the text quotes a failure for lack of memory, rather than asking about one."""
    quoted = re.search(
        r"[Tt]ried to allocate|\bKV cache is needed|cache blocks|stored in KV cache", text
    )
    frames = "Traceback" in text or 'File "' in text or "Error" in text
    return bool(quoted or _FAILED.search(text) or (OOM.search(text) and frames))


def _read_model(text: str) -> Reading:
    """Return the sizes of the model that a config.json describes."""
    from tools.sizing.architectures import resolve_model

    config = find_config(text)
    assert config is not None
    import json

    spec = resolve_model(json.dumps(config[0]))
    found = Reading()
    billions, weights = spec.parameters / 1e9, spec.parameters * 2 / 2**30
    states = spec.parameters * 16 / 2**30
    found.figures = {
        "parameters_b": billions,
        "weights_16bit_gib": weights,
        "training_states_gib": states,
    }
    _model_findings(found, spec)
    found.dominating = Text(
        ja="学習ならオプティマイザの状態、推論なら重み",
        en="optimizer states in training, weights in serving",
    )
    found.change(
        (
            "config.json と一緒に「これをg6e.xlargeでLoRAできる?」と聞く",
            "paste it with a question: can I tune this with LoRA on g6e.xlarge?",
        ),
        (
            "収まるインスタンス、時間、費用が分かります",
            "it finds the instances that fit, with time and cost",
        ),
    )
    return found


def _model_findings(found: Reading, spec: ModelSpec) -> None:
    billions, weights, states = found.figures.values()
    found.find(
        (f"パラメータ数は {billions:.2f}B です", f"The model has {billions:.2f}B parameters"),
        (
            f"{spec.layers} 層、隠れ層 {spec.hidden:,}、語彙 {spec.vocab:,} から計算しました",
            f"computed from {spec.layers} layers, hidden size {spec.hidden:,}, vocabulary "
            f"{spec.vocab:,}",
        ),
    )
    found.find(
        (
            f"16 ビットの重みは {weights:.1f} GiB です",
            f"The weights take {weights:.1f} GiB in 16 bits",
        ),
        ("推論にはこのほかに KV キャッシュが要ります", "serving needs the KV cache besides"),
    )
    found.find(
        (
            f"AdamW の混合精度学習のモデル状態は合計 {states:.1f} GiB です",
            f"Mixed-precision AdamW holds {states:.1f} GiB of model states in all",
        ),
        (
            "1 パラメータ 16 バイト。中間値とロジットは別です",
            "16 bytes a parameter, activations and logits aside",
        ),
    )
