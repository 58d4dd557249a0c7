"""File capabilities: the security.capability xattr (include/uapi/linux/capability.h, vfs_cap_data)."""

import struct

EFFECTIVE = 1
NAMES = (
    "chown", "dac_override", "dac_read_search", "fowner", "fsetid", "kill", "setgid", "setuid", "setpcap",
    "linux_immutable", "net_bind_service", "net_broadcast", "net_admin", "net_raw", "ipc_lock", "ipc_owner",
    "sys_module", "sys_rawio", "sys_chroot", "sys_ptrace", "sys_pacct", "sys_admin", "sys_boot", "sys_nice",
    "sys_resource", "sys_time", "sys_tty_config", "mknod", "lease", "audit_write", "audit_control", "setfcap",
    "mac_override", "mac_admin", "syslog", "wake_alarm", "block_suspend", "audit_read", "perfmon", "bpf",
    "checkpoint_restore",
)  # fmt: skip

DOCKER_DEFAULT = frozenset({
    "chown", "dac_override", "fowner", "fsetid", "kill", "setgid", "setuid", "setpcap", "net_bind_service", "net_raw",
    "sys_chroot", "mknod", "audit_write", "setfcap",
})  # fmt: skip
"""What a container has unless it is asked for more or less (moby, oci/caps/defaults.go)."""


def read_capabilities(value: bytes) -> tuple[tuple[str, ...], bool] | None:
    """The names that a program gets by its file, by number, and whether it has them at once (else it must raise
    them). None for a value that the kernel would not take."""
    if len(value) not in (12, 20, 24):
        return None
    magic, low, _ = struct.unpack_from("<3I", value)
    if magic >> 24 != {12: 1, 20: 2, 24: 3}[len(value)]:
        return None
    high = struct.unpack_from("<I", value, 12)[0] if len(value) >= 20 else 0
    bits = low | high << 32
    names = [NAMES[bit] if bit < len(NAMES) else f"capability {bit}" for bit in range(64) if bits >> bit & 1]
    return tuple(names), bool(magic & EFFECTIVE)


def beyond_docker(value: bytes) -> tuple[str, ...]:
    """The capabilities for which the kernel refuses to start the program in a container that Docker gave its default
    set: it starts none that would have less than what its file says it has at once. Root's programs, too."""
    granted = read_capabilities(value)
    if granted is None or not granted[1] or any(value[20:24]):  # the last: for the root of a namespace of its own
        return ()
    return tuple(name for name in granted[0] if name in NAMES and name not in DOCKER_DEFAULT)
