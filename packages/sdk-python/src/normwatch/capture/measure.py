"""The norm of gradients that nothing clipped."""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from typing import Any

from ..clipping import whole

FEW = 16
"""Up to so many norms on a CPU are put together in Python, which takes less time than two calls of torch."""


def norm_of_gradients(gradients: Sequence[Any]) -> Any:
    """The L2 norm of all gradients, summed in float32 at least: a float, or a tensor on the device of the first one."""
    torch = sys.modules["torch"]
    kinds = {(type(gradient), gradient.dtype, gradient.device, gradient.layout) for gradient in gradients}
    if len(kinds) == 1:
        [(kind, dtype, device, layout)] = kinds
        is_half = dtype is torch.float16 or dtype is torch.bfloat16
        is_usual = is_half or dtype is torch.float32 or dtype is torch.float64
        if kind is torch.Tensor and layout is torch.strided and is_usual:
            norms = _half_norms(torch, gradients) if is_half else torch._foreach_norm(gradients, 2.0)
            if device.type == "cpu" and len(norms) <= FEW:
                total = math.hypot(*(norm.item() for norm in norms))
                if total != math.inf:  # hypot hides a NaN beside it
                    return total
            with torch.no_grad():
                return torch.linalg.vector_norm(torch.stack(norms), 2.0)
    with torch.no_grad():
        dense = [gradient.coalesce().values() if gradient.is_sparse else gradient for gradient in gradients]
        dense = [gradient for gradient in dense if gradient.numel() > 0]
        if not dense:
            return None
        norms = [_norm(torch, gradient).to(dense[0].device) for gradient in dense]
        return whole(torch.linalg.vector_norm(torch.stack(norms), 2.0))


def _half_norms(torch: Any, gradients: Sequence[Any]) -> Sequence[Any]:
    """The norms of gradients of 16 bits, summed in float32."""
    with torch.no_grad():
        try:
            norms: Sequence[Any] = torch._foreach_norm(gradients, 2.0, dtype=torch.float32)
        except TypeError:  # torch before 2.5
            norms = [_norm(torch, gradient) for gradient in gradients]
        return norms


def _norm(torch: Any, gradient: Any) -> Any:
    half = gradient.dtype in (torch.float16, torch.bfloat16)
    return torch.linalg.vector_norm(gradient, 2.0, dtype=torch.float32) if half else torch.linalg.vector_norm(gradient)
