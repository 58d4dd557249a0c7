"""The order in which vulnerabilities are listed."""

from imgaudit.model import Vulnerability

_STATES = ("symbol", "module", "package", "absent")
_SEVERITIES = ("critical", "high", "medium", None, "low", "info")


def order(item: Vulnerability) -> tuple[int, int, str, str, str, str]:
    """A sort key: what is surest and worst first."""
    state, severity = _STATES.index(item.state), _SEVERITIES.index(item.severity)
    return state, severity, item.id, item.path or "", item.package or "", item.module
