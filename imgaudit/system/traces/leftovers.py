"""Finders of what a build left behind. A name alone is not enough where others use it, too: folders decide."""

from imgaudit.model import leftovers as kinds
from imgaudit.system.traces.finders import register, register_folder

_FOREIGN = ("/usr/local/go/", "/usr/lib/go", "/usr/share/", "/usr/lib/python", "/usr/local/lib/python")
_WITHIN = ("/pkg/mod/", "/testdata/", "/node_modules/", "/site-packages/", "/dist-packages/", "/golang.org/toolchain@")


def _tool(path: str, kind: str) -> bool:
    """A command: a file, or a link to one, in a folder of commands."""
    return kind in ("file", "symlink") and path[: path.rfind("/")].endswith(("/bin", "/sbin"))


def _program(path: str, kind: str) -> bool:
    """People put single programs anywhere, such as /dlv. What is not executable, the check leaves out."""
    return kind == "file"


def _toolchain(path: str, kind: str) -> bool:
    """The go command of a whole toolchain; distributions keep theirs in /usr/lib/go-1.19 or /usr/lib/go."""
    if kind != "file" or not path.endswith("/bin/go"):
        return False
    root = path.removesuffix("/bin/go")
    return root.endswith("/go") or root.startswith("/usr/lib/go") or "/golang.org/toolchain@" in root


def _repository(path: str, kind: str) -> bool:
    """A file that every repository has; a submodule's .git is a file and holds nothing."""
    return kind == "file" and path.endswith(("/.git/HEAD", "/.hg/requires", "/.svn/wc.db"))


def _own_source(path: str, kind: str) -> bool:
    """Not what belongs to a module of the cache, to the toolchain or to a package: those are told as what they are."""
    return kind == "file" and not path.startswith(_FOREIGN) and not any(part in path for part in _WITHIN)


def _build_cache(path: str, kind: str) -> bool:
    """A file that the go command puts there: an empty folder may be where a cache was mounted while building."""
    return kind == "file" and path.endswith("/go-build/trim.txt")


def _module_cache(path: str, kind: str) -> bool:
    return kind == "file" and path.endswith("/pkg/mod/cache/lock")


def _lists(path: str, kind: str) -> bool:
    """Beside lists and packages lie an empty lock and folders."""
    return kind == "file" and not path.endswith("/lock")


def _apt(path: str, kind: str) -> bool:
    return kind == "file" and path.startswith("/var/cache/apt/")


def _home_cache(path: str, kind: str) -> bool:
    """Made by pip and npm themselves, one level below what a build would mount."""
    return kind == "dir" and path.endswith(("/.cache/pip/http", "/.cache/pip/http-v2", "/.npm/_cacache"))


def _shell(path: str, kind: str) -> bool:
    return kind in ("file", "symlink") and path.startswith(("/bin/", "/usr/bin/", "/usr/local/bin/", "/busybox/"))


# fmt: off
_DEBUGGERS = ("gdb", "gdbserver", "lldb", "lldb-server", "strace", "ltrace")
_COMPILERS = (
    "gcc", "g++", "cc", "c++", "clang", "clang++", "tcc", "ld", "make", "cmake", "ninja", "rustc", "cargo", "javac",
)
_PACKAGE_MANAGERS = (
    "apk", "apt", "apt-get", "dpkg", "rpm", "yum", "dnf", "microdnf", "tdnf", "zypper", "pacman",
    "pip", "pip3", "npm", "yarn", "pnpm", "gem",
)
_NETWORK_TOOLS = (
    "curl", "wget", "nc", "ncat", "netcat", "socat", "telnet", "ssh", "sshd", "nmap", "tcpdump", "rsync",
)
# fmt: on

register(kinds.TOOLCHAIN, "go", fits=_toolchain)
register(kinds.DEBUGGER, "dlv", fits=_program)
register(kinds.DEBUGGER, *_DEBUGGERS, fits=_tool)
register(kinds.COMPILER, *_COMPILERS, fits=_tool)
register(kinds.PACKAGE_MANAGER, *_PACKAGE_MANAGERS, fits=_tool)
register(kinds.NETWORK_TOOL, *_NETWORK_TOOLS, fits=_tool)
register(kinds.REPOSITORY, "HEAD", "requires", "wc.db", fits=_repository)
register(kinds.SOURCE, "go.mod", "go.work", "main.go", fits=_own_source)
register(kinds.MODULE_CACHE, "lock", fits=_module_cache)
register(kinds.BUILD_CACHE, "trim.txt", fits=_build_cache)
register(kinds.BUILD_FILE, "Dockerfile", "Containerfile", ".dockerignore", "Jenkinsfile", fits=_own_source)
register(kinds.BUILD_FILE, "docker-compose.yml", "docker-compose.yaml", "compose.yml", "compose.yaml", fits=_own_source)
register(kinds.PACKAGE_CACHE, "http", "http-v2", "_cacache", fits=_home_cache)
register(kinds.PACKAGE_CACHE, "pkgcache.bin", "srcpkgcache.bin", fits=_apt)
register_folder(kinds.PACKAGE_CACHE, "/var/lib/apt/lists", "/var/cache/apt/archives", "/var/cache/apk", fits=_lists)
register(kinds.SHELL, "sh", "bash", "ash", "dash", "zsh", "busybox", fits=_shell)
