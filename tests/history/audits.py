"""Records and trends made by hand."""

import datetime

from imgaudit import model
from imgaudit.history import Record, trends
from tests.support import reports

LAST = datetime.datetime(2026, 10, 1, 12, 0, tzinfo=datetime.UTC)


def days_ago(days: float) -> str:
    return (LAST - datetime.timedelta(days=days)).strftime("%Y-%m-%dT%H:%M:%SZ")


def record(days: float, download: int | None, **facts: object) -> Record:
    """An audit that many days before LAST; its rootfs is twice its download."""
    values: dict[str, object] = {
        "label": "app",
        "platform": "linux/amd64",
        "generated_at": days_ago(days),
        "reference": "docker:app:dev",
        "image_id": reports.digest(f"{days} {download}"),
        "commit": None,
        "complete": True,
        "download": download,
        "download_estimated": False,
        "unpacked": None if download is None else download * 3,
        "content": None,
        "rootfs": None if download is None else download * 2,
        "dead": 0,
        "duplicate": 0,
        "layers": 2,
        "service": 5_000_000,
        "go_version": "go1.26.8",
        "passed": None,
    }
    return Record(**(values | facts))  # type: ignore[arg-type]


def history(*records: Record, measure: str = "download", last: int = 20) -> model.History:
    return model.History(
        schema_version="1.0",
        tool=model.Tool(name="imgaudit", version="0"),
        generated_at=days_ago(0),
        measure=measure,  # type: ignore[arg-type]
        trends=trends(records, last),
    )


def line(trend: model.Trend, measure: str = "download") -> model.TrendLine:
    return next(item for item in trend.lines if item.measure == measure)
