"""The chart of sizes and starting times: in the page's text, and as Chromium draws it."""

import itertools
import math
import re
import xml.etree.ElementTree
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from imgaudit import model
from imgaudit.reports import html_chart, html_running, numbers, render
from tests.support import probed, reports
from tests.support.browser import CHROMIUM, Browser, browser


def page(report: model.Report) -> str:
    found = render(report, "html")
    assert isinstance(found, str)
    return found


def figure(report: model.Report) -> xml.etree.ElementTree.Element:
    """The chart's own elements; its part of the page is well-formed XML."""
    (found,) = re.findall(r'<figure class="chart".*?</figure>', page(report), re.DOTALL)
    return xml.etree.ElementTree.fromstring(found)


def share(text: str) -> float:
    assert text.endswith("%")
    return float(text[:-1])


@pytest.mark.parametrize(
    ("end", "words", "expected"),
    [
        (48_900_000, "size", ["0", "20 MB", "40 MB"]),
        (152.0, "time", ["0", "50 ms", "100 ms", "150 ms"]),
        (9.4, "time", ["0", "5 ms"]),
        (6.0, "time", ["0", "2 ms", "4 ms", "6 ms"]),
        (2_500.0, "time", ["0", "1 s", "2 s"]),
        (0.0, "time", ["0"]),
        (5e-324, "time", ["0"]),
        (1e300, "time", ["0"]),
    ],
)
def test_ticks_are_round(end: float, words: str, expected: list[str]) -> None:
    says = numbers.duration if words == "time" else lambda value: numbers.size(round(value))
    assert [tick.words for tick in html_chart.ticks(end, says)] == expected


@given(st.floats(allow_nan=True, allow_infinity=True))
def test_ticks_stand_in_order_within_the_scale(end: float) -> None:
    ticks = html_chart.ticks(html_chart.longest([end]), numbers.duration)
    places = [share(tick.at) for tick in ticks]
    assert 1 <= len(places) <= 6
    assert places == sorted(set(places))
    assert places[0] == 0
    assert places[-1] <= 100
    # Those that a phone keeps: never two so close that their words would touch.
    kept = [share(tick.at) for tick in ticks if not tick.spare]
    assert all(b - a >= 22 for a, b in itertools.pairwise(kept))


@given(st.floats(), st.floats(min_value=0, allow_infinity=False))
def test_every_value_stands_within_the_panel(value: float, end: float) -> None:
    assert 0 <= share(html_chart.percentage(value, end)) <= 100


def test_lengths_and_dots_are_in_proportion() -> None:
    report = probed.compared()
    rows = html_running.chart(report).rows
    images = {image.label: image for image in report.images}
    largest = max(image.size.download or 0 for image in report.images)
    for row in rows:
        image = images[row.label]
        assert row.bar is not None
        assert share(row.bar) == pytest.approx((image.size.download or 0) / largest * 100, abs=0.01)
        if row.span is None:
            assert row.label in ("arm64", "cgo-scratch", "incomplete")
            continue
        times = image.probe.ready_ms if image.probe else None
        assert times is not None
        for place, value in ((row.span.least, times.min), (row.span.median, times.median), (row.span.most, times.max)):
            assert share(place) == pytest.approx(value / 151.7 * 100, abs=0.01)


def test_it_has_a_role_a_name_and_words_for_every_picture() -> None:
    found = figure(probed.compared())
    assert found.get("role") == "group"
    assert found.get("aria-label") == "Download and time until ready"
    caption = found.find("figcaption")
    assert caption is not None
    assert "start at 0; the table below holds the figures" in (caption.text or "")
    pictures = [svg for svg in found.iter("svg") if svg.get("role") == "img"]
    assert len(pictures) == 2 * len(probed.compared().images)
    for picture in pictures:
        title = picture.find("title")
        assert title is not None
        assert title.text == picture.get("aria-label")
    said = [picture.get("aria-label") for picture in pictures]
    assert "debian: download 48.9 MB" in said
    assert "scratch-upx: ready after 143 ms (139 to 152, 5 runs)" in said
    assert "arm64: not run" in said
    assert "cgo-scratch: not ready" in said
    assert not any(element.get("style") for element in found.iter())


def test_what_was_not_run_has_no_dot_and_says_so() -> None:
    rows = [row for row in figure(probed.compared()).findall("div") if row.find(".//title") is not None]
    assert len(rows) == 9
    for row, label in zip(rows, [image.label for image in probed.compared().images], strict=True):
        ran = label not in ("arm64", "cgo-scratch", "incomplete")
        assert len(row.findall(".//circle")) == ran
        words = " ".join(row.itertext())
        assert ("not run" in words or "not ready" in words) is not ran


@pytest.mark.parametrize("value", [math.nan, math.inf, -1.0, 0.0, 5e-324, 1e300])
def test_numbers_of_an_edited_report_stay_within_the_picture(value: float) -> None:
    times = model.Spread(min=0.0, median=0.0, max=value)
    edited = [
        probed.with_probe(image, model.Probe(runs=2, ready_ms=times)) if image.label == "scratch" else image
        for image in probed.compared().images
    ]
    size = msgspec.structs.replace(edited[0].size, download=-(2**63))
    edited[0] = msgspec.structs.replace(edited[0], size=size)
    for element in figure(probed.of(probed.compared(), *edited)).iter():
        for name in ("x1", "x2", "cx", "width"):
            place = element.get(name)
            assert place is None or 0 <= share(place) <= 100


def test_the_start_is_a_key_figure_where_it_was_measured() -> None:
    for report, there in ((probed.compared(), True), (probed.image(), True), (probed.broken(), False)):
        found = re.findall(r"<dt>Ready</dt>\s*<dd[^>]*>([^<]*)</dd>\s*<dd[^>]*>([^<]*)</dd>", page(report))
        assert found == ([("5.60 ms", "median of 5 runs")] if there else [])


def test_nothing_measured_is_no_picture_without_words() -> None:
    image = probed.with_probe(reports.incomplete(), probed.FOREIGN)
    size = msgspec.structs.replace(image.size, download=None)
    image = msgspec.structs.replace(image, size=size)
    found = figure(reports.report(image, image))
    assert "not measured" in " ".join(found.itertext())
    assert found.findall(".//rect") == []
    assert found.findall(".//circle") == []


def test_many_images_are_cut_and_counted() -> None:
    image = probed.with_probe(reports.scratch(), probed.PROBES["scratch"])
    many = [msgspec.structs.replace(image, label=f"variant{n}") for n in range(130)]
    text = page(reports.report(*many))
    assert text.count('<circle class="dot"') == 100
    assert "30 more" in text
    assert len(text.encode()) < 1_000_000


@pytest.fixture(scope="module")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with browser(tmp_path_factory.mktemp("profile")) as opened:
        yield opened


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("page") / "probed.html"
    path.write_text(page(probed.compared()), encoding="utf-8")
    return path


needs_chromium = pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed")

# Of each row of the chart: where the bar ends, and the middle of the dot, in pixels from their panels' left edges.
DRAWN = """[...document.querySelectorAll('.chart .row')].filter(r => r.querySelector('title')).map(row => {
  const [size, time] = row.querySelectorAll('svg'), bar = row.querySelector('rect'), dot = row.querySelector('circle');
  const left = e => e.getBoundingClientRect().left, width = e => e.getBoundingClientRect().width;
  return {label: row.querySelector('.name').textContent, panels: [width(size), width(time)],
          at: [left(size), left(time)], bar: bar && width(bar),
          dot: dot && [left(dot) + width(dot) / 2 - left(time), width(dot), dot.getBoundingClientRect().height]};
})"""
OVERLAPS = """(() => {
  const boxes = [...document.querySelectorAll('.chart .axis text, .chart .label, .chart .figure, .chart .head span')]
    .filter(e => e.textContent.trim() && e.checkVisibility()).map(e => [e.textContent, e.getBoundingClientRect()]);
  const bad = [];
  boxes.forEach(([a, p], n) => boxes.slice(n + 1).forEach(([b, q]) => {
    if (p.left < q.right - 1 && q.left < p.right - 1 && p.top < q.bottom - 1 && q.top < p.bottom - 1) bad.push([a, b]);
  }));
  return bad;
})()"""


@pytest.mark.browser
@needs_chromium
@pytest.mark.parametrize("width", [1280, 800, 400, 360])
def test_chromium_draws_both_scales_side_by_side(chromium: Browser, written: Path, width: int) -> None:
    chromium.open(written, width=width)
    rows = chromium.run(DRAWN)
    assert len(rows) == 9
    for row in rows:
        assert row["panels"][0] > 100
        assert row["at"][1] > row["at"][0] + row["panels"][0], "the panels stand side by side"
        assert row["panels"] == rows[0]["panels"]
        assert row["at"] == rows[0]["at"]
    by_label = {row["label"]: row for row in rows}
    assert by_label["debian"]["bar"] == pytest.approx(by_label["debian"]["panels"][0], abs=0.5)
    dot = by_label["scratch-upx"]["dot"]
    assert dot[0] == pytest.approx(143.0 / 151.7 * by_label["scratch-upx"]["panels"][1], abs=0.5)
    assert dot[1] == pytest.approx(dot[2], abs=0.1), "a dot is round"
    assert by_label["arm64"]["dot"] is None
    assert chromium.run(OVERLAPS) == []
    assert chromium.run("document.documentElement.scrollWidth") <= width
    assert chromium.complaints() == []


@pytest.mark.browser
@needs_chromium
@pytest.mark.parametrize(("scheme", "media"), [("light", ""), ("dark", ""), ("light", "print"), ("dark", "print")])
def test_chromium_gives_bars_and_words_contrast(chromium: Browser, written: Path, scheme: str, media: str) -> None:
    chromium.send(
        "Emulation.setEmulatedMedia", media=media, features=[{"name": "prefers-color-scheme", "value": scheme}]
    )
    chromium.open(written)
    least = chromium.run(CONTRAST)
    chromium.send("Emulation.setEmulatedMedia", media="", features=[])
    assert least["mark"] >= 3, "WCAG 2.2, 1.4.11"
    assert least["text"] >= 4.5, "WCAG 2.2, 1.4.3"


CONTRAST = """(() => {
  const light = c => c.match(/[\\d.]+/g).slice(0, 3).map(v => (v /= 255) <= 0.04045 ? v / 12.92 :
    ((v + 0.055) / 1.055) ** 2.4).reduce((sum, v, n) => sum + v * [0.2126, 0.7152, 0.0722][n], 0);
  const paper = light(getComputedStyle(document.body).backgroundColor);
  const least = (selector, property) => Math.min(...[...document.querySelectorAll(selector)].map(e => {
    const ink = light(getComputedStyle(e)[property]);
    return (Math.max(ink, paper) + 0.05) / (Math.min(ink, paper) + 0.05); }));
  return {mark: Math.min(least('.chart rect, .chart circle', 'fill'), least('.chart .range', 'stroke')),
          text: least('.chart text', 'fill')};
})()"""


@pytest.mark.browser
@needs_chromium
def test_chromium_tells_a_reader_what_each_picture_shows(chromium: Browser, written: Path) -> None:
    chromium.open(written)
    nodes = chromium.send("Accessibility.getFullAXTree")["nodes"]
    named = [(node.get("role", {}).get("value"), node.get("name", {}).get("value")) for node in nodes]
    assert ("group", "Download and time until ready") in named or ("figure", "Download and time until ready") in named
    pictures = [name for role, name in named if role in ("image", "img")]
    assert "scratch-upx: ready after 143 ms (139 to 152, 5 runs)" in pictures
    assert "arm64: not run" in pictures
