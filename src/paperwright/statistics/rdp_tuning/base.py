"""The RDP curve of one run, from whatever holds it: arrays, dp-accounting, or an Opacus accountant."""

import math
import sys
from collections.abc import Callable
from typing import Any, SupportsFloat

import numpy as np
from scipy.special import gammaln, logsumexp, ndtr, ndtri

from paperwright.blocks.counts import whole_number

from ._inputs import ArrayLike, Curve, float_array, number
from .conversion import DEFAULT_ORDERS, checked_curve, monotone

LARGEST_NOISE = 1e100  # and one over it the least: its square is a float64
MOST_STEPS = 2**63
LOST = 1e-10  # (order - 1) epsilon(order) of one step below which dp-accounting's has lost digits


def gaussian_rdp(
    noise_multiplier: SupportsFloat,
    sample_rate: SupportsFloat = 1.0,
    steps: SupportsFloat = 1,
    orders: ArrayLike | None = None,
) -> Curve:
    r"""Return the RDP of DP-SGD: `steps` Gaussian mechanisms on Poisson-sampled batches.

    Neighbours differ by one record added or removed.
    At sample rate 1, :math:`\epsilon(\lambda) = \mathrm{steps}\,\lambda / (2\sigma^2)`; below it the value is
    dp-accounting's, and where that is lost in rounding (very small rates, very much noise) the exact one at the next
    whole order:

    .. math:: \frac{\mathrm{steps}}{\lambda - 1} \log\Big(1 + \sum_{k=2}^\lambda \binom{\lambda}{k}
              (1-q)^{\lambda-k} q^k \big(e^{k(k-1)/(2\sigma^2)} - 1\big)\Big).

    Args:
        noise_multiplier: sigma, the noise's standard deviation over the clipping norm.
        sample_rate: probability that an example is in a batch, in [0, 1].
        steps: number of batches, a whole number: ``math.ceil(epochs * examples / batch)``. 0 costs nothing.
        orders: Rényi orders; `DEFAULT_ORDERS` by default.

    Returns:
        (orders, rdp).

    Raises:
        ModuleNotFoundError: a sample rate below 1 without dp-accounting.
        TypeError: an argument that is no number.
        ValueError: a number out of its range.

    Source: Mironov 2017, Proposition 7; Mironov, Talwar & Zhang 2019 below sample rate 1.

    >>> orders, rdp = gaussian_rdp(2.0, steps=4, orders=[2.0, 8.0])
    >>> rdp.tolist()
    [1.0, 4.0]
    """
    orders = float_array("orders", DEFAULT_ORDERS if orders is None else orders)
    noise_multiplier, sample_rate = _checked_noise(noise_multiplier), number("sample_rate", sample_rate)
    if not 0 <= sample_rate <= 1:
        raise ValueError(f"sample_rate is {sample_rate}; expected a probability in [0, 1]. Take batch / examples.")
    steps = _checked_steps(steps, 0)
    if sample_rate == 1 or steps == 0:
        return checked_curve(orders, steps * orders / (2 * noise_multiplier**2))
    dp_accounting = _dp_accounting("RDP of subsampled Gaussian noise")
    if sample_rate == 0:
        return checked_curve(orders, np.zeros(orders.shape))
    from dp_accounting.rdp import RdpAccountant

    orders, _ = checked_curve(orders, np.zeros(orders.shape))
    above = np.where(orders == 1, 1.01, orders)  # what holds at an order holds below it
    step = dp_accounting.PoissonSampledDpEvent(sample_rate, dp_accounting.GaussianDpEvent(noise_multiplier))
    rdp = np.array(RdpAccountant(above).compose(step).rdp)
    for lost in np.flatnonzero((above - 1) * rdp < LOST):
        rdp[lost] = _at_whole_order(math.ceil(above[lost]), noise_multiplier, sample_rate)
    return checked_curve(orders, steps * monotone(rdp))  # of fractional orders dp-accounting has loose bounds


def _at_whole_order(order: int, noise_multiplier: float, sample_rate: float) -> float:
    """The RDP of one step of subsampled Gaussian noise as a sum of positive terms, for an order of at least 2."""
    k = np.arange(2, order + 1)
    log_terms = gammaln(order + 1) - gammaln(k + 1) - gammaln(order - k + 1) + k * math.log(sample_rate)
    growth = k * (k - 1) / (2 * noise_multiplier**2)
    log_terms += (order - k) * math.log1p(-sample_rate) + growth + np.log(-np.expm1(-growth))
    return math.log1p(math.exp(logsumexp(log_terms))) / (order - 1)


def pure_rdp(epsilon: SupportsFloat, orders: ArrayLike | None = None) -> Curve:
    r"""Return the RDP curve of a run of which only pure privacy is known: the worst is randomised response.

    .. math:: \epsilon(\lambda) = \frac{1}{\lambda - 1}
              \log \frac{e^{\lambda\epsilon} + e^{(1-\lambda)\epsilon}}{1 + e^\epsilon}, \qquad
              \epsilon(\infty) = \epsilon

    Args:
        epsilon: of one run, in nats, at least 0.
        orders: finite Rényi orders above 1, rising; those of `DEFAULT_ORDERS` by default. ``inf`` is added.

    Returns:
        (orders, rdp).

    Raises:
        ValueError: a negative or infinite epsilon, or orders that are not finite and above 1.

    Source: Bun & Steinke 2016, the proof of Proposition 3.3.

    >>> orders, rdp = pure_rdp(0.5, [2.0])
    >>> orders.tolist(), rdp.round(4).tolist()
    ([2.0, inf], [0.2273, 0.5])
    """
    finite = float_array("orders", DEFAULT_ORDERS if orders is None else orders)
    epsilon = number("epsilon", epsilon)
    if not 0 <= epsilon < math.inf:
        raise ValueError(f"epsilon is {epsilon}; expected a finite number of at least 0. Take that of one run.")
    if not np.all((finite > 1) & np.isfinite(finite)):
        raise ValueError(f"orders is {finite}; expected finite orders above 1. Leave out 1 and inf.")
    with np.errstate(over="ignore", invalid="ignore"):  # in the form that is not taken
        large = np.logaddexp(finite * epsilon, (1 - finite) * epsilon) - np.logaddexp(0.0, epsilon)
        small = 2 * np.sinh(finite * epsilon / 2) * np.sinh((finite - 1) * epsilon / 2) / np.cosh(epsilon / 2)
        rdp = np.where(finite * epsilon < 1, np.log1p(small), large) / (finite - 1)  # large cancels where it is small
    return checked_curve(np.append(finite, math.inf), np.append(np.clip(rdp, 0.0, epsilon), epsilon))


def gaussian_tradeoff(noise_multiplier: SupportsFloat, steps: SupportsFloat = 1) -> Callable[[np.ndarray], np.ndarray]:
    r"""Return the trade-off function of `steps` Gaussian mechanisms: p to the largest p' of a neighbour.

    .. math:: p' = \Phi\big(\Phi^{-1}(p) + \sqrt{\text{steps}} / \sigma\big)

    Raises:
        TypeError: an argument that is no number.
        ValueError: no noise, or no step.

    Source: Dong, Roth & Su 2019, Section 2.2 and Corollary 3.3.

    >>> round(float(gaussian_tradeoff(1.0)(0.5)), 4)
    0.8413
    """
    noise_multiplier, steps = _checked_noise(noise_multiplier), _checked_steps(steps, 1)
    shift = math.sqrt(steps) / noise_multiplier
    return lambda p: ndtr(ndtri(p) + shift)


def opacus_rdp(accountant: Any, orders: ArrayLike | None = None) -> Curve:
    """Return the RDP of what an Opacus accountant has recorded.

    That is its ``history`` of (noise_multiplier, sample_rate, steps), composed. Opacus' default accountant (PRV) states
    a smaller epsilon for one run; a search needs the Rényi curve.

    Take the accountant of *one* finished run (``privacy_engine.accountant``); every run must cost no more than that.

    Raises:
        TypeError: `accountant` has no such history.
        ValueError: nothing is recorded: before the training an accountant says that it costs nothing.
    """
    history = getattr(accountant, "history", None)
    if not isinstance(history, list) or not all(isinstance(row, tuple | list) and len(row) == 3 for row in history):
        raise TypeError(
            f"accountant is {type(accountant).__name__}; expected an Opacus accountant, whose history is a list of "
            "(noise_multiplier, sample_rate, steps). Pass engine.accountant."
        )
    orders = float_array("orders", DEFAULT_ORDERS if orders is None else orders)
    rdp = np.zeros(orders.size)
    for noise_multiplier, sample_rate, steps in history:
        rdp += gaussian_rdp(noise_multiplier, sample_rate, steps, orders)[1]
    return _paid(accountant, *checked_curve(orders, rdp))


def rdp_curve(base: Any) -> Curve:
    """Return (orders, rdp) of one run, from whatever holds it.

    That is such a pair, a dp-accounting ``DpEvent`` or ``RdpAccountant``, or an Opacus accountant.

    Raises:
        ValueError: for an event or an accountant that records no cost, such as one that is fresh.
    """
    if isinstance(base, tuple | list) and len(base) == 2:
        return checked_curve(*base)
    dp_accounting = sys.modules.get("dp_accounting")  # whoever holds one of its objects has imported it
    if dp_accounting is not None and isinstance(base, dp_accounting.DpEvent):
        return _paid(base, *_event_curve(base, np.array(DEFAULT_ORDERS)))
    if dp_accounting is not None and hasattr(base, "orders") and hasattr(base, "rdp"):
        return _paid(base, *checked_curve(np.array(base.orders), np.array(base.rdp)))
    if hasattr(base, "history"):
        return opacus_rdp(base)
    raise TypeError(
        f"base is {type(base).__name__}; expected (orders, rdp), a dp-accounting DpEvent or RdpAccountant, "
        "or an Opacus accountant. Try gaussian_rdp(noise_multiplier, sample_rate, steps)."
    )


def _paid(source: Any, orders: np.ndarray, rdp: np.ndarray) -> Curve:
    """The curve, unless it is 0 throughout: a source that has recorded nothing, which would make a search free."""
    if np.any(rdp > 0):
        return orders, rdp
    raise ValueError(
        f"base is {type(source).__name__} with no privacy cost recorded; expected the cost of one finished run. Train "
        "once and pass its accountant, or state the cost: gaussian_rdp(noise_multiplier, sample_rate, steps)."
    )


def _event_curve(event: Any, orders: np.ndarray) -> Curve:
    _dp_accounting("a DpEvent")
    from dp_accounting.rdp import RdpAccountant

    accountant = RdpAccountant(orders)
    if not accountant.supports(event):
        raise ValueError(
            f"base is {type(event).__name__}; expected an event whose Rényi privacy dp-accounting knows for data that "
            "differ by a record added or removed. Pass an RdpAccountant that has composed it, or (orders, rdp)."
        )
    accountant.compose(event)
    orders, rdp = checked_curve(orders, np.array(accountant.rdp))
    return orders, monotone(rdp)


def _checked_noise(noise_multiplier: SupportsFloat) -> float:
    noise_multiplier = number("noise_multiplier", noise_multiplier)
    if not 1 / LARGEST_NOISE <= noise_multiplier <= LARGEST_NOISE:
        raise ValueError(
            f"noise_multiplier is {noise_multiplier}; expected a number above 0, from {1 / LARGEST_NOISE:g} to "
            f"{LARGEST_NOISE:g}. Take 1.0."
        )
    return noise_multiplier


def _checked_steps(steps: SupportsFloat, least: int) -> int:
    whole = whole_number("steps", steps, least, "Round up with math.ceil: a step that was run must be paid for.")
    if whole > MOST_STEPS:
        raise ValueError("steps is beyond 2**63; expected at most that. Count batches.")
    return whole


def _dp_accounting(what: str) -> Any:
    try:
        import dp_accounting
    except ModuleNotFoundError as error:
        message = f"{what} is computed by dp-accounting: pip install 'paperwright[statistics]', or pass (orders, rdp)"
        raise ModuleNotFoundError(message, name=error.name) from None
    return dp_accounting
