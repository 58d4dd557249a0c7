"""Layers: stored bytes -> entries and digests (scan) -> the flattened tree and the named sizes (flatten)."""

from imgaudit.layers.flatten import flatten
from imgaudit.layers.interface import Collector, Entry, Flattened, LayerScan, Node, Stream, Tree
from imgaudit.layers.scan import Budget, Estimator, scan_layer

__all__ = [
    "Budget",
    "Collector",
    "Entry",
    "Estimator",
    "Flattened",
    "LayerScan",
    "Node",
    "Stream",
    "Tree",
    "flatten",
    "scan_layer",
]
