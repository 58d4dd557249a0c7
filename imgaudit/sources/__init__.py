"""A reference -> any source -> one SourceImage. What other packages use stands here; heavy parts load when used."""

from imgaudit.sources.interface import (
    LayerBlob,
    OpenOptions,
    Promise,
    Recall,
    Source,
    SourceImage,
    SourceLayer,
    Stream,
    Visitor,
)
from imgaudit.sources.open import SOURCES, open_source
from imgaudit.sources.platforms import choose_platform, host_platform, normalised, parse_platform
from imgaudit.sources.reference import Reference, parse_reference

__all__ = [
    "SOURCES",
    "LayerBlob",
    "OpenOptions",
    "Promise",
    "Recall",
    "Reference",
    "Source",
    "SourceImage",
    "SourceLayer",
    "Stream",
    "Visitor",
    "choose_platform",
    "host_platform",
    "normalised",
    "open_source",
    "parse_platform",
    "parse_reference",
]
