"""The object a training logs to: its steps and its readings."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from threading import TIMEOUT_MAX
from typing import Any, Callable, NamedTuple

from .batcher import Batcher
from .clock import steady_clock
from .names import Names
from .notices import Notices
from .recorder import Recorder
from .sender import Sender
from .settings import WrongUse

FINISH_TIMEOUT = 10.0
"""Seconds that `finish` and `flush` wait for the server at the most."""


class FinishReport(NamedTuple):
    """Counts of points: everything is on the server when `unsent`, `refused` and `lost` are 0."""

    sent: int
    unsent: int
    """Not sent yet; in the file `spool` for a later sync."""
    refused: int
    """Refused by the server; kept in the spool's refused file."""
    lost: int
    """Dropped: over the memory bound, and no spool could be written."""
    spool: Path | None
    """The file with the unsent points."""


class Run:
    """
    One training. `log` may be called from any thread, never waits and never raises (but for wrong use when strict).
    Made by `normwatch.init`.
    """

    def __init__(
        self,
        id: str,
        url: str,
        notices: Notices,
        names: Names,
        batcher: Batcher,
        sender: Sender | None,
        *,
        clip: Mapping[str, Any] | None = None,
        optimizer: Any = None,
        log_layers: bool = False,
        clock: Callable[[], float] | None = None,
    ) -> None:
        self.id = id
        self.url = url
        """The run's page."""
        self.log_layers = log_layers
        """Whether the framework callbacks log the norm of each layer."""
        self.notices = notices
        self._clip = clip
        self._max_norm = None if clip is None else clip.get("max_norm")
        self._optimizer = optimizer
        self._clock = clock or steady_clock()
        self._batcher = batcher
        self._sender = sender
        self._is_open = sender is not None
        self._why_closed = "the run is finished" if sender is not None else None
        self._noted: dict[str, Any] = {}
        self._last_names: tuple[str, ...] | None = None
        """The names of the step before: checked already."""
        self._recorder = Recorder(notices, names)

    def log(
        self,
        step: int | None = None,
        *,
        grad_norm: Any = None,
        loss: Any = None,
        lr: Any = None,
        layers: Mapping[str, Any] | None = None,
        scaler: Any = None,
        time: float | None = None,
        **metrics: Any,
    ) -> None:
        """
        Logs the readings of one step and goes on to the next. Without `step`, steps count from 0 (or from `from_step`).
        A reading is a number, or a tensor, array or scalar of one: a tensor on an accelerator is read later, in bulk.
        `grad_norm` is the norm before clipping. `layers` maps a layer's name to its norm. `scaler` is a GradScaler,
        whose scale and skipped steps are recorded: log after `scaler.update()`. `time` is Unix seconds, by default now.
        What `clip_grad_norm_` recorded since the last call belongs to this step.
        """
        if not self._is_open:
            self._refuse_closed()
            return
        try:
            if grad_norm is not None:
                metrics["grad_norm"] = grad_norm
            if loss is not None:
                metrics["loss"] = loss
            if lr is not None:
                metrics["lr"] = lr
            elif self._optimizer is not None:
                metrics["lr"] = self._optimizer.param_groups[0]["lr"]
            if self._noted:
                noted, self._noted = self._noted, {}
                noted.update(metrics)
                metrics = noted
            if layers is not None:
                self._recorder.add_layers(layers, metrics)
            if scaler is not None:
                self._recorder.add_scale(scaler, metrics)
            is_plain = True
            for value in metrics.values():
                if type(value) is not float:
                    is_plain = self._recorder.check_readings(metrics)
                    break
            if tuple(metrics) != self._last_names:
                self._recorder.check_names(metrics)
                self._last_names = tuple(metrics)
            if step is not None:
                step = self._recorder.step(step)
                if step is None:
                    return
            if time is None or not self._recorder.is_time(time):
                time = self._clock()
            self._batcher.add(step, time, metrics, is_plain)
        except WrongUse:
            raise
        except Exception as error:  # a bug here, or a strange object: the training goes on
            self.notices.warn(f"log {type(error)}", f"a step could not be logged: {type(error).__name__}: {error}")

    def note(self, **readings: Any) -> None:
        """Keeps readings for the step that the next `log` completes; a later reading of a name replaces the earlier."""
        if self._is_open:
            self._noted.update(readings)

    def has_noted(self, name: str | None = None) -> bool:
        """Whether a reading (of this name) waits for the next `log`."""
        return bool(self._noted) if name is None else name in self._noted

    def note_scaler(self, scaler: Any) -> None:
        """Keeps the scale of a GradScaler for the step that the next `log` completes."""
        if self._is_open:
            self._recorder.add_scale(scaler, self._noted)

    def declare_parts(self, parts: Mapping[str, Mapping[str, Any]]) -> None:
        """Tells the server how each part of the run clips: `{"critic": {"clip": {…}, "optimizer": "adam"}}`."""
        if self._is_open and self._sender is not None:
            self._sender.change_run({"parts": dict(parts)})

    def note_norm(self, max_norm: float, readings: dict[str, Any]) -> None:
        """What a call that clips by norm at `max_norm` found: as `note_clip`, quickly where it is the usual call."""
        if max_norm == self._max_norm and not self._noted and self._is_open:
            self._noted = readings
            return
        cap = float(max_norm)
        self.note_clip({"mode": "norm", "max_norm": cap} if 0 < cap < math.inf else {"mode": "none"}, readings)

    def note_clip(self, clip: Mapping[str, Any], readings: Mapping[str, Any]) -> None:
        """
        What a clip call found, for the step that the next `log` completes. The first call tells the run how it clips,
        where `init` did not say; a cap other than the run's own is recorded with the step.
        """
        if not self._is_open or self._sender is None:
            return
        if "grad_norm" in self._noted and "grad_norm" in readings:
            self.notices.warn("clipped twice", "a step was clipped twice before run.log(): the later norm is kept")
        if self._clip is None and clip["mode"] != "none":
            self._clip = dict(clip)
            self._max_norm = self._clip.get("max_norm")
            self._sender.change_run({"clip": self._clip})
        self._noted.update(readings)
        cap = clip.get("max_norm")
        if cap is not None and self._clip is not None and cap != self._clip.get("max_norm"):
            self._noted["max_norm"] = cap

    def finish(self, status: str = "finished", *, timeout: float = FINISH_TIMEOUT) -> FinishReport:
        """
        Sends what is left and ends the run as `finished` or `failed`. Returns within about `timeout` seconds; what
        could not be sent is in the spool, and a warning says so. A second call waits for the first, as long as its own
        `timeout` at the most, and returns the same.
        """
        if self._sender is None:
            return FinishReport(0, 0, 0, 0, None)
        timeout = min(timeout, TIMEOUT_MAX)
        if not self._is_open:
            self._sender.end(timeout)
            return self._count(self._sender)
        if self._noted:
            self.log()
        if status not in ("finished", "failed"):
            self.notices.wrong_use("status", f"must be finished or failed, not {status!r}")
            status = "finished"
        self._is_open = False
        self._sender.finish({"status": status}, timeout)
        report = self._count(self._sender)
        if report.spool is not None:
            self.notices.warn(
                "unsent",
                f"{report.unsent} points of run {self.id} are not sent; they are in {report.spool}: "
                "`python -m normwatch sync` sends them",
            )
        if report.lost:
            self.notices.warn("lost", f"{report.lost} points of run {self.id} were lost: no room on disk or in memory")
        return report

    def flush(self, timeout: float = FINISH_TIMEOUT) -> bool:
        """Sends what was logged so far. Returns within `timeout` seconds whether the server has all of it."""
        return self._sender is None or self._sender.flush(min(timeout, TIMEOUT_MAX))

    @property
    def is_open(self) -> bool:
        """Whether `log` still records: not after `finish`, not when disabled, not in the child of a fork."""
        return self._is_open

    def forget(self) -> None:
        """For the child of a fork: the run belongs to the parent, and logging here does nothing."""
        self._is_open = False
        self._why_closed = "it belongs to the process that made it (this one was forked from it)"
        if self._sender is not None:
            self._sender.forget()
            self._sender = None

    def end_by_signal(self, timeout: float) -> None:
        """Ends the run as failed, from a signal handler after which nothing else runs."""
        self._batcher.abandon()
        self.finish("failed", timeout=timeout)

    def __enter__(self) -> Run:
        return self

    def __exit__(self, kind: object, error: object, traceback: object) -> None:
        self.finish("finished" if kind is None else "failed")

    def _count(self, sender: Sender) -> FinishReport:
        outbox = sender.outbox
        lost = outbox.dropped + self._batcher.dropped + sender.points_in_memory
        return FinishReport(sender.sent, outbox.unsent, outbox.refused, lost, outbox.spool)

    def _refuse_closed(self) -> None:
        if self._why_closed is not None:
            self.notices.warn("closed", f"log() does nothing: {self._why_closed}")
