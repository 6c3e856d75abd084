"""
The entries of an object that holds settings: a dictionary, namespace, dataclass, attrs class, named tuple, OmegaConf
config or pydantic model. Each entry is read for itself, so that one that cannot be read costs no other.
"""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Iterable, Mapping, Sequence, Set
from types import SimpleNamespace
from typing import Any, Callable, Union

Entries = Union[Mapping[Any, Any], Sequence[Any]]

MISSING = "???"
"""OmegaConf's own word for a value that must still be given."""


def entries_of(settings: Any) -> Entries | None:
    """
    The entries of any object that may hold settings, by name. A list if it holds a list. None if it holds none. Can
    raise what the object raises.
    """
    found = entries_of_holder(settings)
    if found is not None:
        return found
    if isinstance(settings, type) or is_omegaconf(settings):
        return None
    to_dict = getattr(settings, "to_dict", None)
    if callable(to_dict):  # transformers and others
        made = to_dict()
        return made if isinstance(made, Mapping) else None
    if isinstance(settings, (str, bytes, int, float, Sequence, Set)) or not hasattr(settings, "__dict__"):
        return None
    names = [name for name in vars(settings) if not name.startswith("_")]
    return _read(settings, names, lambda name: getattr(settings, name))


def entries_of_holder(settings: Any) -> Entries | None:
    """The entries of an object that is made to hold settings, and of nothing else."""
    if isinstance(settings, type):
        return None
    if is_omegaconf(settings):
        return _of_omegaconf(settings)
    if type(settings) is dict:
        return settings
    if isinstance(settings, Mapping):
        return _read(settings, settings, settings.__getitem__)
    names = _names_of_pydantic(settings)
    if names in (["root"], ["__root__"]):
        root = getattr(settings, names[0])
        return root if _is_list(root) else entries_of_holder(root) or {"root": root}
    if names is None:
        names = _names_of_fields(settings)
    return None if names is None else _read(settings, names, lambda name: getattr(settings, name))


def is_omegaconf(value: Any) -> bool:
    omega = getattr(sys.modules.get("omegaconf"), "OmegaConf", None)
    return omega is not None and bool(omega.is_config(value))


def _is_list(value: Any) -> bool:
    return isinstance(value, (Sequence, Set)) and not isinstance(value, (str, bytes))


def _names_of_pydantic(model: Any) -> list[str] | None:
    """
    The fields of a pydantic model. They are read as attributes: what the model itself writes can show a secret (by a
    serializer), fail as a whole, or warn.
    """
    kind = type(model)
    if hasattr(kind, "model_fields") and hasattr(kind, "model_computed_fields"):
        own = [name for name, field in kind.model_fields.items() if field.exclude is not True]
        return [*own, *(getattr(model, "model_extra", None) or ()), *kind.model_computed_fields]
    if hasattr(kind, "__fields__") and hasattr(model, "__fields_set__"):  # pydantic 1
        known = {name for name, field in kind.__fields__.items() if field.field_info.exclude in (None, False)}
        return [name for name in vars(model) if name in known or name not in kind.__fields__]
    return None


def _names_of_fields(settings: Any) -> list[str] | None:
    """The fields of a dataclass, a named tuple, a class of attrs, or a namespace."""
    if dataclasses.is_dataclass(settings):
        return [field.name for field in dataclasses.fields(settings)]
    kind = type(settings)
    if isinstance(settings, tuple):
        return list(kind._fields) if hasattr(kind, "_fields") and hasattr(kind, "_asdict") else None
    if hasattr(kind, "__attrs_attrs__"):
        return [attribute.name for attribute in kind.__attrs_attrs__]
    argparse = sys.modules.get("argparse")
    if isinstance(settings, SimpleNamespace) or (argparse is not None and isinstance(settings, argparse.Namespace)):
        return [name for name in vars(settings) if not name.startswith("_")]
    return None


def _read(owner: Any, names: Iterable[Any], get: Callable[[Any], Any]) -> dict[Any, Any]:
    entries: dict[Any, Any] = {}
    for name in list(names):
        try:
            entries[name] = get(name)
        except Exception as error:
            entries[name] = f"<{type(owner).__name__}: {type(error).__name__}>"
    return entries


def _of_omegaconf(config: Any) -> Entries | None:
    """Follows references. One that cannot be followed stays as it is written, and so does a value that is missing."""
    omega = sys.modules["omegaconf"].OmegaConf
    is_list = omega.is_list(config)
    names = list(range(len(config)) if is_list else config.keys())
    if not names and not isinstance(omega.to_container(config, resolve=False), (dict, list)):
        return None  # None, or missing as a whole
    written: Any = None
    entries: dict[Any, Any] = {}
    for name in names:
        if omega.is_missing(config, name):
            entries[name] = MISSING
            continue
        try:
            entries[name] = config[name]
        except Exception:
            written = omega.to_container(config, resolve=False) if written is None else written
            entries[name] = written[name]
    return list(entries.values()) if is_list else entries
