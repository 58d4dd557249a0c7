"""Programs whose account is known, the builds of them that tests look at, and what the go command says of those."""

import dataclasses
import functools
import os
import re
import subprocess
from collections.abc import Sequence
from typing import Any

from imgaudit import binaries
from imgaudit.breakdown import break_down
from imgaudit.errors import BinaryError
from imgaudit.model import GoInfo, SizeBreakdown
from tests.support.gobuild import CGO, NET, GoProgram, build, go_command

STRIPPED = "-ldflags=-s -w"
EXTERNAL = "-linkmode external"

_MAIN = """package main

import (
	"embed"
	"encoding/json"
	"fmt"
	"os"

	"example.com/account/store"
	"example.com/dotted.v3"
	"example.com/plain"
)

//go:embed text
var texts embed.FS

//go:embed text/first.txt
var again embed.FS

//go:embed line.txt
var line string

//go:embed raw.bin
var raw []byte

type order struct {
	Name  string `json:"name"`
	Parts map[string][]*store.Part
}

var orders = []order{{"first", nil}, {"second", nil}}

var more = func() []order { return nil }

var names = []func() string{dotted.Name, plain.Name}

func main() {
	for _, name := range os.Args {
		a, _ := texts.ReadFile(name)
		b, _ := again.ReadFile(name)
		orders = append(orders, order{string(a) + string(b) + line + string(raw), store.Parts(name)})
	}
	text, err := json.Marshal(append(orders, more()...))
	fmt.Println(string(text), err)
	for _, name := range names {
		fmt.Println(name())
	}
	defer func() { fmt.Println(recover()) }()
}
"""
_GENERIC = """//go:build go1.18
// +build go1.18

package main

import "example.com/generic"

func init() {
	more = func() []order {
		return []order{{Name: generic.Words()[0]}}
	}
}
"""
_LIST = """package generic

// List is a list.
type List[T any] struct{ items []T }

func (l *List[T]) Push(item T) { l.items = append(l.items, item) }

func (l *List[T]) All() []T { return l.items }

// Words gives some.
func Words() []string {
	list := List[string]{}
	list.Push("third")
	return list.All()
}
"""
_STORE = """// Package store has files of its own.
package store

import (
	"embed"
	"strings"
)

//go:embed files
var files embed.FS

// Part is a part.
type Part struct{ ID, Text string }

// Parts gives some.
func Parts(name string) map[string][]*Part {
	text, _ := files.ReadFile(name)
	found := map[string][]*Part{}
	for _, word := range strings.Fields(string(text)) {
		found[word] = append(found[word], &Part{word, name})
	}
	return found
}
"""
FIRST, SECOND = "first file\n" * 100, "second file\n" * 200
EMBEDDED = {
    "text/first.txt": FIRST,
    "text/deep/er/second.txt": SECOND,
    "text/empty.txt": "",
    "text/same.txt": SECOND,
}
STORED = {"files/a.json": '{"a": "' + "a" * 3000 + '"}\n', "files/sub/first.txt": FIRST}

ACCOUNT = GoProgram(
    "account",
    (
        (
            "go.mod",
            "module example.com/account\n\ngo 1.16\n\nrequire (\n\texample.com/dotted.v3 v0.0.0\n"
            "\texample.com/generic v0.0.0\n\texample.com/plain v1.2.3\n)\n\n"
            "replace example.com/dotted.v3 => ./dotted\n\nreplace example.com/generic => ./generic\n",
        ),
        ("main.go", _MAIN),
        ("generic.go", _GENERIC),
        ("line.txt", "one line that is embedded as a string " * 100),
        ("raw.bin", "bytes that are embedded as such " * 100),
        ("generic/go.mod", "module example.com/generic\n\ngo 1.18\n"),
        ("generic/list.go", _LIST),
        ("dotted/go.mod", "module example.com/dotted.v3\n\ngo 1.16\n"),
        ("dotted/name.go", 'package dotted\n\nfunc Name() string { return "dotted" }\n'),
        ("store/store.go", _STORE),
        *((f"store/{path}", text) for path, text in STORED.items()),
        *EMBEDDED.items(),
    ),
)
SERVICE = GoProgram(
    "webservice",
    (
        ("go.mod", "module example.com/webservice\n\ngo 1.16\n"),
        (
            "main.go",
            """package main

import (
	"encoding/json"
	"fmt"
	"html/template"
	"net/http"
	"regexp"
	"time"
)

var page = template.Must(template.New("page").Parse("<p>{{.}}</p>"))
var word = regexp.MustCompile(`^[a-z]+$`)

func main() {
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		if word.MatchString(r.URL.Path) {
			page.Execute(w, time.Now().String())
		}
		json.NewEncoder(w).Encode(r.Header)
	})
	fmt.Println(http.ListenAndServe(":8080", nil))
}
""",
        ),
    ),
)


@dataclasses.dataclass(frozen=True)
class Build:
    """A program, `go build`'s flags and the rest of what `build` takes."""

    program: GoProgram = ACCOUNT
    flags: tuple[str, ...] = ()
    arch: str | None = None
    cgo: bool = False
    toolchain: str | None = None

    def __str__(self) -> str:
        words = [self.program.name, self.toolchain or "local", self.arch or "", "cgo" if self.cgo else "", *self.flags]
        return " ".join(word for word in words if word)

    def read(self) -> bytes:
        """The built file; skips the test where it can't be built."""
        return build(
            self.program, *self.flags, arch=self.arch, cgo=self.cgo, toolchain=self.toolchain, env=self._env()
        ).read_bytes()

    def path(self) -> str:
        self.read()
        return str(
            build(self.program, *self.flags, arch=self.arch, cgo=self.cgo, toolchain=self.toolchain, env=self._env())
        )

    def _env(self) -> dict[str, str]:
        return {}

    def with_flags(self, *flags: str) -> "Build":
        return dataclasses.replace(self, flags=(*self.flags, *flags))

    def go(self, *command: str) -> str:
        """What the toolchain that built it says."""
        env = {**os.environ, "GOENV": "off", "GOFLAGS": "", "GOTOOLCHAIN": "local"}
        command = (go_command(self.toolchain), *command)
        return subprocess.run(command, env=env, capture_output=True, text=True, check=True).stdout


PIE = "-buildmode=pie"
TOOLCHAINS = ("go1.16.15", "go1.17.13", "go1.18.10", "go1.20.14", "go1.22.12", "go1.24.0", "go1.26.8", "go1.27.0")
LOCAL = [Build(), Build(flags=(PIE,)), Build(arch="arm64"), Build(CGO, cgo=True)]
MATRIX = [
    Build(program, flags, arch, cgo, toolchain)
    for toolchain in TOOLCHAINS
    for program, flags, arch, cgo in [
        (ACCOUNT, (), None, False),
        (ACCOUNT, (PIE,), None, False),
        (ACCOUNT, ("-trimpath",), "arm64", False),
        (ACCOUNT, (PIE,), "arm64", False),
        (CGO, (), None, True),
        (CGO, (PIE,), None, True),
        (NET, (), None, True),
    ]
] + [Build(CGO, ("-buildmode=c-shared",), cgo=True), Build(CGO, ("-race",), cgo=True)]


def account(data: bytes, go: GoInfo | None = None) -> SizeBreakdown:
    """The account of a file, its build info read from it where none is given."""
    view = memoryview(data)
    return break_down(view, binaries.analyse(view).go if go is None else go)


def check(found: SizeBreakdown, size: int) -> None:
    """What holds of every account."""
    assert found.total == size
    for row in found.packages:
        assert row.name
        assert row.total == row.code + row.pclntab + row.types + row.data
        assert min(row.code, row.inlined, row.pclntab, row.types, row.data) >= 0, row
    names = [row.name for row in found.packages]
    assert len(names) == len(set(names))
    packages = sum(row.total for row in found.packages)
    embeds = [embed.size for embed in found.embeds]
    rest = [part.size for part in found.remainder]
    assert found.unattributed >= 0
    assert min(rest, default=1) > 0
    assert min(embeds, default=0) >= 0
    assert packages + sum(embeds) + sum(rest) + found.unattributed == size
    of_module: dict[str, int] = {}
    for row in found.packages:
        if row.module is not None:
            of_module[row.module] = of_module.get(row.module, 0) + row.total
    assert {module.path: module.total for module in found.modules} == of_module


def check_hostile(data: bytes | bytearray, go: GoInfo) -> bool:
    """An account or a BinaryError, nothing else; whether it is an account."""
    try:
        found = break_down(memoryview(data), go)
    except BinaryError:
        return False
    check(found, len(data))
    return True


@dataclasses.dataclass(frozen=True)
class Symbol:
    address: int
    size: int
    kind: str
    name: str


@functools.cache
def symbols(what: Build) -> list[Symbol]:
    """`go tool nm` by rising address."""
    out = []
    for line in what.go("tool", "nm", "-size", "-sort", "address", what.path()).splitlines():
        match = re.match(r" *([0-9a-f]+) +(\d+) (\S) (.*)", line)
        if match:
            out.append(Symbol(int(match[1], 16), int(match[2]), match[3], match[4]))
    return out


def package_of(name: str) -> str:
    """The package of a symbol's name as the Go linker writes it, "" for none: said here a second time."""
    name = re.split(r"[\[(]", name, maxsplit=1)[0]
    match = re.fullmatch(r"((?:.*/)?[^/.]+)\..*", name)
    if not match or name.startswith(("go:", "type:", "go.", "type.", "runtime.gcbits")):
        return ""
    return re.sub("%([0-9a-f]{2})", lambda found: chr(int(found[1], 16)), match[1])


def kept(rows: Sequence[Any], *names: str) -> list[tuple[Any, ...]]:
    """These attributes of each row."""
    return [tuple(getattr(row, name) for name in names) for row in rows]
