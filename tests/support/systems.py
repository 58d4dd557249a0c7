"""The systems of sample_images/, built once a session by the driver that their users call."""

import functools
import importlib.util
import os
import pathlib
import sys
import types
import urllib.request

from tests.support.tools import REGISTRY, absent, need_engine

FOLDER = pathlib.Path(__file__).resolve().parents[2] / "sample_images"


@functools.cache
def driver() -> types.ModuleType:
    """sample_images/systems.py as a module."""
    spec = importlib.util.spec_from_file_location("systems", FOLDER / "systems.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["systems"] = module  # its dataclasses look themselves up there
    spec.loader.exec_module(module)
    return module


@functools.cache
def built(system: str, target: str, platform: str = "linux/amd64") -> str:
    """The tag of a target's image in the engine, built if it must be (docker's own cache makes that quick)."""
    need_engine()
    _use_local_bases()
    systems = driver()
    found = [each for each, on in systems.chosen([f"{system}:{target}"]) if on == platform]
    assert found, f"{system}:{target} is not built for {platform}"
    return str(systems.build(found[0], platform).tag)


def _use_local_bases() -> None:
    """distroless as this machine's registry has it: for each platform, where its own registry is out of reach."""
    try:
        with urllib.request.urlopen(f"http://{REGISTRY}/v2/distroless/static-debian12/tags/list", timeout=2):
            os.environ.setdefault("SAMPLES_DISTROLESS_IMAGE", f"{REGISTRY}/distroless/static-debian12:nonroot")
    except OSError:
        absent("no registry with distroless/static-debian12")
