"""The one base of all values of the model."""

import msgspec


class Value(msgspec.Struct, frozen=True, kw_only=True):
    """Frozen, compared by content, written to JSON by its attribute names."""
