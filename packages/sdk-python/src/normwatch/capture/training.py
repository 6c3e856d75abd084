"""Puts together what a training did since its last step, from the calls that it makes anyway."""

from __future__ import annotations

import contextlib
import functools
import math
import os
import weakref
from collections.abc import Iterator, Sequence
from typing import Any, Callable

from ..clipping import before_clamping, is_sharded, is_sharded_type, whole
from ..notices import Notices
from ..optimizers import parameters_of, unwrap
from ..parameters import Given, local_reason
from ..readings import is_on_device
from .agreement import Agreement
from .clip_call import ClipCall
from .forgiving import forgiving, tell_unwatched
from .made import MadeOptimizers
from .measure import are_small, kept, norm_of_gradients
from .pending import NOT_CLIPPED, Pending, PendingByThread
from .recording import Recording
from .recordings import Recordings
from .saved_files import SavedFiles
from .seen_settings import SeenSettings
from .sharding import all_ranks_watch


class CapturedTraining:
    """
    The trainings of this process. Each `on_…` method is called by a wrapped function of torch. It raises nothing, does
    not wait for a device, and keeps no graph, gradient or activation alive.
    """

    def __init__(self, measure_every: int, log_config: bool, init_arguments: dict[str, Any]) -> None:
        self._measure_every = measure_every
        self.is_on = False
        """Whether torch is wrapped for this training. If not, wrappers that other code still holds record nothing."""
        self.settings = SeenSettings() if log_config else None
        """The settings that the program has read; None if the config is not recorded."""
        self._names: weakref.WeakKeyDictionary[Any, str] = weakref.WeakKeyDictionary()
        """The names of parts that the user gave to optimizers."""
        self._begin = functools.partial(Recording, self.settings, init_arguments, Agreement(), self._names)
        self._notices = Notices(strict=False)
        self._made = MadeOptimizers()
        self._reset()
        if hasattr(os, "register_at_fork"):
            weak = weakref.ref(self)
            os.register_at_fork(after_in_child=lambda: _reset_if_alive(weak))

    def _reset(self) -> None:
        self._recordings = Recordings(self._begin)
        self._saved = SavedFiles()
        self._pendings: list[weakref.ref[Pending]] = []
        """Of all threads that are alive."""
        self._of_thread = PendingByThread(self._pendings)

    # Calls of torch

    # The four calls of every step are not decorated with `forgiving`, as one more Python call takes a microsecond.

    def on_backward(self, roots: Any, weights: Any) -> Pending | None:
        """
        Called with what `torch.autograd.backward` was called with. Returns the state of the thread, whose
        `is_in_backward` the caller sets back afterwards; None if this call is inside another.
        """
        try:
            pending = self._of_thread.here
            if pending.is_in_backward or pending.engine_depth:
                return None
            if weights is not None or type(roots) is tuple or type(roots) is list:
                pending.losses.add_unusual(roots, weights)
            else:
                pending.losses.add(roots)
            pending.is_in_backward = True
            return pending
        except Exception as error:
            tell_unwatched(self, "backward", error)
            return None

    @forgiving("GradScaler.scale")
    def on_scale(self, outputs: Any, scaled: Any) -> None:
        self._of_thread.here.losses.remember_scaled(outputs, scaled)

    def on_clip_norm(self, tensors: list[Any], total: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        try:
            max_norm = args[1] if len(args) > 1 else kwargs.get("max_norm")
            norm_type = args[2] if len(args) > 2 else kwargs.get("norm_type", 2.0)
            usual = self._of_thread.here.usual
            if usual is None or not usual.add_clip(tensors, total, max_norm, norm_type):
                self._on_norm(tensors, total, max_norm, norm_type)
        except Exception as error:
            tell_unwatched(self, "clip_grad_norm_", error)

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
        pending = self._of_thread.here
        is_late = is_on_device(max_norm)
        clip = {"mode": "norm", "max_norm": kept(max_norm)} if is_late else pending.rule(max_norm)
        self._add_clip(pending, tensors, clip, {"grad_norm": kept(total)})

    @forgiving("clip_grad_value_")
    def on_clip_value(self, tensors: list[Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """Called before the gradients are clamped."""
        clip_value = float(args[1] if len(args) > 1 else kwargs["clip_value"])
        gradients = [tensor.grad for tensor in tensors if tensor.grad is not None]
        if tensors and local_reason(tensors[0]) is None and not any(map(is_sharded, gradients)):
            readings = before_clamping(Given(tensors), clip_value)
            clip = {"mode": "value", "clip_value": clip_value}
            self._add_clip(self._of_thread.here, tensors, clip, readings)

    def _add_clip(
        self, pending: Pending, parameters: Sequence[Any], clip: dict[str, Any], readings: dict[str, Any]
    ) -> None:
        if len(self._made) > 1:
            # a call for the parameters of all optimizers, while only one of them has gradients, was for that one
            parameters = [parameter for parameter in parameters if parameter.grad is not None]
        call = ClipCall(parameters, clip, readings, len(pending.losses))
        self._replace_earlier(pending, call)

    def _replace_earlier(self, pending: Pending, call: ClipCall) -> None:
        """Adds a clip call instead of an earlier one for the same parameters, which no step followed."""
        if pending.losses.is_frozen:
            return  # a line search clips at each of its evaluations
        for earlier in [other for other in pending.clips if other.ids == call.ids]:
            is_same = earlier.is_of_same_gradients(call)
            if is_same and not earlier.is_measured:
                return  # clipped twice: the first call saw the norm before clipping
            if is_same:
                pending.clips.remove(earlier)
            else:
                micro_batches = len(pending.losses)
                self._drop(pending, earlier)
                call.micro_batches -= micro_batches - len(pending.losses)
        pending.add_clip(call)

    def _drop(self, pending: Pending, call: ClipCall) -> None:
        pending.clips.remove(call)
        if call.was_dropped and not call.is_recorded:  # the training clipped and then skipped the step
            loss = pending.losses.drop(call.micro_batches)
            self._recordings.of_thread().log_skipped(self._made, pending, call.clip, call.readings, loss)

    @forgiving("clip_grad_norm_")
    def on_clip_refused(self, tensors: list[Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """A clip call has raised. If the norm is not finite, it is recorded, as it may have ended the training."""
        gradients = [tensor.grad for tensor in tensors if tensor.grad is not None]
        if gradients and not any(map(is_sharded, gradients)) and local_reason(tensors[0]) is None:
            norm, pending = float(norm_of_gradients(gradients)), self._of_thread.here
            if not math.isfinite(norm):
                clip, loss = pending.rule(args[1] if len(args) > 1 else kwargs["max_norm"]), pending.losses.take()
                self._recordings.of_thread().log_skipped(self._made, pending, clip, {"grad_norm": norm}, loss)

    @forgiving("Optimizer")
    def on_optimizer_made(self, optimizer: Any) -> None:
        self._made.add(optimizer)
        for pending in self._all_pending():
            pending.usual = None

    def _all_pending(self) -> list[Pending]:
        return [pending for ref in list(self._pendings) if (pending := ref()) is not None]

    def on_before_step(self, optimizer: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """The step's arguments if they must change: a closure, which computes gradients inside the step, is wrapped."""
        try:
            pending = self._of_thread.here
            usual = pending.usual
            if pending.engine_depth:
                return None
            if usual is not None and len(args) == 1 and not kwargs and usual.begin(optimizer):
                pending.has_begun = True
                return None
            return self._begin_step(pending, optimizer, args, kwargs)
        except Exception as error:
            tell_unwatched(self, "Optimizer.step", error)

    def _begin_step(self, pending: Pending, optimizer: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if not pending.losses and len(self._pendings) > 1:
            # another thread, which never steps an optimizer itself, may have called backward for this one
            for other in self._all_pending():
                if other is not pending and not other.has_stepped:
                    pending.take_from(other)
        closure = args[1] if len(args) > 1 else kwargs.get("closure")
        if not callable(closure):
            self._measure(optimizer)
            pending.has_begun = True
            return None
        pending.has_begun = True
        pending.losses.thaw()
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
        self._of_thread.here.losses.freeze()

    def _measure(self, optimizer: Any) -> None:
        """Measures the norm of gradients that were not clipped. If they are sharded, every rank must take part."""
        pending = self._of_thread.here
        part = self._recordings.of_thread().parts.of(optimizer, self._made)
        earlier = pending.clip_of(part.ids)
        if earlier is not None and earlier.is_measured:
            is_current = not earlier.was_dropped and earlier.micro_batches == len(pending.losses)
            if pending.has_begun and (is_current or pending.losses.is_frozen):
                return  # the step of a subclass calls that of its base class, perhaps after it has called a closure
            self._drop(pending, earlier)  # the step that it was measured for has raised
            earlier = None
        part.steps += 1
        every = self._measure_every
        is_due = every > 0 and part.steps % every == 0
        # at its first step each rank announces itself, because others that measure at this step wait for it
        if not (is_due or (every and part.steps == 1)) or earlier is not None or not part.is_recorded:
            return
        parameters = parameters_of(optimizer)
        gradients = [gradient for p in parameters if (gradient := p.grad) is not None]
        if not gradients:
            return
        reason = local_reason(parameters[0])
        if reason is not None:
            self._refuse_local(reason)
            return
        is_spread = any(map(is_sharded_type, set(map(type, gradients))))
        if (is_spread and not self._may_gather()) or not is_due:
            return
        part.small_gradients = len(gradients) if are_small(gradients) else 0
        norm = norm_of_gradients(gradients)
        if norm is not None:
            scale = getattr(optimizer, "grad_scale", None)  # a fused optimizer unscales inside its kernel
            norm = norm if scale is None else norm / scale
            pending.add_clip(
                ClipCall(parameters, NOT_CLIPPED, {"grad_norm": kept(norm)}, len(pending.losses), is_measured=True)
            )

    def on_after_step(self, optimizer: Any) -> None:
        try:
            pending = self._of_thread.here
            if pending.engine_depth or not pending.has_begun:
                return
            pending.has_begun = False
            usual = pending.usual
            if usual is not None and usual.log(optimizer):
                return
            pending.usual = None
            self._record_step(pending, optimizer)
        except Exception as error:
            tell_unwatched(self, "Optimizer.step", error)

    @forgiving("GradScaler.step")
    def on_before_scaler_step(self, scaler: Any, optimizer: Any) -> None:
        if scaler.is_enabled():
            pending = self._of_thread.here
            pending.scaled_step, pending.has_scaled_step, pending.usual = optimizer, False, None

    @forgiving("GradScaler.step")
    def on_after_scaler_step(self, optimizer: Any) -> None:
        pending = self._of_thread.here
        if pending.scaled_step is not None and not pending.has_scaled_step:
            # found_inf: the scaler has skipped the step
            inner = unwrap(optimizer)
            self._measure(inner)
            self._record_step(pending, inner)
        pending.scaled_step = None

    @forgiving("GradScaler.update")
    def on_scaler_update(self, scaler: Any) -> None:
        recording = self._recordings.of_thread()
        if recording.stepped and scaler.is_enabled():
            with recording.lock:
                recording.end_step(recording.run(self._made), self._of_thread.here, scaler)

    @forgiving("torch.save")
    def on_saved(self, target: Any) -> None:
        """Something was saved by `torch.save`, to a path or an open file."""
        recording = self._recordings.of_thread()
        run = recording.current()
        name = target if isinstance(target, (str, os.PathLike)) else getattr(target, "name", None)
        if run is not None and isinstance(name, (str, os.PathLike)):
            # a second event with the same label and step replaces the first
            run.event(
                "checkpoint", text=self._saved.add(os.path.basename(os.fspath(name)), recording.parts.steps) or None
            )

    @contextlib.contextmanager
    def inside_engine(self) -> Iterator[None]:
        """Ignores the optimizers that an engine steps internally: the engine reports for them."""
        pending = self._of_thread.here
        pending.usual = None
        pending.engine_depth += 1
        try:
            yield
        finally:
            pending.engine_depth -= 1

    def is_inside_engine(self) -> bool:
        return self._of_thread.here.engine_depth > 0

    @forgiving("backward")
    def on_engine_backward(self, loss: Any) -> None:
        self._of_thread.here.losses.add(loss)

    @forgiving("step")
    def on_engine_step(self, optimizer: Any, tell: Callable[[], tuple[Any, Any]]) -> None:
        """An engine with this optimizer has stepped. `tell` returns the global norm (or None) and the cap."""
        pending = self._of_thread.here
        norm, cap = tell()
        clip = {"mode": "norm", "max_norm": float(cap)} if cap and cap > 0 else NOT_CLIPPED
        inner = unwrap(optimizer)
        parameters = parameters_of(inner)
        if norm is not None:
            # not _add_clip: the gradients are already gone
            pending.add_clip(ClipCall(parameters, clip, {"grad_norm": kept(norm)}))
        self._record_step(pending, inner, ends=True)

    @forgiving("name")
    def name_part(self, optimizer: Any, name: str) -> None:
        self._names[unwrap(optimizer)] = name

    # Recording

    def _record_step(self, pending: Pending, optimizer: Any, ends: bool = False) -> None:
        """Records a step. `ends`: it is complete, whatever the other optimizers do."""
        pending.has_stepped = pending.has_scaled_step = True
        recording = self._recordings.of_thread()
        part = recording.parts.of(optimizer, self._made)
        with recording.lock:
            run = recording.run(self._made)
            call, readings = recording.add_step(run, pending, part, optimizer)
            is_single = pending.scaled_step is None and recording.parts.is_alone(part, self._made)
            if ends or is_single:
                recording.end_step(run, pending)
            if is_single and not ends and len(self._made) <= 1:
                measures = self._measure_every == 1
                pending.usual = recording.usual_step(run, part, optimizer, call, readings, pending, measures)

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
