"""Turns rows with tensors into rows of numbers, and finds skipped steps from the scale of a GradScaler."""

from __future__ import annotations

import math
from array import array
from typing import Callable

from .batch_ids import BatchIds, KeptBatches
from .batcher import Block, Kept, append_row
from .names import Names
from .readings import Deferred, LayerNorms, LossScale, read_in_bulk

Row = dict[str, float]
MAX_NAMED = 16
"""The most parameters that one event names."""

HINT_MIN_SCALE = 256.0
HINT_NORMS = 20
HINT_RATIO = 0.01
"""A norm above this share of the loss scale was probably not unscaled. A true norm is rarely that large."""


def ignore(*_: object) -> None:
    """A callback that does nothing."""


class Resolver:
    """Used by the background thread. Remembers the last scale, and counts norms that look scaled."""

    def __init__(
        self, names: Names, warn: Callable[[str, str], None], tell: Callable[[int, str, str], None] = ignore
    ) -> None:
        self._names = names
        self._warn = warn
        self._tell = tell
        self._batches = KeptBatches(tell)
        self._has_named_nonfinite = False
        self._last_scale: float | None = None
        self._scaled_norms = 0

    def resolve(self, blocks: list[Block]) -> list[Block]:
        """The same rows as plain blocks. A reading that could not be fetched is left out."""
        out: list[Block] = []
        for block in blocks:
            if isinstance(block.flat, array):
                out.append(block)
            else:
                self._resolve(block, block.flat, out)
        return [checked for block in out for checked in self._with_valid_caps(block)]

    def _with_valid_caps(self, block: Block) -> list[Block]:
        """The rows without caps that the server would refuse, and the whole batch with them."""
        caps = [i for i, name in enumerate(block.names, 2) if name == "max_norm" or name.startswith("max_norm/")]
        flat, width = block.flat, block.width
        if all(value > 0 for i in caps for value in flat[i::width]):  # type: ignore[operator]
            return [block]
        self._warn("cap", "log: max_norm must be a number above 0; infinity means no cap at this step")
        out: list[Block] = []
        for start in range(0, len(flat), width):
            row = dict(zip(block.names, flat[start + 2 : start + width]))
            valid = {name: value for i, (name, value) in enumerate(row.items(), 2) if i not in caps or value > 0}  # type: ignore[operator]
            append_row(out, flat[start], flat[start + 1], valid, True)
        return out

    def _resolve(self, block: Block, flat: list[Kept], out: list[Block]) -> None:
        waiting = [v.scale if isinstance(v, LossScale) else v for v in flat]
        deferred = [value for value in waiting if isinstance(value, Deferred)]
        read = dict(zip(map(id, deferred), read_in_bulk(deferred, self._warn)))
        for start in range(0, len(flat), block.width):
            row: Row = {}
            batch: BatchIds | None = None
            for name, kept in zip(block.names, flat[start + 2 : start + block.width]):
                if isinstance(kept, BatchIds):
                    batch = kept
                    continue
                source = kept.scale if isinstance(kept, LossScale) else kept
                numbers = read[id(source)] if isinstance(source, Deferred) else [source]
                if numbers is None:
                    continue
                if isinstance(source, Deferred):
                    source.expand(name, numbers, row)
                    if isinstance(source, LayerNorms) and not self._has_named_nonfinite:
                        self._name_nonfinite(int(flat[start]), source, numbers)  # type: ignore[arg-type]
                else:
                    row[name] = source
                if isinstance(kept, LossScale):
                    row["skipped"] = self._skipped(numbers[0])
            if batch is not None:
                norms = [norm for name, norm in row.items() if name.partition("/")[0] == "grad_norm"]
                self._batches.add(int(flat[start]), batch, norms)  # type: ignore[arg-type]
            self._drop_refused_names(row)
            self._look_for_scaled_norm(row)
            append_row(out, flat[start], flat[start + 1], row, True)

    def _name_nonfinite(self, step: int, layers: LayerNorms, numbers: list[float]) -> None:
        """At the first norm that is not finite, sends an event that names the parameters whose gradients are not."""
        names = [name for name, number in zip(layers.names, numbers) if not math.isfinite(number)]
        if names:
            self._has_named_nonfinite = True
            more = f" and {len(names) - MAX_NAMED} more" if len(names) > MAX_NAMED else ""
            self._tell(step, "non-finite gradients", ", ".join(names[:MAX_NAMED]) + more)

    def _skipped(self, scale: float) -> float:
        """1 if the scale has fallen since the step before, as it does exactly when the scaler skips a step; else 0."""
        last, self._last_scale = self._last_scale, scale
        return 1.0 if last is not None and scale < last else 0.0

    def _drop_refused_names(self, row: Row) -> None:
        """Checks names that are known only now: those of readings with their own names, such as layers."""
        for name in [name for name in row if name not in self._names.known]:
            fault = self._names.fault(name)
            if fault is not None:
                del row[name]
                self._warn(f"wrong use: {fault.kind}", f"{name:.100} is left out: {fault.sentence}")

    def _look_for_scaled_norm(self, row: Row) -> None:
        scale, norm = row.get("loss_scale", 0.0), row.get("grad_norm")
        if norm is None or scale < HINT_MIN_SCALE:
            return
        self._scaled_norms = self._scaled_norms + 1 if norm > HINT_RATIO * scale else 0
        if self._scaled_norms == HINT_NORMS:
            self._warn(
                "scaled norm",
                f"grad_norm has been as large as the loss scale ({scale:g}) for {HINT_NORMS} steps: "
                "call scaler.unscale_(optimizer) before clip_grad_norm_",
            )
