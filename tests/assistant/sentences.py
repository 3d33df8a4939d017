"""Sentences as language models write them: true once, and false with figures of other things.

The wrong figures are the worst ones: real values of another subject of the same tool result, and
halves and doubles of the true one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from assistant.tool_registry import ToolRunner
from tools.attributes import BY_KEY
from tools.instances import Description
from tools.profiles import InstanceProfile
from tools.results import Result

SUBJECTS = ("g5.2xlarge", "g4dn.12xlarge", "p5.48xlarge", "c6i.16xlarge", "g6e.xlarge")
ATTRIBUTES = {
    "memory_gib": ("メモリ", "memory", "GiB"),
    "vcpus": ("vCPU 数", "vCPU count", "vCPU"),
    "gpu_memory_gb": ("GPU メモリ", "GPU memory", "GB"),
    "gpu_count": ("GPU 数", "GPU count", "GPU"),
    "network_gbps": ("ネットワーク", "network bandwidth", "Gbps"),
    "nvme_gb": ("ローカル NVMe", "local NVMe", "GB"),
    "usd_per_hour": ("東京のオンデマンド料金", "on-demand price in Tokyo", "USD"),
}
TEMPLATES = {
    "ja spaced": "{name} の{ja}は {value} {unit} です。",
    "ja tight": "{name}の{ja}は{value}{unit}です。",
    "ja before the name": "{ja}が {value} {unit} の {name} が向きます。",
    "ja tight before the name": "{ja}が{value}{unit}の{name}が向きます。",
    "glued to a Latin word": "VRAM、RAM、NVMeなどの{ja}: CAP{value}{unit}の{name}です。",
    "ja two sentences": "{name} を見ます。{ja}は {value} {unit} です。",
    "ja about": "{name} の{ja}は約 {value} {unit} です。",
    "en": "The {en} of {name} is {value} {unit}.",
    "en tight": "{name} offers {value}{unit} as its {en}.",
    "en before the name": "With {value} {unit} of {en}, {name} is enough.",
    "bullet": "- **{name}**: {ja} {value} {unit}",
    "bold figure": "{name} の{ja}は **{value} {unit}** です。",
    "code span": "`{name}` の{ja}は `{value} {unit}` です。",
    "table row": "| 名前 | {ja} |\n|---|---|\n| {name} | {value} {unit} |",
    "table column": "| | {name} |\n|---|---|\n| {ja} | {value} {unit} |",
    "parentheses": "{name}({ja} {value} {unit})が候補です。",
    "slash": "{name} は {ja}/{value} {unit} です。",
}


@dataclass(frozen=True)
class Sentence:
    """A sentence about one figure."""

    template: str
    text: str
    true: bool


def described(runner: ToolRunner) -> Result:
    """What the model looked up before it wrote."""
    return runner.run("describe_instances", {"names": list(SUBJECTS)})


def sentences(runner: ToolRunner) -> Iterator[Sentence]:
    """Every template with every subject and attribute, once true and with each wrong value."""
    result = described(runner)
    assert isinstance(result, Description)
    items = [item for item in result.items if isinstance(item, InstanceProfile)]
    for key, (ja, en, unit) in ATTRIBUTES.items():
        values = {item.key: BY_KEY[key].of(item) for item in items}
        known = {name: Decimal(str(value)) for name, value in values.items() if value}
        for name, value in known.items():
            others = {other for other in known.values() if other != value}
            wrong = {value / 2, value * 2} | others
            if key == "network_gbps":  # `offers 5 Gbps` is true of a baseline of 5 Gbps
                baseline = {item.key: item.type.network.baseline_gbps for item in items}[name]
                wrong.discard(Decimal(str(baseline)))
            for template, pattern in TEMPLATES.items():
                for figure in (value, *sorted(wrong)):
                    text = pattern.format(
                        name=name, ja=ja, en=en, unit=unit, value=format(figure.normalize(), "f")
                    )
                    yield Sentence(template, text, figure == value)
