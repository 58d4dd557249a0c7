"""Images and limits -> Verdict. What can't be judged is said, and is never a pass.

One family of gates a file: budgets, parts (single files and modules), regression (growth since a baseline), dive,
findings by severity, and the rules that ignore some.
"""

from imgaudit.gates.budgets import ESTIMATE_PERCENT, measured
from imgaudit.gates.ignores import mark_ignored, refuse_unknown, unused
from imgaudit.gates.regression import Held
from imgaudit.gates.verdict import Rules, judge, require_rules, without_gate

__all__ = [
    "ESTIMATE_PERCENT",
    "Held",
    "Rules",
    "judge",
    "mark_ignored",
    "measured",
    "refuse_unknown",
    "require_rules",
    "unused",
    "without_gate",
]
