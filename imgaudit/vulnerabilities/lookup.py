"""An Image and databases -> its known vulnerabilities."""

from collections.abc import Callable, Sequence
from functools import partial

from imgaudit.errors import ImgauditError
from imgaudit.model import Image, Unmatched, Vulnerabilities, Vulnerability, VulnerabilityData
from imgaudit.vulnerabilities.golang import look_up_program
from imgaudit.vulnerabilities.interface import GO, Database
from imgaudit.vulnerabilities.order import order
from imgaudit.vulnerabilities.ospackages import look_up_packages
from imgaudit.vulnerabilities.symbols import Symbols


def look_up(image: Image, databases: Sequence[Database], functions: Callable[[str], Symbols | str]) -> Vulnerabilities:
    """What the databases know of an image. functions: of a program, by its sha256, or why they are not known.

    A database that fails on the way ends the search in part, which unmatched says. Nothing is raised.
    """
    items: list[Vulnerability] = []
    unmatched: list[Unmatched] = []
    searches: list[tuple[str, Callable[[], tuple[list[Vulnerability], list[Unmatched]]]]] = [
        ("OS packages", partial(look_up_packages, image.packages, databases))
    ]
    programs = [binary for binary in image.binaries if binary.go.present is not False]
    searches += [
        (binary.path, partial(look_up_program, binary, image.platform.os, databases, functions)) for binary in programs
    ]
    if programs and not any(GO in database.ecosystems for database in databases):
        unmatched.append(Unmatched(what="Go programs", reason="no database holds anything of Go"))
    for what, search in searches:
        try:
            found, unknown = search()
        except ImgauditError as error:
            unmatched.append(Unmatched(what=what, reason=f"not looked up: {error}"))
        else:
            items += found
            unmatched += unknown
    for database in databases:
        if database.problems:
            more = f" (and {len(database.problems) - 1} more)" if len(database.problems) > 1 else ""
            unmatched.append(Unmatched(what=database.name, reason=f"{database.problems[0]}{more}"))
    unmatched += [Unmatched(what=skipped.what, reason=skipped.reason) for skipped in image.skipped]
    dates = [database.date for database in databases]
    return Vulnerabilities(
        database=", ".join(database.name for database in databases) or None,
        database_date=None if None in dates else min((date for date in dates if date), default=None),
        databases=tuple(
            VulnerabilityData(
                name=database.name,
                date=database.date,
                ecosystems=tuple(sorted(database.ecosystems)),
                entries=database.count,
            )
            for database in databases
        ),
        items=tuple(sorted(items, key=order)),
        unmatched=tuple(unmatched),
    )
