"""サイジング: a model, a method and an instance in; memory, what fits, speed and cost out, live."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import gradio as gr

from ui.web.tabs.bench import PRIVATE, SKIP, Bench

TRAINING, INFERENCE = "training", "inference"
MODELS = ("llama-3-8b", "llama-3-70b", "qwen2.5-7b", "mistral-7b", "gpt2-xl", "bert-large", "7B")
METHODS = ("full", "lora", "qlora")
_CHOICES: dict[str, tuple[str, ...]] = {
    "engine": ("trainer", "deepspeed", "fsdp"),
    "optimizer": ("adamw", "adamw-8bit", "adafactor", "sgd"),
    "precision": ("bf16", "fp16", "fp32"),
    "zero_stage": ("0", "1", "2", "3"),
    "offload": ("none", "optimizer-cpu", "optimizer-param-cpu", "optimizer-nvme", "all-nvme"),
    "weights": ("bf16", "fp16", "fp8", "int8", "awq", "gptq", "nf4", "fp32"),
    "kv_format": ("bf16", "fp16", "fp8", "int8"),
}
_MAIN = {
    TRAINING: ("model", "method", "instance", "sequence_length", "global_batch", "tokens"),
    INFERENCE: ("model", "instance", "weights", "context", "concurrency"),
}
_MORE = {
    TRAINING: (
        "instances",
        "micro_batch",
        "engine",
        "optimizer",
        "precision",
        "zero_stage",
        "offload",
        "lora_rank",
        "spot",
    ),
    INFERENCE: ("kv_format", "tensor_parallel", "spot"),
}
_LABELS = {
    "sequence_length": "sequence",
    "global_batch": "batch",
    "model": "model_name",
    "instance": "instance",
}
_NUMBERS = {
    "sequence_length",
    "global_batch",
    "tokens",
    "instances",
    "micro_batch",
    "lora_rank",
    "context",
    "concurrency",
    "tensor_parallel",
}
_TOOLS = {TRAINING: "size_training", INFERENCE: "size_inference"}


def build(bench: Bench) -> None:
    """Add the tab."""
    SizingTab(bench)


class SizingTab:
    """One form each for training and inference, and one result."""

    def __init__(self, bench: Bench) -> None:
        """Add everything to the page that is being built."""
        self.bench, self.say = bench, bench.say
        self.fields: dict[str, dict[str, Any]] = {TRAINING: {}, INFERENCE: {}}
        self.groups: dict[str, gr.Column] = {}
        with gr.Column(elem_classes="bench"):
            with gr.Row(equal_height=False):
                self.purpose = gr.Radio(
                    [(self.say(name), name) for name in (TRAINING, INFERENCE)],
                    value=TRAINING,
                    label=self.say("purpose"),
                )
                self.region = bench.regions()
            for purpose in (TRAINING, INFERENCE):
                self._form(purpose)
            with gr.Row(elem_classes="acts"):
                self.run = gr.Button(
                    self.say("run_sizing"), variant="primary", scale=0, min_width=140
                )
                self.ask = gr.Button(self.say("ask_in_chat"), scale=0, min_width=160)
            self.result = bench.result("sizing_empty")
        self._connect()

    def _form(self, purpose: str) -> None:
        with gr.Column(visible=purpose == TRAINING) as group:
            with gr.Row(equal_height=False):
                for name in _MAIN[purpose]:
                    self.fields[purpose][name] = self._field(name)
            with gr.Accordion(self.say("details"), open=False):
                with gr.Row(equal_height=False):
                    for name in _MORE[purpose]:
                        self.fields[purpose][name] = self._field(name)
        self.groups[purpose] = group

    def _field(self, name: str) -> Any:
        label = self.say(_LABELS.get(name, name))
        more: dict[str, Any] = {"label": label, "min_width": 140, "interactive": True}
        if name == "model":
            return gr.Dropdown(list(MODELS), value=MODELS[0], allow_custom_value=True, **more)
        if name == "method":
            return gr.Radio(list(METHODS), value="qlora", **more)
        if name == "instance":
            names = ["", *self.bench.instance_names()]
            return gr.Dropdown(names, value="", allow_custom_value=True, **more)
        if name == "spot":
            return gr.Checkbox(False, **more)
        if name in _NUMBERS:
            return gr.Textbox("", placeholder=self.say("auto"), **more)
        choices = [(self.say("auto"), ""), *((value, value) for value in _CHOICES[name])]
        return gr.Dropdown(choices, value="", **more)

    def _connect(self) -> None:
        self.names = [(purpose, name) for purpose, fields in self.fields.items() for name in fields]
        self.values = [self.fields[purpose][name] for purpose, name in self.names]
        form = [self.purpose, self.region, *self.values]
        event = self.run.click(self.compute, form, self.result, **PRIVATE)
        kept = {"purpose": self.purpose, "region": self.region}
        shared = {
            name: self.fields[TRAINING][name] for name in ("model", "method", "instance", "tokens")
        }
        self.bench.address(event, "sizing", kept | shared)
        self.purpose.change(
            self.switch, self.purpose, [*self.groups.values()], show_progress="hidden", **PRIVATE
        )
        live = [
            self.purpose.change,
            self.region.change,
            *(self._change(field) for field in self.values),
        ]
        listen: Any = cast("Any", gr.on)  # pyright: ignore[reportUnknownMemberType]
        listen(
            live,
            self.compute,
            form,
            self.result,
            show_progress="hidden",
            trigger_mode="always_last",
            **PRIVATE,
        )
        self.bench.hand_over(self.ask, self.question, [self.purpose, *self.values])
        filled = [self.purpose, self.region, *shared.values(), *self.groups.values(), self.result]
        self.bench.from_address("sizing", filled, self.prefill)

    def _change(self, field: Any) -> Any:
        """Return when a field is done: a text when it is left, not at every key."""
        return field.blur if isinstance(field, gr.Textbox) else field.change

    def compute(self, purpose: str, region: str, *values: Any) -> str:
        """Return the plan, or why there is none."""
        request = self.request(purpose, values)
        return self.bench.guard(lambda: self._plan(purpose, region, request))

    def _plan(self, purpose: str, region: str, request: Mapping[str, Any]) -> str:
        given = {"region": region, **request}
        result = self.bench.assistant.run_tool(_TOOLS[purpose], given)
        return self.bench.described(result)

    def request(self, purpose: str, values: tuple[Any, ...]) -> dict[str, Any]:
        """Return the filled-in fields of a form."""
        pairs = zip(self.names, values, strict=True)
        return {
            name: _clean(name, value)
            for (group, name), value in pairs
            if group == purpose and value not in (None, "", False)
        }

    def switch(self, purpose: str) -> list[Any]:
        """Show the form of a purpose."""
        return [gr.Column(visible=name == purpose) for name in self.groups]

    def question(self, purpose: str, *values: Any) -> str:
        """Return the question that the form stands for."""
        request = self.request(purpose, values)
        model = str(request.get("model", ""))
        method = {"full": "フルファインチューニング", "lora": "LoRA", "qlora": "QLoRA"}
        if self.say.language == "en":
            method["full"] = "full fine-tuning"
        said = self.say(
            f"question_{purpose}", model=model, method=method[request.get("method", "full")]
        )
        instance = str(request.get("instance", ""))
        return f"{instance} で {said}" if instance and self.say.language == "ja" else said

    def prefill(self, query: Mapping[str, str]) -> list[Any]:
        """Return the form as the address says, computed."""
        purpose = query.get("purpose", TRAINING)
        purpose = purpose if purpose in _TOOLS else TRAINING
        region = query.get("region") or self.bench.assistant.settings.region
        wanted = {
            name: query[name]
            for name in ("model", "method", "instance", "tokens")
            if query.get(name)
        }
        fields = [wanted.get(name, SKIP) for name in ("model", "method", "instance", "tokens")]
        shown: Any = SKIP
        if "model" in wanted:
            allowed = _MAIN[purpose]
            request = {n: _clean(n, v) for n, v in wanted.items() if n in allowed}
            shown = self.bench.guard(lambda: self._plan(purpose, region, request))
        return [purpose, region, *fields, *self.switch(purpose), shown]


def _clean(name: str, value: Any) -> Any:
    """Return a field's value as the request wants it: `1,000` is a number of tokens."""
    if name in _NUMBERS or name == "zero_stage":
        text = str(value).replace(",", "").replace("_", "").strip()
        return int(text) if text.isdigit() else text
    return value
