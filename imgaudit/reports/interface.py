"""What every report format takes and gives. Of the project, reports see the model, errors and units."""

import dataclasses
import importlib
from collections.abc import Callable, Mapping

from imgaudit import model

AnyReport = model.Report | model.BinaryReport
"""What can be rendered: the report of inspect and compare, or that of `imgaudit binary`."""


@dataclasses.dataclass(frozen=True, slots=True)
class RenderOptions:
    """How a report is to look; formats take from it what concerns them.

    width: columns of the terminal. color: whether ANSI colours may be used (the caller has weighed --color and
    NO_COLOR). tty: whether a terminal shows it; where not, nothing is cut and no column left out.
    unicode: whether the output's encoding holds more than ASCII. title: the page's title, instead of an own one.
    key: what tells a comment from those of other jobs about images of the same labels.
    """

    width: int = 100
    color: bool = False
    tty: bool = False
    unicode: bool = True
    title: str | None = None
    key: str | None = None


Renderer = Callable[[AnyReport, RenderOptions], str | bytes]
Parts = Callable[[AnyReport, RenderOptions], Mapping[str, str]]


@dataclasses.dataclass(frozen=True, slots=True)
class Format:
    """One output format. module holds `render(report, options)`, and is imported when it is first asked for.

    always: written also where no image could be audited, for a pipeline reads it. appends: whether module holds
    `parts(report, options)` too: text to add to the files that variables of the environment name, by their names.
    one: it describes one image or program; of several, each has its own.
    archive: bytes for a file or a pipe, never for a terminal.
    """

    name: str
    summary: str
    extension: str
    module: str
    always: bool = False
    appends: bool = False
    one: bool = False
    archive: bool = False

    def renderer(self) -> Renderer:
        render: Renderer = importlib.import_module(self.module).render
        return render

    def parts(self) -> Parts:
        found: Parts = importlib.import_module(self.module).parts
        return found
