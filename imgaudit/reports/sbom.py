"""What a bill of materials says, whichever format writes it: CycloneDX and SPDX only arrange a Bill.

It lists what was read: OS packages, Go programs and the modules that these name in their build info. It says of each
list whether that is all. Package URLs of Go modules keep the case and the whole module path, as Go and OSV write them.
"""

import dataclasses
import hashlib
import uuid
from collections.abc import Iterable, Iterator
from typing import TypeVar

import msgspec

from imgaudit import model
from imgaudit.errors import UsageError
from imgaudit.reports import sbom_names as names
from imgaudit.reports.interface import AnyReport
from imgaudit.reports.sbom_parts import Bill, Coverage, Note, Part, coverage_of, image_part, os_parts, program_part

T = TypeVar("T")

_NAMESPACE = uuid.UUID("6f0c1a0e-7a55-5c0b-9b0e-2a4d5c1f8e37")  # any fixed one: ids are derived within it

SCOPE = (
    "Lists the OS packages of apk and dpkg databases, and the Go modules that programs name in their build info. "
    "Packages of other languages, and files that no package holds, were not looked for. Licences were not looked for."
)
SCOPE_OF_FILE = "Lists the Go modules that the program names in its build info. Licences were not looked for."


def bill_of(report: AnyReport) -> Bill:
    """The one image's, or the one binary's. UsageError where the report has none or several."""
    maker = _Maker()
    if isinstance(report, model.Report):
        return maker.image(_only(report.images, "image"), report)
    return maker.binary(_only(report.binaries, "program"), report)


def _only(found: tuple[T, ...], what: str) -> T:
    if len(found) == 1:
        return found[0]
    raise UsageError(
        f"A bill of materials describes one {what}, and the report has {len(found) or 'none'}.",
        hint="With several, name a file for each: -o FORMAT={label}.json" if found else None,
    )


def one_each(report: AnyReport) -> Iterator[tuple[str, AnyReport]]:
    """(label, report) with one image or binary each; what failed or compares several is left out."""
    if isinstance(report, model.Report):
        for image in report.images:
            one = msgspec.structs.replace(
                report, images=(image,), failed=(), comparison=None, verdict=None, complete=image.complete
            )
            yield image.label, one
        return
    for binary in report.binaries:
        complete = binary.analysis.status != "not_analysed"
        name = binary.path.rpartition("/")[2] or binary.path
        yield name, msgspec.structs.replace(report, binaries=(binary,), failed=(), comparison=None, complete=complete)


def derived_id(content: bytes) -> uuid.UUID:
    """The id of a document, from all the rest of it: the same input gives the same one, any other another."""
    return uuid.uuid5(_NAMESPACE, hashlib.sha256(content).hexdigest())


class _Maker:
    """Collects parts under unique refs; a module that several programs hold is one part."""

    def __init__(self) -> None:
        self.parts: dict[str, Part] = {}
        self.facts: dict[str, dict[tuple[str, str], None]] = {}  # a module's properties, as programs tell them
        self.notes: list[Note] = []
        self.depends: dict[str, tuple[str, ...]] = {}
        self.coverage: dict[str, Coverage] = {}

    def image(self, image: model.Image, report: model.Report) -> Bill:
        subject = self._add(image_part(image))
        self.notes += [Note(subject.ref, SCOPE)]
        self.notes += [Note(subject.ref, f"Not looked at: {item.what}: {item.reason}") for item in image.skipped]
        contains = [self._add(part).ref for part in os_parts(image.packages)]
        unread = False
        for binary in image.binaries:
            if binary.go.present:
                contains.append(self._program(binary).ref)
            elif binary.go.present is None or binary.analysis.status == "not_analysed":
                unread = True
                why = binary.analysis.reason or "its bytes do not tell"
                self.notes.append(Note(subject.ref, f"Not known to be a Go program or not: {binary.path}: {why}"))
        more = unread or bool(image.skipped) or not image.complete
        self.coverage[subject.ref] = "incomplete" if more else "unknown"
        return self._bill(subject, contains, report)

    def binary(self, binary: model.Binary, report: model.BinaryReport) -> Bill:
        subject = self._program(binary)
        self.notes.insert(0, Note(subject.ref, SCOPE_OF_FILE))
        return self._bill(subject, [], report)

    def _bill(self, subject: Part, contains: list[str], report: AnyReport) -> Bill:
        parts = []
        for ref, part in self.parts.items():
            if ref != subject.ref:
                facts = self.facts.get(ref)
                parts.append(dataclasses.replace(part, properties=tuple(sorted(facts))) if facts else part)
        return Bill(
            subject=subject,
            parts=tuple(parts),
            contains=tuple(contains),
            depends=self.depends,
            coverage=self.coverage,
            notes=tuple(self.notes),
            tool=report.tool,
            created=report.generated_at,
        )

    def _add(self, part: Part) -> Part:
        """Under a ref that nothing else has; two packages may have one purl."""
        ref, count = part.ref, 1
        while ref in self.parts:
            count += 1
            ref = f"{part.ref} ({count})"
        self.parts[ref] = part if count == 1 else dataclasses.replace(part, ref=ref)
        return self.parts[ref]

    def _program(self, binary: model.Binary) -> Part:
        program = self._add(program_part(binary))
        go = binary.go
        modules = [go.module] if go.module is not None else []
        refs = dict.fromkeys(self._module(module) for module in (*modules, *go.dependencies))
        if go.version is not None:
            refs[self._standard_library(go.version)] = None
        if refs:
            self.depends[program.ref] = tuple(refs)
        self.coverage[program.ref], reason = coverage_of(binary)
        if reason is not None:
            self.notes.append(Note(program.ref, reason))
        return program

    def _module(self, module: model.GoModule) -> str:
        """What was compiled: the replacement, where there is one."""
        other = module.replace
        if other is None:
            return self._share(names.module(module.path, module.version), _sum(module))
        replaced = (("imgaudit:go:replaces", f"{module.path}@{module.version}" if module.version else module.path),)
        if names.known_version(other.version) is not None:
            return self._share(names.module(other.path, other.version), (*replaced, *_sum(other)))
        # A folder on the machine that built it: it has no name of its own, and is not what the version says.
        local = names.Named(f"go:{module.path} => {other.path}", module.path, None, None)
        return self._share(local, (*replaced, ("imgaudit:go:replaced-by", other.path)))

    def _standard_library(self, version: str) -> str:
        return self._share(names.standard_library(version), (("imgaudit:go:version", version),))

    def _share(self, named: names.Named, facts: Iterable[tuple[str, str]]) -> str:
        if named.ref not in self.parts:
            self.parts[named.ref] = Part("module", named.ref, named.name, named.version, named.purl)
        self.facts.setdefault(named.ref, {}).update(dict.fromkeys(facts))
        return named.ref


def _sum(module: model.GoModule) -> tuple[tuple[str, str], ...]:
    said = (("imgaudit:go:sum", module.sum), ("imgaudit:go:version", names.odd_version(module.version)))
    return tuple((name, value) for name, value in said if value)
