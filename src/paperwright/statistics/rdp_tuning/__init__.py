"""Private hyperparameter search and its accounting: Papernot & Steinke, ICLR 2022."""

from typing import TYPE_CHECKING, Any

from paperwright.statistics.rdp_tuning.audit import AuditResult, audit_epsilon
from paperwright.statistics.rdp_tuning.base import gaussian_rdp, opacus_rdp, rdp_curve
from paperwright.statistics.rdp_tuning.conversion import DEFAULT_ORDERS, Guarantee, rdp_to_delta, rdp_to_epsilon
from paperwright.statistics.rdp_tuning.exact import renyi_divergence, sample_best, selected_divergence, selected_pmf
from paperwright.statistics.rdp_tuning.numeric import gaussian_tradeoff
from paperwright.statistics.rdp_tuning.planning import SearchPlan, plan_search
from paperwright.statistics.rdp_tuning.run_count import RunCount
from paperwright.statistics.rdp_tuning.search import RunBudgetExceeded, SearchResult, private_search
from paperwright.statistics.rdp_tuning.selection import selected_rdp

if TYPE_CHECKING:
    from paperwright.statistics.rdp_tuning.search_cv import DPSearchCV

__all__ = [
    "DEFAULT_ORDERS",
    "AuditResult",
    "DPSearchCV",
    "Guarantee",
    "RunBudgetExceeded",
    "RunCount",
    "SearchPlan",
    "SearchResult",
    "audit_epsilon",
    "gaussian_rdp",
    "gaussian_tradeoff",
    "opacus_rdp",
    "plan_search",
    "private_search",
    "rdp_curve",
    "rdp_to_delta",
    "rdp_to_epsilon",
    "renyi_divergence",
    "sample_best",
    "selected_divergence",
    "selected_pmf",
    "selected_rdp",
]


def __getattr__(name: str) -> Any:
    # The only name that needs scikit-learn.
    if name == "DPSearchCV":
        from paperwright.statistics.rdp_tuning.search_cv import DPSearchCV

        return DPSearchCV
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
