"""The table of commands, the settings file, and what a command needs before it can be done."""

from __future__ import annotations

from pathlib import Path

import pytest

from autotune_tui.errors import ConfigError
from autotune_tui.model.events import Control, Health, Phase, Record, Result, Veto
from autotune_tui.model.state import fold
from autotune_tui.ui.commands import BY_ID, COMMANDS, Mode, Situation, choose, pausing, shown_keys
from autotune_tui.ui.settings import Settings, load_settings, save_theme, settings_file
from journal_sessions import experiment, opening

KEPT = [
    *opening(),
    Result(index=1, status="keep", metric=90.0, sha="b", incumbent="a"),
    Result(index=2, status="discard", metric=99.0, sha="c", incumbent="b"),
]
ASKED = Control(id="x", command="veto", by="Ann", data={"experiment": 1})
VETO = Veto(experiment=1, state="done", by="Ann", why="so", from_commit="b", to_commit="d")
MEASURING = [*opening(), Phase(experiment=1, phase="sync"), Phase(experiment=1, phase="measure")]


def situation(mode: Mode = "live", *records: Record, engine: bool = True, **more: object) -> Situation:
    stamped = [type(record)(**{**record.__dict__, "seq": number}) for number, record in enumerate(records, 1)]
    return Situation(mode, fold(stamped), engine, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("command", "now", "reason"),
    [
        ("pause", situation("live", *MEASURING), ""),
        ("pause", situation("watch", *MEASURING), "this screen only watches; open the session without --watch"),
        ("pause", situation("replay", *MEASURING), "this is a replay"),
        ("pause", situation("live", *MEASURING, engine=False), "no engine is at work; g starts one"),
        ("pause", situation("live", engine=False, starting=True), "the engine is starting"),
        ("pause", situation("live", *MEASURING, Health(health="paused")), "it is paused already"),
        ("pause", situation("live", *MEASURING, Control(command="pause")), "it is paused already"),
        ("resume", situation("live", *MEASURING), "it is not paused"),
        ("resume", situation("live", *MEASURING, Control(command="pause")), ""),
        ("resume", situation("live", *MEASURING, Control(command="pause", accepted=False)), "it is not paused"),
        ("skip", situation("live", *MEASURING), ""),
        ("skip", situation("live", *opening()), "no experiment is running"),
        ("skip", situation("live", *MEASURING, *experiment(1)), "no experiment is running"),
        ("stop", situation("live", *MEASURING), ""),
        ("start", situation("live", *MEASURING), "an engine is at work already"),
        ("start", situation("live", *MEASURING, engine=False), ""),
        ("start", situation("live", engine=False, folder=False), "this journal lies alone, without a session's folder"),
        ("start", situation("watch", engine=False), "this screen only watches; open the session without --watch"),
        ("idea", situation("live", engine=False), ""),
        ("idea", situation("watch"), "this screen only watches; open the session without --watch"),
        ("pause-now", situation("live", *MEASURING), ""),
        ("pause-now", situation("live", *opening()), "no experiment is running"),
        ("veto", situation("live", *KEPT, selected=1, engine=False), ""),
        ("veto", situation("watch", *KEPT, selected=1), "this screen only watches; open the session without --watch"),
        ("veto", situation("live", *KEPT), "no experiment is selected"),
        ("veto", situation("live", *KEPT, selected=0), "the baseline is no experiment"),
        ("veto", situation("live", *KEPT, selected=2), "#2 was not kept"),
        ("veto", situation("live", *KEPT, VETO, selected=1), "#1 was vetoed already, by Ann"),
        ("veto", situation("live", *KEPT, ASKED, selected=1), "Ann has asked for a veto of #1 already"),
        (
            "veto",
            situation("live", *KEPT, folder=False, selected=1),
            "this journal lies alone, without a session's folder",
        ),
        ("rescue", situation("live", *KEPT, selected=2, engine=False), ""),
        ("rescue", situation("live", *KEPT, selected=1), "#1 was kept"),
        ("rescue", situation("live", *KEPT, VETO, selected=1), ""),
        ("rescue", situation("replay", *KEPT, selected=2), "this is a replay"),
        ("rebaseline", situation("live", *MEASURING, Health(health="paused"), engine=False), ""),
        ("rebaseline", situation("live", *MEASURING, engine=False), "no engine is at work; g starts one"),
        ("explain", situation("watch", *opening()), ""),
        ("explain", situation("watch"), "nothing has been journalled yet"),
        ("details", situation("watch", selected=0), ""),
        ("details", situation("watch"), "no experiment has ended yet"),
        ("sessions", situation("watch"), ""),
        ("sessions", situation("live", repository=False), "it is not known which repository this journal belongs to"),
        ("help", situation("replay"), ""),
        ("quit", situation("watch"), ""),
    ],
)
def test_a_command_says_why_it_cannot_be_done_now(command: str, now: Situation, reason: str) -> None:
    assert BY_ID[command].blocked(now) == reason


def test_a_pause_counts_until_a_resume_and_not_beyond_the_engine_that_accepted_it() -> None:
    pause, resume = Control(command="pause"), Control(command="resume")
    assert pausing(situation("live", *opening(), pause).state)
    assert not pausing(situation("live", *opening(), pause, resume).state)
    assert not pausing(situation("live", pause, *opening()).state)


def test_one_key_pauses_and_resumes() -> None:
    assert choose("pause", situation("live", *MEASURING)).id == "pause"
    assert choose("pause", situation("live", *MEASURING, Health(health="paused"))).id == "resume"
    assert choose("pause", situation("watch")).id == "pause"


@pytest.mark.parametrize("mode", ["live", "watch", "replay"])
@pytest.mark.parametrize("engine", [True, False])
def test_the_line_of_keys_has_five_at_most_and_only_what_can_be_done(mode: Mode, engine: bool) -> None:
    now = situation(mode, *MEASURING, engine=engine, selected=0)
    shown = shown_keys(now)
    assert len(shown) == 5
    assert {"help", "quit"} <= {command.id for command in shown}
    assert [command.blocked(now) for command in shown] == [""] * 5


def test_every_command_has_a_sentence_an_area_and_a_key_and_what_destroys_asks_first() -> None:
    assert all(command.sentence.endswith(".") and ": " in command.title and command.keys for command in COMMANDS)
    assert len(BY_ID) == len(COMMANDS)
    assert {command.id for command in COMMANDS if command.confirmation} == {"stop", "rebaseline", "pause-now"}


def test_settings_are_in_the_user_s_configuration_folder() -> None:
    assert settings_file({"XDG_CONFIG_HOME": "/x"}) == Path("/x/autotune-tui/settings.toml")
    assert settings_file({}).name == "settings.toml"


def test_without_a_file_the_settings_are_the_usual_ones(tmp_path: Path) -> None:
    assert load_settings(tmp_path / "none.toml") == Settings()


def test_theme_and_keys_are_read(tmp_path: Path) -> None:
    path = tmp_path / "settings.toml"
    path.write_text('theme = "nord"\n[keys]\npause = "space"\n')
    assert load_settings(path) == Settings("nord", {"pause": "space"})


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("theme = 1", "theme must be the name of a theme"),
        ("thme = 'x'", "unknown setting thme"),
        ("[keys]\npause = 1", "[keys] must hold keys in quotes"),
        ("theme = ", "settings.toml"),
    ],
)
def test_wrong_settings_are_said_with_the_file_s_name(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "settings.toml"
    path.write_text(text)
    with pytest.raises(ConfigError) as error:
        load_settings(path)
    assert words in str(error.value)
    assert str(path) in str(error.value)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", 'theme = "nord"\n'),
        ('theme = "x"\n', 'theme = "nord"\n'),
        ('# mine\n[keys]\npause = "space"\n', 'theme = "nord"\n# mine\n[keys]\npause = "space"\n'),
        ('# mine\ntheme="x"\n[keys]\n', '# mine\ntheme = "nord"\n[keys]\n'),
        ('[keys]\nexplain = "f2"\n', 'theme = "nord"\n[keys]\nexplain = "f2"\n'),
    ],
)
def test_a_chosen_theme_is_remembered_and_the_rest_of_the_file_stays(tmp_path: Path, before: str, after: str) -> None:
    path = tmp_path / "new" / "settings.toml"
    if before:
        path.parent.mkdir()
        path.write_text(before)
    save_theme(path, "nord")
    assert path.read_text() == after
    assert load_settings(path).theme == "nord"
