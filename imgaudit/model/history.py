"""What `imgaudit history show` writes as JSON."""

from typing import Literal

from imgaudit.model._struct import Value
from imgaudit.model.comparison import Measure
from imgaudit.model.report import Tool
from imgaudit.model.trend import Trend


class History(Value, frozen=True, kw_only=True):
    """Trends by label, then platform. measure: the one that table and page are about; JSON holds the lines of all."""

    schema_version: Literal["1.0"]
    tool: Tool
    generated_at: str  # RFC 3339, UTC; follows SOURCE_DATE_EPOCH
    measure: Measure
    trends: tuple[Trend, ...]
