"""How bad an entry says that it is. Nothing is guessed: what has neither a word nor a CVSS 3 vector has no severity.

Source: CVSS v3.1 Specification, sections 7.1 (base metrics equations) and appendix A (Roundup).
"""

import re
from typing import Any

from imgaudit.model import Severity
from imgaudit.vulnerabilities.interface import Affected, Entry

_WORDS: dict[str, Severity] = {
    "critical": "critical",
    "high": "high",
    "important": "high",
    "moderate": "medium",
    "medium": "medium",
    "low": "low",
    "negligible": "info",
    "unimportant": "info",
    "none": "info",
}
_IMPACT = {"H": 0.56, "L": 0.22, "N": 0.0}
_METRICS: dict[str, dict[str, float]] = {
    "AV": {"N": 0.85, "A": 0.62, "L": 0.55, "P": 0.2},
    "AC": {"L": 0.77, "H": 0.44},
    "PR": {"N": 0.85, "L": 0.62, "H": 0.27},
    "UI": {"N": 0.85, "R": 0.62},
    "C": _IMPACT,
    "I": _IMPACT,
    "A": _IMPACT,
}
_PRIVILEGES_BEYOND = {"N": 0.85, "L": 0.68, "H": 0.5}  # where the scope changes
_VECTOR = re.compile(r"CVSS:3\.[01](/[A-Z]{1,3}:[A-Z]){8,40}")


def severity_of(entry: Entry, affected: Affected) -> tuple[Severity | None, float | None]:
    """What is said of the package, else of the entry; a word counts for more than a vector, being meant for it."""
    scores = [
        score
        for ratings in (affected.severity, entry.severity)
        for rating in ratings or ()
        if rating.type == "CVSS_V3" and (score := cvss3(rating.score)) is not None
    ]
    score = scores[0] if scores else None
    for specific in (affected.ecosystem_specific, affected.database_specific, entry.database_specific):
        word = _word(specific)
        if word is not None:
            return word, score
    ubuntu = [
        rating.score for rating in (*(affected.severity or ()), *(entry.severity or ())) if rating.type == "Ubuntu"
    ]
    if ubuntu and ubuntu[0].lower() in _WORDS:
        return _WORDS[ubuntu[0].lower()], score
    return (None if score is None else _band(score)), score


def _word(specific: dict[str, Any] | None) -> Severity | None:
    for key in ("severity", "urgency"):  # Debian says urgency
        value = (specific or {}).get(key)
        if isinstance(value, str) and value.lower().rstrip("*") in _WORDS:
            return _WORDS[value.lower().rstrip("*")]
    return None


def _band(score: float) -> Severity:
    """Section 5, "Qualitative severity rating scale"."""
    return (
        "critical"
        if score >= 9
        else "high"
        if score >= 7
        else "medium"
        if score >= 4
        else "low"
        if score > 0
        else "info"
    )


def cvss3(vector: str) -> float | None:
    """The base score of a vector of CVSS 3.0 or 3.1; None for what is none."""
    if not _VECTOR.fullmatch(vector):
        return None
    given = dict(part.split(":") for part in vector.split("/")[1:])
    scope = given.get("S")
    try:
        values = {name: table[given[name]] for name, table in _METRICS.items()}
    except KeyError:
        return None
    if scope not in ("U", "C"):
        return None
    changed = scope == "C"
    privileges = _PRIVILEGES_BEYOND[given["PR"]] if changed else values["PR"]
    base = 1 - (1 - values["C"]) * (1 - values["I"]) * (1 - values["A"])
    impact = 7.52 * (base - 0.029) - 3.25 * (base - 0.02) ** 15 if changed else 6.42 * base
    if impact <= 0:
        return 0.0
    exploitability = 8.22 * values["AV"] * values["AC"] * privileges * values["UI"]
    return _round_up(min((1.08 if changed else 1.0) * (impact + exploitability), 10.0))


def _round_up(value: float) -> float:
    whole = round(value * 100_000)
    return whole / 100_000 if whole % 10_000 == 0 else (whole // 10_000 + 1) / 10
