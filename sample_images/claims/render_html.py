"""The table as one self-contained page in the look of imgaudit's reports, from the same templates."""

import base64
import hashlib

import jinja2
import markupsafe

from imgaudit import __version__
from imgaudit.reports import html_view as view
from imgaudit.reports.html import templates_dir
from sample_images.claims.claim import Row
from sample_images.claims.table import SHAPES, Measured, Table, place

_COLUMNS = tuple(view.Column(title) for title in ("claim", "measured on", "measured", "verdict", "by"))
_TONES = {"holds": "good", "partly": "none", "does not hold": "bad"}


def render(table: Table) -> str:
    folder = templates_dir()
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(folder),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    style, script = ((folder / name).read_text(encoding="utf-8") for name in ("style.css", "script.js"))
    policy = (
        f"default-src 'none'; style-src '{_hash(style)}'; script-src '{_hash(script)}'; "
        "img-src data:; base-uri 'none'; form-action 'none'"
    )
    page: str = environment.get_template("compare.html").render(
        eyebrow="Sample systems",
        heading="What the documents promise, and what is measured",
        headline=table.headline,
        title="Claims · imgaudit",
        incomplete=not table.complete,
        unread=False,
        result="Everything was built and measured." if table.complete else "Some of it failed; its rows say why.",
        next_command="make claims",
        tool=f"imgaudit {__version__}",
        generated_at=table.generated_at,
        tiles=_tiles(table),
        sections=_sections(table),
        policy=policy,
        style=markupsafe.Markup(style),
        script=markupsafe.Markup(script),
    )
    return page


def _tiles(table: Table) -> tuple[view.Tile, ...]:
    return tuple(
        view.Tile(
            verdict,
            str(count),
            tone=_TONES.get(verdict, ""),
            shape=SHAPES[verdict],
        )
        for verdict, count in table.counts.items()
    )


def _sections(table: Table) -> tuple[view.Section, ...]:
    found = []
    for document, rows in table.by_document():
        held = sum(row.judgement.verdict == "holds" for row in rows)
        shown = view.Table(document, document, _COLUMNS, tuple(_row(row) for row in rows), cards=True)
        found.append(view.Section(document, document, f"{held} of {len(rows)} hold.", tables=(shown,)))
    columns = (view.Column("image"), view.Column("base"), *(view.Column(name, True) for name in _SIZES))
    images = view.Table("images", "Images", columns, tuple(_image(image) for image in table.images))
    found.append(view.Section("images", "Images", "What was built and audited.", tables=(images,)))
    lines = (*table.notes, f"Measured on {table.machine}.")
    found.append(view.Section("notes", "How it was measured", lines=view.lines(lines)))
    return tuple(found)


_SIZES = ("docker images", "download", "files")


def _row(row: Row) -> tuple[view.Cell, ...]:
    verdict = row.judgement.verdict
    return (
        view.words(row.claim.text),
        view.name(place(row.claim)),
        view.words(row.figure.words if row.figure else "-"),
        view.Cell(verdict, "status", order=verdict, shape=SHAPES[verdict], tone=_TONES.get(verdict, "absent")),
        view.words(row.judgement.by),
    )


def _image(image: Measured) -> tuple[view.Cell, ...]:
    return (
        view.name(image.tag),
        view.words(image.reason or image.base or "unknown"),
        view.number(image.engine),
        view.number(image.download, estimated=image.download_estimated),
        view.number(image.rootfs),
    )


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
