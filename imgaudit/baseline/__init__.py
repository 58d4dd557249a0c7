"""Baselines: the small committed file that `imgaudit check` compares with. docs/check.md describes its format."""

from imgaudit.baseline.document import FORMAT, Recorded, decode_baseline, encode_baseline
from imgaudit.baseline.file import is_baseline_file, read_baseline
from imgaudit.baseline.matching import Match, match_file, match_images, own_label, updated

__all__ = [
    "FORMAT",
    "Match",
    "Recorded",
    "decode_baseline",
    "encode_baseline",
    "is_baseline_file",
    "match_file",
    "match_images",
    "own_label",
    "read_baseline",
    "updated",
]
