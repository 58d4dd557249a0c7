"""Why sizes differ, in the words that every format uses: one place, so that no two formats disagree.

One cause is one row, with its bytes in each measure: what stands in rootfs, unpacked and download is mostly the same.
"""

import dataclasses

from imgaudit import cause_words, model
from imgaudit.model.comparison import Measure
from imgaudit.reports import facts, numbers
from imgaudit.reports.escape import shorten

MEASURES: tuple[Measure, ...] = ("download", "unpacked", "rootfs")
"""What is pulled first, in the order of every table."""

ALONE, EACH = 12, 3
"""Causes shown of one image's difference, and of each one's where several are compared."""

DETAIL = 400
"""Characters of a detail in a report that cuts nothing else."""

UNEXPLAINED = "unexplained"


def words(kind: str, detail: str, limit: int = DETAIL) -> str:
    """`module example.org/x v1.2.0 -> v1.3.0`; details of more than limit characters are cut."""
    return cause_words.words(kind, shorten(detail, limit))


@dataclasses.dataclass(frozen=True, slots=True)
class Row:
    """bytes and estimated: by measure, in the order of Difference.measures; None is no part of that difference."""

    words: str
    bytes: tuple[int | None, ...]
    estimated: tuple[bool, ...]

    def figure(self, n: int) -> str:
        """`~+484 kB`; `-` where the cause is no part of this measure's difference."""
        count = self.bytes[n]
        if not count:
            return "-"
        return f"{'~' if self.estimated[n] else ''}{numbers.delta(count, None)}"

    def only(self, n: int) -> "Row":
        return Row(self.words, (self.bytes[n],), (self.estimated[n],))


@dataclasses.dataclass(frozen=True, slots=True)
class Difference:
    """One image's differences. totals: in words, a measure each; rows: all causes, the largest of the first first."""

    label: str
    measures: tuple[Measure, ...]
    deltas: tuple[int, ...]
    totals: tuple[str, ...]
    rows: tuple[Row, ...]
    unexplained: Row | None

    def top(self, limit: int) -> tuple[tuple[Row, ...], Row | None]:
        """The first rows, and the rest as one; one row is not summed up alone."""
        if len(self.rows) <= limit + 1:
            return self.rows, None
        rest = self.rows[limit:]
        width = range(len(self.measures))
        sums = tuple(sum(row.bytes[n] or 0 for row in rest) for n in width)
        estimated = tuple(any(row.estimated[n] for row in rest) for n in width)
        return self.rows[:limit], Row(f"{len(rest):,} more", sums, estimated)

    def only(self, measure: str = "") -> "Difference":
        """The same in one measure, the first where it has no such, without causes that are no part of that."""
        n = next((n for n, name in enumerate(self.measures) if name == measure), 0)
        rows = sorted((row.only(n) for row in self.rows if row.bytes[n]), key=lambda row: -abs(row.bytes[0] or 0))
        rest = self.unexplained.only(n) if self.unexplained is not None and self.unexplained.bytes[n] else None
        one = slice(n, n + 1)
        return Difference(self.label, self.measures[one], self.deltas[one], self.totals[one], tuple(rows), rest)


def differences(report: model.Report) -> tuple[Difference, ...]:
    """Each image whose size differs from the reference in any measure, in the order of the report."""
    compared = report.comparison
    if compared is None:
        return ()
    changes: dict[str, list[model.Change]] = {}
    for change in compared.changes:
        changes.setdefault(change.label, []).append(change)
    variants = {variant.label: variant for variant in compared.variants}
    guessed = {image.label for image in report.images if image.size.download_estimated}
    return tuple(
        _difference(found, variants.get(label), label in guessed)
        for label, found in changes.items()
        if any(change.delta for change in found)
    )


def _difference(changes: list[model.Change], variant: model.Variant | None, guessed: bool) -> Difference:
    changes = sorted(changes, key=lambda change: MEASURES.index(change.measure))
    # The first is what is shown where only one is: one that differs.
    changes.sort(key=lambda change: not change.delta)
    found: dict[tuple[str, str], list[model.Cause | None]] = {}
    for n, change in enumerate(changes):
        for cause in change.causes:
            found.setdefault((cause.cause, cause.detail), [None] * len(changes))[n] = cause
    ranked = sorted(found.items(), key=lambda item: [-abs(cause.bytes) if cause else 0 for cause in item[1]])
    rows = tuple(
        Row(
            words(*key),
            tuple(cause.bytes if cause else None for cause in row),
            tuple(bool(cause and cause.estimated) for cause in row),
        )
        for key, row in ranked
    )
    rest = tuple(change.unexplained for change in changes)
    estimated = tuple(change.measure == "download" and guessed for change in changes)
    return Difference(
        label=changes[0].label,
        measures=tuple(change.measure for change in changes),
        deltas=tuple(change.delta for change in changes),
        totals=tuple(_total(variant, change, guess) for change, guess in zip(changes, estimated, strict=True)),
        rows=rows,
        unexplained=Row(UNEXPLAINED, rest, estimated) if any(rest) else None,
    )


def _total(variant: model.Variant | None, change: model.Change, estimated: bool) -> str:
    now: int | None = getattr(variant, change.measure) if variant else None
    said = numbers.delta(change.delta, None if now is None else now - change.delta)
    return facts.estimate(said) if estimated else said


def largest(report: model.Report, label: str, measure: str = "download") -> str:
    """The cause that matters most of a label's growth, or of its shrinkage where it shrank, with its bytes:
    `module example.org/x v1.2.0 -> v1.3.0, +900 kB`. Empty where nothing is known of it."""
    changes = report.comparison.changes if report.comparison else ()
    change = next((item for item in changes if (item.label, item.measure) == (label, measure)), None)
    return largest_of(change) if change is not None else ""


def largest_of(change: model.Change) -> str:
    """The same of one difference."""
    same_way = [cause for cause in change.causes if (cause.bytes > 0) == (change.delta > 0)]
    if not change.delta or not same_way:
        return ""
    cause = max(same_way, key=lambda cause: abs(cause.bytes))
    sign = "~" if cause.estimated else ""
    return f"{words(cause.cause, cause.detail, 160)}, {sign}{numbers.delta(cause.bytes, None)}"


def lines(difference: Difference, limit: int, measure: str = "") -> list[str]:
    """A difference as plain lines: what it is in each measure, then its causes in one, the first unless named."""
    lead = ", ".join(f"{name} {total}" for name, total in zip(difference.measures, difference.totals, strict=True))
    one = difference.only(measure)
    shown, rest = one.top(limit)
    rows = [*shown, *(row for row in (rest, one.unexplained) if row is not None)]
    return [
        f"{shorten(difference.label, 80)}: {lead}",
        *(f"{row.figure(0)} {one.measures[0]}: {row.words}" for row in rows),
    ]
