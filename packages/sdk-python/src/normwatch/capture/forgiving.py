"""Keeps mistakes of ours, and trainings that are built otherwise, from ending a training."""

from __future__ import annotations

import functools
from typing import Any, Callable, Protocol, TypeVar, cast

from ..interruption import is_of_signal_handler

Method = TypeVar("Method", bound=Callable[..., Any])


class Teller(Protocol):
    def tell_once(self, kind: str, message: str) -> None: ...


def forgiving(what: str) -> Callable[[Method], Method]:
    """Turns an exception of a method into one warning, so that the training goes on as if it were not watched."""

    def decorate(method: Method) -> Method:
        @functools.wraps(method)
        def forgiven(self: Teller, *args: Any) -> Any:
            try:
                return method(self, *args)
            except Exception as error:
                tell_unwatched(self, what, error)
                return None

        return cast(Method, forgiven)

    return decorate


def tell_unwatched(teller: Teller, what: str, error: Exception) -> None:
    """Warns once that a call of the training was not recorded. Raises what a signal handler of the program raised."""
    if is_of_signal_handler(error):
        raise error
    teller.tell_once(what, f"{what} could not be watched: {type(error).__name__}: {error}")
