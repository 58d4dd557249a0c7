"""What is said of a base image that changed."""

import msgspec

from imgaudit import model
from imgaudit.causes import explain
from imgaudit.model.image import BaseFamily

SIZE = model.Sizes(
    download=1_000, download_estimated=False, unpacked=1_000, content=1_000, rootfs=1_000, dead=None, duplicate=None,
    engine=None,
)  # fmt: skip


def snapshot(
    diff_id: str,
    size: int,
    version: str | None = "3.19.4",
    base: BaseFamily = "alpine",
    packages: dict[str, tuple[str, int]] | None = None,
) -> model.Snapshot:
    """One layer, which is the base. packages: version and size."""
    layer = model.SnapshotLayer(
        diff_id=diff_id, created_by="ADD rootfs.tar /", from_base=base != "scratch", download=size, unpacked=size,
        content=size, dead=0, small=size, small_files=1,
    )  # fmt: skip
    return model.Snapshot(
        label="app",
        platform="linux/amd64",
        base=base,
        base_version=version,
        size=msgspec.structs.replace(SIZE, download=size, unpacked=size, rootfs=size),
        layers=(layer,),
        packages=tuple(
            model.SnapshotPackage(type="apk", name=name, version=version, size=size)
            for name, (version, size) in (packages or {}).items()
        ),
        floor=1 << 16,
        files=(),
        programs=(),
    )


def detail(old: model.Snapshot, new: model.Snapshot) -> str:
    """Of the base, which is the one cause in each measure, and all of the difference."""
    causes = [change.causes for change in explain(old, new)]
    assert len(causes) == 3
    assert all([cause.cause for cause in row] == ["base"] for row in causes)
    assert {row[0].bytes for row in causes} == {(new.size.rootfs or 0) - (old.size.rootfs or 0)}
    return causes[0][0].detail


def test_a_bump_names_packages_by_how_much_they_changed() -> None:
    old = snapshot(
        "a", 100, packages={"musl": ("1.2.4", 600), "ssl": ("3.1", 4_000), "gone": ("1", 50), "same": ("1", 9)}
    )
    new = snapshot(
        "b",
        190,
        "3.20.3",
        packages={"musl": ("1.2.5", 650), "ssl": ("3.3", 5_000), "came": ("2", 10), "same": ("1", 9)},
    )
    assert detail(old, new) == (
        "alpine 3.19.4 -> 3.20.3; ssl 3.1 -> 3.3, gone 1 removed, musl 1.2.4 -> 1.2.5, came 2 added"
    )


def test_more_packages_than_a_line_holds() -> None:
    old, new = (
        snapshot(version, size, packages={f"p{n}": (version, n) for n in range(7)})
        for version, size in (("1", 10), ("2", 20))
    )
    assert detail(old, new).endswith("p3 1 -> 2, and 3 more")


def test_the_same_version_built_again() -> None:
    assert detail(snapshot("a", 100), snapshot("b", 101)) == "alpine 3.19.4, rebuilt"


def test_another_base() -> None:
    old, new = snapshot("a", 100), snapshot("b", 50, "12", base="distroless", packages={"musl": ("1", 1)})
    assert detail(old, new) == "alpine 3.19.4 -> distroless 12"


def test_another_platform_is_no_rebuild() -> None:
    old = snapshot("a", 100)
    new = msgspec.structs.replace(snapshot("b", 101), platform="linux/arm64")
    assert detail(old, new) == "alpine 3.19.4 for linux/arm64, before for linux/amd64"


def test_a_base_whose_layers_are_not_known_is_layers_as_any() -> None:
    old, new = (
        msgspec.structs.replace(
            image, base="unknown", base_version=None, layers=(msgspec.structs.replace(image.layers[0], from_base=None),)
        )
        for image in (snapshot("a", 100), snapshot("b", 150))
    )
    found = {change.measure: [cause.cause for cause in change.causes] for change in explain(old, new)}
    assert found == {"rootfs": ["small-files"], "unpacked": ["small-files"], "download": ["small-files"]}
