"""
Calls a function once a module has been imported, without importing it. Every Python process of a watched command runs
this file, so it imports only `sys`.
"""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from importlib.machinery import ModuleSpec
    from types import ModuleType
    from typing import Any, Callable

    Told = Callable[[Any], None]

_waiting: dict[str, list[Told]] = {}


def when_imported(name: str, tell: Told) -> None:
    """Calls `tell` with the module: at once if it is already imported, else right after its code has run."""
    module = sys.modules.get(name)
    if module is not None:
        tell(module)
        return
    _waiting.setdefault(name, []).append(tell)
    if _finder not in sys.meta_path:
        sys.meta_path.insert(0, _finder)


def cancel_imports() -> None:
    """Forgets all functions that wait for an import."""
    _waiting.clear()
    if _finder in sys.meta_path:
        sys.meta_path.remove(_finder)


class _Finder:
    """Lets the other finders find a module that somebody waits for, and wraps its loader."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname not in _waiting:
            return None
        for finder in sys.meta_path:
            spec = None if finder is self else finder.find_spec(fullname, path, target)
            if spec is not None:
                if spec.loader is not None and hasattr(spec.loader, "exec_module"):
                    spec.loader = _TellingLoader(spec.loader, fullname)  # type: ignore[assignment]
                return spec
        return None


class _TellingLoader:
    def __init__(self, loader: Any, name: str) -> None:
        self._loader = loader
        self._name = name

    def __getattr__(self, attribute: str) -> Any:
        return getattr(self._loader, attribute)

    def create_module(self, spec: ModuleSpec) -> Any:
        return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        if module.__spec__ is not None:
            module.__spec__.loader = self._loader
        module.__loader__ = self._loader
        self._loader.exec_module(module)
        for tell in _waiting.pop(self._name, []):
            tell(module)


_finder = _Finder()
