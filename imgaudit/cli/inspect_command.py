"""imgaudit inspect"""

import click

from imgaudit.cli.options import color_option, make_talk, outputs_option, parse_outputs, source_options, talk_options


@click.command()
@click.argument("reference", metavar="[LABEL=]REF")
@outputs_option
@source_options
@talk_options
@color_option
def inspect(
    reference: str,
    outputs: tuple[str, ...],
    platform: str | None,
    all_platforms: bool,
    offline: bool,
    quiet: bool,
    verbose: bool,
    color: str,
) -> int:
    """Audit one image: its sizes, layers, base, packages, binaries, and whether it can run its program.

    \b
    imgaudit inspect docker-archive:app.tar
    imgaudit inspect alpine:3.20 --all-platforms -o json
    """
    from imgaudit.cli.audit_run import audit_and_write

    return audit_and_write(
        (reference,),
        outputs=parse_outputs(outputs),
        platform=platform,
        all_platforms=all_platforms,
        offline=offline,
        talk=make_talk(quiet, verbose),
        color=color,
        compare=False,
    )
