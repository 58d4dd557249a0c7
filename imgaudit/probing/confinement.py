"""What a probed container may do: as little as a service needs to run."""

from collections.abc import Mapping
from typing import Any

from imgaudit.probing.interface import ProbeOptions, Recipe

LABEL = "imgaudit.probe"
PROCESSES = 512  # and threads: Go starts some for each processor
TEMPORARY = "/tmp"  # noqa: S108 -- inside the container
TEMPORARY_SIZE = 64 << 20
LOG = "1m"  # of its output, on the engine's disk
# A documentation address (RFC 5737), which nothing answers: engines pass on to their own resolver what a container
# asks, even from a network without a route out.
NO_RESOLVER = "192.0.2.1"


def container_body(recipe: Recipe, options: ProbeOptions, network: str, probe: str) -> Mapping[str, Any]:
    """The body of the engine's request to create a container; user, entrypoint and command are the image's own.

    Volumes that the image declares are memory, too: a volume would be the engine's disk, without a limit.
    """
    return {
        "Image": recipe.id,
        "Env": [f"{name}={value}" for name, value in options.env.items()],
        "Labels": {LABEL: probe},
        "Healthcheck": {"Test": ["NONE"]},  # asked by us, at moments of our own
        "HostConfig": {
            "NetworkMode": network,
            "Dns": [NO_RESOLVER],
            "DnsOptions": ["timeout:1", "attempts:1"],  # no answer comes: a lookup fails after 1 s, not 10
            "ReadonlyRootfs": True,
            "CapDrop": ["ALL"],
            "SecurityOpt": ["no-new-privileges"],
            "Memory": options.memory,
            "MemorySwap": options.memory,  # both together: no swap
            "PidsLimit": PROCESSES,
            "RestartPolicy": {"Name": "no"},
            "LogConfig": {"Type": "json-file", "Config": {"max-size": LOG}},
            "Mounts": [_memory(path) for path in sorted({TEMPORARY, *recipe.volumes})],
        },
    }


def network_body(name: str, probe: str) -> Mapping[str, Any]:
    """A network without a route out, for one probe's containers."""
    return {"Name": name, "Driver": "bridge", "Internal": True, "CheckDuplicate": True, "Labels": {LABEL: probe}}


def _memory(path: str) -> Mapping[str, Any]:
    """A tmpfs; engines mount it nosuid, nodev and noexec."""
    return {"Type": "tmpfs", "Target": path, "TmpfsOptions": {"SizeBytes": TEMPORARY_SIZE, "Mode": 0o1777}}
