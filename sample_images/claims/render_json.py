"""The table as JSON: raw values, units and rules."""

import dataclasses
import json
import math

from sample_images.claims.claim import Row
from sample_images.claims.table import Table


def render(table: Table) -> str:
    data = {
        "schema_version": "1.0",
        "generated_at": table.generated_at,
        "complete": table.complete,
        "machine": table.machine,
        "notes": table.notes,
        "counts": table.counts,
        "rows": [_row(row) for row in table.rows],
        "images": [dataclasses.asdict(image) for image in table.images],
    }
    return json.dumps(data, indent=1, ensure_ascii=False) + "\n"


def _row(row: Row) -> dict[str, object]:
    """value and also are null where nothing was measured; unit is null for a yes or no. open: the value is a least;
    up_to is then the most that it can be, null for no bound."""
    claim, figure = row.claim, row.figure
    also = {"name": figure.also[0], "value": figure.also[1]} if figure and figure.also else None
    up_to = figure.up_to if figure else None
    return {
        "id": claim.id,
        "document": claim.document,
        "claim": claim.text,
        "on": claim.on,
        "rule": claim.rule.words,
        "unit": claim.rule.unit,
        "value": figure.value if figure else None,
        "also": also,
        "open": up_to is not None,
        "up_to": up_to if up_to is not None and math.isfinite(up_to) else None,
        "measured": figure.words if figure else None,
        "verdict": row.judgement.verdict,
        "by": row.judgement.by or None,
    }
