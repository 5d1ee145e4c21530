"""Steps 4 and 5: checks, guards and surroundings; then the agent and what ends the session."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import groupby
from typing import ClassVar

from textual.app import ComposeResult

from autotune_tui.agent_programs import installed
from autotune_tui.suggest import Proposal
from autotune_tui.ui.wizard.draft import Draft
from autotune_tui.ui.wizard.form import Entry, FieldRow, Group, propose
from autotune_tui.ui.wizard.schema import specs
from autotune_tui.ui.wizard.step import Step

LOCATIONS = {"fast_half": "fastest half (times, sizes)", "mean": "mean (scores, losses)"}


class ChecksStep(Step):
    title: ClassVar[str] = "Checks"
    tables: ClassVar[tuple[str, ...]] = (
        "oracle",
        "holdout",
        "end_to_end",
        "inspector",
        "canary",
        "locks",
        "simplicity",
    )
    owns: ClassVar[tuple[str, ...]] = (
        "checks", "guards", "workspace", "benchmark.setup", "benchmark.timeout", "benchmark.env", "metric.location", *tables
    )  # fmt: skip

    def compose(self) -> ComposeResult:
        yield FieldRow(
            Entry("checks.command", "Checks", placeholder="none: nothing notices what breaks"), draft=self.draft
        )
        yield FieldRow(Entry("checks.timeout", "At most", 24), Entry("benchmark.timeout", "A benchmark run at most", 34),
                       draft=self.draft)  # fmt: skip
        yield FieldRow(Entry("guards", placeholder="such as: peak_rss=+5% p99=+10%"), draft=self.draft)
        yield FieldRow(Entry("oracle.command", "Same output", placeholder="a command that must print the same"),
                       draft=self.draft)  # fmt: skip
        yield FieldRow(Entry("oracle.functions", "Same results", placeholder="such as: package.module:function"),
                       draft=self.draft)  # fmt: skip
        yield FieldRow(Entry("holdout.command", "Holdout", placeholder="a benchmark that no agent sees"),
                       draft=self.draft)  # fmt: skip
        yield FieldRow(Entry("end_to_end.command", "End to end", placeholder="the whole that this is a part of"),
                       draft=self.draft)  # fmt: skip
        yield FieldRow(Entry("metric.location", "Compare by", words=LOCATIONS), draft=self.draft)
        yield FieldRow(Entry("benchmark.setup", "Set up", placeholder="nothing has to be installed"), draft=self.draft)
        yield FieldRow(Entry("benchmark.env", "Variables", placeholder="such as: THREADS=1"), draft=self.draft)
        yield FieldRow(Entry("workspace.link", "Link", placeholder="such as: .venv node_modules"), draft=self.draft)
        yield FieldRow(
            Entry("workspace.copy", "Copy", placeholder="ignored files that a run changes"), draft=self.draft
        )
        yield FieldRow(Entry("workspace.cache", "Worktrees in", placeholder="the cache folder"), draft=self.draft)
        yield from groups(self.draft, lambda table: table in self.tables)

    def bring(self) -> None:
        super().bring()
        self._propose()

    def typed(self, name: str) -> None:
        if name == "checks.command":
            self._propose()

    def _propose(self) -> None:
        propose(
            self.rows()[0],
            self.setup.look.checks,
            self.draft,
            "no tests were found; `autotune-tui prepare` has some written",
        )


class AgentStep(Step):
    title: ClassVar[str] = "Agent"
    owns: ClassVar[tuple[str, ...]] = ("benchmark.profile",)

    def compose(self) -> ComposeResult:
        yield FieldRow(Entry("agent"), draft=self.draft, id="for-agent")
        yield FieldRow(Entry("agent_command.command", "Program", placeholder="./my-agent"),
                       Entry("agent_command.timeout", "At most", 20), draft=self.draft, id="for-command")  # fmt: skip
        yield FieldRow(Entry("agent_command.recipe", "Known", placeholder="such as codex, in place of a program"),
                       draft=self.draft, id="for-recipe")  # fmt: skip
        yield FieldRow(Entry("agent_acp.name", "Program", 38, placeholder="such as gemini"),
                       Entry("agent_acp.others", "Commands"), draft=self.draft, id="for-acp")  # fmt: skip
        yield FieldRow(Entry("agent_offline.rewrites", "Rewrites", 32), Entry("agent_offline.knobs", "Knobs"),
                       draft=self.draft, id="for-offline")  # fmt: skip
        yield FieldRow(Entry("agent_claude.planner", "Planner", 38), Entry("agent_claude.editor", "Editor"),
                       draft=self.draft, id="for-claude")  # fmt: skip
        yield FieldRow(Entry("agent_claude.web_search", "Web search"), draft=self.draft, id="for-web")
        yield FieldRow(Entry("rivals", placeholder="others that propose too, such as: claude@low"), draft=self.draft)
        yield FieldRow(
            Entry("budget.experiments", "Experiments", 32), Entry("budget.time", "Time", 24), draft=self.draft
        )
        yield FieldRow(Entry("budget.tokens", "Tokens", 32), Entry("budget.usd", "Dollars", 24), draft=self.draft)
        yield FieldRow(Entry("sandbox.mode", "Sandbox"), draft=self.draft)
        yield FieldRow(Entry("sandbox.network", "Network for"), draft=self.draft)
        yield FieldRow(Entry("decision.profile", "Keeps are"), draft=self.draft)
        yield FieldRow(Entry("decision.time", "Deciding", 32), Entry("benchmark.profile", "Profile"), draft=self.draft)
        yield FieldRow(Entry("health.max_no_improvement", "Plateau at", 32),
                       Entry("health.max_crash_streak", "Crashing at", 24), draft=self.draft)  # fmt: skip
        yield FieldRow(
            Entry("recovery.playbooks", "Recovery"), Entry("recovery.max_attempts", "Attempts", 16), draft=self.draft
        )
        yield from groups(self.draft, lambda table: table not in ChecksStep.tables)

    def bring(self) -> None:
        super().bring()
        self._show_for_agent()
        self._offer()

    def typed(self, name: str) -> None:
        if name == "agent":
            self._show_for_agent()
        if name in ("agent", "agent_acp.name", "agent_command.recipe"):
            self._offer()

    def _offer(self) -> None:
        """Say which programs are installed, and offer them."""
        found = installed()
        for kind, id in (("acp", "#for-acp"), ("command", "#for-recipe")):
            names = [Proposal(each.name, f"{each.title} is installed") for each in found if each.kind == kind]
            propose(self.query_one(id, FieldRow), names, self.draft, "none is installed; `autotune-tui agents --all`")
        acp = ", ".join(each.title for each in found if each.kind == "acp")
        offered = acp and self.draft.value("agent") == "auto"
        self.query_one("#for-agent", FieldRow).say(f"also installed: {acp}, with acp" if offered else "")

    def _show_for_agent(self) -> None:
        agent = self.draft.value("agent")
        self.query_one("#for-acp").display = agent == "acp"
        self.query_one("#for-recipe").display = agent == "command"
        self.query_one("#for-command").display = agent in ("auto", "command")
        self.query_one("#for-offline").display = agent in ("auto", "offline")
        for id in ("#for-claude", "#for-web"):
            self.query_one(id).display = agent in ("auto", "claude")


def groups(draft: Draft, mine: Callable[[str], bool]) -> Iterator[Group]:
    """The fields that have no row of their own, by table: whatever is added to the configuration is here at once."""
    rest = (spec for spec in specs().values() if spec.name not in PLACED and mine(spec.table))
    for table, found in groupby(rest, key=lambda spec: spec.table):
        yield Group(table, [spec.name for spec in found], draft)


PLACED = frozenset(
    (
        "goal", "name", "constraints", "benchmark.command", "benchmark.build", "benchmark.setup", "benchmark.timeout",
        "benchmark.env", "metric.name", "metric.unit", "metric.direction", "metric.source", "metric.pattern", "metric.path",
        "metric.file", "metric.line", "metric.target", "metric.threshold", "metric.location", "scope.include",
        "scope.exclude", "checks.command", "checks.timeout", "guards", "workspace.link", "workspace.copy",
        "workspace.cache", "agent", "agent_command.command", "agent_command.timeout", "agent_offline.rewrites",
        "agent_offline.knobs", "budget.experiments", "budget.time", "budget.tokens", "budget.usd", "decision.profile",
        "decision.time", "health.max_no_improvement", "health.max_crash_streak", "recovery.playbooks",
        "recovery.max_attempts", "oracle.command", "oracle.functions", "holdout.command", "end_to_end.command",
        "sandbox.mode", "sandbox.network", "agent_claude.planner", "agent_claude.editor", "agent_acp.name",
        "agent_acp.others", "agent_command.recipe", "benchmark.profile", "agent_claude.web_search", "rivals",
    )
)  # fmt: skip
"""The fields that have a row of their own."""
