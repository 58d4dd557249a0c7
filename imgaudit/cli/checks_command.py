"""imgaudit checks"""

import click

from imgaudit.cli.options import formats_option, parse_outputs
from imgaudit.errors import UsageError

FORMATS = ("table", "json", "markdown")


@click.command()
@click.argument("check", required=False, metavar="[ID]")
@formats_option(FORMATS)
def checks(check: str | None, outputs: tuple[str, ...]) -> int:
    """List every check, or say of one what it looks at, why, and how to fix what it finds.

    \b
    imgaudit checks
    imgaudit checks IA301
    imgaudit checks -o json
    """
    from imgaudit.catalogue import as_json, as_markdown, as_page, as_text, entries, find_entry
    from imgaudit.cli.output import write_all
    from imgaudit.reports import RenderOptions

    chosen = parse_outputs(outputs)
    for output in chosen:
        if output.format not in FORMATS:
            raise UsageError(f"checks are not shown as {output.format}", hint=f"formats: {', '.join(FORMATS)}")
    one = find_entry(check) if check is not None else None
    if check is not None and one is None:
        raise UsageError(f"there is no check {check!r}", hint="imgaudit checks lists them")
    found = entries() if one is None else (one,)

    def render(_: object, format: str, options: RenderOptions) -> str:
        if format == "json":
            return as_json(found)
        if format == "markdown":
            return as_markdown(found)
        return as_text(found, options.width) if one is None else as_page(one, options.width)

    write_all(None, chosen, "never", render)
    return 0
