"""What tools write, in the words of imgaudit's own items: texts, severities, versions, ecosystems."""

import re
from collections.abc import Iterable
from typing import TypeVar

import msgspec

from imgaudit.companions.interface import CompanionError
from imgaudit.model import Severity, VulnerabilityData
from imgaudit.vulnerabilities.interface import GO, STDLIB
from imgaudit.vulnerabilities.semver import go_name, go_release, parse_semver

LONG = 300
"""Characters of a text that a tool wrote."""

MOST = 20
"""Aliases or versions of one item."""

T = TypeVar("T")

_VERSION = re.compile(r"[0-9A-Za-z.+-]{1,40}")
_DAY = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d")
_URL = re.compile(r"https://[\x21-\x7e]{1,500}")
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,99}")
_SEVERITIES: dict[str, Severity] = {
    "critical": "critical",
    "high": "high",
    "medium": "medium",
    "low": "low",
    "negligible": "info",
}
_DISTRIBUTIONS = {
    "rocky": "Rocky Linux",
    "alma": "AlmaLinux",
    "almalinux": "AlmaLinux",
    "redhat": "Red Hat",
    "wolfi": "Wolfi",
    "chainguard": "Chainguard",
}


def clean(text: str, most: int = LONG) -> str:
    """One line without control characters, cut where it is too long."""
    text = " ".join("".join(each if each.isprintable() else " " for each in text[: 4 * most]).split())
    return text if len(text) <= most else text[: most - 3].rstrip() + "..."


def is_id(text: str) -> bool:
    """Whether this can be a vulnerability's or a rule's id."""
    return _ID.fullmatch(text) is not None


def ids(names: Iterable[str], but: str) -> tuple[str, ...]:
    """Other names of one vulnerability, each once."""
    return tuple(dict.fromkeys(name for name in names if is_id(name) and name != but))[:MOST]


def url(text: str | None) -> str | None:
    return text if text is not None and _URL.fullmatch(text) else None


def severity(word: str | None) -> Severity | None:
    """None for UNKNOWN, and for a word that is none of theirs."""
    return _SEVERITIES.get((word or "").lower())


def score(value: float | None) -> float | None:
    """A base score of CVSS 3; 0 is what tools write for none."""
    return value if value is not None and 0 < value <= 10 else None


def version(ecosystem: str, module: str, text: str) -> str:
    """A version as imgaudit writes it: `go1.26.8` of the standard library, `v1.2.3` of a Go module."""
    text = clean(text, 100)
    if ecosystem != GO:
        return text
    number = text.removeprefix("v")
    if module == STDLIB:
        release = _go_release(number)
        return text if release is None else go_name(release)
    return f"v{number}" if parse_semver(number) else text


def fixed(ecosystem: str, module: str, found: str, versions: Iterable[str]) -> tuple[str, ...]:
    """Versions to go to. Of Go those above the found one, the lowest first; of others as the tool has them."""
    texts = tuple(dict.fromkeys(filter(None, (clean(text, 100) for text in versions))))[:MOST]
    if ecosystem != GO:
        return texts
    here = _semver(module, found)
    order = [(known, text) for text in texts if (known := _semver(module, text)) is not None]
    above = sorted((known, text) for known, text in order if here is None or known > here)
    return tuple(dict.fromkeys(version(ecosystem, module, text) for _, text in above))


def _semver(module: str, text: str) -> tuple[object, ...] | None:
    release = _go_release(text.removeprefix("v")) if module == STDLIB else text
    return None if release is None else parse_semver(release)


def _go_release(number: str) -> str | None:
    """Of Go itself: as a program has it (`go1.26rc2`), or as databases do (`1.26.0-rc.2`)."""
    if number.startswith("go"):
        return go_release(number)
    return number if parse_semver(number) else go_release(f"go{number}")


def distribution(family: str, release: str) -> str:
    """An ecosystem as OSV names it: `Debian:12`, `Alpine:v3.20`, `Ubuntu:24.04:LTS`."""
    family, release = clean(family, 60).lower(), clean(release, 60)
    parts = release.split(".")
    if family == "debian" and release:
        return f"Debian:{parts[0]}"
    if family == "alpine" and len(parts) >= 2:
        return f"Alpine:v{parts[0]}.{parts[1]}"
    if family == "ubuntu" and len(parts) >= 2:
        long = parts[0].isdigit() and int(parts[0]) % 2 == 0 and parts[1] == "04"
        return f"Ubuntu:{release}{':LTS' if long else ''}"
    name = _DISTRIBUTIONS.get(family, family.title())
    return name if not release or name in ("Wolfi", "Chainguard") else f"{name}:{release}"


def read(output: bytes, kind: type[T]) -> T:
    """What a tool wrote, of this type. Raises CompanionError."""
    try:
        return msgspec.json.decode(output, type=kind)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise CompanionError(f"what it wrote can't be read: {clean(str(error))}") from error


def data_of(tool: str, version: str, built: str) -> VulnerabilityData:
    """A tool's database, as far as it says its own version and the moment that the database was made."""
    name = f"{tool} {version}" if _VERSION.fullmatch(version) else tool
    day = _DAY.match(built)
    return VulnerabilityData(name=name, date=f"{day[0]}Z" if day is not None else None, ecosystems=(), entries=None)
