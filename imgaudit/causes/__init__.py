"""Why one image weighs more than another: differences, each with its causes, which add up exactly."""

from imgaudit.causes.interface import deltas, explain

__all__ = ["deltas", "explain"]
