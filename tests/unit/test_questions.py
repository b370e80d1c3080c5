"""A study's plan of primary questions: what is refused, and how the leads answer it."""

import copy
import json
import math
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from test_leads import AUTO_COMPRESS, cells
from test_own_code import remembered

from filterbench.analysis.answers import answers, judged
from filterbench.analysis.collapses import collapsed
from filterbench.analysis.comparing import ANNEALING
from filterbench.analysis.estimates import Estimate
from filterbench.analysis.leads import COMPONENTS, Lead, leads
from filterbench.analysis.leads_document import leads_document
from filterbench.analysis.leads_page import leads_page
from filterbench.analysis.nets import Nets
from filterbench.analysis.power import power
from filterbench.analysis.questions import Question, planned_power, read_questions
from filterbench.analysis.seeds import t_interval
from filterbench.documents import schema_path
from filterbench.own_code.registering import register
from filterbench.storage.errors import InputError
from filterbench.study.planned import check_questions

STUDIES = [
    path for path in (Path(__file__).parents[2] / "studies").glob("*.yaml") if "\nplan:" in path.read_text()
]
QUESTION = {
    "key": "lead-at-8",
    "model": "vgg16",
    "pruner": AUTO_COMPRESS,
    "component": "lead",
    "budget": 8,
    "target": "all",
    "claim": "less",
    "margin": 0.5,
    "expected": -1.5,
    "expected_spread": 0.5,
    "seeds": 5,
    "power": 0.97,
}


def question(**changes) -> Question:
    return Question(**QUESTION | changes)


def plan(folder, *questions):
    path = folder / "plan.yaml"
    path.write_text(yaml.safe_dump({"questions": list(questions)}))
    return path


def drawn(values, targets=("0.5",), component="lead", apart=None) -> Lead:
    """A lead with these values, a row per seed."""
    frame = pd.DataFrame(values, columns=list(targets))
    collapsed = pd.DataFrame(False if apart is None else apart, index=frame.index, columns=frame.columns)
    return Lead("vgg16", AUTO_COMPRESS, "UniformAsAutoCompressPruner", 8, component, Nets(frame, collapsed))


def answered(values, **changes) -> str:
    (found,) = answers([question(**changes)], [drawn(values)])
    return found.answer


ABOUT_TWO = [1.9, 2.0, 2.1, 1.95, 2.05]


@pytest.mark.parametrize(
    ("claim", "margin", "expected"),
    [
        ("more", 0.5, "holds"),
        ("more", 2.0, "cannot tell"),
        ("more", 3.0, "does not hold"),
        ("less", 0.5, "does not hold"),
        ("between", 3.0, "holds"),
        ("between", 2.0, "cannot tell"),
        ("between", 0.5, "does not hold"),
    ],
)
def test_an_answer_is_what_the_interval_says(claim, margin, expected):
    assert answered(ABOUT_TWO, claim=claim, margin=margin) == expected
    mirrored = {"more": "less", "less": "more", "between": "between"}[claim]
    assert answered([-value for value in ABOUT_TWO], claim=mirrored, margin=margin) == expected


def test_a_p_value_is_that_of_the_one_sided_t_test():
    from scipy.stats import ttest_1samp

    values = [0.2, 1.4, 0.9, 1.1, 2.0]
    (found,) = answers([question(claim="more", margin=0.5)], [drawn(values)])
    assert found.p_holds == pytest.approx(ttest_1samp(values, 0.5, alternative="greater").pvalue)
    assert found.p_fails == pytest.approx(ttest_1samp(values, 0.5, alternative="less").pvalue)
    (found,) = answers([question(claim="between", margin=2)], [drawn(values)])
    ends = [ttest_1samp(values, -2, alternative="greater"), ttest_1samp(values, 2, alternative="less")]
    assert found.p_holds == pytest.approx(max(each.pvalue for each in ends))


def test_a_question_of_one_target_is_answered_by_that_target():
    values = np.column_stack([ABOUT_TWO, [-value for value in ABOUT_TWO[::-1]]])
    leads_of_both = [drawn(values, ("0.5", "0.9"))]
    asked = [question(key=target, claim="more", target=target) for target in ("0.5", "0.9", "all", "0.7")]
    assert [each.answer for each in answers(asked, leads_of_both)] == [
        "holds",
        "does not hold",
        "does not hold",
        "cannot tell",
    ]


def test_what_has_no_estimate_cannot_tell_and_says_why():
    (found,) = answers([question(budget=2)], [drawn(ABOUT_TWO)])
    assert found.answer == "cannot tell"
    assert "no seed has cells" in found.note
    (found,) = answers([question()], [drawn([math.nan] * 5)])
    assert (found.answer, found.note) == ("cannot tell", "no seed has all of its nets")


def test_a_collapsed_seed_does_not_decide():
    values, apart = [*ABOUT_TWO, -28.0], [[False]] * 5 + [[True]]
    (found,) = answers([question(claim="more")], [drawn(values, apart=apart)])
    assert (found.answer, found.estimate.n, found.estimate.collapsed) == ("holds", 5, 1)


def estimate_of(own, other) -> Estimate:
    """The difference of two cells' nets, in percent, as a study estimates it."""
    kept = (own - other)[~(collapsed(own / 100) | collapsed(other / 100))]
    return Estimate(len(kept), kept.mean(), *t_interval(kept), len(own) - len(kept), (own - other).mean())


@pytest.mark.parametrize("seeds", [5, 10])
@pytest.mark.parametrize("collapses", [False, True])
def test_at_the_margins_at_most_5_of_100_plans_have_a_wrong_answer(seeds, collapses):
    draw = np.random.default_rng(seeds + collapses)
    # None of these claims is true: each mean lies on the margin.
    truths = {"more": 0.5, "less": -0.5, "between": 0.5}
    asked = [question(key=claim, claim=claim) for claim in truths]
    plans, wrong = 1000, 0
    for _ in range(plans):
        estimates = []
        for mean in truths.values():
            own, other = draw.normal(80 + mean, 1, seeds), draw.normal(80, 1, seeds)
            if collapses:
                own[::5] -= 30
            estimates.append(estimate_of(own, other))
        wrong += any(each.answer == "holds" for each in judged(asked, estimates))
    assert wrong / plans <= 0.05


def test_a_planned_power_is_the_share_of_studies_that_find_it():
    draw = np.random.default_rng(0)
    asked = question(claim="more", expected=1.5, expected_spread=0.8, seeds=6)
    studies = 1000
    found = [
        judged([asked], [estimate_of(draw.normal(81.5, 0.8, 6), np.full(6, 80.0))])[0].answer
        for _ in range(studies)
    ]
    assert found.count("holds") / studies == pytest.approx(planned_power(asked, 1), abs=0.03)
    # Of two questions, each at half the level.
    assert planned_power(asked, 2) == pytest.approx(power(1.0, 0.8, 6, 0.025))
    within = question(claim="between", margin=1, expected=0.2, expected_spread=0.5, seeds=8)
    assert planned_power(within, 1) == pytest.approx(power(1.2, 0.5, 8, 0.05) + power(0.8, 0.5, 8, 0.05) - 1)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"expected": -0.8}, "lead-at-8: its power is 0.30 at 5 seeds with a spread of 0.5"),
        ({"power": 0.9}, "lead-at-8.power: 0.9, but it is 0.97 at 5 seeds"),
        ({"claim": "above"}, "questions[0].claim: 'above' is not one of ['more', 'less', 'between']"),
        ({"component": "luck"}, "questions[0].component: 'luck' is not one of ['lead',"),
        ({"seed": 3}, "questions[0]: unknown key 'seed'; allowed: key, model"),
        ({"seeds": 5.0}, "questions[0].seeds: 5.0 is not of type 'integer'; write 5"),
    ],
)
def test_a_faulty_plan_is_refused_with_file_question_and_key(changes, reason, tmp_path):
    path = plan(tmp_path, QUESTION | changes)
    with pytest.raises(InputError) as error:
        read_questions(path)
    assert str(error.value).startswith(f"{path}: {reason}")


def test_duplicate_keys_and_files_that_are_no_plan_are_refused(tmp_path):
    with pytest.raises(InputError, match="duplicate key 'lead-at-8'"):
        read_questions(plan(tmp_path, QUESTION, QUESTION))
    with pytest.raises(InputError, match="not a readable plan"):
        read_questions(tmp_path / "none.yaml")
    for text, said in {
        "questions: []\nquestions: []": r"duplicate key 'questions' \(line 1",
        "questions: &a [*a]": "unconstructable recursive",
        "questions: [{seeds: 010}]": r"YAML reads 010 as 8 \(line 1\); write 8",
    }.items():
        (tmp_path / "odd.yaml").write_text(text)
        with pytest.raises(InputError, match=rf"odd\.yaml: not a readable plan \(.*{said}"):
            read_questions(tmp_path / "odd.yaml")


@pytest.fixture
def study(default_config, tmp_path):
    """A study of which the plan's question can be asked."""
    config = copy.deepcopy(default_config)
    pruners = (AUTO_COMPRESS, "UniformAsAutoCompressPruner")
    return config | {
        "models": {"vgg16": {"width": 0.25}},
        "pruners": {name: {} for name in pruners},
        "finetune": config["finetune"] | {"epochs": 2},
        "training_budgets": [8],
        "seeds": [0, 1, 2, 3, 4],
        "sparsities": [0.5],
        "plan": str(plan(tmp_path, QUESTION)),
    }


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"model": "resnet18"}, "lead-at-8.model: 'resnet18' is not in the study; allowed: vgg16"),
        ({"pruner": "NetAdaptPruner"}, "pruner: 'NetAdaptPruner' is not in the study; allowed: AutoCompress"),
        ({"budget": 40}, "budget: 40 is not in the study; allowed: 2, 8"),
        ({"seeds": 4, "power": 0.91}, "seeds: planned: 4, but the study has 5"),
        ({"target": 0.9}, "target: '0.9' is not in the study; allowed: all, 0.5"),
        ({"component": "trained weights"}, "component: 'trained weights' needs LayersOfAutoCompressPruner"),
        ({"component": "allocation"}, "component: 'allocation' needs a training from scratch"),
        ({"component": "lead at equal FLOPs"}, "needs UniformFlopsAsAutoCompressPruner among the pruners"),
    ],
)
def test_a_question_that_the_study_cannot_answer_is_refused(study, changes, reason, tmp_path):
    check_questions(study)
    plan(tmp_path, QUESTION | changes)
    with pytest.raises(InputError) as error:
        check_questions(study)
    assert reason in str(error.value)


def test_a_component_that_is_zero_by_construction_is_refused(study, tmp_path):
    study["pruners"] = {name: {} for name in (ANNEALING, "UniformAllocationPruner")}
    plan(tmp_path, QUESTION | {"pruner": ANNEALING})
    check_questions(study)
    plan(tmp_path, QUESTION | {"pruner": ANNEALING, "component": "trained weights"})
    with pytest.raises(InputError, match="'trained weights' needs a search that trains; without one it is 0"):
        check_questions(study)


@pytest.mark.parametrize(
    ("arguments", "zero"), [({"rounds": 2}, False), ({"rounds": 2, "round_epochs": 0}, True), ({}, True)]
)
def test_trained_weights_can_come_from_a_training_between_rounds(
    arguments, zero, study, monkeypatch, tmp_path
):
    pruner = "GroupNormPruner"
    controls = {f"{control}{pruner}": {} for control in ("UniformAs", "LayersOf")}
    study["pruners"] = {pruner: {"arguments": arguments}, **controls}
    plan(tmp_path, QUESTION | {"pruner": pruner, "component": "trained weights"})
    with remembered(monkeypatch):
        register([], {}, "study.yaml", study["pruners"])
        with pytest.raises(InputError, match="without one it is 0") if zero else nullcontext():
            check_questions(study)


@pytest.mark.parametrize("path", STUDIES, ids=lambda path: path.stem)
def test_the_plan_of_a_study_is_one_that_it_can_answer_at_the_power_stated(path, monkeypatch):
    config = yaml.safe_load(path.read_text())
    config["plan"] = str(path.parent / config["plan"])
    with remembered(monkeypatch):
        register([], {}, path.name, config["pruners"])
        check_questions(config)
    assert read_questions(Path(config["plan"]))


def test_the_plan_in_the_docs_is_sound(tmp_path):
    page = (Path(__file__).parents[2] / "docs/leads.md").read_text()
    path = tmp_path / "plan.yaml"
    path.write_text(
        next(block for block in page.split("```yaml\n") if block.startswith("questions:")).split("```")[0]
    )
    assert read_questions(path)[0].key == "lead-at-40"


def test_the_plan_and_the_leads_name_the_components_that_there_are():
    properties = json.loads(schema_path("plan").read_text())["properties"]["questions"]["items"]["properties"]
    assert properties["component"]["enum"] == list(COMPONENTS)
    rows = json.loads(schema_path("leads").read_text())["properties"]["leads"]["items"]["properties"]
    assert rows["component"]["enum"] == list(COMPONENTS)


def test_the_page_answers_every_question_of_the_plan_and_no_other():
    table = cells(seeds=5)
    asked = [question(), question(key="equal-bill", component="lead at equal bill", claim="more")]
    page = leads_page(leads_document("study x", table, asked))
    section = page.split("## The primary questions")[1].split("\n## ")[0]
    rows = [line.split(" | ") for line in section.splitlines() if line.startswith("| ")][2:]
    assert [row[0].removeprefix("| ") for row in rows] == [each.key for each in asked]
    found = answers(asked, leads(table))
    assert [row[2] for row in rows] == [f"**{each.answer}**" for each in found]
    assert [row[1] for row in rows] == [each.statement() for each in asked]
    assert "primary questions" not in leads_page(leads_document("study x", table))


def test_an_answer_from_fewer_seeds_than_planned_is_marked_so_far():
    asked = [question(seeds=5), question(key="more-seeds", seeds=6)]
    page = leads_page(leads_document("study x", cells(seeds=5), asked))
    rows = {line.split(" | ")[0]: line for line in page.splitlines()}
    assert "** so far | " not in rows["| lead-at-8"]
    assert "** so far | " in rows["| more-seeds"]


def test_an_answer_is_final_where_a_planned_seed_lacks_a_net():
    table = cells(seeds=5)
    gone = (table["pruner"] == AUTO_COMPRESS) & (table["seed"] == 0)
    table.loc[gone, "performance_finetuned_8"] = math.nan
    page = leads_page(leads_document("study x", table, [question(seeds=5)]))
    (row,) = (line for line in page.splitlines() if line.startswith("| lead-at-8"))
    assert "| 4 of 5 |" in row
    assert "so far" not in row
