"""Graphical procedures, Holm and Hochberg against published values and against the closure they stand for."""

import itertools

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from statsmodels.stats.multitest import multipletests

from nirls.stats.multiplicity import EQUAL, Graph, graphical, hochberg, holm, reject

SUCCESSIVE = Graph(weights=[0.5, 0.5, 0, 0], transitions=[[0, 0, 1, 0], [0, 0, 0, 1], [0, 1, 0, 0], [1, 0, 0, 0]])
GENERAL = Graph(weights=[0.5, 0.5, 0, 0], transitions=[[0, 0.5, 0.5, 0], [0.5, 0, 0, 0.5], [0, 1, 0, 0], [1, 0, 0, 0]])
ULP = {"rel": 1e-14, "abs": 0}


def test_simple_successive_graph():
    """H1→H3, H2→H4, H3→H2, H4→H1, the example of R gMCP and graphicalMCP (`simple_successive_1`); each value also by hand."""
    found = graphical(SUCCESSIVE, [0.018, 0.01, 0.105, 0.006], 0.025)
    assert found.adjusted == pytest.approx([0.02, 0.02, 0.105, 0.02], **ULP)
    assert found.rejected.tolist() == [True, True, False, True]
    assert graphical(SUCCESSIVE, [0.01, 0.005, 0.015, 0.022], 0.025).adjusted == pytest.approx([0.02, 0.01, 0.03, 0.03], **ULP)


def test_path_of_the_general_successive_graph():
    """R graphicalMCP, vignette "shortcut-testing": adjusted p, the graph after H2 and H1, and the level at each step."""
    found = graphical(GENERAL, [0.018, 0.01, 0.105, 0.006], 0.025)
    assert found.adjusted == pytest.approx([0.024, 0.02, 0.105, 0.024], **ULP)
    assert [(s.hypothesis, s.weight, s.rejected) for s in found.path] == [(1, 0.5, True), (0, 0.75, True), (3, 0.5, True), (2, 1.0, False)]
    second = found.path[1]
    assert second.weights.tolist() == [0, 0, 0.5, 0.5]
    assert second.transitions == pytest.approx(np.array([[0] * 4, [0] * 4, [0, 0, 0, 1], [0, 0, 1, 0]]), abs=2e-16)
    assert found.path[3].weights.tolist() == [0, 0, 1, 0] and not found.path[3].transitions.any()
    assert found.levels == pytest.approx([0.75 * 0.025, 0.5 * 0.025, 0.025, 0.5 * 0.025], **ULP)


def test_the_other_order_gives_the_other_graph():
    """Same vignette: deleting H2 and then H4 leaves H1 with all weight, H1→H3 and H3→H1."""
    graph = reject(reject(GENERAL, 1), 3)
    assert graph.weights.tolist() == [1, 0, 0, 0]
    assert graph.transitions == pytest.approx(np.array([[0, 0, 1, 0], [0] * 4, [1, 0, 0, 0], [0] * 4]), abs=2e-16)


def test_holm_and_hochberg_by_hand():
    """R p.adjust: Holm .04 .06 .06 .06, Hochberg .04 four times."""
    p = [0.01, 0.02, 0.03, 0.04]
    assert graphical(holm(4), p, 0.05).adjusted == pytest.approx([0.04, 0.06, 0.06, 0.06], **ULP)
    assert hochberg(p, 0.05).adjusted == pytest.approx([0.04] * 4, **ULP)
    assert hochberg(p, 0.05).rejected.all() and not hochberg(p, 0.05).path


def test_gatekeeping_with_an_epsilon_edge():
    """Serial gatekeeping (Bretz et al. 2009, section 3.3): H3 is reached only when both H1 and H2 are rejected, and then with all of α."""
    epsilon = 1e-4
    graph = Graph(weights=[0.5, 0.5, 0], transitions=[[0, 1, 0], [1 - epsilon, 0, epsilon], [0, 0, 0]])
    assert reject(reject(graph, 0), 1).weights[2] == pytest.approx(1.0, rel=1e-12)
    assert graphical(graph, [0.01, 0.04, 0.05], 0.05).rejected.tolist() == [True, True, True]
    assert graphical(graph, [0.01, 0.06, 0.001], 0.05).rejected.tolist() == [True, False, False]


P = st.one_of(st.floats(1e-6, 1), st.sampled_from([0.005, 0.01, 0.0125, 0.025, 0.05, 1.0]))


@st.composite
def graphs(draw, m):
    share = st.lists(st.integers(0, 4), min_size=m, max_size=m)
    w = np.array(draw(share), float)
    g = np.array([draw(share) for _ in range(m)], float)
    np.fill_diagonal(g, 0.0)
    spare = draw(st.sampled_from([0.0, 1.0]))
    g /= np.maximum(g.sum(axis=1, keepdims=True) + spare, 1.0)
    return Graph(weights=w / max(w.sum() + spare, 1.0), transitions=g)


@st.composite
def problems(draw):
    m = draw(st.integers(1, 5))
    return draw(graphs(m)), np.array(draw(st.lists(P, min_size=m, max_size=m)))


LOSSLESS = (
    Graph(weights=[0, 1 / 3, 0, 2 / 3], transitions=[[0, 1, 0, 0], [1, 0, 0, 0], [0, 0.5, 0, 0.5], [0, 0, 0, 0]]),
    np.array([1.0, 1.0, 1.0, 0.5]),
)
"""What H1 and H2 hold goes round between them and reaches no other: H4 has 2/3, and 0.5 / (2/3) = 0.75."""


def closure(graph, p):
    """Adjusted p by the closure principle (Bretz et al. 2009, section 2): the largest over all intersections that hold the hypothesis.

    The weights of an intersection are those the graph has when all others are taken out by a random walk that stops in the
    intersection: w_J = w (I − G restricted to the others)⁻¹ G. Shares nothing with the update of the shortcut. A cycle among the others
    that loses nothing has no walk out of it: a loss of 10⁻¹² at every step makes its inverse finite, and nothing arrives from it.
    """
    m = p.size
    worst = np.zeros(m)
    for size in range(1, m + 1):
        for chosen in itertools.combinations(range(m), size):
            inside = np.array(chosen)
            out = np.setdiff1d(np.arange(m), inside)
            w, g = graph.weights, graph.transitions
            flow = np.linalg.solve((np.eye(out.size) - (1 - 1e-12) * g[np.ix_(out, out)]).T, w[out])
            weights = w[inside] + flow @ g[np.ix_(out, inside)]
            with np.errstate(divide="ignore"):
                smallest = min(1.0, np.where(weights > 1e-12, p[inside] / np.maximum(weights, 1e-300), np.inf).min())
            worst[inside] = np.maximum(worst[inside], smallest)
    return worst


@example(LOSSLESS)
@given(problems())
def test_the_shortcut_is_its_closure(problem):
    graph, p = problem
    assert graphical(graph, p, 0.05).adjusted == pytest.approx(closure(graph, p), rel=1e-9)


@given(problems(), st.floats(0.001, 0.5))
def test_adjusted_p_are_the_decisions(problem, alpha):
    """Rejected at α exactly when the adjusted p is at most α; the path says the same."""
    graph, p = problem
    found = graphical(graph, p, alpha)
    assert (found.rejected == (found.adjusted <= alpha * EQUAL)).all()
    assert {s.hypothesis for s in found.path if s.rejected} == set(np.flatnonzero(found.rejected))
    assert all(s.rejected for s in found.path[:-1])
    assert (p[found.rejected] <= found.levels[found.rejected] * (1 + 1e-9)).all()
    assert (p[~found.rejected] > found.levels[~found.rejected] * (1 - 1e-9)).all()
    for i in np.flatnonzero(found.adjusted < 0.9):
        assert graphical(graph, p, found.adjusted[i]).rejected[i]
        assert not graphical(graph, p, found.adjusted[i] * (1 - 1e-6)).rejected[i]


@given(problems(), st.data())
def test_a_smaller_p_never_loses_a_rejection(problem, data):
    graph, p = problem
    smaller = p * np.array(data.draw(st.lists(st.floats(0.0, 1.0), min_size=p.size, max_size=p.size)))
    assert (graphical(graph, smaller, 0.05).adjusted <= graphical(graph, p, 0.05).adjusted * (1 + 1e-12)).all()
    assert (hochberg(smaller, 0.05).adjusted <= hochberg(p, 0.05).adjusted).all()


@settings(max_examples=20)  # statsmodels takes a fifth of a second for Holm
@given(st.lists(P, min_size=1, max_size=8))
def test_holm_and_hochberg_are_statsmodels(p):
    assert graphical(holm(len(p)), p, 0.05).adjusted == pytest.approx(multipletests(p, method="holm")[1], rel=1e-12)
    assert hochberg(p, 0.05).adjusted == pytest.approx(multipletests(p, method="simes-hochberg")[1], rel=1e-14)


def test_a_missing_p_is_never_rejected_and_gives_nothing_away():
    found = graphical(GENERAL, [np.nan, 0.001, 0.001, 0.001], 0.05)
    assert found.rejected.tolist() == [False, True, False, True]
    assert np.isnan(found.adjusted[0]) and found.adjusted[2] == 1.0
    assert [s.hypothesis for s in found.path] == [1, 3] and found.levels[2] == 0.0
    assert not graphical(holm(2), [np.nan, np.nan], 0.05).rejected.any()
    assert hochberg([0.03, np.nan], 0.05).adjusted[0] == 0.06  # as if the missing one were 1


def test_equality_is_a_rejection_in_spite_of_rounding():
    weights = [0.1] * 10
    graph = Graph(weights=weights, transitions=(1 - np.eye(10)) / 9)
    assert graphical(graph, [0.05 / (10 - i) for i in range(10)], 0.05).rejected.all()
    assert not graphical(graph, [0.05 * 0.1 * (1 + 1e-9)] + [1.0] * 9, 0.05).rejected.any()


@pytest.mark.parametrize(
    ("weights", "transitions", "message"),
    [
        ([0.6, 0.5], [[0, 1], [1, 0]], "weights sum to 1.1, more than 1"),
        ([-0.1, 0.5], [[0, 1], [1, 0]], "H1: the weight -0.1 is not between 0 and 1"),
        ([float("nan"), 0.5], [[0, 1], [1, 0]], "H1: the weight nan"),
        ([0.5, 0.5], [[0.2, 0.8], [1, 0]], "H1: passes 0.2 of its weight to itself"),
        ([0.5, 0.25, 0.25], [[0, 0.7, 0.4], [1, 0, 0], [1, 0, 0]], "H1: its transitions sum to 1.1, more than 1"),
        ([0.5, 0.5], [[0, -1], [1, 0]], "H1: the transition -1 to H2"),
        ([0.5, 0.5], [[0, 1]], r"need transitions of shape \(2, 2\)"),
        ([], np.zeros((0, 0)), "at least one hypothesis"),
    ],
)
def test_bad_graphs_are_refused(weights, transitions, message):
    with pytest.raises(ValueError, match=message):
        Graph(weights=weights, transitions=transitions)


def test_names():
    with pytest.raises(ValueError, match=r"CGI-S: the transition 1.5 to IRLS is not between 0 and 1"):
        Graph(weights=[1, 0], transitions=[[0, 1], [1.5, 0]], names=("IRLS", "CGI-S"))
    for names in (("a",), ("a", "a")):
        with pytest.raises(ValueError, match="2 weights need 2 different names"):
            Graph(weights=[1, 0], transitions=[[0, 1], [1, 0]], names=names)
    assert reject(Graph(weights=[1, 0], transitions=[[0, 1], [0, 0]], names=("a", "b")), 0).names == ("a", "b")


def test_bad_p_values_are_refused():
    with pytest.raises(ValueError, match=r"H2: the p-value 1.2 is not between 0 and 1"):
        graphical(holm(2), [0.1, 1.2], 0.05)
    with pytest.raises(ValueError, match="2 hypotheses need 2 p-values"):
        graphical(holm(2), [0.1], 0.05)
    with pytest.raises(ValueError, match="level 5 is not between 0 and 1"):
        hochberg([0.1], 5)
