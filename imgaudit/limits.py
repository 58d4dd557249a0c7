"""Every limit that keeps a hostile image from growing anything without bound. Nothing here imports the project."""

import dataclasses

MIB, GIB = 1 << 20, 1 << 30


@dataclasses.dataclass(frozen=True, slots=True)
class Limits:
    """Defaults follow what trusted tools keep. Bytes unless said otherwise."""

    settings: int = 1 * MIB  # imgaudit.toml, or a pyproject.toml that holds its tables
    json: int = 4 * MIB  # one manifest, index or config
    json_depth: int = 100  # nested arrays and objects
    token: int = 1 * MIB  # the answer of a token service or a credential helper
    pax: int = 1 * MIB  # one PAX header or GNU long name
    sparse_regions: int = 65_536  # regions of one sparse file
    entries: int = 2_000_000  # tar entries of one image
    names: int = 128 * MIB  # names and link targets of one image that a tar header can't hold itself
    expanded: int = 64 * GIB  # decompressed bytes of one image
    zstd_window_log: int = 27  # log2 of the window: 128 MiB
    index_depth: int = 4  # index in index
    index_nodes: int = 1_000  # descriptors in all of an index
    links: int = 40  # symbolic links followed for one path
    elf_section: int = 64 * MIB  # one stretch decoded of the program inside a UPX file
    elf_file: int = 256 * MIB  # one executable analysed
    held_programs: int = 256 * MIB  # Go programs of one image held until it is known which of them it starts
    baseline: int = 32 * MIB  # a baseline file
    history: int = 256 * MIB  # a file of earlier audits
    traces: int = 10_000  # paths of an image that checks are told of, for each kind of them
    inventory: int = 20_000  # files of an image that are listed one by one for comparisons
    elf_seconds: float = 5.0  # decoding of one UPX file, reckoned from its sizes
    kept_file: int = 8 * MIB  # one small file whose content is kept (package database, certificates)
    kept_total: int = 64 * MIB  # all kept contents of a layer; all JSON documents of an image
    kept_image: int = 128 * MIB  # all kept contents of an image's layers
    secret_file: int = 8 * MIB  # one text file that is searched for secrets
    secret_hits: int = 1_000  # places of one layer where secrets were found
    secret_seconds: float = 300.0  # of a processor, for the search of one image's files
    cache: int = 1_000_000_000  # all of the cache folder, unless IMGAUDIT_CACHE_SIZE says otherwise


DEFAULT_LIMITS = Limits()
