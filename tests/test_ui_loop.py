"""The loop screen as a person uses it: panels, layouts, selection, following; and how it looks, in three sizes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from textual.color import Color

from autotune_tui.journal.files import SessionFolder
from autotune_tui.model.events import Decision, Health, Phase, Record, Session
from autotune_tui.ui.app import AutotuneApp
from autotune_tui.ui.screens.loop import LoopScreen
from autotune_tui.ui.settings import Settings
from autotune_tui.ui.store import Store
from autotune_tui.ui.widgets.bench import KEPT_LINES, BenchPanel
from autotune_tui.ui.widgets.leaderboard import Leaderboard
from autotune_tui.ui.widgets.panels import Panels
from journal_sessions import experiment, keep, validated
from ui_session import make_session, running, samples, shown, until, until_shown

NOW = datetime(2026, 4, 4, 10, 4, tzinfo=UTC)


def watch(folder: SessionFolder, theme: str = "", path: Path | None = None) -> AutotuneApp:
    store = Store(path or folder.journal, None if path else folder, clock=lambda: NOW)
    return AutotuneApp(store, mode="watch", settings=Settings(theme))


def loop(app: AutotuneApp) -> LoopScreen:
    assert isinstance(app.screen, LoopScreen)
    return app.screen


def measuring() -> list[Record]:
    """An experiment with its evidence closing in, at the fourth look."""
    looks = [(4, -0.09, -0.21, 0.05), (6, -0.12, -0.19, -0.01), (8, -0.11, -0.16, -0.04)]
    return [
        *running(4)[:4],
        *samples(4, 4),
        *(
            Decision(experiment=4, pairs=pairs, effect=effect, interval=(low, high), next_look=pairs + 2)
            for pairs, effect, low, high in looks
        ),
    ]


@pytest.fixture
def folder(tmp_path: Path) -> SessionFolder:
    folder = make_session(tmp_path, *measuring())
    log = folder.experiments / "004-read-in-larger-blocks"
    log.mkdir()
    lines = [f"\x1b[32mparsed\x1b[0m {number:,} rows\nMETRIC time={1.6 + number % 7 / 100}" for number in range(40)]
    (log / "bench.log").write_text("\n".join(lines) + "\n")
    return folder


@pytest.mark.parametrize(
    ("size", "panels"),
    [
        ((80, 24), ("Evidence", "Leaderboard")),
        ((120, 40), ("Evidence", "Leaderboard", "Trend", "Health")),
        ((160, 50), ("Evidence", "Leaderboard", "Trend", "Health", "Plan", "Benchmark")),
    ],
    ids=str,
)
async def test_the_larger_the_terminal_the_more_is_beside_the_evidence(
    folder: SessionFolder, size: tuple[int, int], panels: tuple[str, ...]
) -> None:
    """V1, V2"""
    app = watch(folder)
    async with app.run_test(size=size) as pilot:
        await until_shown(pilot, *(f"─ {name}" for name in panels))
        await until_shown(pilot, "8 pairs", "−11.0 % [−16.0, −4.0] better", "Compile t", "‖ measure stands still")
        text = shown(app)
        assert text.count("╭─ ") == len(panels)
        assert all(len(line) <= size[0] for line in text.split("\n"))


async def test_in_a_small_terminal_the_large_panel_follows_what_is_done_until_one_is_chosen(
    folder: SessionFolder,
) -> None:
    """V1: the plan while it is planned, the output while it is tried, the evidence while it is measured."""
    app = watch(folder)
    async with app.run_test(size=(80, 24)) as pilot:
        store = app.store
        panels = app.screen.query_one(Panels)
        for phase, panel in (("plan", "plan"), ("check", "bench"), ("measure", "evidence")):
            store.feed([Phase(experiment=5, phase="sync"), Phase(experiment=5, phase=phase)])
            await until(pilot, lambda panel=panel: panels.chosen == panel)
        await pilot.press("4")
        await until_shown(pilot, "─ Trend")
        store.feed([Phase(experiment=5, phase="plan")])
        await pilot.pause()
        assert panels.chosen == "trend"
        await pilot.press("escape")
        await until(pilot, lambda: panels.chosen == "plan")


async def test_tab_goes_through_all_panels_and_back(folder: SessionFolder) -> None:
    app = watch(folder)
    async with app.run_test(size=(80, 24)) as pilot:
        await until_shown(pilot, "─ Leaderboard")
        seen = []
        for _ in range(7):
            await pilot.press("tab")
            await pilot.pause()
            seen.append(app.focused.id if app.focused else None)
        assert seen == ["evidence", "plan", "bench", "trend", "health", "leaderboard", "evidence"]
        await pilot.press("shift+tab")
        await until(pilot, lambda: app.focused is not None and app.focused.id == "leaderboard")


@pytest.mark.parametrize("key", ["1", "2", "3", "4", "5", "6"])
@pytest.mark.parametrize("size", [(80, 24), (160, 50)], ids=lambda size: f"{size[0]}x{size[1]}")
async def test_each_panel_can_have_all_the_room(folder: SessionFolder, key: str, size: tuple[int, int]) -> None:
    """V1"""
    app = watch(folder)
    async with app.run_test(size=size) as pilot:
        await until_shown(pilot, "─ Leaderboard")
        await pilot.press(key, "z")
        await until(pilot, lambda: shown(app).count("╭─ ") == 1)
        assert app.focused is not None and app.focused.size.width > size[0] - 6
        await pilot.press("escape")
        await until(pilot, lambda: shown(app).count("╭─ ") > 1)


async def test_the_selection_stays_with_its_experiment_when_ranks_change(folder: SessionFolder) -> None:
    app = watch(folder)
    async with app.run_test(size=(120, 40)) as pilot:
        board = app.screen.query_one(Leaderboard)
        await until(pilot, lambda: board.selected == 1)
        await pilot.press("down")
        assert board.selected == 2
        app.store.feed([*measuring()[:1], *keep(4, 1.2, -0.2)])
        await until_shown(pilot, "1  4", "2  1")
        assert board.selected == 2
        await pilot.press("end")
        assert board.selected == 3
        await pilot.press("home")
        assert board.selected == 0, "the baseline"


async def test_a_click_selects_a_row_and_another_opens_it(folder: SessionFolder) -> None:
    app = watch(folder)
    async with app.run_test(size=(120, 40)) as pilot:
        board = app.screen.query_one(Leaderboard)
        await until(pilot, lambda: board.selected == 1)
        await pilot.click(Leaderboard, offset=(6, 4))
        await until(pilot, lambda: board.selected == 2)
        await pilot.click(Leaderboard, offset=(6, 4))
        await until(pilot, lambda: not isinstance(app.screen, LoopScreen))


async def test_the_leaderboard_can_be_filtered(folder: SessionFolder) -> None:
    app = watch(folder)
    async with app.run_test(size=(120, 40)) as pilot:
        await until_shown(pilot, "Compile t")
        await pilot.press("slash")
        await until_shown(pilot, "Words that the experiments to show have")
        await pilot.press(*"crash", "enter")
        await until_shown(pilot, "filter: crash", "1 of 4 shown")
        assert "Compile t" not in shown(app).partition("Leaderboard")[2]
        await pilot.press("slash", *"xyz", "enter")
        await until_shown(pilot, "No experiment matches 'xyz'")
        await pilot.press("escape")
        await until_shown(pilot, "Compile t")


async def test_a_long_leaderboard_draws_the_rows_that_are_seen(tmp_path: Path) -> None:
    folder = make_session(tmp_path)
    app = watch(folder)
    async with app.run_test(size=(80, 24)) as pilot:
        app.store.feed([record for number in range(4, 1500) for record in experiment(number)[-1:]])
        await until_shown(pilot, "1499 tried")
        await pilot.press("end")
        board = app.screen.query_one(Leaderboard)
        await until(pilot, lambda: board.selected == 3)
        await pilot.press("pageup")
        await until(pilot, lambda: board.selected not in (3, None))


async def test_output_is_followed_until_one_scrolls_up(folder: SessionFolder) -> None:
    """V1: the live output in its own colours; End follows again."""
    app = watch(folder)
    log = folder.experiments / "004-read-in-larger-blocks" / "bench.log"
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("3")
        await until_shown(pilot, "Benchmark · #4 measure", "parsed 39 rows", "following")
        panel = app.screen.query_one(BenchPanel)
        await pilot.press("up", "up")
        await until(pilot, lambda: not panel.following)
        with log.open("a") as file:
            file.write("one more\nand \x1b[2Ja second\n")
        await until_shown(pilot, "2 new lines · End follows")
        assert "a second" not in shown(app)
        await pilot.press("end")
        await until_shown(pilot, "and a second", "following")


async def test_output_that_comes_while_one_begins_to_scroll_up_does_not_take_one_back(folder: SessionFolder) -> None:
    app = watch(folder)
    log = folder.experiments / "004-read-in-larger-blocks" / "bench.log"
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("3")
        await until_shown(pilot, "parsed 39 rows", "following")
        app.animation_level = "full"
        panel = app.screen.query_one(BenchPanel)
        panel.action_page_up()
        assert panel.scroll_y == panel.max_scroll_y, "this test is about the moment before the first step"
        with log.open("a") as file:
            file.write("one more\n")
        panel.poll()
        await until(pilot, lambda: panel.scroll_y == panel.scroll_target_y < panel.max_scroll_y - 5)
        assert not panel.following
        await pilot.press("end")
        await until_shown(pilot, "one more", "following")


async def test_a_flood_of_output_is_bounded_and_says_what_was_passed_over(folder: SessionFolder) -> None:
    app = watch(folder)
    log = folder.experiments / "004-read-in-larger-blocks" / "bench.log"
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("3")
        await until_shown(pilot, "parsed 39 rows")
        with log.open("a") as file:
            file.writelines(f"flood {number}\n" for number in range(200_000))
        await until_shown(pilot, "flood 199999")
        panel = app.screen.query_one(BenchPanel)
        assert panel.virtual_size.height <= KEPT_LINES
        assert any("bytes passed over" in text for text in panel._lines) or len(panel._lines) == KEPT_LINES


async def test_output_starts_over_with_the_next_experiment(folder: SessionFolder) -> None:
    app = watch(folder)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("3")
        await until_shown(pilot, "parsed 39 rows")
        (folder.experiments / "005").mkdir()
        (folder.experiments / "005" / "bench.log").write_text("the next one\n")
        app.store.feed([*experiment(4)[-1:], Phase(experiment=5, phase="sync")])
        await until_shown(pilot, "Benchmark · #5 sync", "the next one")
        assert "parsed" not in shown(app)


async def test_what_the_agent_says_is_shown_until_there_is_a_plan(folder: SessionFolder) -> None:
    """V1: the plan, as it is written."""
    app = watch(folder)
    (folder.experiments / "005").mkdir()
    (folder.experiments / "005" / "agent.log").write_text("thinking about \x1b[31mblocks\x1b[0m\n")
    async with app.run_test(size=(160, 50)) as pilot:
        await until_shown(pilot, "Read in larger blocks")
        app.store.feed([*experiment(4)[-1:], Phase(experiment=5, phase="sync"), Phase(experiment=5, phase="plan")])
        await until_shown(pilot, "#5 looks for what to try.", "thinking about blocks")
        app.store.feed(experiment(5)[2:3])
        await until_shown(pilot, "Membership should improve time")


async def test_while_a_sample_is_timed_nothing_is_painted_but_with_the_tick(
    folder: SessionFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At most once a second."""
    app = watch(folder)
    async with app.run_test(size=(120, 40)) as pilot:
        await until_shown(pilot, "‖ measure stands still")
        painted = []
        monkeypatch.setattr(LoopScreen, "show", lambda self: painted.append(1))
        app.store.feed(samples(4, 5)[-4:])
        changed, before = Store.Changed(app.store), len(painted)
        loop(app).on_store_changed(changed)
        loop(app).on_store_changed(changed)
        assert len(painted) == before
        loop(app).tick()
        assert len(painted) == before + 1
        app.store.feed([Phase(experiment=4, phase="measure", state="end")])
        loop(app).on_store_changed(changed)
        assert len(painted) == before + 2


async def test_the_evidence_stays_with_its_verdict_until_the_next_experiment_measures(folder: SessionFolder) -> None:
    """V2"""
    app = watch(folder)
    async with app.run_test(size=(120, 40)) as pilot:
        await until_shown(pilot, "Evidence · #4", "look at 10")
        app.store.feed(experiment(4)[-1:])
        await until_shown(pilot, "Evidence · #4", "· discard (no improvement)")
        assert "look at" not in shown(app)
        app.store.feed([Phase(experiment=5, phase="sync"), Phase(experiment=5, phase="measure"), *samples(5, 1)])
        await until_shown(pilot, "Evidence · #5", "2 pairs")


async def test_a_change_of_size_changes_the_layout(folder: SessionFolder) -> None:
    app = watch(folder)
    async with app.run_test(size=(80, 24)) as pilot:
        await until_shown(pilot, "─ Evidence")
        for size, panels in (((160, 50), 6), ((120, 40), 4), ((60, 16), 2), ((80, 24), 2)):
            await pilot.resize_terminal(*size)
            await until(pilot, lambda panels=panels: shown(app).count("╭─ ") == panels)


async def test_every_theme_and_no_colour_at_all_stay_readable(
    folder: SessionFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every state has a glyph and a word; text stands out from its ground in each theme."""
    app = watch(folder)
    async with app.run_test(size=(120, 40)) as pilot:
        for theme in app.available_themes:
            app.theme = theme
            await until_shown(pilot, "● keep", "× crash", "✗ engine gone")
            colours = app.get_css_variables()
            if not colours["background"].startswith("#"):
                continue  # the terminal's own colours
            ground = Color.parse(colours["background"])
            for name in ("text-success", "text-error", "text-warning", "text-primary", "text-secondary", "foreground"):
                assert contrast(Color.parse(colours[name]), ground) >= 2.5, (theme, name)
    monkeypatch.setenv("NO_COLOR", "1")
    app = watch(folder)
    async with app.run_test(size=(120, 40)) as pilot:
        await until_shown(pilot, "● keep", "× crash", "✗ engine gone")
        styles = [part.style for line in app.screen._compositor.render_strips() for part in line if part.style]
        colours = [style.color.triplet for style in styles if style.color is not None and style.color.triplet]
        assert all(max(colour) - min(colour) <= 1 for colour in colours), "only grey"


def contrast(first: Color, second: Color) -> float:
    """The contrast ratio of WCAG 2: (lighter + 0.05) / (darker + 0.05)."""

    def luminance(colour: Color) -> float:
        parts = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in colour.normalized]
        return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]

    darker, lighter = sorted((luminance(first), luminance(second)))
    return (lighter + 0.05) / (darker + 0.05)


def finished() -> list[Record]:
    return [
        *validated(-0.2, 2),
        Health(health="completed", reason="the target is reached", next="read the final report"),
        Session(event="end", outcome="completed", reason="the target is reached"),
    ]


SHOTS: dict[str, Callable[[], list[Record]]] = {"measuring": measuring, "finished": finished}


@pytest.mark.parametrize("what", SHOTS)
@pytest.mark.parametrize("size", [(80, 24), (120, 40), (160, 50)], ids=lambda size: f"{size[0]}x{size[1]}")
def test_the_loop_looks_as_it_did(tmp_path: Path, snap_compare: Any, what: str, size: tuple[int, int]) -> None:
    folder = make_session(tmp_path, *SHOTS[what]())
    assert snap_compare(watch(folder), terminal_size=size, run_before=settled)


@pytest.mark.parametrize("theme", ["autotune-light"])
def test_the_light_theme_looks_as_it_did(tmp_path: Path, snap_compare: Any, theme: str) -> None:
    folder = make_session(tmp_path, *measuring())
    assert snap_compare(watch(folder, theme), terminal_size=(120, 40), run_before=settled)


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (160, 50)], ids=lambda size: f"{size[0]}x{size[1]}")
def test_a_session_that_has_not_begun_looks_calm(tmp_path: Path, snap_compare: Any, size: tuple[int, int]) -> None:
    """Every panel says what will appear in it, and when."""
    app = watch(SessionFolder(tmp_path), path=Path("/nowhere/autotune.jsonl"))
    assert snap_compare(app, terminal_size=size, run_before=settled)


async def settled(pilot: Any) -> None:
    """Until the profile's looks are known, which takes a moment after the first frame."""
    await until(pilot, lambda: isinstance(pilot.app.screen, LoopScreen))
    await pilot.pause()
