"""The page in a real Chromium: quiet, narrow, without script, by keyboard."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from imgaudit.reports import AnyReport, render
from tests.support import accounts, probed, reports, reviewed
from tests.support.browser import CHROMIUM, Browser, browser

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed"),
]

REPORTS: dict[str, AnyReport] = {
    "compare": reports.compared(),
    "image": reports.report(reports.debian()),
    "checked": reports.checked(),
    "binaries": reports.binaries(),
    "account": accounts.one(),
    "accounts": accounts.two(),
    "hostile-accounts": accounts.hostile(),
    "hostile": reports.hostile_compared(),
    "probed": probed.compared(),
    "probed-broken": probed.broken(),
    "reviewed": reviewed.single(),
    "reviewed-compared": reviewed.compared(),
    "reviewed-hostile": reviewed.hostile(reports.NASTY[-1]),
    "hostile-image": reports.report(reports.hostile().images[9]),
}
FIRST_LABELS = "[...document.querySelectorAll('#table-variants tbody th .id')].map(e => e.textContent)"


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("pages")
    written = {}
    for name, report in REPORTS.items():
        page = render(report, "html")
        assert isinstance(page, str)
        written[name] = folder / f"{name}.html"
        written[name].write_text(page, encoding="utf-8")
    return written


@pytest.fixture(scope="module")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with browser(tmp_path_factory.mktemp("profile")) as opened:
        yield opened


@pytest.mark.parametrize("name", REPORTS)
def test_quiet_alone_and_without_a_horizontal_scroll_at_360_pixels(
    chromium: Browser, pages: dict[str, Path], name: str
) -> None:
    chromium.open(pages[name], width=360)
    assert chromium.run("document.documentElement.scrollWidth") <= 360
    assert chromium.complaints() == []
    assert [url for url in chromium.requests() if not url.startswith("file:///")] == []
    assert len(chromium.requests()) == 1
    # The policy let the style and the script in.
    assert chromium.run("getComputedStyle(document.querySelector('nav ul')).display") == "flex"
    assert chromium.run("document.querySelectorAll('button.sort').length") > 0


def test_a_foreign_script_is_stopped(chromium: Browser, pages: dict[str, Path]) -> None:
    chromium.open(pages["compare"])
    chromium.run(
        "{const s = document.createElement('script'); s.textContent = 'globalThis.ran = 1'; document.body.append(s)}"
    )
    assert chromium.run("globalThis.ran") is None
    assert any("Content Security Policy" in line for line in chromium.complaints())


def test_nothing_of_a_hostile_report_becomes_an_element(chromium: Browser, pages: dict[str, Path]) -> None:
    for name in ("hostile", "hostile-image", "hostile-accounts"):
        chromium.open(pages[name])
        assert chromium.run("document.querySelectorAll('script').length") == 1
        assert chromium.run("document.querySelectorAll('img, iframe, object, embed').length") == 0
        assert (
            chromium.run(
                "[...document.querySelectorAll('*')].some(e => e.getAttributeNames().some(n => /^on/.test(n)))"
            )
            is False
        )
        assert chromium.run("[...document.links].every(a => a.getAttribute('href').startsWith('#'))") is True


def test_reads_without_script(chromium: Browser, pages: dict[str, Path]) -> None:
    chromium.open(pages["compare"], script=False)
    text = chromium.run("document.body.innerText")
    for word in ("distroless is recommended", "scratch-upx", "48.9 MB", "not measured", "The registry has no such tag"):
        assert word in text
    assert chromium.run("document.querySelectorAll('button, input').length") == 0


def test_sorts_by_keyboard_and_keeps_it_in_the_address(chromium: Browser, pages: dict[str, Path]) -> None:
    chromium.open(pages["compare"])
    given = chromium.run(FIRST_LABELS)
    assert given[0] == "debian"
    chromium.run("document.querySelectorAll('#table-variants th button')[3].focus()")
    chromium.press("Enter", "\r")
    head = "document.querySelectorAll('#table-variants thead th')[3].getAttribute('aria-sort')"
    assert chromium.run(head) == "descending"  # numbers: largest first
    assert chromium.run(FIRST_LABELS)[-1] == "scratch-upx"
    chromium.press("Enter", "\r")
    assert chromium.run(head) == "ascending"
    assert chromium.run(FIRST_LABELS)[0] == "scratch-upx"
    query = chromium.run("location.search")
    assert "sort.variants=3" in query
    chromium.open(pages["compare"], query)
    assert chromium.run(FIRST_LABELS)[0] == "scratch-upx"
    assert sorted(chromium.run(FIRST_LABELS)) == sorted(given)
    assert chromium.complaints() == []


def test_filters_and_keeps_it_in_the_address(chromium: Browser, pages: dict[str, Path]) -> None:
    chromium.open(pages["image"], "?filter.packages=lib989")
    shown = "[...document.querySelectorAll('#table-packages tbody tr')].filter(r => !r.hidden).length"
    assert chromium.run(shown) == 1
    assert "1 of 90" in chromium.run("document.querySelector('.filter output').textContent")


def test_paper_shows_what_is_folded(chromium: Browser, pages: dict[str, Path]) -> None:
    seen = "document.querySelector('details .scroll').checkVisibility({contentVisibilityAuto: true})"
    for media, visible in (("screen", False), ("print", True)):
        chromium.send("Emulation.setEmulatedMedia", media=media)
        chromium.open(pages["compare"])
        assert chromium.run(seen) is visible, media
    chromium.send("Emulation.setEmulatedMedia", media="")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_has_the_contrast_of_wcag_aa(chromium: Browser, pages: dict[str, Path], scheme: str) -> None:
    for name in ("compare", "image", "probed", "probed-broken", "account", "accounts"):
        chromium.send("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
        chromium.open(pages[name])
        assert chromium.run(CONTRAST) == []
    chromium.send("Emulation.setEmulatedMedia", features=[])


# Every element with text of its own whose colour on its background is below 4.5 to 1 (WCAG 2.2, 1.4.3).
CONTRAST = """(() => {
  const parse = c => c.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => [r, g, b].map(v => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, n) => sum + v * [0.2126, 0.7152, 0.0722][n], 0);
  const paper = e => { for (; e; e = e.parentElement) { const c = parse(getComputedStyle(e).backgroundColor);
    if (c.length < 4 || c[3] > 0) return c; } return [255, 255, 255]; };
  const bad = new Set();
  for (const e of document.body.querySelectorAll("*")) {
    if (![...e.childNodes].some(n => n.nodeType === 3 && n.data.trim()) || e.closest("svg, script")) continue;
    const a = light(parse(getComputedStyle(e).color)), b = light(paper(e));
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < 4.5) bad.add(e.tagName + "." + e.className + " " + ratio.toFixed(2));
  }
  return [...bad];
})()"""
