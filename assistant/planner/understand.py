"""Understanding: a question and what came before it in the thread -> the requests it makes.

The planner keeps no state. Earlier questions of a thread are understood again, oldest first,
and each clause is completed from the one before it (`slots.complete`), so the same thread
always reads the same way.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from assistant.answer import Language
from assistant.planner.code_request import is_one_request
from assistant.planner.cues import cues, superlatives
from assistant.planner.entities import MASK, EntityReader
from assistant.planner.intents import decide
from assistant.planner.mentions import Entities, Mention
from assistant.planner.normalise import is_english, normalise
from assistant.planner.relatives import Relatives
from assistant.planner.request import SIZING, Request
from assistant.planner.slots import complete, merge
from assistant.planner.steps import Sizes, read_step
from assistant.planner.usage import Usage
from assistant.planner.usecases import asks_advice, read_usecase
from tools.sizing.doctor import kind_of
from tools.sizing.doctor_deepspeed import find_config

HISTORY = 40
"""Earlier questions that are read for context."""
MAX_CLAUSES = 6
MAX_NAME = 24
_CHOICES = {"superlative_low", "superlative_high", "compare", "find", "carry"}

_CLAUSE_END = re.compile(
    r"[。!?\n;]+|、(?=[a-z]+\d[a-z0-9\-.]*は(?:amd|intel|graviton|[ahlvbt]\d))|(?<=[がけ])、(?=.{4})|(?<=[いのでは者域料金価格])と、(?=.{6})|と、(?=\S{0,6}(?:一番|最も|最安))|(?:、|,\s*)(?=それと|あと|また|ついでに|それから|あわせて|そして|and\s|also\s)"
)
_FILLER = re.compile(r"^(?:それと|あと|また|ついでに|それから|あわせて|そして|and|also)[、,\s]*")


@dataclass(frozen=True, slots=True)
class Clause:
    """A clause with its entities and cue words."""

    text: str
    entities: Entities
    cues: frozenset[str]
    scope: frozenset[str]


@dataclass(frozen=True, slots=True)
class Understanding:
    """What a question asks."""

    language: Language
    requests: tuple[Request, ...]
    injection: bool = False
    """Whether the question orders the assistant to say something untrue or to drop its rules."""


class Understander:
    """Understand questions against one catalogue."""

    def __init__(self, reader: EntityReader, region: str = "ap-northeast-1") -> None:
        """Use `reader` for the names, and prices of `region` where a question names none."""
        self._reader = reader
        self._sizes = Sizes(reader.catalogue)
        self._relatives = Relatives(reader.catalogue, region)

    def understand(self, question: str, history: Sequence[str] = ()) -> Understanding:
        """Return what `question` asks, completed from the earlier questions of its thread."""
        if kind := kind_of(question):
            return self._pasted(question, model=kind == "model-config")
        previous: tuple[Request, ...] = ()
        for earlier in history[-HISTORY:]:
            previous = _carried(self._requests(self._clauses(earlier), previous)) or previous
        clauses = self._clauses(question)
        return Understanding(
            language="en" if is_english(question) else "ja",
            requests=self._requests(clauses, previous),
            injection=any("injection" in clause.scope for clause in clauses),
        )

    def _pasted(self, question: str, *, model: bool) -> Understanding:
        """Return the request about something pasted: read by a tool, or a model to be sized."""
        config = find_config(question) if model else None
        asked = config[1].strip() if config else ""
        requests: tuple[Request, ...] = ()
        if config:
            clauses = [_about(clause, json.dumps(config[0])) for clause in self._clauses(asked)]
            requests = tuple(r for r in self._requests(clauses, ()) if r.intent in SIZING)
        language: Language = "en" if is_english(asked or question) else "ja"
        pasted = Request(intent="diagnose", text=question)
        return Understanding(language, requests or (pasted,))

    def _clauses(self, question: str) -> list[Clause]:
        text = normalise(question)
        parts = [_FILLER.sub("", part.strip()) for part in _CLAUSE_END.split(text)]
        parts = [part for part in parts if part][:MAX_CLAUSES] or [""]
        if len(parts) > 1 and is_one_request(parts, [_after(text, part) for part in parts]):
            parts = ["、".join(parts)]
        return _joined([self._clause(part, text) for part in self._with_names(parts)])

    def _with_names(self, parts: list[str]) -> list[str]:
        """Put a name that stands alone at the end (`…は何%安い?g5.xlarge`) before its question."""
        if len(parts) < 2 or len(parts[-1]) > MAX_NAME:
            return parts
        last = self._reader.read(parts[-1])
        alone = last.mentions and not re.sub(rf"[{MASK}\sのはです]", "", last.rest)
        asked = self._reader.read(parts[-2])
        if not alone or asked.mentions or asked.unknown:
            return parts
        return [*parts[:-2], f"{parts[-1]}、{parts[-2]}"]

    def _clause(self, part: str, whole: str) -> Clause:
        entities = self._reader.read(part)
        scope = cues("scope", part)
        if "injection" in scope:
            # Figures that someone wants to hear are not figures of the question.
            entities.quantities, entities.usage = [], Usage()
        tail = _after(whole, part)
        if not entities.mentions and not entities.unknown and asks_advice(part + tail):
            # 画像分類の推論、…。GPUいる? says what for in one sentence and asks in the next.
            entities.usecase = entities.usecase or read_usecase(whole)
        found = cues("intents", entities.rest + tail) | superlatives(part)
        if tail == "?":
            found |= {"question"}
        entities.read_premise(asserted=bool(found & {"verify", "question"}))
        return Clause(part, entities, found, scope)

    def _requests(
        self, clauses: Sequence[Clause], previous: tuple[Request, ...]
    ) -> tuple[Request, ...]:
        requests: list[Request] = []
        context = previous[-1] if previous else None
        for clause in clauses:
            self._resolve_step(clause, context)
            if self._relatives.resolve(clause.entities, context):
                # それ, 安いほう have been read: what is asked now is about that machine.
                clause = replace(clause, cues=clause.cues - _CHOICES)
            intent = decide(clause.entities, clause.cues, clause.scope, clause.text, context)
            request = complete(intent, clause.entities, clause.cues, clause.text, context)
            requests.append(request)
            if request.carries:
                context = request
        return merge(requests)

    def _resolve_step(self, clause: Clause, context: Request | None) -> None:
        """Name the size that a follow-up describes by the one before (`もう一段上だと?`)."""
        step = read_step(clause.text) if context and not clause.entities.mentions else None
        if step and context:
            found = self._sizes.stepped(context.subjects, step)
            clause.entities.mentions += [Mention(0, "", (subject,)) for subject in found]


def _after(whole: str, part: str) -> str:
    """Return the character after a part of the question."""
    return whole[whole.find(part) + len(part) :][:1]


def _about(clause: Clause, model: str) -> Clause:
    """Return a clause about a model that was pasted."""
    clause.entities.workload = replace(clause.entities.workload, model=model)
    return clause


def _joined(clauses: Sequence[Clause]) -> list[Clause]:
    """Join clauses that say nothing of their own to the others.

    The cues of `これで正しいですか` belong to the clause before it; an exchange rate
    (`1ドル150円`) to the whole question.
    """
    rates = [clause for clause in clauses if _only_states_rate(clause)]
    if rates and len(rates) < len(clauses):
        clauses = [clause for clause in clauses if clause not in rates]
        for clause in clauses:
            usage = clause.entities.usage
            stated = rates[-1].entities.usage
            usage.jpy_per_usd = usage.jpy_per_usd or stated.jpy_per_usd
            usage.spans += stated.spans
    kept: list[Clause] = []
    for clause in clauses:
        if kept and _only_adds_region(clause) and not kept[-1].entities.regions:
            kept[-1].entities.regions = clause.entities.regions
            continue
        checks = "verify" in clause.cues and not clause.cues & {"help", "greeting"}
        if kept and checks and _names_nothing(clause):
            # これ合ってますよね asks about everything that was stated before it.
            kept = [
                replace(c, cues=c.cues | {"verify"}) if c is kept[-1] or _states(c) else c
                for c in kept
            ]
        else:
            kept.append(clause)
    return kept


def _names_nothing(clause: Clause) -> bool:
    found = clause.entities
    return not (
        found.mentions
        or found.unknown
        or found.quantities
        or found.attributes
        or found.filters
        or found.regions
        or found.sizes
        or clause.scope
    )


def _states(clause: Clause) -> bool:
    """Whether a clause states something that can be checked."""
    claims = clause.entities.filters or clause.entities.quantities
    return bool(clause.entities.mentions and claims) and "question" not in clause.cues


_PLACE = re.compile(r"(?:リージョン)?(?:で|にて|です|の場合)?|in|region")


def _only_adds_region(clause: Clause) -> bool:
    """Whether a clause only says where (`…はいくら?東京で`)."""
    found = clause.entities
    rest = found.rest.replace(MASK, "").strip()
    return bool(found.regions) and "question" not in clause.cues and bool(_PLACE.fullmatch(rest))


def _only_states_rate(clause: Clause) -> bool:
    spans = clause.entities.usage.spans
    return bool(spans) and all(span.kind == "rate" for span in spans) and _names_nothing(clause)


def _carried(requests: tuple[Request, ...]) -> tuple[Request, ...]:
    """Return the requests that later questions may refer to."""
    return tuple(request for request in requests if request.carries)
