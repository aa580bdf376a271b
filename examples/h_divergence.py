"""Did the data change, and would it change your decision? A few seconds, no download."""

import numpy as np
from scipy.stats import ks_2samp

from paperwright.statistics import h_test
from paperwright.statistics.h_divergence import h_divergence, losses

rng = np.random.default_rng(0)
shop = losses.Newsvendor(under=4, over=1)  # a unit that is missing costs four times one that is left over

# 1. Quiet days get quieter. Demand has changed, the quantity to order has not.
before = rng.gamma(20, 5, 400)
after = rng.gamma(20, 5, 400)
after[after < 80] -= 25

# 2. Busy days get busier: fewer days changed, and the order with them.
busy = rng.gamma(20, 5, 400)
busy[busy > 115] += 25

for name, sample in {"quiet days quieter": after, "busy days busier": busy}.items():
    any_change = ks_2samp(before, sample).pvalue
    order = h_test(before, sample, loss=shop, kind="js", mixture="pooled", rng=1)
    print(f"{name}: Kolmogorov-Smirnov p = {any_change:.3f}, order quantity p = {order.pvalue:.3f}")

# 3. What does it cost to go on with one order for both?
print(f"cost of deciding for both at once: {h_divergence(before, busy, shop, 'js', 'pooled'):.2f} a day")

# 4. Any difference at all, in two dimensions: kernel density estimates, bandwidths chosen on a third of the rows.
first = rng.normal(size=(300, 2))
second = rng.multivariate_normal([0, 0], [[1, 0.7], [0.7, 1]], 300)
print(f"correlated or not: p = {h_test(first, second, loss=losses.KDE(), select=0.3, rng=2).pvalue:.3f}")
