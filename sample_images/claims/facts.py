"""Questions whose answer is yes or no, asked of an audit or of a container; each gives what the answer rests on."""

from collections.abc import Callable

from imgaudit.model import Image
from imgaudit.model.image import BaseFamily
from imgaudit.reports import numbers
from sample_images.claims.claim import NotMeasured
from sample_images.claims.containers import Trial
from sample_images.claims.figures import service

Answer = tuple[bool, str]


def static(image: Image) -> Answer:
    binary = service(image)
    return binary.linkage in ("static", "static-pie"), f"{binary.path} is {binary.linkage or 'of unknown linkage'}"


def stripped(image: Image) -> Answer:
    binary = service(image)
    there = [name for name, held in (("a symbol table", binary.symtab), ("DWARF", binary.dwarf)) if held]
    return binary.stripped is True, f"{binary.path} has {numbers.listing(there) or 'no symbol table and no DWARF'}"


def packed(image: Image) -> Answer:
    upx = service(image).upx
    return upx.present, f"{upx.method}, format {upx.version}" if upx.present else "not packed"


def no_shell(image: Image) -> Answer:
    shell = image.runtime.shell if image.runtime else None
    return image.runtime is not None and shell is None, shell or "no shell"


def has_shell(image: Image) -> Answer:
    return bool(image.runtime and image.runtime.shell), (image.runtime and image.runtime.shell) or "no shell"


def no_package_manager(image: Image) -> Answer:
    found = image.runtime.package_manager if image.runtime else None
    return image.runtime is not None and found is None, found or "no package manager"


def has_package_manager(image: Image) -> Answer:
    absent, words = no_package_manager(image)
    return image.runtime is not None and not absent, words


def no_packages(image: Image) -> Answer:
    return image.complete and not image.packages, f"{numbers.plural(len(image.packages), 'OS package')} listed in it"


def no_libc(image: Image) -> Answer:
    libc = image.runtime.libc if image.runtime else None
    return image.runtime is not None and libc is None, libc or "no C library"


def has_libc(image: Image) -> Answer:
    found, words = no_libc(image)
    return image.runtime is not None and not found, words


def certificates(image: Image) -> Answer:
    found = image.runtime.ca_certificates if image.runtime else None
    if found is None or not found.present:
        return False, "none"
    return True, f"{found.path}, {numbers.plural(found.count, 'certificate') if found.count else 'not counted'}"


def no_certificates(image: Image) -> Answer:
    there, words = certificates(image)
    return image.runtime is not None and not there, words


def time_zones(image: Image) -> Answer:
    found = image.runtime.tzdata if image.runtime else None
    return bool(found and found.present), (found and found.path) or "none"


def neither_certificates_nor_zones(image: Image) -> Answer:
    (some, where), (zones, at) = certificates(image), time_zones(image)
    return image.runtime is not None and not some and not zones, f"certificates: {where}; time zones: {at}"


def no_source(image: Image) -> Answer:
    total = sum(part.bytes for part in image.attribution if part.kind == "source code")
    return image.complete and total == 0, f"{numbers.size(total)} of source code" if total else "no source code"


def no_compiler(image: Image) -> Answer:
    found = [binary.path for binary in image.binaries if binary.path.rpartition("/")[2] in ("go", "gofmt", "compile")]
    return image.complete and not found, numbers.listing(found, 2) or "no Go toolchain"


def source_labels(image: Image) -> Answer:
    names = [name.rpartition(".")[2] for name in image.config.labels if name.startswith("org.opencontainers.image.")]
    return bool(names), f"labels: {numbers.listing(sorted(names), 6)}" if names else "no OCI labels"


def runs(image: Image) -> Answer:
    return image.fitness.runs is True, image.fitness.how or "; ".join(image.fitness.problems) or "not judged"


def without_cgo(module: str) -> Callable[[Image], Answer]:
    """Whether the service holds this module, is static and was built without cgo."""

    def ask(image: Image) -> Answer:
        binary = service(image)
        found = [f"{each.path} {each.version}" for each in binary.go.dependencies if each.path == module]
        words = f"{found[0] if found else f'no {module}'}, {binary.linkage}, cgo {'on' if binary.go.cgo else 'off'}"
        return bool(found) and binary.go.cgo is False and static(image)[0], words

    return ask


def on_base(family: BaseFamily) -> Callable[[Image], Answer]:
    return lambda image: (image.base.family == family, f"{image.base.family}: {image.base.evidence}")


def architecture(name: str) -> Callable[[Image], Answer]:
    def ask(image: Image) -> Answer:
        machine = service(image).machine
        return image.platform.architecture == name == machine, f"image {image.platform}, program {machine}"

    return ask


def user(uid: int) -> Callable[[Trial], Answer]:
    def ask(trial: Trial) -> Answer:
        return _uid(trial) == uid, f"its first process runs as {_uid(trial)}"

    return ask


def not_root(trial: Trial) -> Answer:
    return _uid(trial) != 0, f"its first process runs as {_uid(trial)}"


def numeric_user(image: Image) -> Answer:
    """A user by number, as Kubernetes' runAsNonRoot asks for where it is told none itself."""
    name = (image.config.user or "").partition(":")[0]
    return name.isdecimal() and int(name) != 0, f"USER {image.config.user or 'not set'}"


def _uid(trial: Trial) -> int:
    if trial.user is None:
        raise NotMeasured("the engine does not list the container's processes", here=True)
    return trial.user


def no_exec(trial: Trial) -> Answer:
    return not trial.shell, "docker exec sh runs" if trial.shell else "docker exec sh: not found"


def exec_works(trial: Trial) -> Answer:
    return trial.shell, no_exec(trial)[1]


def healthy(trial: Trial) -> Answer:
    if trial.health == "starting":
        raise NotMeasured("its health check was not asked in time", failed=True)
    return trial.health == "healthy", f"the engine says: {trial.health or 'no HEALTHCHECK'}"


def no_healthcheck(trial: Trial) -> Answer:
    found, words = healthy(trial)
    return not found, words


def read_only(trial: Trial) -> Answer:
    return trial.answers, f"{'answers' if trial.answers else 'no answer'} with a read-only root and no capabilities"


def stops(trial: Trial) -> Answer:
    return trial.stop == 0, f"exit code {trial.stop} after SIGTERM"


def copied_out(trial: Trial) -> Answer:
    return trial.copied, "docker cp gives the program" if trial.copied else "docker cp fails"
