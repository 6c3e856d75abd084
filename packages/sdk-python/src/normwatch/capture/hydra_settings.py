"""
Reads the config of a Hydra program without changing what the program does. A resolver of the program is called on a
copy of the config, and the random numbers that it draws are given back.
"""

from __future__ import annotations

import copy
import pickle
import random
import re
import sys
from collections.abc import Iterator
from typing import Any, Callable

from ..settings_entries import Entries, entries_of

CALL = re.compile(r"\$\{\s*([^\s{}:]*)\s*:")
"""Matches a reference that calls a resolver, and finds its name. A computed name is found as `$`."""
PLAIN_RESOLVERS = {"oc.create", "oc.decode", "oc.dict.keys", "oc.dict.values", "oc.select", "hydra", "now"}
"""Those of OmegaConf and Hydra that only read the config or the time."""
NOT_CALLED = {"oc.env", "oc.deprecated", "$"}
"""An environment variable may be a secret; `oc.deprecated` warns."""


def entries_of_hydra(config: Any) -> Entries | None:
    """
    The program's own entries. References are followed. Those to environment variables, and those that draw a random
    number or fail, stay as they are written, and so does what refers to them.
    """
    omega = sys.modules["omegaconf"].OmegaConf
    own = copy.deepcopy(config)
    settled = _settled(own, omega.to_container(own, resolve=False))
    entries = entries_of(omega.create(settled, flags={"allow_objects": True}))
    return {name: value for name, value in entries.items() if name != "hydra"} if isinstance(entries, dict) else None


def _settled(node: Any, written: Any) -> Any:
    """`written`, in which every call of a resolver of the program has become its result or a text."""
    if isinstance(written, dict):
        return {name: _settled_value(node, name, value) for name, value in written.items()}
    return [_settled_value(node, at, value) for at, value in enumerate(written)]


def _settled_value(parent: Any, name: Any, written: Any) -> Any:
    if isinstance(written, (dict, list)):
        return _settled(parent[name], written) if written else written
    called = set(CALL.findall(written)) if isinstance(written, str) else set()
    if not called or (called <= PLAIN_RESOLVERS and "env" not in written):
        return written
    if called.isdisjoint(NOT_CALLED) and "env" not in written:
        result = _without_randomness(lambda: parent[name])
        if result is not None:
            return result
    return written.replace("${", "\\${")


def _without_randomness(call: Callable[[], Any]) -> Any:
    """The result of `call`. None if it raises or draws random numbers: then those are given back to the program."""
    before = [(get, restore, get()) for get, restore in _generators()]
    try:
        result = call()
    except Exception:
        result = None
    for get, restore, state in before:
        if _bytes(get()) != _bytes(state):
            restore(state)
            result = None
    return result


def _generators() -> Iterator[tuple[Callable[[], Any], Callable[[Any], Any]]]:
    """How to read, and how to set, the state of each generator of random numbers."""
    yield random.getstate, random.setstate
    numpy, torch = sys.modules.get("numpy.random"), sys.modules.get("torch")
    if numpy is not None:
        yield numpy.get_state, numpy.set_state
    if torch is not None:
        yield torch.get_rng_state, torch.set_rng_state


def _bytes(state: Any) -> bytes:
    """For comparison. A pickled tensor is not the same twice."""
    return bytes(state.tolist()) if hasattr(state, "tolist") else pickle.dumps(state)
