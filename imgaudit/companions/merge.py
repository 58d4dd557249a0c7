"""What a tool told of an image -> the image with it, each vulnerability once."""

from collections import defaultdict

import msgspec

from imgaudit.companions.interface import CompanionError, Told
from imgaudit.model import Finding, Image, Unmatched, Vulnerabilities, Vulnerability
from imgaudit.vulnerabilities.order import order

_Key = tuple[str, str | None, str | None]


def with_told(image: Image, name: str, told: Told, *, own: bool) -> Image:
    """own: imgaudit's own lookup was made. Raises CompanionError where the tool looked at another image."""
    refuse_another(image, told)
    known = image.vulnerabilities or Vulnerabilities(database=None, database_date=None)
    # What nobody looked up is a gap; gates know it by these words.
    missed = [
        each if own else Unmatched(what=each.what, reason=f"not looked up: {each.reason}") for each in told.missed
    ]
    dates = [data.date for data in (*known.databases, told.data)]
    vulnerabilities = msgspec.structs.replace(
        known,
        database=", ".join(filter(None, (known.database, told.data.name))),
        database_date=None if None in dates else min(date for date in dates if date),
        databases=(*known.databases, told.data),
        items=merged(known.items, told.items, name),
        unmatched=tuple(dict.fromkeys((*known.unmatched, *missed, *told.unmatched))),
    )
    return msgspec.structs.replace(
        image, vulnerabilities=vulnerabilities, findings=(*image.findings, *_new(image, told))
    )


def refuse_another(image: Image, told: Told) -> None:
    """Findings of another image would be worse than none: the tool must have said which one it looked at."""
    ours = {image.image_id, image.manifest_digest, image.index_digest} - {None}
    if not told.identities:
        raise CompanionError("it does not say which image it looked at, so its findings are left out")
    if not told.identities & ours:
        theirs = ", ".join(sorted(told.identities))[:80]
        mine = image.image_id or image.manifest_digest or "not known"
        raise CompanionError(f"it looked at another image, {theirs}; this one is {mine}; its findings are left out")


def _new(image: Image, told: Told) -> list[Finding]:
    """Its findings, each fingerprint once."""
    seen = {finding.fingerprint for finding in image.findings}
    new: list[Finding] = []
    for finding in told.findings:
        if finding.fingerprint not in seen:
            seen.add(finding.fingerprint)
            new.append(finding)
    return new


def merged(known: tuple[Vulnerability, ...], found: tuple[Vulnerability, ...], name: str) -> tuple[Vulnerability, ...]:
    """Both, in the order of a report. What is known already, by its id or an alias, of the same module in the same
    program or OS package, stays as it is, but for its sources, and the severity where its own data says none."""
    items = list(known)
    places: dict[_Key, list[int]] = defaultdict(list)
    for number, item in enumerate(known):
        places[_key(item)].append(number)
    new: dict[tuple[str, _Key], Vulnerability] = {}
    for item in found:
        names = {item.id, *item.aliases}
        same = [at for at in places[_key(item)] if names & {items[at].id, *items[at].aliases}]
        for at in same:
            items[at] = _with_source(items[at], item, name)
        if not same:
            new.setdefault((item.id, _key(item)), item)
    return tuple(sorted((*items, *new.values()), key=order))


def _key(item: Vulnerability) -> _Key:
    return item.module, item.package, item.path


def _with_source(item: Vulnerability, other: Vulnerability, name: str) -> Vulnerability:
    if name in item.sources:
        return item
    item = msgspec.structs.replace(item, sources=(*item.sources, name))
    if item.severity is not None or other.severity is None:
        return item
    evidence = f"{item.evidence}; that it is {other.severity} is what {name} says"
    return msgspec.structs.replace(item, severity=other.severity, score=other.score, evidence=evidence)


def only_by_versions(image: Image) -> Image:
    """Says that imgaudit's own lookup was not made, so that its part does not look as if it had found nothing."""
    known = image.vulnerabilities
    if known is None or not any(binary.go.present for binary in image.binaries):
        return image
    reason = "only versions were looked at; --vulnerabilities says which vulnerable functions are in a program"
    note = Unmatched(what="functions of Go programs", reason=reason)
    return msgspec.structs.replace(
        image, vulnerabilities=msgspec.structs.replace(known, unmatched=(*known.unmatched, note))
    )
