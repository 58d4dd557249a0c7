"""Trends as people see them: sentences, sparkline, chart; every name is hostile."""

import re
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from imgaudit import model
from imgaudit.history import records, with_trends
from imgaudit.reports import RenderOptions, html_history, html_trend, render, table_history, trends
from imgaudit.reports.json_report import encode
from tests.history.audits import days_ago, history, record
from tests.support import reports
from tests.support.browser import CHROMIUM, Browser, browser

CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff]")
KB = 1000
STEADY = history(*(record(days, 7_000 * KB + (120 - days) * KB) for days in range(100, -1, -4)))
MIXED = history(
    record(40, 7_000 * KB),
    record(30, 7_100 * KB, passed=True),
    record(20, 7_200 * KB, download_estimated=True),
    record(10, None, complete=False),
    record(5, 7_300 * KB, download_estimated=True),
    record(1, 7_400 * KB),
    record(0, 7_500 * KB, passed=False, gates=("budget.download",), commit="3f2a9c1" + "0" * 33),
)


def table(found: model.History, **options: object) -> str:
    return table_history.render(found, RenderOptions(**options))  # type: ignore[arg-type]


def test_the_sentences_of_a_steady_trend() -> None:
    text = table(STEADY)
    assert text.startswith(
        "app (linux/amd64): download 7.12 MB, +76.0 kB (+1.08 %) over 20 audits since 2026-07-17\n"
        "  ▁▁▁▂▂▂▃▃▃▄▄▅▅▅▆▆▆▇▇█\n"
    )
    assert "First 7.04 MB, last 7.12 MB, least 7.04 MB, most 7.12 MB." in text
    assert (
        "Drift, 10 days: +12.0 kB (+0.17 %) since 2026-09-19; 30 days: +32.0 kB (+0.45 %) since 2026-08-30; "
        "90 days: +92.0 kB (+1.31 %) since 2026-07-01."
    ) in text
    assert "6 earlier audits not shown: imgaudit history show --last N." in text
    assert text.endswith("20 audits in 1 trend. Next: imgaudit history show -o html=history.html\n")


def test_estimates_and_measurements_are_told_apart() -> None:
    text = table(MIXED)
    assert "download 7.50 MB, +500 kB (+7.14 %) over 4 audits since 2026-08-22" in text
    assert "\n  ▁▂···▆█\n" in text
    assert "2 downloads are estimated and the last one is measured: shown, but not counted" in text
    assert "1 audit did not measure download." in text
    changes = [row.change for row in trends.rows(MIXED.trends[0], "download")]
    assert changes == ["first", "+100 kB (+1.43 %)", "not comparable", "", "~+100 kB (+1.39 %)", "+300 kB (+4.23 %)",
                       "+100 kB (+1.35 %)"]  # fmt: skip
    verdicts = [trends.verdict(point) for point in MIXED.trends[0].points]
    assert verdicts == ["no gates", "passed", *["no gates"] * 4, "failed: budget.download"]


@pytest.mark.parametrize(
    ("sizes", "words"),
    [
        ((5,), "download 5 B, one audit so far"),
        ((5, 5), "download 5 B, unchanged over 2 audits since 2026-09-30"),
        ((None, None), "download not measured in 2 audits"),
        ((None, 5), "download 5 B, no other audit to compare with"),
        ((0, 5), "download 5 B, +5 B (new) over 2 audits since 2026-09-30"),
    ],
)
def test_headlines(sizes: tuple[int | None, ...], words: str) -> None:
    found = history(*(record(len(sizes) - n - 1, size) for n, size in enumerate(sizes)))
    assert trends.headline(found.trends[0], "download") == words


def test_ascii_holds_nothing_else() -> None:
    assert table(MIXED, unicode=False).isascii()
    assert "\n  _.   +#\n" in table(MIXED, unicode=False)


@pytest.mark.parametrize("width", [40, 80, 120])
def test_a_terminal_is_never_too_narrow(width: int) -> None:
    for line in table(MIXED, tty=True, width=width).splitlines()[:-1]:
        assert len(line) <= width, line


def test_the_page_says_what_the_table_says() -> None:
    page = html_history.render(MIXED, RenderOptions())
    for words in ("7.50 MB", "not counted", "did not measure download", "failed: budget.download", "3f2a9c1"):
        assert words in page
    assert page.count('<svg class="measured"') == 3
    assert page.count('<svg class="estimated"') == 2
    assert page.count('<svg class="failed"') == 1
    assert page.count('<line class="measured"') == 2  # of four measured, the pairs that follow each other
    assert page.count('<line class="estimated"') == 0  # an audit without a figure stands between the two
    assert html_history.lede(MIXED).startswith("Download 7.50 MB, +500 kB")


def test_a_page_stays_under_a_megabyte() -> None:
    many = [
        record(days / 4, 10**9 + days, label=f"label-{n:02}", commit="c" * 40, gates=("budget.download",), passed=False)
        for days in range(120)
        for n in range(30)
    ]
    page = html_history.render(history(*many, last=500), RenderOptions())
    assert len(page.encode()) < 1_000_000
    assert "6 trends more" in page
    assert "100 more; -o json holds them all" in page
    one = html_history.render(history(*many[::30], last=500), RenderOptions())
    assert one.count('<svg class="failed"') == 120
    assert "20 more; -o json holds them all" in one


def test_a_chart_needs_two_figures() -> None:
    assert html_trend.line_chart(history(record(1, 5)).trends[0], "download") is None
    assert html_trend.line_chart(history(record(1, None), record(0, 5)).trends[0], "download") is None
    assert html_trend.line_chart(history(record(1, 5), record(0, 5)).trends[0], "download") is not None


@given(st.integers(0, 10**15), st.integers(0, 10**15))
def test_a_scale_holds_its_figures_and_its_marks_differ(one: int, other: int) -> None:
    least, most = sorted((one, other))
    low, high, step = html_trend.scale(least, most)
    assert 0 <= low <= least
    assert most <= high
    count = (high - low) // step
    assert low + count * step == high
    assert 1 <= count <= 8
    words = [html_trend.axis_words(low + n * step, high, step) for n in range(count + 1)]
    assert len(set(words)) == len(words)
    if least < most / 2:
        assert low == 0


def test_a_small_change_does_not_look_like_a_large_one() -> None:
    low, high, _ = html_trend.scale(7_000_000, 7_000_001)
    assert high - low >= 70_000


NASTY = [image.label for image in reports.hostile().images]


@pytest.mark.parametrize("text", NASTY)
def test_names_are_inert(text: str) -> None:
    hostile = [
        record(days, days + 5, label=text, platform=text, reference=text, commit=text, go_version=text,
               gates=(text,), passed=False, image_id=text)
        for days in (1, 0)
    ]  # fmt: skip
    found = history(*hostile)
    for out in (
        table(found),
        table(found, tty=True),
        html_history.render(found, RenderOptions()),
        encode(found).decode(),
    ):
        assert CONTROLS.search(out) is None
        assert not re.search(r"^\s*::", out, re.MULTILINE)
    page = html_history.render(found, RenderOptions())
    assert page.count("<script") == 1
    assert "<img" not in page
    assert len(page) < 100_000


def test_a_trend_of_a_report_survives_being_saved() -> None:
    report = reports.report(reports.scratch(), generated_at=days_ago(0))
    shown = with_trends(report, [record(3, 5, label="scratch")], records(report, {}))
    page = render(shown, "html")
    assert isinstance(page, str)
    assert "Over time" in page
    assert msgspec.json.decode(encode(shown), type=model.Report) == shown


def test_an_edited_report_is_shown_all_the_same() -> None:
    point = MIXED.trends[0].points[0]
    odd = [
        model.Trend(label="x", platform="y", earlier=0, points=(), lines=()),
        model.Trend(label="x", platform="y", earlier=0, points=(point, point), lines=()),
        msgspec.structs.replace(
            MIXED.trends[0],
            points=tuple(msgspec.structs.replace(p, download=-5, generated_at="?") for p in (point,) * 3),
        ),
    ]
    for trend in odd:
        image = msgspec.structs.replace(reports.scratch(), trend=trend)
        assert "Over time" in str(render(reports.report(image), "html"))
        assert "Over time" in str(render(reports.report(image, image), "html"))


@pytest.fixture(scope="module")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with browser(tmp_path_factory.mktemp("profile")) as opened:
        yield opened


@pytest.mark.browser
@pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed")
@pytest.mark.parametrize("width", [360, 1280])
@pytest.mark.parametrize("script", [True, False])
def test_the_chart_in_a_browser(chromium: Browser, tmp_path: Path, width: int, script: bool) -> None:
    page = tmp_path / "h.html"
    long = history(*(record(days, days * KB, label="x" * 300) for days in range(9)))
    both = msgspec.structs.replace(MIXED, trends=(*MIXED.trends, *long.trends, *STEADY.trends))
    page.write_text(html_history.render(both, RenderOptions()))
    chromium.open(page, width=width, script=script)
    assert chromium.run("document.documentElement.scrollWidth") <= width
    assert chromium.complaints() == []
    boxes = "[...document.querySelectorAll('.course')].map(e => e.getBoundingClientRect().width)"
    assert min(chromium.run(boxes)) > width / 2
    # Every letter of the axes is on the page, and no two marks stand on each other.
    texts = "[...document.querySelectorAll('.trend text')].map(e => e.getBoundingClientRect()).filter(r => r.width)"
    assert chromium.run(f"{texts}.every(r => r.left >= 0 && r.right <= innerWidth)")
    rects = "[...s.querySelectorAll('text')].map(e => e.getBoundingClientRect()).filter(r => r.width)"
    dates = f"[...document.querySelectorAll('.dates')].map(s => {rects})"
    assert chromium.run(f"{dates}.every(row => row.every((r, n) => !n || r.left > row[n - 1].right))")
    assert chromium.run("document.querySelectorAll('.course svg > title').length") == 6 + 9 + 20
