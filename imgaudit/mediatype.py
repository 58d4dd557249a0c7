"""How a layer's media type says that it is stored."""

from typing import Literal

Compression = Literal["none", "gzip", "zstd"]


def promised(media_type: str | None) -> Compression | None:
    """The compression that a media type names (OCI media-types.md, Docker's schema 2); None for none known."""
    if media_type is None:
        return None
    kind = media_type.split(";")[0].strip()
    if kind.endswith((".tar.gzip", "+gzip")):
        return "gzip"
    if kind.endswith((".tar.zstd", "+zstd")):
        return "zstd"
    return "none" if kind.endswith(".tar") else None
