"""
Logs one run as fast as possible: `python write.py aim 100000 FOLDER`. Prints one line of JSON: the seconds until
another process can read everything (the loop and the tracker's own end call), and the run's id if it has one.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any, Callable

sys.path.insert(0, str(Path(__file__).parent.parent / "sdk"))
from series import series
from writers import WRITERS, Writer


def mlflow_batches(folder: Path) -> Writer:
    """Into SQLite with its fastest call, 1,000 readings at a time. One call per step takes 200 times as long."""
    import mlflow
    from mlflow.entities import Metric

    mlflow.set_tracking_uri(f"sqlite:///{folder}/mlflow.db")
    mlflow.set_experiment("bench")
    run = mlflow.start_run(run_name="run", log_system_metrics=False).info.run_id
    (folder / "run_id").write_text(run)
    client = mlflow.MlflowClient()
    waiting: list[Any] = []

    def send() -> None:
        client.log_batch(run, metrics=waiting)
        waiting.clear()

    def log(step: int, norm: float, loss: float) -> None:
        at = time.time_ns() // 1_000_000
        waiting.extend((Metric("grad_norm", norm, at, step), Metric("loss", loss, at, step)))
        if len(waiting) >= 1000:
            send()

    def finish() -> None:
        send()
        mlflow.end_run()

    return Writer(log, finish)


def aim(folder: Path) -> Writer:
    from aim import Run

    run = Run(
        repo=str(folder), experiment="bench", system_tracking_interval=None,
        capture_terminal_logs=False, log_system_params=False,
    )  # fmt: skip
    (folder / "run_id").write_text(run.hash)
    return Writer(lambda step, norm, loss: run.track({"grad_norm": norm, "loss": loss}, step=step), run.close)


def tensorboard(folder: Path) -> Writer:
    return WRITERS["tensorboardx"](folder / "run")


OPENERS: dict[str, Callable[[Path], Writer]] = {
    **WRITERS, "mlflow": mlflow_batches, "aim": aim, "tensorboard": tensorboard,
}  # fmt: skip


def main(name: str, steps: int, folder: Path) -> None:
    norms, losses = series(steps)
    log, finish = OPENERS[name](folder)
    begin = time.perf_counter()
    for step in range(steps):
        log(step, norms[step], losses[step])
    finish()
    print("\n" + json.dumps({"seconds": round(time.perf_counter() - begin, 3)}))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3]))
