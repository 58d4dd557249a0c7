"""Layers and files that are moved, renamed, stored again or split, and steps as each builder writes them."""

from pathlib import Path

import pytest

from imgaudit.causes.steps import step_of
from tests.causes.test_images import APP, K, changes, rows

DATA = {"/data/a.bin": 300 * K, "/data/b.bin": 500 * K}


@pytest.mark.parametrize(
    ("created_by", "step"),
    [
        ("RUN /bin/sh -c chmod 700 /server # buildkit", "RUN chmod 700 /server"),
        ("RUN |2 VERSION=1.4 NAME=a b /bin/sh -c go build # buildkit", "RUN go build"),
        ("|1 VERSION=1.4 /bin/sh -c go  build\n", "RUN go build"),
        ("/bin/sh -c apk add curl", "RUN apk add curl"),
        (f"/bin/sh -c #(nop) COPY file:{'a' * 64} in / ", "COPY file in /"),
        (f"COPY --from=base@sha256:{'a' * 64} /a /b # buildkit", "COPY --from=base /a /b"),
        ("WORKDIR /srv", "WORKDIR /srv"),
        (None, ""),
        (" ", ""),
    ],
)
def test_a_step_is_what_the_dockerfile_says(created_by: str | None, step: str) -> None:
    assert step_of(created_by) == step


def test_a_build_argument_is_no_other_step(tmp_path: Path) -> None:
    old, new = (f"RUN |1 VERSION={version} /bin/sh -c make # buildkit" for version in ("1.4", "1.5"))
    found = changes([(old, {"/out-1.4": 80 * K})], [(new, {"/out-1.5.txt": 90 * K})], tmp_path)
    assert {kind for kind, _, _ in rows(found["rootfs"])} == {"file-added", "file-removed"}


def test_a_tool_that_writes_one_step_for_all_layers(tmp_path: Path) -> None:
    """The files tell which layer is which, also where the first one is new."""
    old = [("tool", {"/lib": 90 * K}), ("tool", {"/app": 100 * K})]
    new = [("tool", {"/more": 70 * K}), ("tool", {"/lib": 95 * K}), ("tool", {"/app": 110 * K})]
    found = changes(old, new, tmp_path)["unpacked"]
    kind, size, detail = rows(found)[0]
    assert (kind, detail) == ("layer-added", "tool")
    assert 70 * K < size <= 80 * K  # the tar's padding
    assert {("file-changed", 5 * K, "/lib"), ("file-changed", 10 * K, "/app")} < set(rows(found))


def test_a_mode_that_a_later_layer_changes_stores_the_file_again(tmp_path: Path) -> None:
    found = changes([APP], [APP, ("RUN chmod 700 /app", {"/app": 300 * K})], tmp_path)
    assert rows(found["rootfs"]) == []
    for measure in ("unpacked", "download"):
        cause = found[measure].causes[0]
        assert (cause.cause, cause.detail) == ("layer-added", "RUN chmod 700 /app; stores /app again")
        assert cause.bytes > 299 * K
    back = changes([APP, ("RUN chmod 700 /app", {"/app": 300 * K})], [APP], tmp_path)
    assert rows(back["unpacked"])[0][::2] == ("layer-removed", "RUN chmod 700 /app; stores /app again")


def test_a_folder_that_is_copied_elsewhere_is_no_difference(tmp_path: Path) -> None:
    moved = {path.replace("/data", "/var/lib"): size for path, size in DATA.items()}
    old, new = [("COPY data /data", DATA)], [("COPY data /var/lib", {**moved, "/etc/more": 80 * K})]
    found = changes(old, new, tmp_path)
    # The contents differ with their path here, which sizes don't tell.
    assert rows(found["rootfs"]) == [("file-added", 80 * K, "/etc/more")]


def test_a_name_that_holds_a_hash_of_the_content(tmp_path: Path) -> None:
    """As bundlers write it; where several could be meant each has its own cause."""
    old = {"/web/app.3f2a1b9c.js": 300 * K, "/web/chunk-11111111.js": 80 * K, "/web/chunk-22222222.js": 90 * K}
    new = {"/web/app.9bc41d00.js": 310 * K, "/web/chunk-33333333.js": 85 * K, "/web/chunk-22222222.js": 90 * K}
    found = changes([("COPY web /web", old)], [("COPY web /web", new)], tmp_path)
    assert rows(found["rootfs"]) == [
        ("file-changed", 10 * K, "/web/app.9bc41d00.js, before /web/app.3f2a1b9c.js"),
        ("file-changed", 5 * K, "/web/chunk-33333333.js, before /web/chunk-11111111.js"),
    ]
    del new["/web/chunk-33333333.js"]
    new |= {"/web/chunk-44444444.js": 70 * K, "/web/chunk-55555555.js": 75 * K}
    found = changes([("COPY web /web", old)], [("COPY web /web", new)], tmp_path)
    assert len(found["rootfs"].causes) == 4


def test_a_layer_that_is_split_in_two(tmp_path: Path) -> None:
    """Only the second tar's own bytes are new."""
    split = [("COPY data/a.bin /data/", {"/data/a.bin": 300 * K}), ("COPY data/b.bin /data/", {"/data/b.bin": 500 * K})]
    found = changes([("COPY data /data", DATA)], split, tmp_path)
    assert found["rootfs"].delta == 0
    assert all(abs(size) < 20 * K for _, size, _ in rows(found["unpacked"]))
    assert found["unpacked"].unexplained == 0
    served = changes([("COPY data /data", DATA)], split, tmp_path, served=True)["download"]
    assert all(abs(size) < 20 * K for _, size, _ in rows(served))


def test_other_content_of_the_same_size(tmp_path: Path) -> None:
    """Nothing but the download differs; the layer is named."""
    text, noise = [("COPY . /", {"/a": 100 * K})], [("COPY . /", {"/b": 100 * K})]
    change = changes(text, noise, tmp_path, served=True)["download"]
    assert change.delta
    assert rows(change) == [("file-changed", change.delta, "other content or times, sizes are the same: COPY . /")]


def test_names_of_any_length_are_cut(tmp_path: Path) -> None:
    long = "/" + "/".join(["n" * 200] * 15)
    change = changes([APP], [APP, ("RUN " + "x" * 100_000, {long: 80 * K})], tmp_path)["unpacked"]
    assert [len(cause.detail) for cause in change.causes] == [300]
    assert change.causes[0].detail.startswith("RUN xxx")
