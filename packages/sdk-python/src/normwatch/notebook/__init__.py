"""For notebooks: `serve` finds or starts the server, and `show` draws a run in a cell."""

from .serving import RunningHere, serve
from .showing import RunView, show

__all__ = ["RunView", "RunningHere", "serve", "show"]
