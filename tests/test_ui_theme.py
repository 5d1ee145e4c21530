"""Our themes can be read by everybody: contrast as WCAG 2.2 asks for it, and pairs that colour-blind people tell apart."""

from __future__ import annotations

from itertools import combinations

import pytest
from textual.color import Color
from textual.theme import Theme

from autotune_tui.ui.theme import BAD, CANDIDATE, DIM, GOOD, INCUMBENT, THEMES, TITLE, WARN

GROUNDS = ("background", "panel", "block-cursor-background", "block-cursor-blurred-background")
TEXTS = (GOOD, BAD, WARN, DIM, TITLE, INCUMBENT, CANDIDATE, "$foreground", "$footer-key-foreground")
MARKS = ("$success", "$error", "$warning", "$primary", "$secondary", "$accent")
PAIRS = [(GOOD, BAD), (INCUMBENT, CANDIDATE)]
"""What is compared with each other: good with bad, and the dots of the evidence."""

# Linear RGB as protanopes and deuteranopes see it: Machado, Oliveira and Fernandes (2009), severity 1.0.
BLIND = {
    "protanopia": ((0.152286, 1.052583, -0.204868), (0.114503, 0.786281, 0.099216), (-0.003882, -0.048116, 1.051998)),
    "deuteranopia": ((0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413), (-0.011820, 0.042940, 0.968881)),
}
TOLD_APART = 12.0
"""The least CIE76 distance; some 2.3 are just noticeable side by side."""

Triple = tuple[float, float, float]


def colour(theme: Theme, name: str, ground: Color) -> Color:
    """What a name such as `$foreground 60%` is on this ground."""
    variable, _, strength = name.removeprefix("$").partition(" ")
    found = Color.parse(theme.to_color_system().generate()[variable])
    return ground.blend(found, float(strength.rstrip("%")) / 100) if strength else found


def linear(colour: Color) -> Triple:
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in colour.normalized
    )
    return red, green, blue


def contrast(first: Color, second: Color) -> float:
    """(lighter + 0.05) / (darker + 0.05), of relative luminances."""
    weights = (0.2126, 0.7152, 0.0722)
    one, two = (sum(w * part for w, part in zip(weights, linear(each), strict=True)) for each in (first, second))
    return (max(one, two) + 0.05) / (min(one, two) + 0.05)


def seen(colour: Color, matrix: tuple[Triple, ...]) -> Triple:
    """CIELAB (D65) of a colour as somebody sees it."""
    light = linear(colour)
    rgb = [min(max(sum(m * part for m, part in zip(row, light, strict=True)), 0.0), 1.0) for row in matrix]
    to_xyz = ((0.4124, 0.3576, 0.1805), (0.2126, 0.7152, 0.0722), (0.0193, 0.1192, 0.9505))
    white = (0.9505, 1.0, 1.089)
    x, y, z = (
        _root(sum(m * part for m, part in zip(row, rgb, strict=True)) / full)
        for row, full in zip(to_xyz, white, strict=True)
    )
    return 116 * y - 16, 500 * (x - y), 200 * (y - z)


def _root(ratio: float) -> float:
    return float(ratio ** (1 / 3)) if ratio > (6 / 29) ** 3 else ratio * 841 / 108 + 4 / 29


def distance(first: Color, second: Color, matrix: tuple[Triple, ...]) -> float:
    pairs = zip(seen(first, matrix), seen(second, matrix), strict=True)
    return float(sum((one - two) ** 2 for one, two in pairs) ** 0.5)


@pytest.mark.parametrize("theme", THEMES, ids=lambda theme: theme.name)
@pytest.mark.parametrize("ground", GROUNDS)
def test_text_and_marks_stand_out_from_their_ground(theme: Theme, ground: str) -> None:
    """WCAG 2.2: 4.5 for text (1.4.3), 3 for marks (1.4.11)."""
    behind = colour(theme, ground, Color(0, 0, 0))
    for names, least in ((TEXTS, 4.5), (MARKS, 3.0)):
        for name in names:
            assert contrast(colour(theme, name, behind), behind) >= least, name


@pytest.mark.parametrize("theme", THEMES, ids=lambda theme: theme.name)
@pytest.mark.parametrize("kind", BLIND)
def test_colour_blind_people_tell_the_pairs_apart(theme: Theme, kind: str) -> None:
    behind = colour(theme, "background", Color(0, 0, 0))
    for one, two in PAIRS:
        apart = distance(colour(theme, one, behind), colour(theme, two, behind), BLIND[kind])
        assert apart >= TOLD_APART, (one, two)


def test_the_distance_knows_what_protanopes_confuse() -> None:
    """A check of the instrument: a red and a green that they mistake for each other are far apart for others."""
    plain = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))
    red, green = Color.parse("#c06030"), Color.parse("#707030")
    assert distance(red, green, plain) > 2 * distance(red, green, BLIND["protanopia"])


def test_no_two_names_are_one_colour() -> None:
    for theme in THEMES:
        behind = colour(theme, "background", Color(0, 0, 0))
        for one, two in combinations((GOOD, BAD, WARN, INCUMBENT, CANDIDATE), 2):
            assert colour(theme, one, behind) != colour(theme, two, behind), (theme.name, one, two)
