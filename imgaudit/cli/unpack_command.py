"""imgaudit unpack"""

import pathlib

import click

from imgaudit.cli.options import make_talk, one_source_options, talk_options

LISTED = 100  # of what was left out


@click.command()
@click.argument("reference", metavar="REF")
@click.argument("folder", metavar="DIR", type=click.Path(path_type=pathlib.Path))
@click.argument("paths", nargs=-1, metavar="[PATH]...")
@click.option("--layer", type=int, metavar="N", help="Only what layer N adds (counted from 0).")
@one_source_options
@talk_options
def unpack(
    reference: str,
    folder: pathlib.Path,
    paths: tuple[str, ...],
    layer: int | None,
    platform: str | None,
    offline: bool,
    quiet: bool,
    verbose: bool,
) -> int:
    """Write an image's flattened tree to DIR, which must be empty or not there; with PATHs only those.

    Modes and times are kept; owners, setuid bits and devices are not.

    \b
    imgaudit unpack docker-archive:app.tar ./rootfs
    imgaudit unpack app:1.0 ./out /etc/ssl /server
    """
    from imgaudit.audit import AuditOptions
    from imgaudit.cli.talk import error_line
    from imgaudit.run import INCOMPLETE
    from imgaudit.sources import parse_platform
    from imgaudit.units import size_words
    from imgaudit.unpack import unpack as unpack_image

    talk = make_talk(quiet, verbose)
    options = AuditOptions(
        platform=parse_platform(platform) if platform else None, offline=offline, progress=talk, talk=talk.line
    )
    done = unpack_image(reference, folder, layer=layer, paths=paths, options=options)
    talk.line(
        f"{folder}: {done.files} files ({size_words(done.bytes)}), {done.folders} folders, {done.links} symbolic links"
    )
    for path, reason in done.left_out[:LISTED]:
        talk.line(f"left out: {path}: {reason}")
    if len(done.left_out) > LISTED:
        talk.line(f"left out: {len(done.left_out) - LISTED} more")
    if not done.complete:
        error_line(f"{folder} is incomplete: {len(done.left_out)} of the image's paths were left out")
    return 0 if done.complete else INCOMPLETE
