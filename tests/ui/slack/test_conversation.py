"""Conversations over Socket Mode: who is answered, where, how often."""

from __future__ import annotations

import pytest
from running_bot import StartBot
from scripted import Scripted
from slack_server import BOT, BOT_ID, SlackServer, event_body

from assistant.settings import Settings

ME = f"<@{BOT}>"


def texts(slack: SlackServer, channel: str, root: str) -> list[str]:
    """Texts of the answers in a thread; pictures come in messages of their own."""
    return [m.get("text", "") for m in slack.thread(channel, root) if m.get("metadata")]


def settled(slack: SlackServer, channel: str, root: str, number: int) -> list[str]:
    """Texts in a thread once there are `number`, and no more come."""
    slack.wait_for(lambda: len(texts(slack, channel, root)) >= number)
    slack.wait_for(lambda: len(texts(slack, channel, root)) > number, 0.3)
    found = texts(slack, channel, root)
    assert len(found) == number, found
    return found


def say(slack: SlackServer, channel: str, user: str, text: str, root: str) -> None:
    """Write into a thread, and wait until it was received: the order of events is not Slack's."""
    slack.say(channel, user, text, thread_ts=root)
    assert slack.wait_for(lambda: all(d.acked_after is not None for d in slack.deliveries))


@pytest.fixture
def scripted(settings: Settings) -> Scripted:
    return Scripted(settings)


def test_the_planner_answers_a_mention_once_and_remembers_it_after_a_restart(
    slack: SlackServer, start_bot: StartBot
) -> None:
    bot = start_bot()
    ts = slack.say("C1", "U1", f"{ME} G5とG4dnの違いは?")
    settled(slack, "C1", ts, 1)
    bot.stop()
    start_bot()
    slack.say("C1", "U1", "バージニア北部だと?", thread_ts=ts)
    first, second = settled(slack, "C1", ts, 2)
    assert "A10G" in first
    assert "東京" in first and "バージニア北部" in second
    answers = [m for m in slack.thread("C1", ts) if m.get("metadata")]
    assert all("table" in [block["type"] for block in m["blocks"]] for m in answers)
    pictures = [f["name"] for m in slack.thread("C1", ts) for f in m.get("files", ())]
    assert len(pictures) == len(set(pictures))


def test_in_a_thread_with_us_only_questions_to_us_are_answered(
    slack: SlackServer, start_bot: StartBot, scripted: Scripted
) -> None:
    start_bot(scripted)
    root = slack.say("C1", "U1", f"{ME} 一つ目")
    settled(slack, "C1", root, 1)
    say(slack, "C1", "U1", "料金は", root)  # whoever asked needs no mention
    say(slack, "C1", "U2", "なるほど", root)  # others talk to each other
    say(slack, "C1", "U2", "大阪でも使えますか？", root)  # or ask
    say(slack, "C1", "U1", "<@U2> 使えると思います?", root)  # or somebody else
    say(slack, "C1", "U1", "ありがとうございます！", root)
    settled(slack, "C1", root, 3)
    assert [q for q, _ in scripted.asked] == ["一つ目", "料金は", "大阪でも使えますか？"]
    assert len({thread for _, thread in scripted.asked}) == 1


def test_resolved_ends_a_conversation_until_we_are_mentioned_again(
    slack: SlackServer, start_bot: StartBot, scripted: Scripted
) -> None:
    start_bot(scripted)
    root = slack.say("C1", "U1", f"{ME} 一つ目")
    settled(slack, "C1", root, 1)
    say(slack, "C1", "U1", "解決しました。", root)
    say(slack, "C1", "U1", "まだ聞こえる?", root)
    settled(slack, "C1", root, 1)
    say(slack, "C1", "U1", f"{ME} もう一つ", root)
    settled(slack, "C1", root, 2)


def test_a_direct_message_needs_no_mention_and_begins_its_own_thread(
    slack: SlackServer, start_bot: StartBot, scripted: Scripted
) -> None:
    start_bot(scripted)
    one, two = slack.say("DU1", "U1", "一つ目"), slack.say("DU1", "U1", "二つ目")
    settled(slack, "DU1", one, 1)
    settled(slack, "DU1", two, 1)
    assert len({thread for _, thread in scripted.asked}) == 2


def test_bots_edits_and_channel_talk_are_left_alone(
    slack: SlackServer, start_bot: StartBot, scripted: Scripted
) -> None:
    start_bot(scripted)
    slack.say("C1", "U1", "おはよう")
    slack.say("C1", "U9", f"{ME} from a bot", bot_id="B9")
    slack.say("C1", "U1", f"{ME} joined", subtype="channel_join")
    edit = {"type": "message", "subtype": "message_changed", "channel": "C1", "ts": "1.1"}
    slack.deliver(event_body({**edit, "message": {"user": "U1", "text": f"{ME} edited"}}))
    mine = {"type": "message", "user": BOT, "bot_id": BOT_ID, "text": f"{ME} me", "ts": "1.2"}
    slack.deliver(event_body({**mine, "channel": "DU1", "channel_type": "im"}))
    assert slack.wait_for(lambda: all(d.acked_after is not None for d in slack.deliveries))
    slack.wait_for(lambda: False, 0.3)
    assert scripted.asked == [] and slack.calls["chat.postMessage"] == 0


def test_a_bare_mention_shows_the_help(slack: SlackServer, start_bot: StartBot) -> None:
    start_bot()
    ts = slack.say("C1", "U1", ME)
    settled(slack, "C1", ts, 1)
    assert "メンション" in str(slack.thread("C1", ts)[0]["blocks"])


def test_what_people_type_arrives_without_slack_markup(
    slack: SlackServer, start_bot: StartBot, scripted: Scripted
) -> None:
    start_bot(scripted)
    text = f"{ME} a &lt;b&gt; &amp; <https://x.example|x.example> <#C9|ops> <!here> <@U7> :fire:"
    ts = slack.say("C1", "U1", text)
    settled(slack, "C1", ts, 1)
    assert scripted.asked[0][0] == "a <b> & x.example #ops @here @U7 :fire:"


def test_markup_in_an_answer_cannot_mention_anybody(
    slack: SlackServer, start_bot: StartBot, settings: Settings
) -> None:
    evil = "<!channel> <@U1> *x* **太字**です & <https://a.example> `<!here>`\n\n```\n<!here>\n```"
    start_bot(Scripted(settings, answer=evil, warnings=["<!channel>"], suggestions=["<!here>?"]))
    ts = slack.say("C1", "U1", f"{ME} x")
    settled(slack, "C1", ts, 1)  # the server refuses unescaped control characters
    shown = "".join(
        b.get("text", "") for b in slack.thread("C1", ts)[0]["blocks"] if b["type"] == "markdown"
    )
    assert "&lt;!channel&gt;" in shown and "**太字** です" in shown


def test_questions_of_one_thread_are_answered_in_order(
    slack: SlackServer, start_bot: StartBot, scripted: Scripted
) -> None:
    start_bot(scripted, threads=4)
    root = slack.say("DU1", "U1", "0")
    settled(slack, "DU1", root, 1)
    scripted.gate.clear()
    for number in range(1, 6):
        say(slack, "DU1", "U1", str(number), root)
    scripted.gate.set()
    settled(slack, "DU1", root, 6)
    assert [q for q, _ in scripted.asked] == ["0", "1", "2", "3", "4", "5"]


def test_a_long_answer_comes_in_order_in_several_messages(
    slack: SlackServer, start_bot: StartBot, settings: Settings
) -> None:
    table = "| a | b |\n|---|---|\n" + "| 1 | 二 |\n" * 150
    code = "```python\n" + "x = 1 < 2\n" * 1500 + "```"
    answer = f"{'長い文です。' * 3000}\n\n{table}\n\n{code}\n\n{table}"
    start_bot(Scripted(settings, answer=answer))
    ts = slack.say("C1", "U1", f"{ME} x")
    assert slack.wait_for(
        lambda: (
            slack.thread("C1", ts)
            and slack.thread("C1", ts)[-1]["blocks"][-1]["type"] == "context_actions"
        )
    )
    parts = [m["metadata"]["event_payload"]["part"] for m in slack.thread("C1", ts)]
    assert parts == [f"m{n}" for n in range(len(parts))] and len(parts) >= 5


def test_an_unexpected_error_is_a_number_and_never_a_detail(
    slack: SlackServer, start_bot: StartBot, scripted: Scripted
) -> None:
    start_bot(scripted)
    ts = slack.say("C1", "U1", f"{ME} boom")
    (text,) = settled(slack, "C1", ts, 1)
    assert "番号" in text and "secret" not in str(slack.thread("C1", ts))


def test_each_user_has_a_daily_limit_where_a_model_is_paid_for(
    slack: SlackServer, start_bot: StartBot, settings: Settings
) -> None:
    from dataclasses import replace

    scripted = Scripted(replace(settings, model="bedrock_converse:x", slack_daily_limit=2))
    start_bot(scripted)
    answers: list[str] = []
    for number in range(3):
        answers += settled(slack, "DU1", slack.say("DU1", "U1", f"q{number}"), 1)
    assert "上限" in answers[2]
    other = slack.say("DU2", "U2", "q")
    settled(slack, "DU2", other, 1)
    assert [q for q, _ in scripted.asked] == ["q0", "q1", "q"]
