"""What a history keeps, and what can go wrong with one."""

from imgaudit.errors import ImgauditError
from imgaudit.model.trend import TrendPoint

READ = 2
WRITE = 5


class HistoryError(ImgauditError):
    """A history could not be used, in one sentence. exit_code: 2 where it can't be read or is none, 5 where it can't
    be written."""

    def __init__(self, message: str, *, hint: str | None = None, exit_code: int = READ) -> None:
        super().__init__(message, hint=hint)
        self.exit_code = exit_code


class Record(TrendPoint, frozen=True, kw_only=True):
    """One row: a point, and whose it is. platform: as `linux/arm64`.

    The same label, platform, image_id, commit and generated_at are the same audit, and are kept once.
    """

    label: str
    platform: str

    @property
    def key(self) -> tuple[str, str, str | None, str | None, str]:
        return self.label, self.platform, self.image_id, self.commit, self.generated_at

    def point(self) -> TrendPoint:
        return TrendPoint(**{name: getattr(self, name) for name in TrendPoint.__struct_fields__})
