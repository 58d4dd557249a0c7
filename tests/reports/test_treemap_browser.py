"""The treemap in a real Chromium: one module alone by keyboard and click, search, contrast, no complaints."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from imgaudit.reports import render
from tests.support import accounts
from tests.support.browser import CHROMIUM, Browser, browser

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed"),
]

CODES = {"Enter": 13, "Escape": 27, "ArrowLeft": 37, "ArrowUp": 38, "ArrowRight": 39, "ArrowDown": 40}
SHOWN = "[...document.querySelectorAll('.block')].filter(b => b.checkVisibility()).map(b => b.dataset.name)"
FOCUSED = "document.activeElement.querySelector('title')?.textContent || ''"
TOLD = "document.querySelector('.mapbar output').textContent"


@pytest.fixture(scope="module")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with browser(tmp_path_factory.mktemp("profile")) as opened:
        yield opened


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("page") / "account.html"
    text = render(accounts.one(), "html")
    assert isinstance(text, str)
    path.write_text(text, encoding="utf-8")
    return path


def press(chromium: Browser, key: str) -> None:
    for kind in ("keyDown", "keyUp"):
        chromium.send("Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=CODES[key])


def test_one_module_alone_by_keyboard(chromium: Browser, page: Path) -> None:
    chromium.open(page)
    assert len(chromium.run(SHOWN)) == 12
    stops = "[...document.querySelectorAll('.cell')].filter(c => c.tabIndex === 0).length"
    assert chromium.run(stops) == 1, "the map is one stop of the Tab key"
    chromium.run("document.querySelector('.filter input').focus()")
    chromium.press("Tab")
    assert chromium.run(FOCUSED).startswith("runtime: 1.20 MB")
    press(chromium, "ArrowDown")
    below = chromium.run(FOCUSED)
    assert below
    assert not below.startswith("runtime")
    assert chromium.run(TOLD) == f"{below} · std"
    press(chromium, "ArrowUp")
    press(chromium, "Enter")
    assert chromium.run(SHOWN) == ["std"]
    assert chromium.run("location.search") == "?zoom.map0=std"
    assert chromium.run("document.activeElement.closest('.block').dataset.name") == "std"
    assert chromium.run(stops) == 1
    wide = "(e => [e.width, e.height])(document.querySelector('.block.m0').getBoundingClientRect())"
    frame = "(e => [e.width, e.height])(document.querySelector('.frame').getBoundingClientRect())"
    assert chromium.run(wide) == pytest.approx(chromium.run(frame), abs=3)
    for key in ("ArrowRight", "ArrowRight", "ArrowDown", "ArrowLeft"):
        press(chromium, key)
        assert chromium.run("document.activeElement.closest('.block').dataset.name") == "std"
    held = chromium.run(FOCUSED)
    press(chromium, "Escape")
    assert len(chromium.run(SHOWN)) == 12
    assert chromium.run(FOCUSED) == held
    assert chromium.run("location.search") == ""
    assert chromium.complaints() == []


def test_one_module_alone_from_the_address_and_back_by_click(chromium: Browser, page: Path) -> None:
    chromium.open(page, "?zoom.map0=example.org%2Fdep01")
    assert chromium.run(SHOWN) == ["example.org/dep01"]
    assert chromium.run(TOLD).startswith("example.org/dep01 v1.2.3: 431 kB")
    chromium.run("document.querySelector('.mapbar button').click()")
    assert len(chromium.run(SHOWN)) == 12
    chromium.run("document.querySelector('.block.m1 rect').dispatchEvent(new MouseEvent('click', {bubbles: true}))")
    assert chromium.run(SHOWN) == ["example.org/shop"]
    chromium.open(page, "?zoom.map0=nothing-of-that-name")
    assert len(chromium.run(SHOWN)) == 12
    assert chromium.complaints() == []


def test_search_fades_cells_filters_rows_and_sums_them(chromium: Browser, page: Path) -> None:
    chromium.open(page)
    chromium.run(
        "{const i = document.querySelector('.filter input'); i.value = 'CRYPTO'; i.dispatchEvent(new Event('input'))}"
    )
    bright = "[...document.querySelectorAll('.cell:not(.faded) title')].map(t => t.textContent)"
    assert chromium.run(bright) == ["crypto/tls: 400 kB, 5.9 %"]
    assert chromium.run("document.querySelector('.filter output').textContent") == "1 of 120, 400 kB"
    assert chromium.run("location.search") == "?filter.packages0=crypto"
    chromium.open(page, "?filter.packages0=crypto&zoom.map0=std")
    assert chromium.run(bright) == ["crypto/tls: 400 kB, 5.9 %"]
    assert chromium.run(SHOWN) == ["std"]
    assert chromium.complaints() == []


# Cells whose label is wider or higher than they are.
OUTSIDE = """[...document.querySelectorAll('.cell')].filter(c => c.checkVisibility()).filter(c => {
  const t = c.querySelector('text'), r = c.querySelector('rect').getBoundingClientRect();
  if (!t || !t.textContent || !t.checkVisibility()) return false;
  return t.getComputedTextLength() + 5 > r.width + 1 || r.height < 15; }).map(c => c.textContent)"""
LABELS = "[...document.querySelectorAll('.cell text')].filter(t => t.textContent && t.checkVisibility()).length"


def test_labels_stay_within_their_cells(chromium: Browser, page: Path) -> None:
    for script in (True, False):
        for width in (1280, 800, 400, 360):
            chromium.open(page, width=width, script=script)
            assert chromium.run(OUTSIDE) == [], (width, script)
            assert chromium.run(LABELS) > 4, (width, script)
            assert chromium.run("document.documentElement.scrollWidth") <= width


def test_labels_stay_within_their_cells_on_paper(chromium: Browser, page: Path) -> None:
    """A page that was laid out for a wide screen is printed on narrow paper, and the screen then shows it again."""
    # Printing tells the page of no new size.
    deaf = "addEventListener('resize', (event) => event.stopImmediatePropagation(), true)"
    added = chromium.send("Page.addScriptToEvaluateOnNewDocument", source=deaf)
    chromium.open(page, width=1280)
    chromium.send("Page.removeScriptToEvaluateOnNewDocument", **added)
    screen = chromium.run(LABELS)
    chromium.run("dispatchEvent(new Event('beforeprint'))")
    chromium.send("Emulation.setEmulatedMedia", media="print")
    chromium.send("Emulation.setDeviceMetricsOverride", width=400, height=900, deviceScaleFactor=1, mobile=False)
    assert chromium.run(OUTSIDE) == []
    assert chromium.run(LABELS) > 4
    chromium.send("Emulation.setEmulatedMedia", media="")
    chromium.send("Emulation.setDeviceMetricsOverride", width=1280, height=900, deviceScaleFactor=1, mobile=False)
    chromium.run("dispatchEvent(new Event('afterprint'))")
    assert chromium.run(OUTSIDE) == []
    assert chromium.run(LABELS) == screen


def test_labels_of_what_a_search_leaves_can_be_read(chromium: Browser, page: Path) -> None:
    chromium.open(page, "?filter.packages0=crypto")
    colours = """[".cell.faded text", ".cell:not(.faded) text"].map(
      (which) => getComputedStyle(document.querySelector(which)).fill)"""
    faded, found = chromium.run(colours)
    assert faded == chromium.run("getComputedStyle(document.querySelector('.mapbar output')).color")
    assert faded != found


def test_reads_without_script(chromium: Browser, page: Path) -> None:
    chromium.open(page, script=False)
    assert chromium.run("document.querySelectorAll('.cell title').length") > 120
    assert chromium.run("document.querySelector('.frame').getAttribute('role')") == "img"
    assert "105 more" not in chromium.run("document.body.innerText")
    assert "runtime" in chromium.run("document.querySelector('#table-packages0').innerText")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_labels_have_contrast_on_their_cells(chromium: Browser, page: Path, scheme: str) -> None:
    chromium.send("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
    chromium.open(page)
    found = chromium.run(CONTRAST)
    chromium.send("Emulation.setEmulatedMedia", features=[])
    assert found["count"] > 60
    assert found["least"] >= 4.5, "WCAG 2.2, 1.4.3"


# The least contrast of the colour of words with any cell's colour; color-mix() comes back as color(srgb r g b).
CONTRAST = """(() => {
  const parts = c => c.startsWith('color') ? c.match(/[\\d.]+/g).map(Number) : c.match(/[\\d.]+/g).map(v => v / 255);
  const light = c => parts(c).slice(0, 3).map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, n) => sum + v * [0.2126, 0.7152, 0.0722][n], 0);
  const on = light(getComputedStyle(document.querySelector('.cell text')).fill);
  const all = [...document.querySelectorAll('.cell rect')].map(e => light(getComputedStyle(e).fill))
    .map(fill => (Math.max(on, fill) + 0.05) / (Math.min(on, fill) + 0.05));
  return {count: all.length, least: Math.min(...all)};
})()"""


def test_a_reader_hears_each_cell(chromium: Browser, page: Path) -> None:
    chromium.open(page)
    nodes = chromium.send("Accessibility.getFullAXTree")["nodes"]
    named = [(node.get("role", {}).get("value"), node.get("name", {}).get("value")) for node in nodes]
    assert ("button", "net/http: 600 kB, 8.9 %") in named
    assert any(role == "group" and str(name).startswith("Treemap of 6.77 MB") for role, name in named)
