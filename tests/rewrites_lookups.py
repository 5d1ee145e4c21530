"""Rewrites of searches in lists and dicts: natural code before and after, with inputs to try both on."""

from __future__ import annotations

from hypothesis.strategies import builds, dictionaries, fixed_dictionaries, integers, lists, tuples

from rewrites_support import TEXTS, Case, source

CASES = (
    Case(
        "dict-keys-membership",
        "keys and copies of keys",
        "known_names",
        (
            dictionaries(TEXTS, integers()),
            lists(TEXTS),
        ),
        source(r"""
    def known_names(ages: dict[str, int], names: list[str]) -> list[str]:
        return [name for name in names if name in list(ages.keys())]
"""),
        source(r"""
    def known_names(ages: dict[str, int], names: list[str]) -> list[str]:
        return [name for name in names if name in ages]
"""),
    ),
    Case(
        "dict-keys-membership",
        "a view of the keys",
        "has",
        (
            dictionaries(TEXTS, integers()),
            TEXTS,
        ),
        source(r"""
    def has(ages: dict[str, int], name: str) -> bool:
        return name not in ages.keys()
"""),
        source(r"""
    def has(ages: dict[str, int], name: str) -> bool:
        return name not in ages
"""),
    ),
    Case(
        "count-in-loop",
        "counting in a comprehension",
        "frequencies",
        (lists(TEXTS),),
        source(r"""
    def frequencies(words: list[str]) -> dict[str, int]:
        return {word: words.count(word) for word in words}
"""),
        source(r"""
    from collections import Counter


    def frequencies(words: list[str]) -> dict[str, int]:
        words_counts = Counter(words)
        return {word: words_counts[word] for word in words}
"""),
    ),
    Case(
        "count-in-loop",
        "counting in a loop over the distinct",
        "busiest",
        (
            lists(TEXTS),
            integers(0, 3),
        ),
        source(r"""
    def busiest(lines: list[str], least: int) -> list[tuple[str, int]]:
        paths = [line.strip() for line in lines]
        found = []
        for path in sorted(set(paths)):
            if paths.count(path) >= least:
                found.append((path, paths.count(path)))
        return found
"""),
        source(r"""
    from collections import Counter


    def busiest(lines: list[str], least: int) -> list[tuple[str, int]]:
        paths = [line.strip() for line in lines]
        found = []
        paths_counts = Counter(paths)
        for path in sorted(set(paths)):
            if paths_counts[path] >= least:
                found.append((path, paths_counts[path]))
        return found
"""),
    ),
    Case(
        "nested-lookup-to-dict",
        "the first match of objects",
        "totals_by_name",
        (
            lists(builds(dict, id=integers(0, 3))),
            lists(integers(0, 4)),
        ),
        source(r"""
    from typing import TypedDict


    class Customer(TypedDict):
        id: int


    def totals_by_name(customers: list[Customer], wanted: list[int]) -> list[Customer]:
        found = []
        for number in wanted:
            for customer in customers:
                if customer["id"] == number:
                    found.append(customer)
                    break
        return found
"""),
        source(r"""
    from typing import TypedDict


    class Customer(TypedDict):
        id: int


    def totals_by_name(customers: list[Customer], wanted: list[int]) -> list[Customer]:
        found = []
        customers_by_id: dict[object, list[Customer]] = {}
        for customer in customers:
            customers_by_id.setdefault(customer["id"], []).append(customer)
        for number in wanted:
            for customer in customers_by_id.get(number, ()):
                if customer["id"] == number:
                    found.append(customer)
                    break
        return found
"""),
    ),
    Case(
        "nested-lookup-to-dict",
        "objects of a class of the file",
        "names_of",
        (
            lists(integers(0, 3)),
            lists(integers(0, 4)),
        ),
        source(r"""
    from dataclasses import dataclass


    @dataclass
    class Customer:
        id: int
        name: str
        orders: int = 0


    def names_of(ids: list[int], wanted: list[int]) -> list[str]:
        customers = [Customer(number, str(place)) for place, number in enumerate(ids)]
        names = []
        for number in wanted:
            for customer in customers:
                if customer.id == number:
                    customer.orders += 1
                    names.append(f"{customer.name} {customer.orders}")
                    break
        return names
"""),
        source(r"""
    from dataclasses import dataclass


    @dataclass
    class Customer:
        id: int
        name: str
        orders: int = 0


    def names_of(ids: list[int], wanted: list[int]) -> list[str]:
        customers = [Customer(number, str(place)) for place, number in enumerate(ids)]
        names = []
        customers_by_id: dict[object, list[Customer]] = {}
        for customer in customers:
            customers_by_id.setdefault(customer.id, []).append(customer)
        for number in wanted:
            for customer in customers_by_id.get(number, ()):
                if customer.id == number:
                    customer.orders += 1
                    names.append(f"{customer.name} {customer.orders}")
                    break
        return names
"""),
    ),
    Case(
        "nested-lookup-to-dict",
        "rows as plain dicts, with an else",
        "join_rows",
        (
            lists(fixed_dictionaries({"id": TEXTS})),
            lists(fixed_dictionaries({"ref": TEXTS})),
        ),
        source(r"""
    def join_rows(users: list[dict[str, str]], orders: list[dict[str, str]]) -> list[str]:
        lines = []
        for order in orders:
            for user in users:
                if user["id"] == order["ref"] and user["id"]:
                    lines.append(user["id"])
                    break
            else:
                lines.append("?")
        return lines
"""),
        source(r"""
    def join_rows(users: list[dict[str, str]], orders: list[dict[str, str]]) -> list[str]:
        lines = []
        users_by_id: dict[object, list[dict[str, str]]] = {}
        for user in users:
            users_by_id.setdefault(user.get("id"), []).append(user)
        for order in orders:
            for user in users_by_id.get(order.get("ref"), ()):
                if user["id"] == order["ref"] and user["id"]:
                    lines.append(user["id"])
                    break
            else:
                lines.append("?")
        return lines
"""),
    ),
    Case(
        "nested-lookup-to-dict",
        "next with a default",
        "owners",
        (
            lists(tuples(integers(0, 3), TEXTS)),
            lists(integers(0, 4)),
        ),
        source(r"""
    def owners(accounts: list[tuple[int, str]], keys: list[int]) -> list[str]:
        names = []
        for key in keys:
            match = next((account for account in accounts if account[0] == key), None)
            names.append(match[1] if match else "")
        return names
"""),
        source(r"""
    def owners(accounts: list[tuple[int, str]], keys: list[int]) -> list[str]:
        names = []
        accounts_index: dict[object, list[tuple[int, str]]] = {}
        for account in accounts:
            accounts_index.setdefault(account[0], []).append(account)
        for key in keys:
            match = next((account for account in accounts_index.get(key, ()) if account[0] == key), None)
            names.append(match[1] if match else "")
        return names
"""),
    ),
    Case(
        "nested-lookup-to-dict",
        "all matches, in a sum",
        "sums",
        (
            lists(tuples(TEXTS, integers())),
            lists(TEXTS),
        ),
        source(r"""
    Entry = tuple[str, int]


    def sums(entries: list[Entry], names: list[str]) -> dict[str, int]:
        return {name: sum(entry[1] for entry in entries if name == entry[0]) for name in names}
"""),
        source(r"""
    Entry = tuple[str, int]


    def sums(entries: list[Entry], names: list[str]) -> dict[str, int]:
        entries_index: dict[object, list[tuple[str, int]]] = {}
        for entry in entries:
            entries_index.setdefault(entry[0], []).append(entry)
        return {name: sum(entry[1] for entry in entries_index.get(name, ()) if name == entry[0]) for name in names}
"""),
    ),
)
