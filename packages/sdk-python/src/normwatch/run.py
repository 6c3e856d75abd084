"""The run, the object that a training logs to."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from threading import TIMEOUT_MAX, get_ident
from typing import TYPE_CHECKING, Any, Callable, NamedTuple

from . import clipping, current
from .batch_ids import BatchIds
from .batcher import Batcher, StepCounter
from .clock import steady_clock
from .config import RunConfig
from .current import enter, leave, make_current, take_undecided
from .exit_codes import is_failure
from .fields import clip_of, event_fault, is_part_name
from .flatten import flatten
from .names import Names
from .noted import Noted, with_part
from .notices import Notices
from .optimizers import LearningRates, name_of
from .parts import Part
from .preemption import status_at_end
from .recorder import Recorder
from .sender import Sender
from .settings import WrongUse

if TYPE_CHECKING:
    import torch

FINISH_TIMEOUT = 10.0
"""The most seconds that `finish` and `flush` wait for the server."""

STATUSES = ("finished", "failed", "preempted")


class FinishReport(NamedTuple):
    """Counts of points. Everything is on the server if `unsent`, `refused` and `lost` are 0."""

    sent: int
    unsent: int
    """Not sent yet, but kept in the file `spool` for a later sync."""
    refused: int
    """Refused by the server, in whole or in part, and kept in the spool's refused file."""
    lost: int
    """Dropped, because memory was full and no spool could be written."""
    spool: Path | None
    """The file with the unsent points."""


class Run:
    """
    One training, created by `normwatch.init`. `log` can be called from any thread. It never waits and never raises,
    except `WrongUse` if strict.
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
        config: Mapping[str, Any] | None = None,
        log_layers: bool = False,
        clock: Callable[[], float] | None = None,
    ) -> None:
        self.id = id
        self.url = url
        """The run's page."""
        self.log_layers = log_layers
        """Whether the framework callbacks log the norm of each layer."""
        self.notices = notices
        self.config = RunConfig(config or {}, self._change, notices.wrong_use)
        """The run's config, a dictionary. Changes are sent to the server."""
        self._rates = LearningRates.of(optimizer)
        self._clock = clock or steady_clock()
        self._batcher = batcher
        self._sender = sender
        self._is_open = sender is not None
        self._why_closed = "the run is finished" if sender is not None else None
        self.noted = Noted(clip, self._change, notices, self.mark_next, names.add_part)
        """The readings of clip calls since the last `log`."""
        self._parts: dict[str, Part] = {}
        self._first_step = batcher.steps.next
        self._made_by = get_ident()
        self._logged_by: int | None = None
        self._failed_at: int | None = None
        """The number of rows logged when something went wrong, else None."""
        self._last_names: tuple[str, ...] | None = None
        """The names of the step before, which are already checked."""
        self._recorder = Recorder(notices, names)

    def log(
        self,
        data: Mapping[str, Any] | int | None = None,
        /,
        step: int | None = None,
        *,
        grad_norm: Any = None,
        loss: Any = None,
        lr: Any = None,
        layers: Mapping[str, Any] | None = None,
        scaler: Any = None,
        time: float | None = None,
        batch: Any = None,
        **metrics: Any,
    ) -> None:
        """
        Logs the readings of one step and advances to the next. Without `step`, steps count from 0 or from `from_step`.
        A reading is a number, or a tensor, array or scalar of one number. A tensor on an accelerator is read later, in
        bulk. `grad_norm` is the norm before clipping. `layers` maps layer names to norms. `scaler` is a GradScaler:
        its scale and skipped steps are recorded, so call `log` after `scaler.update()`. `time` is Unix seconds, by
        default now. `batch` names the batch of this step: a text, ids, or a function that is called only if its answer
        is needed. It is sent only for steps with a suspicious norm, and for the two steps before and after them.
        What `clip_grad_norm_` recorded since the last call belongs to this step. The readings can also be given as one
        dictionary, `run.log({"loss": 2.1})`, in which `{"train": {"loss": 2.1}}` becomes `train/loss`.
        """
        if not self._is_open:
            self._refuse_closed()
            return None
        try:
            if data is not None:
                if isinstance(data, Mapping):
                    named = {"step": step, "grad_norm": grad_norm, "loss": loss, "lr": lr, "layers": layers}
                    also = {"scaler": scaler, "time": time, "batch": batch, **metrics}
                    given = {name: value for name, value in {**named, **also}.items() if value is not None}
                    return self.log(**{**flatten(data), **given})
                step = data if step is None else step
            if current.undecided_calls:
                for note in take_undecided():
                    note(self)
            if grad_norm is not None:
                metrics["grad_norm"] = grad_norm
            if loss is not None:
                metrics["loss"] = loss
            if lr is not None:
                metrics["lr"] = lr
            elif self._rates is not None:
                self._rates.add(metrics, self._rates.first())
                change = self._rates.change_of_groups()
                if change is not None:
                    self.mark_next("lr group changed", change)
            if self.noted.readings:
                metrics = {**self.noted.take(), **metrics}
                if self._parts:
                    self._add_part_rates(metrics)
            if layers is not None:
                self._recorder.add_layers(layers, metrics)
            if scaler is not None:
                self._recorder.add_scale(scaler, metrics)
            if batch is not None:
                metrics["batch"] = BatchIds(batch)
            self._add(step, time, metrics, None)
        except WrongUse:
            raise
        except Exception as error:  # a bug here, or a strange object: the training goes on
            self.notices.warn_of(error, "log", "a step could not be logged")

    def _add(self, step: Any, time: Any, readings: dict[str, Any], steps: StepCounter | None) -> None:
        is_plain = True
        for value in readings.values():
            if type(value) is not float:
                is_plain = self._recorder.check_readings(readings)
                break
        if tuple(readings) != self._last_names:
            self._recorder.check_names(readings)
            self._last_names = tuple(readings)
        if step is not None:
            step = self._recorder.step(step)
            if step is None:
                return
        if time is None or not self._recorder.is_time(time):
            time = self._clock()
        self._logged_by = get_ident()
        self._batcher.add(step, time, readings, is_plain, steps)

    def log_floats(self, readings: dict[str, Any]) -> None:
        """A fast `log` of a step of which all readings are floats and have names that were logged before."""
        self._logged_by = get_ident()
        self._batcher.add(None, self._clock(), readings, True)

    def event(self, label: str, *, text: str | None = None, step: int | None = None) -> None:
        """
        Marks a step on the charts, such as a checkpoint or a change of the data. `label` has 1 to 128 characters,
        `text` at most 2,048. `step` is by default the last step logged. A run has at most 10,000 events.
        """
        if not self._is_open or self._sender is None:
            return
        fault = event_fault(label, text)
        if fault is not None:
            self.notices.wrong_use(*fault)
            return
        at = self._batcher.last_step() if step is None else self._recorder.step(step)
        if at is not None:
            about = {} if text is None else {"text": text}
            self._sender.add_event({"step": at, "time": self._clock(), "label": label, **about})

    def mark_next(self, label: str, text: str) -> None:
        """Marks the step that the next `log` completes."""
        self.event(label, text=text, step=self._batcher.next_step())

    def part(
        self, name: str, *, max_norm: float | None = None, clip_value: float | None = None, optimizer: Any = None
    ) -> Part:
        """
        A part of this run, for a training that clips several networks separately: `run.part("generator")`. A run has at
        most 16 parts. `name` has 1 to 64 characters, without "/". `max_norm` or `clip_value` says how the part clips;
        without them, its first clip call does. If `optimizer` (torch) is given, its name is recorded, and its `lr` with
        every step.
        """
        part = self._parts.get(name)
        if part is None:
            if not is_part_name(name):
                self.notices.wrong_use("part", f'must be 1 to 64 characters without "/", not {name!r}')
            part = Part(self, str(name).replace("/", "-")[:64], self._first_step)
            if not self.noted.may_have(part.name):
                return part
            self._parts[name] = part
        clip = clip_of(max_norm, clip_value, self.notices.wrong_use)
        fields: dict[str, Any] = {} if clip is None else {"clip": clip}
        if optimizer is not None:
            part.rates = LearningRates.of(optimizer)
            fields["optimizer"] = name_of(optimizer)
        if fields and self._is_open:
            self.noted.declare_part(part.name, fields)
        return part

    def log_part(self, part: Part, data: Any, step: Any, time: Any, readings: dict[str, Any]) -> None:
        """Logs one step of a part, for `part.log`."""
        if not self._is_open:
            self._refuse_closed()
            return
        try:
            if isinstance(data, Mapping):
                readings = {**flatten(data), **readings}
            elif data is not None and step is None:
                step = data
            if part.rates is not None and readings.get("lr") is None:
                readings["lr"] = part.rates.first()
            if not self.noted.may_have(part.name):
                return
            row = {**self.noted.take_part(part.name), **part.renamed(readings)}
            self._add(step, time, row, part.steps)
        except WrongUse:
            raise
        except Exception as error:
            self.notices.warn_of(error, "log", "a step could not be logged")

    def _add_part_rates(self, metrics: dict[str, Any]) -> None:
        for part in self._parts.values():
            if part.rates is not None and with_part("grad_norm", part.name) in metrics:
                metrics.setdefault(with_part("lr", part.name), part.rates.first())

    def clip_grad_norm_(
        self,
        parameters: clipping.Parameters,
        max_norm: float,
        norm_type: float = 2.0,
        error_if_nonfinite: bool = False,
        foreach: bool | None = None,
        *,
        part: str | None = None,
    ) -> torch.Tensor:
        """`normwatch.clip_grad_norm_`, recorded for this run."""
        return clipping.clip_grad_norm_(
            parameters, max_norm, norm_type, error_if_nonfinite, foreach, run=self, part=part
        )

    def clip_grad_value_(
        self,
        parameters: clipping.Parameters,
        clip_value: float,
        foreach: bool | None = None,
        *,
        part: str | None = None,
    ) -> None:
        """`normwatch.clip_grad_value_`, recorded for this run."""
        clipping.clip_grad_value_(parameters, clip_value, foreach, run=self, part=part)

    def grad_norm(
        self, parameters: clipping.Parameters, norm_type: float = 2.0, *, part: str | None = None
    ) -> torch.Tensor:
        """`normwatch.grad_norm`, recorded for this run."""
        return clipping.grad_norm(parameters, norm_type, run=self, part=part)

    def note(self, **readings: Any) -> None:
        """Keeps readings for the step that the next `log` completes. A later reading of a name replaces the earlier."""
        if self._is_open:
            self.noted.readings.update(readings)

    def has_noted(self, name: str | None = None) -> bool:
        """Whether a reading (of this name) waits for the next `log`."""
        return bool(self.noted.readings) if name is None else name in self.noted.readings

    def note_scaler(self, scaler: Any) -> None:
        """Keeps the scale of a GradScaler for the step that the next `log` completes."""
        if self._is_open:
            self._recorder.add_scale(scaler, self.noted.readings)

    def note_clip(self, clip: Mapping[str, Any], readings: Mapping[str, Any]) -> None:
        """Keeps the readings of a clip call for the step that the next `log` completes."""
        if self._is_open:
            self.noted.clip(None, None, clip, readings)

    def _change(self, changes: dict[str, Any]) -> None:
        if self._is_open and self._sender is not None:
            self._sender.change_run(changes)

    def finish(self, status: str = "finished", *, timeout: float = FINISH_TIMEOUT) -> FinishReport:
        """
        Sends the rest and ends the run as `finished`, `failed` or `preempted`. Returns within about `timeout` seconds.
        What could not be sent is kept in the spool, with a warning. A second call waits for the first one, for at most
        its own `timeout`, and returns the same report.
        """
        if self._sender is None:
            return FinishReport(0, 0, 0, 0, None)
        timeout = min(timeout, TIMEOUT_MAX)
        if not self._is_open:
            self._sender.end(timeout)
            return self._count(self._sender)
        if self.noted.readings:
            self.log()
        if status not in STATUSES:
            self.notices.wrong_use("status", f"must be finished, failed or preempted, not {status!r}")
            status = "finished"
        self._is_open = False
        self._sender.finish({"status": status}, timeout)
        report = self._count(self._sender)
        if report.spool is not None:
            what = f"{report.unsent} points of run {self.id} are" if report.unsent else f"run {self.id} is"
            self.notices.warn("unsent", f"{what} not sent, but kept: `python -m normwatch sync` sends {report.spool}")
        if report.lost:
            self.notices.warn("lost", f"{report.lost} points of run {self.id} were lost: no room on disk or in memory")
        return report

    def flush(self, timeout: float = FINISH_TIMEOUT) -> bool:
        """Sends what was logged so far. Returns, within `timeout` seconds, whether the server has all of it."""
        return self._sender is None or self._sender.flush(min(timeout, TIMEOUT_MAX))

    @property
    def is_open(self) -> bool:
        """Whether `log` still records. False after `finish`, if disabled, and in the child of a fork."""
        return self._is_open

    def forget(self) -> None:
        """For the child of a fork: closes the run here without sending, because it belongs to the parent."""
        self._is_open = False
        self._why_closed = "it belongs to the process that made it (this one was forked from it)"
        if self._sender is not None:
            self._sender.forget()
            self._sender = None

    def end_by_signal(self, status: str, timeout: float) -> None:
        """Ends the run from a signal handler after which nothing else runs."""
        self._batcher.abandon()
        self.finish(status, timeout=timeout)

    def mark_failed(self) -> None:
        """Something went wrong that may end the training. The run will end as failed, unless it logs more steps."""
        self._failed_at = self._batcher.added

    @property
    def is_marked_failed(self) -> bool:
        return self._failed_at == self._batcher.added

    @property
    def threads(self) -> tuple[int | None, int | None]:
        """The ids of the thread that created the run and of the thread that logged last."""
        return self._made_by, self._logged_by

    def __enter__(self) -> Run:
        make_current(self)
        enter(self)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: object) -> None:
        leave(self)
        self.finish(status_at_end(failed=error is not None and is_failure(error)))

    def __repr__(self) -> str:
        state = "open" if self._is_open else self._why_closed or "records nothing"
        return f"<normwatch run {self.id!r}, {state}, {self._batcher.added} steps logged, {self.url}>"

    def _count(self, sender: Sender) -> FinishReport:
        outbox = sender.outbox
        lost = outbox.dropped + self._batcher.dropped + sender.points_in_memory
        return FinishReport(sender.sent, outbox.unsent, outbox.refused, lost, outbox.spool)

    def _refuse_closed(self) -> None:
        if self._why_closed is not None:
            self.notices.warn("closed", f"log() does nothing: {self._why_closed}")
