"""The table as Markdown: a chapter a document, counts first."""

from imgaudit.reports import numbers
from imgaudit.reports.escape import markdown_code as code
from imgaudit.reports.escape import markdown_text as text
from sample_images.claims.claim import Row
from sample_images.claims.table import SHAPES, Measured, Table, place


def render(table: Table) -> str:
    lines = [f"**{text(table.headline)}**", "", "| verdict | claims |", "|---|--:|"]
    lines += [f"| {SHAPES[verdict]} {verdict} | {count} |" for verdict, count in table.counts.items()]
    lines += ["", *(f"{line}\n" for line in (*table.notes, f"Measured on {table.machine}, {table.generated_at}."))]
    for document, rows in table.by_document():
        lines += [f"## {document}", "", "| claim | measured on | measured | verdict |", "|---|---|---|---|"]
        lines += [_row(row) for row in rows]
        lines.append("")
    lines += ["## Images", "", "| image | base | docker images | download | files |", "|---|---|--:|--:|--:|"]
    lines += [_image(image) for image in table.images]
    return "\n".join(lines) + "\n"


def _row(row: Row) -> str:
    verdict = row.judgement.verdict
    said = f"{SHAPES[verdict]} {verdict}" + (f": {text(row.judgement.by)}" if row.judgement.by else "")
    measured = text(row.figure.words) if row.figure else "-"
    return f"| {text(row.claim.text)} | {code(place(row.claim))} | {measured} | {said} |"


def _image(image: Measured) -> str:
    if image.reason:
        return f"| {code(image.tag)} | {text(image.reason)} | | | |"
    download = numbers.size(image.download, estimated=image.download_estimated)
    cells = (code(image.tag), image.base, numbers.size(image.engine), download, numbers.size(image.rootfs))
    return f"| {' | '.join(map(str, cells))} |"
