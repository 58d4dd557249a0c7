"""When a claim holds: a figure within a range, or an answer that is yes or no."""

import dataclasses
import math
from typing import Literal

from imgaudit.units import size_words
from sample_images.claims.claim import Figure, Judgement, Unit, Verdict

ABOUT = 0.2
"""A figure that a document gives as one number may be off by so much of it."""

_SIGNS = {"percent": " %", "ms": " ms", "times": " times", "points": " points"}

Better = Literal["less", "more"]


@dataclasses.dataclass(frozen=True, slots=True)
class Range:
    """From low to high, both included; None is no bound.

    better: beyond that end the promise is more than kept, but the figure given is still wrong: "partly".
    """

    low: float | None
    high: float | None
    unit: Unit
    words: str
    better: Better | None = None

    def judge(self, figure: Figure) -> Judgement:
        if figure.up_to is not None:
            return self._open(float(figure.value), figure.up_to)
        first = self._one(float(figure.value), figure.floor)
        if figure.busy and first.verdict == "does not hold" and self.high is not None and figure.value > self.high:
            return Judgement("cannot be measured here", f"{first.by}, but the machine was busy: {figure.busy}")
        if figure.also is None:
            return first
        name, value = figure.also
        second = self._one(float(value), figure.floor)
        if first.verdict == second.verdict:
            return Judgement(first.verdict, f"{figure.name}: {first.by}; {name}: {second.by}" if first.by else "")
        parts = [f"{each}: {_said(found)}" for each, found in ((figure.name, first), (name, second))]
        return Judgement("partly", "; ".join(parts))

    def _open(self, least: float, most: float) -> Judgement:
        """Of what is known in part: a verdict only where all that it can be comes to the same."""
        between = [bound for bound in (self.low, self.high) if bound is not None and least <= bound <= most]
        if len({self._verdict(each) for each in (least, most, *between)}) == 1:
            return self._one(least, 0)
        upper = f"{amount(most, self.unit)} at most" if math.isfinite(most) else "no bound above"
        by = f"{amount(least, self.unit)} at least, {upper}: the rest could not be measured"
        return Judgement("cannot be measured here", by)

    def _one(self, value: float, floor: float) -> Judgement:
        if value <= floor and len({self._verdict(each) for each in self._up_to(value)}) > 1:
            return Judgement("cannot be measured here", f"at most {amount(floor, self.unit)}, less can't be told")
        verdict = self._verdict(value)
        return Judgement(verdict, "" if verdict == "holds" else self._by(value))

    def _up_to(self, value: float) -> list[float]:
        """A value in each part of the range that anything from 0 to value may lie in."""
        return [0, value, *(bound for bound in (self.low, self.high) if bound is not None and bound <= value)]

    def _verdict(self, value: float) -> Verdict:
        if self.low is not None and value < self.low:
            return "partly" if self.better == "less" else "does not hold"
        if self.high is not None and value > self.high:
            return "partly" if self.better == "more" else "does not hold"
        return "holds"

    def _by(self, value: float) -> str:
        bound, side = (self.low, "under") if self.low is not None and value < self.low else (self.high, "over")
        assert bound is not None
        share = f" ({_share(abs(value - bound) / bound)})" if bound and self.unit != "percent" else ""
        kept = ", better than promised" if self.better == ("less" if side == "under" else "more") else ""
        return f"{amount(abs(value - bound), self.unit, points=True)} {side} {amount(bound, self.unit)}{share}{kept}"


@dataclasses.dataclass(frozen=True, slots=True)
class Is:
    """Yes or no."""

    expected: bool
    words: str
    unit: None = None

    def judge(self, figure: Figure) -> Judgement:
        return Judgement("holds" if figure.value is self.expected else "does not hold")


def within(low: float, high: float, unit: Unit, better: Better | None = None) -> Range:
    return Range(low, high, unit, f"{_plain(low, unit)} to {_plain(high, unit)}", better)


def at_most(limit: float, unit: Unit) -> Range:
    return Range(None, limit, unit, f"at most {_plain(limit, unit)}")


def at_least(limit: float, unit: Unit) -> Range:
    return Range(limit, None, unit, f"at least {_plain(limit, unit)}")


def about(target: float, unit: Unit, better: Better | None = None) -> Range:
    low, high = target * (1 - ABOUT), target * (1 + ABOUT)
    return Range(low, high, unit, f"{_plain(target, unit)}, give or take {ABOUT * 100:.0f} %", better)


def yes(words: str = "it is so") -> Is:
    return Is(True, words)


def amount(value: float, unit: Unit, *, points: bool = False) -> str:
    """A figure with its unit; points: a difference between two percentages."""
    if unit == "bytes":
        return size_words(round(value))
    if unit == "ms":
        return f"{_significant(value)} ms"
    if unit == "s":
        whole = round(value)
        return f"{whole // 60} min {whole % 60} s" if whole >= 120 else f"{_significant(value)} s"
    if unit == "percent":
        return f"{value:.1f} {'percentage points' if points else '%'}"
    if unit == "times":
        return f"{_significant(value)} times"
    return f"{value:,.0f}" + (" points" if unit == "points" else "")


def _plain(value: float, unit: Unit) -> str:
    """A round figure of a document, without the zeros of a measurement."""
    if unit == "bytes":
        for factor, name in ((1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
            if value >= factor:
                return f"{value / factor:g} {name}"
    if unit == "s":
        return f"{value:g} s" if value < 120 else f"{value / 60:g} min"
    return f"{value:g}{_SIGNS.get(unit, '')}"


def _share(part: float) -> str:
    """A part of a bound; tenfold and more in times."""
    return f"{part * 100:.0f} %" if part < 10 else f"{part:.0f} times as much"


def _significant(value: float) -> str:
    return f"{value:.2f}" if value < 9.995 else f"{value:.1f}" if value < 99.95 else f"{value:.0f}"


def _said(found: Judgement) -> str:
    return found.verdict if not found.by else f"{found.verdict}, {found.by}"
