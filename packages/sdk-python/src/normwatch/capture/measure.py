"""Measures the norm of gradients that were not clipped."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from operator import attrgetter
from typing import Any

from ..clipping import is_sharded, whole
from ..parameters import norm_over_meshes

SMALL = 1 << 16
"""Up to this many elements on a CPU are copied together and measured at once: faster than a norm per gradient."""

_kind_of = attrgetter("__class__", "dtype", "device", "layout")


def are_small(gradients: Sequence[Any]) -> bool:
    """Whether `SmallNorm` may measure them: few elements on a CPU, dense, of one type, and not of 16 bits."""
    torch = sys.modules["torch"]
    return (
        set(map(_kind_of, gradients))
        in (
            {(torch.Tensor, torch.float32, torch.device("cpu"), torch.strided)},
            {(torch.Tensor, torch.float64, torch.device("cpu"), torch.strided)},
        )
        and sum(gradient.numel() for gradient in gradients) <= SMALL
    )


class SmallNorm:
    """
    The L2 norm of gradients that were small before, without checking each of them again. None if they have changed
    their type, layout or device. Torch's functions are looked up once, because a look-up takes time in each step.
    """

    __slots__ = ("_flatten", "_kinds", "_norm", "_tensor")

    def __init__(self) -> None:
        torch = sys.modules["torch"]
        self._flatten = torch._C._nn.flatten_dense_tensors
        self._norm = torch.linalg.vector_norm
        self._tensor = torch.Tensor
        self._kinds = (torch.float32, torch.float64)

    def __call__(self, gradients: Sequence[Any]) -> float | None:
        try:
            flat = self._flatten(gradients)
        except (RuntimeError, TypeError):
            return None
        if type(flat) is not self._tensor or not flat.is_cpu or flat.dtype not in self._kinds:
            return None
        norm: float = self._norm(flat).tolist()
        return norm


def norm_of_gradients(gradients: Sequence[Any]) -> Any:
    """The L2 norm of all gradients, summed in at least float32: a float, or a tensor on the first gradient's device."""
    torch = sys.modules["torch"]
    kinds = set(map(_kind_of, gradients))
    if len(kinds) == 1:
        [(kind, dtype, _, layout)] = kinds
        is_half = dtype is torch.float16 or dtype is torch.bfloat16
        is_usual = is_half or dtype is torch.float32 or dtype is torch.float64
        if kind is torch.Tensor and layout is torch.strided and is_usual:
            with torch.no_grad():
                norms = _half_norms(torch, gradients) if is_half else torch._foreach_norm(gradients, 2.0)
                return torch.linalg.vector_norm(torch.stack(norms), 2.0)
    with torch.no_grad():
        dense = [gradient.coalesce().values() if gradient.is_sparse else gradient for gradient in gradients]
        dense = [gradient for gradient in dense if gradient.numel() > 0]
        if not dense:
            return None
        if any(map(is_sharded, dense)):
            return _norm_of_shards(torch, dense)
        norms = [_norm(torch, gradient).to(dense[0].device) for gradient in dense]
        return torch.linalg.vector_norm(torch.stack(norms), 2.0)


def _norm_of_shards(torch: Any, gradients: Sequence[Any]) -> Any:
    """The norm of gradients that are sharded over the ranks. Every rank must call this."""
    try:
        norms = torch.stack([_norm(torch, gradient) for gradient in gradients])
    except (RuntimeError, ValueError):  # on several meshes, or mixed with gradients that are not sharded
        return norm_over_meshes(gradients, 2.0)
    return whole(torch.linalg.vector_norm(norms, 2.0))


def _half_norms(torch: Any, gradients: Sequence[Any]) -> Sequence[Any]:
    """The norms of 16-bit gradients, summed in float32."""
    try:
        norms: Sequence[Any] = torch._foreach_norm(gradients, 2.0, dtype=torch.float32)
    except TypeError:  # torch before 2.5
        norms = [_norm(torch, gradient) for gradient in gradients]
    return norms


def _norm(torch: Any, gradient: Any) -> Any:
    half = gradient.dtype in (torch.float16, torch.bfloat16)
    return torch.linalg.vector_norm(gradient, 2.0, dtype=torch.float32) if half else torch.linalg.vector_norm(gradient)


def kept(value: Any) -> Any:
    """A number as it is now. A tensor on a device is copied on that device, since the training may write into it."""
    torch = sys.modules["torch"]
    if not isinstance(value, torch.Tensor):
        return float(value)
    if value.is_cpu:
        return value.item()
    return value.detach().clone()
