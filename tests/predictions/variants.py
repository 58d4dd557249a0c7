"""Programs built twice, with and without what a prediction is about, and what Go's own gzip makes of them."""

import functools
import hashlib
import subprocess
import tempfile
from pathlib import Path

from imgaudit import anatomy, binaries
from imgaudit.limits import DEFAULT_LIMITS
from imgaudit.model import Binary, Prediction
from imgaudit.predictions import predict
from tests.support.gobuild import GoProgram, build, require_go

STRIPPED = "-ldflags=-s -w"

_TIME = """package main

import (
	"fmt"
	"time"
%s)

func main() { fmt.Println(time.LoadLocation("Europe/Berlin")) }
"""
_EMBED = """package main

import (
	"embed"
	"fmt"
)

//go:embed files
var files embed.FS

func main() { fmt.Println(files.ReadDir("files")) }
"""
_GZIP = """package main

import (
	"compress/gzip"
	"fmt"
	"io"
	"os"
)

type counter int

func (c *counter) Write(p []byte) (int, error) { *c += counter(len(p)); return len(p), nil }

func main() {
	var n counter
	z := gzip.NewWriter(&n)
	if _, err := io.Copy(z, os.Stdin); err != nil {
		panic(err)
	}
	z.Close()
	fmt.Println(int(n))
}
"""


def _program(name: str, text: str, **files: str) -> GoProgram:
    rest = tuple((path.replace("__", "/"), content) for path, content in files.items())
    return GoProgram(name, (("go.mod", f"module example.com/{name}\n\ngo 1.16\n"), ("main.go", text), *rest))


TEXT = "\n".join(f"{number}: {number * number:x} {number**7:o} and some words" for number in range(6000))
WORDS = "\n".join(
    f"{hashlib.sha256(str(number).encode()).hexdigest()[: number % 7 + 2]} is word {number} of a list"
    for number in range(4000)
)
WITH_FILES = _program("embedding", _EMBED, files__a="a", **{"files__text.txt": TEXT, "files__words.txt": WORDS})
WITHOUT_FILES = _program("embedding", _EMBED, files__a="a")
WITH_ZONES = _program("zones", _TIME % '\t_ "time/tzdata"\n')
WITHOUT_ZONES = _program("zones", _TIME % "")
_COUNT = _program("gzip", _GZIP)


def predicted(path: Path) -> dict[str, Prediction]:
    """What is predicted for a program, by the method's words."""
    data = memoryview(path.read_bytes())
    return {found.method: found for found in predict(data, known(path))}


@functools.cache
def known(path: Path) -> Binary:
    data = memoryview(path.read_bytes())
    return anatomy.with_account(binaries.place_file(str(path), data), data, DEFAULT_LIMITS, predictions=False)


@functools.cache
def download(path: Path) -> int:
    """Bytes that Go's compress/gzip makes of a file at its default level."""
    require_go()
    with path.open("rb") as file, tempfile.TemporaryFile() as out:
        subprocess.run([build(_COUNT, STRIPPED)], stdin=file, stdout=out, check=True)
        out.seek(0)
        return int(out.read())
