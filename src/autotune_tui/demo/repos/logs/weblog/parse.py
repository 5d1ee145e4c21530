"""Reads an access log: a stream of text in, entries out."""

import re
from collections.abc import Iterator
from typing import NamedTuple, TextIO

BLOCK = 128  # autotune: 64..65536 log


class Entry(NamedTuple):
    time: int
    client: str
    method: str
    path: str
    status: int
    size: int
    latency: int
    account: str
    retry_key: str


def read_lines(stream: TextIO) -> Iterator[str]:
    """The stream's lines without their line ends; the last line may lack its own."""
    rest = ""
    while block := stream.read(BLOCK):
        lines = (rest + block).split("\n")
        rest = lines.pop()
        yield from lines
    if rest:
        yield rest


def normalise(path: str) -> str:
    """The path without its query and with numbers replaced, so that /orders/17 and /orders/18 are one."""
    path = path.split("?", 1)[0]
    return re.sub(r"/\d+(?=/|$)", "/:id", path)


def parse_line(line: str) -> Entry | None:
    """The entry of a line, or None when it is not one (comments, cut lines)."""
    match = re.match(
        r"(\d+)\t(\S+)\t([A-Z]+)\t(\S+)\t(\d{3})\t(\d+)\t(\d+)\t([\w-]+)\t(\S+)$",
        line,
    )
    if match is None:
        return None
    time, client, method, path, status, size, latency, account, retry_key = match.groups()
    return Entry(int(time), client, method, normalise(path), int(status), int(size), int(latency), account, retry_key)


def parse_log(stream: TextIO) -> list[Entry]:
    """All entries of a log, in its order."""
    entries: list[Entry] = []
    for line in read_lines(stream):
        entry = parse_line(line)
        if entry is not None:
            entries.append(entry)
    return entries
