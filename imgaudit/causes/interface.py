"""What this package gives: two Snapshots -> a Change for each measure, whose causes and unexplained are its delta.

    align layers -> base, added, removed, pairs -> files of a pair -> inside a Go program

In this order, which is that of docs/causes.md: what one step explains, the next does not see. rootfs and
unpacked are looked at in the whole tree, download as a registry serves it: exact by layer, below that in proportion.
"""

from imgaudit.model import Change, Sizes, Snapshot
from imgaudit.model.comparison import Measure


def explain(old: Snapshot, new: Snapshot) -> tuple[Change, ...]:
    """The differences of new from old that are known, in rootfs, unpacked and download.

    A measure that either side does not know has none; nor has the download where one side is estimated.
    """
    from imgaudit.causes.alignment import align
    from imgaudit.causes.measures import download_causes, rootfs_causes, unpacked_causes
    from imgaudit.causes.shorten import shorten

    sides = align(old, new)
    finders = {"rootfs": rootfs_causes, "unpacked": unpacked_causes, "download": download_causes}
    changes = []
    for measure, delta in deltas(old.size, new.size):
        causes = shorten(finders[measure](sides)) if delta else ()
        unexplained = delta - sum(cause.bytes for cause in causes)
        changes.append(Change(label=new.label, measure=measure, delta=delta, causes=causes, unexplained=unexplained))
    return tuple(changes)


def deltas(old: Sizes, new: Sizes) -> list[tuple[Measure, int]]:
    """What is known on both sides. A measured download and an estimated one can't be compared: they differ by more
    than many a change would."""
    measures: tuple[Measure, ...] = ("rootfs", "unpacked", "download")
    found = []
    for measure in measures:
        first, second = getattr(old, measure), getattr(new, measure)
        comparable = measure != "download" or old.download_estimated == new.download_estimated
        if first is not None and second is not None and comparable:
            found.append((measure, second - first))
    return found
