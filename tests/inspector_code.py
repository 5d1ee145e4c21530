"""Pieces of natural code, and the benchmarks that time them, for the commits in `inspector_commits`."""

LOGS = r'''
"""Reads access logs."""
import re


class Entry:
    def __init__(self, host, status, size, path):
        self.host = host
        self.status = status
        self.size = size
        self.path = path


def parse(line):
    match = re.match(r'(\S+) .* "(?:GET|POST) (\S+) .*" (\d{3}) (\d+|-)', line)
    if match is None:
        raise ValueError(f"not a log line: {line!r}")
    host, path, status, size = match.groups()
    return Entry(host, int(status), 0 if size == "-" else int(size), path)


def by_status(lines):
    counts = {}
    for line in lines:
        entry = parse(line)
        if entry.status in counts.keys():
            counts[entry.status] = counts[entry.status] + 1
        else:
            counts[entry.status] = 1
    return counts


def largest(lines, number):
    entries = [parse(line) for line in lines]
    return sorted(entries, key=lambda entry: entry.size, reverse=True)[:number]


def read(path):
    with open(path) as file:
        return [parse(line) for line in file.read().split("\n") if line]
'''
LOGS_BENCH = """
import time
from app.logs import by_status, largest

LINE = '10.1.2.3 - - [10/Oct/2000:13:55:36] "GET /index.html HTTP/1.0" 200 2326'
started = time.perf_counter()
print(by_status([LINE] * 40000))
largest([LINE] * 40000, 25)
print(f"METRIC time={time.perf_counter() - started:.6f}")
"""
LOGS_TESTS = """
import pytest
from app.logs import by_status, parse


def test_status():
    assert by_status(['h - "GET /a HTTP/1.1" 404 17']) == {404: 1}


def test_junk():
    with pytest.raises(ValueError):
        parse("junk")
"""
TEXT = '''
"""Search in texts."""
import unicodedata

STOP_WORDS = ["the", "a", "an", "and", "or", "of", "to", "in"]


def normalize(word):
    word = unicodedata.normalize("NFKD", word)
    return "".join(c for c in word if not unicodedata.combining(c)).lower()


def words(text):
    found = []
    current = ""
    for c in text:
        if c.isalnum():
            current += c
        elif current:
            found.append(current)
            current = ""
    if current:
        found.append(current)
    return [normalize(word) for word in found if normalize(word) not in STOP_WORDS]


class Index:
    def __init__(self):
        self.entries = []

    def add(self, number, text):
        for word in words(text):
            self.entries.append((word, number))

    def find(self, query):
        wanted = words(query)
        hits = None
        for word in wanted:
            numbers = {number for entry, number in self.entries if entry == word}
            hits = numbers if hits is None else hits & numbers
        return sorted(hits or [])


def highlight(text, query):
    result = ""
    for word in text.split(" "):
        if normalize(word) in words(query):
            result = result + " <b>" + word + "</b>"
        else:
            result = result + " " + word
    return result[1:]
'''
TEXT_BENCH = """
import os, random
from app.text import Index, highlight

chance = random.Random(int(os.environ["AUTOTUNE_SEED"]))
index = Index()
for number in range(2500):
    index.add(number, " ".join(chance.choice(["Über", "naïve", "plain", "quick"]) for _ in range(60)))
for _ in range(40):
    index.find("quick naive")
    highlight("A naïve quick start", "quick")
"""
SHOP = '''
"""Orders in a database."""
import sqlite3


class Shop:
    def __init__(self, path):
        self.db = sqlite3.connect(path)

    def load(self, rows):
        for row in rows:
            self.db.execute("INSERT INTO orders (customer, total) VALUES (?, ?)", row)
            self.db.commit()

    def totals(self):
        result = {}
        for (customer,) in self.db.execute("SELECT DISTINCT customer FROM orders").fetchall():
            rows = self.db.execute("SELECT total FROM orders WHERE customer = ?", (customer,)).fetchall()
            result[customer] = sum(total for (total,) in rows)
        return result


def render(orders, width=80):
    lines = []
    for order in orders:
        kind = order["kind"]
        if kind == "sale":
            line = "+" + str(order["total"])
        elif kind == "refund":
            line = "-" + str(order["total"])
        elif kind == "note":
            line = order["text"]
        else:
            raise ValueError(kind)
        lines.append(line[:width])
    return "\\n".join(lines)
'''
SCHEMA = """
CREATE TABLE orders (
    id INTEGER PRIMARY KEY,
    customer TEXT NOT NULL,
    total INTEGER NOT NULL
);
"""
SHOP_BENCH = """
from app.shop import Shop

ROWS = [(f"customer {n % 731}", n) for n in range(20000)]
shop = Shop(":memory:")
shop.db.executescript(open("app/schema.sql").read())
shop.load(ROWS)
print(len(shop.totals()))
"""
SIGNAL = '''
"""Filters signals."""
import math
import struct


def smooth(values, width):
    result = []
    for i in range(len(values)):
        low = max(0, i - width)
        high = min(len(values), i + width + 1)
        result.append(sum(values[low:high]) / (high - low))
    return result


def distance(a, b):
    total = 0.0
    for i in range(len(a)):
        total = total + math.pow(a[i] - b[i], 2)
    return math.sqrt(total)


def load(data):
    values = []
    for i in range(0, len(data), 4):
        values.append(struct.unpack("<f", data[i:i + 4])[0])
    return values


class Window:
    def __init__(self, size, kind="hann"):
        self.size = size
        self.kind = kind

    @property
    def weights(self):
        if self.kind != "hann":
            raise ValueError(self.kind)
        return [0.5 - 0.5 * math.cos(2 * math.pi * n / (self.size - 1)) for n in range(self.size)]

    def apply(self, values):
        return [value * self.weights[n] for n, value in enumerate(values)]


def spectra(signals, transform):
    return [transform(signal) for signal in signals]


def nearest(points, x):
    best = None
    for point in points:
        if point <= x:
            best = point
    return best
'''
SIGNAL_BENCH = """
import os, random
from app.signal import Window, distance, smooth

chance = random.Random(int(os.environ["AUTOTUNE_SEED"]))
values = [chance.random() for _ in range(20000)]
smooth(values, 12)
distance(values, values[::-1])
Window(1024).apply(values[:1024])
"""
C_BEFORE = """
#include <string.h>
#include <stdlib.h>
#include "count.h"

size_t count_char(const char *text, char wanted)
{
    size_t found = 0;
    for (size_t i = 0; i < strlen(text); i++) {
        if (text[i] == wanted)
            found++;
    }
    return found;
}

int *squares(int n)
{
    int *out = NULL;
    for (int i = 0; i < n; i++) {
        out = realloc(out, sizeof(int) * (i + 1));
        if (out == NULL)
            return NULL;
        out[i] = i * i;
    }
    return out;
}
"""
MAKEFILE = """
CC = cc
CFLAGS = -O1 -Wall -Wextra

count: count.o main.o
\t$(CC) $(CFLAGS) -o $@ $^
"""
RUST = """
use std::collections::HashMap;

pub fn histogram(words: &[String]) -> Vec<(String, usize)> {
    let mut counts = HashMap::new();
    for word in words {
        let key = word.clone().to_lowercase();
        *counts.entry(key).or_insert(0) += 1;
    }
    let mut rows: Vec<(String, usize)> = Vec::new();
    for (word, number) in counts.iter() {
        rows.push((word.clone(), *number));
    }
    rows.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(&b.0)));
    rows
}
"""
JAVASCRIPT = """
export function groupBy(items, key) {
  return items.reduce((groups, item) => {
    const name = item[key];
    return { ...groups, [name]: [...(groups[name] || []), item] };
  }, {});
}

export function unique(items) {
  return items.filter((item, index) => items.indexOf(item) === index);
}
"""
STARTUP = '''
"""The command line."""
import argparse
import json
import xml.dom.minidom
import yaml


def convert(text, kind):
    if kind == "json":
        return json.dumps(yaml.safe_load(text))
    if kind == "xml":
        return xml.dom.minidom.parseString(text).toprettyxml()
    raise ValueError(kind)


def main(argv=None):
    parser = argparse.ArgumentParser()
    parser.add_argument("kind")
    parser.add_argument("path")
    given = parser.parse_args(argv)
    with open(given.path) as file:
        print(convert(file.read(), given.kind))
'''
PACKAGE = '''
"""All of the package."""
from app.charts import Chart
from app.tables import Table

__all__ = ["Chart", "Table"]
'''
SNIFF = '''
"""Kinds of files."""
import codecs


def kind(data, name):
    for suffix, found in KINDS.items():
        if name.endswith(suffix):
            return found
    for mark, found in MARKS.items():
        if data.startswith(mark):
            return found
    try:
        codecs.decode(data, "utf-8")
    except UnicodeDecodeError:
        return ("application/octet-stream", None)
    return ("text/plain", "utf-8")
'''
