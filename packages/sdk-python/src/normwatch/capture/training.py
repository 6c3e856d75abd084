"""What a training did since its last step, put together from the calls that it makes anyway."""

from __future__ import annotations

import contextlib
import functools
import os
import sys
import weakref
from collections.abc import Iterator
from typing import Any, Callable, TypeVar, cast

from ..clipping import before_clamping, is_sharded, whole
from ..current import current_run
from ..notices import Notices
from ..optimizers import name_of, unwrap
from ..parameters import Given, local_reason
from ..run import Run
from ..start import init
from .clip_call import ClipCall
from .losses import PendingLosses
from .measure import norm_of_gradients
from .parts import Part, Parts
from .run_config import training_config
from .sharding import all_ranks_watch

Method = TypeVar("Method", bound=Callable[..., Any])


def _forgiving(what: str) -> Callable[[Method], Method]:
    """A mistake of ours, or a training built otherwise: it goes on as if nobody watched."""

    def decorate(method: Method) -> Method:
        @functools.wraps(method)
        def forgiving(self: CapturedTraining, *args: Any) -> Any:
            try:
                return method(self, *args)
            except Exception as error:
                self.tell_once(what, f"{what} could not be watched: {type(error).__name__}: {error}")
                return None

        return cast(Method, forgiving)

    return decorate


class CapturedTraining:
    """
    The trainings of this process. Each `on_…` is called from a wrapped function of torch, raises nothing, waits for no
    device and keeps no graph, gradient or activation alive.
    """

    def __init__(self, measure_every: int, log_config: bool, init_arguments: dict[str, Any]) -> None:
        self._measure_every = measure_every
        self._log_config = log_config
        self._init_arguments = init_arguments
        self._notices = Notices(strict=False)
        self._made: list[weakref.ref[Any]] = []
        self._reset()
        if hasattr(os, "register_at_fork"):
            weak = weakref.ref(self)
            os.register_at_fork(after_in_child=lambda: _reset_if_alive(weak))

    def _reset(self) -> None:
        self._run: Run | None = None
        self._is_own_run = False
        self._parts = Parts()
        self._losses = PendingLosses()
        self._clips: list[ClipCall] = []
        self._stepped: set[Part] = set()
        """The parts whose readings wait for `run.log`."""
        self._scaled_step: Any = None
        """The optimizer that a GradScaler is asked to step."""
        self._engine_depth = 0

    # What torch is asked to do

    @_forgiving("backward")
    def on_backward(self, root: Any) -> None:
        if not self._engine_depth:
            self._losses.add(root)

    @_forgiving("GradScaler.scale")
    def on_scale(self, outputs: Any, scaled: Any) -> None:
        self._losses.remember_scaled(outputs, scaled)

    def on_clip_norm(self, tensors: list[Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Callable[[Any], None]:
        max_norm = args[1] if len(args) > 1 else kwargs.get("max_norm")
        norm_type = args[2] if len(args) > 2 else kwargs.get("norm_type", 2.0)
        return lambda total: self._on_norm(tensors, total, max_norm, norm_type)

    def on_clip_with_norm(
        self, tensors: list[Any], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Callable[[Any], None]:
        max_norm = args[1] if len(args) > 1 else kwargs.get("max_norm")
        total = args[2] if len(args) > 2 else kwargs.get("total_norm")
        return lambda _: self._on_norm(tensors, total, max_norm, 2.0)

    @_forgiving("clip_grad_norm_")
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

    @_forgiving("clip_grad_norm_")
    def on_global_norm(self, tensors: list[Any], total: Any, max_norm: Any, norm_type: Any) -> None:
        """A framework's own clip call, whose result is the norm over all ranks."""
        self._add_norm(tensors, total, max_norm, norm_type)

    def _add_norm(self, tensors: list[Any], total: Any, max_norm: Any, norm_type: Any) -> None:
        if float(norm_type) != 2.0:
            self.tell_once(
                "norm type", f"the training clips by its {norm_type}-norm: only L2 norms are recorded and compared"
            )
            return
        cap = float(max_norm)
        clip = {"mode": "norm", "max_norm": cap} if 0 < cap < float("inf") else {"mode": "none"}
        self._add_clip(ClipCall(tensors, clip, {"grad_norm": _kept(total)}))

    def on_clip_value(self, tensors: list[Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Callable[[Any], None]:
        self._on_value(tensors, args[1] if len(args) > 1 else kwargs.get("clip_value"))
        return lambda _: None

    @_forgiving("clip_grad_value_")
    def _on_value(self, tensors: list[Any], clip_value: Any) -> None:
        """Before the gradients are clamped."""
        gradients = [tensor.grad for tensor in tensors if tensor.grad is not None]
        if tensors and local_reason(tensors[0]) is None and not any(map(is_sharded, gradients)):
            readings = before_clamping(Given(tensors), float(clip_value))
            self._add_clip(ClipCall(tensors, {"mode": "value", "clip_value": float(clip_value)}, readings))

    def _add_clip(self, call: ClipCall) -> None:
        for earlier in [other for other in self._clips if other.ids == call.ids]:
            self._clips.remove(earlier)
            if earlier.was_dropped and not earlier.is_recorded:
                self._record_dropped(earlier)
        call.loss, call.micro_batches = self._losses.mean(), len(self._losses)
        self._clips.append(call)

    def _record_dropped(self, call: ClipCall) -> None:
        """The training clipped and then decided against the step: its norm is the reading that mattered."""
        run = self._ensure_run()
        self._complete_step(run)
        loss = {} if call.loss is None else {"loss": call.loss}
        self._losses.drop(call.micro_batches)
        run.note_clip(call.clip, {**call.readings, **loss, "skipped": 1.0})
        self._end_step(run)

    @_forgiving("Optimizer")
    def on_optimizer_made(self, optimizer: Any) -> None:
        self._made = [ref for ref in self._made if ref() is not None]
        self._made.append(weakref.ref(optimizer))

    @_forgiving("Optimizer.step")
    def on_before_step(self, optimizer: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """The step's arguments where they have to change: a closure computes gradients inside the step."""
        if self._engine_depth:
            return None
        closure = args[1] if len(args) > 1 else kwargs.get("closure")
        if not callable(closure):
            self._measure(optimizer)
            return None
        watched = self._watch_closure(optimizer, closure)
        return ((args[0], watched, *args[2:]), kwargs) if len(args) > 1 else (args, {**kwargs, "closure": watched})
        return None

    def _watch_closure(self, optimizer: Any, closure: Callable[[], Any]) -> Callable[[], Any]:
        """The closure, whose first evaluation gives loss and norm; later ones are a line search's."""
        evaluated = False

        def watched() -> Any:
            nonlocal evaluated
            result = closure()
            if not evaluated:
                evaluated = True
                self._on_first_evaluation(optimizer)
            return result

        return watched

    @_forgiving("closure")
    def _on_first_evaluation(self, optimizer: Any) -> None:
        self._measure(optimizer)
        self._losses.freeze()

    def _measure(self, optimizer: Any) -> None:
        """The norm of gradients that nothing clipped. Every rank takes part where they are sharded."""
        part = self._parts.of(optimizer, self._made)
        part.steps += 1
        if self._clip_of(part) is not None or not self._measure_every or part.steps % self._measure_every:
            return
        gradients = [p.grad for group in optimizer.param_groups for p in group["params"] if p.grad is not None]
        parameters = [p for group in optimizer.param_groups for p in group["params"]]
        if not gradients:
            return
        reason = local_reason(parameters[0])
        if reason is not None:
            self._refuse_local(reason)
            return
        if any(map(is_sharded, gradients)) and not self._may_gather():
            return
        norm = norm_of_gradients(gradients)
        if norm is not None:
            scale = getattr(optimizer, "grad_scale", None)  # a fused optimizer unscales inside its kernel
            norm = norm if scale is None else norm / scale
            self._clips.append(ClipCall(parameters, {"mode": "none"}, {"grad_norm": _kept(norm)}))

    @_forgiving("Optimizer.step")
    def on_after_step(self, optimizer: Any) -> None:
        if not self._engine_depth:
            self._record_step(optimizer)
            if self._scaled_step is None and self._parts.is_single:
                self._end_step(self._ensure_run())

    @_forgiving("GradScaler.step")
    def on_before_scaler_step(self, scaler: Any, optimizer: Any) -> None:
        self._scaled_step = optimizer if scaler.is_enabled() else None

    @_forgiving("GradScaler.step")
    def on_after_scaler_step(self, optimizer: Any) -> None:
        inner = unwrap(optimizer)
        if self._scaled_step is not None and self._parts.of(inner, self._made) not in self._stepped:
            # found_inf: the scaler did not ask the optimizer to step
            self._measure(inner)
            self._record_step(inner)
        self._scaled_step = None

    @_forgiving("GradScaler.update")
    def on_scaler_update(self, scaler: Any) -> None:
        if self._stepped and scaler.is_enabled():
            self._end_step(self._ensure_run(), scaler=scaler)

    @contextlib.contextmanager
    def inside_engine(self) -> Iterator[None]:
        """The optimizers that an engine steps inside are not looked at: the engine tells."""
        self._engine_depth += 1
        try:
            yield
        finally:
            self._engine_depth -= 1

    @_forgiving("DeepSpeedEngine.backward")
    def on_deepspeed_backward(self, loss: Any) -> None:
        self._losses.add(loss)

    @_forgiving("DeepSpeedEngine.step")
    def on_deepspeed_step(self, engine: Any) -> None:
        norm = engine.get_global_grad_norm()
        cap = float(engine.gradient_clipping() or 0)
        clip = {"mode": "norm", "max_norm": cap} if cap > 0 else {"mode": "none"}
        inner = unwrap(engine.optimizer)
        parameters = [p for group in inner.param_groups for p in group["params"]]
        if norm is not None:
            call = ClipCall(parameters, clip, {"grad_norm": _kept(norm)})
            call.ids = frozenset(map(id, parameters))  # their gradients are gone already
            self._clips.append(call)
        self._record_step(inner)
        self._end_step(self._ensure_run())

    @_forgiving("name")
    def name_part(self, optimizer: Any, name: str) -> None:
        self._parts.name(unwrap(optimizer), name)

    # What becomes of it

    def _record_step(self, optimizer: Any) -> None:
        run = self._ensure_run()
        part = self._parts.of(optimizer, self._made)
        call = self._clip_of(part)
        if part in self._stepped:
            self._complete_step(run)
        self._stepped.add(part)
        if call is not None and call.ids <= part.ids:
            if call in self._clips:
                self._clips.remove(call)
            self._note_clip(run, part, call)
        elif call is not None:
            # one call for the parameters of several optimizers: the norm is the whole training's
            self._note_clip(run, Part(None, optimizer), call)
        readings: dict[str, Any] = {}
        loss = self._losses.take()
        if loss is not None:
            readings[part.reading("loss")] = loss
        for number, group in enumerate(optimizer.param_groups):
            lr = group["lr"]
            name = part.reading("lr") if number == 0 else f"{part.reading('lr')}/group-{number}"
            readings[name] = lr if type(lr) is float else _kept(lr)
        self._note(run, readings)

    def _note_clip(self, run: Run, part: Part, call: ClipCall) -> None:
        call.is_recorded = True
        if part.name is None:
            readings = call.readings
            if run.has_noted():
                readings = {name: value for name, value in readings.items() if not run.has_noted(name)}
            if readings:
                run.note_clip(call.clip, readings)
            return
        if call.clip != part.clip:
            part.clip = call.clip
            run.declare_parts(self._parts.declared())
        self._note(run, {part.reading(name): value for name, value in call.readings.items()})

    def _note(self, run: Run, readings: dict[str, Any]) -> None:
        """What was logged by hand stands."""
        if self._is_own_run:
            run.note(**readings)
        else:
            run.note(**{name: value for name, value in readings.items() if not run.has_noted(name)})

    def _complete_step(self, run: Run) -> None:
        """Before the readings of the next step: those of the last are logged, where the training has not done so."""
        if self._stepped and run.has_noted():
            run.log()
        self._stepped.clear()
        self._clips.clear()

    def _end_step(self, run: Run, **arguments: Any) -> None:
        """A run made by hand is logged by hand: it has until the next step for it."""
        if self._is_own_run:
            run.log(**arguments)
            self._stepped.clear()
            self._clips.clear()
        elif arguments.get("scaler") is not None and not run.has_noted("loss_scale"):
            run.note_scaler(arguments["scaler"])

    def _clip_of(self, part: Part) -> ClipCall | None:
        return next((call for call in reversed(self._clips) if not call.ids.isdisjoint(part.ids)), None)

    def _ensure_run(self) -> Run:
        """The run made by hand, or else one of our own, which begins now."""
        by_hand = current_run()
        if by_hand is not None and by_hand is not self._run:
            self._run, self._is_own_run = by_hand, False
        if self._run is None or not (self._run.is_open or self._is_own_run):
            self._is_own_run = True
            arguments: dict[str, Any] = {}
            if self._log_config:
                arguments["config"] = training_config()
            optimizers = [ref() for ref in self._made]
            if self._parts.is_single and optimizers:
                arguments["optimizer"] = name_of(self._parts.only)
            self._run = init(**{**arguments, **self._init_arguments})
        return self._run

    def _may_gather(self) -> bool:
        if all_ranks_watch():
            return True
        self.tell_once(
            "ranks",
            "the model is sharded and some ranks are not watched: the norm is not recorded, as only all ranks together "
            "can compute it. Start every rank with `normwatch run`",
        )
        return False

    def _refuse_local(self, reason: str) -> None:
        self.tell_once("local norm", f"the norm of these gradients is not recorded, as it is not the model's: {reason}")

    def tell_once(self, kind: str, message: str) -> None:
        """A warning, once a kind."""
        self._notices.warn(f"capture {kind}", message)


def _reset_if_alive(weak: weakref.ref[CapturedTraining]) -> None:
    training = weak()
    if training is not None:
        training._reset()


def _kept(value: Any) -> Any:
    """A number as it is now: a tensor on a device is copied there, since the training may write into it."""
    torch = sys.modules["torch"]
    if not isinstance(value, torch.Tensor):
        return float(value)
    if value.is_cpu:
        return float(value.item())
    return value.detach().clone()
