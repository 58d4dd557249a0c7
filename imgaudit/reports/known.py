"""Known vulnerabilities in the words that every format uses: what is known of each, who found it, and in which data.

One vulnerability of one module stands once, with every program, OS package and image that has it.
"""

import dataclasses

from imgaudit import model
from imgaudit.reports import facts, numbers
from imgaudit.reports.escape import shorten

UNRATED = "not rated"
OWN = "imgaudit"
"""The source of what imgaudit found itself."""

STATES: dict[model.VulnerabilityState, str] = {
    "symbol": "a vulnerable function is in the program",
    "package": "only the package is linked, none of its vulnerable functions",
    "module": "the version is affected, nothing more is known",
    "absent": "the version is affected, nothing of its vulnerable packages is linked",
}


@dataclasses.dataclass(frozen=True, slots=True)
class SharedVulnerability:
    """One vulnerability of one module or source package: every program, OS package and image that has it.

    sources: who found any of it."""

    first: model.Vulnerability
    packages: tuple[str, ...]
    paths: tuple[str, ...]
    labels: tuple[str, ...]
    sources: tuple[str, ...]

    @property
    def name(self) -> str:
        """The Go module, or the OS packages."""
        return numbers.listing(self.packages, 3) or self.first.module

    @property
    def fixed(self) -> str:
        return self.first.fixed[0] if self.first.fixed else "not known"

    @property
    def found_by(self) -> str:
        """`imgaudit and trivy`."""
        return numbers.listing([shorten(source, 40) for source in self.sources], 4)


def vulnerabilities(report: model.Report, *, absent: bool = False) -> tuple[SharedVulnerability, ...]:
    """Those that are open, or those of which nothing was linked; by state, then worst first."""
    groups: dict[tuple[object, ...], list[tuple[model.Vulnerability, str]]] = {}
    for image in report.images:
        for item in image.vulnerabilities.items if image.vulnerabilities is not None else ():
            if item.ignored is None and (item.state == "absent") == absent:
                groups.setdefault(_key(item), []).append((item, image.label))
    shared = [
        SharedVulnerability(
            group[0][0],
            tuple(dict.fromkeys(item.package for item, _ in group if item.package)),
            tuple(dict.fromkeys(item.path for item, _ in group if item.path)),
            tuple(dict.fromkeys(label for _, label in group)),
            tuple(dict.fromkeys(source for item, _ in group for source in item.sources)),
        )
        for group in groups.values()
    ]
    return tuple(sorted(shared, key=_rank))


def open_count(known: model.Vulnerabilities) -> int:
    """How many of an image's are open; in several of its OS packages or programs it is still one."""
    return sum(open_by_state(known).values())


def open_by_state(known: model.Vulnerabilities) -> dict[model.VulnerabilityState, int]:
    """The same, told apart by what is known of them."""
    open_ = {_key(item): item.state for item in known.items if item.ignored is None}
    return {state: list(open_.values()).count(state) for state in STATES if state != "absent"}


def ignored_count(known: model.Vulnerabilities) -> int:
    """How many of an image's a rule of the settings ignores, counted likewise."""
    return len({_key(item) for item in known.items if item.ignored is not None})


def _key(item: model.Vulnerability) -> tuple[object, ...]:
    return item.state, item.severity, item.id, item.module, item.version, item.fixed


def _rank(item: SharedVulnerability) -> tuple[int, int, str, str]:
    level = item.first.severity
    rated = len(facts.SEVERITIES) if level is None else facts.SEVERITIES.index(level)
    return list(STATES).index(item.first.state), rated, item.first.id, item.first.module


def looked_up(report: model.Report) -> bool:
    """Whether a database was asked of any image."""
    return any(image.vulnerabilities is not None for image in report.images)


def vulnerability_counts(report: model.Report) -> str:
    """`5 known to osv of 2026-11-20`: with the databases and the day of the oldest data; or of another tool alone,
    `5 told by trivy 0.59.1 of 2026-11-20, imgaudit itself looked nothing up`."""
    asked = [image.vulnerabilities for image in report.images if image.vulnerabilities is not None]
    own = dict.fromkeys(_data(known) for known in asked if not _only_tools(known))
    tools = dict.fromkeys(_data(known) for known in asked if _only_tools(known))
    says = [f"known to {numbers.listing(list(own), 4)}"] if own else []
    says += [f"told by {numbers.listing(list(tools), 4)}, imgaudit itself looked nothing up"] if tools else []
    found = len(vulnerabilities(report))
    return f"{f'{found:,}' if found else 'none'} {' or '.join(says)}"


def _data(known: model.Vulnerabilities) -> str:
    several = len(known.databases) > 1 and known.database_date is not None
    later = " or later" if several else ""
    return f"{shorten(known.database or 'no database', 80)} of {_day(known.database_date)}{later}"


def _only_tools(known: model.Vulnerabilities) -> bool:
    """Whether other tools looked and imgaudit did not: of their data neither ecosystems nor entries are known."""
    return bool(known.databases) and all(not data.ecosystems and data.entries is None for data in known.databases)


def told_by_others(report: model.Report) -> bool:
    """Whether another tool found any of the vulnerabilities: then each says who did."""
    known = [image.vulnerabilities for image in report.images if image.vulnerabilities is not None]
    return any(item.sources != (OWN,) for each in known for item in each.items)


def _day(date: str | None) -> str:
    return shorten(date, 40).partition("T")[0] if date else "an unknown day"


def absent_words(report: model.Report) -> str:
    """Of how many nothing vulnerable was linked; empty for none."""
    count = len(vulnerabilities(report, absent=True))
    return f"{count:,} not counted: {STATES['absent']}. That is no proof." if count else ""
