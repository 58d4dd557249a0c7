"""imgaudit baseline"""

import click

from imgaudit.cli.options import one_source_options, talk_options


@click.command()
@click.argument("references", nargs=-1, required=True, metavar="[LABEL=]REF...")
@click.option("--write", "file", required=True, metavar="FILE", help="Where to; as a whole or not at all.")
@click.option("--all-platforms", is_flag=True, help="Record every platform of an index.")
@click.option("--no-cache", is_flag=True, help="Read all, and keep nothing for the next time.")
@talk_options
@one_source_options
def baseline(
    references: tuple[str, ...],
    file: str,
    all_platforms: bool,
    platform: str | None,
    offline: bool,
    no_cache: bool,
    quiet: bool,
    verbose: bool,
) -> int:
    """Write a baseline: sizes, layers, packages, modules and large files of images, for `check --baseline FILE`.

    \b
    imgaudit baseline app=app:1.0 --write baseline.json
    imgaudit baseline scratch=app:scratch alpine=app:alpine --write ci/baseline.json
    """
    import pathlib

    from imgaudit.baseline import Recorded, encode_baseline, own_label
    from imgaudit.cli.audit_run import audit_settings, say_what_is_wrong
    from imgaudit.cli.check_run import refuse_twice, require_folder
    from imgaudit.cli.options import AuditChoices, make_talk
    from imgaudit.cli.output import write_file
    from imgaudit.cli.talk import error_line
    from imgaudit.errors import UsageError
    from imgaudit.run import exit_code, run
    from imgaudit.snapshot import take_snapshot

    if not file:
        raise UsageError("--write names no file", hint="--write baseline.json")
    refuse_twice(references)
    require_folder(file)
    talk = make_talk(quiet, verbose)
    choices: AuditChoices = {
        "outputs": (),
        "platform": platform,
        "all_platforms": all_platforms,
        "offline": offline,
        "no_cache": no_cache,
        "quiet": quiet,
        "verbose": verbose,
        "color": "never",
        "breakdown": "entrypoint",
        "config": None,
    }
    report = run(references, audit_settings(choices, talk, inventory=True), compare=False)
    code = exit_code(report)
    if code:
        say_what_is_wrong(report, len(references))
        error_line(f"{file} was not written: a baseline is made of images that were read completely")
        return code
    import msgspec

    day = report.generated_at[:10]
    rows = [
        Recorded(day, msgspec.structs.replace(take_snapshot(image), label=own_label(image))) for image in report.images
    ]
    data = encode_baseline(rows)
    write_file(pathlib.Path(file), data)
    lines = data.count(b"\n")
    talk.line(f"{file}: {len(rows):,} image{'s' if len(rows) > 1 else ''}, {lines:,} lines")
    return code
