"""Builds the SDK's wheel with the standard library alone, for a machine that reaches no package index.

The archive that a Normwatch server hands out at `/sdk/python` names this file as its build backend (PEP 517). Its
metadata are `PKG-INFO`, which the server writes.
"""

from __future__ import annotations

import base64
import hashlib
import zipfile
from pathlib import Path

WHEEL = "Wheel-Version: 1.0\nGenerator: normwatch\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
ENTRY_POINTS = "[console_scripts]\nnormwatch = normwatch.__main__:main\n"


def build_wheel(wheel_directory: str, config_settings: object = None, metadata_directory: object = None) -> str:
    """Writes the wheel into `wheel_directory` and returns its file name."""
    metadata = Path("PKG-INFO").read_text(encoding="utf-8")
    version = next(line.split(": ")[1] for line in metadata.splitlines() if line.startswith("Version: "))
    info = f"normwatch-{version}.dist-info"
    sources = sorted(path for path in Path("src").rglob("*") if path.is_file() and path.suffix != ".pyc")
    files = {path.relative_to("src").as_posix(): path.read_bytes() for path in sources}
    files[f"{info}/METADATA"] = metadata.encode()
    files[f"{info}/WHEEL"] = WHEEL.encode()
    files[f"{info}/entry_points.txt"] = ENTRY_POINTS.encode()
    rows = [f"{name},sha256={_hash(content)},{len(content)}" for name, content in files.items()]
    record = f"{info}/RECORD"
    files[record] = "\n".join([*rows, f"{record},,", ""]).encode()
    name = f"normwatch-{version}-py3-none-any.whl"
    with zipfile.ZipFile(Path(wheel_directory) / name, "w", zipfile.ZIP_DEFLATED) as wheel:
        for path, content in files.items():
            wheel.writestr(path, content)
    return name


def _hash(content: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
