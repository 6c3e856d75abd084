"""The metric and layer names of one run. A reading whose name the server would refuse is refused here, alone."""

from __future__ import annotations

import re
from typing import NamedTuple

from .noted import MAX_PARTS, PARTS_RULE, TOO_MANY_PARTS
from .settings import LAYER_PREFIX, MAX_LAYERS, MAX_METRICS, MAX_NAME_LENGTH

_MAKES_PART = re.compile(r"(?:grad_norm|clip_fraction)/([^/]{1,64})")
"""Readings of gradients. One that names an undeclared part creates that part."""
_NO_TEXT = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")
"""Control characters, and halves of surrogate pairs, as in names of files that are not UTF-8."""


class NameFault(NamedTuple):
    """Why a name is refused. One warning is logged per kind, no matter how many names have the fault."""

    kind: str
    sentence: str


class Names:
    """Names seen so far. `known` can be read from any thread."""

    def __init__(self) -> None:
        self.known: set[str] = set()
        self._metrics = 0
        self._layers = 0
        self._parts: set[str] = set()

    def fault(self, name: str) -> NameFault | None:
        """Why the run cannot have a metric of this name. If it can, adds the name to `known` and returns None."""
        if name in self.known:
            return None
        is_layer = name.startswith(LAYER_PREFIX)
        bare = name[len(LAYER_PREFIX) :] if is_layer else name
        # the server counts UTF-16 units
        length = len(bare) + sum(character > "\uffff" for character in bare)
        if not 1 <= length <= MAX_NAME_LENGTH or _NO_TEXT.search(bare):
            rule = "none of them a control character or half of a surrogate pair"
            return NameFault("name", f"a metric's name has 1 to {MAX_NAME_LENGTH} characters, {rule}")
        if is_layer and self._layers >= MAX_LAYERS:
            return NameFault("too many layers", f"a run has at most {MAX_LAYERS} layers")
        if not is_layer and self._metrics >= MAX_METRICS:
            return NameFault("too many metrics", f"a run has at most {MAX_METRICS} metrics")
        makes = _MAKES_PART.fullmatch(name)
        if makes is not None and not self.add_part(makes[1]):
            return NameFault(TOO_MANY_PARTS, f"cannot be added: {PARTS_RULE}")
        self.known.add(name)
        if is_layer:
            self._layers += 1
        else:
            self._metrics += 1
        return None

    def add_part(self, name: str) -> bool:
        """Adds a part. Returns False if the run cannot have it, because it has 16 others."""
        if name not in self._parts and len(self._parts) >= MAX_PARTS:
            return False
        self._parts.add(name)
        return True
