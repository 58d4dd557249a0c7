"""OSV documents from bytes."""

import datetime

import msgspec

from imgaudit.vulnerabilities.interface import Affected, Entry

LARGEST = 8 << 20  # bytes of one document; the kernel's longest have 2 MB
MOST_EVENTS = 20_000  # of one entry about one package

_DECODER = msgspec.json.Decoder(Entry)


def parse_entry(data: bytes) -> Entry | str:
    """An entry, or what is wrong with it."""
    if len(data) > LARGEST:
        return f"{len(data)} bytes; up to {LARGEST} are read"
    try:
        entry = _DECODER.decode(data)
        for affected in entry.affected or ():
            _ = affected.imports
    except msgspec.ValidationError as error:
        return f"not as OSV entries are: {str(error)[:200]}"
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        return f"not JSON: {str(error)[:200]}"
    except RecursionError:
        return "nested too deeply"
    events = sum(len(each.events or ()) for affected in entry.affected or () for each in affected.ranges or ())
    if events > MOST_EVENTS:
        return f"{events} events; up to {MOST_EVENTS} are read"
    return entry


def is_withdrawn(entry: Entry) -> bool:
    """Since a moment that has passed; one that is no time counts as withdrawn too: somebody meant to."""
    if not entry.withdrawn:
        return False
    try:
        moment = datetime.datetime.fromisoformat(entry.withdrawn)
    except ValueError:
        return True
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=datetime.UTC)
    return moment <= datetime.datetime.now(datetime.UTC)


def about(entry: Entry, ecosystem: str, name: str) -> list[Affected]:
    """The parts of an entry that are about one package."""
    return [
        each
        for each in entry.affected or ()
        if each.package is not None and each.package.name == name and each.package.ecosystem == ecosystem
    ]
