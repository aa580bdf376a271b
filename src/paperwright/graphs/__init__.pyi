from . import sdrf as sdrf
from .sdrf import (
    DIGL as DIGL,
    SDRF as SDRF,
    BalancedFormanCurvature as BalancedFormanCurvature,
    CurvatureState as CurvatureState,
    balanced_forman_curvature as balanced_forman_curvature,
    cheeger as cheeger,
    sensitivity as sensitivity,
    spectral_gap as spectral_gap,
    squashing_report as squashing_report,
)
