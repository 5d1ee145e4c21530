"""Our dark and light theme, and the names that widgets give to colours.

Widgets use Textual's own colour variables only, so that every built-in theme fits. Ours choose them so that people who cannot
tell red from green can tell them apart: good is a bluish green, bad a vermilion that is also darker or lighter than it.
"""

from __future__ import annotations

from textual.theme import Theme

GOOD = "$text-success"
"""Kept, improved, within the limit. Always beside a glyph and a word."""
BAD = "$text-error"
WARN = "$text-warning"
DIM = "$foreground 60%"
"""Not `$text-muted`, which is `auto` with an opacity: inside content Textual 8.2 makes plain white or black of it."""
TITLE = "$text-accent"
INCUMBENT = "$text-secondary"
CANDIDATE = "$text-primary"
BOLD = "bold"

DARK = Theme(
    name="autotune-dark",
    primary="#56b4e9",
    secondary="#d16199",
    accent="#63b9b5",
    success="#5ec8a4",
    warning="#e5b03c",
    error="#f0805a",
    foreground="#dfe3e8",
    background="#14171c",
    surface="#14171c",
    panel="#222831",
    dark=True,
    variables={
        "border": "#3a424e",
        "border-blurred": "#3a424e",
        "block-cursor-background": "#273140",
        "block-cursor-foreground": "#ffffff",
        "block-cursor-text-style": "bold",
        "block-cursor-blurred-background": "#20262f",
        "footer-key-foreground": "#e5b03c",
    },
)

LIGHT = Theme(
    name="autotune-light",
    primary="#0063a6",
    secondary="#931554",
    accent="#00706c",
    success="#00735a",
    warning="#8f6200",
    error="#b8420f",
    foreground="#0f1318",
    background="#fbfbf9",
    surface="#fbfbf9",
    panel="#ecebe6",
    dark=False,
    variables={
        "border": "#c4c3bb",
        "border-blurred": "#c4c3bb",
        "block-cursor-background": "#e0ebf3",
        "block-cursor-foreground": "#10151a",
        "block-cursor-text-style": "bold",
        "block-cursor-blurred-background": "#ecebe6",
        "footer-key-foreground": "#7a5300",
    },
)

THEMES = (DARK, LIGHT)
