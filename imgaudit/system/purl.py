"""Package URLs of OS packages (purl-spec, types apk and deb), as packageurl-python writes them.

Written here because its import costs more than reading a database; a test holds the two together.
"""

import dataclasses
from urllib.parse import quote

from imgaudit.model import Package

LONGEST = 255  # of a name or a version; file systems allow no longer name for a package's own file


@dataclasses.dataclass(frozen=True, slots=True)
class OsNames:
    """ID and VERSION_ID of os-release: a purl's namespace and `distro`."""

    id: str | None
    version_id: str | None


def package(
    kind: str,
    name: str,
    version: str,
    arch: str | None,
    size: int | None,
    names: OsNames,
    source: tuple[str | None, str | None] = (None, None),
) -> Package:
    """A package with its purl; kind is apk or deb. source: name and version of its source package, None: its own."""
    # purl-spec: names and namespaces of apk and deb are lower case.
    parts = [kind, *([_quoted(names.id.lower())] if names.id else []), f"{_quoted(name.lower())}@{_quoted(version)}"]
    distro = f"{names.id}-{names.version_id}" if names.id and names.version_id else names.id
    qualifiers = "&".join(f"{key}={_quoted(value)}" for key, value in (("arch", arch), ("distro", distro)) if value)
    purl = "pkg:" + "/".join(parts) + (f"?{qualifiers}" if qualifiers else "")
    return Package(
        type="apk" if kind == "apk" else "deb",
        name=name,
        version=version,
        arch=arch,
        purl=purl,
        size=size,
        source=source[0] or name,
        source_version=source[1] or version,
    )


def _quoted(text: str) -> str:
    return quote(text, safe="").replace("%3A", ":")
