"""Which program exits are failures: a non-zero exit code, and any exception except a regular exit."""

from __future__ import annotations


def is_failing_code(code: object) -> bool:
    """Whether `sys.exit(code)` means failure. None and 0 are success. A text is printed, and the exit code is 1."""
    return code is not None and code != 0


def is_failure(error: BaseException) -> bool:
    """Whether an exception that ends a program or leaves a `with` block means failure."""
    if isinstance(error, SystemExit):
        return is_failing_code(error.code)
    return not isinstance(error, GeneratorExit)
