"""What this package works with: another scanner on PATH, asked about an image that was audited.

A companion looks at the image itself, where the audit found it, and tells what it found in imgaudit's own words.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Protocol

from imgaudit.model import Finding, Image, Unmatched, Vulnerability, VulnerabilityData

MOST_ITEMS = 50_000
"""Vulnerabilities and secrets that one tool may list of one image."""


class CompanionError(Exception):
    """Nothing can be said of this image by this tool, and why. It never leaves the package: the image says it."""


@dataclasses.dataclass(frozen=True, slots=True)
class Told:
    """What a tool says of one image. identities: digests of the image that it looked at: of its config, its manifest
    or an index; empty where it doesn't say. missed: what of the image it did not see at all; unmatched: what else it
    could not look up."""

    identities: frozenset[str]
    data: VulnerabilityData
    items: tuple[Vulnerability, ...] = ()
    findings: tuple[Finding, ...] = ()
    missed: tuple[Unmatched, ...] = ()
    unmatched: tuple[Unmatched, ...] = ()


class Ask(Protocol):
    """One tool, ready to be called. offline: nothing is to be asked of the network. secrets: they are looked for, too.
    seconds: how long one call may take."""

    @property
    def offline(self) -> bool: ...
    @property
    def secrets(self) -> bool: ...
    @property
    def seconds(self) -> float: ...

    def __call__(self, words: Sequence[str], environment: Mapping[str, str | None]) -> bytes:
        """What the tool writes to stdout, called with these words. environment: changes; None takes one away.

        Raises CompanionError where it fails, takes too long or writes too much."""
        ...


class Companion(Protocol):
    """A tool. name: as it is called on PATH and in `sources`. More of one run may be kept for the next image."""

    name: str

    def look(self, image: Image, ask: Ask) -> Told:
        """Let the tool look at the image. Raises CompanionError."""
        ...
