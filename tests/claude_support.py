"""Sessions of Claude, scripted answers by role, and plans that hold together."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from autotune_tui.config import SessionConfig, parse
from messages_server import Answer, Fail, Say, Script, text, tool

ENDINGS = {
    "submit_plan": "planner",
    "submit_findings": "searcher",
    "submit_benchmark": "benchmark",
    "submit_tests": "tests",
    "submit_ranking": "ranker",
    "finish": "editor",
    "submit_verdict": "inspector",
    "submit_reflection": "reflector",
}


def configured(cache: Path, url: str, more: str = "", agent: str = "") -> SessionConfig:
    return parse(f"""
        goal = "Lower the cost"
        agent = "claude"
        [metric]
        name = "cost"
        unit = ""
        source = "metric_line"
        [benchmark]
        profile = false
        command = "sh bench.sh"
        [scope]
        include = ["src/**"]
        [workspace]
        cache = {json.dumps(str(cache))}
        [canary]
        files = 0
        [agent_claude]
        base_url = {json.dumps(url)}
        {agent}
        {more}
        """)


def role_of(request: Mapping[str, Any]) -> str:
    """Which role a request is of: each hands its answer in through a tool of its own."""
    names = {each["name"] for each in request.get("tools", ())}
    return next(role for name, role in ENDINGS.items() if name in names)


def by_role(**scripts: Iterable[Answer]) -> Script:
    """Each role's answers in turn. A reflector and an inspector without a script say the same each time; a ranker without
    one agrees with the plan.
    """
    rest = {role: iter(answers) for role, answers in scripts.items()}
    rankings: list[dict[str, Any]] = [ranking("none")]

    def answer(request: dict[str, Any]) -> Answer:
        found = of(role_of(request))
        if isinstance(found, Say):
            rankings.extend(
                ranking(*ranked(block["input"])) for block in found.blocks if block.get("name") == "submit_plan"
            )
        return found

    def of(role: str) -> Answer:
        if role == "ranker":
            return next(rest.get(role, iter(())), Say([rankings[-1]]))
        if role in ("reflector", "inspector"):
            return next(rest.get(role, iter(())), Say([reflection() if role == "reflector" else verdict(True)]))
        return next(rest.get(role, iter(())), Fail(400, "invalid_request_error", f"the {role}'s script has ended"))

    return answer


def plan(description: str = "Lower the value by a half", **changes: Any) -> dict[str, Any]:
    """A call of submit_plan; the keyword arguments replace fields."""
    given = {
        "assumptions": "That the value is the cost.",
        "tried_before": "Nothing.",
        "local_optimum": "No.",
        "unmeasured_harm": "None that I see.",
        "bottleneck_type": "cpu",
        "bottleneck": "The value, with all of the cost.",
        "principles": ["Do less."],
        "approaches": [
            {"name": "halve", "change": "Write half of it.", "trade_off": "Simple; nothing speaks against it."},
            {"name": "cache", "change": "Keep it.", "trade_off": "More code."},
            {"name": "remove", "change": "Leave it out.", "trade_off": "Breaks the benchmark."},
        ],
        "second_ranking": ["halve", "cache", "remove"],
        "why": "Both rankings agree.",
        "choice": "halve",
        "description": description,
        "hypothesis": "Half of the value should improve cost because the cost is the value.",
        "expected_percent": -50,
        "impact": 8,
        "feasibility": 9,
        "novelty": 5,
        "premortem": "The value is read elsewhere.",
        "early_signal": "The benchmark fails.",
        "target": "src/value.txt",
        "strategy": "less-work",
        "files": ["src/value.txt"],
        **changes,
    }
    return tool("submit_plan", **given)


def ranked(given: Mapping[str, Any]) -> list[str]:
    """A plan's approaches, its choice first."""
    names = [approach["name"] for approach in given["approaches"]]
    return sorted(names, key=lambda name: name != given["choice"])


def ranking(*names: str, reason: str = "It gains most.") -> dict[str, Any]:
    return tool("submit_ranking", ranking=list(names), reason=reason)


def reflection(**changes: Any) -> dict[str, Any]:
    return tool("submit_reflection", **{"observation": "The cost follows the value.", "next": "Go on.", **changes})


def verdict(accept: bool, reason: str = "", *remarks: str) -> dict[str, Any]:
    return tool("submit_verdict", accept=accept, reason=reason, remarks=list(remarks))


def finish(description: str = "", **more: Any) -> dict[str, Any]:
    return tool("finish", description=description, **more)


def write(path: str, content: str) -> dict[str, Any]:
    return tool("create_file", path=path, text=content)


def replace(path: str, old: str, new: str) -> dict[str, Any]:
    return tool("edit_file", path=path, old=old, new=new)


def nothing_left(why: str = "It is as low as it gets.") -> dict[str, Any]:
    return tool("nothing_left", why=why)


def results_of(request: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The tool results that a request answers the last calls with."""
    return [block for block in request["messages"][-1]["content"] if block["type"] == "tool_result"]


def said(request: Mapping[str, Any]) -> str:
    """All texts of a request's messages."""
    blocks = [block for message in request["messages"] for block in message["content"]]
    return "\n".join(str(block.get("text") or block.get("content") or "") for block in blocks)


__all__ = ["Answer", "Fail", "Say", "by_role", "finish", "nothing_left", "plan", "ranking", "reflection", "replace", "results_of",
           "role_of", "said", "text", "tool", "verdict", "write"]  # fmt: skip
