"""
Times one log call for the caller, in a loop without pauses: `python bench_log.py normwatch 100000`. Prints one line of
JSON. The tracker's files stay in a new folder in the current one. Each call is timed by reading the clock before and
after it; the writer `nothing` shows the cost of that. On a machine that others use too, the mean includes their turns.
`cpu_mean_us` does not: it is the processor time of the whole process per call, with background threads and this loop.
"""

from __future__ import annotations

import array
import json
import math
import random
import sys
import tempfile
import time
from pathlib import Path

from writers import WRITERS


def measure(name: str, steps: int) -> dict[str, object]:
    chance = random.Random(1)
    norms = [math.exp(chance.gauss(0, 0.35)) for _ in range(steps)]
    losses = [1.5 + chance.gauss(0, 0.05) for _ in range(steps)]
    nanoseconds = array.array("q", bytes(8 * steps))
    clock = time.perf_counter_ns
    # the folder is not removed, because aim still writes after its end
    log, finish = WRITERS[name](Path(tempfile.mkdtemp(dir=".")).resolve())
    cpu = time.process_time()
    begin = clock()
    for step in range(steps):
        norm, loss = norms[step], losses[step]
        before = clock()
        log(step, norm, loss)
        nanoseconds[step] = clock() - before
    looped = clock()
    cpu = time.process_time() - cpu
    finish()
    end = clock()
    ordered = sorted(nanoseconds)
    return {
        "writer": name,
        "steps": steps,
        "median_us": ordered[steps // 2] / 1e3,
        "mean_us": round(sum(ordered) / steps / 1e3, 3),
        "cpu_mean_us": round(cpu / steps * 1e6, 3),
        "p99_us": ordered[int(steps * 0.99)] / 1e3,
        "max_ms": round(ordered[-1] / 1e6, 1),
        "loop_s": round((looped - begin) / 1e9, 2),
        "finish_s": round((end - looped) / 1e9, 2),
    }


if __name__ == "__main__":
    print(json.dumps(measure(sys.argv[1], int(sys.argv[2]))))
