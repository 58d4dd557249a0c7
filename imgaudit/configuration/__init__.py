"""imgaudit.toml: what is to be checked, what a size costs, how to probe. Sees nothing else of the project.

Anything that is not understood is an error with a remedy: a limit with a misspelt name would hold nothing.
"""

from imgaudit.configuration.read import MOST, NAMES, load_settings
from imgaudit.configuration.settings import (
    COUNTS,
    MEASURES,
    Budget,
    BudgetMeasure,
    CostSettings,
    ProbeSettings,
    Settings,
)

__all__ = [
    "COUNTS",
    "MEASURES",
    "MOST",
    "NAMES",
    "Budget",
    "BudgetMeasure",
    "CostSettings",
    "ProbeSettings",
    "Settings",
    "load_settings",
]
