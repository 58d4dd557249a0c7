"""What makes a finding the same finding in the next run."""

import hashlib


def fingerprint(id_: str, path: str | None, subject: str) -> str:
    """32 hex digits that stay the same over rebuilds: of what was found and where, never of sizes or layers."""
    text = "\0".join((id_, path or "", subject))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]
