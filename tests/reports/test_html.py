"""The page's text: closed policy, escaped values, bounded weight."""

import base64
import hashlib
import re
import time
from html.parser import HTMLParser
from pathlib import Path

import msgspec
import pytest

from imgaudit import model
from imgaudit.errors import OutputError
from imgaudit.reports import AnyReport, RenderOptions, html, render
from tests.support import accounts, probed, reports

CASES: dict[str, AnyReport] = {
    "compare": reports.compared(),
    "image": reports.report(reports.debian()),
    "check": reports.checked(),
    "binary": reports.binaries(),
    "account": accounts.one(),
    "accounts": accounts.two(),
    "hostile accounts": accounts.hostile(),
    "hostile": reports.hostile_compared(),
    "hostile image": reports.report(reports.hostile().images[0]),
    "probed": probed.compared(),
    "probed image": probed.image(),
    "probed broken": probed.broken(),
    "empty": reports.report(failed=(reports.FAILED,)),
}
VOID = {"meta", "link", "input", "br", "img", "hr"}


def page(report: AnyReport, **options: object) -> str:
    found = render(report, "html", RenderOptions(**options))  # type: ignore[arg-type]
    assert isinstance(found, str)
    return found


def test_an_images_other_binaries_are_folded_and_named_once() -> None:
    image = reports.debian()
    others = tuple(reports.binary(path=f"/usr/bin/tool{number}", role="other") for number in range(3))
    text = page(reports.report(msgspec.structs.replace(image, binaries=(*image.binaries, *others))))
    folded = re.search("<details>\\s*<summary>Other binaries: ([0-9]+)</summary>.*?</details>", text, re.DOTALL)
    assert folded is not None
    assert folded[0].count("/usr/bin/tool1<") == 1


class Outline(HTMLParser):
    """Checks the nesting, and collects tags, ids and attributes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.attributes: set[str] = set()
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes |= {name for name, _ in attrs}
        for name, value in attrs:
            if name == "id":
                self.ids.append(value or "")
            if name in ("href", "src"):
                self.links.append(value or "")
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.mark.parametrize("case", CASES)
def test_a_page_is_well_formed_and_alone(case: str) -> None:
    outline = Outline(page(CASES[case]))
    assert outline.open == []
    assert len(outline.ids) == len(set(outline.ids)), "an id twice"
    assert all(link.startswith("#") and link[1:] in outline.ids for link in outline.links)
    assert outline.tags.count("h1") == 1
    assert outline.tags.count("script") == 1
    assert outline.tags.count("style") == 1
    assert not {"img", "iframe", "link", "object", "form"} & set(outline.tags)
    # An inline style would need 'unsafe-inline'; a handler is code.
    assert not {name for name in outline.attributes if name == "style" or name.startswith("on")}


@pytest.mark.parametrize("case", CASES)
def test_tables_name_their_heads(case: str) -> None:
    text = page(CASES[case])
    assert text.count("<table") == text.count("<caption>")
    assert len(re.findall(r"<th(?= )", text)) == text.count('scope="col"') + text.count('scope="row"')


def test_the_policy_names_the_very_style_and_script() -> None:
    text = page(reports.compared())
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', text)
    assert policy is not None
    assert policy[1].startswith("default-src &#39;none&#39;; ")
    assert "unsafe" not in policy[1]
    for tag in ("style", "script"):
        inline = re.search(f"<{tag}>(.*?)</{tag}>", text, re.DOTALL)
        assert inline is not None
        digest = base64.b64encode(hashlib.sha256(inline[1].encode()).digest()).decode()
        assert f"{tag}-src &#39;sha256-{digest}&#39;" in policy[1].replace("&#43;", "+")


def test_everything_of_the_comparison_is_there() -> None:
    text = re.sub(r"<[^>]+>", " ", page(reports.compared()))
    for words in (
        "distroless is recommended",
        "certificates and time zones",
        "Where the bytes are",
        "What each has and lacks",
        "Why they differ",
        "shared by 3",
        "Runs as root",
        "16.0 MB (6.90 MB overwritten, 9.10 MB deleted)",
        "gzip data ends early",
        "The registry has no such tag.",
        "not measured",
        "~2.75 MB",
        "sha256",
        "imgaudit 0.1.0",
        "2026-11-21T12:00:00Z",
    ):
        assert words in text or words in page(reports.compared()), words


def test_exact_bytes_stand_beside_the_rounded() -> None:
    assert 'title="48,881,740 bytes"' in page(reports.compared())
    assert 'title="2,751,200 bytes, estimated"' in page(reports.compared())


def test_a_title_of_ones_own() -> None:
    assert "<title>A &lt;b&gt; title</title>" in page(reports.compared(), title="A <b> title")


def test_bars_add_up() -> None:
    text = page(reports.compared())
    for bar in re.findall(r'<svg class="bar".*?</svg>', text, re.DOTALL):
        ends = [float(x) + float(w) for x, w in re.findall(r'<rect class="k\d+" x="([\d.]+)" width="([\d.]+)"', bar)]
        assert all(end <= 1000.01 for end in ends)
        assert ends == sorted(ends)


def test_5000_rows_stay_small_and_quick() -> None:
    files = tuple(model.LargeFile(path=f"/usr/lib/file{n:05}", size=10_000 - n, layer=0) for n in range(5_000))
    packages = tuple(
        model.Package(type="deb", name=f"lib{n}", version="1", arch=None, purl="p", size=5_000) for n in range(5_000)
    )
    image = msgspec.structs.replace(reports.debian(), files=model.Files(largest=files), packages=packages)
    page(reports.report(reports.scratch()))  # templates are read
    start = time.perf_counter()
    text = page(reports.report(image))
    assert time.perf_counter() - start < 1
    assert len(text.encode()) < 1_000_000
    assert "4,900 more, 24.5 MB" in text
    many = [msgspec.structs.replace(reports.debian(), label=f"variant{n}") for n in range(200)]
    text = page(reports.report(*many))
    assert len(text.encode()) < 1_000_000
    assert "100 more, " in text


def test_templates_hold_no_escape_hatch() -> None:
    folder = html.templates_dir()
    for template in folder.rglob("*.html"):
        text = template.read_text(encoding="utf-8")
        assert "|safe" not in text.replace(" ", "")
        assert "autoescape" not in text
    assert "</" not in (folder / "style.css").read_text(encoding="utf-8")
    assert "</" not in (folder / "script.js").read_text(encoding="utf-8")


def test_missing_templates_are_an_error_of_the_output(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(html, "__file__", str(tmp_path / "a" / "b" / "html.py"))
    with pytest.raises(OutputError, match="templates are missing"):
        html.templates_dir()
