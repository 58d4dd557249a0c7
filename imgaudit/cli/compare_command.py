"""imgaudit compare"""

import click

from imgaudit.cli.options import color_option, make_talk, outputs_option, parse_outputs, source_options, talk_options


@click.command()
@click.argument("references", nargs=-1, required=True, metavar="[LABEL=]REF...")
@click.option("--reference", metavar="LABEL", help="What the others are compared with. Default: the first.")
@outputs_option
@source_options
@talk_options
@color_option
def compare(
    references: tuple[str, ...],
    reference: str | None,
    outputs: tuple[str, ...],
    platform: str | None,
    all_platforms: bool,
    offline: bool,
    quiet: bool,
    verbose: bool,
    color: str,
) -> int:
    """Audit images and lay them side by side: sizes, what each lacks, and which one to ship.

    \b
    imgaudit compare docker-archive:scratch.tar docker-archive:alpine.tar
    imgaudit compare old=registry:example.com/app:1.0 new=docker:app:dev -o html=compare.html
    """
    from imgaudit.cli.audit_run import audit_and_write

    return audit_and_write(
        references,
        outputs=parse_outputs(outputs),
        platform=platform,
        all_platforms=all_platforms,
        offline=offline,
        talk=make_talk(quiet, verbose),
        color=color,
        compare=True,
        reference=reference,
    )
