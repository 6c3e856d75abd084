"""Puts together what a training did since its last step, from the calls that it makes anyway."""

from __future__ import annotations

import contextlib
import functools
import os
import weakref
from collections.abc import Iterator, Sequence
from typing import Any, Callable

from ..clipping import before_clamping, is_sharded, is_sharded_type, whole
from ..notices import Notices
from ..optimizers import unwrap
from ..parameters import Given, local_reason
from ..run import Run
from .clip_call import ClipCall
from .forgiving import forgiving
from .losses import PendingLosses
from .measure import are_small, kept, norm_of_gradients, norm_of_small
from .parts import Part, Parts
from .recording import Recording
from .saved_files import SavedFiles
from .seen_settings import SeenSettings
from .sharding import all_ranks_watch

NOT_CLIPPED: dict[str, Any] = {"mode": "none"}


class CapturedTraining:
    """
    The trainings of this process. Each `on_…` method is called by a wrapped function of torch. It raises nothing, does
    not wait for a device, and keeps no graph, gradient or activation alive.
    """

    def __init__(self, measure_every: int, log_config: bool, init_arguments: dict[str, Any]) -> None:
        self._measure_every = measure_every
        self.settings = SeenSettings() if log_config else None
        """The settings that the program has read; None if the config is not recorded."""
        self._begin = functools.partial(Recording, self.settings, init_arguments)
        self._notices = Notices(strict=False)
        self._made: list[weakref.ref[Any]] = []
        self._reset()
        if hasattr(os, "register_at_fork"):
            weak = weakref.ref(self)
            os.register_at_fork(after_in_child=lambda: _reset_if_alive(weak))

    def _reset(self) -> None:
        self._recording = self._begin()
        self._parts = Parts()
        self._saved = SavedFiles()
        self._losses = PendingLosses()
        self._clips: list[ClipCall] = []
        self._stepped: set[Part] = set()
        """The parts that have stepped and whose readings wait for `run.log`."""
        self._scaled_step: Any = None
        """The optimizer that a GradScaler is about to step."""
        self.engine_depth = 0
        self._cap: float | None = None
        self._clip = NOT_CLIPPED
        """The rule of the last clip call by norm, for the cap `_cap`. Cached, as most trainings have only one."""

    # Calls of torch

    @forgiving("backward")
    def on_backward(self, root: Any) -> None:
        if not self.engine_depth:
            self._losses.add(root)

    @forgiving("GradScaler.scale")
    def on_scale(self, outputs: Any, scaled: Any) -> None:
        self._losses.remember_scaled(outputs, scaled)

    @forgiving("clip_grad_norm_")
    def on_clip_norm(self, tensors: list[Any], total: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        max_norm = args[1] if len(args) > 1 else kwargs.get("max_norm")
        norm_type = args[2] if len(args) > 2 else kwargs.get("norm_type", 2.0)
        self._on_norm(tensors, total, max_norm, norm_type)

    @forgiving("clip_grads_with_norm_")
    def on_clip_with_norm(self, tensors: list[Any], _: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        max_norm = args[1] if len(args) > 1 else kwargs.get("max_norm")
        total = args[2] if len(args) > 2 else kwargs.get("total_norm")
        self._on_norm(tensors, total, max_norm, 2.0)

    def _on_norm(self, tensors: list[Any], total: Any, max_norm: Any, norm_type: Any) -> None:
        reason = local_reason(tensors[0]) if tensors else None
        if reason is not None:
            self._refuse_local(reason)
            return
        if is_sharded(total):
            if not self._may_gather():
                return
            total = whole(total)
        self._add_norm(tensors, total, max_norm, norm_type)

    @forgiving("clip_grad_norm_")
    def on_global_norm(self, tensors: list[Any], total: Any, max_norm: Any, norm_type: Any) -> None:
        """A framework's own clip call, which returns the norm over all ranks."""
        self._add_norm(tensors, total, max_norm, norm_type)

    def _add_norm(self, tensors: list[Any], total: Any, max_norm: Any, norm_type: Any) -> None:
        if float(norm_type) != 2.0:
            self.tell_once(
                "norm type", f"the training clips by its {norm_type}-norm: only L2 norms are recorded and compared"
            )
            return
        if max_norm != self._cap:
            cap = float(max_norm)
            self._clip = {"mode": "norm", "max_norm": cap} if 0 < cap < float("inf") else NOT_CLIPPED
            self._cap = cap
        self._add_clip(self._new_call(tensors, self._clip, {"grad_norm": kept(total)}))

    @forgiving("clip_grad_value_")
    def on_clip_value(self, tensors: list[Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """Called before the gradients are clamped."""
        clip_value = float(args[1] if len(args) > 1 else kwargs["clip_value"])
        gradients = [tensor.grad for tensor in tensors if tensor.grad is not None]
        if tensors and local_reason(tensors[0]) is None and not any(map(is_sharded, gradients)):
            readings = before_clamping(Given(tensors), clip_value)
            clip = {"mode": "value", "clip_value": clip_value}
            self._add_clip(self._new_call(tensors, clip, readings))

    def _new_call(self, parameters: Sequence[Any], clip: dict[str, Any], readings: dict[str, Any]) -> ClipCall:
        if len(self._made) > 1 or self._parts.count > 1:
            # a call for the parameters of all optimizers, while only one of them has gradients, was for that one
            parameters = [parameter for parameter in parameters if parameter.grad is not None]
        losses = self._losses
        return ClipCall(parameters, clip, readings, losses.mean(), len(losses))

    def _add_clip(self, call: ClipCall) -> None:
        if self._clips:
            for earlier in [other for other in self._clips if other.ids == call.ids]:
                if earlier.is_of_same_gradients(call):
                    return  # clipped twice: the first call saw the norm before clipping
                self._clips.remove(earlier)
                if earlier.was_dropped and not earlier.is_recorded:
                    self._record_dropped(earlier)
        self._clips.append(call)

    def _record_dropped(self, call: ClipCall) -> None:
        """The training clipped and then skipped the step. Its norm is recorded, because it explains why."""
        run = self._ensure_run()
        self._complete_step(run)
        loss = {} if call.loss is None else {"loss": call.loss}
        self._losses.drop(call.micro_batches)
        run.note_clip(call.clip, {**call.readings, **loss, "skipped": 1.0})
        self._end_step(run)

    @forgiving("Optimizer")
    def on_optimizer_made(self, optimizer: Any) -> None:
        self._made = [ref for ref in self._made if ref() is not None]
        self._made.append(weakref.ref(optimizer))

    @forgiving("Optimizer.step")
    def on_before_step(self, optimizer: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """The step's arguments if they must change: a closure, which computes gradients inside the step, is wrapped."""
        if self.engine_depth:
            return None
        closure = args[1] if len(args) > 1 else kwargs.get("closure")
        if not callable(closure):
            self._measure(optimizer)
            return None
        watched = self._watch_closure(optimizer, closure)
        return ((args[0], watched, *args[2:]), kwargs) if len(args) > 1 else (args, {**kwargs, "closure": watched})

    def _watch_closure(self, optimizer: Any, closure: Callable[[], Any]) -> Callable[[], Any]:
        """Wraps the closure. Its first call gives the loss and the norm; later calls belong to a line search."""
        evaluated = False

        def watched() -> Any:
            nonlocal evaluated
            result = closure()
            if not evaluated:
                evaluated = True
                self._on_first_evaluation(optimizer)
            return result

        return watched

    @forgiving("closure")
    def _on_first_evaluation(self, optimizer: Any) -> None:
        self._measure(optimizer)
        self._losses.freeze()

    def _measure(self, optimizer: Any) -> None:
        """Measures the norm of gradients that were not clipped. If they are sharded, every rank must take part."""
        if self._recording.is_over():
            self._made = self._parts.forget(self._made)
        part = self._parts.of(optimizer, self._made)
        part.steps += 1
        every = self._measure_every
        is_due = every > 0 and part.steps % every == 0
        # at its first step each rank announces itself, because others that measure at this step wait for it
        if not (is_due or (every and part.steps == 1)) or (self._clips and self._clip_of(part) is not None):
            return
        parameters = [p for group in optimizer.param_groups for p in group["params"]]
        gradients = [gradient for p in parameters if (gradient := p.grad) is not None]
        if not gradients:
            return
        small = norm_of_small(gradients) if is_due and part.small_gradients == len(gradients) else None
        if small is not None:
            self._add_measured(parameters, optimizer, small)
            return
        reason = local_reason(parameters[0])
        if reason is not None:
            self._refuse_local(reason)
            return
        if any(map(is_sharded_type, set(map(type, gradients)))) and not self._may_gather():
            return
        if not is_due:
            return
        part.small_gradients = len(gradients) if are_small(gradients) else 0
        norm = norm_of_gradients(gradients)
        if norm is not None:
            self._add_measured(parameters, optimizer, norm)

    def _add_measured(self, parameters: list[Any], optimizer: Any, norm: Any) -> None:
        scale = getattr(optimizer, "grad_scale", None)  # a fused optimizer unscales inside its kernel
        norm = norm if scale is None else norm / scale
        self._clips.append(self._new_call(parameters, NOT_CLIPPED, {"grad_norm": kept(norm)}))

    @forgiving("Optimizer.step")
    def on_after_step(self, optimizer: Any) -> None:
        if self.engine_depth or self._log_usual_step(optimizer):
            return
        self._record_step(optimizer)
        if self._scaled_step is None and self._parts.single is not None:
            self._end_step(self._ensure_run())

    def _log_usual_step(self, optimizer: Any) -> bool:
        """
        The fast path for the usual step: one optimizer, whose gradients were clipped or measured once, by the rule that
        the server knows. It uses as few lines as possible, since the processor's caches are cold between two steps.
        """
        part, clips = self._parts.single, self._clips
        if part is None or len(clips) != 1 or self._stepped or self._scaled_step is not None:
            return False
        call = clips[0]
        run = self._ensure_run()
        if part.optimizer is not optimizer or not self._recording.is_usual(call.clip) or run.has_noted():
            return False
        if not call.concerns(part.ids):
            return False
        self._recording.compare(run, call.readings)
        run.log(**call.readings, **self._readings_of(run, part, optimizer))
        clips.clear()
        return True

    @forgiving("GradScaler.step")
    def on_before_scaler_step(self, scaler: Any, optimizer: Any) -> None:
        self._scaled_step = optimizer if scaler.is_enabled() else None

    @forgiving("GradScaler.step")
    def on_after_scaler_step(self, optimizer: Any) -> None:
        inner = unwrap(optimizer)
        if self._scaled_step is not None and self._parts.of(inner, self._made) not in self._stepped:
            # found_inf: the scaler has skipped the step
            self._measure(inner)
            self._record_step(inner)
        self._scaled_step = None

    @forgiving("GradScaler.update")
    def on_scaler_update(self, scaler: Any) -> None:
        if self._stepped and scaler.is_enabled():
            self._end_step(self._ensure_run(), scaler=scaler)

    @forgiving("torch.save")
    def on_saved(self, target: Any) -> None:
        """Something was saved by `torch.save`, to a path or an open file."""
        run = self._recording.current()
        name = target if isinstance(target, (str, os.PathLike)) else getattr(target, "name", None)
        if run is not None and isinstance(name, (str, os.PathLike)):
            # a second event with the same label and step replaces the first
            run.event("checkpoint", text=self._saved.add(os.path.basename(os.fspath(name)), self._parts.steps) or None)

    @contextlib.contextmanager
    def inside_engine(self) -> Iterator[None]:
        """Ignores the optimizers that an engine steps internally: the engine reports for them."""
        self.engine_depth += 1
        try:
            yield
        finally:
            self.engine_depth -= 1

    @forgiving("backward")
    def on_engine_backward(self, loss: Any) -> None:
        self._losses.add(loss)

    @forgiving("step")
    def on_engine_step(self, optimizer: Any, tell: Callable[[], tuple[Any, Any]]) -> None:
        """An engine with this optimizer has stepped. `tell` returns the global norm (or None) and the cap."""
        norm, cap = tell()
        clip = {"mode": "norm", "max_norm": float(cap)} if cap and cap > 0 else NOT_CLIPPED
        inner = unwrap(optimizer)
        parameters = [p for group in inner.param_groups for p in group["params"]]
        if norm is not None:
            # not _new_call: the gradients are already gone
            self._clips.append(ClipCall(parameters, clip, {"grad_norm": kept(norm)}))
        self._record_step(inner)
        self._end_step(self._ensure_run())

    @forgiving("name")
    def name_part(self, optimizer: Any, name: str) -> None:
        self._parts.name(unwrap(optimizer), name)

    # Recording

    def _ensure_run(self) -> Run:
        single = self._parts.single
        return self._recording.run(single.kind if single is not None and self._made else None)

    def _record_step(self, optimizer: Any) -> None:
        part = self._parts.of(optimizer, self._made)
        call = self._clip_of(part)
        run = self._ensure_run()
        if part in self._stepped:
            self._complete_step(run)
        self._stepped.add(part)
        if call is not None and (self._parts.single is not None or part.ids.issuperset(call.ids)):
            if call in self._clips:
                self._clips.remove(call)
            self._note_clip(run, part, call)
        elif call is not None:
            # one call for the parameters of several optimizers: the norm belongs to the whole training
            self._note_clip(run, Part(None, optimizer), call)
        self._recording.note(run, self._readings_of(run, part, optimizer))

    def _readings_of(self, run: Run, part: Part, optimizer: Any) -> dict[str, Any]:
        """The loss and the learning rates of a step."""
        readings: dict[str, Any] = {}
        loss = self._losses.take()
        if loss is not None:
            readings[part.reading("loss")] = loss
        change = part.groups.change(optimizer)
        if change is not None:
            run.mark_next("lr group changed", change)
        for number, group in enumerate(optimizer.param_groups):
            lr = group.get("lr")
            if lr is None:  # a custom optimizer
                continue
            name = part.reading("lr") if number == 0 else f"{part.reading('lr')}/group-{number}"
            readings[name] = lr if type(lr) is float else kept(lr)
        return readings

    def _note_clip(self, run: Run, part: Part, call: ClipCall) -> None:
        call.is_recorded = True
        if part.name is None:
            self._recording.compare(run, call.readings)
            self._recording.note_clip(run, call.clip, call.readings)
            return
        if call.clip != part.clip:
            part.clip = call.clip
            run.declare_parts(self._parts.declared())
        self._recording.note(run, {part.reading(name): value for name, value in call.readings.items()})

    def _complete_step(self, run: Run) -> None:
        """Called before the next step's readings are added. Logs the last step, unless the training has logged it."""
        if self._stepped and run.has_noted():
            run.log()
        self._stepped.clear()
        self._clips.clear()

    def _end_step(self, run: Run, **arguments: Any) -> None:
        """Logs the step of our own run. A run that the training made is logged by the training before the next step."""
        if self._recording.is_own:
            run.log(**arguments)
            self._stepped.clear()
            self._clips.clear()
        elif arguments.get("scaler") is not None and not run.has_noted("loss_scale"):
            run.note_scaler(arguments["scaler"])

    def _clip_of(self, part: Part) -> ClipCall | None:
        for call in reversed(self._clips):
            if call.concerns(part.ids):
                return call
        return None

    def _may_gather(self) -> bool:
        if all_ranks_watch(self._measure_every):
            return True
        self.tell_once(
            "ranks",
            "the model is sharded and some ranks are not watched, or with another --measure: the norm is not recorded, "
            "as only all ranks together can compute it. Start every rank with the same `normwatch run`",
        )
        return False

    def _refuse_local(self, reason: str) -> None:
        self.tell_once("local norm", f"the norm of these gradients is not recorded, as it is not the model's: {reason}")

    def tell_once(self, kind: str, message: str) -> None:
        """Warns once per kind."""
        self._notices.warn(f"capture {kind}", message)


def _reset_if_alive(weak: weakref.ref[CapturedTraining]) -> None:
    training = weak()
    if training is not None:
        training._reset()
