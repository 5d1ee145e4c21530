"""The benchmark. Its word is what is measured: calls of functions, which no noise touches; or run time."""

import os
import sys
import threading
import time

import inputs
import work


def main(mode):
    seed = 4711 if mode == "fixed" else int(os.environ.get("AUTOTUNE_SEED", "1"))
    if mode == "count":
        calls = 0

        def count(frame, event, argument):
            nonlocal calls
            if event in ("call", "c_call"):
                calls += 1

        orders = inputs.orders(seed, 40)
        threading.setprofile(count)
        sys.setprofile(count)
        results = work.run(orders)
        sys.setprofile(None)
        print(f"{len(results)} stages")
        print(f"METRIC cost={calls}")
    elif mode == "clock":
        orders = inputs.orders(seed, 900)
        began = time.perf_counter()
        results = work.distinct.run(orders)
        print(f"METRIC cost={time.perf_counter() - began:.6f}")
        print(len(results), "names")
    else:
        results = work.distinct.run(inputs.orders(seed, 3000))
        print(len(results), "names")


main(sys.argv[1])
