"""grype (github.com/anchore/grype): `grype -o json`."""

import contextlib
import dataclasses
from collections.abc import Iterator

import msgspec

from imgaudit.companions import words
from imgaudit.companions.interface import MOST_ITEMS, Ask, CompanionError, Told
from imgaudit.companions.outer import layout
from imgaudit.companions.places import Place, engine_variables, place_of
from imgaudit.model import Image, Package, Unmatched, Vulnerability
from imgaudit.vulnerabilities.interface import GO, Entry
from imgaudit.vulnerabilities.sayings import summary_of

NAME = "grype"

# What of the user's own settings would hide findings or send the answer elsewhere. All others hold.
_NOT_KEPT = (
    *("OUTPUT", "FILE", "PRETTY", "OUTPUT_TEMPLATE_FILE", "FAIL_ON_SEVERITY", "ONLY_FIXED", "ONLY_NOTFIXED"),
    *("EXCLUDE", "IGNORE_WONTFIX", "IGNORE_STATES", "VEX_DOCUMENTS", "VEX_ADD", "DISTRO", "NAME", "PLATFORM"),
    *("DEFAULT_IMAGE_PULL_SOURCE", "FROM", "TIMESTAMP"),
)
_SYSTEMS = ("apk", "deb", "rpm", "alpm", "portage")
_ECOSYSTEMS = {
    "go-module": GO,
    "npm": "npm",
    "python": "PyPI",
    "java-archive": "Maven",
    "gem": "RubyGems",
    "rust-crate": "crates.io",
    "php-composer": "Packagist",
    "dotnet": "NuGet",
    "dart-pub": "Pub",
    "hex": "Hex",
    "conan": "ConanCenter",
}


class _Doc(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Only what is used; all else is skipped while decoding."""


class _Metrics(_Doc, frozen=True, kw_only=True):
    base_score: float | None = None


class _Cvss(_Doc, frozen=True, kw_only=True):
    version: str = ""
    metrics: _Metrics | None = None


class _Fix(_Doc, frozen=True, kw_only=True):
    versions: tuple[str, ...] | None = None


class _Named(_Doc, frozen=True, kw_only=True):
    id: str
    cvss: tuple[_Cvss, ...] | None = None
    description: str = ""


class _Vulnerability(_Named, frozen=True, kw_only=True):
    data_source: str | None = None
    severity: str = ""
    fix: _Fix | None = None


class _Location(_Doc, frozen=True, kw_only=True):
    path: str = ""


class _Upstream(_Doc, frozen=True, kw_only=True):
    name: str = ""
    version: str = ""


class _Package(_Doc, frozen=True, kw_only=True):
    name: str
    version: str = ""
    type: str = ""
    locations: tuple[_Location, ...] | None = None
    upstreams: tuple[_Upstream, ...] | None = None


class _Match(_Doc, frozen=True, kw_only=True):
    vulnerability: _Vulnerability
    related: tuple[_Named, ...] | None = msgspec.field(default=None, name="relatedVulnerabilities")
    artifact: _Package


class _Target(_Doc, frozen=True, kw_only=True):
    image_id: str = msgspec.field(default="", name="imageID")
    manifest_digest: str = ""


class _Source(_Doc, frozen=True, kw_only=True):
    type: str
    target: _Target


class _System(_Doc, frozen=True, kw_only=True):
    name: str = ""
    version: str = ""


class _Status(_Doc, frozen=True, kw_only=True):
    built: str = ""


class _Data(_Doc, frozen=True, kw_only=True):
    status: _Status | None = None


class _Descriptor(_Doc, frozen=True, kw_only=True):
    version: str = ""
    db: _Data | None = None


class _Report(_Doc, frozen=True, kw_only=True):
    matches: tuple[_Match, ...]
    ignored: tuple[_Match, ...] | None = msgspec.field(default=None, name="ignoredMatches")
    source: _Source
    distro: _System | None = None
    descriptor: _Descriptor


class Grype:
    name = NAME

    def look(self, image: Image, ask: Ask) -> Told:
        place = place_of(image)
        environment: dict[str, str | None] = {f"GRYPE_{name}": None for name in _NOT_KEPT}
        environment |= {"GRYPE_CHECK_FOR_APP_UPDATE": "false", **engine_variables(place)}
        if place.plain:
            environment |= {"GRYPE_REGISTRY_INSECURE_USE_HTTP": "true"}
        if ask.offline:
            environment |= {
                "GRYPE_DB_AUTO_UPDATE": "false",
                "GRYPE_DB_VALIDATE_AGE": "false",  # the report tells its day
                "GRYPE_EXTERNAL_SOURCES_ENABLE": "false",
            }
        with contextlib.ExitStack() as held:
            if place.kind in ("oci-dir", "oci-archive"):
                place = dataclasses.replace(place, kind="oci-dir", path=held.enter_context(layout(place)))
            output = ask([*target(place), "--output=json"], environment)
        return _told(words.read(output, _Report), image)


def target(place: Place) -> list[str]:
    """The image's words: each begins with its source, so none can be taken for an option."""
    if place.path:
        return [f"{place.kind}:{place.path}"]
    platform = [f"--platform={place.platform}"] if place.platform is not None else []
    return [f"{place.kind}:{place.name}", *platform]


def _told(report: _Report, image: Image) -> Told:
    if len(report.matches) > MOST_ITEMS:
        raise CompanionError(f"it lists more than {MOST_ITEMS:,} vulnerabilities")
    status = report.descriptor.db.status if report.descriptor.db is not None else None
    data = words.data_of(NAME, report.descriptor.version, status.built if status is not None else "")
    packages = {package.name: package for package in image.packages}
    items = [
        _item(match, path, report.distro or _System(), packages, data.name)
        for match in report.matches
        if words.is_id(match.vulnerability.id)
        for path in _paths(match.artifact)
    ]
    if len(items) > MOST_ITEMS:
        raise CompanionError(f"it lists more than {MOST_ITEMS:,} vulnerabilities")
    target = report.source.target
    identities = frozenset({target.image_id, target.manifest_digest} - {""})
    missed = tuple(_missed(report, items, image))
    return Told(identities, data, tuple(items), missed=missed, unmatched=tuple(_unmatched(report)))


def _paths(package: _Package) -> list[str | None]:
    """Where it is: each program that holds it; None for an OS package."""
    if package.type in _SYSTEMS:
        return [None]
    paths: dict[str | None, None] = dict.fromkeys(
        words.clean(each.path, 1000) for each in package.locations or () if each.path
    )
    return [*paths][: words.MOST] or [None]


def _item(match: _Match, path: str | None, system: _System, packages: dict[str, Package], tool: str) -> Vulnerability:
    told, artifact = match.vulnerability, match.artifact
    name = words.clean(artifact.name)
    package, module, version = None, name, artifact.version
    if artifact.type in _SYSTEMS:
        ecosystem, package = words.distribution(system.name, system.version), name
        known = packages.get(name)
        upstream = next((each for each in artifact.upstreams or () if each.name), _Upstream())
        module = (known.source if known is not None else None) or words.clean(upstream.name) or name
        version = (known.source_version if known is not None else None) or upstream.version or version
    else:
        kind = words.clean(artifact.type, 60)
        ecosystem = _ECOSYSTEMS.get(kind, kind or "unknown")
    related = match.related or ()
    scores = [
        words.score(each.metrics.base_score)
        for named in (told, *related)
        for each in named.cvss or ()
        if each.version.startswith("3") and each.metrics is not None
    ]
    text = told.description or next((each.description for each in related if each.description), "")
    versions = told.fix.versions if told.fix is not None else None
    return Vulnerability(
        id=told.id,
        aliases=words.ids((each.id for each in related), told.id),
        summary=words.clean(summary_of(Entry(id=told.id, details=text))),
        severity=words.severity(told.severity),
        score=next((each for each in scores if each is not None), None),
        url=words.url(told.data_source),
        ecosystem=ecosystem,
        module=module,
        package=package,
        version=words.version(ecosystem, module, version),
        fixed=words.fixed(ecosystem, module, artifact.version, versions or ()),
        state="module",
        path=path,
        evidence=f"{tool} lists it for {name} {words.clean(artifact.version, 100)}".rstrip(),
        sources=(NAME,),
    )


def _missed(report: _Report, items: list[Vulnerability], image: Image) -> Iterator[Unmatched]:
    """It lists no packages, so what it did not see can only be guessed where nothing was found."""
    if image.packages and (report.distro is None or not report.distro.name):
        yield Unmatched(what=f"{len(image.packages):,} OS packages", reason=f"{NAME} does not know their distribution")
    found = {item.path for item in items}
    for binary in image.binaries:
        if binary.go.present and binary.upx.present and binary.path not in found:
            yield Unmatched(what=binary.path, reason=f"it is packed, and {NAME} lists nothing of it")


def _unmatched(report: _Report) -> Iterator[Unmatched]:
    if report.ignored:
        count = f"{len(report.ignored):,} vulnerabilit{'y' if len(report.ignored) == 1 else 'ies'}"
        yield Unmatched(what=count, reason=f"{NAME} leaves them out by rules of its own or of its settings")
