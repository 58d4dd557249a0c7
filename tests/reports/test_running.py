"""How images started, in words: figures with their ranges, and no sentence that the runs don't bear out."""

import math
import re

import msgspec
import pytest

from imgaudit import model
from imgaudit.reports import RenderOptions, paragraphs, render, running
from tests.support import probed, reports

FORMATS = ("table", "markdown", "html", "json")


def spread(least: float, median: float, most: float) -> model.Spread:
    return model.Spread(min=least, median=median, max=most)


def text(report: model.Report, format: str = "table", **options: object) -> str:
    found = render(report, format, RenderOptions(**options))  # type: ignore[arg-type]
    return found if isinstance(found, str) else found.decode()


def strange(found: str) -> list[str]:
    """Words that are no figures, but for those of the page's own script."""
    shown = re.sub("<(script|style)>.*?</\\1>", "", found, flags=re.DOTALL)
    return re.findall(r"(?i)(?<![a-z])(?:nan|inf|infinity)(?![a-z])", shown)


def two(one: model.Probe | None, other: model.Probe | None, *, recommended: str = "scratch") -> model.Report:
    """scratch, the reference, and scratch-upx."""
    images = (probed.with_probe(reports.scratch(), one), probed.with_probe(reports.scratch_upx(), other))
    return reports.report(*images, comparison=reports.comparison(images, recommended, "it is the smallest"))


@pytest.mark.parametrize(
    ("times", "runs", "words"),
    [
        (spread(4.8, 5.1, 6.0), 5, "5.10 ms (4.80 to 6.00, 5 runs)"),
        (spread(143, 143, 143), 1, "143 ms (1 run)"),
        (spread(800, 1200, 1400), 5, "1.20 s (800 ms to 1.40 s, 5 runs)"),
        (spread(1100, 1250, 1400), 3, "1.25 s (1.10 to 1.40, 3 runs)"),
        (spread(125_000, 130_000, 140_000), 2, "2 min 10 s (2 min 5 s to 2 min 20 s, 2 runs)"),
        (spread(0, 0, 0), 2, "0.00 ms (0.00 to 0.00, 2 runs)"),
    ],
)
def test_a_figure_stands_with_its_range(times: model.Spread, runs: int, words: str) -> None:
    assert running.ready_words(model.Probe(runs=runs, ready_ms=times)) == words


@pytest.mark.parametrize(
    "times",
    [
        spread(math.nan, 5.0, 6.0),
        spread(4.0, math.nan, 6.0),
        spread(4.0, 5.0, math.inf),
        spread(-1.0, 5.0, 6.0),
        spread(6.0, 5.0, 4.0),
    ],
)
def test_times_that_no_clock_gives_are_not_measured(times: model.Spread) -> None:
    assert running.ready_words(model.Probe(runs=5, ready_ms=times)) == "not measured"
    report = two(model.Probe(runs=5, ready_ms=times), probed.probe(139.0, 143.0, 151.0))
    for format in FORMATS:
        assert strange(text(report, format)) == []
        assert "longer" not in text(report, format)


@pytest.mark.parametrize(
    ("probe", "words"),
    [
        (probed.FOREIGN, "not run"),
        (probed.NEVER, "not ready"),
        (model.Probe(runs=0), "not measured"),
        (model.Probe(runs=0, ready_ms=spread(1, 2, 3)), "not measured"),
    ],
)
def test_without_times_a_word_says_so(probe: model.Probe, words: str) -> None:
    assert running.ready_words(probe) == words


def test_how_it_stopped() -> None:
    stop = model.Stop(signal="SIGTERM", exit_code=0, ms=12.0)
    assert running.stop_words(stop) == "SIGTERM, exit code 0, 12.0 ms"
    assert running.stop_short(stop) == "exit 0, 12.0 ms"
    other = model.Stop(signal="SIGQUIT", exit_code=2, ms=None)
    assert running.stop_words(other) == "SIGQUIT, exit code 2"
    assert running.stop_short(other) == "exit 2 (SIGQUIT)"
    killed = model.Stop(signal="SIGTERM", exit_code=None, ms=None)
    assert running.stop_words(killed) == "killed, SIGTERM did not end it"
    assert running.stop_words(None) == running.stop_short(None) == "not measured"


def test_a_difference_is_told_where_no_run_of_one_lies_within_the_others() -> None:
    report = two(probed.probe(4.8, 5.1, 6.0), probed.probe(139.2, 143.0, 151.7))
    assert paragraphs.started(report) == [
        "Recommended, scratch: ready in 5.10 ms (4.80 to 6.00, 5 runs).",
        "scratch-upx took 138 ms longer to become ready than scratch (143 against 5.10 ms).",
    ]
    report = two(probed.probe(139.2, 143.0, 151.7), probed.probe(4.8, 5.1, 6.0))
    assert paragraphs.started(report)[1] == (
        "scratch-upx took 138 ms less to become ready than scratch (5.10 against 143 ms)."
    )


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (probed.probe(4.8, 5.1, 6.0), probed.probe(6.0, 7.0, 8.0)),  # they touch
        (probed.probe(4.8, 5.1, 600.0), probed.probe(139.2, 143.0, 151.7)),
        (probed.probe(5.1, 5.1, 5.1, runs=1), probed.probe(143.0, 143.0, 143.0, runs=1)),  # no range at all
        (probed.probe(5.0, 5.0, 5.0), probed.probe(5.0, 5.0, 5.0)),
    ],
)
def test_else_there_is_none_that_the_runs_can_tell(one: model.Probe, other: model.Probe) -> None:
    (_, line) = paragraphs.started(two(one, other))
    assert line.startswith("scratch-upx and scratch: no difference that the runs can tell (")


@pytest.mark.parametrize("missing", [None, probed.FOREIGN, probed.NEVER])
def test_nothing_is_compared_with_what_has_no_times(missing: model.Probe | None) -> None:
    assert len(paragraphs.started(two(probed.probe(4.8, 5.1, 6.0), missing))) == 1
    lines = paragraphs.started(two(missing, probed.probe(4.8, 5.1, 6.0)))
    assert lines == [
        {
            None: "Recommended, scratch: not run.",
            probed.FOREIGN: "Recommended, scratch: not run: it is for linux/arm64, and the engine here runs "
            "linux/amd64.",
            probed.NEVER: "Recommended, scratch: not ready: exited before it was ready.",
        }[missing]
    ]


def test_a_packed_image_is_set_against_the_smallest_that_is_not_packed_on_its_platform() -> None:
    lines = paragraphs.started(probed.compared())
    assert "scratch-upx took 138 ms longer to become ready than scratch (143 against 5.10 ms)." in lines
    images = [
        probed.with_probe(image, probed.probe(1.0, 2.0, 3.0)) if image.label == "arm64" else image
        for image in probed.compared().images
        if image.label in ("scratch-upx", "arm64")
    ]
    assert paragraphs.started(reports.report(*images)) == []


@pytest.mark.parametrize(("path", "lines"), [("example.org/other", 1), (None, 2)])
def test_a_packed_image_is_not_set_against_another_program(path: str | None, lines: int) -> None:
    report = two(probed.PROBES["scratch"], probed.PROBES["scratch-upx"])
    packed = report.images[1]
    other = msgspec.structs.replace(packed.binaries[0], go=msgspec.structs.replace(reports.go_info(), path=path))
    packed = msgspec.structs.replace(packed, binaries=(other,))
    assert len(paragraphs.started(probed.of(report, report.images[0], packed))) == lines


def test_a_recommended_image_is_set_against_the_reference() -> None:
    lines = paragraphs.started(probed.compared())
    assert lines[:2] == [
        "Recommended, distroless: ready in 5.60 ms (5.00 to 6.40, 5 runs).",
        "distroless and debian: no difference that the runs can tell (5.60 against 6.82 ms).",
    ]


def test_the_note_says_what_zero_is_and_how_health_was_asked_for() -> None:
    first, second, _ = paragraphs.started_notes(probed.compared())
    assert second.startswith("Up to: it was ready when it was first asked")
    assert "from the moment that the engine gives as the program's start" in first
    assert "(GET /health on port 8080)" in first
    other = probed.probe(1.0, 2.0, 3.0, asked="the command /app --healthcheck")
    first, _ = paragraphs.started_notes(two(probed.PROBES["scratch"], other))
    assert "(GET /health on port 8080 for scratch and the command /app --healthcheck for scratch-upx)" in first
    assert paragraphs.started_notes(two(probed.FOREIGN, None)) == []


@pytest.mark.parametrize("format", ["table", "markdown", "html"])
def test_every_format_says_the_same_of_starting(format: str) -> None:
    found = text(probed.compared(), format).replace("&#34;", '"')
    for words in (
        "When started",
        "5.60 ms (5.00 to 6.40, 5 runs)",
        "scratch-upx took 138 ms longer to become ready than scratch (143 against 5.10 ms).",
        "no difference that the runs can tell",
        "not run: it is for linux/arm64, and the engine here runs linux/amd64",
        "exited before it was ready",
        "GET /health on port 8080",
        "14.6 MB",
        "killed",
    ):
        assert words in found, words


@pytest.mark.parametrize("format", ["table", "markdown", "html"])
def test_nothing_is_said_of_starting_where_nothing_was_started(format: str) -> None:
    for report in (reports.compared(), reports.report(reports.scratch()), reports.report()):
        found = text(report, format)
        assert "When started" not in found
        assert "What the size costs" not in found


@pytest.mark.parametrize("format", ["table", "markdown", "html"])
def test_a_failed_start_shows_its_exit_code_and_its_last_lines(format: str) -> None:
    found = text(probed.broken(), format)
    lines = [line for line in found.splitlines() if "/src/main.go" in line]
    assert len(lines) == 1, "each line of the output stands alone"
    assert any("exit code" in line and "2" in line for line in found.splitlines())
    assert "read-only file system" in found
    assert "exited before it was ready" in found


def test_a_line_of_output_is_never_at_a_lines_start() -> None:
    probe = msgspec.structs.replace(probed.NEVER, output="::error::x\n\n# heading\n- item\n```\n")
    report = reports.report(probed.with_probe(reports.scratch(), probe))
    for format in ("table", "markdown"):
        for line in text(report, format).splitlines():
            assert not line.lstrip().startswith(("::error", "# heading", "- item", "```")), (format, line)


def test_long_output_is_cut_in_a_terminal_and_whole_in_a_pipe() -> None:
    probe = msgspec.structs.replace(probed.NEVER, output="".join(f"line {n}\n" for n in range(50)) + "x" * 5_000)
    report = reports.report(probed.with_probe(reports.scratch(), probe))
    assert "31 more" in text(report, tty=True)
    assert "x" * 5_000 not in text(report, tty=True)
    assert "line 49" in text(report)
    assert "x" * 5_000 in text(report)


@pytest.mark.parametrize("output", [None, "", "\n\n", " "])
def test_no_output_is_no_list(output: str | None) -> None:
    probe = msgspec.structs.replace(probed.NEVER, output=output)
    assert running.output(probe) == []
    report = reports.report(probed.with_probe(reports.scratch(), probe))
    assert "its last lines" not in text(report)
    assert "Last lines written" not in text(report, "html")
    assert "none were written" in text(report, "markdown")


def test_images_that_nobody_started_stand_among_those_that_were() -> None:
    images = (reports.debian(), probed.with_probe(reports.scratch(), probed.PROBES["scratch"]))
    found = text(reports.report(*images, comparison=reports.comparison(images, "scratch", "smaller")))
    section = found.partition("When started")[2].partition("What each has")[0]
    assert "debian " in section
    assert "not run" in section
    assert "debian and" not in section


NUMBERS = (math.nan, math.inf, -math.inf, -1.0, 0.0, 5e-324, 1e-9, 1e18, 1e300)


@pytest.mark.parametrize("value", NUMBERS)
def test_no_number_breaks_a_format(value: float) -> None:
    stop = model.Stop(signal="SIGTERM", exit_code=-1, ms=value)
    for times in (spread(value, value, value), spread(0.0, 1.0, value), spread(value, 1.0, 2.0)):
        image = probed.with_probe(reports.scratch(), model.Probe(runs=2, ready_ms=times, stop=stop))
        cost = msgspec.structs.replace(probed.cost(image), pull_seconds=value, storage=2**63 - 1, link=-1)
        image = probed.with_cost(image, cost)
        images = (image, probed.with_cost(reports.scratch_upx(), probed.cost(reports.scratch_upx())))
        both = reports.report(*images, comparison=reports.comparison(images, "scratch", "smaller"))
        for report in (reports.report(image), both):
            for format in FORMATS:
                assert strange(text(report, format)) == [], format


def test_nan_is_null_in_json_also_beside_a_name_that_is_not_utf_8() -> None:
    for label in ("plain", "\udcff"):
        probe = probed.probe(math.nan, 2.0, math.inf)
        report = reports.report(reports.image(label, (), {}, probe=probe))
        assert '"min": null,\n          "median": 2.0,\n          "max": null' in text(report, "json")
