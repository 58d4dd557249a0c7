"""How a document's file writes its claims down: one row each."""

from collections.abc import Iterable

from sample_images.claims.claim import Claim, Rule
from sample_images.claims.figures import Measure

MB, KB = 1e6, 1e3

Written = tuple[str, str, str, Rule, Measure]
"""What the id ends in, the claim, what it is measured on, when it holds, how it is measured."""


def claims(document: str, rows: Iterable[Written]) -> tuple[Claim, ...]:
    """on: a target of the document's own system is named without it; anything else is named in full."""
    return tuple(
        Claim(f"{document}.{name}", text, document, on, rule, measure) for name, text, on, rule, measure in rows
    )
