"""Where every byte of a Go program comes from: by package, module, embedded file and section."""

from imgaudit.breakdown.interface import break_down

__all__ = ["break_down"]
