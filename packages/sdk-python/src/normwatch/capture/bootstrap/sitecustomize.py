"""
Run by every Python process that `normwatch run` starts. It does almost nothing until torch is imported. It loads what
it needs from a file beside it, so that the import path and the packages of the training stay the same.
"""

import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
CAPTURE = os.path.dirname(HERE)
PACKAGE = os.path.dirname(CAPTURE)


def wait_for_torch() -> None:
    sys.path.insert(0, CAPTURE)
    try:
        import import_hook  # type: ignore[import-not-found]

        sys.modules["_normwatch_import_hook"] = sys.modules.pop("import_hook")
    finally:
        sys.path.remove(CAPTURE)
    import_hook.when_imported("torch", start_watching)


def start_watching(_torch: object) -> None:
    try:
        import importlib.util

        if importlib.util.find_spec("normwatch") is None:  # `normwatch run` belongs to another environment
            spec = importlib.util.spec_from_file_location(
                "normwatch", os.path.join(PACKAGE, "__init__.py"), submodule_search_locations=[PACKAGE]
            )
            if spec is None or spec.loader is None:
                raise ImportError(PACKAGE)
            sys.modules["normwatch"] = module = importlib.util.module_from_spec(spec)
            spec.loader.exec_module(module)
        importlib.import_module("normwatch.capture").autolog_from_environment()
    except Exception as error:
        say(f"normwatch: this training is not watched: {type(error).__name__}: {error}")


def say(text: str) -> None:
    """Writes a line to stderr if there is one. Not `print`: without a stderr, that writes to stdout."""
    try:  # noqa: SIM105 - contextlib is not imported in every process
        sys.stderr.write(text + "\n")
    except Exception:
        pass


def is_here(folder: str) -> bool:
    try:
        return os.path.abspath(folder) == HERE
    except OSError:  # a relative folder, and the working folder is gone
        return False


def run_the_other_sitecustomize() -> None:
    """Runs the `sitecustomize` of the training's environment, which this file hides."""
    sys.path[:] = [folder for folder in sys.path if not is_here(folder)]
    ours = sys.modules.pop("sitecustomize")
    try:
        __import__("sitecustomize")
    except ImportError as error:
        if error.name != "sitecustomize":
            raise
        sys.modules["sitecustomize"] = ours


try:
    wait_for_torch()
finally:
    run_the_other_sitecustomize()
