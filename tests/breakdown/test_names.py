"""Packages of symbols, and modules of packages."""

import subprocess

import pytest

from imgaudit.breakdown.modules import _STANDARD_ROOTS, Modules, versions_of
from imgaudit.breakdown.names import package_of
from imgaudit.model import GoInfo, GoModule
from tests.support.gobuild import require_go

SYMBOLS = {
    "main.main": "main",
    "main.main.func1": "main",
    "main.(*T).M-fm": "main",
    "net/http.(*Server).Serve.func1": "net/http",
    "net/http.glob..func12": "net/http",
    "gopkg.in/yaml%2ev3.Unmarshal": "gopkg.in/yaml.v3",
    "gopkg.in/yaml%2ev3.(*Node).Decode.deferwrap1": "gopkg.in/yaml.v3",
    "example.com/caf%c3%a9.F": "example.com/café",
    "vendor/golang.org/x/net/idna.init": "vendor/golang.org/x/net/idna",
    "slices.SortFunc[go.shape.[]string,go.shape.string]": "slices",
    "a.b/c.(*List[go.shape.struct { x/y.Z }]).Push": "a.b/c",
    "type:.eq.net/http.Header": "net/http",
    "type..hash.[3]net/url.Userinfo": "net/url",
    "type:.eq.*[2]main.T": "main",
    "type:.eq.[2]interface {}": "runtime",
    "type:.eq.struct { a/b.x; c string }": "a/b",
    "type:.eq.EM112": "runtime",
    "go:(*struct { sync.Mutex; a int }).Lock": "sync",
    "go:(*struct {*gopkg.in/yaml%2ev3.Node}).Decode": "gopkg.in/yaml.v3",
    "type:.eq.go.shape.struct { net/netip.isV6 bool; net/netip.zoneV6 string }": "net/netip",
    "regexp.(*onePassInst).regexp/syntax.op": "regexp",
    "a/rand.(*reader).b/c/drbg.defaultReader": "a/rand",
    "go:link.addmoduledata": "",
    "go:buildid": "",
    "gogo": "",
    "_cgo_topofstack": "",
    "": "",
    ".": "",
}


@pytest.mark.parametrize("symbol", SYMBOLS)
def test_package_of_a_symbol(symbol: str) -> None:
    assert package_of(symbol) == SYMBOLS[symbol]


def test_modules_of_packages() -> None:
    go = GoInfo(
        present=True,
        version="go1.27.0",
        path="app/cmd/server",
        module=GoModule(path="app", version="(devel)"),
        dependencies=(
            GoModule(path="a.b/c", version="v1.0.0"),
            GoModule(path="a.b/c/v2", version="v2.0.0", replace=GoModule(path="d.e/f", version="v9.0.0")),
        ),
    )
    modules = Modules(go)
    assert modules.rename("main") == "app/cmd/server"
    assert modules.rename("main_test") == "main_test"
    of = {
        name: modules.of(name) for name in ("app/cmd/server", "app/store", "application", "a.b/c", "a.b/cd", "fmt_test")
    }
    assert of == {
        "app/cmd/server": "app",
        "app/store": "app",
        "application": None,
        "a.b/c": "a.b/c",
        "a.b/cd": None,
        "fmt_test": "std",
    }
    assert modules.of("a.b/c/v2/d") == "a.b/c/v2"
    assert [modules.version(path) for path in ("a.b/c", "a.b/c/v2", "std", "x")] == [
        "v1.0.0",
        "v9.0.0",
        "go1.27.0",
        None,
    ]


def test_a_program_of_the_standard_library_and_one_of_files() -> None:
    assert Modules(GoInfo(present=True, path="cmd/go")).of("cmd/go") == "std"
    single = Modules(GoInfo(present=True, path="command-line-arguments"))
    assert (single.rename("main"), single.of("main")) == ("main", None)


def test_versions_by_files() -> None:
    files = [
        "/root/go/pkg/mod/gopkg.in/yaml.v3@v3.0.1/y.go",
        "github.com/Burnt/toml@v1.2.0/internal/x.go",
        "/cache/github.com/!upper/!case@v0.1.0/a.go",
        "golang.org/toolchain@v0.0.1-go1.24.0.linux-amd64/src/fmt/print.go",
        "/src/app/main.go",
        "/not/there@v1.0.0/a.go",
    ]
    packages = frozenset({"gopkg.in/yaml.v3", "github.com/Burnt/toml/internal", "github.com/Upper/Case", "fmt", "main"})
    assert versions_of(files, packages) == {
        "gopkg.in/yaml.v3": "v3.0.1",
        "github.com/Burnt/toml": "v1.2.0",
        "github.com/Upper/Case": "v0.1.0",
    }


@pytest.mark.go
def test_the_standard_library_s_roots() -> None:
    require_go()
    listed = subprocess.run(["go", "list", "std", "cmd"], capture_output=True, text=True, check=True).stdout.split()
    assert {name.partition("/")[0] for name in listed} <= _STANDARD_ROOTS
