"""Key and value lines of one image and of one binary, in the order that every format shows them."""

from imgaudit import model
from imgaudit.reports import facts, numbers, scores

Pairs = list[tuple[str, str]]


def identity(image: model.Image) -> Pairs:
    """What was looked at, where it came from, and how it starts."""
    config = image.config
    pairs = [
        ("reference", image.reference),
        ("source", image.source),
        ("platform", str(image.platform)),
        ("base", _base(image.base)),
        ("image id", image.image_id or "unknown"),
        ("manifest", image.manifest_digest or "unknown"),
        ("created", config.created or "unknown"),
        ("user", config.user or "not set: root"),
        ("entrypoint", _words(config.entrypoint)),
        ("command", _words(config.cmd)),
        ("ports", ", ".join(config.exposed_ports) or "none"),
    ]
    if image.index_digest:
        pairs.insert(6, ("index", image.index_digest))
    if image.score is not None:
        pairs.append(("score", scores.line(image)))
    return pairs


def _base(base: model.Base) -> str:
    name = f", {base.name}" if base.name else ""
    return f"{facts.base_name(base)}{name} (seen by: {base.evidence})"


def _words(words: tuple[str, ...]) -> str:
    return " ".join(words) or "none"


def binary(item: model.Binary) -> Pairs:
    """How it was linked, what it needs, what Go says about it."""
    pairs = [
        ("size", f"{numbers.size(item.size)} ({numbers.exact(item.size)})"),
        ("machine", _machine(item)),
        ("linkage", _linkage(item)),
        ("symbols", _symbols(item)),
    ]
    if item.upx.present:
        pairs.append(("UPX", _upx(item.upx)))
    if item.hardening is not None:
        pairs.append(("hardening", _hardening(item.hardening)))
    pairs += _go(item)
    if item.analysis.status != "complete":
        status = "analysed in part" if item.analysis.status == "partial" else "not analysed"
        pairs.append(("analysis", f"{status}: {item.analysis.reason or 'no reason given'}"))
    elif item.analysis.reason:
        pairs.append(("analysis", item.analysis.reason))
    return pairs


def _machine(item: model.Binary) -> str:
    bits = f", {item.bits} bit" if item.bits else ""
    return f"{item.machine or 'unknown'}{bits}"


def _linkage(item: model.Binary) -> str:
    words: list[str] = [item.linkage or "unknown"]
    if item.interpreter:
        state = {True: "present", False: "missing", None: "not looked up"}[item.interpreter_present]
        words.append(f"interpreter {item.interpreter} ({state})")
    if item.needed:
        words.append(f"needs {numbers.listing(item.needed, 8)}")
    if item.missing:
        words.append(f"missing {numbers.listing(item.missing, 8)}")
    if item.glibc_required:
        words.append(f"glibc {item.glibc_required} or newer")
    return ", ".join(words)


def _symbols(item: model.Binary) -> str:
    if item.stripped is None:
        return "unknown"
    if item.stripped:
        return "stripped"
    parts = [word for there, word in ((item.symtab, "symbol table"), (item.dwarf, "DWARF")) if there]
    return " and ".join(parts) or "not stripped"


def _upx(upx: model.UpxInfo) -> str:
    words = [upx.method or "method unknown"]
    if upx.packed_size is not None and upx.unpacked_size is not None:
        words.append(f"{numbers.size(upx.unpacked_size)} packed to {numbers.size(upx.packed_size)}")
    if upx.ratio is not None:
        words.append(f"{upx.ratio * 100:.0f} %")
    decoded = {"all": "read inside", "headers": "only headers read inside", "none": "not read inside"}
    if upx.decoded:
        words.append(decoded[upx.decoded])
    return ", ".join(words)


def _hardening(found: model.Hardening) -> str:
    words = {True: "yes", False: "no", None: "not applicable"}
    return (
        f"PIE {words[found.pie] if found.pie is not None else 'unknown'}, RELRO {found.relro or 'unknown'}, "
        f"NX {words[found.nx] if found.nx is not None else 'unknown'}, "
        f"stack canary {words[found.canary]}, fortify {words[found.fortify]}"
    )


def _go(item: model.Binary) -> Pairs:
    go = item.go
    pairs = [("Go", facts.go_words(item))]
    if go.module is not None:
        version = f" {go.module.version}" if go.module.version else ""
        pairs.append(("module", f"{go.module.path}{version}"))
    if go.vcs is not None:
        state = {True: "modified", False: "clean", None: "state unknown"}[go.vcs.modified]
        pairs.append(("revision", f"{go.vcs.revision or 'unknown'} ({go.vcs.system}, {state})"))
    flags = [_setting(key, value) for key, value in go.settings.items() if not key.startswith("vcs")]
    if flags:
        pairs.append(("settings", ", ".join(flags)))
    return pairs


def _setting(key: str, value: str) -> str:
    """A build setting; the compatibility switches of an old `go` line are dozens, and counted."""
    if key == "DefaultGODEBUG":
        return f"DefaultGODEBUG ({numbers.plural(value.count(',') + 1, 'switch', 'switches')})"
    return f"{key}={value}"


def predictions(item: model.Binary) -> list[str]:
    """What changes of the build would save, a line each."""
    return [prediction(each) for each in item.predictions]


def prediction(item: model.Prediction) -> str:
    """`pack with UPX would save ~4.50 MB of the file and ~300 kB of the download (method; basis)`.

    What makes something larger is said to add to it. A basis that starts with "exact" is of the file's figure; the
    download's is always an estimate.
    """
    saves = item.saves
    known = [(count, what) for count, what in ((saves.file, "file"), (saves.download, "download")) if count is not None]
    if not known:
        return f"{item.what}: saving unknown ({item.method}; {item.basis})"
    said: list[str] = []
    for count, what in known:
        verb, to = ("save", "of") if count >= 0 else ("add", "to")
        again = bool(said) and said[-1].startswith(verb)
        estimated = "" if what == "file" and item.basis.startswith("exact") else "~"
        figure = f"{estimated}{numbers.size(abs(count))}" if count else "nothing"
        said.append(f"{'' if again else verb + ' '}{figure} {to} the {what}")
    return f"{item.what} would {' and '.join(said)} ({item.method}; {item.basis})"
