"""The table as JSON: raw values, units and rules."""

import dataclasses
import json

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
    """value and also are null where nothing was measured; unit is null for a yes or no."""
    claim, figure = row.claim, row.figure
    also = {"name": figure.also[0], "value": figure.also[1]} if figure and figure.also else None
    return {
        "id": claim.id,
        "document": claim.document,
        "claim": claim.text,
        "on": claim.on,
        "rule": claim.rule.words,
        "unit": claim.rule.unit,
        "value": figure.value if figure else None,
        "also": also,
        "measured": figure.words if figure else None,
        "verdict": row.judgement.verdict,
        "by": row.judgement.by or None,
    }
