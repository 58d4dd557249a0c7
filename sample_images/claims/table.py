"""The measured table: what the formats render."""

import dataclasses
import os
import platform
from collections.abc import Sequence

from imgaudit.model import Image
from imgaudit.run import timestamp
from sample_images import systems
from sample_images.claims.claim import VERDICTS, Claim, NotMeasured, Row, Verdict, judge
from sample_images.claims.containers import docker
from sample_images.claims.data import told
from sample_images.claims.documents import DOCUMENTS
from sample_images.claims.lab import Lab
from sample_images.claims.programs import go

SHAPES: dict[Verdict, str] = {
    "holds": "✓",
    "partly": "~",
    "does not hold": "✗",
    "not measured": "–",
    "cannot be measured here": "–",
}
SIZES = "The size of an image is what `docker images` prints; its download stands beside it, ~ where it is an estimate."
RUNNING = (
    "Start-up is the time from the program's start to its first healthy answer over HTTP, memory what all of the "
    "container's processes hold, both the median of several runs."
)
SECURITY = (
    "The score, the checks and the vulnerabilities are imgaudit's, with all text files searched for secrets; where "
    "docker or another tool was asked as well, both answers stand there, and they agree."
)
WITHOUT_ALPINE = (
    "Alpine's package server did not answer: UPX, time zones and BusyBox are Debian's, and images on Alpine hold "
    "copied files instead of packages."
)
STAND_IN = (
    "Where it says so, the base image is a stand-in, put together for this machine: the real one differs in size."
)


@dataclasses.dataclass(frozen=True, slots=True)
class Measured:
    """An image that was built. size is None where it could not be built or audited; reason says why."""

    tag: str
    platform: str
    base: str | None
    engine: int | None
    download: int | None
    download_estimated: bool
    rootfs: int | None
    reason: str | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Table:
    """rows: in the documents' order. machine: what it was measured on, in words. notes: sentences for the reader."""

    rows: tuple[Row, ...]
    images: tuple[Measured, ...]
    machine: str
    notes: tuple[str, ...]
    generated_at: str

    @property
    def counts(self) -> dict[Verdict, int]:
        return {verdict: sum(row.judgement.verdict == verdict for row in self.rows) for verdict in VERDICTS}

    @property
    def complete(self) -> bool:
        """Nothing failed that ought to work."""
        return not any(row.failed for row in self.rows) and not any(image.reason for image in self.images)

    @property
    def headline(self) -> str:
        counts = self.counts
        return (
            f"Of {len(self.rows)} claims {counts['holds']} hold, {counts['partly']} in part, {counts['does not hold']} "
            f"do not; {counts['not measured']} were not measured, "
            f"{counts['cannot be measured here']} can't be measured here."
        )

    def by_document(self) -> list[tuple[str, list[Row]]]:
        grouped = [(name, [row for row in self.rows if row.claim.document == name]) for name in DOCUMENTS]
        return [(name, rows) for name, rows in grouped if rows]


def place(claim: Claim) -> str:
    """What a claim is measured on, as it stands below its document's name."""
    return claim.on.replace(f"{claim.document}:", "")


def measure(claims: Sequence[Claim], lab: Lab, names: Sequence[str]) -> Table:
    """Build and audit the systems named (all of them for none), then measure each claim."""
    before = os.getloadavg()[0]
    images = tuple(_measured(lab, target, on) for target, on in systems.chosen(list(names)))
    rows = tuple(judge(claim, lab) for claim in claims)
    load = (
        f"Load of the machine: {before:.1f} before, {os.getloadavg()[0]:.1f} after; times are longer beside other work."
    )
    return Table(rows, images, machine(), (*_notes(lab), load), timestamp())


def _measured(lab: Lab, target: systems.Target, on: str) -> Measured:
    tag = target.tag(on)
    try:
        image: Image = lab.image(f"{target.system}:{target.name}", on)
    except NotMeasured as error:
        return Measured(tag, on, None, None, None, False, None, str(error))
    size = image.size
    return Measured(tag, on, image.base.family, size.engine, size.download, size.download_estimated, size.rootfs)


def machine() -> str:
    engine = docker("version", "--format", "{{.Server.Version}}").stdout.strip() or "unknown"
    try:
        toolchain = go(systems.HERE, "env", "GOVERSION").strip()
    except NotMeasured:
        toolchain = "no Go"
    return f"{platform.system()}/{platform.machine()}, {os.cpu_count()} CPUs, Docker Engine {engine}, {toolchain}"


def _notes(lab: Lab) -> list[str]:
    notes = [SIZES, RUNNING, SECURITY, told(lab.looked_up)]
    if not lab.alpine:
        notes.append(WITHOUT_ALPINE)
    return [*notes, STAND_IN]
