"""Wraps, and unwraps, the functions that every PyTorch training calls."""

from __future__ import annotations

import functools
import sys
from collections.abc import Sequence
from typing import Any, Callable

from .import_hook import cancel_imports, when_imported
from .training import CapturedTraining
from .zeroing import watch_zero_grad

_undo: list[Callable[[], None]] = []


def install(training: CapturedTraining) -> None:
    """Wraps what is already imported now, and everything else when it is imported."""
    remove()
    training.is_on = True

    def turn_off() -> None:
        training.is_on = False

    _undo.append(turn_off)
    when_imported("torch", lambda torch: _patch_torch(torch, training))
    settings = training.settings
    if settings is not None:
        when_imported("argparse", lambda module: _try(training, "argparse", settings.watch_argparse, module))
        when_imported("hydra.core.utils", lambda module: _try(training, "Hydra", settings.watch_hydra, module))
        transformers = "transformers.training_args"
        when_imported(transformers, lambda module: _try(training, transformers, settings.watch_transformers, module))
    when_imported("torch.distributed.fsdp.fully_sharded_data_parallel", lambda module: _patch_fsdp1(module, training))
    when_imported("deepspeed.runtime.engine", lambda module: _patch_deepspeed(module, training))
    when_imported("megatron.core.optimizer.optimizer", lambda module: _patch_megatron(module, training))
    schedules = "megatron.core.pipeline_parallel.schedules"
    when_imported(schedules, lambda module: _patch_megatron_schedules(module, training))


def remove() -> None:
    """Restores everything to the state before `install`."""
    cancel_imports()
    while _undo:
        _undo.pop()()


def _patch_torch(torch: Any, training: CapturedTraining) -> None:
    attempts: Sequence[tuple[str, Callable[[], None]]] = (
        ("torch.autograd.backward", lambda: _patch_backward(torch, training)),
        ("clip_grad_norm_", lambda: _patch_clip_calls(torch, training)),
        ("Optimizer.step", lambda: _patch_optimizers(torch, training)),
        ("zero_grad", lambda: _patch_zero_grad(torch, training)),
        ("GradScaler", lambda: _patch_scaler(torch, training)),
        ("torch.save", lambda: _patch_save(torch, training)),
    )
    for what, patch in attempts:
        try:
            patch()
        except Exception as error:  # this version of torch is built differently: do not wrap it
            training.tell_once(what, f"{what} of torch {torch.__version__} cannot be watched: {error}")


def _try(training: CapturedTraining, what: str, watch: Callable[..., None], module: Any) -> None:
    """Calls `watch`. If the module's version is built differently, warns and leaves it unwrapped."""

    def replace(owner: Any, attribute: str, wrapper: Callable[..., Any]) -> None:
        _replace(owner, attribute, _while_on(training, getattr(owner, attribute))(wrapper))

    try:
        watch(module, replace)
    except Exception as error:
        training.tell_once(what, f"the settings of {what} cannot be read: {error}")


def _replace(owner: Any, attribute: str, wrapper: Callable[..., Any]) -> None:
    original = getattr(owner, attribute)
    was_own = attribute in vars(owner)
    setattr(owner, attribute, wrapper)

    def undo() -> None:
        # if another library has wrapped it since, our wrapper stays inside theirs, and only calls the original
        if vars(owner).get(attribute) is wrapper:
            if was_own:
                setattr(owner, attribute, original)
            else:
                delattr(owner, attribute)

    _undo.append(undo)


def _while_on(training: CapturedTraining, original: Callable[..., Any]) -> Callable[..., Callable[..., Any]]:
    """
    Makes a wrapper of `original` that only calls the original once the capture is off. A module may keep a wrapper that
    it imported by name, and another library may have wrapped it.
    """

    def decorate(watched: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(original)
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            return (watched if training.is_on else original)(*args, **kwargs)

        return wrapper

    return decorate


def _is_compiling(torch: Any) -> Callable[[], bool]:
    """Whether `torch.compile` is tracing. The wrappers then only call torch's own functions, so that it sees those."""
    compiler = getattr(torch, "compiler", None)
    is_compiling: Callable[[], bool] = getattr(compiler, "is_compiling", None) or (lambda: False)
    return is_compiling


def _patch_backward(torch: Any, training: CapturedTraining) -> None:
    """`Tensor.backward` calls this function too."""
    backward = torch.autograd.backward
    is_compiling = _is_compiling(torch)

    @functools.wraps(backward)
    def watched(tensors: Any, grad_tensors: Any = None, *args: Any, **kwargs: Any) -> Any:
        if is_compiling() or not training.is_on:
            return backward(tensors, grad_tensors, *args, **kwargs)
        pending = training.on_backward(tensors, grad_tensors)
        try:
            return backward(tensors, grad_tensors, *args, **kwargs)
        finally:
            if pending is not None:
                pending.is_in_backward = False

    _replace(torch.autograd, "backward", watched)


def _patch_zero_grad(torch: Any, training: CapturedTraining) -> None:
    is_compiling = _is_compiling(torch)
    watch_zero_grad(torch, lambda: training.is_on and not is_compiling(), _replace)


def _patch_clip_calls(torch: Any, training: CapturedTraining) -> None:
    utils = torch.nn.utils
    is_compiling = _is_compiling(torch)

    def watch(name: str, before: Callable[..., None] | None = None, after: Callable[..., None] | None = None) -> None:
        original = getattr(utils, name, None)
        if original is None:
            return

        @functools.wraps(original)
        def watched(*args: Any, **kwargs: Any) -> Any:
            if is_compiling() or not training.is_on:
                return original(*args, **kwargs)
            args, kwargs, tensors = _parameters_once(torch, args, kwargs)
            if before is not None:
                before(tensors, args, kwargs)
            try:
                result = original(*args, **kwargs)
            except RuntimeError:
                training.on_clip_refused(tensors, args, kwargs)
                raise
            if after is not None:
                after(tensors, result, args, kwargs)
            return result

        for module in (utils, sys.modules.get("torch.nn.utils.clip_grad")):
            if module is not None and getattr(module, name, None) is original:
                _replace(module, name, watched)

    watch("clip_grad_norm_", after=training.on_clip_norm)
    watch("clip_grads_with_norm_", after=training.on_clip_with_norm)
    watch("clip_grad_value_", before=training.on_clip_value)


def _parameters_once(
    torch: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[tuple[Any, ...], dict[str, Any], list[Any]]:
    """The call's arguments, with an iterator of parameters replaced, because it can be read only once."""
    given = args[0] if args else kwargs.get("parameters")
    if given is None or isinstance(given, torch.Tensor):
        return args, kwargs, [] if given is None else [given]
    tensors = list(given)
    # torch warns about an empty generator but not about an empty list, so an empty generator stays one
    again: Any = given if isinstance(given, (list, tuple)) else tensors if tensors else (_ for _ in ())
    if args:
        return (again, *args[1:]), kwargs, tensors
    return args, {**kwargs, "parameters": again}, tensors


def _patch_optimizers(torch: Any, training: CapturedTraining) -> None:
    module = sys.modules["torch.optim.optimizer"]  # torch.optim hides it
    init = module.Optimizer.__init__

    @_while_on(training, init)
    def watched_init(self: Any, *args: Any, **kwargs: Any) -> None:
        init(self, *args, **kwargs)
        training.on_optimizer_made(self)

    _replace(module.Optimizer, "__init__", watched_init)
    if not hasattr(module, "register_optimizer_step_post_hook"):
        _patch_steps(module.Optimizer, training)
        return
    is_compiling = _is_compiling(torch)

    def before(optimizer: Any, args: Any, kwargs: Any) -> Any:
        return None if is_compiling() else training.on_before_step(optimizer, args, kwargs)

    def after(optimizer: Any, args: Any, kwargs: Any) -> None:
        if not is_compiling():
            training.on_after_step(optimizer)

    for handle in (
        module.register_optimizer_step_pre_hook(before),
        module.register_optimizer_step_post_hook(after),
    ):
        _undo.append(handle.remove)


def _patch_steps(optimizer_class: Any, training: CapturedTraining) -> None:
    """PyTorch 1.13 has no hooks for the steps of all optimizers: wraps each class, now or when it is first made."""
    init = optimizer_class.__init__
    wrapped: set[type] = set()
    stepping: list[Any] = []

    def wrap(kind: type) -> None:
        for owner in kind.__mro__:
            # torch marks a class as hooked once it has put its own wrapper on it, when the first one was made
            is_hooked = getattr(vars(owner).get("step"), "hooked", False)
            if owner is not optimizer_class and is_hooked and owner not in wrapped:
                wrapped.add(owner)
                _replace(owner, "step", _watched_step(vars(owner)["step"], stepping, training))

    @_while_on(training, init)
    def watched_init(self: Any, *args: Any, **kwargs: Any) -> None:
        init(self, *args, **kwargs)
        wrap(type(self))

    _replace(optimizer_class, "__init__", watched_init)
    kinds = [optimizer_class]
    for kind in kinds:
        kinds.extend(kind.__subclasses__())
        wrap(kind)


def _watched_step(step: Callable[..., Any], stepping: list[Any], training: CapturedTraining) -> Callable[..., Any]:
    """`stepping`: the optimizers that are in a step now. The step of a subclass may call that of its base class."""

    @_while_on(training, step)
    def watched(self: Any, *args: Any, **kwargs: Any) -> Any:
        if any(other is self for other in stepping):
            return step(self, *args, **kwargs)
        stepping.append(self)
        try:
            changed = training.on_before_step(self, (self, *args), kwargs)
            given, named = ((self, *args), kwargs) if changed is None else changed
            result = step(*given, **named)
            training.on_after_step(self)
        finally:
            stepping.remove(self)
        return result

    return watched


def _patch_save(torch: Any, training: CapturedTraining) -> None:
    save = torch.save

    @_while_on(training, save)
    def watched(obj: Any, f: Any, *args: Any, **kwargs: Any) -> Any:
        result = save(obj, f, *args, **kwargs)
        training.on_saved(f)
        return result

    _replace(torch, "save", watched)


def _patch_scaler(torch: Any, training: CapturedTraining) -> None:
    scaler_class = torch.amp.GradScaler if hasattr(torch.amp, "GradScaler") else torch.cuda.amp.GradScaler
    scale, step, update = scaler_class.scale, scaler_class.step, scaler_class.update

    @_while_on(training, scale)
    def watched_scale(self: Any, outputs: Any) -> Any:
        scaled = scale(self, outputs)
        training.on_scale(outputs, scaled)
        return scaled

    @_while_on(training, step)
    def watched_step(self: Any, optimizer: Any, *args: Any, **kwargs: Any) -> Any:
        training.on_before_scaler_step(self, optimizer)
        try:
            return step(self, optimizer, *args, **kwargs)
        finally:
            training.on_after_scaler_step(optimizer)

    @_while_on(training, update)
    def watched_update(self: Any, *args: Any, **kwargs: Any) -> Any:
        result = update(self, *args, **kwargs)
        training.on_scaler_update(self)
        return result

    _replace(scaler_class, "scale", watched_scale)
    _replace(scaler_class, "step", watched_step)
    _replace(scaler_class, "update", watched_update)


def _patch_fsdp1(module: Any, training: CapturedTraining) -> None:
    """FSDP's own method returns the global norm on every rank."""
    wrapper_class = module.FullyShardedDataParallel
    clip = wrapper_class.clip_grad_norm_

    @_while_on(training, clip)
    def watched(self: Any, max_norm: Any, norm_type: Any = 2.0) -> Any:
        total = clip(self, max_norm, norm_type)
        training.on_global_norm(list(self.parameters()), total, max_norm, norm_type)
        return total

    _replace(wrapper_class, "clip_grad_norm_", watched)


def _patch_deepspeed(module: Any, training: CapturedTraining) -> None:
    """DeepSpeed clips inside its own optimizers. The global norm is known after the step."""
    engine_class = module.DeepSpeedEngine
    step = engine_class.step
    backward = engine_class.backward

    @_while_on(training, backward)
    def watched_backward(self: Any, loss: Any, *args: Any, **kwargs: Any) -> Any:
        training.on_engine_backward(loss)
        with training.inside_engine():
            return backward(self, loss, *args, **kwargs)

    @_while_on(training, step)
    def watched_step(self: Any, *args: Any, **kwargs: Any) -> Any:
        steps_before = getattr(self, "global_steps", None)
        with training.inside_engine():
            result = step(self, *args, **kwargs)
        if getattr(self, "global_steps", None) != steps_before:
            training.on_engine_step(self.optimizer, lambda: (self.get_global_grad_norm(), self.gradient_clipping()))
        return result

    clip = getattr(module, "clip_grad_norm_", None)
    if clip is not None:
        # without ZeRO the engine clips with a function of its own, which reduces over the ranks

        @_while_on(training, clip)
        def watched_clip(parameters: Any, max_norm: Any, norm_type: Any = 2, **kwargs: Any) -> Any:
            tensors = [parameters] if hasattr(parameters, "grad") else list(parameters)
            total = clip(tensors, max_norm, norm_type, **kwargs)
            training.on_global_norm(tensors, total, max_norm, norm_type)
            return total

        _replace(module, "clip_grad_norm_", watched_clip)
    _replace(engine_class, "backward", watched_backward)
    _replace(engine_class, "step", watched_step)


def _patch_megatron(module: Any, training: CapturedTraining) -> None:
    """Megatron-Core clips inside its own optimizers; `step` returns success, the global norm and a count of zeros."""
    for kind in [kind for kind in vars(module).values() if isinstance(kind, type) and "step" in vars(kind)]:
        step = vars(kind)["step"]
        if not getattr(step, "__isabstractmethod__", False):
            _replace(kind, "step", _watched_megatron_step(step, training))


def _patch_megatron_schedules(module: Any, training: CapturedTraining) -> None:
    """Megatron-Core calls `backward` on losses that it has scaled, so they are not recorded."""
    backward_step = module.backward_step

    @_while_on(training, backward_step)
    def watched(*args: Any, **kwargs: Any) -> Any:
        with training.inside_engine():
            return backward_step(*args, **kwargs)

    _replace(module, "backward_step", watched)


def _watched_megatron_step(step: Callable[..., Any], training: CapturedTraining) -> Callable[..., Any]:
    @_while_on(training, step)
    def watched(self: Any, *args: Any, **kwargs: Any) -> Any:
        if training.is_inside_engine():  # one of several in a chained optimizer, which reports the norm of all of them
            return step(self, *args, **kwargs)
        with training.inside_engine():
            result = step(self, *args, **kwargs)
        has_stepped, norm, *_ = result if isinstance(result, tuple) and len(result) >= 2 else (False, None)
        if has_stepped:
            if norm is None:
                training.tell_once("Megatron", "Megatron-Core measures no norm without clip_grad, so none is recorded")
            training.on_engine_step(self, lambda: (norm, self.config.clip_grad))
        return result

    return watched
