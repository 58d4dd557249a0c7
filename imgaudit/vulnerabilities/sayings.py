"""What an item says of its entry, whatever it was found in."""

import re

from imgaudit.vulnerabilities.interface import Entry

SUMMARY = 200  # characters
_SENTENCE = re.compile(r"(.+?[.!?])(?:\s|$)", re.DOTALL)
_URL = re.compile(r"https://[\x21-\x7e]{1,500}")


def summary_of(entry: Entry) -> str:
    """The summary, else the first sentence of the details; one line."""
    text = (entry.summary or "").strip()
    if not text:
        text = (entry.details or "").strip()[:2000]
        found = _SENTENCE.match(text)
        text = found[1] if found else text
    text = " ".join(text.split())
    return text if len(text) <= SUMMARY else text[: SUMMARY - 3].rstrip() + "..."


def url_of(entry: Entry) -> str:
    """The entry's own page where it names one, else OSV's."""
    url = (entry.database_specific or {}).get("url")
    return url if isinstance(url, str) and _URL.fullmatch(url) else f"https://osv.dev/vulnerability/{entry.id}"


def aliases_of(entry: Entry) -> tuple[str, ...]:
    """Other names of the same vulnerability; distributions name those of upstream."""
    return tuple(dict.fromkeys(name for name in (*(entry.aliases or ()), *(entry.upstream or ())) if name != entry.id))
