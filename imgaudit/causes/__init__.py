"""Why one image weighs more than another: differences, each with its causes, which add up exactly."""

from imgaudit.causes.interface import explain

__all__ = ["explain"]
