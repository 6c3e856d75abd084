"""A run in a notebook: `serve` starts or finds the server, `show` draws a run in the cell."""

from .serving import RunningHere, serve
from .showing import RunView, show

__all__ = ["RunView", "RunningHere", "serve", "show"]
