"""What was read before, by what it was read of. Facts only: no verdict, which depends on settings, is in here.

A key says all that a fact depends on: imgaudit's version, the format of the cache, the limits, the secret that file
contents were hashed with, and the digests. So nothing is ever out of date, only unused.
"""

import dataclasses
import functools
import hashlib
import os
import pathlib
import secrets
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from imgaudit import __version__
from imgaudit.cache import stored
from imgaudit.cache.folder import Folder, open_folder
from imgaudit.cache.stored import Account, Charges, StoredLayer
from imgaudit.errors import UsageError
from imgaudit.limits import DEFAULT_LIMITS, Limits
from imgaudit.model import Binary, Image
from imgaudit.units import parse_size

if TYPE_CHECKING:
    from imgaudit.layers.interface import LayerScan
    from imgaudit.secrets.interface import Contents

FORMAT = 4  # of what stored.py writes
_KEY, _KEY_BYTES = "key", 16
PACKAGE = pathlib.Path(__file__).resolve().parent.parent


class Cache:
    """Facts of layers, programs and configs. Its methods never raise; what can't be kept is not there the next time.

    seed: for the hashes of file contents. One cache has one, kept in its folder, so that the hashes of a layer read
    today are comparable with those of one read last week, and unknown to whoever makes an image.
    """

    def __init__(self, folder: Folder, key: bytes) -> None:
        self._folder = folder
        self.seed = int.from_bytes(key[:8], "big")
        self._common = f"{FORMAT}\n{__version__}\n{_checkout()}\n{hashlib.sha256(key).hexdigest()}"

    @property
    def path(self) -> pathlib.Path:
        return self._folder.path

    def layer(self, diff_id: str, digest: str | None, limits: Limits, search: str = "") -> StoredLayer | None:
        """What was read of the layer whose tar has this diff_id, stored as the blob with this digest, or plain.
        search: which of its files were searched for secrets."""
        data = self._folder.read(self._layer(diff_id, digest, limits, search), stored.LARGEST)
        return None if data is None else StoredLayer.of(data)

    def keep_layer(
        self, scan: "LayerScan", charges: Charges, contents: "Contents", limits: Limits, search: str = ""
    ) -> None:
        """scan: of a layer that was read to its end, and whose digests are what its image promised."""
        data = stored.layer_bytes(scan, charges, contents)
        if data is not None:
            self._folder.write(self._layer(scan.diff_id, scan.digest, limits, search), data)

    def image(self, facts: str, limits: Limits) -> Image | None:
        """The image that was put together of layers before. facts: all that it depends on besides limits."""
        data = self._folder.read(self._name("image", limits, facts), stored.LARGEST)
        return None if data is None else stored.decode(data, Image)

    def keep_image(self, facts: str, image: Image, limits: Limits) -> None:
        self._keep(self._name("image", limits, facts), image)

    def account(self, binary: Binary, limits: Limits, *, predictions: bool) -> Binary | None:
        """binary with its account, where a program of the same bytes was taken apart before."""
        data = self._folder.read(self._program(binary, limits, predictions), stored.LARGEST)
        account = None if data is None else stored.decode(data, Account)
        return None if account is None else account.on(binary)

    def keep_account(self, binary: Binary, limits: Limits, *, predictions: bool) -> None:
        """binary: after it was taken apart."""
        self._keep(self._program(binary, limits, predictions), Account.of(binary))

    def document(self, name: str) -> bytes | None:
        """What a source kept under this name."""
        data = self._folder.read(self._document(name), stored.LARGEST)
        return None if data is None else stored.decode(data, bytes)

    def keep_document(self, name: str, content: bytes) -> None:
        self._keep(self._document(name), content)

    def close(self) -> None:
        self._folder.close()

    def _keep(self, name: str, value: object) -> None:
        data = stored.encode(value)
        if data is not None:
            self._folder.write(name, data)

    def _layer(self, diff_id: str, digest: str | None, limits: Limits, search: str) -> str:
        """The facts of the blob are in the entry too, and a diff_id has many blobs."""
        return self._name("layer", limits, diff_id, "plain" if digest in (None, diff_id) else str(digest), search)

    def _document(self, name: str) -> str:
        return self._name("source", DEFAULT_LIMITS, name)

    def _program(self, binary: Binary, limits: Limits, predictions: bool) -> str:
        return self._name("program", limits, binary.sha256, "with predictions" if predictions else "")

    def _name(self, kind: str, limits: Limits, *what: str) -> str:
        text = "\n".join((self._common, repr(dataclasses.astuple(limits)), *what))
        return f"{kind}-{hashlib.sha256(text.encode()).hexdigest()}"


def open_cache(detail: Callable[[str], None] = lambda line: None, limits: Limits = DEFAULT_LIMITS) -> Cache | None:
    """The user's cache: IMGAUDIT_CACHE, else imgaudit in XDG_CACHE_HOME, else ~/.cache/imgaudit.

    None where it can't be used, told through detail. Raises UsageError for an IMGAUDIT_CACHE_SIZE that is no size.
    """
    limit = _limit(os.environ, limits)
    path = _place(os.environ)
    folder = open_folder(path, limit, detail) if limit and path is not None else None
    if folder is None:
        return None
    key = folder.read(_KEY, _KEY_BYTES)
    if key is None or len(key) != _KEY_BYTES:
        folder.write_once(_KEY, secrets.token_bytes(_KEY_BYTES))
        key = folder.read(_KEY, _KEY_BYTES)
    if key is None or len(key) != _KEY_BYTES:
        folder.close()
        return None
    return Cache(folder, bytes(key))


def _limit(environment: Mapping[str, str], limits: Limits) -> int:
    text = environment.get("IMGAUDIT_CACHE_SIZE", "")
    if not text:
        return limits.cache
    try:
        return 0 if text == "0" else parse_size(text)
    except ValueError as error:
        raise UsageError(f"IMGAUDIT_CACHE_SIZE={text} {error}", hint="for example 2GB, or 0 for no cache") from None


def _place(environment: Mapping[str, str]) -> pathlib.Path | None:
    if environment.get("IMGAUDIT_CACHE"):
        return pathlib.Path(environment["IMGAUDIT_CACHE"])
    base = environment.get("XDG_CACHE_HOME", "")
    if not os.path.isabs(base):  # the XDG base directory specification: a relative one is to be ignored
        home = os.path.expanduser("~")
        if not os.path.isabs(home):
            return None
        base = os.path.join(home, ".cache")
    return pathlib.Path(base, "imgaudit")


@functools.cache
def _checkout() -> str:
    """In a checkout the version stands still while the code changes, so its files' times count as well."""
    if not (PACKAGE.parent / "pyproject.toml").is_file():
        return ""
    times = hashlib.sha256()
    for path in sorted(PACKAGE.rglob("*.py")):
        times.update(f"{path} {path.stat().st_mtime_ns}\n".encode())
    return times.hexdigest()
