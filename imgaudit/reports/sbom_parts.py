"""The parts of a bill of materials, each made of what is known of an image, a package or a program."""

import dataclasses
import re
from collections.abc import Iterable, Iterator
from typing import Literal

from imgaudit import model
from imgaudit.reports import sbom_names as names

Kind = Literal["image", "os", "package", "program", "module"]
# complete: all there is. incomplete: more is known to be there, or was not read. unknown: nobody can tell.
Coverage = Literal["complete", "incomplete", "unknown"]


_HEX = re.compile(r"[0-9a-f]{64}")


@dataclasses.dataclass(frozen=True, slots=True)
class Part:
    """One component. ref: unique in its Bill. path: where it is in the image. source: name and version
    of the source package that it was built from, where it is another. properties: names and values in order,
    a name may repeat."""

    kind: Kind
    ref: str
    name: str
    version: str | None = None
    purl: str | None = None
    sha256: str | None = None
    path: str | None = None
    source: tuple[str, str] | None = None
    properties: tuple[tuple[str, str], ...] = ()


@dataclasses.dataclass(frozen=True, slots=True)
class Note:
    """A sentence about the part `ref`."""

    ref: str
    text: str


@dataclasses.dataclass(frozen=True, slots=True)
class Bill:
    """subject: what it describes. contains: of the image. depends: of each program whose modules are known.
    coverage: by the ref of the image and of each program."""

    subject: Part
    parts: tuple[Part, ...]
    contains: tuple[str, ...]
    depends: dict[str, tuple[str, ...]]
    coverage: dict[str, Coverage]
    notes: tuple[Note, ...]
    tool: model.Tool
    created: str


def image_part(image: model.Image) -> Part:
    digest = image.manifest_digest
    facts: list[tuple[str, str | None]] = [
        ("label", image.label),
        ("source", image.source),
        ("platform", str(image.platform)),
        ("image-id", image.image_id),
        ("manifest-digest", digest),
        ("index-digest", image.index_digest),
        ("base", " ".join(text for text in (image.base.family, image.base.name, image.base.version) if text)),
    ]
    facts += [(f"layer:{layer.index}:diff-id", layer.diff_id) for layer in image.layers]
    facts += [(f"layer:{layer.index}:digest", layer.digest) for layer in image.layers]
    return Part(
        "image",
        f"image:{image.reference}",
        image.reference,
        version=digest or image.image_id,
        purl=names.oci(image.reference, digest, image.platform) if image.source == "registry" and digest else None,
        sha256=_sha256(digest),
        properties=_properties(facts),
    )


def os_parts(packages: Iterable[model.Package]) -> Iterator[Part]:
    packages = tuple(packages)
    system = names.operating_system(package.purl for package in packages)
    if system is not None:
        yield Part("os", f"os:{system[0]}@{system[1]}", system[0], system[1])
    for package in packages:
        source = _source(package)
        purl = names.with_upstream(names.valid_purl(package.purl), package.version, source)
        ref = purl or f"{package.type}:{package.name}@{package.version}"
        size = None if package.size is None else str(package.size)
        facts = _properties([("package-type", package.type), ("arch", package.arch), ("size", size)])
        yield Part("package", ref, package.name, package.version, purl, source=source, properties=facts)


def _source(package: model.Package) -> tuple[str, str] | None:
    name, version = package.source or package.name, package.source_version or package.version
    return (name, version) if (name, version) != (package.name, package.version) else None


def program_part(binary: model.Binary) -> Part:
    go, vcs, module = binary.go, binary.go.vcs, binary.go.module
    facts: list[tuple[str, str | None]] = [
        ("role", binary.role),
        ("size", str(binary.size)),
        ("layer", None if binary.layer is None else str(binary.layer)),
        ("machine", binary.machine),
        ("linkage", binary.linkage),
        ("build-id", binary.build_id),
        ("upx", f"{binary.upx.method or 'unknown method'}" if binary.upx.present else None),
        ("go:version", go.version),
        ("go:package", go.path),
        ("go:cgo", None if go.cgo is None else str(go.cgo).lower()),
    ]
    if vcs is not None:
        modified = None if vcs.modified is None else str(vcs.modified).lower()
        facts += [("vcs:revision", vcs.revision), ("vcs:time", vcs.time), ("vcs:modified", modified)]
    return Part(
        "program",
        f"program:{binary.path}",
        binary.path,
        version=names.known_version(module.version) if module is not None else None,
        sha256=_sha256(binary.sha256),
        path=binary.path,
        properties=_properties(facts),
    )


def coverage_of(binary: model.Binary) -> tuple[Coverage, str | None]:
    """Whether the modules are all that the program is made of, and why not."""
    if not binary.go.present:
        told = "not a Go program" if binary.go.present is False else "not known to be a Go program or not"
        return "unknown", f"{binary.path} is {told}: what it is made of was not read."
    if binary.go.module is None:
        return "unknown", f"{binary.path} does not name its main module: the list may lack modules."
    if binary.analysis.status != "complete":
        return "unknown", f"{binary.path} was not read completely: {binary.analysis.reason or 'no reason is known'}"
    if binary.go.cgo is None:
        return "unknown", f"Whether {binary.path} holds C code is not known; C code is not listed."
    if binary.go.cgo or binary.needed:
        return "incomplete", f"{binary.path} uses C code or libraries, which are not listed as its parts."
    return "complete", None


def _properties(facts: Iterable[tuple[str, str | None]]) -> tuple[tuple[str, str], ...]:
    return tuple((f"imgaudit:{name}", value) for name, value in facts if value)


def _sha256(text: str | None) -> str | None:
    value = (text or "").removeprefix("sha256:")
    return value if _HEX.fullmatch(value) else None
