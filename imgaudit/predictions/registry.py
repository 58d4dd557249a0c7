"""All predictors, in the order in which reports show them."""

import struct

from imgaudit.errors import BinaryError
from imgaudit.model import Binary, Prediction
from imgaudit.predictions.embedded_files import without_embedded_files
from imgaudit.predictions.file_paths import without_file_paths
from imgaudit.predictions.interface import Predictor, Subject
from imgaudit.predictions.packing import packed, unpacked
from imgaudit.predictions.stripping import stripped
from imgaudit.predictions.time_zones import without_time_zones

PREDICTORS: tuple[Predictor, ...] = (
    stripped,
    packed,
    without_embedded_files,
    without_time_zones,
    without_file_paths,
)
# For those that UPX packed.
PACKED_PREDICTORS: tuple[Predictor, ...] = (unpacked, packed)


def predict(data: memoryview, binary: Binary, inside: memoryview | None = None) -> tuple[Prediction, ...]:
    """What changes of its build would save. data: the file's bytes; binary: what is known of it, its size_breakdown
    for the embedded files; inside: of a packed file, the program that `binaries.upx_whole.unpack_whole` gave.

    Raises nothing: of what can't be reckoned there is no prediction. There is none of programs other than Go's, nor
    of a packed one whose inside is not given.
    """
    program = inside if binary.upx.present else data
    if program is None or not binary.go.present or binary.analysis.status == "not_analysed":
        return ()
    found: list[Prediction] = []
    try:
        subject = Subject(program, binary, data)
    except BinaryError:
        return ()
    for predictor in PACKED_PREDICTORS if binary.upx.present else PREDICTORS:
        try:
            found += predictor(subject)
        except (BinaryError, struct.error, ValueError, IndexError, OverflowError):
            continue  # a damaged file; the analysis says what of it is
    return tuple(found)
