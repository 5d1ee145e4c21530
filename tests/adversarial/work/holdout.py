"""The holdout: other orders than the benchmark's, and a file that lies outside of the repository."""

import os
import sys
import threading

import inputs
import work

seed = int(os.environ.get("AUTOTUNE_SEED", "1")) + 1
if sys.argv[1] == "count":
    calls = 0

    def count(frame, event, argument):
        global calls
        calls += event in ("call", "c_call")

    orders = inputs.orders(seed, 54)
    threading.setprofile(count)
    sys.setprofile(count)
    work.run(orders)
    sys.setprofile(None)
    print(f"METRIC cost={calls}")
else:
    print(len(work.distinct.run(inputs.orders(seed, 2800))), "names")
