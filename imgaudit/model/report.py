"""The report: what a run of imgaudit writes as JSON (schema_version 1.0)."""

from typing import Literal

from imgaudit.model._struct import Value
from imgaudit.model.binary import Binary, BinaryComparison
from imgaudit.model.comparison import Comparison, Verdict
from imgaudit.model.image import Image

SCHEMA_VERSION: Literal["1.0"] = "1.0"


class Tool(Value, frozen=True, kw_only=True):
    name: str
    version: str


class Failed(Value, frozen=True, kw_only=True):
    """A reference that could not be audited; exit_code is the one it would have ended with alone."""

    label: str
    reference: str
    exit_code: int
    reason: str


class Report(Value, frozen=True, kw_only=True):
    """What inspect, compare and check write. complete: nothing was skipped and nothing failed."""

    schema_version: Literal["1.0"]
    tool: Tool
    generated_at: str  # RFC 3339, UTC; follows SOURCE_DATE_EPOCH
    complete: bool
    images: tuple[Image, ...]
    failed: tuple[Failed, ...]
    comparison: Comparison | None = None
    verdict: Verdict | None = None


class BinaryReport(Value, frozen=True, kw_only=True):
    """What `imgaudit binary` writes."""

    schema_version: Literal["1.0"]
    tool: Tool
    generated_at: str
    complete: bool
    binaries: tuple[Binary, ...]
    failed: tuple[Failed, ...]
    comparison: BinaryComparison | None = None
