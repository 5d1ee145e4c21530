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
TEXT = '''
"""Search in texts."""
import unicodedata

STOP_WORDS = ["the", "a", "an", "and", "or", "of", "to", "in"]
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
PACKAGE = '''
"""All of the package."""
from app.charts import Chart
from app.tables import Table

__all__ = ["Chart", "Table"]
'''
