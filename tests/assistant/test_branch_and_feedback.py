"""Going back in a conversation, votes on answers, and assistants with private documents."""

from __future__ import annotations

from pathlib import Path

import pytest

from assistant.app import Assistant
from assistant.errors import NotConfiguredError, UsageError
from assistant.settings import Settings
from knowledge.ec2.catalogue import Catalogue


@pytest.fixture
def assistant(tmp_path: Path, catalogue: Catalogue) -> Assistant:
    """An assistant that keeps what it says."""
    return Assistant(Settings(data_dir=tmp_path / "kept"), catalogue=catalogue)


# -- branches ------------------------------------------------------------------------------------


def test_a_branch_goes_on_from_the_turn_it_was_cut_after(assistant: Assistant) -> None:
    assistant.ask("g5.xlargeの料金は?", "t")
    assistant.ask("g6.xlargeの料金は?", "t")
    copy = assistant.branch("t", 1)
    assert copy != "t"
    assert "g5.xlarge" in assistant.ask("バージニア北部だと?", copy).answer


def test_the_branched_thread_stays_as_it_was(assistant: Assistant) -> None:
    assistant.ask("g5.xlargeの料金は?", "t")
    assistant.ask("g6.xlargeの料金は?", "t")
    assistant.ask("オハイオだと?", assistant.branch("t", 1))
    assert "g6.xlarge" in assistant.ask("バージニア北部だと?", "t").answer


def test_a_branch_before_the_first_turn_is_empty(assistant: Assistant) -> None:
    assistant.ask("g5.xlargeの料金は?", "t")
    assert assistant.ask("バージニア北部だと?", assistant.branch("t", 0)).reason == "unclear"


# -- votes ---------------------------------------------------------------------------------------


def test_a_vote_is_kept_with_its_reason(assistant: Assistant) -> None:
    answer = assistant.ask("g5.xlargeの料金は?")
    assistant.feedback(answer.answer_id, "down", " 古い ", user="taro", front="web")
    (vote,) = assistant.votes.list()
    assert (vote.answer_id, vote.vote, vote.reason) == (answer.answer_id, "down", "古い")
    assert (vote.user, vote.front) == ("taro", "web")


def test_a_user_has_one_vote_an_answer(assistant: Assistant) -> None:
    answer = assistant.ask("g5.xlargeの料金は?")
    for user, vote in (("a", "down"), ("b", "up"), ("a", "up")):
        assistant.feedback(answer.answer_id, vote, user=user)  # type: ignore[arg-type]
    assert {(v.user, v.vote) for v in assistant.votes.list()} == {("a", "up"), ("b", "up")}


def test_voting_again_without_a_reason_keeps_the_reason(assistant: Assistant) -> None:
    answer = assistant.ask("g5.xlargeの料金は?")
    assistant.feedback(answer.answer_id, "down", "古い")
    assistant.feedback(answer.answer_id, "down")
    assert assistant.votes.list()[0].reason == "古い"
    assistant.feedback(answer.answer_id, "up")
    assert assistant.votes.list()[0].reason == ""


def test_an_unknown_answer_cannot_be_voted_on(assistant: Assistant) -> None:
    with pytest.raises(UsageError, match="nosuch"):
        assistant.feedback("nosuch", "up")


def test_nothing_is_kept_where_nothing_is_logged(tmp_path: Path, catalogue: Catalogue) -> None:
    silent = Assistant(Settings(data_dir=tmp_path / "none", log=False), catalogue=catalogue)
    with pytest.raises(NotConfiguredError, match="ASK_LOG"):
        silent.feedback("any", "up")
    assert not (tmp_path / "none").exists()


# -- private documents ---------------------------------------------------------------------------


def test_private_documents_are_seen_by_their_owner_alone(
    assistant: Assistant, tmp_path: Path
) -> None:
    shared, mine = tmp_path / "shared.md", tmp_path / "mine.md"
    shared.write_text("# 共有手順\n\n学習ジョブの申請番号は KURA-77 です。\n", "utf-8")
    mine.write_text("# 私の手順\n\n倉庫サーバーの合言葉は YAMA-42 です。\n", "utf-8")
    assistant.ingest([str(shared)])
    twin = assistant.private(tmp_path / "private")
    twin.ingest([str(mine)])
    assert {d.title for d in twin.knowledge_list()} == {"共有手順", "私の手順"}
    assert {d.title for d in assistant.knowledge_list()} == {"共有手順"}
    assert "YAMA-42" in twin.ask("倉庫サーバーの合言葉は?").answer
    assert "YAMA-42" not in assistant.ask("倉庫サーバーの合言葉は?").answer


def test_a_private_assistant_goes_on_with_the_same_threads(
    assistant: Assistant, tmp_path: Path
) -> None:
    assistant.ask("g5.xlargeの料金は?", "t")
    twin = assistant.private(tmp_path / "private")
    answer = twin.ask("バージニア北部だと?", "t")
    assert "g5.xlarge" in answer.answer
    assert assistant.history.get(answer.answer_id) == answer
