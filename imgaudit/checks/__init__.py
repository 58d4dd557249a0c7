"""Judgements on what is known of an image. One family a file; registry.py lists them all."""

from imgaudit.checks.interface import Subject
from imgaudit.checks.run import run_checks

__all__ = ["Subject", "run_checks"]
