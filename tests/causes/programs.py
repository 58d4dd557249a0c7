"""Builds of one service that differ in what a test wants, each in an image of one layer."""

import functools
from pathlib import Path

from imgaudit import model
from imgaudit.audit import AuditOptions, audit
from imgaudit.causes import explain
from imgaudit.snapshot import take_snapshot
from tests.support.gobuild import GoProgram, build
from tests.support.images import Image, Layer, docker_archive, file, make_tar, oci_archive

_MAIN = """package main

import (
	"fmt"
	"net/http"
	"os"
{imports}
)

{embed}
func main() {{
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {{ fmt.Fprintln(w, os.Args, r.URL) }})
{uses}
	fmt.Println(http.ListenAndServe(":8080", nil))
}}
"""


def _code(package: str, functions: int) -> str:
    """A package of that many functions, none of which the compiler or the linker can leave out."""
    body = [f'package {package}\n\nimport "fmt"\n']
    # A switch, for a table of functions would be data, of whichever package Go inlines this into.
    calls = "\n".join(f"\tcase {number}:\n\t\treturn f{number}(n)" for number in range(functions))
    body.append(f'func Call(n int) string {{\n\tswitch n {{\n{calls}\n\t}}\n\treturn ""\n}}\n')
    for number in range(functions):
        cases = "\n".join(
            f'\tcase {case}:\n\t\treturn fmt.Sprintf("{package} {number} {case} %d", x*{case + number})'
            for case in range(6)
        )
        body.append(f"func f{number}(x int) string {{\n\tswitch x {{\n{cases}\n\t}}\n\treturn fmt.Sprint(x)\n}}\n")
    return "\n".join(body)


def service(
    *, libraries: dict[str, tuple[str, int]] | None = None, own: int = 0, imports: tuple[str, ...] = (), data: int = 0
) -> GoProgram:
    """A service. libraries: name -> version and functions, each a module; own: functions of a package of its own
    module; imports: packages of the standard library that it uses besides; data: bytes of an embedded file."""
    libraries = libraries or {}
    names, uses, embed = [], [], ""
    files = []
    requires = vendored = ""
    for name, (version, functions) in sorted(libraries.items()):
        path = f"example.com/{name}"
        requires += f"\nrequire {path} {version}\n"
        vendored += f"# {path} {version}\n## explicit; go 1.20\n{path}\n"
        files.append((f"vendor/{path}/{name}.go", _code(name, functions)))
        names.append(f'\t"{path}"')
        uses.append(f"\tfmt.Println({name}.Call(len(os.Args)))")
    if own:
        files.append(("own/own.go", _code("own", own)))
        names.append('\t"example.com/service/own"')
        uses.append("\tfmt.Println(own.Call(len(os.Args)))")
    names += [f'\t_ "{path}"' for path in imports]
    if data:
        names.append('\t"embed"')
        embed = "//go:embed assets\nvar assets embed.FS\n"
        uses.append('\tfmt.Println(assets.ReadFile("assets/data.txt"))')
        files.append(("assets/data.txt", "".join(f"{number:07x}\n" for number in range(data // 8))))
    if vendored:
        files.append(("vendor/modules.txt", vendored))
    main = _MAIN.format(imports="\n".join(names), embed=embed, uses="\n".join(uses))
    return GoProgram(
        "service", (("go.mod", f"module example.com/service\n\ngo 1.20\n{requires}"), ("main.go", main), *files)
    )


STRIPPED = "-ldflags=-s -w"


@functools.cache
def built(program: GoProgram, *flags: str, cgo: bool = False, toolchain: str | None = None, vcs: bool = False) -> Path:
    """libraries stand in the vendor folder: modules of a version, that nothing has to serve."""
    return build(program, "-mod=vendor", *flags, cgo=cgo, toolchain=toolchain, vcs=vcs)


def snapshot_of(program: Path, folder: Path, name: str, *, served: bool = False) -> model.Snapshot:
    """Of an image that holds just this program. served: compressed, as a registry has it."""
    layer = Layer(make_tar([file("/service", program.read_bytes(), mode=0o755)]), created_by="COPY service /service")
    path = folder / f"{name}.tar"
    (oci_archive if served else docker_archive)(path, Image([layer], config={"Entrypoint": ["/service"]}))
    scheme = "oci-archive" if served else "docker-archive"
    (image,) = audit(f"{name}={scheme}:{path}", AuditOptions(inventory=True))
    return take_snapshot(image)


def causes_between(old: Path, new: Path, folder: Path) -> model.Change:
    """Of the rootfs: the program is all that there is."""
    changes = explain(snapshot_of(old, folder, "old"), snapshot_of(new, folder, "new"))
    return next(change for change in changes if change.measure == "rootfs")


def by_kind(change: model.Change) -> dict[str, int]:
    sums: dict[str, int] = {}
    for cause in change.causes:
        sums[cause.cause] = sums.get(cause.cause, 0) + cause.bytes
    return sums
