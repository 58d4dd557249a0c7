"""The data of known vulnerabilities that claims are measured with: named, or Go's own server where it answers."""

import contextlib
import os
import urllib.request
from collections.abc import Callable, Iterator, Sequence

from imgaudit.advisories import Advisories
from imgaudit.errors import ImgauditError
from imgaudit.model import Vulnerabilities

SERVER = "https://vuln.go.dev"
VARIABLE = "CLAIMS_VULNERABILITIES"
SECONDS = 3.0
"""How long SERVER may take to answer, asked once."""

NO_DATA = "no vulnerability data: none was named, and Go's server does not answer"
_NO_DAY = "0001-01-01"
"""What a time that was never set looks like in data that Go wrote."""


@contextlib.contextmanager
def opened(places: Sequence[str], say: Callable[[str], None]) -> Iterator[Advisories | None]:
    """The databases at these paths and URLs, else the one of VARIABLE, else SERVER; None where that does not answer.

    Raises ImgauditError where one that was named can't be read.
    """
    named = [*places] or [place for place in (os.environ.get(VARIABLE),) if place]
    known = Advisories(named, detail=say) if named else _of_server(say)
    try:
        yield known
    finally:
        if known is not None:
            known.close()


def _of_server(say: Callable[[str], None]) -> Advisories | None:
    try:
        with urllib.request.urlopen(f"{SERVER}/index/db.json", timeout=SECONDS):
            pass
        return Advisories([SERVER], detail=say)
    except (OSError, ImgauditError):
        say(NO_DATA)
        return None


def told(found: Vulnerabilities | None) -> str:
    """Which data it was, in a sentence. Of a path only that it is one: the table is read on other machines."""
    if found is None:
        return f"Known vulnerabilities could not be looked up: {NO_DATA}."
    parts = []
    for data in found.databases:
        place = data.name if data.name.startswith(("http://", "https://")) else "a copy on this machine"
        day = (data.date or _NO_DAY)[:10]
        entries = f", {data.entries:,} entries" if data.entries is not None else ""
        parts.append(f"{place} ({', '.join(data.ecosystems)}{entries}{'' if day == _NO_DAY else f', of {day}'})")
    return f"Known vulnerabilities are those of {'; '.join(parts)}."
