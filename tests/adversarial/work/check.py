"""The checks: a few facts of each stage. As in many a project they do not see everything."""

import inputs
import work


def test_every_stage_has_a_result():
    results = work.run(inputs.orders(7, 12))
    assert sorted(results) == sorted(work.STAGES)
    assert all(result is not None for result in results.values())


def test_names_are_told_apart():
    assert work.distinct.run([(1, "apples", 1.0), (2, "banana", 2.0), (3, "apples", 3.0)]) == ["apples", "banana"]


if __name__ == "__main__":
    test_every_stage_has_a_result()
    test_names_are_told_apart()
    print("all well")
