"""What a configuration says: frozen values, as the keys of imgaudit.toml are named."""

import dataclasses
import datetime
from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal, get_args

BudgetMeasure = Literal["download", "unpacked", "content", "rootfs", "dead", "duplicate", "layers"]
MEASURES: tuple[BudgetMeasure, ...] = get_args(BudgetMeasure)
COUNTS: frozenset[BudgetMeasure] = frozenset({"layers"})
"""Of the measures those that are counted; the others are bytes."""
SIZES: tuple[BudgetMeasure, ...] = tuple(measure for measure in MEASURES if measure not in COUNTS)

Level = Literal["critical", "high", "medium", "low", "info"]
LEVELS: tuple[Level, ...] = get_args(Level)
"""Of findings, the worst first."""


@dataclasses.dataclass(frozen=True, slots=True)
class Budget:
    """[budget]: the limits of every image whose label matches a glob, in bytes or a count.

    files: of each file whose path matches a glob. modules: of all modules of the service's program together whose
    path matches a glob.
    """

    labels: str
    limits: tuple[tuple[BudgetMeasure, int], ...]
    files: tuple[tuple[str, int], ...] = ()
    modules: tuple[tuple[str, int], ...] = ()


@dataclasses.dataclass(frozen=True, slots=True)
class Growth:
    """How much measures may grow: a gate fails when all limits that are set are passed.

    most: bytes; most_percent: of what it was. At least one of the two is set.
    """

    measures: tuple[BudgetMeasure, ...]
    most: int | None
    most_percent: float | None


@dataclasses.dataclass(frozen=True, slots=True)
class Regression:
    """[regression]: growth since the baseline. max_age: days that a baseline may be old; None: any."""

    growth: Growth
    max_age: int | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Drift:
    """[drift]: growth since an older baseline. since: its file, from the working folder."""

    growth: Growth
    since: str


@dataclasses.dataclass(frozen=True, slots=True)
class Ignore:
    """One of `ignore` in [checks]. id: of a check, or of a vulnerability. until: the last day that it holds.

    path, labels: globs over a finding's path and the image's label; None: any, and without a path.
    """

    id: str
    reason: str
    until: datetime.date
    path: str | None = None
    labels: str | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Checks:
    """[checks], each optional. fail_on: a finding of this severity or worse fails, unless it is ignored. min_score: an
    image fails whose score is below, 0-100. secret_rules: a file of rules for secrets, from the working folder, tried
    where files are searched for them."""

    fail_on: Level | None = None
    ignore: tuple[Ignore, ...] = ()
    min_score: int | None = None
    secret_rules: str | None = None

    @property
    def limits(self) -> bool:
        """Whether anything can fail for it."""
        return self.fail_on is not None or self.min_score is not None


@dataclasses.dataclass(frozen=True, slots=True)
class DiveRules:
    """Rules of a .dive-ci file; None: disabled. The first and the last are shares, from 0 to 1.

    file: where they stand, as a person would name it.
    """

    lowest_efficiency: float | None
    highest_wasted_bytes: int | None
    highest_user_wasted_percent: float | None
    file: str


@dataclasses.dataclass(frozen=True, slots=True)
class CostSettings:
    """[cost], each optional. link: bits a second."""

    nodes: int | None = None
    pulls_per_day: int | None = None
    link: int | None = None

    @property
    def is_set(self) -> bool:
        return any(value is not None for value in (self.nodes, self.pulls_per_day, self.link))


@dataclasses.dataclass(frozen=True, slots=True)
class ProbeSettings:
    """[probe], each optional; None: not set. timeout: seconds. memory: bytes. command: instead of port and path."""

    runs: int | None = None
    port: int | None = None
    path: str | None = None
    command: tuple[str, ...] | None = None
    timeout: float | None = None
    memory: int | None = None
    env: Mapping[str, str] = dataclasses.field(default_factory=lambda: MappingProxyType({}))


@dataclasses.dataclass(frozen=True, slots=True)
class Settings:
    """All of a configuration. file: where it was found, as a person would name it; None: there is none."""

    budget: tuple[Budget, ...] = ()
    regression: Regression | None = None
    drift: Drift | None = None
    checks: Checks | None = None
    cost: CostSettings = CostSettings()
    probe: ProbeSettings = ProbeSettings()
    file: str | None = None
