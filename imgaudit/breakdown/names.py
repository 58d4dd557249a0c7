"""Symbol names and packages. Source: cmd/internal/objabi (PathToPrefix), internal/pkgbits and the compiler's naming."""

import re

_ESCAPE = re.compile(r"%([0-9a-f]{2})")
_BRACKETS = re.compile(r"\[[^\[\]]*\]")
_TYPE = re.compile(r"type[:.]\.(?:eq|hash)\.(.+)")


class Packages:
    """Numbers of packages by name; 0 is none."""

    def __init__(self) -> None:
        self.names: list[str] = [""]
        self._numbers: dict[str, int] = {"": 0}
        self._by_symbol: dict[str, int] = {}

    def number(self, name: str) -> int:
        found = self._numbers.get(name)
        if found is None:
            found = self._numbers[name] = len(self.names)
            self.names.append(name)
        return found

    def find(self, name: str) -> int:
        """The number of a package that is known already; 0 for any other."""
        return self._numbers.get(name, 0)

    def of_symbol(self, symbol: bytes) -> int:
        """The package of a function's name; 0 where the name tells none."""
        return self.number(package_of(symbol.decode("utf-8", "replace")))


def package_of(symbol: str) -> str:
    """`net/http` for `net/http.(*Server).Serve.func1`; "" for a name that has no package of its own."""
    if symbol.startswith(("go:", "go.", "type:", "type..")):
        return _synthetic(symbol)
    cut = symbol.find("[")
    if cut >= 0:
        symbol = symbol[:cut]
    slash = symbol.rfind("/")
    dot = symbol.find(".", slash + 1)
    if dot < 0:
        return ""
    return unescape(symbol[:dot])


def unescape(path: str) -> str:
    return _ESCAPE.sub(lambda match: chr(int(match[1], 16)), path) if "%" in path else path


def _synthetic(symbol: str) -> str:
    """The linker's own functions: one that compares a type is its package's, a wrapper the first path inside."""
    match = _TYPE.match(symbol)
    if match:
        name = match[1].lstrip("*[]0123456789")
        return package_of(name) if "." in name and not name.startswith(("struct", "interface", "func")) else "runtime"
    inner = re.search(r"[\w./%~-]+\.\w", symbol[3:])
    return package_of(inner[0]) if inner and not symbol.startswith(("go:buildid", "go.buildid")) else ""
