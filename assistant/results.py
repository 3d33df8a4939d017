"""What the tools return, for front ends that see nothing below the assistant."""

from knowledge.generation import Document
from knowledge.ingest.report import Report
from tools.cost import CostEstimate
from tools.instances import Comparison

__all__ = ["Comparison", "CostEstimate", "Document", "Report"]
