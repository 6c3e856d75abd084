"""Writes the logs of this folder with the tools themselves: `python write.py TOOL FOLDER`, TOOL being swanlab, aim, parquet or neptune.

aim-running has to be copied while the tool runs: the script says when, and waits for a line.
"""

import json
import math
import sys
from pathlib import Path

STEPS = 40


def norm(step):
    return math.nan if step == 20 else 0.5 + step / 10


def loss(step):
    return 2 / (step + 1)


CONFIG = {"lr": 0.001, "max_grad_norm": 1.0, "optim": {"name": "adamw"}}


def swanlab(folder):
    import swanlab

    swanlab.init(project="toy", experiment_name="clip-1", logdir=str(folder), mode="offline", config=CONFIG)
    for step in range(STEPS):
        readings = {"train/grad_norm": norm(step), "train/loss": loss(step)}
        if step % 10 == 0:
            readings["eval/loss"] = 3.0
        swanlab.log(readings, step=step)
    swanlab.finish()


def aim(folder):
    from aim import Run

    first = Run(repo=str(folder), experiment="toy", system_tracking_interval=None, capture_terminal_logs=False)
    first["hparams"] = CONFIG
    for step in range(STEPS):
        first.track(norm(step), name="grad_norm", step=step, context={"subset": "train"})
        first.track(loss(step), name="loss", step=step, context={"subset": "train"})
        if step % 10 == 0:
            first.track(3.0, name="loss", step=step, context={"subset": "val"})
        first.track(0.001, name="lr", step=step)
    first.close()
    running = Run(repo=str(folder), experiment="toy", system_tracking_interval=None, capture_terminal_logs=False)
    for step in range(0, 30, 10):
        running.track(math.inf if step == 10 else 2.0, name="grad_norm", step=step)
    print(f"finished {first.hash}, running {running.hash}: copy it now", flush=True)
    sys.stdin.readline()
    running.close()


def parquet(folder):
    import pyarrow
    import pyarrow.parquet

    steps = list(range(STEPS))
    table = pyarrow.table(
        {
            "step": pyarrow.array(steps, pyarrow.int64()),
            "time": pyarrow.array([1_700_000_000 + step for step in steps], pyarrow.timestamp("s", tz="UTC")),
            "grad_norm": pyarrow.array([norm(step) for step in steps], pyarrow.float32()),
            "loss": pyarrow.array([None if step % 2 else loss(step) for step in steps]),
            "phase": pyarrow.array(["warm-up" if step < 10 else "main" for step in steps]).dictionary_encode(),
        }
    )
    for codec in ("snappy", "zstd", "gzip", "lz4", "brotli", "none"):
        pyarrow.parquet.write_table(table, folder / f"{codec}.parquet", compression=codec, row_group_size=16)


def neptune(folder):
    """What neptune-exporter writes of a run, by its own writer (its checkout has to be on PYTHONPATH)."""
    import decimal
    import datetime

    import pyarrow
    from neptune_exporter.model import SCHEMA
    from neptune_exporter.storage.parquet_writer import ParquetWriter

    def rows(run):
        base = {name: None for name in SCHEMA.names} | {"project_id": "team/toy", "run_id": run}
        yield base | {"attribute_path": "sys/name", "attribute_type": "string", "string_value": "clip-1"}
        yield base | {"attribute_path": "sys/id", "attribute_type": "string", "string_value": run}
        yield base | {"attribute_path": "parameters/max_grad_norm", "attribute_type": "float", "float_value": 1.0}
        yield base | {"attribute_path": "parameters/optim", "attribute_type": "string", "string_value": "adamw"}
        for path, value in (("train/grad_norm", norm), ("train/loss", loss)):
            for step in range(STEPS):
                yield base | {
                    "attribute_path": path,
                    "attribute_type": "float_series",
                    "step": decimal.Decimal(step),
                    "timestamp": datetime.datetime.fromtimestamp(1_700_000_000 + step, datetime.timezone.utc),
                    "float_value": value(step),
                }
        yield base | {
            "attribute_path": "monitoring/stdout",
            "attribute_type": "string_series",
            "step": decimal.Decimal(0),
            "string_value": "hello",
        }

    writer = ParquetWriter(folder)
    with writer.run_writer("team/toy", "TOY-1") as run:
        run.save(pyarrow.RecordBatch.from_pylist(list(rows("TOY-1")), schema=SCHEMA))


if __name__ == "__main__":
    tool, folder = sys.argv[1], Path(sys.argv[2])
    folder.mkdir(parents=True, exist_ok=True)
    {"swanlab": swanlab, "aim": aim, "parquet": parquet, "neptune": neptune}[tool](folder)
    print(json.dumps({"tool": tool, "python": sys.version.split()[0]}))
