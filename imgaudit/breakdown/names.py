"""Symbol names and packages. Source: cmd/internal/objabi (PathToPrefix), internal/pkgbits and the compiler's naming."""

import re

FOREIGN = 1
"""The number of what is not Go: C code, and what only C code refers to. It gets no row; its bytes stay remainder."""

SHAPES = "go.shape"

_ESCAPE = re.compile(rb"%([0-9a-f]{2})")
_COMPARE = re.compile(r"type[:.]\.(?:eq|hash)\.(.+)", re.DOTALL)
_SYNTHETIC = ("go:", "go.", "type:", "type..")
_LINKERS = ("go:buildid", "go.buildid", "go:link.", "go.link.")
# package.Name, somewhere in a type; tried once a word, so that long ones cost no more.
_INSIDE = re.compile(r"(?<![\w./%~-])[\w./%~-]*[\w%~-]\.\w")


class Packages:
    """Numbers of packages by name; 0 is none, FOREIGN no Go."""

    def __init__(self) -> None:
        self.names: list[str] = ["", "(C)"]
        self._numbers: dict[str, int] = {"": 0}
        self._by_path: dict[str, int] = {}

    def number(self, name: str) -> int:
        """The number of a package, a new one where it has none yet."""
        found = self._numbers.get(name)
        if found is None:
            found = self._numbers[name] = len(self.names)
            self.names.append(name)
        return found

    def find(self, name: str) -> int:
        """The number of a package that is known already; 0 for any other."""
        return self._numbers.get(name, 0)

    def of_path(self, path: str) -> int:
        """The number of a package by its path as the linker escapes it."""
        found = self._by_path.get(path)
        if found is None:
            # Types that only stand for others of their shape are no package's.
            found = self._by_path[path] = 0 if path == SHAPES else self.number(unescape(path))
        return found

    def of_symbol(self, symbol: str) -> int:
        """The package of a function's name; 0 where the name tells none."""
        return self.of_path(path_of(symbol))


def package_of(symbol: str) -> str:
    """`net/http` for `net/http.(*Server).Serve.func1`; "" for a name that has no package of its own."""
    return unescape(path_of(symbol))


def path_of(symbol: str) -> str:
    """As `package_of`, the path still escaped. Type arguments have packages of their own and are left out."""
    if symbol.startswith(_SYNTHETIC):
        return _synthetic(symbol)
    cut = symbol.find("[")
    if cut >= 0:
        symbol = symbol[:cut]
    last = symbol.rfind("/") + 1
    receiver = symbol.find(".(", 0, last)
    if receiver >= 0:  # an embedded type's method with its package's path: regexp.(*onePassInst).regexp/syntax.op
        last = symbol.rfind("/", 0, receiver) + 1
    dot = symbol.find(".", last)
    return symbol[:dot] if dot > 0 else ""


def unescape(path: str) -> str:
    """A path as it is imported: the linker writes dots of its last element, and bytes that are no ASCII, as %xx."""
    if "%" not in path:
        return path
    raw = path.encode("utf-8", "surrogateescape")
    return _ESCAPE.sub(lambda match: bytes((int(match[1], 16),)), raw).decode("utf-8", "replace")


def _synthetic(symbol: str) -> str:
    """The linker's own functions: one that compares a type is its package's, a wrapper the first path's inside;
    runtime's are those for types of no package, and since Go 1.27 those that types of one shape share."""
    match = _COMPARE.match(symbol)
    if match is None and symbol.startswith("type"):
        return "runtime"
    inside = _INSIDE.search((match[1] if match else symbol[3:]).replace(SHAPES + ".", ""))
    if inside and not symbol.startswith(_LINKERS):
        return path_of(inside[0])
    return "runtime" if match else ""
