"""Names of the scanners that `--with` knows, as they are called on PATH, in `sources` and in `skipped`."""

SCANNERS = ("trivy", "grype")
