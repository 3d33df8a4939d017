"""Costs from catalogue prices: hours, counts and terms in; amounts with their formulas out.

Excludes tax, EBS and data transfer, which the catalogue does not price. Unknown stays unknown.
"""

from tools.cost.estimate import estimate
from tools.cost.figures import COST, cost_figures, figure_groups
from tools.cost.models import CostEstimate, CostLine, CostRequest, JpyRate, UsageLine
from tools.cost.usage import Schedule

__all__ = [
    "COST",
    "CostEstimate",
    "CostLine",
    "CostRequest",
    "JpyRate",
    "Schedule",
    "UsageLine",
    "cost_figures",
    "estimate",
    "figure_groups",
]
