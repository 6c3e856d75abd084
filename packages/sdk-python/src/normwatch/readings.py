"""Which values are readings. Tensors are read later, in bulk, by the background thread."""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from typing import Any, Callable

from .settings import LAYER_PREFIX


class WrongReading(ValueError):
    """The value is not a reading. The message completes a sentence that starts with the argument's name."""


class Deferred:
    """One number on an accelerator, kept as it is until the background thread reads it."""

    __slots__ = ("tensor", "version")
    names_readings = False
    """Whether it holds several readings and provides their names."""

    def __init__(self, tensor: Any) -> None:
        self.tensor = tensor
        self.version = _version(tensor)

    def expand(self, name: str, numbers: list[float], row: dict[str, float]) -> None:
        """Adds the numbers that were read to the row of their step."""
        row[name] = numbers[0]


class LayerNorms(Deferred):
    """
    The norms of a model's parameters in one tensor, so that a step needs at most one transfer. The norm of a layer is
    the `norm_type`-norm of its parameters' norms. `names[i]` and `layers[i]` are the parameter and the layer of number
    `i`.
    """

    __slots__ = ("layers", "names", "norm_type", "part")
    names_readings = True

    def __init__(self, names: Sequence[str], layers: Sequence[str], tensor: Any, norm_type: float) -> None:
        super().__init__(tensor)
        self.names = names
        self.layers = layers
        self.norm_type = norm_type
        self.part: str | None = None

    def of_part(self, part: str | None) -> LayerNorms:
        """These norms with the part's name before each layer's name: `generator.0`."""
        self.part = part
        return self

    def expand(self, name: str, numbers: list[float], row: dict[str, float]) -> None:
        together: dict[str, list[float]] = {}
        for layer, number in zip(self.layers, numbers):
            together.setdefault(layer, []).append(number)
        prefix = LAYER_PREFIX if self.part is None else f"{LAYER_PREFIX}{self.part}."
        for layer, norms in together.items():
            is_named_so = self.part is not None and layer.startswith(f"{self.part}.")
            row[(LAYER_PREFIX if is_named_so else prefix) + layer] = norm_of_norms(norms, self.norm_type)


class StepReadings(Deferred):
    """Several readings of one step in one tensor on a device. If the first is `no_norm`, the step was skipped."""

    __slots__ = ("names", "no_norm")
    names_readings = True

    def __init__(self, names: Sequence[str], tensor: Any, no_norm: float) -> None:
        super().__init__(tensor)
        self.names = names
        self.no_norm = no_norm

    def expand(self, name: str, numbers: list[float], row: dict[str, float]) -> None:
        if numbers[0] == self.no_norm:
            row["skipped"] = 1.0
        else:
            row.update(zip(self.names, numbers))


class LossScale:
    """The scale of a GradScaler. If it is lower than in the step before, this step was skipped."""

    __slots__ = ("scale",)

    def __init__(self, scale: float | Deferred) -> None:
        self.scale = scale


def norm_of_norms(norms: Sequence[float], norm_type: float) -> float:
    """The p-norm of a vector from the p-norms of its parts, with p = `norm_type`. NaN if one of them is NaN."""
    if len(norms) == 1 or any(math.isnan(norm) for norm in norms):
        return norms[0] if len(norms) == 1 else math.nan
    largest = max(norms)
    if norm_type == math.inf or largest in (0.0, math.inf):
        return largest
    # divided by the largest, so that the powers do not overflow or underflow
    return float(largest * sum((norm / largest) ** norm_type for norm in norms) ** (1 / norm_type))


def accept(value: object) -> float | Deferred | None:
    """
    The reading in `value`: a float, or a `Deferred` for a tensor on an accelerator. None means no reading. A CPU tensor
    is read at once, because that does not wait. Raises `WrongReading` if `value` is not a reading.
    """
    if value is None:
        return None
    kind = type(value)
    torch = sys.modules.get("torch")
    if torch is not None and (kind is torch.Tensor or isinstance(value, torch.Tensor)):
        return _accept_torch(torch, value)
    if isinstance(value, (bool, str, bytes, bytearray)) or kind.__name__ in ("bool", "bool_"):
        raise WrongReading(f"must be a number, not {value!r}")
    if getattr(value, "size", 1) != 1 and not callable(getattr(value, "size", None)):
        raise WrongReading(f"must be one number, not {kind.__name__} of shape {getattr(value, 'shape', '?')}")
    if kind.__name__ == "EagerTensor":  # of TensorFlow
        return Deferred(value)
    if hasattr(value, "block_until_ready"):  # a jax array: immutable, and may still be being computed
        return Deferred(value)
    try:
        # numpy converts an array of one number to a float only by item()
        return float(value.item() if hasattr(value, "item") else value)  # type: ignore[arg-type]
    except OverflowError:
        raise WrongReading("is an integer too large for a float") from None
    except (TypeError, ValueError):
        raise WrongReading(f"must be a number, not {kind.__name__}") from None


def _accept_torch(torch: Any, tensor: Any) -> float | Deferred:
    if type(tensor) is not torch.Tensor and hasattr(tensor, "full_tensor"):
        if not all(placement.is_replicate() for placement in tensor.placements):
            raise WrongReading("is a DTensor that is spread over the ranks: log .full_tensor(), called on every rank")
        tensor = tensor.to_local()
    if tensor.is_meta:
        raise WrongReading("is on the device meta, where tensors have no numbers")
    is_one = tensor.numel() == 1
    if is_one and tensor.is_cpu:
        number = tensor.item()
        if type(number) is float or type(number) is int:
            return float(number)
    if not is_one or tensor.is_complex() or tensor.dtype is torch.bool:
        raise WrongReading(f"must be one number, not a {tensor.dtype} tensor of shape {tuple(tensor.shape)}")
    return Deferred(tensor.detach())


def is_on_device(value: Any) -> bool:
    """Whether `value` is a torch tensor on an accelerator, whose number is read later because reading it waits."""
    return type(value) is not float and not getattr(value, "is_cpu", True)


def _version(tensor: Any) -> Any:
    """The count of a torch tensor's in-place changes. None if there is no count (jax, inference mode)."""
    try:
        return tensor._version
    except (AttributeError, RuntimeError):
        return None


def read_in_bulk(kept: Sequence[Deferred], warn: Callable[[str, str], None]) -> list[list[float] | None]:
    """The numbers of each, with one transfer per device and shape. None if a tensor could not be read as logged."""
    out: list[list[float] | None] = [None] * len(kept)
    alike: dict[object, list[int]] = {}
    for i, deferred in enumerate(kept):
        tensor = deferred.tensor
        if deferred.version == _version(tensor):
            alike.setdefault(_kind(tensor), []).append(i)
        else:
            warn("changed in place", "a tensor was changed in place after log() and not read: log its .clone()")
    for key, indices in alike.items():
        tensors = [kept[i].tensor for i in indices]
        try:
            rows = READERS[key](tensors) if isinstance(key, str) else _read_torch(tensors)
        except Exception as error:  # a lost device or a deleted buffer must not end the background thread
            warn("unreadable", f"readings could not be fetched from their device: {error}")
            continue
        for i, numbers in zip(indices, rows):
            out[i] = numbers
    return out


def _kind(tensor: Any) -> object:
    """A key for what can be read together: torch tensors by device, type and shape; jax arrays; TensorFlow tensors."""
    if hasattr(tensor, "numel"):
        return tensor.device, tensor.dtype, tensor.shape
    return "jax" if hasattr(tensor, "block_until_ready") else "tensorflow"


def _read_torch(tensors: list[Any]) -> list[list[float]]:
    import torch

    if tensors[0].device.type == "cuda":
        # the training may compute on another stream, and this thread's stream does not wait for it
        torch.cuda.synchronize(tensors[0].device)
    together = torch.stack([tensor.reshape(-1) for tensor in tensors])
    numbers: list[list[float]] = together.to("cpu").double().tolist()
    return numbers


def _read_jax(arrays: list[Any]) -> list[list[float]]:
    import jax

    return [[float(number) for number in array.reshape(-1)] for array in jax.device_get(arrays)]


def _read_tensorflow(tensors: list[Any]) -> list[list[float]]:
    return [[float(number) for number in tensor.numpy().reshape(-1)] for tensor in tensors]


READERS: dict[str, Callable[[list[Any]], list[list[float]]]] = {"jax": _read_jax, "tensorflow": _read_tensorflow}
