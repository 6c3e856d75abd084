"""
Run by every Python process that `normwatch run` starts. It waits for torch and costs next to nothing until then: what
it needs is loaded from its own file, so that neither the path nor the packages of the training change.
"""

import importlib
import importlib.util
import os
import sys

if False:  # typing costs each start a few milliseconds
    import typing

HERE = os.path.dirname(os.path.abspath(__file__))
PACKAGE = os.path.dirname(os.path.dirname(HERE))


def load(name: str, path: str, folders: "list[str] | None" = None) -> "typing.Any":
    spec = importlib.util.spec_from_file_location(name, path, submodule_search_locations=folders)
    if spec is None or spec.loader is None:
        raise ImportError(path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def start_watching(_torch: object) -> None:
    try:
        if importlib.util.find_spec("normwatch") is None:  # `normwatch run` is of another environment
            load("normwatch", os.path.join(PACKAGE, "__init__.py"), [PACKAGE])
        importlib.import_module("normwatch.capture").autolog_from_environment()
    except Exception as error:
        print(f"normwatch: this training is not watched: {type(error).__name__}: {error}", file=sys.stderr)


def run_the_other_sitecustomize() -> None:
    """The one that this file stands before."""
    sys.path[:] = [folder for folder in sys.path if os.path.abspath(folder) != HERE]
    ours = sys.modules.pop("sitecustomize", None)
    try:
        importlib.import_module("sitecustomize")
    except ImportError as error:
        if error.name != "sitecustomize":
            raise
        if ours is not None:
            sys.modules["sitecustomize"] = ours


try:
    load("_normwatch_import_hook", os.path.join(os.path.dirname(HERE), "import_hook.py")).when_imported(
        "torch", start_watching
    )
finally:
    run_the_other_sitecustomize()
