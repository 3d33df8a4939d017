"""The assistant: settings -> catalogue, tools, model and graph; a question -> a verified Answer."""

from __future__ import annotations

import shutil
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assistant.answer import Answer, Artifact, Language
from assistant.artifact_index import STORE as FILES
from assistant.artifact_index import ArtifactIndex
from assistant.errors import UsageError
from assistant.events import Step, TextDelta
from assistant.feedback import STORE as VOTES
from assistant.feedback import FeedbackStore, Vote, new_vote
from assistant.history import STORE as ANSWERS
from assistant.history import History
from assistant.knowledge_errors import translated_errors
from assistant.settings import Settings, load_settings
from assistant.stores import open_store
from assistant.threads import Threads, build_checkpointer, find_origin, questions_until
from assistant.tool_registry import ToolRunner
from knowledge.ec2.catalogue import Catalogue, load_catalogue
from knowledge.errors import KnowledgeError
from tools.errors import ToolInputError
from tools.names import Names, fold
from tools.results import Result

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel
    from langgraph.checkpoint.base import BaseCheckpointSaver

    from assistant.diff import Difference
    from knowledge.generation import Document
    from knowledge.ingest.report import Report
    from knowledge.library import Library
    from knowledge.search import Filters, Found
    from knowledge.store import Store
    from tools.glossary import GlossaryResult, Searcher

MAX_QUESTION = 20_000
"""Characters of a question; longer logs are cut to what tells, other texts are refused."""


class Assistant:
    """Answers questions. Everything expensive is built on first use."""

    def __init__(
        self,
        settings: Settings,
        *,
        catalogue: Catalogue | None = None,
        model: BaseChatModel | None = None,
    ) -> None:
        """Use `settings`; a catalogue or a chat model given here replaces the configured one."""
        self.settings = settings
        self.catalogue = catalogue or load_catalogue(settings.catalogue_dir)
        answers = open_store(settings, ANSWERS, settings.history_path) if settings.log else None
        self.history = History(answers, find_origin(settings))
        self.threads = Threads(self.history)
        self.votes = FeedbackStore(
            open_store(settings, VOTES, settings.feedback_path) if settings.log else None
        )
        self.artifacts = ArtifactIndex(
            open_store(settings, FILES, settings.artifact_index_path) if settings.log else None
        )
        self.knowledge_dir = settings.knowledge_dir
        self._model = model

    def ask(
        self, question: str, thread_id: str | None = None, language: str | None = None
    ) -> Answer:
        """Return the answer to a question; with `thread_id`, as a turn of that conversation."""
        *_, answer = self.stream(question, thread_id, language)
        assert isinstance(answer, Answer)
        return answer

    def stream(
        self, question: str, thread_id: str | None = None, language: str | None = None
    ) -> Iterator[Step | TextDelta | Answer]:
        """Yield steps, then verified text, and last the Answer."""
        from assistant.turn import refuse_long

        started = time.perf_counter()
        thread = thread_id or uuid.uuid4().hex
        question = _shortened(question)
        if len(question) > MAX_QUESTION:
            yield self._keep(refuse_long(question, thread, MAX_QUESTION), started)
            return
        chosen = self._language(language)
        yield from self._answer(question, thread, chosen, started)
        if thread_id is None and not self.settings.log:
            # Nobody can go on with this thread: a long batch must not keep thousands in memory.
            self._checkpointer.delete_thread(thread)

    def run_tool(self, name: str, request: Mapping[str, object]) -> Result:
        """Return a tool's result. Raises UsageError for anything wrong with the request."""
        try:
            return self.runner.run(name, request)
        except ToolInputError as error:
            raise UsageError(error.message_ja, error.message_en) from error

    def branch(self, thread_id: str, turns: int) -> str:
        """Return a new thread that holds the first `turns` turns of another one."""
        return self._turns.branch(thread_id, turns)

    def feedback(
        self, answer_id: str, vote: Vote, reason: str = "", *, user: str = "", front: str = ""
    ) -> None:
        """Keep what a user thought of an answer. Raises UsageError for an unknown answer."""
        if self.settings.log and self.history.get(answer_id) is None:
            raise UsageError(
                f"回答 {answer_id} は履歴にありません。",
                f"There is no answer {answer_id} in the log.",
            )
        self.votes.add(new_vote(answer_id, vote, reason, user, front))

    def questions(self, answer: Answer) -> list[str]:
        """Return what the user said in an answer's conversation, its own question last."""
        return questions_until(self._checkpointer, self.history, answer)

    def private(self, directory: Path) -> Assistant:
        """Return an assistant for one user: the same threads, documents of their own.

        The documents begin as a copy of the shared ones; what is taken in later stays in
        `directory`.
        """
        twin = Assistant(self.settings, catalogue=self.catalogue, model=self._model)
        twin.history, twin.threads, twin.votes = self.history, self.threads, self.votes
        twin.artifacts = self.artifacts
        twin.__dict__["_checkpointer"] = self._checkpointer
        twin.knowledge_dir = directory
        if self._has_store():
            shutil.copytree(self.knowledge_dir, directory, dirs_exist_ok=True)
        return twin

    def warm_up(self) -> None:
        """Build now what the first question would build: servers call it before they listen."""
        _ = self._turns, self.runner
        self.describe_result(self.run_tool("describe_instances", {"names": ["g5.xlarge"]}))

    def compare_today(self, answer: Answer) -> Difference:
        """Run the tools of a past answer again and return what changed."""
        from assistant.diff import compare_today

        return compare_today(answer, self.run_tool)

    def describe_result(self, result: Result, language: str = "ja") -> str:
        """Return a tool's result as the Markdown that an answer would show."""
        from assistant.planner.compose import compose_result

        return compose_result(
            result, self._language(language) or "ja", regions=self.catalogue.regions, today=_today()
        ).text

    def complete_names(self, prefix: str) -> list[str]:
        """Return the names of the catalogue that begin with `prefix`."""
        return Names(self.catalogue).complete(fold(prefix))

    def catalogue_dates(self) -> dict[str, Any]:
        """Return the days of the specifications and of the prices (oldest, newest)."""
        return {
            "specs_as_of": self.catalogue.specs_as_of,
            "prices_as_of": self.catalogue.prices_as_of,
        }

    def refresh_catalogue(
        self, *, what: Sequence[str] = ("specs",), language: str = "ja", **options: Any
    ) -> str:
        """Fetch parts of the catalogue from AWS into the user's directory; return a report."""
        from assistant.refresh_report import describe_refresh, refresh_error
        from knowledge.ec2.refresh_all import PARTS, Part, refresh

        parts: list[Part] = [part for part in PARTS if part in what]
        try:
            outcome = refresh(parts, self.settings.catalogue_dir, **options)
        except KnowledgeError as error:
            raise refresh_error(error) from error
        return describe_refresh(outcome, self._language(language) or "ja")

    @cached_property
    def runner(self) -> ToolRunner:
        """The tools, for the configured region."""
        return ToolRunner(self.catalogue, self.settings.region, self._searcher)

    # -- documents of the user -----------------------------------------------------------------

    @cached_property
    def library(self) -> Library:
        """The glossary together with the ingested documents."""
        from knowledge.embedder import load_embedder
        from knowledge.library import Library

        embedder = load_embedder(self.settings.embedder, region=self.settings.region)
        return Library(self.knowledge_dir, embedder, self.settings.chroma_url)

    def ingest(
        self,
        paths: Sequence[str],
        title: str | None = None,
        progress: Callable[[int, int, str], None] | None = None,
    ) -> Report:
        """Take in files, folders and s3:// prefixes and report what became of each document."""
        from knowledge.ingest.run import Options, ingest

        if title and (len(paths) != 1 or _is_folder(paths[0])):
            raise UsageError(
                "題名を付けられるのは 1 つの文書だけです。",
                "A title can be given to a single document only.",
            )
        with translated_errors():
            return ingest(self._store, paths, Options(title=title or ""), progress=progress)

    def knowledge_search(self, query: str, limit: int = 5) -> GlossaryResult:
        """Return the passages that an answer to `query` would be written from."""
        from tools.glossary import GlossaryResult

        result = self.run_tool("search_glossary", {"query": query, "limit": limit})
        assert isinstance(result, GlossaryResult)
        return result

    def knowledge_list(self) -> list[Document]:
        """Return the ingested documents."""
        if not self._has_store():
            return []  # and no embedder is loaded to find that out
        with translated_errors():
            generation = self._store.current
            return list(generation.documents.values()) if generation else []

    def knowledge_remove(self, names: Sequence[str]) -> list[Document]:
        """Remove documents by id, path or title and return them. Unknown names remove nothing."""
        documents = self.knowledge_list()
        known = {text for d in documents for text in (d.id, d.uri, d.title)}
        wanted = [
            name if name in known else str(Path(name).expanduser().resolve()) for name in names
        ]
        unknown = [name for name, full in zip(names, wanted, strict=True) if full not in known]
        if unknown:
            raise UsageError(
                f"取り込んだ文書に {'、'.join(unknown)} はありません。"
                "ask knowledge list で名前を確かめてください。何も削除していません。",
                f"No ingested document is called {', '.join(unknown)}; see: ask knowledge list. "
                "Nothing was removed.",
            )
        from knowledge.ingest.run import remove

        with translated_errors():
            return remove(self._store, wanted)

    def knowledge_rebuild(self) -> int:
        """Index the ingested documents anew and return the number of passages."""
        from knowledge.ingest.run import rebuild

        if not self._has_store():
            return 0
        with translated_errors():
            return rebuild(self._store)

    @property
    def _store(self) -> Store:
        store = self.library.store
        assert store is not None
        return store

    def _has_store(self) -> bool:
        return (self.knowledge_dir / "current").is_file()

    def _searcher(self) -> Searcher:
        """Return the library: the glossary, and the documents where there are any."""
        return _LibrarySearcher(self.library)

    @cached_property
    def _checkpointer(self) -> BaseCheckpointSaver[str]:
        return build_checkpointer(self.settings)

    @cached_property
    def _turns(self) -> Any:
        from assistant.agent import build_agent
        from assistant.grounding import NumberLock
        from assistant.models import build_planner, parse_models
        from assistant.turn import Turns

        planner = build_planner(self.settings, self.catalogue)
        lock = NumberLock(self.catalogue)
        if self._model is None and not parse_models(self.settings):
            return Turns(build_agent(planner, self.runner, self._checkpointer), lock)
        from assistant.llm.build import build_model_turns

        return build_model_turns(
            self.settings, self.runner, self._checkpointer, lock, planner, self._model
        )

    def _answer(
        self, question: str, thread: str, language: Language | None, started: float
    ) -> Iterator[Step | TextDelta | Answer]:
        for event in self._turns.run(question, thread, language):
            yield self._keep(event, started) if isinstance(event, Answer) else event

    def _keep(self, answer: Answer, started: float) -> Answer:
        elapsed = round((time.perf_counter() - started) * 1000)
        files, problems = self._saved(answer)
        warnings = [*answer.warnings, *problems, *self.catalogue.warnings]
        changes = {"elapsed_ms": elapsed, "warnings": warnings, "artifacts": files}
        done = answer.model_copy(update=changes)
        self.history.add(done)
        self.artifacts.add(done)
        return done

    def _saved(self, answer: Answer) -> tuple[list[Artifact], list[str]]:
        """Keep the files that were made for an answer; return them, and what went wrong."""
        if not answer.held:
            return [], []
        from assistant.artifact_store import keep_bundles

        return keep_bundles(answer, self.settings)

    def _language(self, language: str | None) -> Language | None:
        match language or self.settings.lang:
            case "ja":
                return "ja"
            case "en":
                return "en"
            case "":
                return None
            case other:
                raise UsageError(
                    f"言語 {other!r} には対応していません。",
                    f"Language {other!r} is not supported.",
                )


class _LibrarySearcher:
    """Searches the library, with errors for the user."""

    def __init__(self, library: Library) -> None:
        self._library = library

    def search(self, question: str, filters: Filters | None = None, limit: int = 5) -> Found:
        """Return the passages that answer `question`."""
        from knowledge.search import NO_FILTERS

        with translated_errors():
            return self._library.search(question, filters or NO_FILTERS, limit)


def _shortened(question: str) -> str:
    """Return the telling part of a long log and the question beside it; other texts as is."""
    if len(question) <= MAX_QUESTION:
        return question
    from tools.sizing.doctor_log import relevant_part

    return relevant_part(question, MAX_QUESTION) or question


def _is_folder(address: str) -> bool:
    return address.endswith("/") or Path(address).expanduser().is_dir()


def _today() -> date:
    return datetime.now().astimezone().date()


def build_assistant(settings: Settings | None = None) -> Assistant:
    """Return the assistant for the settings (by default those of the environment)."""
    return Assistant(settings or load_settings())
