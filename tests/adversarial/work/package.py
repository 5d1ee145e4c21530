"""Stages of work on orders."""

from importlib import import_module

STAGES = ()

for _name in STAGES:
    globals()[_name] = import_module(f"work.{_name}")


def run(orders):
    """The result of each stage, by its name."""
    return {name: globals()[name].run(orders) for name in STAGES}
