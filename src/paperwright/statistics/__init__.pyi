from . import causal as causal, h_divergence as h_divergence, rdp_tuning as rdp_tuning
from .causal import (
    IRM as IRM,
    SCM as SCM,
    SemiSupervisedLDA as SemiSupervisedLDA,
    StructuralBelief as StructuralBelief,
    adaptation_race as adaptation_race,
    hsic_test as hsic_test,
    icp as icp,
    mechanism_divergences as mechanism_divergences,
    recover_angle as recover_angle,
    run_ladder as run_ladder,
    sparse_shift_scores as sparse_shift_scores,
    which_mechanisms_changed as which_mechanisms_changed,
)
from .h_divergence import (
    HDivergence as HDivergence,
    HDrift as HDrift,
    h_divergence_discrete as h_divergence_discrete,
    h_entropy as h_entropy,
    h_test as h_test,
)
from .rdp_tuning import (
    DPSearchCV as DPSearchCV,
    RunCount as RunCount,
    SearchResult as SearchResult,
    audit_epsilon as audit_epsilon,
    gaussian_rdp as gaussian_rdp,
    opacus_rdp as opacus_rdp,
    plan_search as plan_search,
    private_search as private_search,
    rdp_to_delta as rdp_to_delta,
    rdp_to_epsilon as rdp_to_epsilon,
    selected_rdp as selected_rdp,
)
