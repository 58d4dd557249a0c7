"""`[LABEL=]REF` -> Reference. Grammar of names, tags and digests: github.com/distribution/reference."""

import dataclasses
import os
import re
from typing import Literal

from imgaudit.errors import ImageError, UsageError
from imgaudit.sources.documents import check_digest

Scheme = Literal["docker", "podman", "registry", "docker-archive", "oci-archive", "oci-dir", "path", "name"]

# What may stand before the first colon. `docker://` and `docker-daemon:` are skopeo's, `oci:` too.
_PREFIXES: tuple[tuple[str, Scheme], ...] = (
    ("docker://", "registry"),
    ("docker-archive:", "docker-archive"),
    ("docker-daemon:", "docker"),
    ("docker:", "docker"),
    ("podman:", "podman"),
    ("registry:", "registry"),
    ("oci-archive:", "oci-archive"),
    ("oci-dir:", "oci-dir"),
    ("oci:", "oci-dir"),
)
SCHEMES = "docker:, podman:, registry:, docker-archive:, oci-archive:, oci-dir:"
_EXAMPLE = "For example alpine:3.20, registry:ghcr.io/org/app@sha256:..., docker-archive:app.tar or oci-dir:layout:1.0."
_WORDS = tuple(prefix.rstrip(":/") for prefix, _ in _PREFIXES)
# A word before a colon that can't be an image's name before its tag: a path, or one more colon, follows.
_WORD = re.compile(r"([a-z][a-z-]*):(?![0-9]+/)(?:[^@]*[:/]|.*\.(?:tar|tgz|tar\.gz|tar\.zst)$)")
_OTHERS = re.compile(r"(dir|ostree|containers-storage|sif|tarball|containerd|docker-dir|https?|singularity|image):")

DOCKER_HUB = "docker.io"
# Never a name: whether it is there is for opening it to say.
_PATH_LIKE = re.compile(r"\.{0,2}/|.*\.(?:tar|tgz|tar\.gz|tar\.zst)(?::|$)")
# A registry that is called like a scheme, as compose files do: registry:5000/app.
_HOST_LIKE = re.compile(r"(?:registry|docker|podman|oci):[0-9]{1,5}/")
_LABEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+ -]{0,62}")
_COMPONENT = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_REPOSITORY = re.compile(rf"{_COMPONENT}(?:/{_COMPONENT})*")
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")
_HOST = re.compile(
    r"(?:[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)*"
    r"|\[[0-9a-fA-F:.]+\])(?::[0-9]{1,5})?"
)
_IMAGE_ID = re.compile(r"(?:sha256:)?[0-9a-f]{64}")


@dataclasses.dataclass(frozen=True, slots=True)
class Reference:
    """What the user meant, not yet looked for.

    text: as written, less the label. scheme: "path" is a path whose kind its content will tell, "name" a
    name to look for in the Engine, Podman and its registry.
    Of paths: path, and ref, which of its images is meant (a tag or name; None for the only one).
    Of names: registry ("docker.io", "localhost:5000"), repository ("library/alpine"), tag and digest; a tag is
    "latest" where neither was given. image_id: a name that is 64 hex digits, which only an engine knows.
    """

    text: str
    scheme: Scheme
    label: str | None = None
    path: str = ""
    ref: str | None = None
    registry: str = ""
    repository: str = ""
    tag: str | None = None
    digest: str | None = None
    image_id: str | None = None

    @property
    def default_label(self) -> str:
        """The label given, else a short one: the last part of the name and the tag, or the file's name."""
        return self.label or label_for(self)

    @property
    def familiar(self) -> str:
        """The name as engines show it: without docker.io/ and library/, with tag or digest."""
        if self.image_id:
            return self.image_id
        name = f"{self.registry}/{self.repository}"
        if self.registry == DOCKER_HUB:
            name = self.repository.removeprefix("library/") if self.repository.count("/") == 1 else self.repository
        return name + (f":{self.tag}" if self.tag else "") + (f"@{self.digest}" if self.digest else "")

    @property
    def canonical(self) -> str:
        """The whole name: docker.io/library/alpine:latest."""
        name = f"{self.registry}/{self.repository}"
        return name + (f":{self.tag}" if self.tag else "") + (f"@{self.digest}" if self.digest else "")


def parse_reference(text: str) -> Reference:
    """`[LABEL=]REF` as the conventions have it. Looks whether a path exists and is no program, and at nothing else.
    Raises UsageError."""
    label, rest = _split_label(text)
    if not rest or rest != rest.strip() or not rest.isprintable():
        raise UsageError(f"{text!r} is no image reference: it is empty or holds blanks", hint=_EXAMPLE)
    for prefix, scheme in _PREFIXES:
        if rest.startswith(prefix) and not _HOST_LIKE.match(rest):
            return _with_scheme(rest, label, scheme, rest[len(prefix) :])
    path, ref = _split_path(rest)
    if not _may_hold_image(path):
        _refuse_misspelt(rest)
    if _may_hold_image(path) or _PATH_LIKE.match(rest):
        return Reference(rest, "path", label, path=path, ref=ref)
    if _OTHERS.match(rest) and not re.match(r"[a-z]+:[0-9]+/|[a-z]+:[^/]*$", rest):
        scheme_text = rest.partition(":")[0] + ":"
        raise UsageError(f"{rest!r}: the scheme {scheme_text} is not known; known are {SCHEMES}", hint=_EXAMPLE)
    return _named(rest, label, "name", rest)


def _refuse_misspelt(text: str) -> None:
    """UsageError for docker-archve:app.tar or podmn:app:1.0, which would else be looked for as a path or a name."""
    match = _WORD.match(text)
    if match is None or match[1] in _WORDS:
        return
    import difflib  # only for what looks wrong

    close = difflib.get_close_matches(match[1], _WORDS, 1, 0.8)
    if close:
        raise UsageError(
            f"{text!r}: there is no scheme {match[1]}:",
            hint=f"Is {close[0]}:{text[match.end(1) + 1 :]} meant? Known are {SCHEMES}",
        )


def _may_hold_image(path: str) -> bool:
    """A file, or a folder that is an OCI layout: a folder that happens to be called alpine hides no image, nor does the
    program app that `go build` left."""
    if os.path.isdir(path):
        return any(os.path.lexists(os.path.join(path, name)) for name in ("oci-layout", "index.json"))
    return os.path.lexists(path) and not _is_program(path)


def _is_program(path: str) -> bool:
    try:
        if not os.path.isfile(path):  # a pipe would be waited for
            return False
        with open(path, "rb") as file:
            return file.read(4) == b"\x7fELF"
    except OSError:
        return False


def _split_label(text: str) -> tuple[str | None, str]:
    """LABEL= is what stands before the first "=", unless that belongs to a path or a digest."""
    label, equals, rest = text.partition("=")
    if not equals or os.path.lexists(text) or os.path.lexists(_split_path(text)[0]) or re.search(r"[/:@]", label):
        return None, text
    if not _LABEL.fullmatch(label):
        raise UsageError(
            f"{text!r}: {label!r} is no label: 1 to 63 letters, digits, blanks and . _ + - are",
            hint="For example small=docker-archive:app.tar",
        )
    return label, rest


def _with_scheme(text: str, label: str | None, scheme: Scheme, rest: str) -> Reference:
    if not rest:
        raise UsageError(f"{text!r}: nothing follows the scheme", hint=_EXAMPLE)
    if scheme in ("docker-archive", "oci-archive", "oci-dir"):
        path, ref = _split_path(rest)
        if not path:
            raise UsageError(f"{text!r} names no path", hint=_EXAMPLE)
        return Reference(text, scheme, label, path=path, ref=ref)
    return _named(text, label, scheme, rest)


def _split_path(rest: str) -> tuple[str, str | None]:
    """PATH[:REF]. A path may hold colons: the longest existing one counts, else what stands before the first colon."""
    if os.path.lexists(rest):
        return rest, None
    colons = [at for at, character in enumerate(rest) if character == ":"]
    for at in reversed(colons):
        if os.path.lexists(rest[:at]):
            return rest[:at], rest[at + 1 :] or None
    path, _, ref = rest.partition(":")
    return path, ref or None


def _named(text: str, label: str | None, scheme: Scheme, name: str) -> Reference:
    if _IMAGE_ID.fullmatch(name):
        if scheme == "registry":
            raise UsageError(f"{text!r}: a registry knows no image ids, only names", hint=_EXAMPLE)
        return Reference(text, scheme, label, image_id="sha256:" + name.removeprefix("sha256:"))
    registry, repository, tag, digest = parse_name(name)
    return Reference(text, scheme, label, registry=registry, repository=repository, tag=tag, digest=digest)


def parse_name(text: str) -> tuple[str, str, str | None, str | None]:
    """An image's name: registry, repository, tag, digest. Raises UsageError."""
    rest, digest = text, None
    if "@" in text:
        rest, _, digest = text.partition("@")
        try:
            digest = check_digest(digest, text)
        except ImageError as error:
            raise UsageError(str(error), hint=_EXAMPLE) from error
    tag = None
    if ":" in rest.rpartition("/")[2] and not rest.endswith("]"):
        rest, _, tag = rest.rpartition(":")
        if not _TAG.fullmatch(tag):
            raise UsageError(f"{text!r}: {tag!r} is no tag: 1 to 128 letters, digits and . _ - are", hint=_EXAMPLE)
    registry, repository = _registry(rest)
    if not _HOST.fullmatch(registry):
        raise UsageError(f"{text!r}: {registry!r} is no registry's host", hint=_EXAMPLE)
    if not _REPOSITORY.fullmatch(repository) or len(repository) > 255:
        why = "it has capitals" if repository.lower() != repository else "letters, digits and . _ - / make one"
        raise UsageError(f"{text!r}: {repository!r} is no image name: {why}", hint=_EXAMPLE)
    if tag is None and digest is None:
        tag = "latest"
    return registry, repository, tag, digest


def _registry(name: str) -> tuple[str, str]:
    """The host and the repository. The first part is a host when it could not be a user of Docker Hub."""
    first, slash, rest = name.partition("/")
    if slash and (first == "localhost" or any(mark in first for mark in ".:[") or first.lower() != first):
        host = DOCKER_HUB if first in ("index.docker.io", "registry-1.docker.io") else first
    else:
        host, rest = DOCKER_HUB, name
    return host, f"library/{rest}" if host == DOCKER_HUB and "/" not in rest and rest else rest


def label_for(reference: Reference) -> str:
    """A short label; whoever shows several makes them distinct."""
    if reference.image_id:
        return reference.image_id.removeprefix("sha256:")[:12]
    if reference.path:
        name = os.path.basename(os.path.normpath(reference.path)) or reference.path
        for suffix in (".gz", ".zst", ".tgz", ".tar"):
            name = name.removesuffix(suffix) or name
        return f"{name}:{reference.ref}" if reference.ref else name
    name = reference.repository.rpartition("/")[2]
    if reference.tag:
        return name if reference.tag == "latest" else f"{name}:{reference.tag}"
    return f"{name}@{(reference.digest or '').removeprefix('sha256:')[:12]}"
