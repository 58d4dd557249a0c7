"""Files embedded as a string or a slice of bytes have no name: they are data of the package that embeds them, whole."""

import random

import pytest

from imgaudit import anatomy, binaries
from imgaudit.limits import DEFAULT_LIMITS
from tests.support.gobuild import GoProgram, build

SIZE = 1_500_000
_API = """package api

import (
	_ "embed"
	"net/http"
)

//go:embed page.txt
var page string

//go:embed image.txt
var image []byte

func Page(w http.ResponseWriter, r *http.Request)  { w.Write([]byte(page)) }
func Image(w http.ResponseWriter, r *http.Request) { w.Write(image) }
"""
_MAIN = """package main

import (
	"net/http"

	"example.com/shop/api"
)

func main() {
	http.HandleFunc("/page", api.Page)
	http.HandleFunc("/image", api.Image)
	http.ListenAndServe(":8080", nil)
}
"""


def _text(seed: int) -> str:
    """Bytes that no two places share, and of which many look like addresses to a careless reader."""
    chance = random.Random(seed)
    return "".join(chance.choices("\x01\x02\x04\x08@AP`abcdefgh\n", k=SIZE))


PROGRAM = GoProgram(
    "shop",
    (
        ("go.mod", "module example.com/shop\n\ngo 1.16\n"),
        ("main.go", _MAIN),
        ("api/api.go", _API),
        ("api/page.txt", _text(1)),
        ("api/image.txt", _text(2)),
    ),
)


@pytest.mark.go
@pytest.mark.parametrize("arch", ["amd64", "arm64"])
def test_embedded_strings_and_bytes_are_their_packages_whole(arch: str) -> None:
    path = build(PROGRAM, "-ldflags=-s -w", arch=arch)
    data = binaries.read_file(path, limits=DEFAULT_LIMITS)
    placed = binaries.place_file(path, data, limits=DEFAULT_LIMITS)
    account = anatomy.with_account(placed, data, DEFAULT_LIMITS, predictions=False).size_breakdown
    assert account is not None
    assert account.embeds == ()
    packages = {package.name: package for package in account.packages}
    assert 2 * SIZE <= packages["example.com/shop/api"].data < 2 * SIZE + 10_000
    others = [package.data for name, package in packages.items() if name != "example.com/shop/api"]
    assert max(others) < SIZE // 10
