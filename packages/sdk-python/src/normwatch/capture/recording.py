"""The run that captured steps are recorded to."""

from __future__ import annotations

from collections.abc import Mapping
from threading import RLock
from typing import Any
from weakref import WeakKeyDictionary

from ..current import made_here, open_runs
from ..noted import MAX_PARTS
from ..readings import is_on_device
from ..run import Run
from ..start import init
from .agreement import Agreement
from .clip_call import ClipCall
from .made import MadeOptimizers
from .parts import Part, Parts
from .pending import Pending
from .run_config import training_config
from .seen_settings import SeenSettings
from .usual_step import UsualStep


class Recording:
    """Records to the run that the training has made itself, else to a run of our own. The training's own logs win."""

    def __init__(
        self,
        settings: SeenSettings | None,
        init_arguments: Mapping[str, Any],
        agreement: Agreement,
        names: WeakKeyDictionary[Any, str],
    ) -> None:
        """`names`: those that the user gave to optimizers."""
        self._settings = settings
        self._init_arguments = init_arguments
        self._run: Run | None = None
        self.is_own = True
        """Whether the run is created here. If so, its steps are logged here too."""
        self.agreement = agreement
        self.parts = Parts(names)
        self.stepped: set[Part] = set()
        """The parts that have stepped and whose readings wait for `run.log`."""
        self.lock = RLock()
        """Held while a step is recorded, as threads may train at once."""
        self._declared: Any = None
        """The clip rule that was declared to the server: the same object, so that it can be compared with `is`."""

    def follow(self, run: Run) -> None:
        """Records to a run that the training has made."""
        self._run, self.is_own = run, False
        self.parts.of_thread = made_here(run)

    def holds(self, run: Run) -> bool:
        return self._run is run

    @property
    def is_open(self) -> bool:
        return self._run is not None and self._run.is_open

    def run(self, made: MadeOptimizers) -> Run:
        """The run of the training, else a new run of our own."""
        if self._run is None:
            single = self.parts.single
            # if the optimizers were created before the capture began, there may be more of them
            optimizer = single.kind if single is not None and made.saw_creation else None
            arguments: dict[str, Any] = {}
            if self._settings is not None:
                arguments["config"] = {**training_config(), **self._settings.as_config()}
            if optimizer is not None:
                arguments["optimizer"] = optimizer
            self._run = init(**{**arguments, **self._init_arguments})
        return self._run

    def current(self) -> Run | None:
        """The run that is recorded to now, if there is one already."""
        return self._run if self.is_open else None

    def add_step(
        self, run: Run, pending: Pending, part: Part, optimizer: Any
    ) -> tuple[ClipCall | None, dict[str, Any]]:
        """Adds the readings of a step. Returns its clip call and its other readings."""
        call = pending.clip_of(part.ids)
        if not part.is_recorded:
            self._pass_over(run, pending, part, call)
            return None, {}
        if part in self.stepped:
            self.complete_step(run, pending)
        self.stepped.add(part)
        if call is not None:
            if self.parts.single is not None or part.ids.issuperset(call.ids):
                pending.forget(call)
                self._note_clip(run, part, call)
            else:
                # one call for the parameters of several optimizers: the norm belongs to the whole training
                self._note_clip(run, Part(None, optimizer), call)
        readings: dict[str, Any] = {}
        loss = pending.losses.take()
        if loss is not None:
            readings[part.reading("loss")] = loss
        change = part.groups.change(optimizer)
        if change is not None:
            run.mark_next("lr group changed", change)
        readings.update(part.rates(optimizer))
        self._note(run, readings)
        return call, readings

    def _pass_over(self, run: Run, pending: Pending, part: Part, call: ClipCall | None) -> None:
        """Drops the readings of a part that is not recorded."""
        run.notices.warn(
            "capture parts",
            f"the training has more than {MAX_PARTS} optimizers, and a run at most {MAX_PARTS} parts: the steps of "
            f"{part.name} and of later ones are not recorded",
        )
        pending.losses.clear()
        if call is not None and part.ids.issuperset(call.ids):
            pending.forget(call)

    def complete_step(self, run: Run, pending: Pending) -> None:
        """Called before the next step's readings are added. Logs the last step, unless the training has logged it."""
        if self.stepped and run.has_noted():
            run.log()
        self.stepped.clear()
        pending.forget_recorded()

    def end_step(self, run: Run, pending: Pending, scaler: Any = None) -> None:
        """Logs the step of our own run. A run that the training made is logged by the training before the next step."""
        if self.is_own:
            run.log(scaler=scaler)
            self.stepped.clear()
            pending.clips.clear()
        elif scaler is not None and not run.has_noted("loss_scale"):
            run.note_scaler(scaler)

    def log_skipped(
        self, made: MadeOptimizers, pending: Pending, clip: dict[str, Any], readings: Mapping[str, Any], loss: Any
    ) -> None:
        """Logs a step that was clipped and then skipped. Its norm is recorded, because it explains why."""
        with self.lock:
            run = self.run(made)
            self.complete_step(run, pending)
            known = {} if loss is None else {"loss": loss}
            run.note_clip(clip, {**readings, **known, "skipped": 1.0})
            self.end_step(run, pending)

    def _note(self, run: Run, readings: Mapping[str, Any]) -> None:
        """Adds readings to the step that the next `run.log` completes."""
        run.note(**(readings if self.is_own else _not_noted(run, readings)))

    def _note_clip(self, run: Run, part: Part, call: ClipCall) -> None:
        call.is_recorded = True
        readings: Mapping[str, Any] = call.readings
        if part.name is None:
            self._compare(run, readings)
            readings = _not_noted(run, readings) if run.has_noted() else readings
            if readings:
                run.note_clip(call.clip, readings)
                if run.noted.declares(call.clip):
                    self._declared = call.clip
            return
        cap = call.clip.get("max_norm")
        if is_on_device(cap):
            readings = {**readings, "max_norm": cap}
        elif call.clip != part.clip:
            part.clip = call.clip
            run.noted.declare_part(part.name, {"clip": part.clip, "optimizer": part.kind})
        self._note(run, {part.reading(name): value for name, value in readings.items()})

    def _compare(self, run: Run, readings: Mapping[str, Any]) -> None:
        """Compares the norm of a step over the ranks. It is the norm of the whole model, so it should be the same."""
        if "grad_norm" in readings:
            try:
                said = self.agreement.add(readings["grad_norm"], run.is_open)
            except Exception as error:  # it must not cost the readings of the step
                self.agreement.is_over = True
                run.notices.warn("ranks", f"the norms of the ranks are not compared: {error}")
                return
            if said is not None:
                run.event("ranks disagree", text=f"The ranks see different norms: {said}")
                run.notices.warn(
                    "ranks",
                    f"the norms recorded are of one rank's gradients, not of the whole model's: {said}",
                )

    def usual_step(
        self,
        run: Run,
        part: Part,
        optimizer: Any,
        call: ClipCall | None,
        readings: Mapping[str, Any],
        pending: Pending,
        measures: bool,
    ) -> UsualStep | None:
        """
        The fast path for steps like the one just recorded, which had this clip call and these other readings. None if
        such steps cannot be logged at once: something new to declare, another open run, or tensors on a device.
        """
        if not self.is_own or call is None or call.clip is not self._declared or open_runs() != [run]:
            return None
        if list(call.readings) != ["grad_norm"] or set(map(type, (*call.readings.values(), *readings.values()))) != {
            float
        }:
            return None
        if "loss" not in readings or len(readings) != 1 + len(optimizer.param_groups) or not call.concerns(part.ids):
            return None
        return UsualStep(run, part, optimizer, call, readings, pending, self.agreement, measures)


def _not_noted(run: Run, readings: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in readings.items() if not run.has_noted(name)}
