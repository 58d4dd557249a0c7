"""One self-contained HTML page: readable without script, style or network.

Style and script are inlined and named by their hashes in the page's Content-Security-Policy, so nothing else can
run or load, whatever an image's names hold. The script only adds sorting, filtering and their state in the
page's address.
"""

import base64
import functools
import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from imgaudit import model
from imgaudit.errors import OutputError
from imgaudit.reports import html_binary, html_compare, html_image, paragraphs, story
from imgaudit.reports.escape import printable_report, shorten
from imgaudit.reports.interface import AnyReport, RenderOptions

if TYPE_CHECKING:
    import jinja2


def render(report: AnyReport, options: RenderOptions) -> str:
    report = printable_report(report)
    values: dict[str, object] = {
        "headline": story.headline(report).removeprefix(story.recommended_lead(report)),
        "result": story.result(report),
        "next_command": shorten(story.next_command(report), 400),
        "incomplete": bool(report.failed) or not report.complete,
        "unread": bool(paragraphs.unread(report)),
        "tool": f"{report.tool.name} {report.tool.version}",
        "generated_at": report.generated_at,
    }
    if isinstance(report, model.BinaryReport):
        template, eyebrow, heading = "binary.html", "Go binaries", story.subject(report)
        values |= {"tiles": html_binary.tiles(report), "sections": html_binary.sections(report)}
    elif len(report.images) == 1 and report.comparison is None:
        template, eyebrow, heading = "image.html", "Container image", story.subject(report)
        values |= {"tiles": html_image.tiles(report.images[0]), "sections": html_image.sections(report)}
    else:
        template, eyebrow, heading = "compare.html", "Container images", story.subject(report)
        values |= {"tiles": html_compare.tiles(report), "sections": html_compare.sections(report)}
    return page(template, **values, eyebrow=eyebrow, heading=heading, title=options.title or f"{heading} · imgaudit")


def page(template: str, **values: object) -> str:
    """A template with what page.html asks for; style and script come with it, and the policy that lets only them in."""
    import markupsafe

    environment, style, script = _environment()
    policy = (
        f"default-src 'none'; style-src '{_hash(style)}'; script-src '{_hash(script)}'; "
        "img-src data:; base-uri 'none'; form-action 'none'"
    )
    text: str = environment.get_template(template).render(
        **values,
        policy=policy,
        style=markupsafe.Markup(style),  # noqa: S704 - files of this package, no value of a report
        script=markupsafe.Markup(script),  # noqa: S704
    )
    return text


def templates_dir() -> Path:
    """Where the templates are: within the package as installed, at the repository's top in a checkout."""
    here = Path(__file__).resolve()
    for folder in (here.parents[1] / "report_templates", here.parents[2] / "report_templates"):
        if (folder / "compare.html").is_file():
            return folder
    raise OutputError("The HTML report's templates are missing.", hint="Install imgaudit again.")


@functools.cache
def _environment() -> "tuple[jinja2.Environment, str, str]":
    """Jinja's environment, the style and the script."""
    import jinja2

    folder = templates_dir()
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(folder),
        autoescape=True,  # everywhere, whatever a template's name
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    style = (folder / "style.css").read_text(encoding="utf-8")
    return environment, style, (folder / "script.js").read_text(encoding="utf-8")


def _hash(text: str) -> str:
    """The source expression of an inline element: CSP level 3, section 2.3.1."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
