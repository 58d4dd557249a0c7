"""Package URLs (purl-spec) and versions, as a bill of materials writes them.

Of Go modules the case is kept and the module path stays whole: `pkg:golang/github.com/redis/go-redis/v9@v9.7.3`.
A version that isn't one (`(devel)`) is left out: nothing may be matched with it.
"""

import re
from collections.abc import Iterable
from typing import NamedTuple
from urllib.parse import quote, unquote

from imgaudit.model import Platform

_PURL = re.compile(r"pkg:[a-z][a-z0-9.+-]*/[!-~]+")
# What follows is no part of the release: a maker's words, or the experiments that were on (`go1.26.8-X:jsonv2`).
_GO_RELEASE = re.compile(
    r"go(\d+(?:\.\d+)*(?:(?:rc|beta)\d+)?(?:[-+.](?!X:)[0-9A-Za-z.+-]+?)?)(?: .*|-X:.*)?", re.ASCII | re.DOTALL
)
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")
_HUB = "docker.io"


class Named(NamedTuple):
    """A part's ref, name, version and purl."""

    ref: str
    name: str
    version: str | None
    purl: str | None


def module(path: str, version: str | None) -> Named:
    known = known_version(version)
    purl = f"pkg:golang/{_quoted(path.strip('/'), safe='/')}" + (f"@{_quoted(known)}" if known else "")
    purl = purl if path.strip("/") else ""
    return Named(purl or f"go:{path}@{version}", path, known, purl or None)


def standard_library(version: str) -> Named:
    """version: as in the build info. One between releases (`devel go1.28-5e7f3a1 ...`) has no purl's version."""
    match = _GO_RELEASE.fullmatch(version)
    released = match[1] if match and "devel" not in match[1] else None
    purl = "pkg:golang/stdlib" + (f"@{_quoted(released)}" if released else "")
    return Named(purl if released else f"{purl} ({version})", "stdlib", released, purl)


def known_version(version: str | None) -> str | None:
    return version if version and version != "(devel)" else None


def odd_version(version: str | None) -> str | None:
    """What the build info says in place of a version."""
    return version if version and known_version(version) is None else None


def valid_purl(text: str) -> str | None:
    """The purl, unless it could not be one."""
    return text if _PURL.fullmatch(text) else None


def with_upstream(purl: str | None, version: str, source: tuple[str, str] | None) -> str | None:
    """With the source package as syft writes it and grype reads it: its name, and its version where it is another."""
    if purl is None or source is None or "#" in purl or "upstream=" in purl:
        return purl
    upstream = source[0] if source[1] == version else f"{source[0]}@{source[1]}"
    return f"{purl}{'&' if '?' in purl else '?'}upstream={_quoted(upstream)}"


def operating_system(purls: Iterable[str]) -> tuple[str, str] | None:
    """ID and VERSION_ID of os-release, which every OS package's purl has; None where they have none or differ."""
    found = {_distribution(purl) for purl in purls}
    return found.pop() if len(found) == 1 else None


def _distribution(purl: str) -> tuple[str, str] | None:
    match = re.fullmatch(r"pkg:(?:apk|deb|rpm)/([^/@?]+)/[^/?]+\?(?:[^#]*&)?distro=([^&#]+)", purl)
    if match is None:
        return None
    ident, distro = unquote(match[1]), unquote(match[2])
    version = distro[len(ident) + 1 :] if distro.lower().startswith(f"{ident.lower()}-") else ""
    return (ident, version) if version else None


def oci(reference: str, digest: str, platform: Platform) -> str | None:
    """The purl of an image in a registry; None where the reference is not a plain name."""
    text = reference.removeprefix("docker://")
    if not re.match(r"registry:[0-9]{1,5}/", text):
        text = text.removeprefix("registry:")
    text = text.partition("@")[0]
    folder, slash, last = text.rpartition("/")
    last, _, tag = last.partition(":")
    first = folder.partition("/")[0]
    if not slash:
        folder = f"{_HUB}/library"
    elif first != "localhost" and not re.search(r"[.:\[]", first):
        folder = f"{_HUB}/{folder}"
    if not re.fullmatch(r"[a-z0-9._-]+", last) or not re.fullmatch(r"[!-~]+", folder):
        return None
    qualifiers = [f"arch={_quoted(platform.architecture)}", f"repository_url={_quoted(f'{folder}/{last}', safe='/')}"]
    if _TAG.fullmatch(tag):
        qualifiers.append(f"tag={_quoted(tag)}")
    return f"pkg:oci/{last}@{_quoted(digest)}?{'&'.join(qualifiers)}"


def _quoted(text: str, safe: str = "") -> str:
    """Percent-encoded as packageurl-python does; names that are not UTF-8 are kept by their bytes."""
    try:
        data = text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        data = text.encode("utf-8", "surrogatepass")
    return quote(data, safe=safe + ":")
