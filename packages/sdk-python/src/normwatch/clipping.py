"""
torch's own gradient clipping, recorded. The gradients and the value returned are torch's bit for bit, because torch
itself computes them; without an open run these functions do nothing else. Nothing here waits for a device.
"""

from __future__ import annotations

from collections.abc import Iterable
from inspect import signature
from typing import TYPE_CHECKING, Any, Callable, Union

from .current import current_run
from .parameters import Given
from .readings import LayerNorms
from .run import Run
from .settings import WrongUse

if TYPE_CHECKING:
    import torch

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
) -> torch.Tensor:
    """
    `torch.nn.utils.clip_grad_norm_` with the same arguments, and with `model.named_parameters()` too: then the norm of
    each layer is recorded, from the norms that torch computes anyway. Returns the norm before clipping, which is
    recorded as `grad_norm` of the step that the next `run.log` completes.
    """
    # these lines run between two steps, with cold caches, so they do as little as possible: even importing a module
    # that is loaded already would take as long as all the rest
    torch = _torch or _import_torch()
    clip = torch.nn.utils.clip_grad_norm_
    run = current_run()
    also = {} if foreach is None else _foreach(clip, foreach)
    tensors: Any = parameters
    given: Given | None = None
    heard: list[Any] = []
    if not isinstance(parameters, torch.Tensor):
        # an iterator can be read once only, and torch has to read it too
        tensors = list(parameters)
        if tensors and isinstance(tensors[0], tuple):
            given = Given(tensors)
            tensors = given.tensors
    if run is None or given is None:
        total = clip(tensors, max_norm, norm_type, error_if_nonfinite, **also)
    else:
        with given.listen(norm_type) as heard:
            total = clip(tensors, max_norm, norm_type, error_if_nonfinite, **also)
    total_here = total if type(total) is torch.Tensor else _whole(total)
    if run is not None:
        try:
            readings = {"grad_norm": total_here}
            if heard and given is not None:
                readings.update(_layer_norms(given, heard, norm_type))
            run.note_norm(max_norm, readings)
        except Exception as error:
            _warn_unrecorded(run, error)
    return total


def clip_grad_value_(parameters: Parameters, clip_value: float, foreach: bool | None = None) -> None:
    """
    `torch.nn.utils.clip_grad_value_` with the same arguments, and with `model.named_parameters()` too. Records what was
    there before: the global norm, the largest element (`max_abs_grad`) and the share clamped (`clip_fraction`).
    """
    from torch.nn.utils import clip_grad_value_ as clip

    given = Given(parameters)
    run = current_run()
    if run is not None:
        try:
            run.note_clip(
                {"mode": "value", "clip_value": float(clip_value)}, _before_clamping(given, float(clip_value))
            )
        except Exception as error:
            _warn_unrecorded(run, error)
    clip(given.tensors, clip_value, **({} if foreach is None else _foreach(clip, foreach)))


def grad_norm(parameters: Parameters, norm_type: float = 2.0) -> torch.Tensor:
    """The global norm of the gradients, which are left alone; recorded as `grad_norm` of the coming step."""
    given = Given(parameters)
    run = current_run()
    if run is None or given.layers is None:
        heard: list[Any] = []
        total = given.total_norm(norm_type)
    else:
        with given.listen(norm_type) as heard:
            total = given.total_norm(norm_type)
    total_here = _whole(total)
    if run is not None:
        try:
            run.note_clip({"mode": "none"}, {"grad_norm": total_here, **_layer_norms(given, heard, norm_type)})
        except Exception as error:
            _warn_unrecorded(run, error)
    return total


def _before_clamping(given: Given, clip_value: float) -> dict[str, Any]:
    import torch

    if any(_is_sharded(gradient) for gradient in given.gradients):
        return {}  # one rank alone cannot measure them
    sizes = [gradient.abs() for gradient in given.gradients if gradient.numel() > 0]
    if not sizes:
        return {"grad_norm": 0.0, "max_abs_grad": 0.0, "clip_fraction": 0.0}
    device = sizes[0].device
    clamped = torch.stack([(size > clip_value).sum().to(device) for size in sizes]).sum()
    return {
        "grad_norm": given.total_norm(2.0),
        "max_abs_grad": torch.stack([size.max().double().to(device) for size in sizes]).max(),
        "clip_fraction": clamped.double() / sum(size.numel() for size in sizes),
    }


def _layer_norms(given: Given, heard: list[Any], norm_type: float) -> dict[str, Any]:
    if given.layers is None or not heard or _is_sharded(heard[0]):
        return {}
    return {"layers": LayerNorms(given.layers, heard[0], float(norm_type))}


def _whole(total: torch.Tensor) -> Any:
    """The norm of a sharded model is a DTensor; every rank takes part in making it one number."""
    return total.full_tensor() if _is_sharded(total) else total


def _is_sharded(tensor: Any) -> bool:
    import torch

    return type(tensor) is not torch.Tensor and hasattr(tensor, "full_tensor")


def _foreach(clip: Callable[..., Any], foreach: bool) -> dict[str, bool]:
    """torch before 2.0 has no `foreach`, and one way to compute only."""
    return {"foreach": foreach} if "foreach" in signature(clip).parameters else {}


def _warn_unrecorded(run: Run, error: Exception) -> None:
    """The gradients are clipped whether they can be recorded or not."""
    if isinstance(error, WrongUse):
        raise error
    run.notices.warn(f"clip {type(error)}", f"a clip call could not be recorded: {type(error).__name__}: {error}")
