"""Layers: stored bytes -> entries -> the flattened tree and the named sizes.

A layer is a tar of what one build step changed, stored plain, gzipped or with zstd (OCI image-spec, layer.md).
`scan_layer` reads one, `flatten` puts the scans on top of each other, `DownloadEstimator` tells what a plain one
would weigh in a registry. interface.py holds what comes out.
"""

from imgaudit.layers.budget import Budget
from imgaudit.layers.estimate import DownloadEstimator
from imgaudit.layers.flatten import flatten
from imgaudit.layers.hashing import SEED
from imgaudit.layers.interface import (
    Collector,
    Entry,
    Flattened,
    Kind,
    LayerScan,
    Node,
    Stream,
    Tree,
)
from imgaudit.layers.scan import Estimator, scan_layer
from imgaudit.mediatype import Compression

__all__ = [
    "SEED",
    "Budget",
    "Collector",
    "Compression",
    "DownloadEstimator",
    "Entry",
    "Estimator",
    "Flattened",
    "Kind",
    "LayerScan",
    "Node",
    "Stream",
    "Tree",
    "flatten",
    "scan_layer",
]
