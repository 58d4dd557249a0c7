"""Reports to stdout and to files: whole, or not at all."""

import os
import pathlib
import secrets
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from imgaudit.cli.options import LABEL, Output, need_labels, use_color
from imgaudit.cli.streams import give_up
from imgaudit.errors import OutputError
from imgaudit.model import BinaryReport, Report
from imgaudit.reports import REPORTS, RenderOptions, render

T = TypeVar("T")


def write_reports(report: Report | BinaryReport, outputs: Sequence[Output], color: str) -> None:
    """Render each format that was asked for, and add to the files of the environment what a format has for those.
    UsageError, before any is written, for one that describes one image where there are several and its file's name has
    no {label}."""
    several = len(report.images if isinstance(report, Report) else report.binaries) > 1
    if several:
        need_labels(outputs)
    for name in dict.fromkeys(output.format for output in outputs):
        if REPORTS[name].appends:
            for variable, text in REPORTS[name].parts()(report, RenderOptions(key=comment_key())).items():
                if path := os.environ.get(variable):
                    append_file(pathlib.Path(path), text)
    jobs: list[tuple[Report | BinaryReport, Output]] = []
    for output in outputs:
        if REPORTS[output.format].one and output.path is not None and LABEL in output.path.name:
            jobs += _for_each(report, output.format, output.path)
        else:
            jobs.append((report, output))
    _write(jobs, color, render)


def _for_each(
    report: Report | BinaryReport, format: str, path: pathlib.Path
) -> Iterator[tuple[Report | BinaryReport, Output]]:
    """Each image's own report and file."""
    from imgaudit.reports.file_names import file_names
    from imgaudit.reports.sbom import one_each

    each = list(one_each(report))
    for (_, one), name in zip(each, file_names(label for label, _ in each), strict=True):
        yield one, Output(format, path.with_name(path.name.replace(LABEL, name)))


def write_all(
    report: T, outputs: Sequence[Output], color: str, render: Callable[[T, str, RenderOptions], str | bytes]
) -> None:
    """Render each format that was asked for; files first, so that stdout ends with the result."""
    _write([(report, output) for output in outputs], color, render)


def _write(
    jobs: Sequence[tuple[T, Output]], color: str, render: Callable[[T, str, RenderOptions], str | bytes]
) -> None:
    for report, output in sorted(jobs, key=lambda job: job[1].path is None):
        if output.path is not None:
            write_file(output.path, render(report, output.format, RenderOptions(key=comment_key())))
            continue
        terminal = sys.stdout.isatty()
        options = RenderOptions(
            width=shutil.get_terminal_size((100, 24)).columns,
            color=use_color(color),
            tty=terminal,
            unicode=(sys.stdout.encoding or "").lower().replace("-", "") == "utf8",
            key=comment_key(),
        )
        write_stdout(render(report, output.format, options))


def comment_key() -> str | None:
    """What tells this run's comment from another's: IMGAUDIT_COMMENT, or the workflow and job that GitHub names."""
    names = (os.environ.get("GITHUB_WORKFLOW"), os.environ.get("GITHUB_JOB"))
    return os.environ.get("IMGAUDIT_COMMENT") or "/".join(name for name in names if name) or None


def append_file(path: pathlib.Path, text: str) -> None:
    """Add to a file that others write, too. Raises OutputError."""
    try:
        with open(path, "ab") as file:
            file.write(_encoded(text))
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else error
        raise OutputError(f"{path} could not be written: {why or error}") from error


def write_stdout(text: str | bytes) -> None:
    """To stdout, with `\\n` as it is on every platform; a full disk behind it ends as exit code 5."""
    data = _encoded(text, sys.stdout.encoding or "utf-8")
    try:
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        give_up(sys.stdout)
        raise OutputError(f"stdout could not be written: {error.strerror}") from error


def _encoded(text: str | bytes, encoding: str = "utf-8") -> bytes:
    return text if isinstance(text, bytes) else text.encode(encoding, "backslashreplace")


def write_file(path: pathlib.Path, text: str | bytes) -> None:
    """Write a file whole or not at all: beside it first, then renamed over it."""
    data = _encoded(text)
    try:
        if os.path.exists(path) and not os.path.isfile(path):  # a device or a pipe: nothing to rename over
            path.write_bytes(data)
            return
        temporary = path.with_name(f".imgaudit-{secrets.token_hex(8)}")
        try:
            with open(temporary, "xb") as file:
                file.write(data)
            os.replace(temporary, path)
        finally:  # an interrupt comes anywhere, so this does not ask how far it got
            temporary.unlink(missing_ok=True)
    except OSError as error:
        raise OutputError(f"{path} could not be written: {error.strerror or error}") from error
