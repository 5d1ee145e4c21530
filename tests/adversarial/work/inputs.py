"""Orders to work on: for every seed the same number, kinds and lengths of names."""

import random

KINDS = ("apples", "banana", "carrot", "orange", "pepper", "potato")
LETTERS = "abcdefghij"


def orders(seed, size):
    """(number, name, price) of each order."""
    draw = random.Random(seed)
    return [
        (draw.randrange(10_000), KINDS[at % 6] + "".join(draw.choices(LETTERS, k=3)), draw.randrange(100, 9999) / 100)
        for at in range(size)
    ]
