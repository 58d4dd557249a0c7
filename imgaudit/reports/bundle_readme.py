"""README.txt of a bundle: what it came to, what each file is, how to check, sign and attach it.

The commands are those that cosign documents. Nothing in them is chosen by an image but hexadecimal digests.
"""

import textwrap
from collections.abc import Iterator, Mapping, Sequence

from imgaudit import model
from imgaudit.reports import facts, known, numbers, paragraphs, review, story
from imgaudit.reports.bundle_statement import PREDICATE_TYPE, Digest, gate_ids, result, subjects
from imgaudit.reports.escape import shorten
from imgaudit.reports.interface import AnyReport

WIDTH = 100
SHOWN = 50
"""Images, and lines of a list, that are told one by one; the report has them all."""

TEXT = 1_000
"""Characters of one line from the report."""

_RESULTS = {
    "PASSED": "every gate was passed, and no check was left out",
    "FAILED": "a gate failed",
    "INCOMPLETE": "something was not looked at, so this is no pass",
    "NOT_JUDGED": "no gate was asked for, or not for every image, so this is no pass",
}


def readme(report: AnyReport, files: Mapping[str, str], bills: Sequence[Sequence[str]]) -> str:
    """report: one that went through escape.printable_report. files: what each is, by name. bills: as predicate's."""
    named = subjects(report)
    digests = [of for _, of in named if of is not None]
    sections = [
        ("", _outcome(report)),
        ("IMAGES" if isinstance(report, model.Report) else "PROGRAMS", _items(report, named, bills)),
        ("NOT LOOKED AT", _unseen(report)),
        ("FILES", _files(files)),
        ("ARE THE FILES WHOLE?", CHECK),
        ("SIGN", _sign(digests)),
        ("ATTACH TO AN IMAGE IN A REGISTRY", _attach(report, digests)),
        ("VERIFY WHAT WAS SIGNED", _verify(report, digests)),
    ]
    lines: list[str] = []
    for heading, body in sections:
        told = list(body)
        if told:
            lines += ([heading, ""] if heading else []) + told + [""]
    return "\n".join(lines).rstrip("\n") + "\n"


def _outcome(report: AnyReport) -> Iterator[str]:
    title = f"Review by {report.tool.name} {report.tool.version}, {report.generated_at}"
    yield shorten(title, WIDTH)
    yield "=" * min(len(title), WIDTH)
    yield ""
    found, reasons = result(report)
    yield from _wrap(f"{found}: {_RESULTS[found]}.")
    yield from _list(reasons)
    if isinstance(report, model.Report) and report.verdict is not None:
        yield from _wrap(f"Gates: {numbers.listing(gate_ids(report.verdict), SHOWN) or 'none'}.")
    yield ""
    yield from _wrap(story.headline(report))
    yield from _wrap(story.result(report))


def _items(
    report: AnyReport, named: Sequence[tuple[str, Digest | None]], bills: Sequence[Sequence[str]]
) -> Iterator[str]:
    if isinstance(report, model.Report):
        each: list[Sequence[tuple[str, str]]] = [_image(image) for image in report.images[:SHOWN]]
    else:
        each = [[("size", numbers.exact(item.size))] for item in report.binaries[:SHOWN]]
    for (name, of), rows, paths in zip(named[:SHOWN], each, bills[:SHOWN], strict=True):
        yield f"  {shorten(name, 80)}"
        digest = f"sha256:{of.sha256} ({of.of})" if of else "not known, so the statement does not name it"
        for key, value in [*rows, ("digest", digest), ("SBOM", ", ".join(paths))]:
            yield from _wrap(f"{key:<10} {value}", indent=4, hang=15)
    if len(named) > SHOWN:
        yield f"  {len(named) - SHOWN:,} more: predicate.json has them all"
    for failure in report.failed[:SHOWN]:
        yield from _wrap(f"{shorten(failure.label, 80)}: NOT AUDITED, and without an SBOM: {failure.reason}", 2, 4)
    if len(report.failed) > SHOWN:
        yield f"  {len(report.failed) - SHOWN:,} more NOT AUDITED: predicate.json has them all"


def _image(image: model.Image) -> list[tuple[str, str]]:
    kinds = {"passed": "pass", "failed": "fail", "skipped": "skipped", "not applicable": "not_applicable"}
    counts = {word: sum(check.status == status for check in image.checks) for word, status in kinds.items()}
    checks = ", ".join(f"{count:,} {word}" for word, count in counts.items() if count)
    open_ = [item.severity for item in image.findings if item.ignored is None]
    findings = ", ".join(f"{open_.count(level):,} {level}" for level in facts.SEVERITIES if level in open_)
    ignored = sum(item.ignored is not None for item in image.findings)
    left_out = f"{ignored:,} ignored by a rule" if ignored else ""
    score = image.score
    return [
        ("reference", image.reference),
        ("platform", str(image.platform)),
        ("read", "completely" if image.complete else "INCOMPLETELY"),
        ("checks", checks or "none were made"),
        ("findings", "; ".join(filter(None, (findings or ("none open" if image.checks else "not known"), left_out)))),
        ("advisories", _known(image)),
        *([("score", f"{score.value} of 100, grade {score.grade}, confidence {score.confidence}")] if score else []),
    ]


def _known(image: model.Image) -> str:
    found = image.vulnerabilities
    if found is None:
        return "not looked up"
    count = numbers.plural(known.open_count(found), "known vulnerability", "known vulnerabilities")
    words = [f"{count} in data of {found.database_date or 'an unknown day'}"]
    ignored = known.ignored_count(found)
    words += [f"{ignored:,} ignored by a rule"] if ignored else []
    words += [f"{len(found.unmatched):,} could not be looked up"] if found.unmatched else []
    return "; ".join(words)


def _unseen(report: AnyReport) -> Iterator[str]:
    yield from _list(paragraphs.unread(report) + review.not_looked_at(report))


def _files(files: Mapping[str, str]) -> Iterator[str]:
    for name, about in files.items():
        yield from _wrap(f"{name:<22} {about}", indent=2, hang=25)


CHECK = (
    "  In this folder:",
    "",
    "      sha256sum -c SHA256SUMS            (macOS: shasum -a 256 -c SHA256SUMS)",
    "",
    "  That tells a damaged copy, and what is not in SHA256SUMS is not imgaudit's. It does not tell who made",
    "  it: whoever changes a file can change its sum, too. That takes a signature.",
)
NOT_RUN = (
    "  Nothing here is signed yet. These commands are cosign's (version 3, https://docs.sigstore.dev);",
    "  imgaudit did not run them. Without --key cosign asks you to sign in and signs with a short-lived",
    "  certificate. Unless it is told otherwise, cosign puts an entry into sigstore's public log.",
)


def _sign(digests: Sequence[Digest]) -> Iterator[str]:
    yield from NOT_RUN
    yield ""
    yield "  The sums, and with them every file:"
    yield ""
    yield "      cosign sign-blob --key cosign.key --bundle SHA256SUMS.sigstore.json SHA256SUMS"
    yield ""
    if digests:
        yield "  The statement as it stands. It names the digests above, and each report by its sum:"
        yield ""
        yield "      cosign attest-blob --key cosign.key --statement statement.intoto.json \\"
        yield "          --bundle statement.sigstore.json"
    else:
        yield "  There is no statement.intoto.json: no digest is known that it could be about."


def _attach(report: AnyReport, digests: Sequence[Digest]) -> Iterator[str]:
    if not isinstance(report, model.Report) or not report.images:
        return
    manifests = list(dict.fromkeys(of.sha256 for of in digests if of.of == "manifest"))
    yield "  cosign makes the statement itself, about the image that is named. REPOSITORY is the image's name"
    yield "  there, without a tag:"
    yield ""
    for hex_ in manifests[:SHOWN] or ["DIGEST"]:
        yield "      cosign attest --key cosign.key --predicate predicate.json \\"
        yield f"          --type {PREDICATE_TYPE} \\"
        yield f"          REPOSITORY@sha256:{hex_}"
    if len(manifests) > SHOWN:
        yield f"  And so for {len(manifests) - SHOWN:,} more: predicate.json has their digests."
    yield ""
    if any(of.of == "config" for of in digests):
        yield "  An image above whose digest is of the config was read where no manifest is known. Push it, and name"
        yield "  the manifest's digest that the registry gives; its manifest names the config by the digest above."
        yield ""
    yield "  An SBOM is attached likewise, to the image that it describes:"
    yield ""
    yield "      cosign attest --key cosign.key --type cyclonedx --predicate sbom/NAME.cdx.json IMAGE@sha256:..."
    yield "      cosign attest --key cosign.key --type spdxjson --predicate sbom/NAME.spdx.json IMAGE@sha256:..."


def _verify(report: AnyReport, digests: Sequence[Digest]) -> Iterator[str]:
    yield "  The sums, then the files against them:"
    yield ""
    yield "      cosign verify-blob --key cosign.pub --bundle SHA256SUMS.sigstore.json SHA256SUMS &&"
    yield "          sha256sum -c SHA256SUMS"
    if digests:
        yield ""
        yield "  The statement, by the digest of the image or program in question; then the files against the sums that"
        yield "  were signed with it:"
        yield ""
        yield "      cosign verify-blob-attestation --key cosign.pub --bundle statement.sigstore.json \\"
        yield f"          --type {PREDICATE_TYPE} \\"
        yield f"          --digest {digests[0].sha256} --digestAlg sha256 &&"
        yield "      jq -r .dsseEnvelope.payload statement.sigstore.json | base64 -d |"
        yield "          jq -r '.predicate.files[] | .digest.sha256 + \"  \" + .name' | sha256sum -c"
    if isinstance(report, model.Report) and report.images:
        yield ""
        yield "  What was attached to an image:"
        yield ""
        yield "      cosign verify-attestation --key cosign.pub \\"
        yield f"          --type {PREDICATE_TYPE} IMAGE@sha256:..."


def _list(lines: Sequence[str]) -> Iterator[str]:
    for line in lines[:SHOWN]:
        yield from _wrap(f"- {line}", indent=2, hang=4)
    if len(lines) > SHOWN:
        yield f"  - {len(lines) - SHOWN:,} more: report.html and report.json have them all"


def _wrap(text: str, indent: int = 0, hang: int | None = None) -> list[str]:
    hanging = indent if hang is None else hang
    return textwrap.wrap(
        shorten(text, TEXT),
        WIDTH,
        initial_indent=" " * indent,
        subsequent_indent=" " * hanging,
        break_long_words=False,
        break_on_hyphens=False,
    )
