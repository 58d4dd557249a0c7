"""The program, IA6xx: what each check means. program.py judges."""

from imgaudit.checks.interface import Rule

SYMBOLS = Rule(
    id="IA601",
    name="symbols",
    title="The program carries symbols or debug data",
    severity="low",
    what="A symbol table (.symtab) or DWARF in the service's program.",
    why="They are about 30 % of the file, pulled with each image, and tell each variable's name and type. "
    "Stack traces and panics need neither: Go keeps the names of functions elsewhere, also in a stripped "
    "program.",
    fix="go build -ldflags='-s -w'. Keep the unstripped file beside the release for debugging.",
)
PATHS = Rule(
    id="IA602",
    name="build-paths",
    title="The program holds paths of the machine that built it",
    severity="low",
    what="A Go program that was built without -trimpath.",
    why="The paths of all source files are in it: names of users and folders of the build, shown in each panic; "
    "and the same source built elsewhere gives another file.",
    fix="go build -trimpath.",
)
PIE = Rule(
    id="IA603",
    name="pie",
    title="The program with C code is not position-independent",
    severity="low",
    what="A Go program that links C code (cgo) and is loaded at a fixed address.",
    why="Bugs in C code's use of memory are easier to exploit where addresses are known beforehand. Go's own "
    "code is safe for memory: without C the question is not asked.",
    fix="go build -buildmode=pie, or CGO_ENABLED=0 where the C code is not needed.",
)
RELRO = Rule(
    id="IA604",
    name="relro",
    title="The program with C code can have its tables of functions overwritten",
    severity="low",
    what="A dynamic Go program that links C code (cgo) without full RELRO.",
    why="The table through which C functions are called stays writable, and overwriting it turns a bug into "
    "control of the program.",
    fix="go build -ldflags='-linkmode=external -extldflags=-Wl,-z,relro,-z,now', or CGO_ENABLED=0.",
)
NX = Rule(
    id="IA605",
    name="executable-stack",
    title="The program's stack is executable",
    severity="medium",
    what="A PT_GNU_STACK header that asks for an executable stack, in the service's program.",
    why="Data that an attacker puts on the stack can then be run as code. The Go linker never asks for it: it "
    "comes with C or assembly code.",
    fix="Link with -extldflags=-Wl,-z,noexecstack, and mend the object file that asks for it.",
)
UPX = Rule(
    id="IA606",
    name="upx",
    title="A packed program hides from scanners",
    severity="medium",
    what="Executables that UPX packed, wherever in the image.",
    why="What a scanner reads of a Go program, its modules and version, is compressed: it lists nothing and "
    "finds no vulnerability. Packed files also look like malware to virus scanners, and each start unpacks "
    "the whole into memory.",
    fix="Leave UPX out: layers are compressed for the download anyway. Where it stays, scan the program before "
    "it is packed and publish that list.",
)
VCS = Rule(
    id="IA607",
    name="source-revision",
    title="The program does not tell the revision it was built from",
    severity="info",
    what="The go command's stamp of the revision, or that the tree was changed beside it. A version that the go "
    "command took from a tag, and the label org.opencontainers.image.revision, answer the question, too.",
    why="Nobody can say later whether a fix is in. A changed tree can't be built again.",
    fix="Have git and .git in the build stage, of a clean tree, and go build -buildvcs=true; or set the label.",
    references=("OCI image-spec, annotations",),
)
DEBUG_BUILD = Rule(
    id="IA608",
    name="debug-build",
    title="The program was built for testing",
    severity="medium",
    what="-race, -cover, -asan or -msan in the build's settings, or -gcflags with -N or -l.",
    why="The race detector makes a program use several times the memory and processor; -N -l switch "
    "optimisation off; coverage writes files.",
    fix="Build what is shipped without these flags, and test another build of it.",
)
GO_SUPPORT = Rule(
    id="IA609",
    name="go-support",
    title="Built with a Go version that is no longer supported",
    severity="medium",
    what="The Go version in the service's program, held against Go's release history on the day of imgaudit's "
    "data. A distribution may go on mending its own package of that Go: the program does not tell.",
    why="The Go project mends nothing in it any more, holes in TLS, HTTP and parsers included, and the standard "
    "library is part of the program.",
    fix="Build with a supported Go, for example FROM golang:1-alpine.",
    references=("go.dev/doc/devel/release",),
)
GO_PATCH = Rule(
    id="IA610",
    name="go-patch",
    title="Built with an old version of a supported Go",
    severity="low",
    what="Whether the program's line of Go had a newer patch release on the day of imgaudit's data.",
    why="Patch releases hold fixes, mostly of security, and nothing else.",
    fix="Pull the golang image again and rebuild: docker build --pull.",
    references=("go.dev/doc/devel/release",),
)
