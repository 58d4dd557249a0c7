"""Other scanners beside imgaudit's own findings: trivy, grype. What each says is marked as its."""

from imgaudit.companions.interface import Companion, CompanionError, Told
from imgaudit.companions.look import COMPANIONS, Companions

__all__ = ["COMPANIONS", "Companion", "CompanionError", "Companions", "Told"]
