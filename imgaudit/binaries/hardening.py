"""Link-time protections, as the file's headers show them.

Go alone gives PIE, RELRO and a stack that is not executable; canary and FORTIFY concern C code only, and a Go
binary built without cgo has none.
"""

from imgaudit.binaries.dynamic import DF_1_PIE, DT_DEBUG, Dynamic
from imgaudit.binaries.elf import PF_X, PT_GNU_RELRO, PT_GNU_STACK, Elf
from imgaudit.model import Hardening

MAX_SYMBOLS = 500_000  # names of one file that are looked at
# Functions of C that have a checking twin in glibc (`__memcpy_chk`).
_CHECKABLE = frozenset(
    b"printf fprintf sprintf snprintf vprintf vfprintf vsprintf vsnprintf memcpy memmove memset strcpy strncpy strcat "
    b"strncat read recv fgets".split()
)


def is_program(elf: Elf, dynamic: Dynamic) -> bool | None:
    """Whether the file is started, not loaded by another; None for an object file, a core, or an unreadable one.

    Linkers give DT_DEBUG to programs only; old ones don't set DF_1_PIE.
    """
    if elf.type == "exec":
        return True
    if elf.type != "dyn":
        return None
    if dynamic.has_interpreter:
        return dynamic.soname is None or bool(dynamic.flags_1 & DF_1_PIE) or DT_DEBUG in dynamic.tags
    if not dynamic.readable:
        return None
    return bool(dynamic.flags_1 & DF_1_PIE) or DT_DEBUG in dynamic.tags


def read_hardening(elf: Elf, dynamic: Dynamic, *, c_code: bool | None) -> Hardening | None:
    """None for what is neither a program nor a library. c_code: False says that there is no C code in it."""
    if elf.type not in ("exec", "dyn") or not elf.segments:
        return None
    program = is_program(elf, dynamic)
    stack = elf.segment(PT_GNU_STACK)
    relro = elf.segment(PT_GNU_RELRO)
    canary, fortify = (None, None) if c_code is False else _c_protections(dynamic)
    return Hardening(
        pie=elf.type == "dyn" if program else None,
        relro="none" if relro is None else None if not dynamic.readable else "full" if dynamic.bind_now else "partial",
        # Without the header it is the kernel's and the machine's default that counts.
        nx=None if stack is None else not stack.flags & PF_X,
        canary=canary,
        fortify=fortify,
    )


def _c_protections(dynamic: Dynamic) -> tuple[bool | None, bool | None]:
    """Canary and FORTIFY by the names that C code asks of libc; None where it asks nothing of one."""
    if not dynamic.needed or not len(dynamic.strings):
        return None, None
    names = bytes(dynamic.strings)
    canary = b"\0__stack_chk_fail\0" in names or b"\0__stack_chk_guard\0" in names
    if any(name.startswith(("libc.musl-", "ld-musl-")) or name == "libc.so" for name in dynamic.needed):
        return canary, None  # musl has no checking twins: fortify-headers leave no trace
    if _has_checked(names):
        return canary, True
    if names.count(b"\0") > MAX_SYMBOLS:
        return canary, None
    return canary, None if _CHECKABLE.isdisjoint(names.split(b"\0")) else False


def _has_checked(names: bytes) -> bool:
    """Whether a name is one of glibc's checking twins: `__memcpy_chk`, `__printf_chk`."""
    at = names.find(b"_chk\0")
    for _ in range(MAX_SYMBOLS):
        if at < 0:
            break
        if names.startswith(b"__", names.rfind(b"\0", 0, at) + 1):
            return True
        at = names.find(b"_chk\0", at + 1)
    return False
