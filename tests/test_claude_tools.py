"""The tools of Claude's roles, one by one, and what is recognised as tried before."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from agents_support import make_context, past, repository
from autotune_tui.agents.base import Context, Plan
from autotune_tui.agents.claude.duplicates import fingerprint, like, since_last_keep, tried
from autotune_tui.agents.claude.tools.base import Refused, named, shortened
from autotune_tui.agents.claude.tools.commands import Commands, Runner
from autotune_tui.agents.claude.tools.files import Files
from autotune_tui.agents.claude.tools.worktree import Worktree, open_worktree


def at(directory: Path, files: tuple[str, ...], **scope: Any) -> Context:
    import dataclasses
    import subprocess

    head = subprocess.run(
        ["git", "-C", str(directory), "rev-parse", "HEAD"], capture_output=True, text=True, check=True
    )
    context = dataclasses.replace(make_context(directory, files=files), incumbent=head.stdout.strip())
    return dataclasses.replace(context, **scope)


@pytest.fixture
async def worktree(tmp_path: Path) -> Worktree:
    directory = repository(
        tmp_path / "candidate",
        {"src/a.py": "one\ntwo\none\n", "src/dos.txt": "one\r\ntwo\r\n", "README": "hello\n", "src/vendor/x.py": "x\n"},
    )
    (directory / "src/latin.txt").write_bytes(b"caf\xe9 one\n")
    context = at(directory, ("src/a.py", "src/dos.txt"), include=("src/**",), exclude=("src/vendor/**",))
    return await open_worktree(context)


async def use(worktree: Worktree, name: str, **given: Any) -> str:
    tools = named([*Files(worktree).looking(), *Files(worktree).changing()])
    return await tools[name].call(given)


async def test_a_text_is_replaced_exactly_once_or_everywhere(worktree: Worktree) -> None:
    with pytest.raises(Refused, match="2 times"):
        await use(worktree, "edit_file", path="src/a.py", old="one", new="1")
    await use(worktree, "edit_file", path="src/a.py", old="two\none", new="two\n1")
    assert (worktree.root / "src/a.py").read_text() == "one\ntwo\n1\n"
    assert "1 time " in await use(worktree, "edit_file", path="src/a.py", old="one", new="1", everywhere=True) + " "
    with pytest.raises(Refused, match="not in src"):
        await use(worktree, "edit_file", path="src/a.py", old="three", new="3")
    with pytest.raises(Refused, match="text are the same"):
        await use(worktree, "edit_file", path="src/a.py", old="two", new="two")


async def test_line_ends_and_bytes_that_are_no_utf8_stay(worktree: Worktree) -> None:
    await use(worktree, "edit_file", path="src/dos.txt", old="one\ntwo", new="1\n2")
    assert (worktree.root / "src/dos.txt").read_bytes() == b"1\r\n2\r\n"
    await use(worktree, "edit_file", path="src/latin.txt", old="one", new="two")
    assert (worktree.root / "src/latin.txt").read_bytes() == b"caf\xe9 two\n"


async def test_a_file_is_read_in_parts_with_its_numbers(worktree: Worktree) -> None:
    (worktree.root / "src/long.txt").write_text("".join(f"line {n}\n" for n in range(1, 2001)))
    text = await use(worktree, "read_file", path="src/long.txt", start=1000, lines=2)
    assert text == "1000\tline 1000\n1001\tline 1001\n[999 more lines]"
    with pytest.raises(Refused, match="has 2000 lines"):
        await use(worktree, "read_file", path="src/long.txt", start=3000)
    with pytest.raises(Refused, match="There is no file"):
        await use(worktree, "read_file", path="src/none.txt")


async def test_files_are_listed_with_what_may_be_changed(worktree: Worktree) -> None:
    listed = (await use(worktree, "list_files")).splitlines()
    assert (
        "* src/a.py" in listed
        and "  README" in listed
        and "  src/vendor/x.py" in listed
        and "* src/latin.txt" in listed
    )
    assert await use(worktree, "list_files", pattern="*.go") == "No file matches."


@pytest.mark.parametrize("ripgrep", [True, False])
async def test_words_are_found_in_all_files(worktree: Worktree, ripgrep: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """With ripgrep where there is one, else with git."""
    if not ripgrep:
        monkeypatch.setattr("autotune_tui.agents.claude.tools.files.shutil.which", lambda name, path: None)
    found = await use(worktree, "search", pattern="^one")
    assert "src/a.py:1:one" in found and "src/a.py:3:one" in found and "README" not in found
    assert await use(worktree, "search", pattern="^one", glob="*.md") == "Nothing found."
    with pytest.raises(Refused):
        await use(worktree, "search", pattern="(")


@pytest.mark.parametrize(
    ("path", "why"),
    [("README", "may not be changed"), ("src/vendor/x.py", "may not be changed"), ("src/../README", "may not be changed"),
     ("../x", "outside"), ("/etc/x", "outside"), (".git", "belongs to git"), ("src/.git/x", "belongs to git"), ("", "no path"),
     ("src/.gitattributes", "may not be changed")],
)  # fmt: skip
async def test_nothing_out_of_scope_is_written(worktree: Worktree, path: str, why: str) -> None:
    """L9: whatever the path looks like."""
    for name, more in (("create_file", {"text": "x"}), ("edit_file", {"old": "a", "new": "b"}), ("delete_file", {})):
        with pytest.raises(Refused, match=why):
            await use(worktree, name, path=path, **more)
    assert await worktree.changed() == ["src/latin.txt"]


async def test_a_link_leads_nowhere_out_of_scope(worktree: Worktree, tmp_path: Path) -> None:
    (worktree.root / "src/out").symlink_to(tmp_path)
    (worktree.root / "src/readme").symlink_to("../README")
    with pytest.raises(Refused, match="outside"):
        await use(worktree, "create_file", path="src/out/x", text="x")
    with pytest.raises(Refused, match="README may not be changed"):
        await use(worktree, "create_file", path="src/readme", text="x")


async def test_the_change_so_far_has_new_and_deleted_files(worktree: Worktree) -> None:
    await use(worktree, "create_file", path="src/new/b.py", text="b\n")
    await use(worktree, "delete_file", path="src/a.py")
    diff = await worktree.diff()
    assert "+++ b/src/new/b.py" in diff and "+b" in diff and "-two" in diff
    assert await worktree.changed() == ["src/a.py", "src/latin.txt", "src/new/b.py"]


def test_the_middle_of_a_long_result_is_left_out_and_that_is_said() -> None:
    text = shortened("a" * 600 + "b" * 600, 300)
    assert text.startswith("a" * 200) and text.endswith("b" * 100)
    assert "[... 900 characters left out here ...]" in text
    assert shortened("short", 300) == "short"


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


async def wait_for(condition: Callable[[], bool]) -> None:
    for _ in range(2000):
        if condition():
            return
        await asyncio.sleep(0.01)
    pytest.fail("waited in vain")


async def test_a_cancelled_command_leaves_nothing_behind(worktree: Worktree) -> None:
    """Under a second to stop, with all that the command started and that hides in a session of its own."""
    script = "trap '' TERM; setsid sh -c 'echo $$ > child; sleep 300' & echo $$ > parent; sleep 300"
    commands = Commands("", "", "true", 60, 60, confine=lambda tree: ("env", "--"))
    tools = named(Runner(worktree, commands).tools())
    running = asyncio.create_task(tools["shell"].call({"command": script}))
    files = [worktree.root / "child", worktree.root / "parent"]
    await wait_for(lambda: all(file.exists() and file.read_text().strip() for file in files))
    pids = [int(file.read_text()) for file in files]
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        async with asyncio.timeout(5):
            await running
    await wait_for(lambda: not any(map(is_running, pids)))
    assert os.getpid() not in pids


async def test_checks_come_after_the_build_and_not_when_it_fails(worktree: Worktree) -> None:
    def commands(build: str) -> Commands:
        return Commands(build, "echo checked", "echo METRIC t=1", 60, 60, confine=lambda tree: ("env", "--"))

    good = named(Runner(worktree, commands("echo built")).tools())
    assert await good["run_checks"].call({}) == "build: exit code 0\nbuilt\nchecks: exit code 0\nchecked"
    bad = named(Runner(worktree, commands("echo broken; exit 2")).tools())
    assert await bad["run_checks"].call({}) == "build: exit code 2\nbroken"
    with pytest.raises(Refused, match="The build failed"):
        await bad["try_benchmark"].call({})


def diff(*lines: str, path: str = "a.py") -> str:
    return "\n".join([f"diff --git a/{path} b/{path}", f"--- a/{path}", f"+++ b/{path}", "@@ -1,3 +1,3 @@", *lines, ""])


SAME = [
    diff(" def f(rows):", "-    return slow(rows)", "+    seen = set(rows)", "+    return quick(seen)"),
    diff(" def f(rows):", "-    return slow(rows)", "+    known = set( rows )  # once", "+    return quick(known)"),
    diff(" def f(rows):", "-    return slow(rows)", "+    # a set", "+    s = set(rows)", "+    return quick(s)"),
]
OTHER = [
    diff(" def f(rows):", "-    return slow(rows)", "+    seen = list(rows)", "+    return quick(seen)"),
    diff(" def f(rows):", "-    return slow(rows)", "+    seen = set(rows)", "+    return other(seen)"),
    diff(" def f(rows):", "-    return slow(rows, 1)", "+    seen = set(rows)", "+    return quick(seen)"),
    diff(" def f(rows):", "-    return slow(rows)", "+    seen = set(rows)", "+    return quick(seen)", path="b.py"),
    diff("-x = 'a b'", "+x = 'a  b'"),
    diff("-LIMIT = 10", "+LIMIT = 100"),
    diff("-LIMIT = 10", "+LIMIT = 1000"),
]


def test_changes_that_differ_in_names_spaces_and_comments_are_the_same() -> None:
    assert len({fingerprint(each) for each in SAME}) == 1
    assert len({fingerprint(each) for each in (SAME[0], *OTHER)}) == 1 + len(OTHER)


def test_a_change_of_comments_alone_is_no_fingerprint() -> None:
    assert fingerprint(diff("-# one", "+# two")) == ""
    assert tried("", [(1, diff("-# a", "+# b"))]) is None


def test_an_earlier_change_is_found_by_its_number() -> None:
    earlier = [(3, OTHER[0]), (5, SAME[1]), (6, "")]
    assert tried(fingerprint(SAME[0]), earlier) == 5
    assert tried(fingerprint(OTHER[5]), earlier) is None


def test_plans_are_compared_with_those_on_the_same_code_only() -> None:
    def plan(words: str, target: str = "a.py:f") -> Plan:
        return Plan(words, "Caching should improve time because rows repeat.", target=target, data={"target": target})

    old = past(plan("Cache parsed rows in f"), "discard", index=1)
    again = plan("Cache the parsed rows in f")
    assert like(again, (old,)) == old
    assert like(plan("Cache the parsed rows in f", "a.py:g"), (old,)) is None
    assert like(plan("Read the file in one piece"), (old,)) is None
    kept = past(plan("Something else"), "keep", index=2)
    assert like(again, (old, kept)) is None
    skipped = past(plan("Cache parsed rows in f"), "discard", "skipped", index=3)
    assert [each.index for each in since_last_keep((old, kept, skipped))] == []
