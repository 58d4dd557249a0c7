"""What an audit is asked for, and who is told while it runs."""

import dataclasses
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from imgaudit.cache import Cache
from imgaudit.limits import DEFAULT_LIMITS, Limits
from imgaudit.model import Platform
from imgaudit.secrets.interface import Search
from imgaudit.sources import OpenOptions

if TYPE_CHECKING:
    from imgaudit.anatomy import Breakdown
    from imgaudit.binaries import BinaryFacts


class Progress(Protocol):
    """Told while an audit runs; what it does with it is its own business."""

    def image(self, label: str) -> None: ...

    def layer(self, name: str, size: int | None) -> None: ...

    def advance(self, stored_bytes: int) -> None: ...

    def done(self) -> None: ...


class Silent:
    """A Progress that says nothing."""

    def image(self, label: str) -> None:
        pass

    def layer(self, name: str, size: int | None) -> None:
        pass

    def advance(self, stored_bytes: int) -> None:
        pass

    def done(self) -> None:
        pass


class Watch(Protocol):
    """Is shown each Go program's bytes while they are held. lacks: whether it has to see those with this sha256, so
    that a layer which is remembered is read all the same. Called by several threads."""

    def lacks(self, sha256: str) -> bool: ...

    def see(self, facts: "BinaryFacts", data: memoryview) -> None: ...


@dataclasses.dataclass(frozen=True, slots=True)
class AuditOptions:
    """platform: None takes the host's, else the only one. talk: one line for a human, such as which source it was.
    breakdown: of which Go programs the bytes are accounted for; predictions: whether what they could save is said;
    inventory: whether the live files are listed, as comparisons need them. cache: what earlier audits read; what this
    one reads goes into it. detail: as talk, of less interest. watch: is shown every Go program's bytes.
    secrets: which files are searched for secrets, and by whose rules."""

    platform: Platform | None = None
    all_platforms: bool = False
    offline: bool = False
    breakdown: "Breakdown" = "entrypoint"
    predictions: bool = False
    inventory: bool = False
    limits: Limits = DEFAULT_LIMITS
    progress: Progress = dataclasses.field(default_factory=Silent)
    talk: Callable[[str], None] = lambda line: None
    detail: Callable[[str], None] = lambda line: None
    cache: Cache | None = None
    watch: Watch | None = None
    secrets: Search = dataclasses.field(default_factory=Search)

    @property
    def opening(self) -> OpenOptions:
        return OpenOptions(
            platform=self.platform, all_platforms=self.all_platforms, offline=self.offline, talk=self.talk
        )
