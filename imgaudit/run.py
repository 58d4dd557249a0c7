"""Several references -> one Report. One bad reference does not lose the others."""

import dataclasses
import datetime
import os
from collections.abc import Callable, Sequence

import msgspec

from imgaudit import __version__
from imgaudit.audit import AuditOptions, audit
from imgaudit.comparison import compare_images
from imgaudit.configuration import CostSettings
from imgaudit.cost import with_costs
from imgaudit.errors import ImgauditError, UsageError
from imgaudit.model import SCHEMA_VERSION, Failed, Image, Report, Tool
from imgaudit.outcome import INCOMPLETE, exit_code
from imgaudit.score import with_scores
from imgaudit.sources import parse_reference

__all__ = ["INCOMPLETE", "exit_code", "run", "timestamp", "tool"]


def run(
    references: Sequence[str],
    options: AuditOptions,
    *,
    compare: bool,
    reference: str | None = None,
    cost: CostSettings | None = None,
    add: Sequence[Callable[[Sequence[Image]], Sequence[Image]]] = (),
) -> Report:
    """Audit every reference, in the order given; with compare, lay them side by side; with cost, say what they cost.

    add: what else is found out of the images, such as their vulnerabilities, in this order; then they are scored.

    What failed is in `failed` with the exit code it would have had alone. Raises UsageError for a `reference`
    label that none has.
    """
    generated_at = timestamp()
    options = dataclasses.replace(options, inventory=options.inventory or compare)
    images: list[Image] = []
    failed: list[Failed] = []
    for text in references:
        try:
            images.extend(audit(text, options))
        except ImgauditError as error:
            label, reference_text = _names(text)
            failed.append(
                Failed(label=label, reference=reference_text, exit_code=error.exit_code, reason=error.with_hint)
            )
    images = _distinct(images)
    for more in add:
        images = list(more(images))
    # A label that failed is not a mistake in --reference: the others are compared with the first that could be read.
    if reference is not None and any(failure.label == reference for failure in failed):
        reference = None
    report = Report(
        schema_version=SCHEMA_VERSION,
        tool=tool(),
        generated_at=generated_at,
        complete=not failed and all(image.complete for image in images),
        images=tuple(images),
        failed=tuple(failed),
        comparison=compare_images(images, reference) if compare else None,
    )
    report = with_scores(report)
    return report if cost is None else with_costs(report, cost)


def tool() -> Tool:
    return Tool(name="imgaudit", version=__version__)


def timestamp() -> str:
    """Now, or SOURCE_DATE_EPOCH, as RFC 3339 in UTC."""
    epoch = os.environ.get("SOURCE_DATE_EPOCH")
    if epoch is None:
        moment = datetime.datetime.now(datetime.UTC)
    else:
        try:
            moment = datetime.datetime.fromtimestamp(int(epoch), datetime.UTC)
        except (ValueError, OverflowError, OSError) as error:
            raise UsageError(
                f"SOURCE_DATE_EPOCH={epoch} is no time", hint="it is whole seconds since 1970-01-01"
            ) from error
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _names(text: str) -> tuple[str, str]:
    """The label that a reference has, or would have if it could be read, and the reference without it."""
    try:
        parsed = parse_reference(text)
    except ImgauditError:
        return text, text
    return parsed.default_label, parsed.text


def _distinct(images: list[Image]) -> list[Image]:
    """Labels are how a report tells images apart: the second `app` becomes `app#2`."""
    taken: set[str] = set()
    result = []
    for image in images:
        label, count = image.label, 1
        while label in taken:
            count += 1
            label = f"{image.label}#{count}"
        taken.add(label)
        result.append(image if count == 1 else msgspec.structs.replace(image, label=label))
    return result
