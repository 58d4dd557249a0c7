"""What a configuration says: frozen values, as the keys of imgaudit.toml are named."""

import dataclasses
from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal, get_args

BudgetMeasure = Literal["download", "unpacked", "content", "rootfs", "dead", "duplicate", "layers"]
MEASURES: tuple[BudgetMeasure, ...] = get_args(BudgetMeasure)
COUNTS: frozenset[BudgetMeasure] = frozenset({"layers"})
"""Of the measures those that are counted; the others are bytes."""


@dataclasses.dataclass(frozen=True, slots=True)
class Budget:
    """[budget]: the limits of every image whose label matches a glob, in bytes or a count."""

    labels: str
    limits: tuple[tuple[BudgetMeasure, int], ...]


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
    cost: CostSettings = CostSettings()
    probe: ProbeSettings = ProbeSettings()
    file: str | None = None
