"""Benchmark: windows per second on a generated recording. AUTOTUNE_SEED varies the noise, never the size."""

import os
import time

import numpy as np

from vibration.alarms import STEP, WIDTH, watch

SAMPLES = 60_000
HEALTHY = 14_000


def generate(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """A recording with three faults, and one of healthy running."""
    noise = np.random.default_rng(seed)

    def running(samples: int) -> np.ndarray:
        clock = np.arange(samples)
        return 8_000_000 + 40 * np.sin(clock / 9) + 3e-3 * clock + noise.normal(0, 8, samples)

    recording = running(SAMPLES)
    for fault in (11_000, 30_500, 52_000):
        recording[fault : fault + 600 : 37] += 900
    return np.rint(recording), np.rint(running(HEALTHY))


def main() -> None:
    recording, healthy = generate(int(os.environ.get("AUTOTUNE_SEED", "1")))
    started = time.perf_counter()
    alarms = watch(recording, healthy, 4.0)
    elapsed = time.perf_counter() - started
    windows = (SAMPLES - WIDTH) // STEP + 1
    print(f"{windows} windows, {len(alarms)} alarms, highest {max(alarm.score for alarm in alarms):.3f}")
    print(f"METRIC throughput={windows / elapsed:.1f}")


if __name__ == "__main__":
    main()
