"""Images -> the images with what other tools say of them."""

import importlib
import os
import shutil
from collections.abc import Callable, Sequence
from typing import cast

import msgspec

from imgaudit.companions.interface import Companion, CompanionError
from imgaudit.companions.merge import only_by_versions, with_told
from imgaudit.companions.process import SECONDS, Tool
from imgaudit.errors import UsageError
from imgaudit.model import Image, Skipped

COMPANIONS: tuple[tuple[str, str, str, str], ...] = (
    ("trivy", "imgaudit.companions.trivy", "Trivy", "https://trivy.dev"),
    ("grype", "imgaudit.companions.grype", "Grype", "https://github.com/anchore/grype"),
)
"""Each tool's name on PATH, the class that knows it, and where it is to be had. Imported when one is asked for."""


class Companions:
    """Tools that were asked for, found on PATH. Nothing is called before `fill`."""

    def __init__(
        self,
        names: Sequence[str],
        *,
        offline: bool = False,
        secrets: bool = False,
        seconds: float = SECONDS,
        detail: Callable[[str], None] = lambda line: None,
    ) -> None:
        """seconds: how long a tool may take for one image. Raises UsageError for one that is not known or not here."""
        self._detail = detail
        self._tools = [
            (_companion(name), Tool(name, _path(name), offline=offline, secrets=secrets, seconds=seconds))
            for name in dict.fromkeys(names)
        ]

    def fill(self, images: Sequence[Image]) -> tuple[Image, ...]:
        """Each image with what the tools found, in their order. One that a tool fails at is incomplete, and says so."""
        return tuple(map(self._filled, images))

    def _filled(self, image: Image) -> Image:
        own = image.vulnerabilities is not None
        for companion, tool in self._tools:
            self._detail(f"{image.label}: {companion.name} looks at it")
            try:
                image = with_told(image, companion.name, companion.look(image, tool), own=own)
            except CompanionError as error:
                skipped = Skipped(what=companion.name, reason=str(error))
                image = msgspec.structs.replace(image, complete=False, skipped=(*image.skipped, skipped))
        return image if own else only_by_versions(image)


def _companion(name: str) -> Companion:
    for known, module, kind, _ in COMPANIONS:
        if known == name:
            return cast(Companion, getattr(importlib.import_module(module), kind)())
    raise UsageError(
        f"--with {name}: no such tool is known", hint=f"known are {', '.join(row[0] for row in COMPANIONS)}"
    )


def _path(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        where = next(row[3] for row in COMPANIONS if row[0] == name)
        raise UsageError(f"--with {name}: {name} is not on PATH", hint=f"install it from {where}, or leave --with out")
    return os.path.abspath(found)  # it is called from another folder
