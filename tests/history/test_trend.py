"""What grew, against which audit, and what is never compared."""

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from imgaudit.history import records, trends, with_trends
from tests.history.audits import days_ago, history, line, record
from tests.support import reports

MB = 1_000_000


def test_growth_is_of_the_points_and_drift_of_all_that_is_known() -> None:
    known = [
        record(days, size) for days, size in ((100, 7 * MB), (40, 8 * MB), (12, 9 * MB), (9, 9 * MB), (0, 10 * MB))
    ]
    (trend,) = trends(known, last=2)
    found = line(trend)
    assert (found.first, found.last, found.growth) == (9 * MB, 10 * MB, MB)
    assert (found.least, found.most, found.counted, trend.earlier) == (9 * MB, 10 * MB, 2, 3)
    assert [(item.days, item.since, item.growth) for item in found.drift] == [
        (10, days_ago(12), MB),
        (30, days_ago(40), 2 * MB),
        (90, days_ago(100), 3 * MB),
    ]
    assert line(trend, "rootfs").growth == 2 * MB


def test_drift_takes_the_latest_audit_that_is_old_enough_to_the_second() -> None:
    (trend,) = trends([record(11, 1), record(10, 5), record(9.9999, 7), record(0, 8)])
    assert (line(trend).drift[0].since, line(trend).drift[0].growth) == (days_ago(10), 3)
    assert (line(trend).drift[1].since, line(trend).drift[1].growth) == (None, None)


def test_an_estimate_and_a_measurement_are_never_one_difference() -> None:
    known = [
        record(100, 7 * MB),
        record(50, 9 * MB, download_estimated=True),
        record(5, 8 * MB),
        record(0, 9 * MB + 5, download_estimated=True),
    ]
    (trend,) = trends(known)
    found = line(trend)
    assert found.estimated
    assert (found.counted, found.other_kind, found.unknown) == (2, 2, 0)
    assert (found.first, found.last, found.growth, found.most) == (9 * MB, 9 * MB + 5, 5, 9 * MB + 5)
    assert [item.since for item in found.drift] == [days_ago(50), days_ago(50), None]
    # What is no estimate in either is compared as ever.
    assert line(trend, "rootfs").growth == 4 * MB + 10


def test_the_only_estimate_has_nothing_to_be_compared_with() -> None:
    (trend,) = trends([record(5, 8 * MB), record(0, 9 * MB, download_estimated=True)])
    assert line(trend).growth is None
    assert all(item.growth is None for item in line(trend).drift)


def test_what_was_not_measured_is_no_zero() -> None:
    (trend,) = trends([record(20, None), record(2, 5), record(1, 4), record(0, None)])
    found = line(trend)
    assert (found.first, found.last, found.least, found.most, found.growth) == (5, 4, 4, 5, -1)
    assert found.unknown == 2
    (nothing,) = trends([record(1, None)])
    assert (line(nothing).first, line(nothing).growth, line(nothing).counted) == (None, None, 0)


def test_labels_and_platforms_have_a_trend_each_in_order() -> None:
    known = [
        record(0, 1, label="b"),
        record(1, 2, label="a", platform="linux/arm64"),
        record(1, 3, label="a"),
        record(2, 4, label="b"),
    ]
    found = trends(known)
    assert [(item.label, item.platform) for item in found] == [
        ("a", "linux/amd64"),
        ("a", "linux/arm64"),
        ("b", "linux/amd64"),
    ]
    assert [point.download for point in found[2].points] == [4, 1]


def test_a_reports_trend_ends_with_its_own_audit_once() -> None:
    report = reports.report(reports.scratch(), generated_at=days_ago(3))
    own = records(report, {})
    later = msgspec.structs.replace(own[0], generated_at=days_ago(1), download=9)
    earlier = msgspec.structs.replace(own[0], generated_at=days_ago(9), download=8)
    trend = with_trends(report, [later, own[0], earlier], own).images[0].trend
    assert trend is not None
    assert [point.generated_at for point in trend.points] == [days_ago(9), days_ago(3)]
    alone = with_trends(report, [record(5, 1)], own).images[0].trend
    assert alone is not None
    assert len(alone.points) == 1


@given(
    st.lists(st.tuples(st.integers(0, 200), st.none() | st.integers(0, 10**9), st.booleans()), max_size=30),
    st.integers(1, 12),
)
def test_every_trend_adds_up(rows: list[tuple[int, int | None, bool]], last: int) -> None:
    found = history(*(record(days, size, download_estimated=kind) for days, size, kind in rows), last=last).trends
    assert sum(len(trend.points) + trend.earlier for trend in found) == len(rows)
    for trend in found:
        assert [point.generated_at for point in trend.points] == sorted(point.generated_at for point in trend.points)
        for item in trend.lines:
            assert item.counted + item.other_kind + item.unknown == len(trend.points) <= last
            if item.growth is not None:
                assert item.first is not None
                assert item.last is not None
                assert item.first + item.growth == item.last
            same = {p.download for p in trend.points if p.download_estimated == item.estimated}
            if item.measure == "download" and item.last is not None:
                assert {item.first, item.last, item.least, item.most} <= same
