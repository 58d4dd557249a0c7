"""trivy (aquasecurity.github.io/trivy): `trivy image --format json`, schema version 2, and `trivy version`."""

import contextlib
import dataclasses
from collections.abc import Iterator

import msgspec

from imgaudit.companions import words
from imgaudit.companions.interface import MOST_ITEMS, Ask, CompanionError, Told
from imgaudit.companions.outer import layout
from imgaudit.companions.places import Place, engine_variables, place_of
from imgaudit.fingerprint import fingerprint
from imgaudit.model import Finding, Image, Package, Unmatched, Vulnerability, VulnerabilityData
from imgaudit.vulnerabilities.interface import GO, Entry
from imgaudit.vulnerabilities.sayings import summary_of

NAME = "trivy"

# What of the user's own settings would hide findings or send the answer elsewhere. All others hold.
_NOT_KEPT = (
    *("OUTPUT", "FORMAT", "TEMPLATE", "COMPLIANCE", "REPORT", "SEVERITY", "EXIT_CODE", "EXIT_ON_EOL", "INPUT"),
    *("IGNOREFILE", "IGNORE_POLICY", "IGNORE_STATUS", "IGNORE_UNFIXED", "VEX", "PKG_TYPES", "VULN_TYPE"),
    *("PKG_RELATIONSHIPS", "SKIP_DIRS", "SKIP_FILES", "SCANNERS", "SECURITY_CHECKS", "IMAGE_SRC", "PLATFORM"),
)
_ECOSYSTEMS = {
    **dict.fromkeys(("gobinary", "gomod"), GO),
    **dict.fromkeys(("node-pkg", "npm", "yarn", "pnpm", "javascript"), "npm"),
    **dict.fromkeys(("python-pkg", "pip", "pipenv", "poetry", "uv"), "PyPI"),
    **dict.fromkeys(("jar", "pom", "gradle", "sbt"), "Maven"),
    **dict.fromkeys(("gemspec", "bundler"), "RubyGems"),
    **dict.fromkeys(("cargo", "rustbinary"), "crates.io"),
    **dict.fromkeys(("composer", "composer-vendor"), "Packagist"),
    **dict.fromkeys(("nuget", "dotnet-core", "packages-props"), "NuGet"),
    **dict.fromkeys(("pub",), "Pub"),
    **dict.fromkeys(("hex",), "Hex"),
    **dict.fromkeys(("conan",), "ConanCenter"),
}

OS, LANGUAGE, SECRET = "os-pkgs", "lang-pkgs", "secret"  # classes of results


class _Doc(msgspec.Struct, frozen=True, kw_only=True, rename="pascal"):
    """Only what is used; all else is skipped while decoding."""


class _Base(_Doc, frozen=True, kw_only=True):
    diff_id: str = msgspec.field(default="", name="DiffID")


class _Cvss(_Doc, frozen=True, kw_only=True):
    v3_score: float | None = msgspec.field(default=None, name="V3Score")


class _Package(_Doc, frozen=True, kw_only=True):
    name: str = ""
    version: str = ""
    src_name: str = ""
    relationship: str = ""
    installed_files: tuple[str, ...] | None = None


class _Vulnerability(_Doc, frozen=True, kw_only=True):
    id: str = msgspec.field(name="VulnerabilityID")
    pkg_name: str
    pkg_path: str = ""
    installed_version: str = ""
    fixed_version: str = ""
    severity_source: str = ""
    severity: str = ""
    primary_url: str | None = msgspec.field(default=None, name="PrimaryURL")
    title: str = ""
    description: str = ""
    cvss: dict[str, _Cvss] | None = msgspec.field(default=None, name="CVSS")


class _Secret(_Doc, frozen=True, kw_only=True):
    """Its Match and Code hold the secret, and are not read."""

    rule_id: str = msgspec.field(name="RuleID")
    severity: str = ""
    title: str = ""
    start_line: int = 0
    layer: _Base | None = None


class _Result(_Doc, frozen=True, kw_only=True):
    target: str = ""
    kind: str = msgspec.field(default="", name="Class")
    type: str = ""
    packages: tuple[_Package, ...] | None = None
    vulnerabilities: tuple[_Vulnerability, ...] | None = None
    secrets: tuple[_Secret, ...] | None = None


class _System(_Doc, frozen=True, kw_only=True):
    family: str = ""
    name: str = ""
    ended: bool = msgspec.field(default=False, name="EOSL")


class _Metadata(_Doc, frozen=True, kw_only=True):
    system: _System | None = msgspec.field(default=None, name="OS")
    image_id: str = msgspec.field(default="", name="ImageID")


class _Report(_Doc, frozen=True, kw_only=True):
    schema_version: int
    metadata: _Metadata
    results: tuple[_Result, ...] | None = None


class _Data(_Doc, frozen=True, kw_only=True):
    updated_at: str = ""


class _Version(_Doc, frozen=True, kw_only=True):
    version: str
    data: _Data | None = msgspec.field(default=None, name="VulnerabilityDB")


class Trivy:
    name = NAME

    def __init__(self) -> None:
        self._data: VulnerabilityData | None = None

    def look(self, image: Image, ask: Ask) -> Told:
        place = place_of(image)
        environment: dict[str, str | None] = {f"TRIVY_{name}": None for name in _NOT_KEPT}
        # Newer releases ask for news and send usage unless told not to; older ones don't know the words.
        environment |= {"TRIVY_SKIP_VERSION_CHECK": "true", "TRIVY_DISABLE_TELEMETRY": "true"}
        environment |= engine_variables(place)
        with contextlib.ExitStack() as held:
            if place.kind in ("oci-dir", "oci-archive"):
                place = dataclasses.replace(place, kind="oci-dir", path=held.enter_context(layout(place)))
            output = ask([*options(ask), *target(place)], environment)
        if self._data is None:  # after the first look, which may have fetched a new database
            self._data = _data(ask, environment)
        report = words.read(output, _Report)
        if report.schema_version != 2:
            raise CompanionError(f"its report has schema version {report.schema_version}, and only 2 is known")
        return _told(report, image, self._data, secrets=ask.secrets)


def options(ask: Ask) -> list[str]:
    """The words before the image. All packages are listed: that is how it says what it looked at."""
    scanners = "vuln,secret" if ask.secrets else "vuln"
    offline = ["--offline-scan", "--skip-db-update", "--skip-java-db-update"] if ask.offline else []
    return [
        *("image", "--format=json", "--quiet", "--no-progress", "--list-all-pkgs", "--exit-code=0"),
        *(f"--scanners={scanners}", f"--timeout={ask.seconds:.0f}s", *offline),
    ]


def target(place: Place) -> list[str]:
    """The image's words, none of which can be taken for an option."""
    if place.path:
        return [f"--input={place.path}"]
    out = [f"--image-src={'remote' if place.kind == 'registry' else place.kind}"]
    if place.kind == "podman" and place.engine is not None:
        out.append(f"--podman-host={place.engine.url.removeprefix('unix://')}")
    if place.platform is not None:
        out.append(f"--platform={place.platform}")
    if place.plain:
        out.append("--insecure")
    return [*out, "--", place.name]


def _data(ask: Ask, environment: dict[str, str | None]) -> VulnerabilityData:
    """The tool's version and its database's day, as far as it says them."""
    try:
        told = words.read(ask(["version", "--format=json"], environment), _Version)
    except CompanionError:
        told = _Version(version="")
    return words.data_of(NAME, told.version, told.data.updated_at if told.data is not None else "")


def _told(report: _Report, image: Image, data: VulnerabilityData, *, secrets: bool) -> Told:
    results = report.results or ()
    if sum(len(each.vulnerabilities or ()) + len(each.secrets or ()) for each in results) > MOST_ITEMS:
        raise CompanionError(f"it lists more than {MOST_ITEMS:,} findings")
    system = report.metadata.system or _System()
    packages = {package.name: package for package in image.packages}
    items: list[Vulnerability] = []
    for result in results:
        sources = {each.name: each.src_name for each in result.packages or ()}
        for each in result.vulnerabilities or ():
            if words.is_id(each.id):
                items.append(_item(each, result, system, packages, sources, data.name))
    findings = [found for result in results if secrets for found in _secrets(result, image, data.name)]
    identities = frozenset({report.metadata.image_id} - {""})
    listed = {"/" + each.target.lstrip("/"): each.packages or () for each in results if each.kind == LANGUAGE}
    return Told(
        identities,
        data,
        tuple(items),
        tuple(findings),
        missed=tuple(_missed(results, listed, image)),
        unmatched=tuple(_unmatched(listed, system)),
    )


def _item(
    each: _Vulnerability,
    result: _Result,
    system: _System,
    packages: dict[str, Package],
    sources: dict[str, str],
    tool: str,
) -> Vulnerability:
    name, path = words.clean(each.pkg_name), None
    package, module, version = None, name, each.installed_version
    if result.kind == OS:
        ecosystem, package = words.distribution(system.family, system.name), name
        known = packages.get(name)
        module = (known.source if known is not None else None) or words.clean(sources.get(name, "")) or name
        if known is not None and known.source_version:
            version = known.source_version
    else:
        kind = words.clean(result.type, 60)
        ecosystem, path = _ECOSYSTEMS.get(kind, kind or "unknown"), _path(each.pkg_path, result)
    scores = each.cvss or {}
    rated = [scores[source].v3_score for source in (each.severity_source, "nvd", "ghsa") if source in scores]
    severity, score = words.severity(each.severity), next((each for each in map(words.score, rated) if each), None)
    return Vulnerability(
        id=each.id,
        summary=words.clean(summary_of(Entry(id=each.id, summary=each.title, details=each.description))),
        severity=severity,
        score=score,
        url=words.url(each.primary_url),
        ecosystem=ecosystem,
        module=module,
        package=package,
        version=words.version(ecosystem, module, version),
        fixed=words.fixed(ecosystem, module, each.installed_version, each.fixed_version.split(",")),
        state="module",
        path=path,
        evidence=f"{tool} lists it for {name} {words.clean(each.installed_version, 100)}".rstrip(),
        sources=(NAME,),
    )


def _path(package_path: str, result: _Result) -> str | None:
    """Where it is: the package's own file, else the program or lock file; None for "Node.js" and the like."""
    path = package_path or (result.target if result.type in ("gobinary", "rustbinary") or "/" in result.target else "")
    return "/" + words.clean(path, 1000).lstrip("/") if path else None


def _secrets(result: _Result, image: Image, tool: str) -> Iterator[Finding]:
    layers = {layer.diff_id: layer.index for layer in image.layers}
    path = "/" + words.clean(result.target, 1000).lstrip("/")
    for secret in result.secrets or ():
        if not words.is_id(secret.rule_id):
            continue
        line = f", line {secret.start_line:,}," if secret.start_line > 0 else ""
        identity = f"TRIVY-{secret.rule_id}"
        yield Finding(
            id=identity,
            title=f"trivy sees a secret: {words.clean(secret.title) or secret.rule_id}",
            severity=words.severity(secret.severity) or "medium",
            message=f"{path}{line} holds what {tool} takes for a secret, by its rule {secret.rule_id}.",
            path=path,
            layer=layers.get(secret.layer.diff_id) if secret.layer is not None else None,
            remediation="Take it out of the file, give it when the container starts, and replace the secret: it is"
            " known. Where it is none, ignore the finding with a reason.",
            fingerprint=fingerprint(identity, path, str(secret.start_line)),
            source=NAME,
        )


def _missed(results: tuple[_Result, ...], listed: dict[str, tuple[_Package, ...]], image: Image) -> Iterator[Unmatched]:
    """What the audit found and trivy lists nothing of."""
    if image.packages and not any(result.kind == OS and result.packages for result in results):
        yield Unmatched(what=f"{len(image.packages):,} OS packages", reason=f"{NAME} lists none of them")
    # What an OS package brings is looked up as that, not by its modules.
    owned = {
        "/" + name.lstrip("/")
        for result in results
        for package in (result.packages or () if result.kind == OS else ())
        for name in package.installed_files or ()
    }
    for binary in image.binaries:
        if binary.go.present and not listed.get(binary.path) and binary.path not in owned:
            yield Unmatched(what=binary.path, reason=f"{NAME} lists none of its modules")


def _unmatched(listed: dict[str, tuple[_Package, ...]], system: _System) -> Iterator[Unmatched]:
    """What trivy knows no version of, and what it says itself of how good its data is."""
    if system.ended:
        name = words.clean(f"{system.family} {system.name}", 100)
        yield Unmatched(what=name, reason=f"past its end of life, says {NAME}: its data may have ended, too")
    for path, packages in listed.items():
        for package in packages:
            if not package.version and package.relationship != "root":
                yield Unmatched(
                    what=words.clean(f"{path}: {package.name}"), reason=f"{NAME} could not read its version"
                )
