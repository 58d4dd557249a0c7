"""What sizes cost, against examples that can be reckoned by hand."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from imgaudit import model
from imgaudit.comparison import compare_images
from imgaudit.configuration import MOST, CostSettings
from imgaudit.cost import cost_of, registry_storage, with_costs
from tests.support import reports

CONFIG = 1_000
FLEET = CostSettings(nodes=1000, pulls_per_day=100, link=10_000_000)


def image(label: str = "app", *, download: int | None, content: int | None, **facts: object) -> model.Image:
    whole = reports.scratch()
    size = msgspec.structs.replace(whole.size, download=download, content=content, download_estimated=False)
    return msgspec.structs.replace(whole, label=label, size=size, **facts)


def of_layers(label: str, *layers: tuple[str, int | None, bool], config: int = CONFIG) -> model.Image:
    """An image of layers (name, download, estimated) whose config has its own id."""
    made = tuple(
        reports.layer(index, name, 5_000, download=download, download_estimated=estimated)
        for index, (name, download, estimated) in enumerate(layers)
    )
    known = [layer.download for layer in made if layer.download is not None]
    download = sum(known) + config if len(known) == len(made) else None
    return image(label, download=download, content=0, layers=made, image_id=reports.digest(label))


@pytest.mark.parametrize(
    ("size", "storage", "a_day", "seconds"),
    [
        (305_000_000, 305_000_000_000, 30_500_000_000, 244.0),  # one stage, 305 MB
        (13_000_000, 13_000_000_000, 1_300_000_000, 10.4),  # from scratch, 13 MB
        (0, 0, 0, 0.0),
        (1, 1000, 100, 8e-7),
    ],
)
def test_worked_examples(size: int, storage: int, a_day: int, seconds: float) -> None:
    """1000 nodes, 100 pulls a day, 10 Mbit/s; for an image as large on disk as over the wire."""
    cost = cost_of(image(download=size, content=size), FLEET)
    assert cost is not None
    assert (cost.storage, cost.transfer_per_day) == (storage, a_day)
    assert cost.pull_seconds == pytest.approx(seconds)
    assert (cost.nodes, cost.pulls_per_day, cost.link, cost.estimated) == (1000, 100, 10_000_000, False)


def test_disks_hold_content_and_wires_carry_downloads() -> None:
    cost = cost_of(image(download=40_000_000, content=100_000_000), FLEET)
    assert cost is not None
    assert (cost.storage, cost.transfer_per_day, cost.pull_seconds) == (100_000_000_000, 4_000_000_000, 32.0)


def test_what_is_not_set_is_not_reckoned() -> None:
    whole = image(download=1_000, content=2_000)
    assert cost_of(whole, CostSettings()) is None
    nodes = cost_of(whole, CostSettings(nodes=3))
    assert nodes is not None
    assert (nodes.storage, nodes.transfer_per_day, nodes.pull_seconds) == (6_000, None, None)
    link = cost_of(whole, CostSettings(link=8_000))
    assert link is not None
    assert (link.storage, link.transfer_per_day, link.pull_seconds) == (None, None, 1.0)
    none = cost_of(whole, CostSettings(pulls_per_day=0))
    assert none is not None
    assert none.transfer_per_day == 0


def test_what_is_unknown_stays_unknown() -> None:
    cost = cost_of(image(download=None, content=None), FLEET)
    assert cost is not None
    assert (cost.storage, cost.transfer_per_day, cost.pull_seconds) == (None, None, None)
    assert (cost.nodes, cost.pulls_per_day, cost.link) == (1000, 100, 10_000_000)


def test_an_estimated_download_makes_an_estimated_cost() -> None:
    whole = image(download=1_000, content=2_000)
    size = msgspec.structs.replace(whole.size, download_estimated=True)
    cost = cost_of(msgspec.structs.replace(whole, size=size), FLEET)
    assert cost is not None
    assert cost.estimated is True


def test_more_than_a_report_can_hold_is_unknown() -> None:
    cost = cost_of(image(download=1, content=1 << 62), CostSettings(nodes=MOST))
    assert cost is not None
    assert cost.storage is None


# A registry


def storage(*images: model.Image) -> model.RegistryStorage:
    found = registry_storage(images)
    assert found is not None
    return found


def test_a_shared_layer_is_stored_once() -> None:
    a = of_layers("a", ("base", 3_000_000, False), ("a", 5_000, False))
    b = of_layers("b", ("base", 3_000_000, False), ("b", 7_000, False))
    assert storage(a, b) == model.RegistryStorage(
        bytes=3_000_000 + 5_000 + 7_000 + 2 * CONFIG,
        unshared=3_005_000 + 3_007_000 + 2 * CONFIG,
        estimated=False,
    )


def test_the_same_image_twice_is_stored_once() -> None:
    a = of_layers("a", ("base", 500, False), ("base", 500, False))
    again = msgspec.structs.replace(a, label="again")
    assert storage(a, again) == model.RegistryStorage(
        bytes=500 + CONFIG, unshared=2 * (1_000 + CONFIG), estimated=False
    )


def test_a_measured_layer_is_preferred_to_its_estimate() -> None:
    guessed = of_layers("guessed", ("base", 410, True))
    measured = of_layers("measured", ("base", 400, False))
    for pair in ((guessed, measured), (measured, guessed)):
        assert storage(*pair).bytes == 400 + 2 * CONFIG
        assert storage(*pair).estimated is False
    assert storage(guessed).estimated is True


def test_configs_without_an_id_are_not_taken_for_one() -> None:
    a = msgspec.structs.replace(of_layers("a", ("base", 400, False)), image_id=None)
    b = msgspec.structs.replace(of_layers("b", ("base", 400, False)), image_id=None)
    assert storage(a, b).bytes == 400 + 2 * CONFIG


def test_nothing_is_said_where_something_is_unknown() -> None:
    known = of_layers("a", ("base", 400, False))
    assert registry_storage([]) is None
    assert registry_storage([known, of_layers("b", ("b", None, False))]) is None
    odd = msgspec.structs.replace(known, size=msgspec.structs.replace(known.size, download=399))
    assert registry_storage([odd]) is None
    layer = msgspec.structs.replace(known.layers[0], download=None)
    assert registry_storage([msgspec.structs.replace(known, layers=(layer,))]) is None


LAYERS = st.lists(
    st.tuples(st.sampled_from("abcdef"), st.integers(0, 10**9), st.booleans()), max_size=6, unique_by=lambda it: it[0]
)


@given(st.lists(LAYERS, min_size=1, max_size=5))
def test_sharing_never_costs_more(images: list[list[tuple[str, int, bool]]]) -> None:
    made = [of_layers(f"image{index}", *layers) for index, layers in enumerate(images)]
    found = storage(*made)
    assert found.bytes <= found.unshared == sum(image.size.download or 0 for image in made)


@given(st.dictionaries(st.sampled_from("abcdef"), st.integers(0, 10**9), min_size=1), st.data())
def test_a_registry_holds_the_union_of_the_layers(sizes: dict[str, int], data: st.DataObject) -> None:
    subsets = data.draw(st.lists(st.sets(st.sampled_from(sorted(sizes))), min_size=1, max_size=5))
    made = [
        of_layers(f"image{index}", *((name, sizes[name], False) for name in sorted(names)))
        for index, names in enumerate(subsets)
    ]
    union = sum(sizes[name] for name in set().union(*subsets))
    assert storage(*made).bytes == union + CONFIG * len(made)


@given(st.lists(LAYERS, min_size=1, max_size=5))
def test_with_nothing_shared_both_are_equal(images: list[list[tuple[str, int, bool]]]) -> None:
    made = [
        of_layers(f"image{index}", *((f"{index} {name}", size, estimated) for name, size, estimated in layers))
        for index, layers in enumerate(images)
    ]
    found = storage(*made)
    assert found.bytes == found.unshared
    assert found.estimated == any(estimated for layers in images for _, _, estimated in layers)


# In a report


def test_a_report_has_costs_only_where_they_are_set() -> None:
    images = (of_layers("a", ("base", 400, False)), of_layers("b", ("base", 400, False)))
    plain = msgspec.structs.replace(reports.report(*images), comparison=compare_images(images))
    assert with_costs(plain, CostSettings()) == plain
    report = with_costs(plain, FLEET)
    assert [image.cost for image in report.images] == [cost_of(image, FLEET) for image in images]
    assert report.comparison is not None
    assert report.comparison.registry == storage(*images)
    alone = with_costs(reports.report(images[0]), FLEET)
    assert alone.comparison is None
    assert alone.images[0].cost is not None
