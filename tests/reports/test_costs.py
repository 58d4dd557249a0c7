"""What sizes cost, in words: against worked examples, against the reference, and where a part is not set."""

import msgspec
import pytest

from imgaudit import model
from imgaudit.reports import costs, render
from imgaudit.reports.costs import Kind
from tests.support import probed, reports


def text(report: model.Report, format: str) -> str:
    found = render(report, format)
    return found if isinstance(found, str) else found.decode()


def sized(label: str, megabytes: int, **facts: object) -> model.Image:
    """An image whose content and download are so many million bytes, at 1,000 nodes, 100 pulls a day, 10 Mbit/s."""
    image = reports.image(label, (), {})
    size = msgspec.structs.replace(image.size, content=megabytes * 10**6, download=megabytes * 10**6, **facts)
    image = msgspec.structs.replace(image, size=size)
    return probed.with_cost(image, probed.cost(image))


def fleet(*images: model.Image) -> model.Report:
    return reports.report(*images, comparison=reports.comparison(images, images[-1].label, "it is smaller"))


def words(report: model.Report, label: str) -> dict[Kind, tuple[str, str]]:
    row = next(row for row in costs.rows(report) if row.label == label)
    return {kind: (figure.words, figure.difference) for kind, figure in row.figures.items()}


def test_305_and_13_megabytes_on_a_thousand_nodes() -> None:
    report = fleet(sized("single", 305), sized("multi", 13))
    assert words(report, "single") == {
        "storage": ("305 GB", "reference"),
        "transfer": ("30.5 GB", "reference"),
        "pull": ("4 min 4 s", "reference"),
    }
    assert words(report, "multi") == {
        "storage": ("13.0 GB", "-292 GB"),
        "transfer": ("1.30 GB", "-29.2 GB"),
        "pull": ("10.4 s", "-3 min 54 s"),
    }


@pytest.mark.parametrize("format", ["table", "markdown", "html"])
def test_every_format_says_the_same_of_costs(format: str) -> None:
    report = probed.of(
        fleet(sized("single", 305), sized("multi", 13)),
        *(sized("single", 305), sized("multi", 13)),
        registry=model.RegistryStorage(bytes=310_000_000, unshared=318_000_000, estimated=False),
    )
    found = text(report, format).replace("−", "-")
    for said in (
        "What the size costs",
        "305 GB",
        "-292 GB",
        "30.5 GB",
        "-29.2 GB",
        "4 min 4 s",
        "-3 min 54 s",
        "1,000 nodes",
        "100 pulls a day",
        "10 Mbit/s",
        "In a registry: 310 MB for 2 images, each layer stored once (2.52 % less); 318 MB one by one.",
    ):
        assert said in found, said


@pytest.mark.parametrize("format", ["table", "markdown", "html"])
def test_one_image_has_its_costs_without_a_difference(format: str) -> None:
    found = text(probed.image(), format)
    section = found.rpartition("What the size costs")[2]
    for said in ("9.28 GB on 1,000 nodes", "371 MB at 100 pulls a day", "2.97 s over 10 Mbit/s"):
        assert said in section, said
    assert "+/-" not in found
    assert "reference</td>" not in section


@pytest.mark.parametrize(
    ("nodes", "pulls", "link", "kinds"),
    [
        (None, None, None, ()),
        (1000, None, None, ("storage",)),
        (None, 100, None, ("transfer",)),
        (None, None, 10**9, ("pull",)),
        (1, 1, None, ("storage", "transfer")),
    ],
)
def test_only_what_is_set_is_shown(nodes: int | None, pulls: int | None, link: int | None, kinds: tuple[Kind]) -> None:
    images = [probed.with_cost(image, probed.cost(image, nodes, pulls, link)) for image in reports.compared().images]
    report = probed.of(reports.compared(), *images)
    assert costs.kinds(report.images) == kinds
    for format in ("table", "markdown", "html"):
        found = text(report, format)
        assert ("What the size costs" in found) is bool(kinds)
        assert ("Storage: " in found) is ("storage" in kinds)
        assert ("Transfer: " in found) is ("transfer" in kinds)
        assert ("Pull: " in found) is ("pull" in kinds)
    for format in ("table", "markdown", "html"):
        found = text(reports.report(images[0]), format)
        assert ("What the size costs" in found) is bool(kinds)


def test_an_unknown_size_costs_what_was_not_measured() -> None:
    found = words(probed.compared(), "incomplete")
    assert found["storage"] == ("not measured", "not comparable")
    assert found["transfer"][0] == "616 MB"


def test_an_estimate_is_marked_and_not_compared_with_what_was_measured() -> None:
    report = probed.compared()
    assert words(report, "arm64") == {
        "storage": ("6.70 GB", "-116 GB"),
        "transfer": ("~275 MB", "not comparable"),
        "pull": ("~2.20 s", "not comparable"),
    }
    assert costs.notes(report)[-1] == "~ is an estimate, as the download is."
    one, other = (sized(label, size, download_estimated=True) for label, size in (("a", 305), ("b", 13)))
    assert words(fleet(one, other), "b") == {
        "storage": ("13.0 GB", "-292 GB"),
        "transfer": ("~1.30 GB", "~-29.2 GB"),
        "pull": ("~10.4 s", "~-3 min 54 s"),
    }
    assert costs.notes(fleet(sized("a", 305), sized("b", 13)))[-1] == "Differences are against a."


def test_images_without_costs_stand_among_those_with() -> None:
    bare = msgspec.structs.replace(sized("bare", 13), cost=None)
    for images in ((sized("a", 305), bare), (bare, sized("a", 305))):
        report = fleet(*images)
        assert words(report, "bare")["storage"][0] == "not measured"
        for format in ("table", "markdown", "html"):
            assert "not measured" in text(report, format)


def test_other_numbers_are_not_compared() -> None:
    image = sized("b", 13)
    report = fleet(sized("a", 305), probed.with_cost(image, probed.cost(image, nodes=10)))
    assert words(report, "b")["storage"] == ("130 MB", "not comparable")
    assert words(report, "b")["transfer"][1] == "-29.2 GB"
    assert costs.notes(report)[0] == "Storage: the content of all layers on 1,000 nodes and 10 nodes."


def test_without_a_reference_there_is_no_difference() -> None:
    images = (sized("a", 305), sized("b", 13))
    baseline = msgspec.structs.replace(fleet(*images).comparison, reference_kind="baseline")  # type: ignore[type-var]
    for compared in (None, baseline):
        report = reports.report(*images, comparison=compared)
        assert words(report, "b")["storage"] == ("13.0 GB", "")
        assert "+/-" not in text(report, "table")
        assert text(report, "markdown").count("| label | storage | transfer a day | pull |") == 1


@pytest.mark.parametrize(
    ("stored", "unshared", "estimated", "said"),
    [
        (30_000_000, 40_000_000, False, "30.0 MB for 2 images, each layer stored once (25.0 % less); 40.0 MB one by"),
        (30_000_000, 40_000_000, True, "~30.0 MB for 2 images, each layer stored once (25.0 % less); ~40.0 MB one by"),
        (40_000_000, 40_000_000, False, "40.0 MB for 2 images; sharing layers saves nothing of it."),
        (50_000_000, 40_000_000, False, "50.0 MB for 2 images, each layer stored once; 40.0 MB one by one."),
        (-1, 0, False, "-1 B for 2 images, each layer stored once; 0 B one by one."),
    ],
)
def test_what_a_registry_stores(stored: int, unshared: int, estimated: bool, said: str) -> None:
    registry = model.RegistryStorage(bytes=stored, unshared=unshared, estimated=estimated)
    images = (sized("a", 30), sized("b", 13))
    report = probed.of(fleet(*images), *images, registry=registry)
    assert costs.registry(report)[0].startswith(f"In a registry: {said}")
    assert (costs.notes(report)[-1] == "~ is an estimate, as the download is.") is estimated


def test_a_registry_alone_has_its_section() -> None:
    registry = model.RegistryStorage(bytes=1, unshared=2, estimated=False)
    report = probed.of(reports.compared(), *reports.compared().images, registry=registry)
    for format in ("table", "markdown", "html"):
        assert "What the size costs" in text(report, format)
        assert "In a registry: 1 B" in text(report, format)
