"""imgaudit binary"""

import click

from imgaudit.cli.options import color_option, make_talk, outputs_option, parse_outputs, talk_options


@click.command()
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@outputs_option
@talk_options
@color_option
def binary(files: tuple[str, ...], outputs: tuple[str, ...], quiet: bool, verbose: bool, color: str) -> int:
    """Say what is known of Go binaries on disk: linkage, symbols, UPX, Go version, modules, and where every byte of
    them comes from. Two files: what grew and what shrank between them.

    \b
    imgaudit binary ./server
    imgaudit binary old/server new/server -o html=growth.html
    """
    from imgaudit import compare_binaries, inspect_binary
    from imgaudit.cli.output import write_reports
    from imgaudit.cli.talk import error_line
    from imgaudit.errors import ImgauditError
    from imgaudit.model import SCHEMA_VERSION, Binary, BinaryReport, Failed
    from imgaudit.run import exit_code, timestamp, tool

    chosen = parse_outputs(outputs, several=len(files) > 1)
    talk = make_talk(quiet, verbose)
    found: list[Binary] = []
    failed: list[Failed] = []
    for file in files:
        talk.detail(f"reading {file}")
        try:
            found.append(inspect_binary(file))
        except ImgauditError as error:
            failed.append(Failed(label=file, reference=file, exit_code=error.exit_code, reason=str(error)))
    unread = [item for item in found if item.analysis.status == "not_analysed"]
    report = BinaryReport(
        schema_version=SCHEMA_VERSION,
        tool=tool(),
        generated_at=timestamp(),
        complete=not failed and not unread,
        binaries=tuple(found),
        failed=tuple(failed),
        comparison=compare_binaries(*found) if len(found) == len(files) == 2 else None,
    )
    if found or any(output.format == "json" for output in chosen):
        write_reports(report, chosen, color)
    for failure in failed:
        error_line(failure.reason)
    return exit_code(report)
