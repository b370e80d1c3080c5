"""Intervals and verdicts on simulated seeds: how often they contain the truth, how often they are wrong."""

import numpy as np
import pandas as pd
import pytest

from filterbench.analysis.collapses import collapsed
from filterbench.analysis.equal_training import UNIFORM
from filterbench.analysis.estimates import by_target, pooled
from filterbench.analysis.hypotheses import ALPHA, FAILS, HOLDS, MARGIN, MORE, NO_MORE, SIMILAR, Tested

# Of 800 studies the wanted coverage is 93 to 97 %.
ENOUGH = [150, pytest.param(800, marks=pytest.mark.slow)]
FALL = 0.3
# The kept study's number of seeds and of targets.
SEEDS, TARGETS = 5, 6
NETS = {"normal": 0, "one in five collapsed": 1}


def standard_error(studies: int) -> float:
    """Of the share of studies in which something of probability 5 % happens."""
    return (0.05 * 0.95 / studies) ** 0.5


def nets(
    draw, studies: int, spread: float, correlation: float, falls: int, seeds=SEEDS
) -> tuple[np.ndarray, np.ndarray]:
    """Differences in points and whether a net counts as collapsed, of shape (studies, seeds, targets).

    The true difference of nets that do not collapse is zero.
    """
    shape = (studies, seeds, TARGETS)
    pair = []
    for _ in range(2):
        common = np.sqrt(correlation) * draw.standard_normal((studies, seeds, 1))
        own = np.sqrt(1 - correlation) * draw.standard_normal(shape)
        pair.append(0.6 + spread / 100 * (common + own))
    pair[0][:, : falls * seeds // SEEDS] -= FALL
    apart = [np.apply_along_axis(collapsed, 1, net) for net in pair]
    return 100 * (pair[0] - pair[1]), apart[0] | apart[1]


@pytest.mark.parametrize("studies", ENOUGH)
@pytest.mark.parametrize("falls", NETS)
@pytest.mark.parametrize(("seeds", "spread", "correlation"), [(5, 3, 0.5), (10, 1, 0.9)])
def test_pooled_and_joint_intervals_contain_the_truth_as_often_as_they_say(
    studies, falls, seeds, spread, correlation
):
    draw = np.random.default_rng(3)
    found = nets(draw, studies, spread, correlation, NETS[falls], seeds)
    whole = together = 0
    for points, apart in zip(*map(list, found), strict=True):
        frames = pd.DataFrame(points), pd.DataFrame(apart)
        estimate = pooled(*frames)
        whole += estimate.low < 0 < estimate.high
        together += all(each.low < 0 < each.high for each in by_target(*frames).values())
    noise = 2.6 * standard_error(studies)
    assert 0.95 - noise < whole / studies < 0.95 + noise
    # Sidak's intervals are cautious where targets are correlated.
    assert 0.95 - noise < together / studies < 0.965 + noise


def test_a_seed_with_a_collapsed_net_is_left_out_whole_and_counted():
    points = pd.DataFrame({4.0: [1.0, 2.0, 3.0, -30.0], 8.0: [2.0, 3.0, 4.0, 3.0]})
    apart = pd.DataFrame({4.0: [False, False, False, True], 8.0: [False] * 4})
    found = pooled(points, apart)
    assert (found.n, found.mean, found.collapsed, found.mean_all) == (3, 2.5, 1, -1.5)
    # Student 1908: t(0.975, 2) = 4.302653.
    assert (found.low, found.high) == pytest.approx(
        (2.5 - 4.302653 / 3**0.5, 2.5 + 4.302653 / 3**0.5), abs=1e-5
    )
    each = by_target(points, apart)
    assert (each[4.0].n, each[4.0].collapsed, each[8.0].n) == (3, 1, 4)
    # Sidak 1967: t at 0.95 ** (1 / 2) with 2 degrees of freedom is 6.1646.
    assert each[4.0].high == pytest.approx(2 + 6.1646 / 3**0.5, abs=1e-3)


def test_a_seed_that_lacks_a_target_is_in_no_pooled_mean():
    points = pd.DataFrame({4.0: [1.0, 2.0, 3.0, 90.0], 8.0: [2.0, 3.0, 4.0, np.nan]})
    apart = pd.DataFrame(False, points.index, points.columns)
    assert pooled(points, apart).mean_all == 2.5
    assert by_target(points, apart)[4.0].n == 4


@pytest.mark.parametrize(
    ("accuracies", "fell"),
    [
        ([0.8, 0.81, 0.5, 0.79, 0.8], [2]),
        ([0.8, 0.5, 0.5, 0.79, 0.8], [1, 2]),
        ([0.8, 0.71, 0.8, 0.8, 0.8], []),
        ([0.8, 0.5, 0.6, 0.7, 0.4], []),
        ([0.8, 0.9, 0.8, 0.8, 0.8], []),
        ([0.8, 0.5, np.nan, 0.8, 0.8], [1]),
        ([0.8, 0.5, 0.5, 0.8], [1, 2]),
        ([0.8, 0.1], []),
    ],
)
def test_a_net_far_below_the_cells_others_has_collapsed(accuracies, fell):
    assert list(np.flatnonzero(collapsed(accuracies))) == fell


def drawn(draw, truths, falls: int) -> list[Tested]:
    """What a claim is tested on in one study: pairs with a net in common, and a net that may collapse."""
    shared = draw.standard_normal(SEEDS)
    found = []
    for number, truth in enumerate(truths):
        accuracy = 0.6 + 0.01 * (0.5 * shared + draw.standard_normal(SEEDS)) + truth / 100
        accuracy[:falls] -= FALL
        kept = ~collapsed(accuracy)
        found.append(Tested(("One", str(number)), "params", (4.0,), tuple(100 * (accuracy - 0.6)[kept])))
    return found


@pytest.mark.parametrize("studies", ENOUGH)
@pytest.mark.parametrize("falls", NETS)
@pytest.mark.parametrize(
    ("claim", "truths", "wrong"),
    [
        # One pair, and each of six, exactly at the margin.
        (MORE, [MARGIN], HOLDS),
        (MORE, [MARGIN], FAILS),
        (MORE, [MARGIN] * 6, HOLDS),
        (MORE, [MARGIN] * 6, FAILS),
        (MORE, [MARGIN] + [5.0] * 5, HOLDS),
        (NO_MORE, [MARGIN], HOLDS),
        (NO_MORE, [MARGIN] * 6, FAILS),
        (SIMILAR, [MARGIN] + [0.0] * 8, HOLDS),
        (SIMILAR, [0.0] * 9, FAILS),
        (SIMILAR, [MARGIN, -MARGIN] * 4, FAILS),
    ],
)
def test_a_wrong_verdict_is_rarer_than_one_in_twenty(claim, truths, wrong, falls, studies):
    draw = np.random.default_rng(9)
    found = [claim.verdict(drawn(draw, truths, NETS[falls])) for _ in range(studies)]
    assert np.mean([verdict == wrong for verdict in found]) < ALPHA + 2 * standard_error(studies)


@pytest.mark.parametrize("falls", NETS)
def test_a_clear_lead_is_seen(falls):
    draw = np.random.default_rng(5)
    studies = [MORE.verdict(drawn(draw, [4.0] * 6, NETS[falls])) for _ in range(200)]
    assert np.mean([verdict == HOLDS for verdict in studies]) > 0.5


@pytest.mark.parametrize(
    ("model", "searched", "expected"),
    [
        ("vgg16", "AutoCompressPruner", (-7.0, -9.1, -5.0)),
        ("resnet18", "AutoCompressPruner", (-0.9, -2.0, 0.2)),
        ("resnet18", "NetAdaptPruner", (0.7, 0.2, 1.3)),
        ("vgg16", "NetAdaptPruner", (0.0, -0.4, 0.3)),
        ("vgg16", "SimulatedAnnealingPruner", (-3.4, -7.2, 0.5)),
    ],
)
def test_the_pooled_differences_of_the_kept_study(kept, model, searched, expected):
    nets = kept(model).pivot(index="seed", columns=["pruner", "sparsity"], values="performance_equal")
    fell = nets.apply(collapsed)
    found = pooled(100 * (nets[searched] - nets[UNIFORM[searched]]), fell[searched] | fell[UNIFORM[searched]])
    assert (found.mean, found.low, found.high) == pytest.approx(expected, abs=0.05)
    # Only the annealing has a collapsed net among these; with it the mean is -6.0.
    assert found.collapsed == (searched == "SimulatedAnnealingPruner")
    assert found.mean_all == pytest.approx(-6.0 if found.collapsed else expected[0], abs=0.05)


@pytest.fixture
def kept(request):
    folder = request.config.rootpath / "docs/fair-comparison/results"
    return lambda model: pd.read_csv(folder / model / "comparison.csv")
