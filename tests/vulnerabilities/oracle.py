"""govulncheck, which says of a Go program what Go's own vulnerability data holds about it."""

import functools
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from imgaudit import model
from imgaudit.vulnerabilities import Symbols
from tests.support.gobuild import require_go
from tests.support.tools import absent

_SOURCE = "golang.org/x/vuln/cmd/govulncheck@v1.8.0"
_STATES = ("absent", "package", "symbol")


class Said(NamedTuple):
    """How far an entry is followed, and the first version that fixes it, with `v`, also of Go."""

    state: str
    fixed: str | None


def govulncheck() -> str:
    """The command; built once where it is not on PATH. Skips (or fails) where it can't be had."""
    found = shutil.which("govulncheck") or _built()
    if not Path(found).is_file():
        absent(found)
    return found


@functools.cache
def _built() -> str:
    """A path, or why there is none."""
    require_go()
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache", "imgaudit-tests")
    target = cache / "govulncheck-1.8.0"
    if not target.exists():
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache) as folder:  # other processes may be at it as well
            env = {**os.environ, "GOBIN": folder, "GOFLAGS": "", "GOTOOLCHAIN": "auto"}
            done = subprocess.run(["go", "install", _SOURCE], env=env, capture_output=True, text=True, check=False)
            if done.returncode:
                return f"govulncheck can't be built: {done.stderr.strip()[-200:]}"
            Path(folder, "govulncheck").replace(target)
    return str(target)


def findings(program: Path, database: Path) -> dict[str, Said]:
    """What it says of each entry, by its id."""
    done = subprocess.run(
        [govulncheck(), "-mode=binary", f"-db={database.as_uri()}", "-format=json", str(program)],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    found: dict[str, Said] = {}
    for message in _documents(done.stdout):
        finding = message.get("finding")
        if finding:
            frame = finding["trace"][0]
            state = "symbol" if "function" in frame else "package" if "package" in frame else "absent"
            before = found.get(finding["osv"], Said("absent", None))
            # Of functions and packages it may name another module of the program, whose path begins alike.
            fixed = finding.get("fixed_version") if state == "absent" else before.fixed
            found[finding["osv"]] = Said(max(before.state, state, key=_STATES.index), fixed)
    return found


def _documents(text: str) -> Iterator[dict[str, Any]]:
    decoder, at = json.JSONDecoder(), 0
    while at < len(text.rstrip()):
        document, at = decoder.raw_decode(text, at + len(text[at:]) - len(text[at:].lstrip()))
        yield document


def extract(folder: Path, binary: model.Binary, symbols: Symbols) -> Path:
    """A file that govulncheck takes in a program's place: what it would read of it (`-mode=extract` writes them)."""
    go = binary.go
    main = go.path or ""
    body = {
        "path": main,
        "main": _module(go.module) if go.module else None,
        "modules": [_module(each) for each in go.dependencies],
        "pkgSymbols": [{"pkg": package, "name": name} for package, names in symbols.items() for name in sorted(names)],
        "goVersion": go.version,
        "goos": go.settings.get("GOOS", ""),
        "goarch": go.settings.get("GOARCH", ""),
    }
    path = folder / "extract.json"
    header = {"name": "govulncheck-extract", "version": "0.1.0"}
    path.write_text(f"{json.dumps(header)}\n{json.dumps(body)}\n")
    return path


def _module(module: model.GoModule) -> dict[str, Any]:
    told: dict[str, Any] = {"Path": module.path, "Version": module.version or ""}
    if module.replace:
        told["Replace"] = _module(module.replace)
    return told
