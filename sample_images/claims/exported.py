"""An image's files and its program as docker hands them out, and what other tools say of them: a second way to ask."""

import contextlib
import dataclasses
import json
import pathlib
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Callable, Iterator

from imgaudit.model import Image
from imgaudit.reports import numbers
from sample_images import systems
from sample_images.claims.claim import NotMeasured
from sample_images.claims.containers import docker

SHELLS = frozenset({"sh", "ash", "bash", "dash", "busybox", "zsh"})
MANAGERS = frozenset({"apk", "apt", "apt-get", "dpkg", "dnf", "rpm", "yum"})
TOOLS = frozenset({"cc", "compile", "dlv", "gcc", "git", "go", "gofmt", "ld", "make", "upx"})
# By name alone; certificates are public, and so is a key that a package manager verifies with.
_SECRET_NAMES = frozenset({".env", ".git-credentials", ".netrc", ".npmrc", "credentials", "id_ed25519", "id_rsa"})
_SECRET_WORDS = ("password", "passwd=", "secret", "token", "api_key", "apikey", "private_key")
_START = 256
_CACHES = ("/go-build/", "/pkg/mod/")


@dataclasses.dataclass(frozen=True, slots=True)
class File:
    """mode: permissions as the tar has them. start: its first bytes where somebody may run it, else none."""

    mode: int
    start: bytes = b""

    @property
    def interpreter(self) -> str:
        """What a script is run by; empty for what is none."""
        words = self.start.partition(b"\n")[0].removeprefix(b"#!").split() if self.start.startswith(b"#!") else []
        return words[0].decode("utf-8", "replace") if words else ""


@dataclasses.dataclass(frozen=True, slots=True)
class Exported:
    """What `docker export` and `docker inspect` give of an image.

    files: each regular file that is not empty (the engine adds empty ones), by its path. links: paths of symbolic
    links. history: the commands of `docker history`. env: NAME=VALUE. layers: how many there are. user: as the image
    names it, empty for none.
    """

    files: dict[str, File]
    links: frozenset[str]
    history: tuple[str, ...]
    env: tuple[str, ...]
    layers: int
    user: str

    def named(self, names: frozenset[str]) -> list[str]:
        return sorted(path for path in self.files if path.rpartition("/")[2] in names)

    @property
    def executables(self) -> list[str]:
        """What can be run: programs, and scripts whose interpreter is there. Libraries are not run."""
        there = self.files.keys() | self.links
        return sorted(
            path
            for path, file in self.files.items()
            if ".so" not in path.rpartition("/")[2]
            and (file.start.startswith(b"\x7fELF") or (file.interpreter and file.interpreter in there))
        )


Asked = Callable[[Exported], tuple[bool, str]]


def export(tag: str) -> Exported:
    """Raises NotMeasured where docker can't."""
    config = json.loads(_docker("image", "inspect", "--format", "{{json .Config}}", tag))
    layers = json.loads(_docker("image", "inspect", "--format", "{{json .RootFS.Layers}}", tag)) or []
    history = _docker("history", "--no-trunc", "--format", "{{.CreatedBy}}", tag).splitlines()
    with _created(tag) as container:
        command = [systems.docker_command(), "export", container]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
            assert process.stdout is not None
            try:
                with tarfile.open(fileobj=process.stdout, mode="r|") as tar:
                    files, links = read_files(tar)
            except tarfile.TarError as error:
                raise NotMeasured(f"docker export of {tag} can't be read: {error}", failed=True) from error
            finally:
                process.stdout.close()
        if process.returncode:
            raise NotMeasured(f"docker export of {tag} fails", failed=True)
    return Exported(files, links, tuple(history), tuple(config["Env"] or ()), len(layers), config.get("User") or "")


def read_files(tar: tarfile.TarFile) -> tuple[dict[str, File], frozenset[str]]:
    """The files, and the paths of symbolic links. A hard link is the file that it is another name of."""
    files: dict[str, File] = {}
    links: set[str] = set()
    for member in tar:
        path = f"/{member.name}"
        if member.issym():
            links.add(path)
        elif member.islnk() and f"/{member.linkname}" in files:
            files[path] = files[f"/{member.linkname}"]
        elif member.isreg() and member.size:
            held = tar.extractfile(member) if member.mode & 0o111 else None
            files[path] = File(member.mode, held.read(_START) if held else b"")
    return files, frozenset(links)


def run_on_program(image: Image, tag: str, *command: str) -> str:
    """What a tool of this machine prints of the program that an image runs; its name is put at the end."""
    if shutil.which(command[0]) is None:
        raise NotMeasured(f"there is no {command[0]} on this machine", here=True)
    path = image.fitness.program
    if not path:
        raise NotMeasured(f"what {tag} runs is not known", failed=True)
    with _created(tag) as container, tempfile.TemporaryDirectory(prefix="claims-") as folder:
        file = pathlib.Path(folder, "program")
        done = docker("cp", f"{container}:{path}", str(file))
        if done.returncode:
            raise NotMeasured(f"docker cp of {path} fails", failed=True)
        found = subprocess.run(
            [*command, str(file)], capture_output=True, text=True, errors="replace", timeout=60, check=False
        )
    return (found.stdout + found.stderr).replace(str(file), path)


def _docker(*arguments: str) -> str:
    done = docker(*arguments)
    if done.returncode:
        raise NotMeasured(f"docker {arguments[0]} fails: {done.stderr.strip()}", failed=True)
    return done.stdout


@contextlib.contextmanager
def _created(tag: str) -> Iterator[str]:
    container = _docker("create", tag, "/none").strip()
    try:
        yield container
    finally:
        docker("rm", container)


def none_named(names: frozenset[str], what: str) -> Asked:
    def ask(found: Exported) -> tuple[bool, str]:
        there = found.named(names)
        return not there, numbers.listing(there, 3) or f"no {what}"

    return ask


def no_go_source(found: Exported) -> tuple[bool, str]:
    there = sorted(path for path in found.files if path.endswith(".go"))
    return not there, f"{len(there)} .go files" if there else "no .go file"


def no_build(found: Exported) -> tuple[bool, str]:
    """Neither tools of the build, nor its caches, nor headers, nor source."""
    tools = found.named(TOOLS)
    left = [path for path in found.files if path.endswith((".go", ".h")) or any(each in path for each in _CACHES)]
    words = [f"{len(tools)} of its tools" if tools else "", f"{len(left)} of its files" if left else ""]
    return not tools and not left, " and ".join(each for each in words if each) or "nothing of the build"


def only_program(found: Exported) -> tuple[bool, str]:
    return len(found.executables) == 1, f"what can be run: {numbers.listing(found.executables, 3)}"


def nothing_added(found: Exported) -> tuple[bool, str]:
    """For an image on a base with tools of its own: nothing of a build, and nothing with a setuid or setgid bit."""
    fine, words = no_build(found)
    special = sorted(path for path, file in found.files.items() if file.mode & 0o6000)
    runs = numbers.plural(len(found.executables), "file")
    said = f"{words}, {numbers.listing(special, 3) or 'nothing'} setuid, {runs} that can be run"
    return fine and not special, said


def numeric_user(found: Exported) -> tuple[bool, str]:
    """What runAsNonRoot asks for: a number that is not 0; a name is refused."""
    name = found.user.partition(":")[0]
    return name.isdecimal() and int(name) != 0, f"USER {found.user or 'not set'}"


def no_secret_named(found: Exported) -> tuple[bool, str]:
    """By names only: of files, of variables, and of what the history sets."""
    files = found.named(_SECRET_NAMES) + sorted(path for path in found.files if path.endswith(".key"))
    lines = [line for line in (*found.env, *found.history) if any(word in line.lower() for word in _SECRET_WORDS)]
    words = f"{numbers.plural(len(files), 'file')} and {numbers.plural(len(lines), 'line')} of history named like one"
    return not files and not lines, words if files or lines else "no file, variable or line of history named like one"
