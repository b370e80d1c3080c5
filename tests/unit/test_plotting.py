import io
from pathlib import Path

import pandas as pd
import pytest
from matplotlib.cbook import is_math_text
from matplotlib.figure import Figure

from filterbench.analysis.pareto import with_fronts
from filterbench.analysis.published import paper_points, published_cells
from filterbench.analysis.seeds import with_statistics
from filterbench.plotting.comparison import draw_comparison, study_title
from filterbench.plotting.equal_training import draw_training
from filterbench.plotting.marks import STATISTICS
from filterbench.plotting.optimism import draw_optimism
from filterbench.plotting.saving import save_figure
from filterbench.plotting.scales import HIGHEST, show_all
from filterbench.plotting.side_by_side import draw_side_by_side
from filterbench.plotting.style import SCRATCH_STYLES, STYLES


@pytest.fixture
def table() -> pd.DataFrame:
    rows = [
        {
            "protocol": "validation",
            "study": "mine",
            "width": 0.25,
            "seed": seed,
            "pruner": pruner,
            "sparsity": sparsity,
            "infeasible": None,
            "test_images": 360,
            "performance_original": 0.98,
            "performance_finetuned": 0.97 - 0.1 * sparsity - 0.01 * number + 0.02 * seed,
            "params_original": 1_000_000,
            "params_compact": round(1_000_000 * (1 - sparsity) ** 2),
            "flops_original": 20_000_000,
            "flops_compact": round(20_000_000 * (1 - sparsity) ** 2),
        }
        for number, pruner in enumerate(STYLES)
        for sparsity in (0.5, 0.9)
        for seed in (0, 1)
    ]
    return with_fronts(with_statistics(pd.DataFrame(rows)))


@pytest.mark.parametrize(
    "name",
    [
        "Ca$$h",
        "saves $5 (not $6)",
        "_hidden",
        r"$\frac{1$",
        r"\alpha$_x$",
        "<b>&",
        "5%",
        "{}",
        "\u202ea",
        "\n",
    ],
)
def test_names_of_users_are_shown_as_they_are_written(name, table, tmp_path):
    claim = {
        "label": name,
        "like_for_like": True,
        "pruner": name,
        "params": 1e5,
        "flops": 2e6,
        "accuracy": 0.9,
    }
    few = table[table["pruner"].isin(["L1FilterPruner", "L2FilterPruner"])]
    cells = few.assign(pruner=few["pruner"].replace("L1FilterPruner", name))
    figure = draw_comparison(cells, name, claims=pd.DataFrame([claim]))
    save_figure(figure, tmp_path / "figure.svg")
    texts = [figure.get_suptitle(), *(text.get_text() for text in figure.legends[0].get_texts())]
    assert not any(is_math_text(text) for text in texts)
    # The title, the curve and the claim.
    assert sum(text.replace(r"\$", "$").removeprefix(" ") == name for text in texts) == 3


def test_each_pruner_has_a_curve_of_its_own_colour_and_marker(table):
    figure = draw_comparison(table, "a title")
    for axes in figure.axes[:2]:
        curves = {line.get_label(): line for line in axes.get_lines()}
        for style in STYLES.values():
            curve = curves[style.label]
            assert (curve.get_color(), curve.get_marker()) == (style.color, style.marker)
            assert len(curve.get_xdata()) == 2
    assert len({(style.color, style.marker) for style in STYLES.values()}) == len(STYLES)


def test_curves_are_means_over_seeds_at_the_counts_after_compact(table):
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
    figure = draw_comparison(table, "a title", {"published": published}, paper)
    for axes in figure.axes[:2]:
        drawn = [value for line in axes.lines for value in line.get_ydata()]
        low, high = axes.get_ylim()
        assert low <= min(drawn) and max(drawn) <= high
    axes = figure.axes[0]
    labels = [line.get_label() for line in axes.get_lines()]
    assert "AutoCompress paper (not like for like)" in labels
    assert labels.count("published (hollow)") == 1
    hollow = [line for line in axes.get_lines() if line.get_markerfacecolor() == "none" and line.zorder == 1]
    assert sum(len(line.get_xdata()) for line in hollow) == len(published)
    plain = draw_comparison(table, "a title").axes[0]
    assert "published (hollow)" not in [line.get_label() for line in plain.get_lines()]


def test_shapes_trained_from_scratch_are_grey_hollow_markers_where_the_table_has_them(table):
    labels = {style.label for style in SCRATCH_STYLES.values()}
    plain = draw_comparison(table, "a title").axes[0]
    assert not labels & {line.get_label() for line in plain.get_lines()}
    table["performance_scratch_baseline"] = table["performance_finetuned"] + 0.01
    for axes in draw_comparison(table, "a title").axes[:2]:
        lines = {line.get_label(): line for line in axes.get_lines()}
        assert labels & set(lines) == {SCRATCH_STYLES["baseline"].label}
        marks = lines[SCRATCH_STYLES["baseline"].label]
        assert (marks.get_linestyle(), marks.get_markerfacecolor()) == ("None", "none")
        assert len(marks.get_xdata()) == 2 * len(STYLES)
        assert max(marks.get_ydata()) == pytest.approx(94)
        assert max(marks.get_xdata()) == max(lines["L1Filter"].get_xdata())


def test_the_title_says_what_was_measured(table):
    title = study_title(table, "VGG16", "digits")
    for part in (
        "study mine",
        "VGG16",
        "width 0.25",
        "digits",
        "validation protocol",
        "seeds 0, 1",
        "360 test images",
    ):
        assert part in title
    alone = study_title(table[table["seed"] == 0], "VGG16", "digits")
    assert "seed 0 only (no error bars)" in alone


def described(table: pd.DataFrame) -> pd.DataFrame:
    """The table with statistics and fronts of its own cells."""
    columns = ["seeds", *STATISTICS, "pareto_params", "pareto_flops"]
    return with_fronts(with_statistics(table.drop(columns=columns)))


def test_three_seeds_show_their_interval_two_their_spread_and_one_nothing(table):
    third = table[table["seed"] == 1].assign(seed=2)
    third["performance_finetuned"] += 0.02
    figure = draw_comparison(described(pd.concat([table, third], ignore_index=True)), "a title")
    said = [text.get_text() for text in figure.legends[0].get_texts()]
    assert {"± 1 standard deviation, 3 seeds", "95 % t interval of the mean"} < set(said)
    for axes in figure.axes[:2]:
        # 0.94 -+ t(0.975, 2) = 4.302653 standard errors of 2 points / sqrt(3).
        bars = axes.containers[0].lines[2][0].get_segments()
        reach = 4.302653 * 2 / 3**0.5
        assert sorted(bars[0][:, 1]) == pytest.approx([94 - reach, 94 + reach], abs=1e-3)
        band = axes.collections[0].get_paths()[0].get_extents()
        assert band.y1 == pytest.approx(96)
        # An interval can reach to what no accuracy can.
        assert axes.get_ylim()[1] <= 101
    figure = draw_comparison(table, "a title")
    said = [text.get_text() for text in figure.legends[0].get_texts()]
    assert "± 1 standard deviation, 2 seeds" in said
    assert not any("interval" in text for text in said)
    assert figure.axes[0].collections and not figure.axes[0].containers
    figure = draw_comparison(described(table[table["seed"] == 0]), "a title")
    assert not figure.axes[0].containers and not figure.axes[0].collections
    assert not any("deviation" in text.get_text() for text in figure.legends[0].get_texts())


def test_two_seeds_are_too_few_for_bars_of_the_optimism_gap():
    gap = pd.DataFrame(
        {"pruner": "L1FilterPruner", "sparsity": [0.5], "n": [2], "mean": [1.0], "low": None, "high": None}
    ).astype({"low": float, "high": float})
    assert "2 seeds, too few for bars" in draw_optimism(gap, "a title").get_suptitle()
    told = gap.assign(n=3, low=0.5, high=1.5)
    assert "3 seeds, bars: 95 % t interval" in draw_optimism(told, "a title").get_suptitle()


def test_the_unpruned_net_with_the_same_finetuning_is_a_hollow_star_where_the_table_has_it(table):
    plain = draw_comparison(table, "a title").axes[0]
    assert "original, fine-tuned" not in {line.get_label() for line in plain.get_lines()}
    figure = draw_comparison(table.assign(performance_original_finetuned=0.99), "a title")
    for axes in figure.axes[:2]:
        lines = {line.get_label(): line for line in axes.get_lines()}
        star, original = lines["original, fine-tuned"], lines["original"]
        assert (star.get_marker(), star.get_markerfacecolor()) == ("*", "white")
        assert list(star.get_ydata()) == pytest.approx([99])
        assert list(star.get_xdata()) == list(original.get_xdata())
        # The dashed line stays that of the unpruned net.
        (dashed,) = [line for line in axes.get_lines() if line.get_linestyle() == "--" and line.zorder == 0]
        assert list(dashed.get_ydata()) == pytest.approx([98, 98])


def test_cells_of_a_blind_search_are_hollow_and_named(table):
    blind = (table["pruner"] == "SimulatedAnnealingPruner") & (table["sparsity"] == 0.9)
    searched = table["pruner"] == "SimulatedAnnealingPruner"
    table["search_blind"] = blind.astype(object).where(searched)
    again = pd.read_csv(io.StringIO(table.to_csv(index=False)))
    for cells in (table, again):
        axes = draw_comparison(cells, "a title").axes[0]
        lines = {line.get_label(): line for line in axes.get_lines()}
        assert "SimulatedAnnealing (blind: 0.9)" in lines
        assert "AutoCompress" in lines
        hollow = [line for line in axes.get_lines() if line.get_markerfacecolor() == "white"]
        (point,) = [x for line in hollow for x in line.get_xdata()]
        assert point == pytest.approx(10_000)


def test_neighbouring_sparsities_that_were_blind_are_named_as_a_range():
    cells = with_fronts(with_statistics(published_cells("vgg16")))
    labels = [line.get_label() for line in draw_comparison(cells, "a title").axes[0].get_lines()]
    assert "SimulatedAnnealing (blind: 0.6 to 0.975)" in labels


@pytest.mark.parametrize("budgets", [(), tuple(SCRATCH_STYLES)])
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


@pytest.mark.parametrize("title", ["a title", 40 * "long " + "title"])
def test_the_title_fits(table, title):
    figure = draw_comparison(table, title)
    figure.draw_without_rendering()
    (heading,) = figure.texts
    extent = heading.get_window_extent()
    assert figure.bbox.x0 <= extent.x0 < extent.x1 <= figure.bbox.x1


def test_a_figure_can_have_no_title(table):
    assert draw_comparison(table, "").get_suptitle() == ""


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


def test_panels_of_other_accuracies_hold_all_their_points():
    cells = pd.DataFrame(
        {
            "pruner": ["L1FilterPruner", "L1FilterPruner"],
            "sparsity": [0.3, 0.9],
            "images_trained_after": [1000, 1000],
            "performance_finetuned": [0.9, 0.2],
            "images_trained_equal": [4000, 4000],
            "performance_equal": [0.95, 0.4],
        }
    )
    for axes in draw_training(cells, "a title").axes:
        low, high = axes.get_ylim()
        reached = [value for line in axes.get_lines() for value in line.get_ydata()]
        assert low <= min(reached) <= max(reached) <= high


def test_the_legend_has_the_curves_of_all_panels():
    cells = with_statistics(
        pd.DataFrame(
            {
                "pruner": ["L1FilterPruner", "FPGMPruner"],
                "sparsity": 0.5,
                "infeasible": None,
                "params_original": 100,
                "params_compact": 50,
                "performance_original": 0.9,
                "performance_finetuned": [0.8, 0.7],
            }
        )
    )
    figure = draw_side_by_side({"one": cells[:1], "$two$": cells}, "a title")
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["L1Filter", "original", "FPGM"]
    assert [axes.get_title() for axes in figure.axes] == ["one", r"\$two\$"]


def test_an_axis_shows_no_accuracy_that_there_cannot_be():
    axes = Figure().subplots()
    # As of a mean whose interval reaches beyond both ends.
    axes.plot([1, 2], [-20, 120])
    show_all(axes)
    assert axes.get_ylim() == (0, HIGHEST)
