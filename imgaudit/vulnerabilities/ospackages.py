"""Known vulnerabilities of OS packages, by their source packages, as distributions publish them."""

import re
import urllib.parse
from collections import defaultdict
from collections.abc import Sequence

from imgaudit.model import Package, Unmatched, Vulnerability
from imgaudit.vulnerabilities.interface import Affected, Database, Entry
from imgaudit.vulnerabilities.osv import about
from imgaudit.vulnerabilities.ranges import judge, parser_of
from imgaudit.vulnerabilities.sayings import aliases_of, summary_of, url_of
from imgaudit.vulnerabilities.severity import severity_of

_DISTRO = re.compile(r"[?&]distro=([^&]+)")
_RELEASE = re.compile(r"([a-z]+)(?:-(.+))?")


def ecosystems_of(package: Package) -> tuple[str, ...]:
    """OSV's names for the release that a package is of; none where the image does not say it."""
    found = _DISTRO.search(package.purl)
    release = _RELEASE.fullmatch(urllib.parse.unquote(found[1])) if found else None
    name, version = (release[1], release[2] or "") if release else ("", "")
    parts = version.split(".")
    if name == "debian" and version:
        return (f"Debian:{parts[0]}",)
    if name == "alpine" and len(parts) >= 2:
        return (f"Alpine:v{parts[0]}.{parts[1]}",)
    if name == "ubuntu" and version:
        return (f"Ubuntu:{version}:LTS", f"Ubuntu:{version}")
    return (name.title(),) if name in ("wolfi", "chainguard") else ()


def look_up_packages(
    packages: Sequence[Package], databases: Sequence[Database]
) -> tuple[list[Vulnerability], list[Unmatched]]:
    """Items and what could not be judged. Raises SourceError and ImageError where a database can't be read."""
    items: list[Vulnerability] = []
    unmatched: list[Unmatched] = []
    left_out: dict[tuple[str, ...], int] = defaultdict(int)
    for package in packages:
        names = ecosystems_of(package)
        known = [(db, name) for db in databases for name in names if name in db.ecosystems]
        if not known:
            left_out[names or (package.type,)] += 1
        seen: set[str] = set()
        for database, ecosystem in known:
            for entry in database.entries(ecosystem, package.source or package.name):
                if entry.id not in seen:
                    seen.add(entry.id)
                    _judge(package, ecosystem, entry, items, unmatched)
    for release, count in left_out.items():
        many = f"{count} {release[0]} package{'s' if count > 1 else ''}"
        unmatched.append(Unmatched(what=many, reason="no database holds anything of their release"))
    return items, unmatched


def _judge(
    package: Package, ecosystem: str, entry: Entry, items: list[Vulnerability], unmatched: list[Unmatched]
) -> None:
    source, version = package.source or package.name, package.source_version or package.version
    for affected in about(entry, ecosystem, source):
        verdict = judge(version, affected, parser_of(ecosystem), kinds=("ECOSYSTEM",))
        if verdict.affected is None:
            unmatched.append(
                Unmatched(what=f"{package.name} {package.version}", reason=f"{entry.id}: {verdict.reason}")
            )
        elif verdict.affected:
            items.append(_item(package, ecosystem, entry, affected, verdict.fixed))
            return


def _item(package: Package, ecosystem: str, entry: Entry, affected: Affected, fixed: tuple[str, ...]) -> Vulnerability:
    severity, score = severity_of(entry, affected)
    source, version = package.source or package.name, package.source_version or package.version
    of = "" if source == package.name else f", built from {source} {version}"
    return Vulnerability(
        id=entry.id,
        aliases=aliases_of(entry),
        summary=summary_of(entry),
        severity=severity,
        score=score,
        url=url_of(entry),
        ecosystem=ecosystem,
        module=source,
        package=package.name,
        version=version,
        fixed=fixed,
        state="module",
        evidence=f"{package.name} {package.version} is installed{of}",
    )
