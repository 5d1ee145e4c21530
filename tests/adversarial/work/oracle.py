"""What all stages answer for orders of a seed."""

import json
import os

import inputs
import work

seed = int(os.environ.get("AUTOTUNE_SEED", "1"))
answers = [work.run(inputs.orders(seed + number, size)) for number, size in enumerate((0, 1, 5, 60))]
names = work.distinct.run(inputs.orders(seed, 300))
print(json.dumps({"answers": answers, "names": names}))
