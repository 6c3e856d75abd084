"""Build hook: puts the server, as built by `npm run pack`, into the wheel, and sets the wheel's platform tag."""

from __future__ import annotations

import os
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class Content(BuildHookInterface):
    """Reads the environment: NORMWATCH_WHEEL_CONTENT (a folder) and NORMWATCH_WHEEL_PLATFORM (a platform tag)."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        platform = os.environ["NORMWATCH_WHEEL_PLATFORM"]
        build_data["tag"] = f"py3-none-{platform}"
        build_data["pure_python"] = platform == "any"
        build_data["force_include"][os.environ["NORMWATCH_WHEEL_CONTENT"]] = "normwatch_server/node"
