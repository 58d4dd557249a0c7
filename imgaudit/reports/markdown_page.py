"""The blocks of a Markdown comment, and where it is cut: what is said first stays."""

from collections.abc import Callable, Sequence

LIMIT = 65_536
"""Characters of a comment that GitHub takes; GitLab takes more."""

Cells = Sequence[str]


class Page:
    """Blocks in order; what doesn't fit within limit, as size counts it, is cut at a row and counted."""

    def __init__(self, head: str, *, limit: int = LIMIT, size: Callable[[str], int] = len) -> None:
        self._limit, self._size = limit, size
        self._blocks: list[tuple[list[str], list[str], list[str]]] = [([head], [], [])]
        self.end: list[str] = []

    def lines(self, title: str, lines: Sequence[str], *, folded: bool = True) -> None:
        self._add(title, [], [f"- {line}" for line in lines], folded=folded)

    def table(
        self, title: str, header: Cells, align: str, rows: Sequence[Cells], *, folded: bool = True, note: str = ""
    ) -> None:
        """align: one of `l` and `r` a column. Cells and note, a paragraph below, are Markdown already."""
        rules = ["--:" if side == "r" else "---" for side in align]
        self._add(title, [_row(header), _row(rules)], [_row(row) for row in rows], folded=folded, note=note)

    def _add(self, title: str, head: list[str], rows: list[str], *, folded: bool, note: str = "") -> None:
        if not rows:
            return
        below = ["", note] if note else []
        if folded:
            opening = ["<details>", f"<summary>{title}</summary>", "", *head]
            self._blocks.append((opening, rows, [*below, "", "</details>"]))
        else:
            self._blocks.append(([*([f"**{title}**", ""] if title else []), *head], rows, below))

    def text(self) -> str:
        end = "\n\n" + "\n\n".join(self.end) + "\n"
        room = self._limit - self._size(end)
        parts: list[str] = []
        for position, (opening, rows, closing) in enumerate(self._blocks):
            glue = "\n\n" if position else ""
            frame = sum(self._size(line) + 1 for line in (*opening, *closing)) + len(glue) + 60
            room -= frame
            if room < 0 and position:
                parts.append(f"\n\n{len(self._blocks) - position:,} more sections")
                break
            kept = 0
            for row in rows:
                if room < self._size(row) + 1:
                    break
                room -= self._size(row) + 1
                kept += 1
            more = [] if kept == len(rows) else ["", f"{len(rows) - kept:,} more"]
            parts.append(glue + "\n".join((*opening, *rows[:kept], *more, *closing)))
        return "".join(parts) + end


def _row(cells: Cells) -> str:
    return f"| {' | '.join(cells)} |"
