"""What checks need to know of the tree, the config and its history."""

from imgaudit.system.traces import leftovers as _leftovers  # noqa: F401 (registers its finders)
from imgaudit.system.traces.gather import gather_traces

__all__ = ["gather_traces"]
