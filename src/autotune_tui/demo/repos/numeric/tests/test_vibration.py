"""Figures against plain arithmetic, and the rules of alarms."""

import math
import unittest
from fractions import Fraction
from itertools import pairwise

import numpy as np

from vibration import alarms, features, novelty, smooth


def recording(samples, seed=5):
    """Converter counts as the sensor gives them: large, with a small vibration on top."""
    noise = np.random.default_rng(seed)
    clock = np.arange(samples)
    return np.rint(8_000_000 + 40 * np.sin(clock / 9) + noise.normal(0, 8, samples))


def reference(window):
    """The figures of one window in exact arithmetic, as far as it goes."""
    counts = [Fraction(int(count)) for count in window]
    level = sum(counts) / len(counts)
    centred = [count - level for count in counts]
    square = sum(value**2 for value in centred) / len(counts)
    fourth = sum(value**4 for value in centred) / len(counts)
    peak = max(abs(value) for value in centred)
    crossings = sum((a < 0) != (b < 0) for a, b in pairwise(centred))
    rms = math.sqrt(square)
    return [float(level), rms, float(peak), float(peak) / rms, float(fourth / square**2), crossings]


class Features(unittest.TestCase):
    def test_figures_agree_with_exact_arithmetic(self):
        signal = recording(900)
        rows = features.features(signal, 64, 16)
        self.assertEqual(rows.shape, ((900 - 64) // 16 + 1, len(features.NAMES)))
        for index in (0, 1, 17, len(rows) - 1):
            np.testing.assert_allclose(rows[index], reference(signal[index * 16 : index * 16 + 64]), rtol=1e-6)

    def test_all_windows_are_there_once_and_in_order(self):
        signal = np.repeat(np.arange(50.0) * 100, 10)
        rows = features.features(signal, 10, 10)
        np.testing.assert_allclose(rows[:, 0], np.arange(50.0) * 100)

    def test_a_dead_sensor_gives_zeros_and_no_nonsense(self):
        rows = features.features(np.full(64, 8_000_000.0), 32, 32)
        np.testing.assert_array_equal(rows, [[8_000_000.0, 0, 0, 0, 0, 0]] * 2)


class Smoothing(unittest.TestCase):
    def test_the_mean_around_each_sample(self):
        mean = smooth.moving_mean(np.array([1.0, 2.0, 6.0, 4.0, 5.0]), 3)
        np.testing.assert_allclose(mean, [4 / 3, 3, 4, 5, 14 / 3])

    def test_even_widths_and_long_signals(self):
        signal = recording(3000)
        padded = np.concatenate([[signal[0]] * 50, signal, [signal[-1]] * 49])
        wanted = [math.fsum(padded[at : at + 100]) / 100 for at in range(3000)]
        np.testing.assert_allclose(smooth.moving_mean(signal, 100), wanted, rtol=1e-12)

    def test_drift_is_removed_and_the_level_kept(self):
        drifting = 5000 + 0.5 * np.arange(1000.0)
        np.testing.assert_allclose(smooth.detrend(drifting, 101)[100:900], drifting.mean())


class Novelty(unittest.TestCase):
    def test_distance_to_the_nearest_healthy_row(self):
        healthy = np.array([[0.0, 10.0], [2.0, 30.0]])
        scores = novelty.novelty(np.array([[0.0, 10.0], [5.0, 30.0], [1.0, 20.0]]), healthy)
        np.testing.assert_allclose(scores, [0.0, 3.0, math.sqrt(2)])

    def test_a_figure_that_never_varies_counts_fully(self):
        healthy = np.array([[1.0, 4.0], [3.0, 4.0]])
        scores = novelty.novelty(np.array([[1.0, 4.0 + 1e-6]]), healthy)
        np.testing.assert_allclose(scores, [1000.0], rtol=1e-6)

    def test_no_rows_no_scores(self):
        self.assertEqual(novelty.novelty(np.empty((0, 2)), np.ones((2, 2))).tolist(), [])


class Alarms(unittest.TestCase):
    def test_scores_are_relative_to_their_mean(self):
        self.assertEqual(alarms.ranks([1.0, 2.0, 6.0]), [1 / 3, 2 / 3, 2.0])
        self.assertEqual(alarms.ranks([]), [])

    def test_neighbours_are_one_alarm(self):
        found = alarms.group([9.0, 1.0, 5.0, 7.0, 6.0, 4.0, 8.0], 4.0)
        self.assertEqual(found, [(0, 0, 9.0), (2, 4, 7.0), (6, 6, 8.0)])

    def test_a_fault_is_found_where_it_is(self):
        signal = recording(20_000)
        signal[9_000:9_600:37] += 900
        found = alarms.watch(signal, recording(12_000, seed=6), 4.0)
        self.assertEqual(len(found), 1)
        first, last = found[0].first * alarms.STEP, found[0].last * alarms.STEP + alarms.WIDTH
        self.assertTrue(9_000 - alarms.WIDTH <= first <= 9_000 and 9_560 < last <= 9_560 + 2 * alarms.WIDTH, found)


if __name__ == "__main__":
    unittest.main()
