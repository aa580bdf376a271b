"""Private hyperparameter search and its accounting: Papernot & Steinke, ICLR 2022."""

from typing import TYPE_CHECKING, Any

from .audit import AuditResult, audit_epsilon
from .base import gaussian_rdp, gaussian_tradeoff, opacus_rdp, pure_rdp
from .conversion import DEFAULT_ORDERS, rdp_to_delta, rdp_to_epsilon
from .planning import SearchPlan, plan_search
from .run_count import RunCount
from .search import RunBudgetExceeded, SearchResult, private_search
from .selection import selected_rdp

if TYPE_CHECKING:
    from .search_cv import DPSearchCV

__all__ = [
    "DEFAULT_ORDERS",
    "AuditResult",
    "DPSearchCV",
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
    "pure_rdp",
    "rdp_to_delta",
    "rdp_to_epsilon",
    "selected_rdp",
]


def __getattr__(name: str) -> Any:
    # The only name that needs scikit-learn.
    if name == "DPSearchCV":
        from .search_cv import DPSearchCV

        return DPSearchCV
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
