"""Which platform of an index: normalising and choosing.

Normalising follows containerd's platforms package (arm64 is arm64/v8, arm is arm/v7, x86_64 is amd64); of several
entries that match equally the first counts, as image-index.md of the OCI image-spec says.
"""

import platform as machine
import re
import sys
from collections.abc import Iterable, Sequence
from typing import TypeVar

from imgaudit.errors import UsageError
from imgaudit.model import Platform

T = TypeVar("T")

_ARCHITECTURES = {
    "x86_64": "amd64",
    "x86-64": "amd64",
    "aarch64": "arm64",
    "i386": "386",
    "i686": "386",
    "armhf": "arm",
    "armv5l": "arm",
    "armv6l": "arm",
    "armv7l": "arm",
    "armel": "arm",
    "loongarch64": "loong64",
}
_VARIANTS = {"armel": "v6", "armv5l": "v5", "armv6l": "v6", "armv7l": "v7", "armhf": "v7"}


def normalised(platform: Platform) -> Platform:
    """The one spelling of a platform; two are the same when these are equal."""
    os, arch, variant = platform.os.lower(), platform.architecture.lower(), (platform.variant or "").lower()
    variant = variant or _VARIANTS.get(arch, "")
    arch = _ARCHITECTURES.get(arch, arch)
    os = {"macos": "darwin"}.get(os, os)
    if arch == "arm64" and variant in ("", "8", "v8"):
        variant = "v8"
    elif arch == "arm":
        variant = f"v{variant}" if variant.isdigit() else variant or "v7"
    elif arch == "amd64" and variant == "v1":
        variant = ""
    return Platform(os=os, architecture=arch, variant=variant or None)


def parse_platform(text: str) -> Platform:
    """os/arch[/variant], as --platform takes it. Raises UsageError."""
    parts = text.split("/")
    if not 2 <= len(parts) <= 3 or not all(re.fullmatch(r"[A-Za-z0-9._-]+", part) for part in parts):
        raise UsageError(
            f"{text!r} is no platform",
            hint="Write os/architecture or os/architecture/variant, for example linux/arm64 or linux/arm/v7.",
        )
    return Platform(os=parts[0], architecture=parts[1], variant=parts[2] if len(parts) == 3 else None)


def host_platform() -> Platform:
    """What this machine's engine runs: Linux images, but on Windows."""
    os = "windows" if sys.platform == "win32" else "linux"
    return normalised(Platform(os=os, architecture=machine.machine().lower() or "unknown"))


def choose_platform(
    candidates: Sequence[tuple[Platform, T]],
    what: str,
    *,
    wanted: Platform | None = None,
    all_platforms: bool = False,
    host: Platform | None = None,
) -> list[tuple[Platform, T]]:
    """Of an image's platforms: all; or the wanted one; or the host's, else the only one.

    candidates hold no attestations. Raises UsageError with the list when none fits, or none is clearly meant.
    """
    if all_platforms and wanted is None and candidates:
        return list(candidates)
    exact = wanted is not None and wanted.variant is not None
    match = _best(candidates, normalised(wanted or host or host_platform()), exact=exact)
    if match is not None:
        return [match]
    if wanted is None and len({normalised(platform) for platform, _ in candidates}) == 1:
        return [candidates[0]]
    listed = _listed(platform for platform, _ in candidates)
    if not candidates:
        raise UsageError(f"{what} holds no image for any platform")
    if wanted is not None:
        raise UsageError(f"{what} has no image for {wanted}; it has {listed}", hint=f"--platform {candidates[0][0]}")
    raise UsageError(
        f"{what} has several platforms, none of them this machine's: {listed}",
        hint=f"Choose one, for example --platform {candidates[0][0]}, or take --all-platforms.",
    )


def _best(candidates: Sequence[tuple[Platform, T]], target: Platform, *, exact: bool) -> tuple[Platform, T] | None:
    """The first equal to target; where it need not be exact also the nearest that such a machine can run."""
    same = [(normalised(each[0]), each) for each in candidates]
    same = [(p, each) for p, each in same if (p.os, p.architecture) == (target.os, target.architecture)]
    equal = next((each for platform, each in same if platform == target), None)
    if equal is not None or exact:
        return equal
    if target.architecture == "arm":  # v7 runs v6 and v5
        lower = [(p.variant or "", each) for p, each in same if (p.variant or "") < (target.variant or "")]
        return max(lower, key=lambda pair: pair[0])[1] if lower else None
    return same[0][1] if len({platform for platform, _ in same}) == 1 else None


def _listed(platforms: Iterable[Platform]) -> str:
    return ", ".join(dict.fromkeys(str(platform) for platform in platforms)) or "none"
