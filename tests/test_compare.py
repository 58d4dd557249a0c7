"""Images side by side: deltas, what is shared, and which one to ship."""

import msgspec
import pytest

from imgaudit import model
from imgaudit.comparison import compare_images, recommend
from imgaudit.errors import UsageError
from tests.support import reports

AMD64 = model.Platform(os="linux", architecture="amd64")


def change(image: model.Image, **facts: object) -> model.Image:
    return msgspec.structs.replace(image, **facts)


def sized(label: str, download: int, rootfs: int, **facts: object) -> model.Image:
    image = reports.scratch()
    size = msgspec.structs.replace(image.size, download=download, rootfs=rootfs)
    return change(image, label=label, size=size, **facts)


def test_nothing_to_compare() -> None:
    assert compare_images([]) is None


def test_order_is_kept_and_deltas_are_against_the_reference() -> None:
    images = [sized("a", 100, 200), sized("b", 150, 180)]
    compared = compare_images(images, "b")
    assert compared is not None
    assert [variant.label for variant in compared.variants] == ["a", "b"]
    assert (compared.variants[0].delta.download, compared.variants[0].delta.rootfs) == (-50, 20)
    assert (compared.changes[0].label, compared.changes[0].measure) == ("a", "rootfs")
    for change_ in compared.changes:
        assert sum(cause.bytes for cause in change_.causes) + change_.unexplained == change_.delta


def test_a_label_that_none_has() -> None:
    with pytest.raises(UsageError, match="no image has this label") as caught:
        compare_images([sized("a", 1, 1)], "b")
    assert "a" in (caught.value.hint or "")


def test_measured_and_estimated_downloads_are_not_subtracted() -> None:
    image = sized("b", 150, 180)
    estimated = change(image, size=msgspec.structs.replace(image.size, download_estimated=True))
    compared = compare_images([sized("a", 100, 200), estimated])
    assert compared is not None
    assert compared.variants[1].delta.download is None
    assert compared.variants[1].delta.rootfs == -20


def test_unknown_sizes_have_no_delta() -> None:
    image = sized("b", 150, 180)
    unknown = change(image, size=msgspec.structs.replace(image.size, rootfs=None))
    compared = compare_images([sized("a", 100, 200), unknown])
    assert compared is not None
    assert compared.variants[1].delta.rootfs is None
    assert not any(item.measure == "rootfs" for item in compared.changes)


def test_shared_layers_are_found_by_diff_id_wherever_they_stand() -> None:
    base = reports.layer(0, "base", 1000)
    other = reports.layer(0, "other", 500)
    a = change(reports.scratch(), label="a", layers=(base,))
    b = change(reports.scratch(), label="b", layers=(other, msgspec.structs.replace(base, index=1)))
    twice = change(reports.scratch(), label="c", layers=(other, msgspec.structs.replace(other, index=1)))
    compared = compare_images([a, b, twice])
    assert compared is not None
    assert [(layer.diff_id, layer.labels) for layer in compared.shared] == [
        (base.diff_id, ("a", "b")),
        (other.diff_id, ("b", "c")),
    ]


def test_a_shared_layers_measured_download_is_preferred() -> None:
    measured = reports.layer(0, "base", 1000, download=400, download_estimated=False)
    estimated = reports.layer(0, "base", 1000, download=410, download_estimated=True)
    for first, second in ((measured, estimated), (estimated, measured)):
        compared = compare_images(
            [
                change(reports.scratch(), label="a", layers=(first,)),
                change(reports.scratch(), label="b", layers=(second,)),
            ]
        )
        assert compared is not None
        assert compared.shared[0].download == 400


def test_the_smallest_that_can_run_is_recommended() -> None:
    broken = reports.scratch().fitness
    cannot = model.Fitness(runs=False, problems=("/server needs the loader /lib64/ld-linux-x86-64.so.2",))
    chosen = recommend([sized("big", 300, 300), sized("tiny", 10, 10, fitness=cannot), sized("small", 100, 200)], AMD64)
    assert broken.runs is True
    assert chosen.label == "small"
    assert "the smallest of 2" in chosen.reason
    assert "tiny: /server needs the loader" in chosen.reason


def test_one_that_is_smaller_on_disk_is_named() -> None:
    chosen = recommend([sized("pull", 100, 900), sized("disk", 200, 300)], AMD64)
    assert chosen.label == "pull"
    assert "disk is smaller on disk" in chosen.reason


@pytest.mark.parametrize("facts", [{"complete": False}, {"fitness": model.Fitness(runs=None, how="no entrypoint")}])
def test_what_is_not_known_to_run_is_never_recommended(facts: dict[str, object]) -> None:
    chosen = recommend([sized("unsure", 10, 10, **facts), sized("sure", 100, 100)], AMD64)
    assert chosen.label == "sure"
    assert recommend([sized("unsure", 10, 10, **facts)], AMD64).label is None


def test_other_platforms_are_not_weighed_against_this_one() -> None:
    arm = change(sized("arm", 10, 10), platform=model.Platform(os="linux", architecture="arm64"))
    chosen = recommend([sized("amd", 100, 100), arm], AMD64)
    assert chosen.label == "amd"
    assert "the only one for linux/amd64 that can run" in chosen.reason


def test_a_packed_choice_says_what_it_costs_and_names_the_unpacked_one() -> None:
    packed = change(reports.scratch_upx(), label="packed")
    plain = change(reports.scratch(), label="plain")
    assert (packed.size.download or 0) < (plain.size.download or 0)
    reason = recommend([plain, packed], AMD64).reason
    assert "packed with UPX" in reason
    assert "plain" in reason


def test_what_the_choice_lacks_is_in_the_reason() -> None:
    fitness = model.Fitness(runs=True, lacks=("CA certificates", "time zones"))
    reason = recommend([sized("a", 1, 1, fitness=fitness)], AMD64).reason
    assert "It holds no CA certificates or time zones." in reason
