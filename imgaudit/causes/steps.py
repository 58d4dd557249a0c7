"""The instruction that made a layer, as the Dockerfile has it: without what each build writes anew."""

import re

_DIGEST = re.compile(r"[:@]?(?:sha256:)?\b[0-9a-f]{64}\b")
# Docker's old builder, and BuildKit's RUN: `|2 VERSION=1.4 COMMIT=1f3 /bin/sh -c`, of which the values of ARGs differ.
_SHELL = re.compile(r"(?:RUN )?(?:\|\d+ .*?)?/bin/sh -c (#\(nop\) )?")


def step_of(created_by: str | None) -> str:
    """`RUN apk add curl`; empty where nothing is known.

    Left out: values of build arguments, digests of what was copied, the shell, BuildKit's mark.
    """
    text = " ".join((created_by or "").split()).removesuffix(" # buildkit")
    shell = _SHELL.match(text)
    if shell is not None:
        text = ("" if shell[1] else "RUN ") + text[shell.end() :].lstrip()
    return _DIGEST.sub("", text)
