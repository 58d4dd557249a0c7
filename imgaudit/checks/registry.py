"""All checks, by id. Who adds one touches its family's file and this list."""

from imgaudit.checks import image_config, left_behind, program, rights, secrets, will_it_run
from imgaudit.checks.interface import Check

FAMILIES: tuple[tuple[str, tuple[Check, ...]], ...] = (
    ("will it run", will_it_run.CHECKS),
    ("user and rights", rights.CHECKS),
    ("left behind", left_behind.CHECKS),
    ("secrets", secrets.CHECKS),
    ("the program", program.CHECKS),
    ("the image", image_config.CHECKS),
)
"""IA1xx: the image's structure (system/structure.py). IA2xx: will it run. IA3xx: user and rights. IA4xx: left behind.
IA5xx: secrets. IA6xx: the program. IA7xx: the image."""

CHECKS: tuple[Check, ...] = tuple(
    sorted((check for _, checks in FAMILIES for check in checks), key=lambda c: c.rule.id)
)
