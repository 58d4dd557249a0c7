"""Left behind, IA4xx: what each check means. left_behind.py judges."""

from imgaudit.checks.interface import Rule

_CIS_PACKAGES = "CIS Docker Benchmark 4.3"
_STAGES = "Build in one stage and copy only the program into the last one: COPY --from=build /out/app /app."

TOOLCHAIN = Rule(
    id="IA401",
    name="go-toolchain",
    title="The Go toolchain is in the image",
    severity="medium",
    what="A Go toolchain, known by its bin/go: from the golang image, a package or the module cache.",
    why="A running service needs none of it. It is hundreds of megabytes, is scanned and patched with the "
    "image, and builds programs for whoever gets in.",
    fix=_STAGES,
    references=(_CIS_PACKAGES,),
)
DEBUGGER = Rule(
    id="IA402",
    name="debugger",
    title="A debugger is in the image",
    severity="medium",
    what="Delve, gdb, lldb, strace or ltrace.",
    why="A debugger reads and changes a running program's memory, keys included, and Delve serves that over the "
    "network.",
    fix="Keep it in a stage of its own for debugging (docker build --target debug), or attach one for as long "
    "as it is needed: kubectl debug.",
    references=(_CIS_PACKAGES,),
)
COMPILER = Rule(
    id="IA403",
    name="compilers",
    title="Compilers or build tools are in the image",
    severity="low",
    what="C, Rust and Java compilers, linkers, make and the like among the commands.",
    why="They are packages to patch that the service never runs, and they build what an intruder can't bring along.",
    fix=_STAGES,
    references=(_CIS_PACKAGES,),
)
PACKAGE_MANAGER = Rule(
    id="IA404",
    name="package-manager",
    title="A package manager was added to the image",
    severity="low",
    what="apk, apt, rpm, pip, npm and the like. What the base itself brings is not held against the image.",
    why="Packages are put in while building; afterwards a package manager serves only who wants more in there.",
    fix="Install in a build stage, and copy what was installed; or use a base without one: distroless or scratch.",
    references=(_CIS_PACKAGES,),
)
NETWORK_TOOL = Rule(
    id="IA405",
    name="network-tools",
    title="Network tools were added to the image",
    severity="low",
    what="curl, wget, netcat, socat, ssh and the like. What the base itself brings (BusyBox has a wget) is not "
    "held against the image.",
    why="They fetch and send for whoever gets in, and are packages to patch.",
    fix='Leave them out. For a health check let the program ask itself (HEALTHCHECK CMD ["/app", "-health"]), '
    "or let the orchestrator ask from outside.",
    references=(_CIS_PACKAGES,),
)
REPOSITORY = Rule(
    id="IA406",
    name="version-control",
    title="A repository is in the image",
    severity="medium",
    what="A .git, .hg or .svn folder with its data, also in a layer that a later one hides.",
    why="It holds the source's whole history: what was deleted from it, too, and often the address and name to "
    "push to.",
    fix="List .git in .dockerignore, and copy into the last stage only what runs.",
    references=("dockle DKL-LI-0003",),
)
SOURCE = Rule(
    id="IA407",
    name="source-code",
    title="The program's source is in the image",
    severity="medium",
    what="go.mod, go.work or main.go outside of the toolchain and the module cache, also in a layer that a later "
    "one hides.",
    why="Whoever can pull the image can read the source, its comments and its configuration.",
    fix=_STAGES,
)
GO_CACHE = Rule(
    id="IA408",
    name="go-caches",
    title="Go's module or build cache is in the image",
    severity="low",
    what="The lock of a module cache (pkg/mod/cache) or the trim.txt of a build cache (go-build), also in a "
    "layer that a later one hides. An empty folder is none: it is where a cache was mounted.",
    why="All modules' sources and test data are pulled with the image and scanned as if they ran.",
    fix="RUN --mount=type=cache,target=/go/pkg/mod --mount=type=cache,target=/root/.cache/go-build go build "
    "..., and a last stage that copies the program only.",
)
BUILD_FILE = Rule(
    id="IA409",
    name="build-files",
    title="Files of the build are in the image",
    severity="low",
    what="Dockerfile, .dockerignore, compose files or a Jenkinsfile, outside of packages and modules.",
    why="They tell how and from what the image is built and run, with hosts, ports and names of variables.",
    fix="COPY what the program needs by name instead of COPY . ., or list these files in .dockerignore.",
    references=("dockle DKL-LI-0003",),
)
PACKAGE_CACHE = Rule(
    id="IA410",
    name="package-caches",
    title="A package manager's cache is in the image",
    severity="low",
    what="Lists and packages of apt and apk, and caches of pip and npm, as the image holds them: what a command "
    "left, not how it was spelt.",
    why="They are pulled with each image and of no use in it; old lists of packages mislead a later install.",
    fix="apk add --no-cache; apt-get install ... && rm -rf /var/lib/apt/lists/* in the same RUN; pip install "
    "--no-cache-dir; npm ci && npm cache clean --force.",
    references=("dockle DKL-DI-0004", "dockle DKL-DI-0005", "dockle DKL-LI-0003"),
)
SHELL = Rule(
    id="IA411",
    name="unexpected-shell",
    title="A shell in an image that should have none",
    severity="low",
    what="A shell in an image on scratch or distroless, or in one whose tag says scratch or distroless.",
    why="That there is no shell is what such an image is chosen for: a hole in the program then gives no command line.",
    fix="Leave the shell out; take distroless without :debug. For a look inside: kubectl debug, or docker debug.",
    references=(_CIS_PACKAGES,),
)
DEAD_FILE = Rule(
    id="IA412",
    name="deleted-files",
    title="Deleted files are still in the image",
    severity="low",
    what="Files of 1 MiB and more that a layer of the build added and a later one deleted.",
    why="A layer keeps what it holds: all who pull the image carry such a file, and can read it.",
    fix="Delete in the RUN that makes the file, or copy only what stays into the last stage.",
)
