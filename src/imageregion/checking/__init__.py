"""Checking: what is wrong with a selection, and with its regions on the images, in words.

Every finding is an `Issue` whose code is the id of a `Rule`; `RULES` lists them all.
"""

from imageregion.checking.findings import Findings
from imageregion.checking.plausibility import Ranking, Reading
from imageregion.checking.rules import RULES, Rule, rules_table
from imageregion.checking.running import check

__all__ = ["RULES", "Findings", "Ranking", "Reading", "Rule", "check", "rules_table"]
