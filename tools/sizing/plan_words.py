"""What a plan says about its choices, in both languages."""

from __future__ import annotations

from tools.charts import Text
from tools.sizing.models import Choice, MemoryTerm, Offload, Rejection


def text(ja: str, en: str) -> Text:
    """Return a text in both languages."""
    return Text(ja=ja, en=en)


def chose(what_ja: str, what_en: str, why_ja: str, why_en: str) -> Choice:
    """Return a choice with its reason."""
    return Choice(what=text(what_ja, what_en), why=text(why_ja, why_en))


def rejected(what_ja: str, what_en: str, why_ja: str, why_en: str) -> Rejection:
    """Return an alternative that was not taken, with the reason."""
    return Rejection(what=text(what_ja, what_en), why=text(why_ja, why_en))


def gib(value: float) -> str:
    """Return GiB in three digits."""
    return f"{value:,.0f}" if value >= 1000 else f"{value:.1f}"


OFFLOADS: dict[Offload, tuple[str, str]] = {
    "none": ("オフロードなし", "no offload"),
    "optimizer-cpu": ("オプティマイザの CPU オフロード", "CPU offload of the optimizer"),
    "optimizer-param-cpu": (
        "オプティマイザとパラメータの CPU オフロード",
        "CPU offload of optimizer and parameters",
    ),
    "optimizer-nvme": ("オプティマイザの NVMe オフロード", "NVMe offload of the optimizer"),
    "all-nvme": ("すべての NVMe オフロード", "NVMe offload of everything"),
}


EXPERTS_STAY = text(
    "Transformers 5 の MoE では、bitsandbytes が Linear 層だけを 4 ビットにするため、"
    "エキスパートの重みは fp32 のまま残ります。LoRA のほうがメモリは少なくて済みます",
    "bitsandbytes quantises linear layers only: in Transformers 5 the experts of a mixture "
    "stay in fp32, so LoRA takes less memory",
)
"""Why QLoRA saves nothing on a mixture of experts."""


def largest(term: MemoryTerm) -> Text:
    """Return the sentence part about the dominating term."""
    return text(
        f"最も大きいのは{term.label.ja}の {gib(term.gib)} GiB です",
        f"the largest part is {term.label.en}, {gib(term.gib)} GiB",
    )
