"""Slash command, shortcut, buttons, votes, Home tab, prompts, files: over Socket Mode."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from running_bot import StartBot
from scripted import Scripted
from slack_server import BOT, Fault, SlackServer, event_body
from slack_server import TEAM as TEAM

from assistant.answer import Artifact
from assistant.settings import Settings

ME = f"<@{BOT}>"
USER = {"id": "U1", "team_id": TEAM}


@pytest.fixture
def scripted(settings: Settings) -> Scripted:
    return Scripted(settings, suggestions=["料金は?"])


def interact(slack: SlackServer, **body: Any) -> Any:
    payload = {"team": {"id": TEAM}, "user": USER, "api_app_id": "A0APP", **body}
    delivery = slack.deliver(payload, "interactive")
    assert slack.wait_for(lambda: delivery.acked_after is not None), body
    return delivery.response


def command(slack: SlackServer, text: str) -> Any:
    body = {"command": "/ask", "text": text, "team_id": TEAM, "channel_id": "C1", "user_id": "U1",
            "trigger_id": slack.trigger(), "response_url": "https://hooks.slack.com/x"}  # fmt: skip
    delivery = slack.deliver(body, "slash_commands")
    assert slack.wait_for(lambda: delivery.acked_after is not None)
    return delivery.response


def answered(slack: SlackServer, root: str, number: int = 1) -> list[Any]:
    assert slack.wait_for(lambda: len(slack.thread("C1", root)) >= number)
    return slack.thread("C1", root)


def test_the_slash_command_shows_the_question_and_answers_in_its_thread(
    slack: SlackServer, start_bot: StartBot, scripted: Scripted
) -> None:
    start_bot(scripted)
    assert "受け付けました" in command(slack, "G5は?")["text"]
    assert slack.wait_for(lambda: slack.messages["C1"])
    root = slack.messages["C1"][0]
    assert "G5は?" in str(root["blocks"]) and "thread_ts" not in root
    answered(slack, root["ts"])
    slack.say("C1", "U1", "続きの質問", thread_ts=root["ts"])  # no mention needed
    answered(slack, root["ts"], 2)
    assert len({thread for _, thread in scripted.asked}) == 1


@pytest.mark.parametrize("text", ["", "help"])
def test_the_slash_command_without_a_question_helps(
    slack: SlackServer, start_bot: StartBot, scripted: Scripted, text: str
) -> None:
    start_bot(scripted)
    assert "メンション" in str(command(slack, text)["blocks"])


def test_the_shortcut_asks_about_a_message_and_answers_under_it(
    slack: SlackServer, start_bot: StartBot, scripted: Scripted
) -> None:
    start_bot(scripted)
    ts = slack.say("C1", "U2", "CUDA out of memory & <more> " * 200)
    message = {"ts": ts, "text": "CUDA out of memory &amp; &lt;more&gt; " * 200, "user": "U2"}
    interact(
        slack, type="message_action", callback_id="ask_about_message", trigger_id=slack.trigger(),
        channel={"id": "C1"}, message=message, message_ts=ts,
    )  # fmt: skip
    assert slack.wait_for(lambda: slack.calls["views.open"])
    view = next(a["view"] for m, a in slack.log if m == "views.open")
    state = {"values": {"question": {"text": {"type": "plain_text_input", "value": "原因は?"}}}}
    interact(slack, type="view_submission", view={**view, "id": "V1", "state": state})
    echo, _ = answered(slack, ts, 2)
    assert "原因は?" in str(echo["blocks"])
    question = scripted.asked[0][0]
    assert question.endswith("原因は?") and "CUDA out of memory & <more>" in question


def test_a_suggestion_is_asked_with_a_click(
    slack: SlackServer, start_bot: StartBot, scripted: Scripted
) -> None:
    start_bot(scripted)
    root = slack.say("C1", "U1", f"{ME} G5は?")
    (first,) = answered(slack, root)
    (buttons,) = [b for b in first["blocks"] if b["type"] == "actions"]
    button = buttons["elements"][0]
    body = {
        "type": "block_actions", "channel": {"id": "C1"}, "trigger_id": slack.trigger(),
        "message": {"ts": first["ts"], "thread_ts": root},
        "actions": [{**button, "action_ts": "1.0", "block_id": "x"}],
    }  # fmt: skip
    interact(slack, **body)
    interact(slack, **body)  # an impatient second delivery of the same click
    messages = answered(slack, root, 3)
    slack.wait_for(lambda: False, 0.3)
    assert len(slack.thread("C1", root)) == 3
    assert "料金は?" in str(messages[1]["blocks"])
    assert [q for q, _ in scripted.asked] == ["G5は?", "料金は?"]


def test_a_vote_is_kept_with_its_reason(
    slack: SlackServer, start_bot: StartBot, scripted: Scripted
) -> None:
    start_bot(scripted)
    root = slack.say("C1", "U1", f"{ME} G5は?")
    (first,) = answered(slack, root)
    element = first["blocks"][-1]["elements"][0]
    value = element["negative_button"]["value"]
    place = {"channel": {"id": "C1"}, "message": {"ts": first["ts"], "thread_ts": root}}
    click = {"type": "feedback_buttons", "action_id": "feedback", "value": value, "block_id": "x"}
    interact(slack, type="block_actions", trigger_id=slack.trigger(), actions=[click], **place)
    assert slack.wait_for(lambda: slack.calls["chat.postEphemeral"])
    why = {"type": "button", "action_id": "feedback_reason", "value": value.split(":")[1]}
    why["block_id"] = "y"
    interact(slack, type="block_actions", trigger_id=slack.trigger(), actions=[why], **place)
    assert slack.wait_for(lambda: slack.calls["views.open"])
    view = next(a["view"] for m, a in slack.log if m == "views.open")
    state = {"values": {"reason": {"text": {"value": "料金が古い"}}}}
    interact(slack, type="view_submission", view={**view, "id": "V2", "state": state})
    assert slack.wait_for(lambda: len(scripted.votes) == 2)
    assert scripted.votes == [("a1", "down", "", "U1"), ("a1", "down", "料金が古い", "U1")]


def test_the_home_tab_and_the_prompts_are_filled(
    slack: SlackServer, start_bot: StartBot, scripted: Scripted
) -> None:
    start_bot(scripted)
    home = {"type": "app_home_opened", "user": "U1", "channel": "DU1", "event_ts": "1.0"}
    slack.deliver(event_body({**home, "tab": "home"}))
    slack.deliver(event_body({**home, "tab": "messages"}))
    thread = {"channel_id": "DU1", "thread_ts": "1.1", "user_id": "U1"}
    slack.deliver(event_body({"type": "assistant_thread_started", "assistant_thread": thread}))
    method = "assistant.threads.setSuggestedPrompts"
    assert slack.wait_for(lambda: slack.calls["views.publish"] and slack.calls[method] == 2)


def test_files_come_before_the_question_and_stay_within_the_limit(
    slack: SlackServer, start_bot: StartBot, scripted: Scripted
) -> None:
    start_bot(scripted)
    files = [
        slack.attach("deepspeed.json", b'{"zero_optimization": {"stage": 3}}'),
        slack.attach("train.log", b"start\n" + b"x" * 100_000 + b"\nRuntimeError: NCCL"),
    ]
    ts = slack.say("C1", "U1", f"{ME} 原因は?", files=files)
    answered(slack, ts)
    question = scripted.asked[0][0]
    assert question.startswith('deepspeed.json:\n```\n{"zero_optimization"')
    assert "RuntimeError: NCCL\n```" in question and question.endswith("原因は?")
    assert len(question) < 20_000


def test_files_that_are_no_text_or_not_slacks_are_refused_without_our_token(
    slack: SlackServer, start_bot: StartBot, scripted: Scripted
) -> None:
    start_bot(scripted)
    files = [
        slack.attach("cat.png", b"\x89PNG\x00", mimetype="image/png"),
        slack.attach("binary.log", b"\x00\x01"),
        slack.attach("big.log", b"x", size=2_000_000),
        slack.attach("evil.json", b"{}", url_private_download="https://evil.example/x"),
    ]
    ts = slack.say("C1", "U1", ME, files=files)
    (message,) = answered(slack, ts)
    for name in ("cat.png", "binary.log", "big.log", "evil.json"):
        assert name in message["text"]
    assert scripted.asked == []


def test_a_file_slack_names_by_id_only_is_looked_up(
    slack: SlackServer, start_bot: StartBot, scripted: Scripted
) -> None:
    start_bot(scripted)
    item = slack.attach("config.json", b'{"hidden_size": 4096}')
    ts = slack.say("C1", "U1", ME, files=[{"id": item["id"], "file_access": "check_file_info"}])
    answered(slack, ts)
    assert '{"hidden_size": 4096}' in scripted.asked[0][0]


def test_a_scope_missing_for_files_holds_up_no_answer(
    slack: SlackServer, start_bot: StartBot, settings: Settings, tmp_path: Path
) -> None:
    packed = tmp_path / "code.zip"
    packed.write_bytes(b"PK")
    bundle = Artifact(path=str(packed), media_type="application/zip", description="コード")
    notes = Artifact(path=str(tmp_path), media_type="text/plain", description="コード")
    methods = ("files.getUploadURLExternal", "files.info")
    lacking = Fault(error="missing_scope", needed="files:write")
    slack.fault = lambda method, _: lacking if method in methods else None
    start_bot(Scripted(settings, artifacts=[bundle, notes]))
    root = slack.say("C1", "U1", f"{ME} 作って", files=[{"id": "F9", "file_access": "x"}])
    answered(slack, root)
    assert "読み出せませんでした" in str(slack.thread("C1", root)[0]["blocks"])
    assert slack.wait_for(lambda: slack.calls["files.getUploadURLExternal"])
    slack.fault = lambda _method, _: None
    slack.say("C1", "U1", "続き", thread_ts=root)
    answered(slack, root, 3)
    names = [f["name"] for m in slack.thread("C1", root) for f in m.get("files", ())]
    assert names == ["code-a2.zip"]  # the packed files, once


def test_charts_and_bundles_are_uploaded_into_the_thread(
    slack: SlackServer, start_bot: StartBot, settings: Settings, tmp_path: Path
) -> None:
    bundle = tmp_path / "out"
    (bundle / "src").mkdir(parents=True)
    for name in ("train.py", "README.md", "src/model.py", "ds.json"):
        (bundle / name).write_text("x")
    artifacts = [
        Artifact(path=str(path), media_type="text/plain", description="学習コード")
        for path in sorted(bundle.rglob("*"))
        if path.is_file()
    ]
    point = {"x": "g5.xlarge", "y": 1.0, "series": {"ja": "料金", "en": "price"}, "label": ""}
    chart = {
        "kind": "bar", "id": "cost", "title": {"ja": "月額", "en": "Monthly cost"},
        "x_title": {"ja": "型", "en": "type"}, "y_title": {"ja": "USD", "en": "USD"},
        "unit": "USD", "points": [point], "rules": [], "source": None,
    }  # fmt: skip
    start_bot(Scripted(settings, artifacts=artifacts, charts=[chart]))
    ts = slack.say("C1", "U1", f"{ME} 作って")
    answered(slack, ts, 3)
    names = [f["name"] for m in slack.thread("C1", ts) for f in m.get("files", ())]
    assert names == ["cost-a1.png", "bundle-a1.zip"]
    assert slack.uploads["FU0"]["data"].startswith(b"\x89PNG")
