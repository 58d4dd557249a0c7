"""Which small files of a layer are kept for later, and as what. Everything else costs one look at path and head.

`Kept` holds a file's bytes, `Certificates` the number of certificates in a PEM file, `Unread` stands for a script that
was not kept. Executables (ELF) are not collected here: audit.py hands those to binaries/.
"""

import threading

import msgspec

from imgaudit.limits import Limits
from imgaudit.model import Skipped

# Go looks for these in this order and stops at the first it finds (crypto/x509/root_linux.go, certFiles).
CA_BUNDLES = (
    "/etc/ssl/certs/ca-certificates.crt",  # Debian, Ubuntu, Alpine
    "/etc/pki/tls/certs/ca-bundle.crt",  # Fedora, RHEL 6
    "/etc/ssl/ca-bundle.pem",  # openSUSE
    "/etc/pki/tls/cacert.pem",  # OpenELEC
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",  # RHEL 7 and later
    "/etc/ssl/cert.pem",  # Alpine
)

APK_DATABASES = ("/lib/apk/db/installed", "/usr/lib/apk/db/installed")
DPKG_STATUS = "/var/lib/dpkg/status"
DPKG_STATUS_FOLDER = "/var/lib/dpkg/status.d"
DPKG_INFO_FOLDER = "/var/lib/dpkg/info"

# Without these the report would lack facts: what is not kept of them is recorded.
_NEEDED = frozenset((
    *APK_DATABASES,
    DPKG_STATUS,
    "/etc/os-release",
    "/usr/lib/os-release",
))  # fmt: skip
_EXACT = _NEEDED | {
    "/etc/alpine-release",
    "/etc/debian_version",
    "/etc/passwd",
    "/etc/shadow",
    "/etc/group",
    "/etc/ld.so.conf",
}
_NEEDED_FOLDERS = (DPKG_STATUS_FOLDER + "/",)
_FOLDERS = (*_NEEDED_FOLDERS, DPKG_INFO_FOLDER + "/", "/etc/ld.so.conf.d/", "/etc/ld-musl-")
_PEM_ENDINGS = (".pem", ".crt", ".cert", ".cer")
_PEM_FOLDERS = ("/etc/", "/usr/share/", "/usr/local/share/", "/var/lib/ca-certificates/")
_PEM_HEAD = b"-----BEGIN "

SCRIPT_SIZE = 64 << 10  # a script that starts a service is short
_SCRIPT_SHARE = 4  # scripts may fill a quarter of what is kept, so that databases always find room


class Kept(msgspec.Struct, frozen=True, tag="kept"):
    """A file's bytes, whole."""

    data: bytes


class Certificates(msgspec.Struct, frozen=True, tag="certificates"):
    """A PEM file that holds this many certificates; 0 only for a bundle that Go would read."""

    count: int


class Unread(msgspec.Struct, frozen=True, tag="unread"):
    """A script that was not kept, for there were too many."""


# What this package puts into LayerScan.payloads.
Payload = Kept | Certificates | Unread


class Allowance:
    """What the layers of one image may keep together; asked from several threads."""

    def __init__(self, limits: Limits) -> None:
        self._left = limits.kept_image
        self._scripts_left = limits.kept_image // _SCRIPT_SHARE
        self._lock = threading.Lock()

    def take(self, size: int, *, script: bool = False) -> bool:
        """Whether so many bytes more may be kept; they count from now on."""
        with self._lock:
            if size > (self._scripts_left if script else self._left):
                return False
            self._left -= size
            self._scripts_left -= size if script else 0
            return True


class SystemCollector:
    """A layers.Collector for everything that is not ELF; one object a layer (it counts what it keeps).

    allowance: shared by the layers of an image; None for a layer on its own.

    Keeps OS identity files, package databases and lists, users, loader configuration and `#!` scripts that are
    executable and up to 64 KiB; counts certificates. `skipped` names what a report misses because of a limit.
    """

    def __init__(self, limits: Limits, allowance: Allowance | None = None) -> None:
        self._image = allowance or Allowance(limits)
        self._file = limits.kept_file
        self._left = limits.kept_total
        self._scripts_left = limits.kept_total // _SCRIPT_SHARE
        self.skipped: list[Skipped] = []

    def wants(self, path: str, size: int, mode: int, head: bytes) -> bool:
        """Whether collect should see this regular file: it is of a kind that is used, and within the limits."""
        if path in _EXACT or path.startswith(_FOLDERS):
            return self._kept(path, size)
        start = head[:2]
        if start == b"#!":
            return bool(mode & 0o111) and size <= SCRIPT_SIZE
        if start == b"--":
            return head.startswith(_PEM_HEAD) and size <= self._file
        if path.endswith(_PEM_ENDINGS):  # bundles that begin with a comment
            return path.startswith(_PEM_FOLDERS) and size <= self._file
        return False

    def collect(self, path: str, data: memoryview) -> object | None:
        """The payload of a wanted file; None for a PEM file without certificates."""
        if path in _EXACT or path.startswith(_FOLDERS):
            self._left -= len(data)
            return Kept(bytes(data))
        if bytes(data[:2]) == b"#!":
            if len(data) > self._scripts_left or not self._image.take(len(data), script=True):
                return Unread()
            self._scripts_left -= len(data)
            return Kept(bytes(data))
        count = count_certificates(bytes(data))
        return Certificates(count) if count or path in CA_BUNDLES else None

    def _kept(self, path: str, size: int) -> bool:
        if path.startswith(DPKG_INFO_FOLDER) and not path.endswith(".list"):
            return False
        fits = size <= self._file and size <= self._left
        if fits and self._image.take(size):
            return True
        if path in _NEEDED or path.startswith(_NEEDED_FOLDERS):
            limit = f"kept_file of {self._file}" if size > self._file else "kept_image" if fits else "kept_total"
            self.skipped.append(Skipped(what=path, reason=f"its {size} bytes are over the limit {limit}"))
        return False


def count_certificates(pem: bytes) -> int:
    """Certificates in a PEM file (RFC 7468), OpenSSL's TRUSTED and X509 spellings included."""
    return sum(
        pem.count(b"-----BEGIN " + label + b"-----")
        for label in (b"CERTIFICATE", b"TRUSTED CERTIFICATE", b"X509 CERTIFICATE")
    )


def kept_text(payload: object | None) -> str | None:
    """The text of a kept file; bytes that are not UTF-8 become U+FFFD. None if its bytes were not kept."""
    return payload.data.decode("utf-8", "replace") if isinstance(payload, Kept) else None
