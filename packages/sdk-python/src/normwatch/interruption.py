"""
An exception that a signal handler of the program raised while our code ran, such as a time-out by `signal.alarm`. It
is the program's own and must not be kept from it.
"""

from __future__ import annotations

import signal
from typing import Any


def is_of_signal_handler(error: BaseException) -> bool:
    handlers = {_code_of(signal.getsignal(number)) for number in signal.valid_signals()} - {None}
    trace = error.__traceback__
    while trace is not None and handlers:
        if trace.tb_frame.f_code in handlers:
            return True
        trace = trace.tb_next
    return False


def _code_of(handler: Any) -> Any:
    """The code of a function, a method, a partial or an object that can be called."""
    handler = getattr(handler, "func", handler)
    is_function = hasattr(handler, "__code__") or not callable(handler)
    return getattr(handler if is_function else type(handler).__call__, "__code__", None)
