"""imgaudit.toml: what is to be checked, what a size costs, how to probe. Sees nothing else of the project.

Anything that is not understood is an error with a remedy: a limit with a misspelt name would hold nothing.
"""

from imgaudit.configuration.dive import DIVE_FILE, load_dive_rules
from imgaudit.configuration.read import NAMES, load_settings
from imgaudit.configuration.settings import (
    COUNTS,
    LEVELS,
    MEASURES,
    SIZES,
    Budget,
    BudgetMeasure,
    Checks,
    CostSettings,
    DiveRules,
    Drift,
    Growth,
    Ignore,
    Level,
    ProbeSettings,
    Regression,
    Settings,
)
from imgaudit.configuration.table import MOST

__all__ = [
    "COUNTS",
    "DIVE_FILE",
    "LEVELS",
    "MEASURES",
    "MOST",
    "NAMES",
    "SIZES",
    "Budget",
    "BudgetMeasure",
    "Checks",
    "CostSettings",
    "DiveRules",
    "Drift",
    "Growth",
    "Ignore",
    "Level",
    "ProbeSettings",
    "Regression",
    "Settings",
    "load_dive_rules",
    "load_settings",
]
