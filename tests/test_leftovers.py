"""What a candidate leaves behind in a worktree helps neither itself nor a later one."""

from __future__ import annotations

import os
from pathlib import Path

from autotune_tui.workspace.leftovers import difference, marks, remove
from engine_support import Session, configure, make_repo

CACHED = """\
#!/bin/sh
# A benchmark that believes a cache which git ignores.
echo "METRIC cost=$(cat cache.db 2>/dev/null || cat src/value.txt)"
"""
TIMES = 'n=$(cat "$COUNT" 2>/dev/null || echo 0); n=$((n + 1)); echo $n > "$COUNT"; [ $n -gt 2 ] && exit 0\n'


def agent(folder: Path, edit: str) -> str:
    """A shell agent that makes the edit in its first two experiments and then has nothing to propose."""
    script = folder / "agent.sh"
    script.write_text(TIMES.replace("$COUNT", str(folder / "count")) + edit)
    return f"sh {script}"


async def run(folder: Path, edit: str, more: str = "", bench: str = CACHED, ignored: str = "*.db\n") -> Session:
    repo = make_repo(folder, {".gitignore": ignored}, bench)
    limit = "[budget]\nexperiments = 2\n"
    session = Session(repo, configure(folder / "cache", agent(folder, edit), limit + more))
    await session.run()
    return session


async def test_an_ignored_file_that_the_agent_leaves_is_not_measured(tmp_path: Path) -> None:
    """D8: a cache beside the change makes nothing faster, neither now nor in the next experiment."""
    session = await run(tmp_path, "echo 1 > cache.db; echo 100.$n > src/value.txt\n")
    assert len(session.verdicts) == 2
    assert all(status == "discard" for status, _ in session.verdicts)


async def test_an_ignored_file_that_the_checks_leave_is_not_measured(tmp_path: Path) -> None:
    """D8: the candidate's code runs in the checks, too; what it leaves there is gone before the first sample."""
    checks = '[checks]\ncommand = "if grep -q 100. src/value.txt; then echo 1 > cache.db; fi"\n'
    session = await run(tmp_path, "echo 100.$n > src/value.txt\n", checks)
    assert len(session.verdicts) == 2
    assert all(status == "discard" for status, _ in session.verdicts)


async def test_what_setup_made_may_not_be_changed(tmp_path: Path) -> None:
    """D8: the edit of a product of setup is named and discarded; the next experiment finds it as setup made it."""
    bench = '#!/bin/sh\necho "METRIC cost=$(( $(cat src/value.txt) * $(cat cache.db) ))"\n'
    repo = make_repo(tmp_path, {".gitignore": "*.db\n"}, bench)
    edit = "[ $n = 1 ] && echo 1 > cache.db; echo $((60 - n)) > src/value.txt\n"
    settings = configure(tmp_path / "cache", agent(tmp_path, edit), "[budget]\nexperiments = 2\n")
    benchmark = settings.benchmark.model_copy(update={"setup": "echo 3 > cache.db"})
    session = Session(repo, settings.model_copy(update={"benchmark": benchmark}))
    await session.run()
    assert session.verdicts[0] == ("discard", "out_of_scope")
    assert session.verdicts[1][0] == "keep"
    assert any("cache.db is not as setup made it" in text for text in session.warnings)


async def test_what_setup_made_stays_also_where_git_does_not_ignore_it(tmp_path: Path) -> None:
    """It is no change of the agent's, and is made once; what setup did to a tracked file is nobody's change, either."""
    bench = '#!/bin/sh\necho "METRIC cost=$(( $(cat src/value.txt) * $(cat src/made/times) * $(cat one) ))"\n'
    repo = make_repo(tmp_path, {"one": "1\n"}, bench)
    settings = configure(
        tmp_path / "cache", agent(tmp_path, "echo $((60 - 10 * n)) > src/value.txt\n"), "[budget]\nexperiments = 2\n"
    )
    setup = f"mkdir src/made; echo 3 > src/made/times; echo 2 > one; echo >> {tmp_path}/setups"
    benchmark = settings.benchmark.model_copy(update={"setup": setup})
    sandbox = settings.sandbox.model_copy(update={"mode": "none"})
    session = Session(repo, settings.model_copy(update={"benchmark": benchmark, "sandbox": sandbox}))
    await session.run()
    assert session.verdicts == [("keep", "improvement"), ("keep", "improvement")]
    assert [e.metric for e in session.state.experiments] == [300.0, 150.0, 120.0]
    assert (tmp_path / "setups").read_text() == "\n\n", "once in each of the two worktrees"


def test_a_file_that_is_put_back_is_still_seen(tmp_path: Path) -> None:
    """A mark has what nobody can put back; linked folders and what links point at are passed over."""
    for name in ("made/a", "made/b", "data/big"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("x")
    before = marks(tmp_path, ("made/", "data/big", "never/there"), ("data",))
    assert set(before) == {"made/a", "made/b"}
    status = (tmp_path / "made/a").stat()
    (tmp_path / "made/a").write_text("y")
    os.utime(tmp_path / "made/a", ns=(status.st_atime_ns, status.st_mtime_ns))
    (tmp_path / "made/b").unlink()
    (tmp_path / "new").mkdir()
    (tmp_path / "new/link").symlink_to(tmp_path / "data")
    found = difference(before, marks(tmp_path, ("made/", "new/link", "data"), ("data",)))
    assert (found.new, found.changed, found.gone) == (("new/link",), ("made/a",), ("made/b",))
    remove(tmp_path, found.new)
    assert not (tmp_path / "new").exists() and (tmp_path / "data/big").exists()
