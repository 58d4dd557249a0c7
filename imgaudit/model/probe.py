"""What a container of the image did when it was started, and what the image's size costs a fleet."""

from imgaudit.model._struct import Value


class Spread(Value, frozen=True, kw_only=True):
    """Of several runs, in milliseconds."""

    min: float
    median: float
    max: float


class Rss(Value, frozen=True, kw_only=True):
    """Resident memory of all the container's processes in bytes, the median of the runs; None: not measured."""

    ready: int | None
    loaded: int | None


class Stop(Value, frozen=True, kw_only=True):
    """How it ended on its stop signal. exit_code and ms (the median) are None where it had to be killed."""

    signal: str
    exit_code: int | None
    ms: float | None


class Probe(Value, frozen=True, kw_only=True):
    """Containers of the image, started in the local engine.

    runs: how many became ready and were measured. ready_ms: from the moment the engine gives as the program's start
    to the first healthy answer. at_first: in how many of them that answer came to the very first question, so that
    the time is an upper bound: the engine was no quicker to say that the program had started. asked: how health was
    asked for. error: what went wrong in one sentence, None for nothing; then exit_code and output (its last lines,
    redacted) are those of the first run that failed.
    """

    runs: int
    at_first: int = 0
    ready_ms: Spread | None = None
    rss: Rss | None = None
    stop: Stop | None = None
    error: str | None = None
    asked: str | None = None
    exit_code: int | None = None
    output: str | None = None


class Cost(Value, frozen=True, kw_only=True):
    """What the image's size comes to, by the numbers of [cost] in imgaudit.toml. None: not set, or its size unknown.

    storage: bytes on all nodes, size.content on each. transfer_per_day: bytes, size.download a pull. link: bits a
    second. pull_seconds: size.download over that link. estimated: as size.download_estimated.
    """

    nodes: int | None
    storage: int | None
    pulls_per_day: int | None
    transfer_per_day: int | None
    link: int | None
    pull_seconds: float | None
    estimated: bool


class RegistryStorage(Value, frozen=True, kw_only=True):
    """What a registry stores for all compared images, in bytes: each layer once, and each config.

    unshared: what they would take one by one. estimated: where one of the layers' downloads is an estimate.
    """

    bytes: int
    unshared: int
    estimated: bool
