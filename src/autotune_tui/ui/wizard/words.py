"""Lists and pairs in one line of text: words as in a shell, `src/** "my files/**"`, but a backslash means itself."""

from __future__ import annotations

import shlex
from collections.abc import Iterable


def split(text: str) -> list[str]:
    """The words of a line; quotes hold a word with blanks together. A quote that is not closed yet is a character."""
    lexer = shlex.shlex(text, posix=True)
    lexer.whitespace_split = True
    lexer.commenters = ""
    lexer.escape = ""
    try:
        return list(lexer)
    except ValueError:
        return text.split()


def join(words: Iterable[str]) -> str:
    """The line that `split` takes apart into these words."""
    return " ".join(_quoted(word) for word in words)


def _quoted(word: str) -> str:
    if word and not any(char.isspace() or char in "\"'" for char in word):
        return word
    return f"'{word}'" if '"' in word else f'"{word}"'
