"""Two builds that differ in one thing: that thing is the cause, within 2 % of the file's difference."""

from pathlib import Path

import pytest

from imgaudit.causes import explain
from tests.causes.programs import STRIPPED, built, by_kind, causes_between, service, snapshot_of
from tests.support.gobuild import require_c
from tests.support.upx import pack

LIBRARY = {"lib": ("v1.0.0", 600)}
SERVICE = service(libraries=LIBRARY, own=200)
WITHIN = 0.02

OLD_GO, NEW_GO = "go1.25.3", "go1.26.1"


def assert_cause(old: Path, new: Path, folder: Path, *kinds: str, detail: str = "") -> None:
    """Both ways round: what came is what goes again."""
    for first, second in ((old, new), (new, old)):
        change = causes_between(first, second, folder)
        assert change.delta == second.stat().st_size - first.stat().st_size
        assert sum(cause.bytes for cause in change.causes) + change.unexplained == change.delta
        assert change.unexplained == 0
        found = sum(by_kind(change).get(kind, 0) for kind in kinds)
        assert abs(found - change.delta) <= WITHIN * abs(change.delta), change.causes
        assert detail in "; ".join(cause.detail for cause in change.causes if cause.cause in kinds)


def test_the_same_source_built_twice(tmp_path: Path) -> None:
    change = causes_between(built(SERVICE, STRIPPED), built(SERVICE, STRIPPED), tmp_path)
    assert (change.delta, change.causes, change.unexplained) == (0, (), 0)


def test_symbols_and_debug_data(tmp_path: Path) -> None:
    stripped, whole = built(SERVICE, STRIPPED), built(SERVICE)
    assert_cause(stripped, whole, tmp_path, "symbols", "dwarf")
    sums = by_kind(causes_between(stripped, whole, tmp_path))
    assert sums["dwarf"] > sums["symbols"] > 100_000


def test_debug_data_alone(tmp_path: Path) -> None:
    assert_cause(built(SERVICE, "-ldflags=-w"), built(SERVICE), tmp_path, "dwarf", detail="DWARF debug data")


def test_a_module_comes_and_goes(tmp_path: Path) -> None:
    more = service(libraries=LIBRARY | {"other": ("v0.3.0", 1500)}, own=200)
    assert_cause(built(SERVICE, STRIPPED), built(more, STRIPPED), tmp_path, "module-added", "module-removed")


def test_a_module_has_another_version(tmp_path: Path) -> None:
    bumped = service(libraries={"lib": ("v1.1.0", 2000)}, own=200)
    old, new = built(SERVICE, STRIPPED), built(bumped, STRIPPED)
    assert_cause(old, new, tmp_path, "module-bumped")
    details = [cause.detail for cause in causes_between(old, new, tmp_path).causes if cause.cause == "module-bumped"]
    assert details == ["example.com/lib v1.0.0 -> v1.1.0"]


def test_own_packages_grow(tmp_path: Path) -> None:
    grown = service(libraries=LIBRARY, own=1600)
    assert_cause(built(SERVICE, STRIPPED), built(grown, STRIPPED), tmp_path, "main", detail="example.com/service/own")


def test_more_of_the_standard_library_is_linked(tmp_path: Path) -> None:
    more = service(libraries=LIBRARY, own=200, imports=("html/template", "encoding/xml"))
    assert_cause(built(SERVICE, STRIPPED), built(more, STRIPPED), tmp_path, "package", detail="html/template")


def test_a_file_is_embedded(tmp_path: Path) -> None:
    more = service(libraries=LIBRARY, own=200, data=2_000_000)
    assert_cause(built(SERVICE, STRIPPED), built(more, STRIPPED), tmp_path, "embed", detail="assets/data.txt")


def test_packed_with_upx(tmp_path: Path) -> None:
    plain = built(SERVICE, STRIPPED)
    assert_cause(plain, pack(plain, "--lzma"), tmp_path, "upx")


def test_a_packed_program_grows_by_what_is_inside(tmp_path: Path) -> None:
    """Each cause counts what is unpacked, and what UPX takes off it is one of them."""
    more = service(libraries=LIBRARY | {"other": ("v0.3.0", 1500)}, own=200)
    plain = by_kind(causes_between(built(SERVICE, STRIPPED), built(more, STRIPPED), tmp_path))
    change = causes_between(pack(built(SERVICE, STRIPPED), "--lzma"), pack(built(more, STRIPPED), "--lzma"), tmp_path)
    sums = by_kind(change)
    assert sums["module-added"] == plain["module-added"]
    assert sums["upx"] < 0
    assert sum(sums.values()) + change.unexplained == change.delta


def test_stripping_is_no_packages_change(tmp_path: Path) -> None:
    """Of another flag only the build info tells: no package differs, not by the padding before it either."""
    for old, new in ((built(SERVICE, STRIPPED), built(SERVICE)), (built(SERVICE, "-ldflags=-w"), built(SERVICE))):
        sums = by_kind(causes_between(old, new, tmp_path))
        assert set(sums) <= {"symbols", "dwarf", "section"}
        assert abs(sums.get("section", 0)) < 100


def test_build_info_is_a_cause_of_its_own(tmp_path: Path) -> None:
    """The linker's flags are recorded in the program, twice."""
    flag = f"-ldflags=-s -w -X example.com/none.value={'x' * 9_000}"
    change = causes_between(built(SERVICE, STRIPPED), built(SERVICE, flag), tmp_path)
    found = {cause.detail: cause.bytes for cause in change.causes}
    assert found.pop("build info: module versions and flags") == pytest.approx(2 * 9_000, abs=200)
    assert not any(cause.cause == "package" for cause in change.causes)


def test_a_program_that_was_packed_and_cannot_be_decoded(tmp_path: Path) -> None:
    """What is known of both is said, though no byte can be told apart."""
    plain = built(SERVICE, STRIPPED)
    packed = bytearray(pack(plain, "--lzma").read_bytes())
    middle = len(packed) // 2
    packed[middle : middle + 4_000] = bytes(4_000)
    broken = tmp_path / "broken"
    broken.write_bytes(packed)
    (cause,) = causes_between(plain, broken, tmp_path).causes
    assert (cause.cause, cause.bytes) == ("file-changed", len(packed) - plain.stat().st_size)
    assert cause.detail == "/service; packed with UPX (lzma)"


def test_a_download_below_its_layer(tmp_path: Path) -> None:
    """Symbols and DWARF compress otherwise than code does: within 5 % of what they come to alone."""
    stripped, bare, whole = (
        snapshot_of(built(SERVICE, *flags), tmp_path, f"program{n}", served=True)
        for n, flags in enumerate(((STRIPPED,), ("-ldflags=-w",), ()))
    )
    (change,) = (change for change in explain(stripped, whole) if change.measure == "download")
    sums = by_kind(change)
    for kind, before, now in (("symbols", stripped, bare), ("dwarf", bare, whole)):
        assert before.size.download is not None
        assert now.size.download is not None
        assert sums[kind] == pytest.approx(now.size.download - before.size.download, rel=0.05)
    assert abs(change.unexplained) < 0.01 * change.delta


@pytest.mark.thorough
def test_own_code_is_told_from_the_toolchains(tmp_path: Path) -> None:
    """Go 1.22 made all of these packages 7 % smaller: a module of the same version tells by how much."""
    grown = service(libraries=LIBRARY, own=1600)
    old, new = (built(SERVICE, STRIPPED, toolchain=version) for version in ("go1.20.14", "go1.22.12"))
    change = causes_between(old, new, tmp_path)
    assert {cause.cause for cause in change.causes} == {"toolchain"}
    both = by_kind(causes_between(old, built(grown, STRIPPED, toolchain="go1.22.12"), tmp_path))
    alone = by_kind(causes_between(new, built(grown, STRIPPED, toolchain="go1.22.12"), tmp_path))
    assert both["main"] == pytest.approx(alone["main"], rel=0.05)


@pytest.mark.thorough
def test_linked_statically_with_the_c_library(tmp_path: Path) -> None:
    require_c()
    static = built(SERVICE, "-ldflags=-s -w -linkmode external -extldflags -static", cgo=True)
    assert_cause(built(SERVICE, STRIPPED, cgo=True), static, tmp_path, "build-mode", detail="dynamically")


@pytest.mark.thorough
def test_sanitizers(tmp_path: Path) -> None:
    require_c()
    old, new = (built(SERVICE, STRIPPED, *flags, cgo=True) for flags in ((), ("-asan",)))
    assert_cause(old, new, tmp_path, "build-flags", detail="built with -asan")


@pytest.mark.thorough
def test_another_toolchain(tmp_path: Path) -> None:
    old, new = (built(SERVICE, STRIPPED, toolchain=version) for version in (OLD_GO, NEW_GO))
    assert_cause(old, new, tmp_path, "toolchain", detail="go1.2")


@pytest.mark.thorough
def test_race_detector(tmp_path: Path) -> None:
    require_c()
    assert_cause(built(SERVICE, STRIPPED, cgo=True), built(SERVICE, STRIPPED, "-race", cgo=True), tmp_path, "race")


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("flag", "kind"),
    [
        ("-cover", "cover"),
        ("-gcflags=all=-N -l", "unoptimised"),
        ("-buildmode=pie", "pie"),
        ("-tags=timetzdata", "build-flags"),
        ("-trimpath", "build-flags"),
    ],
)
def test_flags(flag: str, kind: str, tmp_path: Path) -> None:
    assert_cause(built(SERVICE, STRIPPED), built(SERVICE, STRIPPED, flag), tmp_path, kind)


@pytest.mark.thorough
def test_cgo(tmp_path: Path) -> None:
    require_c()
    assert_cause(built(SERVICE, STRIPPED), built(SERVICE, STRIPPED, cgo=True), tmp_path, "cgo")


@pytest.mark.thorough
def test_several_by_their_precedence(tmp_path: Path) -> None:
    """A toolchain bump is not charged to modules, nor a module to the toolchain."""
    bumped = service(libraries={"lib": ("v1.1.0", 2000)}, own=200)
    old = built(SERVICE, STRIPPED, toolchain=OLD_GO)
    both = causes_between(old, built(bumped, toolchain=NEW_GO), tmp_path)
    sums = by_kind(both)
    only_toolchain = by_kind(causes_between(old, built(SERVICE, STRIPPED, toolchain=NEW_GO), tmp_path))
    only_symbols = by_kind(causes_between(old, built(SERVICE, toolchain=OLD_GO), tmp_path))
    only_module = by_kind(causes_between(old, built(bumped, STRIPPED, toolchain=OLD_GO), tmp_path))
    assert sums["module-bumped"] == pytest.approx(only_module["module-bumped"], rel=0.02)
    assert sums["dwarf"] + sums["symbols"] == pytest.approx(only_symbols["dwarf"] + only_symbols["symbols"], rel=0.15)
    # Packages that Go itself links newly are told as packages here: the module might have asked for them.
    assert sums["toolchain"] + sums["package"] == pytest.approx(only_toolchain["toolchain"], rel=0.1)
    assert sum(sums.values()) + both.unexplained == both.delta
