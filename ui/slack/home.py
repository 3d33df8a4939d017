"""Texts and views that do not answer a question: Home tab, help, dialogs, suggested prompts."""

from __future__ import annotations

import json
from typing import Any

from ui.language import Text
from ui.slack.blocks import Message, suggestion_buttons
from ui.slack.events import DIALOG
from ui.slack.files import MAX_FILE_BYTES, MAX_FILES

REASON_DIALOG = "feedback_reason_dialog"
EXAMPLES = {
    "ja": (
        "G5とG4dnの違いは?",
        "H100を1枚だけ使えるインスタンスは?",
        "g5.xlargeを1日8時間、月20日使うといくら?",
        "ZeRO-3は何を分割しますか",
    ),
    "en": (
        "What is the difference between G5 and G4dn?",
        "Which instances have a single H100?",
        "How much is g5.xlarge for 8 hours a day, 20 days a month?",
        "What does ZeRO-3 partition?",
    ),
}
LOADING = {
    "ja": ("質問を読んでいます", "カタログと用語集を調べています", "数字を照合しています"),
    "en": ("Reading the question", "Searching catalogue and glossary", "Checking the figures"),
}
_LIMIT_MB = MAX_FILE_BYTES // 1_000_000
_HELP = Text(
    "*AWS の機械学習向けインスタンス(EC2 の C・P・G 系)について、出典つきで答えます。*\n"
    "• チャンネルでは私にメンションしてください。同じスレッドの続きにメンションは要りません。\n"
    "• DM ではそのまま質問できます。`/ask 質問` でも聞けます。\n"
    "• メッセージの「…」から「この内容について質問」を選ぶと、その内容について聞けます。\n"
    "• 設定ファイルやログ(deepspeed.json、traceback、config.json、nvidia-smi の出力)も送れます。\n"
    "• スレッドで「解決」と書くと、そのスレッドでは答えなくなります。",
    "*Answers about AWS machine-learning instances (EC2 C, P and G), with sources.*\n"
    "• Mention me in a channel; no mention is needed to go on in the same thread.\n"
    "• In a direct message just ask. `/ask question` works as well.\n"
    '• Choose "この内容について質問" from a message\'s menu to ask about it.\n'
    "• Send files along: deepspeed.json, config.json, tracebacks, nvidia-smi output.\n"
    '• Write "resolved" in a thread, and I stop answering there.',
)
_LIMITS = Text(
    "料金には日付が付きます。契約の前に AWS の料金表も確認してください。"
    f"読めるファイルはテキスト {MAX_FILES} 個、各 {_LIMIT_MB} MB までです。",
    "Prices carry their date; check AWS's price list before you commit. "
    f"Up to {MAX_FILES} text files of {_LIMIT_MB} MB each are read.",
)
_MAX_METADATA = 3_000  # characters of private_metadata
_MAX_INPUT = 3_000


def chosen(text: Text, language: str) -> str:
    """Return a text in a language, whatever thread it is shown from."""
    return text.en if language == "en" else text.ja


def help_message(language: str) -> Message:
    """Return what the bot says about itself."""
    message = Message(text=chosen(_LIMITS, language))
    message.add(_section(chosen(_HELP, language)))
    message.add({"type": "actions", "elements": suggestion_buttons(_examples(language))})
    message.add(_small(chosen(_LIMITS, language)))
    return message


def home_view(language: str, dates: str, unlimited: bool, limit: int) -> dict[str, Any]:
    """Return the Home tab."""
    examples = "\n".join(f"• {text}" for text in _examples(language))
    title = chosen(Text("聞き方の例", "Examples"), language)
    blocks = [_section(chosen(_HELP, language)), _section(f"*{title}*\n{examples}")]
    notes = [chosen(_LIMITS, language), dates]
    if not unlimited:
        notes.append(
            chosen(
                Text(f"1 人 1 日 {limit} 問までです。", f"{limit} questions per person and day."),
                language,
            )
        )
    return {"type": "home", "blocks": [*blocks, {"type": "divider"}, *map(_small, notes)]}


def question_dialog(place: dict[str, str], language: str) -> dict[str, Any]:
    """Return the dialog of the message shortcut; `place` tells where the answer goes."""
    while len(json.dumps(place, ensure_ascii=False)) > _MAX_METADATA:
        place = {**place, "quoted": place["quoted"][: len(place["quoted"]) * 3 // 4]}
    label = Text("この内容について何を知りたいですか", "What would you like to know about it?")
    return {
        **_dialog(DIALOG, Text("メッセージについて質問", "Ask about a message"), language),
        "private_metadata": json.dumps(place, ensure_ascii=False),
        "blocks": [
            _small(_plain(place["quoted"])),
            _input("question", chosen(label, language)),
        ],
    }


def reason_dialog(answer_id: str, language: str) -> dict[str, Any]:
    """Return the dialog that asks what was wrong with an answer."""
    label = Text("何が違いましたか。何が足りませんでしたか", "What was wrong or missing?")
    return {
        **_dialog(REASON_DIALOG, Text("回答について", "About the answer"), language),
        "private_metadata": answer_id,
        "blocks": [_input("reason", chosen(label, language))],
    }


def suggested_prompts(language: str) -> list[dict[str, str]]:
    """Return the prompts that Slack shows in an empty conversation."""
    return [{"title": text, "message": text} for text in _examples(language)]


def _examples(language: str) -> tuple[str, ...]:
    return EXAMPLES["en" if language == "en" else "ja"]


def _dialog(callback: str, title: Text, language: str) -> dict[str, Any]:
    def button(text: Text) -> dict[str, str]:
        return {"type": "plain_text", "text": chosen(text, language)}

    return {
        "type": "modal",
        "callback_id": callback,
        "title": button(title),
        "submit": button(Text("送る", "Send")),
        "close": button(Text("やめる", "Cancel")),
    }


def _input(name: str, label: str) -> dict[str, Any]:
    return {
        "type": "input",
        "block_id": name,
        "label": {"type": "plain_text", "text": label},
        "element": {
            "type": "plain_text_input",
            "action_id": "text",
            "multiline": True,
            "max_length": _MAX_INPUT,
        },
    }


def _plain(quoted: str) -> str:
    from ui.slack.markdown import escape

    text = " ".join(quoted.split())
    return escape(text[:200] + ("…" if len(text) > 200 else "")) or "…"


def _section(text: str) -> dict[str, Any]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}}


def _small(text: str) -> dict[str, Any]:
    return {"type": "context", "elements": [{"type": "mrkdwn", "text": text}]}
