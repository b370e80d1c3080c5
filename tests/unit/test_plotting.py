import io
from pathlib import Path

import pandas as pd
import pytest

from filterbench.analysis.pareto import with_fronts
from filterbench.analysis.published import paper_points, published_cells
from filterbench.analysis.seeds import with_statistics
from filterbench.plotting.comparison import STATISTICS, draw_comparison, study_title
from filterbench.plotting.style import LOOKS, SCRATCH_LOOKS


@pytest.fixture
def table() -> pd.DataFrame:
    rows = [
        {
            "protocol": "validation",
            "width": 0.25,
            "seed": seed,
            "pruner": pruner,
            "sparsity": sparsity,
            "infeasible": None,
            "test_images": 360,
            "performance_original": 0.98,
            "performance_finetuned": 0.97 - 0.1 * sparsity - 0.01 * number + 0.02 * seed,
            "params_original": 1_000_000,
            "params_speedup": round(1_000_000 * (1 - sparsity) ** 2),
            "flops_original": 20_000_000,
            "flops_speedup": round(20_000_000 * (1 - sparsity) ** 2),
        }
        for number, pruner in enumerate(LOOKS)
        for sparsity in (0.5, 0.9)
        for seed in (0, 1)
    ]
    return with_fronts(with_statistics(pd.DataFrame(rows)))


def test_each_pruner_has_a_curve_of_its_own_colour_and_marker(table):
    figure = draw_comparison(table, "a title")
    for axes in figure.axes[:2]:
        curves = {line.get_label(): line for line in axes.get_lines()}
        for look in LOOKS.values():
            curve = curves[look.label]
            assert (curve.get_color(), curve.get_marker()) == (look.color, look.marker)
            assert len(curve.get_xdata()) == 2
    assert len({(look.color, look.marker) for look in LOOKS.values()}) == len(LOOKS)


def test_curves_are_means_over_seeds_at_the_counts_after_speedup(table):
    figure = draw_comparison(table, "a title")
    curve = {line.get_label(): line for line in figure.axes[0].get_lines()}["L1Filter"]
    assert list(curve.get_xdata()) == pytest.approx([250_000, 10_000])
    assert list(curve.get_ydata()) == pytest.approx([93, 89])


def test_the_original_is_a_star_on_both_panels(table):
    figure = draw_comparison(table, "a title")
    for axes, count in zip(figure.axes[:2], (1_000_000, 20_000_000), strict=True):
        star = {line.get_label(): line for line in axes.get_lines()}["original"]
        assert [*star.get_xdata(), *star.get_ydata()] == pytest.approx([count, 98])
        assert axes.get_xscale() == "log"


def test_the_cells_on_the_front_are_ringed(table):
    figure = draw_comparison(table, "a title")
    for axes in figure.axes[:2]:
        rings = {line.get_label(): line for line in axes.get_lines()}["on the front"]
        # The first pruner is the most accurate at each sparsity, and fewer filters always cost accuracy.
        assert len(rings.get_xdata()) == 2


def test_published_cells_lie_hollow_behind_and_the_papers_point_has_a_note(table):
    published, paper = published_cells("vgg16"), paper_points("vgg16")
    axes = draw_comparison(table, "a title", published, paper).axes[0]
    labels = [line.get_label() for line in axes.get_lines()]
    assert "AutoCompress paper (not like for like)" in labels
    assert labels.count("published (hollow)") == 1
    hollow = [line for line in axes.get_lines() if line.get_markerfacecolor() == "none" and line.zorder == 1]
    assert sum(len(line.get_xdata()) for line in hollow) == len(published)
    plain = draw_comparison(table, "a title").axes[0]
    assert "published (hollow)" not in [line.get_label() for line in plain.get_lines()]


def test_shapes_trained_from_scratch_are_grey_hollow_markers_where_the_table_has_them(table):
    labels = {look.label for look in SCRATCH_LOOKS.values()}
    plain = draw_comparison(table, "a title").axes[0]
    assert not labels & {line.get_label() for line in plain.get_lines()}
    table["performance_scratch_baseline"] = table["performance_finetuned"] + 0.01
    for axes in draw_comparison(table, "a title").axes[:2]:
        lines = {line.get_label(): line for line in axes.get_lines()}
        assert labels & set(lines) == {SCRATCH_LOOKS["baseline"].label}
        marks = lines[SCRATCH_LOOKS["baseline"].label]
        assert (marks.get_linestyle(), marks.get_markerfacecolor()) == ("None", "none")
        assert len(marks.get_xdata()) == 2 * len(LOOKS)
        assert max(marks.get_ydata()) == pytest.approx(94)
        assert max(marks.get_xdata()) == max(lines["L1Filter"].get_xdata())


def test_the_title_says_what_was_measured(table):
    title = study_title(table, "VGG16", "digits")
    for part in ("VGG16", "width 0.25", "digits", "validation protocol", "seeds 0, 1", "360 test images"):
        assert part in title
    alone = study_title(table[table["seed"] == 0], "VGG16", "digits")
    assert "seed 0 only (no error bars)" in alone


def test_several_seeds_show_their_spread_and_one_shows_none(table):
    figure = draw_comparison(table, "a title")
    said = [text.get_text() for text in figure.legends[0].get_texts()]
    assert {"± 1 standard deviation, 2 seeds", "95 % t interval of the mean"} < set(said)
    for axes in figure.axes[:2]:
        # 0.95 -+ t(0.975, 1) = 12.7062 standard errors of 0.01 above and below the first mean of 93 %.
        bars = axes.containers[0].lines[2][0].get_segments()
        assert sorted(bars[0][:, 1]) == pytest.approx([93 - 12.7062, 93 + 12.7062], abs=1e-3)
        band = axes.collections[0].get_paths()[0].get_extents()
        assert band.y1 == pytest.approx(93 + 2**0.5)
        # The bar reaches to 105.7 %, which no accuracy can.
        assert axes.get_ylim()[1] <= 101
    one = table[table["seed"] == 0].drop(columns=[name for name in table if name.startswith("pareto")])
    alone = with_fronts(with_statistics(one.drop(columns=["seeds", *STATISTICS])))
    figure = draw_comparison(alone, "a title")
    assert not figure.axes[0].containers and not figure.axes[0].collections
    assert not any("interval" in text.get_text() for text in figure.legends[0].get_texts())


@pytest.mark.parametrize("budgets", [(), tuple(SCRATCH_LOOKS)])
def test_the_legend_fits_and_covers_no_panel(table, budgets):
    for budget in budgets:
        table[f"performance_scratch_{budget}"] = table["performance_finetuned"]
    # A name too long for three columns.
    hard = (table["pruner"] == "SimulatedAnnealingPruner") & (table["sparsity"] == 0.9)
    table.loc[hard, "infeasible"] = "out of reach"
    figure = draw_comparison(table, "a title")
    figure.draw_without_rendering()
    legend = figure.legends[0].get_window_extent()
    assert figure.bbox.x0 <= legend.x0 <= legend.x1 <= figure.bbox.x1
    for axes in figure.axes:
        assert not legend.overlaps(axes.get_window_extent())


def test_a_legend_too_wide_for_any_number_of_columns_is_there_all_the_same(table):
    table["pruner"] = table["pruner"].str.replace("L1FilterPruner", "a name " * 30)
    assert len(draw_comparison(table, "a title").legends) == 1


def test_the_same_table_gives_the_same_bytes(table):
    def svg() -> bytes:
        file = io.BytesIO()
        draw_comparison(table, "a title").savefig(file, format="svg", metadata={"Date": None})
        return file.getvalue()

    assert svg() == svg()


def test_plotting_imports_no_torch():
    import subprocess
    import sys

    workflow = Path(__file__).parents[2] / "workflow"
    code = "import sys, filterbench.stages.plot; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=workflow, check=False).returncode == 0
