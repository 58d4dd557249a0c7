"""Versions of Go modules and of Go itself, in the order of Semantic Versioning 2.0.0.

Database entries write versions without the `v`, Go with it. A pseudo-version (v0.0.0-20260102150405-0123456789ab) is a
pre-release and needs nothing of its own; build data such as `+incompatible` or `+dirty` has no order.
"""

import re
from typing import NamedTuple

_NUMBER = r"(0|[1-9]\d{0,17})"
_SEMVER = re.compile(
    rf"v?{_NUMBER}(?:\.{_NUMBER})?(?:\.{_NUMBER})?(?:-([0-9A-Za-z.-]{{1,200}}))?(?:\+[0-9A-Za-z.+-]*)?"
)
_PART = r"(0|[1-9]\d{0,3})"
_GO = re.compile(rf"go{_PART}(?:\.{_PART})?(?:\.{_PART})?(?:(beta|rc){_PART})?")

Identifier = tuple[int, int, str]


class Semver(NamedTuple):
    """Compares as a tuple: released is 1 for a release, 0 for a pre-release, which comes before it."""

    major: int
    minor: int
    patch: int
    released: int
    identifiers: tuple[Identifier, ...]


def parse_semver(text: str) -> Semver | None:
    """A version with or without `v`, missing numbers being 0; None for what is none, such as `(devel)`."""
    match = _SEMVER.fullmatch(text) if text.isascii() else None
    if match is None:
        return None
    pre = match[4]
    if pre is not None and any(not part for part in pre.split(".")):
        return None
    return Semver(
        int(match[1]),
        int(match[2] or 0),
        int(match[3] or 0),
        pre is None,
        tuple(_identifier(part) for part in pre.split(".")) if pre else (),
    )


def _identifier(part: str) -> Identifier:
    """Numbers come before words; a number has no leading zeros by the rules, and is compared by value all the same."""
    return (0, int(part), "") if part.isdigit() else (1, 0, part)


def go_release(version: str | None) -> str | None:
    """`go1.26rc2` -> `1.26.0-rc.2`, `go1.26.8` -> `1.26.8`; None for a build between releases (`devel`) or nothing.

    What follows a space (`X:experiment`, a distribution's own number) is left out. None too for a version that goes on
    (`go1.20.4-x`): a build of someone's own, of which it is not known what it has fixed.
    """
    words = (version or "").split()
    match = _GO.fullmatch(words[0]) if words else None
    if match is None:
        return None
    release = ".".join(str(int(number or 0)) for number in match.group(1, 2, 3))
    return f"{release}-{match[4]}.{int(match[5])}" if match[4] else release


def go_name(release: str) -> str:
    """The other way: `1.26.0-rc.2` -> `go1.26rc2`, `1.20.0` -> `go1.20`, for a zero ends the name since 1.21 only."""
    version = parse_semver(release)
    if version is None:
        return f"go{release}"
    if not version.released:
        return f"go{version.major}.{version.minor}" + release.partition("-")[2].replace(".", "")
    short = version.patch == 0 and (version.major, version.minor) < (1, 21)
    return f"go{version.major}.{version.minor}" + ("" if short else f".{version.patch}")
