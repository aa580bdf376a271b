"""What the survey states about learning from changes, as experiments; its table of levels is checked by tests."""

from paperwright.claims import Above, All, Below, Budget, Claim, CloseTo, Greater, Less, Never, Proportion

from .experiment import (
    LabelSetting,
    MixtureSetting,
    RaceSetting,
    RegressionSetting,
    run_belief,
    run_race,
    run_recovery,
    run_regression,
    run_selection,
    run_semi_supervised,
)

NATS = dict.fromkeys(("causal_regret", "anticausal_regret", "advantage", "gap_at_5", "gap_at_20", "gap_at_end"), "nats")

# C1: speed of adaptation

causal_factorisation_adapts_faster = Claim(
    statement="""After a change of the cause's law, a model factorised along the causal direction has less regret while
    it adapts by gradient descent than one factorised against it, each at its own best learning rate.""",
    where="survey, section on transfer; Bengio et al. 2019, the adaptation figure (its numbers only in the plot)",
    arms={
        "best rates": RaceSetting("cause", 1.0, 3.0),
        "equal rates": RaceSetting("cause"),
        "nothing changes": RaceSetting("nothing"),
        "effect changes": RaceSetting("effect"),
    },
    rule=All(
        Above("advantage", 0.0, arm="best rates"),
        Proportion("ahead", above=0.95, arm="best rates"),
        CloseTo("advantage", 0.0, within=0.01, arm="nothing changes"),
    ),
    budgets={
        "smoke": Budget(seeds=4, values=6, steps=30, batch=10),
        "desk": Budget(seeds=200, values=10, steps=200, batch=10),
        "paper": Budget(seeds=10_000, values=100, steps=500, batch=100),
    },
    scale="10 values and 200 draws for 10 and 100 values and 10,000 draws; 200 steps of 10 samples for 500 of 100",
    trial=run_race,
    units=NATS,
    remarks="""Regret is exact, from the tables: no validation sample. Learning rates are the best of 0.1, 0.3, 1, 3 and
    10 for each side on pilot draws: 1 causal, 3 anticausal; at 1 for both the advantage is larger, and at 10 for both
    it turns, because noise decides there. Where nothing changes, expected gradients would leave both sides where they
    are; batches of 10 move each by its own noise, a difference of about 0.001 in pilot draws, so that the control
    asks for less than 0.01, a fifteenth of the pilot advantage. Where the effect's mechanism changes instead, the
    argument does not hold: the fourth arm is the boundary, reported without a rule here.""",
)

# C2: the belief in a direction, and its boundary

belief_finds_the_direction = Claim(
    statement="""The belief in the true direction, learned from the speed of adaptation, rises above 0.9 where the
    cause's law changes; where the effect's mechanism changes, it falls below 0.2.""",
    where="Bengio et al. 2019, the figure of the structural parameter; the boundary from Le Priol et al. 2020",
    arms={"cause changes": "cause", "effect changes": "effect", "nothing changes": "nothing"},
    rule=All(
        Proportion("probability", exceeds=0.9, above=0.85, arm="cause changes"),
        Proportion("probability", exceeds=0.2, below=0.15, arm="effect changes"),
        CloseTo("probability", 0.5, within=0.1, arm="nothing changes"),
    ),
    budgets={
        "smoke": Budget(seeds=2, values=5, episodes=60, steps=5, batch=10),
        "desk": Budget(seeds=400, values=10, episodes=500, steps=5, batch=10),
        "paper": Budget(seeds=100, values=100, episodes=1000, steps=5, batch=10),
    },
    scale="10 values in tables for 10 and 100 in tables and networks; 500 episodes for 500 to 1,000",
    trial=run_belief,
    remarks="""Models start each episode at the training law, exactly. A run is one training law; every episode draws
    its own change. Changes that one meets need not be of the cause's law, and the second arm is what happens then.""",
)

# C3: semi-supervised learning

unlabelled_inputs_help_against_the_causal_direction = Claim(
    statement="""Unlabelled inputs raise a learner's accuracy where the class causes the features, and do not where the
    features cause the class.""",
    where="survey, section on semi-supervised learning",
    arms={
        "anticausal": LabelSetting("anticausal"),
        "causal": LabelSetting("causal"),
        "anticausal, random start": LabelSetting("anticausal", init="random"),
        "causal, shuffled labels": LabelSetting("causal", shuffled=True),
    },
    rule=All(
        Above("gain", 0.0, arm="anticausal"),
        Below("gain", 0.01, arm="causal"),
        Greater("gain", "anticausal", than="causal"),
    ),
    budgets={
        "smoke": Budget(seeds=3, labelled=12, unlabelled=200, dimensions=5),
        "desk": Budget(seeds=100, labelled=12, unlabelled=600, dimensions=5),
        "paper": Budget(seeds=1000, labelled=12, unlabelled=600, dimensions=20),
    },
    scale="the survey gives no experiment: synthetic classes of its kind, 12 labels and 600 rows without",
    trial=run_semi_supervised,
    units=dict.fromkeys(("accuracy", "supervised_accuracy", "gain"), "share"),
    remarks="""The same learner, and the same law of the features, in both directions; only which causes which differs.
    The mixture that EM fits is right in the anticausal arm and beside the point in the causal one. That is the
    statement, and not a law of nature: features whose clusters happen to agree with the classes help in any
    direction. Two arms stand without a rule: the same EM from random means, and labels that mean nothing.""",
)

# C4: invariance

invariance_finds_the_parents = Claim(
    statement="""Invariance across environments finds the parents of a target among parents and descendants; a
    regression that does not look at the environments names descendants too, and one with a dummy for each does as
    well.""",
    where="survey, section on robustness; Peters et al. 2016",
    arms=["invariance", "regression", "regression with environments"],
    rule=All(
        Proportion("wrong", below=0.1, arm="invariance"),
        Proportion("exact", above=0.85, arm="invariance"),
        Proportion("wrong", above=0.5, arm="regression"),
        Proportion("wrong", above=0.5, arm="regression with environments"),
    ),
    budgets={
        "smoke": Budget(seeds=4, rows=200),
        "desk": Budget(seeds=400, rows=500),
        "paper": Budget(seeds=1000, rows=500),
    },
    scale="four candidates for graphs of 6 to 40 variables; three environments of 500 rows",
    trial=run_selection,
    remarks="""The level is 0.05 for all methods: of the accepted sets' intersection, and of t-tests by Bonferroni. The
    environments shift and scale every variable but the target, whose mechanism is the same everywhere: what the
    method assumes. An answer without a parent counts as not exact, never as wrong.""",
)

invariant_risk_minimisation_is_nearer_to_the_cause = Claim(
    statement="""With x1 -> y -> x2, invariant risk minimisation comes nearer to the causal coefficients than least
    squares with a ridge, both with a penalty chosen by leaving environments out.""",
    where="Arjovsky et al. 2019, section 5.1 (homoskedastic target)",
    arms={
        "irm": RegressionSetting("irm"),
        "ridge": RegressionSetting("ridge"),
        "irm, target's noise changes": RegressionSetting("irm", "changes"),
        "ridge, target's noise changes": RegressionSetting("ridge", "changes"),
    },
    rule=Less("error", "irm", than="ridge"),
    budgets={
        "smoke": Budget(seeds=2, rows=200),
        "desk": Budget(seeds=100, rows=1000),
        "paper": Budget(seeds=100, rows=1000),
    },
    scale="two predictors for ten, 100 repeats for 10; a penalty for each from seven values",
    trial=run_regression,
    tolerance=0.01,
    remarks="""The error is |coefficient of x1 - 1| + |coefficient of x2|. Where the noise of the target itself changes,
    the descendant predicts best in every environment that is left out, so that a penalty chosen in this way is nearly
    none: the last two arms, without a rule.""",
)

# C5: representation

shifts_identify_the_rotation = Claim(
    statement="""The unknown rotation of a cause and its effect is recovered within 5 degrees from environments in which
    only the cause's law differs.""",
    where="Bengio et al. 2019, the figure of the disentangling angle; survey, section on causal representations",
    arms={
        "shifts": MixtureSetting(),
        "no shifts": MixtureSetting(shifted=False),
        "shifts, meta objective": MixtureSetting(method="meta"),
    },
    rule=All(Never("missed", arm="shifts"), Above("error", 10.0, arm="no shifts")),
    budgets={
        "smoke": Budget(seeds=2, environments=6, rows=300),
        "desk": Budget(seeds=100, environments=6, rows=2000),
        "paper": Budget(seeds=100, environments=100, rows=2000),
    },
    scale="linear Gaussian mechanisms for splines, regressions for the meta objective, 6 environments",
    trial=run_recovery,
    units={"error": "degrees", "ordered_error": "degrees"},
    remarks="""A rotation by 180 degrees changes signs only and counts as right in "missed"; an exchange of cause and
    effect does not. "error" forgives the exchange too: it is at most 45 degrees, 22.5 on average by chance. Without
    shifts the data are rotated Gaussians with the same law everywhere, in which no method can find the angle. The
    third arm is the objective of the 2019 paper for the same mechanisms, without a rule.""",
)
