"""The parameters given to a clip call: their gradients, their layers and their norms."""

from __future__ import annotations

import gc
import math
import re
import sys
import weakref
from collections.abc import Sequence
from functools import cached_property
from typing import Any

WRAPPERS = re.compile(r"(?:^|(?<=\.))(?:_orig_mod|_fsdp_wrapped_module|_checkpoint_wrapped_module)\.")
"""Prefixes that torch.compile, FSDP and activation checkpointing add to the names of parameters."""
DDP_PREFIX = "module."
MAX_CACHED = 32

_layers: dict[tuple[int, int, int], tuple[str, list[str], list[str]]] = {}
"""A cache of names and layers by list of parameters, because naming thousands of layers at each step is slow."""
_local: dict[int, tuple[weakref.ref[Any], str | None]] = {}


class Given:
    """The parameters of a clip call as torch needs them, and their names if they were given with names."""

    def __init__(self, parameters: Any) -> None:
        import torch

        self.tensors: Any = parameters
        self.names: list[str] | None = None
        if not isinstance(parameters, torch.Tensor):
            # an iterator can be read only once, and torch has to read it too
            self.tensors = list(parameters)
            if self.tensors and isinstance(self.tensors[0], tuple):
                self.names = [name for name, _ in self.tensors]
                self.tensors = [tensor for _, tensor in self.tensors]
        self._every = [self.tensors] if isinstance(self.tensors, torch.Tensor) else self.tensors

    @property
    def key(self) -> int | None:
        """The `id()` of the first parameter. It distinguishes one network from another."""
        return id(self._every[0]) if self._every else None

    @property
    def local_reason(self) -> str | None:
        """Why the norm of these gradients is not that of the whole model, else None."""
        return local_reason(self._every[0]) if self._every else None

    @cached_property
    def gradients(self) -> list[Any]:
        """The gradients that exist."""
        return [tensor.grad for tensor in self._every if tensor.grad is not None]

    @cached_property
    def layers(self) -> tuple[list[str], list[str]] | None:
        """The name and the layer of each gradient, if the parameters were given with names."""
        if self.names is None:
            return None
        names, layers = _names_and_layers(self.names, self._every)
        if len(self.gradients) == len(self._every):
            return names, layers
        has_gradient = [tensor.grad is not None for tensor in self._every]
        return (
            [name for name, has in zip(names, has_gradient) if has],
            [layer for layer, has in zip(layers, has_gradient) if has],
        )

    def total_norm(self, norm_type: float) -> Any:
        """The norm that torch's clip call would return. Does not clip."""
        import torch

        if not self.gradients:
            return torch.tensor(0.0)
        with torch.no_grad():
            if hasattr(torch.nn.utils, "get_total_norm"):
                return torch.nn.utils.get_total_norm(self.gradients, norm_type)
            # torch < 2.6: the same computation as in its clip_grad_norm_
            norms = self.norms(norm_type)
            return norms.max() if float(norm_type) == math.inf else torch.norm(norms, float(norm_type))

    def norms(self, norm_type: float) -> Any:
        """The norm of each gradient, in one tensor on the device of the first. Reads all gradients."""
        import torch

        with torch.no_grad():
            device = self.gradients[0].device
            dense = [gradient.coalesce().values() if gradient.is_sparse else gradient for gradient in self.gradients]
            if float(norm_type) == math.inf:
                return torch.stack([gradient.abs().max().to(device) for gradient in dense])
            return torch.stack([torch.norm(gradient, float(norm_type)).to(device) for gradient in dense])

    def fused_norms(self, norm_type: float) -> tuple[Any, Any] | None:
        """
        The norm of each gradient in one tensor, and the norm of all, computed exactly as in torch's clip call. None
        unless all gradients are dense, of one type and on one device. Also None with torch < 2.6.
        """
        import torch

        gradients = self.gradients
        if len(gradients) < 2 or not hasattr(torch.nn.utils, "clip_grads_with_norm_"):
            return None
        first = gradients[0]
        if len({(g.dtype, g.device, type(g)) for g in gradients}) > 1 or type(first) is not torch.Tensor:
            return None
        if first.device.type not in ("cpu", "cuda") or any(g.is_sparse for g in gradients):
            return None
        with torch.no_grad():
            norms = torch.stack(torch._foreach_norm(gradients, float(norm_type)))
            return norms, torch.linalg.vector_norm(norms, float(norm_type))


def norm_over_meshes(gradients: Sequence[Any], norm_type: float) -> Any:
    """
    The norm of gradients that torch cannot stack, such as DTensors mixed with plain tensors (tensor parallel). They are
    reduced one by one, because their placements may differ. Every rank must call this, with the same order.
    """
    import torch

    groups: dict[Any, list[Any]] = {}
    with torch.no_grad():
        for gradient in gradients:
            groups.setdefault(_place(gradient), []).append(gradient.coalesce() if gradient.is_sparse else gradient)
        norms = []
        for group in groups.values():
            for gradient in group:
                norm = torch.linalg.vector_norm(gradient, norm_type)
                norms.append((norm.full_tensor() if hasattr(norm, "full_tensor") else norm).float())
        device = norms[0].device
        return torch.linalg.vector_norm(torch.stack([norm.to(device) for norm in norms]), norm_type)


def _place(gradient: Any) -> Any:
    """A key for the ranks that hold a gradient, and its device."""
    mesh = getattr(gradient, "device_mesh", None)
    return ("plain", gradient.device) if mesh is None else ("mesh", id(mesh))


def _names_and_layers(given: list[str], tensors: list[Any]) -> tuple[list[str], list[str]]:
    """The names of parameters without the prefixes of wrappers, and the name of the layer of each."""
    key = (id(tensors[0]), id(tensors[-1]), len(given))
    known = _layers.get(key)
    if known is not None and known[0] == given[0]:
        return known[1], known[2]
    names = [WRAPPERS.sub("", name) for name in given]
    if all(name.startswith(DDP_PREFIX) for name in names):
        names = [name[len(DDP_PREFIX) :] for name in names]
    layers = [name.rpartition(".")[0] or name for name in names]
    if len(_layers) >= MAX_CACHED:
        _layers.clear()
    _layers[key] = (given[0], names, layers)
    return names, layers


def local_reason(parameter: Any) -> str | None:
    """
    Why the gradients of the parameters that start with this one are only this rank's share, else None. The answer is
    cached, because it does not change for a parameter.
    """
    known = _local.get(id(parameter))
    if known is None or known[0]() is not parameter:
        if len(_local) >= MAX_CACHED:
            _local.clear()
        known = _local[id(parameter)] = (weakref.ref(parameter), _find_local_reason(parameter))
    return known[1]


def _find_local_reason(parameter: Any) -> str | None:
    if type(parameter).__name__ == "FlatParameter" or getattr(parameter, "_fsdp_flattened", False):
        return "FullyShardedDataParallel shards them: log what model.clip_grad_norm_() returns"
    if hasattr(parameter, "ds_id"):
        return "DeepSpeed ZeRO-3 shards them: log engine.get_global_grad_norm()"
    stage = sys.modules.get("torch.distributed.pipelining.stage")
    if stage is not None:
        for candidate in gc.get_objects():
            is_shared = isinstance(candidate, stage._PipelineStageBase) and candidate.group_size > 1
            if is_shared and any(own is parameter for own in candidate.submod.parameters()):
                return "they are one pipeline stage's: combine the norms of all stages and log that"
    return None
