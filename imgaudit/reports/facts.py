"""Facts of the model in the words that every format uses: one place, so that no two formats disagree."""

import dataclasses
from typing import Literal

from imgaudit import model
from imgaudit.model.comparison import Measure
from imgaudit.reports import numbers

Mark = Literal["good", "bad", "none"]  # ✓ ✗ –

SEVERITIES: tuple[model.Severity, ...] = ("critical", "high", "medium", "low", "info")


@dataclasses.dataclass(frozen=True, slots=True)
class Status:
    """A word with a shape: no colour is needed to read it."""

    mark: Mark
    word: str
    detail: str = ""


@dataclasses.dataclass(frozen=True, slots=True)
class Row:
    """One image among others, figures in words. delta is None for the reference and where nothing is compared."""

    image: model.Image
    label: str
    base: str
    platform: str
    download: str
    unpacked: str
    rootfs: str
    delta: str | None
    reference: bool
    recommended: bool
    binary: str
    built: str
    runs: Status


def rows(report: model.Report) -> tuple[Row, ...]:
    """The images in the order given, each with its difference from the reference."""
    compared = report.comparison
    variants = {variant.label: variant for variant in compared.variants} if compared else {}
    advice = compared.recommendation.label if compared and compared.recommendation else None
    return tuple(_row(image, compared, variants.get(image.label), advice) for image in report.images)


def _row(
    image: model.Image, compared: model.Comparison | None, variant: model.Variant | None, advice: str | None
) -> Row:
    size = image.size
    reference = compared is not None and compared.reference_kind == "image" and compared.reference == image.label
    return Row(
        image=image,
        label=image.label,
        base=base_name(image.base),
        platform=str(image.platform),
        download=numbers.size(size.download, estimated=size.download_estimated),
        unpacked=numbers.size(size.unpacked),
        rootfs=numbers.size(size.rootfs),
        delta=None if variant is None or reference else _download_delta(variant, size.download_estimated),
        reference=reference,
        recommended=advice == image.label,
        binary=service_words(image),
        built=service_short(image),
        runs=runs(image.fitness),
    )


def variant_delta(variant: model.Variant, measure: Measure) -> str:
    """The difference in one measure, against what the reference had."""
    change: int | None = getattr(variant.delta, measure)
    now: int | None = getattr(variant, measure)
    if now is None:
        return numbers.NOT_MEASURED
    return numbers.delta(change, None if change is None else now - change)


def _download_delta(variant: model.Variant, estimated: bool) -> str:
    words = variant_delta(variant, "download")
    return estimate(words) if estimated else words


def estimate(words: str) -> str:
    """A difference of estimates is one too; `same` and the other words stay."""
    return f"~{words}" if words[:1] in ("+", "-") else words


def base_name(base: model.Base) -> str:
    return f"{base.family} {base.version}" if base.version else base.family


def runs(fitness: model.Fitness) -> Status:
    """Whether the image can run its program; the detail says why not."""
    reason = "; ".join(fitness.problems)
    if fitness.runs is None:
        return Status("none", "unknown", reason)
    return Status("good", "yes", reason) if fitness.runs else Status("bad", "no", reason)


def service(image: model.Image) -> model.Binary | None:
    """The binary that really runs, if one was found."""
    return next((binary for binary in image.binaries if binary.role == "service"), None)


def taken_apart(image: model.Image) -> list[model.Binary]:
    """The image's other programs whose bytes are known by package, the largest first."""
    first = service(image)
    found = [item for item in image.binaries if item is not first and item.size_breakdown is not None]
    return sorted(found, key=lambda item: (-item.size, item.path))


def service_words(image: model.Image) -> str:
    found = service(image)
    return "no service found" if found is None else ", ".join(binary_words(found))


def binary_words(binary: model.Binary) -> tuple[str, ...]:
    """`static, stripped, UPX to 35 %`: what matters of how it was built."""
    linkage = binary.linkage or "linkage unknown"
    symbols = {True: "stripped", False: "with symbols", None: "symbols unknown"}[binary.stripped]
    words = [linkage, symbols]
    if binary.upx.present:
        ratio = binary.upx.ratio
        words.append("UPX" if ratio is None else f"UPX to {ratio * 100:.0f} %")
    return tuple(words)


def service_short(image: model.Image) -> str:
    """`static/stripped/UPX`, for a narrow column."""
    found = service(image)
    if found is None:
        return "none found"
    symbols = {True: ("stripped",), False: ("symbols",), None: ()}[found.stripped]
    return "/".join((found.linkage or "unknown", *symbols, *(("UPX",) if found.upx.present else ())))


def gate(item: model.Gate) -> Status:
    if item.passed is None:
        return Status("none", "not judged")
    return Status("good", "passed") if item.passed else Status("bad", "failed")


def gates(verdict: model.Verdict) -> list[model.Gate]:
    """What failed first, then what could not be judged."""
    return sorted(verdict.gates, key=lambda item: (False, None, True).index(item.passed))


def go_words(binary: model.Binary) -> str:
    """`go1.26.8, 24 modules, no cgo`, or that it is no Go program."""
    go = binary.go
    if not go.present:
        return "not Go" if go.present is False else "unknown"
    cgo = {True: "cgo", False: "no cgo", None: "cgo unknown"}[go.cgo]
    return ", ".join((go.version or "version unknown", numbers.plural(len(go.dependencies), "module"), cgo))


CAPABILITIES = ("shell", "package manager", "CA certificates", "time zones", "passwd", "/tmp", "libc", "init")  # noqa: S108


def capabilities(runtime: model.Runtime | None) -> tuple[Status, ...]:
    """What a program finds in the image, in the order of CAPABILITIES. Neither presence nor absence is a fault."""
    if runtime is None:
        return (Status("none", "not read"),) * len(CAPABILITIES)
    certificates = runtime.ca_certificates
    count = "yes" if certificates.count is None else f"{certificates.count:,}"
    return (
        _capability(runtime.shell is not None, runtime.shell),
        _capability(runtime.package_manager is not None, runtime.package_manager),
        Status("good", count, certificates.path or "") if certificates.present else Status("bad", "none"),
        _capability(runtime.tzdata.present, runtime.tzdata.path, word="yes"),
        _capability(runtime.passwd, None),
        _capability(runtime.tmp, None),
        _capability(runtime.libc is not None, runtime.libc),
        _capability(runtime.init is not None, runtime.init),
    )


def _capability(present: bool, what: str | None, *, word: str | None = None) -> Status:
    return Status("good", word or what or "yes", what or "") if present else Status("bad", "no")


@dataclasses.dataclass(frozen=True, slots=True)
class SharedFinding:
    """One finding, and the labels of all images that have it. layers: of the first of these images."""

    finding: model.Finding
    labels: tuple[str, ...]
    layers: tuple[int, ...] = ()


def findings(report: model.Report, *, ignored: bool = False) -> tuple[SharedFinding, ...]:
    """Open findings, worst first, or those that a rule ignores; the same one in several images stands once."""
    groups: dict[tuple[object, ...], list[str]] = {}
    first: dict[tuple[object, ...], model.Finding] = {}
    layers: dict[tuple[object, ...], list[int]] = {}
    for image in report.images:
        for finding in image.findings:
            if (finding.ignored is not None) != ignored:
                continue
            key = (finding.id, finding.severity, finding.title, finding.message, finding.path, finding.ignored)
            first.setdefault(key, finding)
            labels = groups.setdefault(key, [])
            if image.label not in labels:
                labels.append(image.label)
            if finding.layer is not None and labels == [image.label]:
                layers.setdefault(key, []).append(finding.layer)
    merged = (
        SharedFinding(first[key], tuple(labels), tuple(dict.fromkeys(layers.get(key, ()))))
        for key, labels in groups.items()
    )
    return tuple(sorted(merged, key=lambda item: SEVERITIES.index(item.finding.severity)))  # stable: order of checks


def severity_counts(report: model.Report) -> str:
    """`1 high, 2 medium, 1 ignored`; without any, whether that means anything: nothing unread is called clean."""
    found, left_out = findings(report), len(findings(report, ignored=True))
    more = f", {left_out:,} ignored" if left_out else ""
    counts = [(sum(item.finding.severity == severity for item in found), severity) for severity in SEVERITIES]
    words = ", ".join(f"{count:,} {severity}" for count, severity in counts if count)
    if words:
        return f"{words}{more}"
    if not any(image.checks for image in report.images):
        return "no checks were run"
    return f"no {'open ' if more else ''}findings{'' if report.complete else ' in what could be read'}{more}"
