"""The account of a Go program, and the difference of two: sums, limits, and figures that don't fit."""

import re
import time
import xml.etree.ElementTree

import msgspec
import pytest

from imgaudit import model
from imgaudit.reports import AnyReport, RenderOptions, breakdowns, details, growth, html_treemap, load_report, render
from tests.support import accounts, reports


def text_of(report: AnyReport, format: str, **options: object) -> str:
    found = render(report, format, RenderOptions(**options))  # type: ignore[arg-type]
    return found if isinstance(found, str) else found.decode()


def figures(report: AnyReport) -> list[xml.etree.ElementTree.Element]:
    """The page's treemaps; well-formed XML."""
    found = re.findall(r'<figure class="map".*?</figure>', text_of(report, "html"), re.DOTALL)
    return [xml.etree.ElementTree.fromstring(each) for each in found]


def test_groups_are_an_exact_partition() -> None:
    breakdown = accounts.account()
    groups = breakdowns.groups(breakdown)
    assert sum(group.bytes for group in groups) == breakdown.total
    assert [group.kind for group in groups[-4:]] == ["unknown", "embedded", "sections", "unattributed"]
    sizes = {item.path: item.total for item in breakdown.modules}
    assert {group.name: group.bytes for group in groups if group.kind == "module"} == sizes


def test_an_account_that_does_not_add_up_says_so() -> None:
    breakdown = msgspec.structs.replace(accounts.account(), total=10_000_000)
    groups = breakdowns.groups(breakdown)
    assert sum(group.bytes for group in groups) == 10_000_000
    assert groups[-1].name == "doesn't add up"
    for format in ("table", "markdown", "html"):
        assert re.search("doesn('|&#39;)t add up", text_of(accounts.report(accounts.program(breakdown)), format))


def test_the_first_line_tells_what_is_known_and_what_is_largest() -> None:
    assert text_of(accounts.one(), "table").splitlines()[0] == (
        "./server: 6.77 MB, 99.2 % of it told by package; largest module std (3.51 MB), "
        "largest package runtime (1.20 MB); not compared"
    )
    bare = accounts.report(reports.binary(path="./c", layer=None))
    assert text_of(bare, "table").startswith("./c: 6.91 MB, not told by package; not compared")
    packed = msgspec.structs.replace(accounts.one().binaries[0], size=2_000_000)
    first = text_of(accounts.report(packed), "table").splitlines()[0]
    assert "2.00 MB, 99.2 % of the 6.77 MB inside told by package" in first


def test_a_pipe_holds_the_top_15_of_each_and_says_where_all_are() -> None:
    text = text_of(accounts.one(), "table")
    section = text.partition("\nPackages: 120\n")[2].partition("\nEmbedded")[0]
    assert section.count(" %  ") == 15
    assert "105 more, 1.88 MB: -o json holds all" in section
    assert "inlined" in section
    assert "3 more, 42.0 kB: -o json holds all" in text.partition("\nEmbedded files: 18")[2]
    for line in ("unattributed", "rest of sections", "embedded files", "module unknown"):
        assert re.search(f"^{line} ", text, re.MULTILINE)


def test_the_sums_of_what_is_left_out_are_those_of_the_account() -> None:
    ranked = breakdowns.packages(accounts.account())
    assert sum(item.total for item in ranked[breakdowns.TOP :]) == pytest.approx(1_880_000, abs=5_000)


def test_several_programs_each_get_a_sentence() -> None:
    many = accounts.report(*(accounts.program(accounts.account(), f"./p{n}") for n in range(3)))
    for format in ("table", "markdown"):
        assert len(re.findall("% of it told by package", text_of(many, format))) >= 3


@pytest.mark.parametrize(
    ("file", "download", "words"),
    [
        (2_000_000, 300_000, "x would save ~2.00 MB of the file and ~300 kB of the download (m; b)"),
        (2_000_000, -300_000, "x would save ~2.00 MB of the file and add ~300 kB to the download (m; b)"),
        (-5, None, "x would add ~5 B to the file (m; b)"),
        (0, 7, "x would save nothing of the file and ~7 B of the download (m; b)"),
        (None, None, "x: saving unknown (m; b)"),
    ],
)
def test_a_prediction_says_what_grows_too(file: int | None, download: int | None, words: str) -> None:
    saves = model.PredictedSaving(file=file, download=download)
    assert details.prediction(model.Prediction(what="x", method="m", saves=saves, basis="b")) == words


def test_an_exact_prediction_is_no_estimate() -> None:
    saves = model.PredictedSaving(file=2_000_000, download=300_000)
    exact = model.Prediction(what="x", method="m", saves=saves, basis="exact: it is")
    assert details.prediction(exact).startswith("x would save 2.00 MB of the file and ~300 kB of the download")


def test_growth_adds_up_to_the_difference() -> None:
    compared = accounts.two().comparison
    assert compared is not None
    *parts, last = growth.sums(compared)
    assert sum(line.total for line in parts) == last.total == compared.delta
    for line in parts:
        if line.title != "unexplained":
            assert sum(line.by_state) == line.total
    directions = [item for item in growth.directions(compared) if item.kind != "module"]
    assert sum(item.bytes for item in directions) + compared.unexplained == compared.delta


def test_grown_shrunk_added_and_removed_stand_apart() -> None:
    for format in ("table", "markdown", "html"):
        text = text_of(accounts.two(), format)
        for words in ("larger", "smaller", "new", "grew", "removed", "part5", "web/file00.js", ".symtab"):
            assert words in text, (format, words)
    text = text_of(accounts.two(), "table")
    larger = text.partition("\nPackages, larger")[2].partition("\nPackages, smaller")[0]
    assert "removed" not in larger
    assert "-" not in re.sub("─|-o json", "", larger.replace("example.org/dep", ""))


@pytest.mark.parametrize(
    ("facts", "cause"),
    [
        ({"modules": (("std", 5, 905),), "packages": (("a", 5, 905),), "delta": 900}, "module std, +900 B"),
        ({"sections": ((".symtab", 900, None),), "delta": -900}, "section .symtab, -900 B (removed)"),
        ({"packages": (("a", None, 40),), "sections": ((".x", 0, -90),), "delta": -50}, "section .x, -90 B"),
        (
            {"embeds": (("p: f", None, 9),), "sections": ((".x", 9, None),), "delta": 0},
            "embedded file p: f, +9 B (new)",
        ),
        (
            {"packages": (("a", 0, 50), ("b", 0, 40)), "modules": (("m", 0, 1),), "delta": 90},
            "packages whose module is unknown, +89 B, first a, +50 B",
        ),
        ({"delta": 7}, ""),
    ],
)
def test_the_first_line_names_the_largest_cause(facts: dict[str, object], cause: str) -> None:
    rows = {
        name: tuple(
            model.BinaryDelta(path=path, old=old, new=new, delta=(new or 0) - (old or 0)) for path, old, new in value
        )
        for name, value in facts.items()
        if isinstance(value, tuple)
    }
    compared = model.BinaryComparison(old="a", new="b", delta=facts["delta"], unexplained=0, **rows)  # type: ignore[arg-type]
    assert growth.cause(compared).partition(": ")[2] == cause


def test_two_that_could_not_be_taken_apart() -> None:
    bare = [reports.binary(size, path=f"./{size}", layer=None) for size in (900, 1_000)]
    for format in ("table", "markdown", "html"):
        assert "at least one of the two could not be taken apart" in text_of(accounts.report(*bare), format)


@pytest.mark.parametrize("size", [1 - 2**63, -1, 0, 1, 2**63 - 1])
def test_figures_of_an_edited_report_break_no_format(size: int) -> None:
    report = accounts.edited(size)
    for format in ("table", "markdown", "html"):
        text_of(report, format, tty=True, width=60)
    data = render(report, "json")
    assert isinstance(data, bytes)
    assert load_report(data) == report
    for figure in figures(report):
        for element in figure.iter("svg"):
            for name in ("x", "y", "width", "height"):
                value = element.get(name, "0%")
                assert value == "480" or 0 <= float(value.removesuffix("%")) <= 100


def test_an_empty_account_is_no_picture() -> None:
    nothing = model.SizeBreakdown(packages=(), modules=(), embeds=(), remainder=(), unattributed=0, total=0)
    report = accounts.report(accounts.program(nothing))
    assert figures(report) == []
    for format in ("table", "markdown"):
        text_of(report, format)


def test_every_cell_has_its_words_and_the_map_a_name() -> None:
    (figure,) = figures(accounts.one())
    frame = figure.find("svg")
    assert frame is not None
    assert frame.get("role") == "img"
    assert (frame.get("aria-label") or "").startswith("Treemap of 6.77 MB, largest first: std go1.26.8 51.9 %")
    cells = [svg for svg in figure.iter("svg") if (svg.get("class") or "").startswith("cell")]
    assert sum(int(cell.get("data-order") or 0) for cell in cells) == accounts.account().total
    titles = [cell.findtext("title") for cell in cells]
    assert "net/http: 600 kB, 8.9 %" in titles
    assert "web/file00.js: 30.0 kB, 0.4 %" in titles
    assert "unattributed: 691 B, <0.1 %" in titles
    assert all(titles)
    assert not any(element.get("style") for element in figure.iter())


def test_std_and_the_programs_own_module_have_colours_of_their_own() -> None:
    item = accounts.one().binaries[0]
    assert item.size_breakdown is not None
    found = html_treemap.swatches(item, breakdowns.groups(item.size_breakdown))
    assert found["std go1.26.8"] == "m0"
    assert found["example.org/shop v1.2.3"] == "m1"
    assert len(set(found.values())) == len(found)


@pytest.mark.parametrize(
    ("name", "last"),
    [("net/http", "http"), ("example.org/x/api/v2", "api/v2"), ("v2", "v2"), ("", ""), ("/", "/"), ("a/", "a")],
)
def test_the_last_part_of_a_name(name: str, last: str) -> None:
    assert html_treemap.last_part(name) == last


def test_an_image_shows_its_service_as_a_map() -> None:
    image = msgspec.structs.replace(reports.scratch(), binaries=(reports.binary(size_breakdown=accounts.account()),))
    assert len(figures(reports.report(image))) == 1
    assert figures(reports.report(reports.debian())) == []
    assert "Packages: 120" in text_of(reports.report(image), "table")


def test_thousands_of_packages_stay_small_and_quick() -> None:
    large = accounts.account(5_000)
    text_of(accounts.one(), "html")  # templates are read
    start = time.process_time()
    text = text_of(accounts.report(accounts.program(large)), "html")
    assert time.process_time() - start < 2
    assert len(text.encode()) < 1_000_000
    assert "smaller packages" in text
    assert "4,800 more, " in text
    for format, limit in (("table", 20_000), ("markdown", 65_536)):
        assert len(text_of(accounts.report(accounts.program(large)), format)) < limit


def test_long_names_and_many_programs_stay_small() -> None:
    long = accounts.account(600)
    rows = tuple(
        msgspec.structs.replace(row, name=str(n) + "<&'" * 400, module=str(n % 90) + "<" * 900)
        for n, row in enumerate(long.packages)
    )
    long = msgspec.structs.replace(long, packages=rows)
    assert len(text_of(accounts.report(accounts.program(long)), "html").encode()) < 1_000_000
    many = accounts.report(*(accounts.program(accounts.account(400), f"./p{n}") for n in range(12)))
    assert len(text_of(many, "html").encode()) < 1_000_000
    assert len(text_of(many, "markdown")) <= 65_536


def test_other_programs_of_an_image_are_told_of() -> None:
    image = reports.debian()
    other = reports.binary(9_000_000, path="/usr/bin/tool", role="other", size_breakdown=accounts.account())
    report = reports.report(msgspec.structs.replace(image, binaries=(*image.binaries, other)))
    for format in ("table", "markdown"):
        assert re.search("/usr/bin/tool.*: 9.00 MB, 99.2 % of the 6.77 MB inside told", text_of(report, format))
    assert len(figures(report)) == 1
