"""Shapes of dose–response curves.

Every model is f(d) = e₀ + Σ_j b_j·g_j(d; θ): linear in e₀ and b, with at most two further parameters θ, all positive. Names and
parameters are those of R DoseFinding where it has the model; `logGauss` is an umbrella on the logarithm of dose, `doubleEmax` the
difference of two saturating effects (Arndt–Schulz).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

Array = np.ndarray
Basis = Callable[[Array, Array, dict[str, float]], Array]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """One family of curves.

    Attributes
    ----------
    name, words : str
    linear : tuple of str
        Names of b.
    nonlinear : tuple of str
        Names of θ.
    bounds : tuple of (float, float, bool)
        Range of each θ in which it is looked for; true: in multiples of the highest dose.
    constants : dict of str to float
        What is given and not estimated, in multiples of the highest dose.
    guess : tuple of str
        What must be guessed to know the curve up to its place and scale.
    umbrella : bool
        Whether it can rise and fall within the doses.
    rising : bool
        Whether b must not be negative: the curve is an umbrella, not a dip.
    basis : callable
        (doses (…, K), θ (…, r), constants) → g (…, K, q).
    slopes : callable or None
        The same → ∂g/∂ log θ (…, K, q, r); none without θ.
    """

    name: str
    words: str
    linear: tuple[str, ...]
    basis: Basis
    nonlinear: tuple[str, ...] = ()
    bounds: tuple[tuple[float, float, bool], ...] = ()
    constants: dict[str, float] = field(default_factory=dict)
    guess: tuple[str, ...] = ()
    umbrella: bool = False
    rising: bool = False
    slopes: Basis | None = None

    @property
    def n_parameters(self) -> int:
        """e₀, b and θ."""
        return 1 + len(self.linear) + len(self.nonlinear)

    def limits(self, highest: float) -> Array:
        """(r, 2) bounds of θ for doses up to `highest`."""
        rows = [(low, high) if not scaled else (low * highest, high * highest) for low, high, scaled in self.bounds]
        return np.array(rows, float).reshape(len(self.nonlinear), 2)

    def settle(self, highest: float, given: dict[str, float] | None = None) -> dict[str, float]:
        """The constants in the unit of dose.

        Raises
        ------
        ValueError
            For a constant the model does not have, or one out of range.
        """
        given = given or {}
        strange = [name for name in given if name not in self.constants]
        if strange:
            raise ValueError(f"{self.name} has no constant {', '.join(strange)}; it has {', '.join(self.constants) or 'none'}")
        settled = {name: float(given.get(name, share * highest)) for name, share in self.constants.items()}
        if "off" in settled and not settled["off"] > 0:
            raise ValueError(f"{self.name}: off = {settled['off']:g} must be positive: it keeps the logarithm finite at dose 0")
        if "scal" in settled and not settled["scal"] > highest:
            raise ValueError(f"{self.name}: scal = {settled['scal']:g} must be above the highest dose {highest:g}")
        return settled

    def standardised(self, doses: ArrayLike, guess: dict[str, float], constants: dict[str, float]) -> Array:
        """The curve at `doses` up to place and scale, rising first.

        Raises
        ------
        ValueError
            If `guess` lacks a parameter, has another, or one that is not positive where it must be.
        """
        lacking, strange = [g for g in self.guess if g not in guess], [g for g in guess if g not in self.guess]
        if lacking or strange:
            said = f"lacks {', '.join(lacking)}" if lacking else f"has {', '.join(strange)}"
            raise ValueError(f"the guess of {self.name} {said}; it needs {', '.join(self.guess) or 'none'}")
        low = [f"{name} = {guess[name]:g}" for name in self.nonlinear if not guess[name] > 0]
        if low:
            raise ValueError(f"the guess of {self.name} must be positive: {', '.join(low)}")
        columns = self.basis(np.asarray(doses, float), np.array([guess[n] for n in self.nonlinear]), constants)
        if len(self.linear) == 1:
            return columns[:, 0]
        return columns[:, 0] + guess[self.guess[-1]] * columns[:, 1]


def refusal(shape: Shape, doses: Array) -> str:
    """Why a design cannot identify a model; empty when it can."""
    levels = np.unique(np.asarray(doses, float)).size
    if shape.n_parameters >= levels:
        return (
            f"{shape.n_parameters} parameters cannot be estimated from {levels} dose levels: at least {shape.n_parameters + 1} are needed"
        )
    return ""


def _one(column: Array) -> Array:
    return column[..., None]


def _linear(d: Array, theta: Array, c: dict[str, float]) -> Array:
    return _one(d + 0.0)


def _linlog(d: Array, theta: Array, c: dict[str, float]) -> Array:
    return _one(np.log(d + c["off"]))


def _quadratic(d: Array, theta: Array, c: dict[str, float]) -> Array:
    return np.stack([d, d**2], axis=-1)


def _sigmoid(d: Array, theta: Array, c: dict[str, float]) -> Array:
    """d^h / (ED50^h + d^h), by the logistic function of h·log(d/ED50), which cannot overflow."""
    with np.errstate(divide="ignore"):
        return _one(special.expit(theta[..., 1, None] * (np.log(d) - np.log(theta[..., 0, None]))))


def _sigmoid_slopes(d: Array, theta: Array, c: dict[str, float]) -> Array:
    g, h = _sigmoid(d, theta, c)[..., 0], theta[..., 1, None]
    steep = g * (1.0 - g) * h
    place = np.log(np.where(d > 0, d, 1.0)) - np.log(theta[..., 0, None])
    return np.stack([-steep, np.where(d > 0, steep * place, 0.0)], axis=-1)[..., None, :]


def _emax(d: Array, theta: Array, c: dict[str, float]) -> Array:
    return _one(d / (theta[..., 0, None] + d))


def _emax_slopes(d: Array, theta: Array, c: dict[str, float]) -> Array:
    ed = theta[..., 0, None]
    return (-ed * d / (ed + d) ** 2)[..., None, None]


def _exponential(d: Array, theta: Array, c: dict[str, float]) -> Array:
    return _one(np.expm1(d / theta[..., 0, None]))


def _exponential_slopes(d: Array, theta: Array, c: dict[str, float]) -> Array:
    at = d / theta[..., 0, None]
    return (-at * np.exp(at))[..., None, None]


def _logistic(d: Array, theta: Array, c: dict[str, float]) -> Array:
    return _one(special.expit((d - theta[..., 0, None]) / theta[..., 1, None]))


def _logistic_slopes(d: Array, theta: Array, c: dict[str, float]) -> Array:
    g = _logistic(d, theta, c)[..., 0]
    steep, ed, delta = g * (1.0 - g), theta[..., 0, None], theta[..., 1, None]
    return np.stack([-steep * ed / delta, -steep * (d - ed) / delta], axis=-1)[..., None, :]


def _beta(d: Array, theta: Array, c: dict[str, float]) -> Array:
    one, two, x = theta[..., 0, None], theta[..., 1, None], d / c["scal"]
    height = special.xlogy(one + two, one + two) - special.xlogy(one, one) - special.xlogy(two, two)
    return _one(np.exp(height + special.xlogy(one, x) + special.xlog1py(two, -x)))


def _beta_slopes(d: Array, theta: Array, c: dict[str, float]) -> Array:
    g, x = _beta(d, theta, c)[..., 0], d / c["scal"]
    one, two = theta[..., 0, None], theta[..., 1, None]
    inside = np.log(np.where(x > 0, x, 1.0))
    first = np.where(x > 0, g * one * (np.log(one + two) - np.log(one) + inside), 0.0)
    second = g * two * (np.log(one + two) - np.log(two) + np.log1p(-x))
    return np.stack([first, second], axis=-1)[..., None, :]


def _log_gauss(d: Array, theta: Array, c: dict[str, float]) -> Array:
    away = np.log((d + c["off"]) / theta[..., 0, None]) / theta[..., 1, None]
    return _one(np.exp(-(away**2) / 2.0))


def _log_gauss_slopes(d: Array, theta: Array, c: dict[str, float]) -> Array:
    away = np.log((d + c["off"]) / theta[..., 0, None]) / theta[..., 1, None]
    g = np.exp(-(away**2) / 2.0)
    return np.stack([g * away / theta[..., 1, None], g * away**2], axis=-1)[..., None, :]


def _double(d: Array, theta: Array, c: dict[str, float]) -> Array:
    return np.concatenate([_emax(d, theta[..., :1], c), _emax(d, theta[..., 1:], c)], axis=-1)


def _double_slopes(d: Array, theta: Array, c: dict[str, float]) -> Array:
    first, second = (_emax_slopes(d, theta[..., k : k + 1], c)[..., 0, 0] for k in (0, 1))
    none = np.zeros_like(first)
    return np.stack([np.stack([first, none], axis=-1), np.stack([none, second], axis=-1)], axis=-2)


_WIDE = (0.001, 1.5, True)
# The bounds are DoseFinding's `defBnds` where it has the model.
SHAPES: dict[str, Shape] = {
    shape.name: shape
    for shape in (
        Shape(name="linear", words="linear", linear=("delta",), basis=_linear),
        Shape(name="linlog", words="linear in log dose", linear=("delta",), basis=_linlog, constants={"off": 0.01}),
        Shape(name="quadratic", words="quadratic", linear=("b1", "b2"), basis=_quadratic, guess=("delta",), umbrella=True),
        Shape(
            name="emax", words="Emax", linear=("eMax",), nonlinear=("ed50",), guess=("ed50",), bounds=(_WIDE,),
            basis=_emax, slopes=_emax_slopes,
        ),
        Shape(
            name="sigEmax", words="sigmoid Emax", linear=("eMax",), nonlinear=("ed50", "h"), guess=("ed50", "h"),
            bounds=(_WIDE, (0.5, 10.0, False)), basis=_sigmoid, slopes=_sigmoid_slopes,
        ),
        Shape(
            name="exponential", words="exponential", linear=("e1",), nonlinear=("delta",), guess=("delta",), bounds=((0.1, 2.0, True),),
            basis=_exponential, slopes=_exponential_slopes,
        ),
        Shape(
            name="logistic", words="logistic", linear=("eMax",), nonlinear=("ed50", "delta"), guess=("ed50", "delta"),
            bounds=(_WIDE, (0.01, 0.5, True)), basis=_logistic, slopes=_logistic_slopes,
        ),
        Shape(
            name="betaMod", words="beta", linear=("eMax",), nonlinear=("delta1", "delta2"), guess=("delta1", "delta2"), umbrella=True,
            bounds=((0.05, 4.0, False), (0.05, 4.0, False)), constants={"scal": 1.2}, basis=_beta, slopes=_beta_slopes,
        ),
        Shape(
            name="logGauss", words="log-Gaussian umbrella", linear=("eMax",), nonlinear=("peak", "spread"), guess=("peak", "spread"),
            umbrella=True, rising=True, bounds=((0.05, 1.5, True), (0.2, 3.0, False)), constants={"off": 0.01}, basis=_log_gauss,
            slopes=_log_gauss_slopes,
        ),
        Shape(
            name="doubleEmax", words="double Emax", linear=("eMax1", "eMax2"), nonlinear=("ed1", "ed2"), guess=("ed1", "ed2", "ratio"),
            umbrella=True, bounds=((0.001, 0.25, True), (0.5, 5.0, True)), basis=_double, slopes=_double_slopes,
        ),
    )
}  # fmt: skip
"""Name → shape."""
