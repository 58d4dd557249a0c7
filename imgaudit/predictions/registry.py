"""All predictors, in the order in which reports show them."""

import struct

from imgaudit.errors import BinaryError
from imgaudit.model import Binary, Prediction
from imgaudit.predictions.embedded_files import without_embedded_files
from imgaudit.predictions.file_paths import without_file_paths
from imgaudit.predictions.interface import Predictor, Subject
from imgaudit.predictions.packing import packed
from imgaudit.predictions.stripping import stripped
from imgaudit.predictions.time_zones import without_time_zones

PREDICTORS: tuple[Predictor, ...] = (
    stripped,
    packed,
    without_embedded_files,
    without_time_zones,
    without_file_paths,
)


def predict(data: memoryview, binary: Binary) -> tuple[Prediction, ...]:
    """What changes of its build would save. data: the file's bytes; binary: what is known of it, its size_breakdown
    for the embedded files. Raises nothing: of what can't be reckoned there is no prediction.

    Only of Go programs that are not packed: a packed file's parts can't be told apart without decoding it.
    """
    if not binary.go.present or binary.upx.present or binary.analysis.status == "not_analysed":
        return ()
    found: list[Prediction] = []
    try:
        subject = Subject(data, binary)
    except BinaryError:
        return ()
    for predictor in PREDICTORS:
        try:
            found += predictor(subject)
        except (BinaryError, struct.error, ValueError, IndexError, OverflowError):
            continue  # a damaged file; the analysis says what of it is
    return tuple(found)
