"""How each tracker logs two readings per step: with its fastest settings and without extras."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Callable, NamedTuple


class Writer(NamedTuple):
    log: Callable[[int, float, float], Any]
    """A log call: step, gradient norm, loss."""
    finish: Callable[[], Any]


def nothing(folder: Path) -> Writer:
    return Writer(lambda step, norm, loss: None, lambda: None)


def normwatch(folder: Path) -> Writer:
    """To a server over HTTP. `NORMWATCH_URL` names the server."""
    import normwatch

    run = normwatch.init("bench", spool_dir=folder)

    def finish() -> None:
        report = run.finish(timeout=120)
        assert report.unsent + report.refused + report.lost == 0, report

    return Writer(lambda step, norm, loss: run.log(step, grad_norm=norm, loss=loss), finish)


def trackio(folder: Path) -> Writer:
    """Into its local SQLite file."""
    os.environ["TRACKIO_DIR"] = str(folder)
    import trackio

    trackio.init(project="bench", name="run", embed=False, auto_log_gpu=False, auto_log_cpu=False)
    return Writer(lambda step, norm, loss: trackio.log({"grad_norm": norm, "loss": loss}, step=step), trackio.finish)


def wandb(folder: Path) -> Writer:
    import wandb

    quiet = wandb.Settings(x_disable_stats=True, x_disable_meta=True, console="off", silent=True)
    run = wandb.init(project="bench", mode="offline", dir=folder, settings=quiet)
    return Writer(lambda step, norm, loss: run.log({"grad_norm": norm, "loss": loss}, step=step), run.finish)


def swanlab(folder: Path) -> Writer:
    import swanlab

    swanlab.init(project="bench", mode="offline", log_dir=str(folder))
    return Writer(lambda step, norm, loss: swanlab.log({"grad_norm": norm, "loss": loss}, step=step), swanlab.finish)


def tensorboardx(folder: Path) -> Writer:
    from tensorboardX import SummaryWriter

    writer = SummaryWriter(str(folder))

    def log(step: int, norm: float, loss: float) -> None:
        writer.add_scalar("grad_norm", norm, step)
        writer.add_scalar("loss", loss, step)

    return Writer(log, writer.close)


def aim(folder: Path) -> Writer:
    from aim import Run

    run = Run(
        repo=str(folder), experiment="bench", system_tracking_interval=None,
        capture_terminal_logs=False, log_system_params=False,
    )  # fmt: skip
    return Writer(lambda step, norm, loss: run.track({"grad_norm": norm, "loss": loss}, step=step), run.close)


def mlflow(folder: Path) -> Writer:
    """Directly into SQLite, one call per step."""
    import mlflow

    mlflow.set_tracking_uri(f"sqlite:///{folder}/mlflow.db")
    mlflow.set_experiment("bench")
    mlflow.start_run(run_name="run", log_system_metrics=False)
    return Writer(
        lambda step, norm, loss: mlflow.log_metrics({"grad_norm": norm, "loss": loss}, step=step), mlflow.end_run
    )


WRITERS: dict[str, Callable[[Path], Writer]] = {
    writer.__name__: writer for writer in (nothing, normwatch, trackio, wandb, swanlab, tensorboardx, aim, mlflow)
}
