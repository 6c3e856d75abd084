"""
Torch's gradient clipping, with recording. The gradients and the return value are the same as torch's, bit for bit.
Without an open run, these functions only call torch. They never wait for a device and raise only torch's own errors.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from inspect import signature
from typing import TYPE_CHECKING, Any, Callable, Union

from .current import current_run, decide_later, is_ambiguous
from .parameters import Given, local_reason, norm_over_meshes
from .readings import LayerNorms
from .settings import WrongUse

if TYPE_CHECKING:
    import torch

    from .run import Run

    Parameters = Union[torch.Tensor, Iterable[torch.Tensor], Iterable[tuple[str, torch.Tensor]]]


_torch: Any = None


def _import_torch() -> Any:
    global _torch
    import torch

    _torch = torch
    return torch


def clip_grad_norm_(
    parameters: Parameters,
    max_norm: float,
    norm_type: float = 2.0,
    error_if_nonfinite: bool = False,
    foreach: bool | None = None,
    *,
    run: Run | None = None,
    part: str | None = None,
) -> torch.Tensor:
    """
    `torch.nn.utils.clip_grad_norm_` with the same arguments. Also takes `model.named_parameters()`, and then records
    the norm of each layer too, from the norms that the clip call needs anyway. Returns the norm before clipping, a
    tensor of one number. It is recorded as `grad_norm` of the step that the next `run.log` completes, of `run` or else
    of the current run. `part` names the part of the run, if it trains several networks. A norm other than the L2 norm
    is recorded under a part of its own, such as `l1` or `linf`. Raises only what torch raises.
    """
    # these lines run between two steps, with cold processor caches, so they do as little as possible: even an import
    # statement for a loaded module would take as long as all the rest
    torch = _torch or _import_torch()
    is_named = run is not None
    if run is None:
        run = current_run()
    clip = torch.nn.utils.clip_grad_norm_
    also = {} if foreach is None else _foreach(clip, foreach)
    tensors: Any = parameters
    given: Given | None = None
    norms: Any = None
    first: Any = parameters
    if not isinstance(parameters, torch.Tensor):
        # an iterator can be read only once, and torch has to read it too
        tensors = list(parameters)
        first = tensors[0] if tensors else None
        if type(first) is tuple:
            given = Given(tensors)
            tensors = given.tensors
            first = tensors[0]
    if run is None or not run.is_open:
        return _measured_by_all(clip(tensors, max_norm, norm_type, error_if_nonfinite, **also))
    try:
        if given is not None:
            norms, total = _clip_with_names(given, max_norm, norm_type, error_if_nonfinite, foreach, also)
        else:
            total = clip(tensors, max_norm, norm_type, error_if_nonfinite, **also)
    except RuntimeError:
        if error_if_nonfinite:
            _record_refused(run, part, given or Given(tensors), max_norm, norm_type)
        raise
    total_here = total if type(total) is torch.Tensor else whole(total)
    try:
        reason = None if first is None else local_reason(first)
        if reason is not None:
            _refuse_local(run, reason)
            return total
        readings = {"grad_norm": total_here}
        if given is not None and norms is not None:
            readings.update(_layer_norms(given, norms, norm_type))
        if norm_type != 2.0:
            part = norm_part(part, norm_type)
        key = id(first)
        if not is_named and is_ambiguous():
            _wait_for_log(run, lambda later: later.noted.norm(part, key, max_norm, readings))
        else:
            run.noted.norm(part, key, max_norm, readings)
    except Exception as error:
        _warn_unrecorded(run, error)
    return total


def clip_grad_value_(
    parameters: Parameters,
    clip_value: float,
    foreach: bool | None = None,
    *,
    run: Run | None = None,
    part: str | None = None,
) -> None:
    """
    `torch.nn.utils.clip_grad_value_` with the same arguments. Also takes `model.named_parameters()`. Records the
    gradients before clipping: their global L2 norm, the largest absolute value (`max_abs_grad`) and the share of
    elements that will be clamped (`clip_fraction`, 0 to 1). With names, also the norm of each layer.
    """
    from torch.nn.utils import clip_grad_value_ as clip

    given = Given(parameters)
    is_named = run is not None
    run = run or current_run()
    if run is not None and run.is_open:
        try:
            readings = before_clamping(given, float(clip_value))
            _note(run, is_named, part, given, {"mode": "value", "clip_value": float(clip_value)}, readings)
        except Exception as error:
            _warn_unrecorded(run, error)
    clip(given.tensors, clip_value, **({} if foreach is None else _foreach(clip, foreach)))


def grad_norm(
    parameters: Parameters, norm_type: float = 2.0, *, run: Run | None = None, part: str | None = None
) -> torch.Tensor:
    """
    The global norm of the gradients, a tensor of one number, without changing them. It is recorded as `grad_norm` of
    the step that the next `run.log` completes. Never raises: if the gradients cannot be measured, it warns and
    returns NaN.
    """
    import torch

    is_named = run is not None
    run = run or current_run()
    try:
        given = Given(parameters)
        total, norms = _norms(given, norm_type)
        total_here = whole(total)
    except Exception as error:
        if run is not None:
            _warn_unrecorded(run, error)
        return torch.tensor(math.nan)
    if run is not None and run.is_open:
        try:
            readings = {"grad_norm": total_here, **_layer_norms(given, norms, norm_type)}
            _note(run, is_named, norm_part(part, norm_type), given, {"mode": "none"}, readings)
        except Exception as error:
            _warn_unrecorded(run, error)
    return total


def measure(given: Given) -> dict[str, Any]:
    """The readings of gradients as they are: their L2 norm and, if they have names, the norm of each layer."""
    total, norms = _norms(given, 2.0)
    return {"grad_norm": whole(total), **_layer_norms(given, norms, 2.0)}


def layers_after_clipping(given: Given, total: Any, max_norm: Any, run: Run) -> dict[str, Any]:
    """The norm of each layer before a clip call that has already run, computed from the clipped gradients."""
    import torch

    if not given.gradients or _any_sharded(given):
        run.notices.warn(
            "sharded layers", "the norms of layers are not recorded: each rank has a part of their gradients"
        )
        return {}
    with torch.no_grad():
        fused = given.fused_norms(2.0)
        norms = given.norms(2.0) if fused is None else fused[0]
        kept = torch.clamp(float(max_norm) / (torch.as_tensor(total, device=norms.device) + 1e-6), max=1.0)
        return _layer_norms(given, norms / kept, 2.0)


def norm_part(part: str | None, norm_type: float) -> str | None:
    """The part to record a norm under. Norms other than L2 get their own part, as they are not comparable with L2."""
    number = float(norm_type)
    if number == 2.0:
        return part
    name = "linf" if number == math.inf else f"l{number:g}"
    return name if part is None else f"{part}-{name}"


def before_clamping(given: Given, clip_value: float) -> dict[str, Any]:
    """Readings of gradients about to be clamped to ±`clip_value`. Empty if this rank has only a share of them."""
    import torch

    if _any_sharded(given):
        return {}  # a single rank cannot measure them
    with torch.no_grad():
        sizes = [gradient.detach().abs() for gradient in given.gradients if gradient.numel() > 0]
        if not sizes:
            return {"grad_norm": 0.0, "max_abs_grad": 0.0, "clip_fraction": 0.0}
        device = sizes[0].device
        clamped = torch.stack([(size > clip_value).sum().to(device) for size in sizes]).sum()
        readings = {
            "grad_norm": given.total_norm(2.0),
            "max_abs_grad": torch.stack([size.max().double().to(device) for size in sizes]).max(),
            "clip_fraction": clamped.double() / sum(size.numel() for size in sizes),
        }
        return {**readings, **_layer_norms(given, given.norms(2.0) if given.layers is not None else None, 2.0)}


def _clip_with_names(
    given: Given,
    max_norm: float,
    norm_type: float,
    error_if_nonfinite: bool,
    foreach: bool | None,
    also: dict[str, Any],
) -> tuple[Any, Any]:
    """Clips. Returns the norm of each gradient (None if unknown) and the norm of all."""
    import torch

    if foreach is not False and not error_if_nonfinite:
        fused = given.fused_norms(norm_type)
        if fused is not None:
            norms, total = fused
            with torch.no_grad():
                torch.nn.utils.clip_grads_with_norm_(given.tensors, max_norm, total, **also)
            return norms, total
    norms = None
    if given.gradients and not _any_sharded(given):
        try:
            norms = given.norms(norm_type)
        except Exception:  # if a gradient cannot be measured, torch's own call below raises
            norms = None
    return norms, torch.nn.utils.clip_grad_norm_(given.tensors, max_norm, norm_type, error_if_nonfinite, **also)


def _norms(given: Given, norm_type: float) -> tuple[Any, Any]:
    """The norm of all gradients and, if they have names, of each gradient."""
    if given.layers is None or not given.gradients or _any_sharded(given):
        return _total(given, norm_type), None
    norms, total = given.fused_norms(norm_type) or (given.norms(norm_type), given.total_norm(norm_type))
    return total, norms


def _total(given: Given, norm_type: float) -> Any:
    try:
        return given.total_norm(norm_type)
    except Exception:  # gradients that torch does not stack
        return norm_over_meshes(given.gradients, norm_type)


def _record_refused(run: Run, part: str | None, given: Given, max_norm: float, norm_type: float) -> None:
    """Records the norm for which torch raised an error, because it explains why the training ended."""
    try:
        readings = {"grad_norm": whole(given.total_norm(norm_type))}
        _note(run, True, norm_part(part, norm_type), given, {"mode": "norm", "max_norm": max_norm}, readings)
    except Exception as error:
        _warn_unrecorded(run, error)


def _note(
    run: Run, is_named: bool, part: str | None, given: Given, clip: dict[str, Any], readings: dict[str, Any]
) -> None:
    if given.local_reason is not None:
        _refuse_local(run, given.local_reason)
    elif not is_named and is_ambiguous():
        _wait_for_log(run, lambda later: later.noted.clip(part, given.key, clip, readings))
    else:
        run.noted.clip(part, given.key, clip, readings)


def _wait_for_log(run: Run, note: Callable[[Run], None]) -> None:
    run.notices.warn(
        "several runs",
        "several runs are open: a clip call is recorded for the run that logs next. To choose a run, call "
        "run.clip_grad_norm_(parameters, max_norm)",
    )
    decide_later(note)


def _refuse_local(run: Run, reason: str) -> None:
    run.notices.warn("local norm", f"the norm of these gradients is not recorded, as it is not the model's: {reason}")


def _layer_norms(given: Given, norms: Any, norm_type: float) -> dict[str, Any]:
    if given.layers is None or norms is None or is_sharded(norms):
        return {}
    return {"layers": LayerNorms(*given.layers, norms, float(norm_type))}


def _measured_by_all(total: torch.Tensor) -> torch.Tensor:
    """Gathers a sharded norm also on a rank that records nothing, because the recording rank waits for all ranks."""
    whole(total)
    return total


def whole(total: torch.Tensor) -> Any:
    """Turns the norm of a sharded model, a DTensor, into one number. Every rank must call this."""
    return total.full_tensor() if is_sharded(total) else total


def _any_sharded(given: Given) -> bool:
    return any(is_sharded(gradient) for gradient in given.gradients)


def is_sharded(tensor: Any) -> bool:
    return is_sharded_type(type(tensor))


def is_sharded_type(kind: type) -> bool:
    """Whether tensors of this type are sharded over the ranks (DTensor)."""
    return hasattr(kind, "full_tensor")


def _foreach(clip: Callable[..., Any], foreach: bool) -> dict[str, bool]:
    """The `foreach` argument, which torch before 2.0 does not have."""
    return {"foreach": foreach} if "foreach" in signature(clip).parameters else {}


def _warn_unrecorded(run: Run, error: Exception) -> None:
    """Warns about a failed recording. The gradients are clipped anyway."""
    if isinstance(error, WrongUse):
        raise error
    run.notices.warn_of(error, "clip", "a clip call could not be recorded")
