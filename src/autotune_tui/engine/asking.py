"""What agents ask a person: each question is journalled, waits for an answer from the inbox, and not for ever."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING
from uuid import uuid4

from autotune_tui.model import events

if TYPE_CHECKING:
    from autotune_tui.agents.base import Question
    from autotune_tui.engine.core import Engine


class Asking:
    """The questions that are open. One instance per engine."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._open: dict[str, tuple[Question, asyncio.Future[tuple[str, str]]]] = {}

    @property
    def waiting(self) -> bool:
        """Whether a question is open."""
        return bool(self._open)

    async def ask(self, experiment: int, agent: str, question: Question) -> str:
        """The id of the option that somebody chose, as the agent asks; the first one when nobody did in time."""
        identity = uuid4().hex[:8]
        answer: asyncio.Future[tuple[str, str]] = asyncio.get_running_loop().create_future()
        self._open[identity] = question, answer
        self._record(experiment, agent, identity, question)
        chosen, by, state = question.options[0].id, "", "withdrawn"
        try:
            async with asyncio.timeout(question.seconds):
                chosen, by = await answer
            state = "answered"
        except TimeoutError:
            state = "unanswered"
        finally:
            del self._open[identity]
            self._record(experiment, agent, identity, question, state, chosen if state != "withdrawn" else "", by)
        return chosen

    def answer(self, identity: str, option: str, by: str) -> tuple[bool, str]:
        """Take an answer; whether it is one, and in words what comes of it."""
        question, future = self._open.get(identity, (None, None))
        if question is None or future is None or future.done():
            return False, "the question is not open any more" if identity else "no question was named"
        words = {each.id: each.words for each in question.options}
        if option not in words:
            return False, f"the answers are: {', '.join(words.values())}"
        future.set_result((option, by))
        return True, f"{words[option]}: {question.text}"

    def _record(
        self,
        experiment: int,
        agent: str,
        identity: str,
        question: Question,
        state: str = "open",
        answer: str = "",
        by: str = "",
    ) -> None:
        self._engine.record(
            events.Question(
                experiment=experiment, id=identity, agent=agent, text=question.text,
                details=question.details if state == "open" else "",
                options=tuple({"id": option.id, "words": option.words} for option in question.options),
                seconds=question.seconds, state=state, answer=answer, by=by,
            )
        )  # fmt: skip
