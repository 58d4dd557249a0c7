"""Go programs: which entries are about them, and what is said of each."""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from imgaudit import model
from imgaudit.vulnerabilities import open_database
from imgaudit.vulnerabilities.golang import look_up_program
from imgaudit.vulnerabilities.symbols import Symbols
from tests.vulnerabilities.made import entry, flat, indexed, program, since, write

LIB = model.GoModule(path="example.com/lib", version="v1.1.0")
SYMBOLS: Symbols = {
    "main": frozenset({"main", "serve"}),
    "runtime": frozenset({"main"}),
    "example.com/lib": frozenset({"Parse", "Reader.Read"}),
    "example.com/lib/v2x": frozenset({"Other"}),
    "net/http": frozenset({"Get", "Client.Do"}),
}
Found = tuple[list[model.Vulnerability], list[model.Unmatched]]


def look_up(tmp_path: Path, binary: model.Binary, *entries: dict[str, Any], symbols: Symbols | str = SYMBOLS) -> Found:
    database = open_database(str(write(tmp_path / "data", indexed(*entries))))
    return look_up_program(binary, "linux", [database], lambda sha256: symbols)


def one(found: Found) -> model.Vulnerability:
    (item,) = found[0]
    return item


def about_lib(*imports: dict[str, Any], **more: Any) -> dict[str, Any]:
    return entry("GO-2026-0001", "example.com/lib", *since(fixed="1.2.0"), imports=imports, **more)


@pytest.mark.parametrize(
    ("imports", "state", "packages", "symbols", "evidence"),
    [
        (
            [{"path": "example.com/lib", "symbols": ["Parse", "Nothing", "Reader.Read"]}],
            "symbol",
            ("example.com/lib",),
            ("example.com/lib.Parse", "example.com/lib.Reader.Read"),
            "example.com/lib.Parse, example.com/lib.Reader.Read are in the program",
        ),
        (
            [{"path": "example.com/lib"}],
            "symbol",
            ("example.com/lib",),
            ("example.com/lib.Parse", "example.com/lib.Reader.Read"),
            "of example.com/lib every function counts",
        ),
        (
            [{"path": "example.com/lib", "symbols": ["Nothing", "Read"]}],
            "package",
            ("example.com/lib",),
            (),
            "example.com/lib is linked, none of the vulnerable functions is there",
        ),
        (
            [{"path": "example.com/lib/v2", "symbols": ["Other"]}],  # no prefix of v2x
            "absent",
            (),
            (),
            "no function of example.com/lib/v2 is in the program",
        ),
        ([], "module", (), (), "the entry names no packages"),
    ],
)
def test_states(
    tmp_path: Path,
    imports: list[dict[str, Any]],
    state: str,
    packages: tuple[str, ...],
    symbols: tuple[str, ...],
    evidence: str,
) -> None:
    item = one(look_up(tmp_path, program(LIB), about_lib(*imports)))
    assert (item.state, item.packages, item.symbols) == (state, packages, symbols)
    assert evidence in item.evidence
    assert (item.module, item.version, item.fixed, item.path) == ("example.com/lib", "v1.1.0", ("v1.2.0",), "/app")
    assert (item.ecosystem, item.package, item.platform) == ("Go", None, None)


def test_without_functions_the_module_is_all_there_is(tmp_path: Path) -> None:
    item = one(look_up(tmp_path, program(LIB), about_lib({"path": "example.com/lib"}), symbols="it is garbled"))
    assert (item.state, item.evidence) == ("module", "its functions are not known: it is garbled")


def test_what_an_item_says(tmp_path: Path) -> None:
    item = one(
        look_up(
            tmp_path,
            program(LIB),
            about_lib(
                {"path": "example.com/lib"},
                aliases=["CVE-2026-1", "GO-2026-0001"],
                summary="",
                details="The first\nsentence is this. The second is not.",
                database_specific={"url": "https://pkg.go.dev/vuln/GO-2026-0001", "severity": "HIGH"},
            ),
        )
    )
    assert item.aliases == ("CVE-2026-1",)
    assert item.summary == "The first sentence is this."
    assert item.url == "https://pkg.go.dev/vuln/GO-2026-0001"
    assert (item.severity, item.score) == ("high", None)
    bare = one(
        look_up(
            tmp_path, program(LIB), about_lib({"path": "example.com/lib"}, database_specific={"url": "javascript:1"})
        )
    )
    assert bare.url == "https://osv.dev/vulnerability/GO-2026-0001"
    assert (bare.severity, bare.score) == (None, None)


@pytest.mark.parametrize(
    ("version", "affected"),
    [
        ("v0.9.0", False),
        ("v1.0.0", True),
        ("v1.1.9", True),
        ("v1.2.0-rc.1", True),
        ("v1.2.0", False),
        ("v1.2.1-0.20260101000000-abcdefabcdef", False),
        ("v1.1.10-0.20260101000000-abcdefabcdef", True),
        ("v1.4.0", True),
        ("v1.5.0", True),
        ("v1.5.1", False),
        ("v2.0.0+incompatible", True),
        ("v9.0.0", True),
    ],
)
def test_several_ranges(tmp_path: Path, version: str, affected: bool) -> None:
    events = [{"introduced": "1.4.0"}, {"last_affected": "1.5.0"}, {"introduced": "2.0.0"}]
    data = entry("GO-2026-0001", "example.com/lib", {"fixed": "1.2.0"}, {"introduced": "1.0.0"}, *events, imports=[])
    binary = program(msgspec.structs.replace(LIB, version=version))
    found, unknown = look_up(tmp_path, binary, data)
    assert (len(found), unknown) == (int(affected), [])


def test_fixes_are_those_ahead(tmp_path: Path) -> None:
    events = [{"introduced": "0"}, {"fixed": "1.0.5"}, {"introduced": "1.1.0"}, {"fixed": "1.1.3"}]
    data = entry("GO-2026-0001", "example.com/lib", *events, {"introduced": "1.2.0"}, {"fixed": "1.2.4"}, imports=[])
    assert one(look_up(tmp_path, program(LIB), data)).fixed == ("v1.1.3", "v1.2.4")


def in_parts(*parts: tuple[tuple[dict[str, str], ...], dict[str, Any]]) -> dict[str, Any]:
    """An entry about the library in several parts: events, and what is specific to Go."""
    data = about_lib()
    package = data["affected"][0]["package"]
    data["affected"] = [
        {"package": package, "ranges": [{"type": "SEMVER", "events": list(events)}], "ecosystem_specific": specific}
        for events, specific in parts
    ]
    return data


def test_a_fix_that_another_part_says_is_affected_is_none(tmp_path: Path) -> None:
    here = {"imports": [{"path": "example.com/lib"}]}
    data = in_parts((since(fixed="1.2.0"), here), (since(fixed="1.4.0"), here))
    assert one(look_up(tmp_path, program(LIB), data)).fixed == ("v1.4.0",)
    data = in_parts((since(fixed="1.2.0"), here), (since("1.2.0", "1.2.1"), here))  # the first fix was no good
    assert one(look_up(tmp_path, program(LIB), data)).fixed == ("v1.2.1",)
    data = in_parts((since(fixed="1.2.0"), here), (since(), here))
    assert one(look_up(tmp_path, program(LIB), data)).fixed == ()
    elsewhere = {"imports": [{"path": "example.com/lib", "goos": ["windows"]}]}
    data = in_parts((since(fixed="1.2.0"), here), (since(fixed="1.4.0"), elsewhere))
    assert one(look_up(tmp_path, program(LIB, GOOS="linux"), data)).fixed == ("v1.2.0",)


def test_a_part_without_packages_means_all_of_them(tmp_path: Path) -> None:
    none = {"imports": [{"path": "example.com/lib/none"}]}
    assert one(look_up(tmp_path, program(LIB), in_parts((since(), none)))).state == "absent"
    item = one(look_up(tmp_path, program(LIB), in_parts((since(), none), (since(), {}))))
    assert (item.state, item.packages) == ("module", ())
    parse = {"imports": [{"path": "example.com/lib", "symbols": ["Parse"]}]}
    assert one(look_up(tmp_path, program(LIB), in_parts((since(), {}), (since(), parse)))).state == "symbol"


def test_a_module_of_which_nothing_is_linked(tmp_path: Path) -> None:
    unused = model.GoModule(path="example.com/unused", version="v1.0.0")
    data = entry("GO-2026-0001", "example.com/unused", *since(), imports=[])
    item = one(look_up(tmp_path, program(unused), data))
    assert item.state == "absent"
    assert item.evidence == "no function of example.com/unused is in the program (the entry names no packages)"
    main = entry("GO-2026-0001", "example.com/app", *since(), imports=[])
    app = model.GoModule(path="example.com/app", version="v1.0.0")
    assert one(look_up(tmp_path, program(module=app, path="example.com/app/cmd/x"), main)).state == "module"
    unread = one(look_up(tmp_path, program(unused), data, symbols="it is garbled"))
    assert (unread.state, "names no packages" in unread.evidence) == ("module", True)


def test_a_package_is_of_the_module_with_the_longest_path(tmp_path: Path) -> None:
    """A later major version of a module is another one, and has a version of its own."""
    symbols = {**SYMBOLS, "example.com/lib/v2/deep": frozenset({"Walk"})}
    data = about_lib({"path": "example.com/lib/v2/deep", "symbols": ["Walk"]})
    assert one(look_up(tmp_path, program(LIB), data, symbols=symbols)).state == "symbol"
    both = program(LIB, model.GoModule(path="example.com/lib/v2", version="v2.3.0"))
    item = one(look_up(tmp_path, both, data, symbols=symbols))
    assert (item.module, item.state) == ("example.com/lib", "absent")


def test_versions_that_are_not_go_s_are_told(tmp_path: Path) -> None:
    other = [{"type": "ECOSYSTEM", "events": [{"introduced": "10.5.0"}, {"fixed": "10.5.2"}]}]
    item = one(look_up(tmp_path, program(LIB), in_parts((since(), {"custom_ranges": other}))))
    assert (item.state, item.fixed) == ("module", ())
    assert "versions in a scheme that is not Go's" in item.evidence


@pytest.mark.parametrize(("path", "state"), [("cmd/compile", "module"), ("cmd/link", "module"), ("cmd/go", "absent")])
def test_what_the_compiler_does_wrong_is_in_the_program(tmp_path: Path, path: str, state: str) -> None:
    data = entry("GO-2026-0001", "toolchain", *since(fixed="1.26.9"), imports=[{"path": path}])
    item = one(look_up(tmp_path, program(), data))
    assert (item.state, item.version, item.fixed) == (state, "go1.26.8", ("go1.26.9",))
    command = msgspec.structs.replace(program(), go=model.GoInfo(present=True, version="go1.26.8", path="cmd/vet"))
    assert one(look_up(tmp_path, command, data)).state == state
    itself = msgspec.structs.replace(program(), go=model.GoInfo(present=True, version="go1.26.8", path=path))
    assert one(look_up(tmp_path, itself, data)).state == "symbol"
    other = entry("GO-2026-0001", "toolchain", *since(), imports=[{"path": path, "goarch": ["wasm"]}])
    assert look_up(tmp_path, program(GOARCH="amd64"), other) == ([], [])


@pytest.mark.parametrize(("version", "shown"), [("(devel)", "(devel)"), (None, "not known"), ("", "not known")])
def test_without_a_version_nothing_is_judged_and_that_is_said(tmp_path: Path, version: str | None, shown: str) -> None:
    app = model.GoModule(path="example.com/app", version=version)
    data = entry("GO-2026-0001", "example.com/app", *since(), imports=[{"path": "example.com/app"}])
    found, unknown = look_up(tmp_path, program(module=app), data)
    assert found == []
    assert unknown == [
        model.Unmatched(what="/app: example.com/app", reason=f"its version is {shown}, which can't be compared")
    ]
    assert look_up(tmp_path, program(module=app), about_lib())[1] == []  # nothing is known of it anyway


def test_a_main_package_counts_under_its_own_path(tmp_path: Path) -> None:
    app = model.GoModule(path="example.com/app", version="v1.0.0")
    imports = [{"path": "example.com/app/cmd/server", "symbols": ["serve"]}]
    data = entry("GO-2026-0001", "example.com/app", *since(), imports=imports)
    item = one(look_up(tmp_path, program(module=app, path="example.com/app/cmd/server"), data))
    assert (item.state, item.symbols) == ("symbol", ("example.com/app/cmd/server.serve",))
    assert one(look_up(tmp_path, program(module=app, path="example.com/app/cmd/other"), data)).state == "absent"


def test_what_replaces_a_module_counts(tmp_path: Path) -> None:
    fork = model.GoModule(path="example.com/fork", version="v1.1.0")
    binary = program(msgspec.structs.replace(LIB, replace=fork))
    original = about_lib({"path": "example.com/lib", "symbols": ["Parse"]})
    own = entry(
        "GO-2026-0002", "example.com/fork", *since(), imports=[{"path": "example.com/fork", "symbols": ["Parse"]}]
    )
    found, unknown = look_up(tmp_path, binary, original, own)
    assert [(item.id, item.module, item.state) for item in found] == [("GO-2026-0002", "example.com/fork", "symbol")]
    assert found[0].symbols == ("example.com/lib.Parse",)  # it is imported by the path that it replaces
    assert [note.what for note in unknown] == ["/app: example.com/lib"]
    assert "example.com/fork stands in for it" in unknown[0].reason


def test_another_version_of_the_same_module_counts(tmp_path: Path) -> None:
    later = msgspec.structs.replace(LIB, version="v1.3.0")
    assert look_up(tmp_path, program(msgspec.structs.replace(LIB, replace=later)), about_lib()) == ([], [])
    earlier = msgspec.structs.replace(later, replace=LIB)
    assert one(look_up(tmp_path, program(earlier), about_lib())).version == "v1.1.0"


@pytest.mark.parametrize("version", [None, "(devel)"])
def test_a_folder_that_replaces_a_module_is_not_judged(tmp_path: Path, version: str | None) -> None:
    folder = model.GoModule(path="./lib", version=version)
    found, unknown = look_up(tmp_path, program(msgspec.structs.replace(LIB, replace=folder)), about_lib())
    assert found == []
    assert [note.what for note in unknown] == ["/app: example.com/lib"]


@pytest.mark.parametrize(
    ("limits", "platform"),
    [
        ({}, None),
        ({"goos": ["windows"]}, "gone"),
        ({"goos": ["linux", "windows"]}, "linux/arm64"),
        ({"goarch": ["amd64"]}, "gone"),
        ({"goos": ["linux"], "goarch": ["arm64"]}, "linux/arm64"),
    ],
)
def test_platforms(tmp_path: Path, limits: dict[str, Any], platform: str | None) -> None:
    binary = program(LIB, GOOS="linux", GOARCH="arm64")
    found, unknown = look_up(tmp_path, binary, about_lib({"path": "example.com/lib", **limits}))
    assert unknown == []
    assert [item.platform for item in found] == ([] if platform == "gone" else [platform])


def test_the_standard_library_and_the_toolchain(tmp_path: Path) -> None:
    http = entry("GO-2026-0001", "stdlib", *since(fixed="1.26.9"), imports=[{"path": "net/http", "symbols": ["Get"]}])
    command = entry("GO-2026-0002", "toolchain", *since(fixed="1.27.0-rc.2"), imports=[{"path": "cmd/go"}])
    found = look_up(tmp_path, program(), http, command)[0]
    assert [(item.id, item.state, item.version, item.fixed) for item in found] == [
        ("GO-2026-0001", "symbol", "go1.26.8", ("go1.26.9",)),
        ("GO-2026-0002", "absent", "go1.26.8", ("go1.27rc2",)),
    ]
    itself = msgspec.structs.replace(
        program(), go=model.GoInfo(present=True, version="go1.26.8", path="cmd/go", settings={})
    )
    states = {item.id: item.state for item in look_up(tmp_path, itself, http, command)[0]}
    assert states["GO-2026-0002"] == "symbol"


@pytest.mark.parametrize("version", ["devel go1.27-abc", None])
def test_a_go_between_releases_is_not_judged(tmp_path: Path, version: str | None) -> None:
    http = entry("GO-2026-0001", "stdlib", *since(), imports=[{"path": "net/http"}])
    found, unknown = look_up(tmp_path, program(version=version), http)
    assert found == []
    assert [note.what for note in unknown] == ["/app: stdlib"]


def test_without_modules_those_of_the_files_names_are_looked_up(tmp_path: Path) -> None:
    bare = msgspec.structs.replace(program(), go=model.GoInfo(present=True, version="go1.26.8"))
    found, unknown = look_up(tmp_path, bare, about_lib({"path": "example.com/lib"}))
    assert found == []
    assert "names no modules" in unknown[0].reason
    account = model.SizeBreakdown(
        packages=(),
        modules=(
            model.ModuleSize(path="std", version="go1.26.8", total=1),
            model.ModuleSize(path="example.com/lib", version="v1.1.0", total=1),
        ),
        embeds=(),
        remainder=(),
        unattributed=0,
        total=2,
    )
    found, unknown = look_up(tmp_path, msgspec.structs.replace(bare, size_breakdown=account), about_lib())
    assert ([item.module for item in found], unknown) == (["example.com/lib"], [])


def test_what_is_no_go_program_and_what_is_not_known(tmp_path: Path) -> None:
    other = msgspec.structs.replace(program(LIB), go=model.GoInfo(present=False))
    assert look_up(tmp_path, other, about_lib()) == ([], [])
    unknown = msgspec.structs.replace(program(LIB), go=model.GoInfo(present=None))
    assert "whether it is a Go program is not known" in look_up(tmp_path, unknown, about_lib())[1][0].reason


def test_of_two_databases_the_first_counts(tmp_path: Path) -> None:
    precise = about_lib({"path": "example.com/lib", "symbols": ["Parse"]}, aliases=["GHSA-1"])
    coarse = entry("GHSA-1", "example.com/lib", *since(), aliases=["CVE-1"])
    more = entry("GHSA-2", "example.com/lib", *since())
    first = open_database(str(write(tmp_path / "first", indexed(precise))))
    second = open_database(str(write(tmp_path / "second", flat(coarse, more))))
    found = look_up_program(program(LIB), "linux", [first, second], lambda sha256: SYMBOLS)[0]
    assert [(item.id, item.state) for item in found] == [("GO-2026-0001", "symbol"), ("GHSA-2", "module")]


def test_an_entry_about_several_modules(tmp_path: Path) -> None:
    data = about_lib({"path": "example.com/lib"})
    data["affected"].append(
        {**json.loads(json.dumps(data["affected"][0])), "package": {"ecosystem": "Go", "name": "stdlib"}}
    )
    data["affected"].append({"package": {"ecosystem": "npm", "name": "example.com/lib"}})
    data["affected"].append({})
    place = write(tmp_path / "data", flat(data))
    found = look_up_program(program(LIB), "linux", [open_database(str(place))], lambda sha256: SYMBOLS)[0]
    assert [item.module for item in found] == ["example.com/lib"]  # go1.26.8 is not before 1.2.0


def test_versions_that_are_none(tmp_path: Path) -> None:
    data = entry("GO-2026-0001", "example.com/lib", {"introduced": "0"}, {"fixed": "soon"}, imports=[])
    found, unknown = look_up(tmp_path, program(LIB), data)
    assert found == []
    assert unknown[0].reason == "GO-2026-0001: the entry's versions can't be compared"
    listed = entry("GO-2026-0001", "example.com/lib", imports=[])
    listed["affected"][0] |= {"ranges": [{"type": "GIT", "events": [{"introduced": "0"}]}]}
    assert "commits only" in look_up(tmp_path, program(LIB), listed)[1][0].reason
    listed["affected"][0] |= {"ranges": [], "versions": ["1.0.0", "v1.1.0"]}
    assert len(look_up(tmp_path, program(LIB), listed)[0]) == 1
    listed["affected"][0] |= {"versions": ["1.1.0"]}  # as other databases write Go's versions
    assert len(look_up(tmp_path, program(LIB), listed)[0]) == 1
    listed["affected"][0] |= {"versions": ["1.0.0"]}
    assert look_up(tmp_path, program(LIB), listed) == ([], [])
