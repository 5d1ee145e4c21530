"""Our commands in the palette: each with its sentence, greyed with the reason when it cannot be done now."""

from __future__ import annotations

from collections.abc import AsyncIterator
from functools import partial
from typing import TYPE_CHECKING

from textual.command import DiscoveryHit, Hit, Provider
from textual.content import Content

from autotune_tui.ui.commands import COMMANDS, Command, Situation
from autotune_tui.ui.theme import DIM

if TYPE_CHECKING:
    from autotune_tui.ui.screens.loop import LoopScreen


THEME = ("View: theme", "Choose the colours; the choice is remembered.")


class LoopCommands(Provider):
    """The table of commands, for the loop screen, and the choice of the theme after it: of two providers, either is first."""

    @property
    def _loop(self) -> LoopScreen:
        from autotune_tui.ui.screens.loop import LoopScreen

        screen = self.screen
        assert isinstance(screen, LoopScreen)
        return screen

    async def discover(self) -> AsyncIterator[DiscoveryHit]:
        situation = self._loop.situation()
        for command in COMMANDS:
            words, help_text = _words(command, situation)
            yield DiscoveryHit(words, partial(self._loop.app.perform, command.id, self._loop), command.title, help_text)
        title, sentence = THEME
        yield DiscoveryHit(title, self.app.search_themes, title, sentence)

    async def search(self, query: str) -> AsyncIterator[Hit]:
        situation = self._loop.situation()
        matcher = self.matcher(query)
        for command in COMMANDS:
            text = f"{command.title} {command.sentence}"
            score = max(matcher.match(command.title), matcher.match(text) * 0.5)
            if score > 0:
                words, help_text = _words(command, situation)
                yield Hit(
                    score, words, partial(self._loop.app.perform, command.id, self._loop), command.title, help_text
                )
        title, sentence = THEME
        if score := max(matcher.match(title), matcher.match(f"{title} {sentence}") * 0.5):
            yield Hit(score, title, self.app.search_themes, title, sentence)


def _words(command: Command, situation: Situation) -> tuple[Content, str]:
    reason = command.blocked(situation)
    if reason:
        return Content.styled(command.title, DIM), f"Not now: {reason}."
    return Content(command.title), command.sentence
