"""What a change of a Go program's build would save, of the file and of the download, and on what that rests."""

from imgaudit.predictions.registry import PACKED_PREDICTORS, PREDICTORS, predict

__all__ = ["PACKED_PREDICTORS", "PREDICTORS", "predict"]
