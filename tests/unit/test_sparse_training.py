"""Sparse training between the baseline and a pruner: the study's setting, its documents and its bill."""

import copy
import shutil
from pathlib import Path

import pytest
from settings import TRAINING
from test_plan import Wildcards, of_cell

from filterbench.documents import check, read, write
from filterbench.forecasting.expected import expected_work
from filterbench.integrity.findings import Report
from filterbench.integrity.settings import other_settings
from filterbench.integrity.study import findings
from filterbench.jobs.job import Job
from filterbench.making.spending import Spending, spending_of
from filterbench.orchestration.plan import Plan
from filterbench.pruners.contract import InfeasibleError
from filterbench.pruners.registry import arguments_of
from filterbench.results.bills import bills
from filterbench.stages.prune import prune
from filterbench.stages.speedup import speedup
from filterbench.stages.train_baseline import train_baseline
from filterbench.stages.train_sparse import train_sparse
from filterbench.storage.errors import InputError
from filterbench.storage.weights import read_weights
from filterbench.study.cells import Config
from filterbench.study.config import check_config
from filterbench.study.paths import wildcards_at
from filterbench.study.planned import _trains_nothing

SLIM = {"penalty": "bn-scales", "strength": 0.001, "epochs": 2, "learning_rate": 0.02}
RECORDED = SLIM | {"batch_size": 64}
NAME = "bn-scales_0.001_2_0.02"
SEED = "results/default/vgg16/seed-0"


@pytest.fixture
def config(default_config) -> Config:
    """Two pruners with the same sparse training and one without."""
    pruners = {
        "BNScalePruner": {"sparse_training": SLIM},
        "NetAdaptPruner": {"sparse_training": dict(reversed(SLIM.items()))},
        "L1FilterPruner": {},
    }
    return default_config | {"pruners": pruners, "models": {"vgg16": {"width": 0.125}}, "seeds": [0]}


MISTAKES = {
    "unknown penalty": (
        SLIM | {"penalty": "l0"},
        "sparse_training.penalty: 'l0' is not one of ['bn-scales', 'filter-norms', 'growing']",
    ),
    "negative strength": (SLIM | {"strength": -1}, "sparse_training.strength: -1 is less than the minimum"),
    "no epochs": (SLIM | {"epochs": 0}, "sparse_training.epochs: 0 is less than the minimum of 1"),
    "missing key": ({"penalty": "growing"}, "sparse_training: missing key 'strength', 'epochs'"),
    "unknown key": (
        SLIM | {"momentum": 0.9},
        "unknown key 'momentum'; allowed: penalty, strength, epochs, learning_rate",
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_named_with_what_is_allowed(mistake, config):
    setting, expected = MISTAKES[mistake]
    config["pruners"]["BNScalePruner"]["sparse_training"] = setting
    with pytest.raises(InputError) as refused:
        check_config(config, "study.yaml")
    assert str(refused.value).startswith("study.yaml: pruners.BNScalePruner.sparse_training")
    assert expected in str(refused.value)


def test_weights_that_a_pruner_draws_anew_are_not_trained_before(config):
    given = {"sparse_training": SLIM, "arguments": {"layers": "[0.5]*13", "weights": "fresh"}}
    config["pruners"]["GivenLayersPruner"] = given | {"sparsities": {"vgg16": [0.5]}}
    with pytest.raises(InputError, match=r"GivenLayersPruner\.sparse_training: its weights are fresh"):
        check_config(config, "study.yaml")
    del given["arguments"]["weights"]
    check_config(config, "study.yaml")


def test_one_net_serves_all_targets_and_pruners_with_the_same_setting(config):
    check_config(config, "study.yaml")
    plan = Plan(config)
    assert plan.sparse == [NAME]
    assert [path for path in plan.all_documents if "/sparse" in path] == [f"{SEED}/sparse/{NAME}/sparse.json"]
    assert wildcards_at(Path(f"{SEED}/sparse/{NAME}"))["sparse"] == NAME
    weights = f"results/{{study}}/{{model}}/seed-{{seed}}/sparse/{NAME}/sparse.safetensors"
    for pruner in ("BNScalePruner", "NetAdaptPruner"):
        for target in ("0.5", "0.8"):
            wildcards = of_cell(pruner, target)
            assert plan.inputs("prune")(wildcards) == {"weights": weights}
            assert plan.inputs("trajectory")(wildcards) == {"weights": weights}
            assert plan.inputs("speedup")(wildcards)["original"] == weights
            assert plan.cell(wildcards)["sparse_training"] == RECORDED
    plain = of_cell("L1FilterPruner", "0.5")
    assert plan.inputs("prune")(plain)["weights"].endswith("baseline/model.safetensors")
    assert "sparse_training" not in plan.cell(plain)
    # Other settings are another net.
    config["pruners"]["NetAdaptPruner"]["sparse_training"]["epochs"] = 3
    assert Plan(config).sparse == [NAME, "bn-scales_0.001_3_0.02"]


def test_its_other_settings_are_the_baselines(config):
    config["baseline"] |= {"models": {"vgg16": {"batch_size": 32}}}
    wildcards = Wildcards(study="default", model="vgg16", seed="0", sparse=NAME)
    plan, changed = Plan(config), {"penalty", "strength", "epochs", "learning_rate", "batch_size"}
    settings = plan.sparse_settings(wildcards)
    assert {name: settings[name] for name in changed} == SLIM | {"batch_size": 32}
    for name in settings.keys() - changed:
        assert settings[name] == config["baseline"][name]
    assert plan.baseline_cell(wildcards)["sparse_training"]["batch_size"] == 32


PRUNED = {"cell": {"sparse_training": RECORDED}, "cost": {"images_trained": 0, "images_evaluated": 30}}


def test_both_bills_and_equal_training_count_it(monkeypatch, tmp_path):
    training = {"settings": {"epochs": 3, "batch_size": 10}}
    trained = {"training": training, "images": {"train": 130}}
    # Two passes of two batches of 64.
    assert bills(PRUNED, trained) == {"images_after_cut": 390, "images_paid": 256 + 10 + 390}
    plain = PRUNED | {"cell": {}}
    assert bills(plain, trained) == {"images_after_cut": 390, "images_paid": 10 + 390}

    documents = {"own": PRUNED, "reference": plain}
    monkeypatch.setattr("filterbench.making.spending.read", lambda path, kind: documents[path.name])
    params = {"cell": {"pruner": "own"}, "finetune": dict.fromkeys(documents, training["settings"])}

    def spending(**equal) -> Spending:
        inputs = {"prune": Path("own"), "reference_reference": Path("reference")}
        return spending_of(Job(inputs, {}, params | {"equal": equal}), 130)

    assert spending() == Spending(asked=256 + 390, search=0, images=130, sparse=256)
    equal = spending(**{"as": ["reference"]})
    assert equal.document({"epochs": 1, "batch_size": 10}) == {
        "asked": 390,
        "sparse": 256,
        "search": 0,
        "spent": 256 + 130,
    }
    assert equal.epochs(training["settings"]) == 1
    with pytest.raises(InfeasibleError, match="the sparse training and the search trained on 256 images"):
        spending(images=256).epochs(training["settings"])
    documents["reference"] = PRUNED
    assert spending(**{"as": ["reference"]}).asked == 256 + 390


def test_a_net_that_was_trained_sparse_is_not_the_plainly_cut_one(config):
    found = [_trains_nothing(config, pruner, "vgg16") for pruner in ("L1FilterPruner", "BNScalePruner")]
    assert found == [True, False]


def test_the_forecast_counts_it_once_for_all_cells(config, few_images):
    config["equal_training"] = {"as": ["BNScalePruner"]}
    for stage in ("baseline", "finetune"):
        config[stage] |= {"batch_size": 20, "epochs": 2}
    work = list(expected_work(config, few_images))
    (sparse,) = (each for each in work if each.stage == "train_sparse")
    assert (sparse.document, sparse.jobs, sparse.trained) == (f"sparse/{NAME}/sparse.json", 1, 2 * 40)
    again = {each.pruner: each.trained for each in work if each.stage == "equal_training"}
    assert (again["BNScalePruner"], again["L1FilterPruner"]) == (2 * 40, 4 * 40)


CELL = {
    "study": "default",
    "dataset": "digits",
    "protocol": "validation",
    "model": "vgg16",
    "width": 0.0625,
    "seed": 0,
}


@pytest.fixture(scope="module")
def made(digits_file, tmp_path_factory) -> Path:
    """A baseline, a sparse training and a pruned cell of it, where the workflow has them."""
    root = tmp_path_factory.mktemp("made")
    seed, limits = root / SEED, {"train": 256, "validation": 100, "test": 100}
    sparse, cell = seed / f"sparse/{NAME}", seed / "BNScalePruner/0.5"
    sparse_cell = CELL | {"sparse_training": RECORDED}

    def make(stage, folder: Path, name: str, inputs: dict, weights: str = "", **params) -> None:
        outputs = {"document": folder / f"{name}.json", "search": folder / "search.csv"}
        outputs["weights"] = folder / (weights or f"{name}.safetensors")
        params |= {"limits": limits, "device": "cpu"}
        stage(Job({"images": digits_file, **inputs}, outputs, params))

    original, started = seed / "baseline/model.safetensors", sparse / "sparse.safetensors"
    make(train_baseline, seed / "baseline", "baseline", {}, original.name, cell=CELL, training=TRAINING)
    settings = TRAINING | RECORDED
    make(train_sparse, sparse, "sparse", {"weights": original}, cell=sparse_cell, training=settings)
    pruned = {**sparse_cell, "pruner": "BNScalePruner", "sparsity": 0.5}
    inputs = {"weights": started}
    arguments = arguments_of("BNScalePruner")
    make(prune, cell, "prune", inputs, cell=pruned, arguments=arguments, search={}, round_channels=1)
    inputs = {"document": cell / "prune.json", "original": started, "weights": cell / "prune.safetensors"}
    make(speedup, cell, "speedup", inputs, cell=pruned)
    return root


def test_the_pruner_begins_with_the_sparse_weights(made):
    sparse = read_weights(made / SEED / f"sparse/{NAME}/sparse.safetensors")
    baseline = read_weights(made / SEED / "baseline/model.safetensors")
    compact = read_weights(made / SEED / "BNScalePruner/0.5/speedup.safetensors")
    # No channel of the classes' biases is cut.
    name = next(name for name, tensor in compact.items() if tensor.shape == (10,))
    assert compact[name].equal(sparse[name])
    assert not compact[name].equal(baseline[name])


def test_its_document_says_what_was_trained(made):
    document = read(made / SEED / f"sparse/{NAME}/sparse.json")
    assert document["cell"]["sparse_training"] == RECORDED
    assert document["training"]["settings"] == TRAINING | RECORDED
    assert document["training"]["best_epoch"] == 2
    assert document["performance"].keys() == {"sparse"}
    pruned = read(made / SEED / "BNScalePruner/0.5/prune.json")
    assert pruned["cell"]["sparse_training"] == RECORDED


@pytest.mark.parametrize(
    ("at", "value", "expected"),
    [
        (("training", "best_epoch"), 1, "$.training.best_epoch: 1, but epoch 2 is the one to keep"),
        (("training", "settings", "strength"), 0.5, "$.training.settings.strength: 0.5 is not the cell's"),
        (("cell", "sparse_training", "epochs"), 3, "$.training.settings.epochs: 2 is not the cell's 3"),
        (("cell", "sparse_training"), None, "$.cell: missing key 'sparse_training'"),
    ],
)
def test_a_document_that_contradicts_itself_is_faulty(at, value, expected, made):
    document = copy.deepcopy(read(made / SEED / f"sparse/{NAME}/sparse.json"))
    *folders, key = at
    place = document
    for folder in folders:
        place = place[folder]
    if value is None:
        del place[key]
    else:
        place[key] = value
    assert any(str(fault).startswith(expected) for fault in check("sparse", document))


def test_its_last_epoch_is_the_one_to_keep_though_another_did_better(made):
    document = copy.deepcopy(read(made / SEED / f"sparse/{NAME}/sparse.json"))
    document["training"]["epochs"][0]["selection_accuracy"] = 1.0
    assert check("sparse", document) == []


def found(config: Config, root: Path) -> list[str]:
    """What `validate` finds in these documents of a study; its other cells are missing."""
    study = config | {"baseline": TRAINING, "sparsities": [0.5], "models": {"vgg16": {"width": 0.0625}}}
    return [str(finding) for finding in findings(Plan(study), "default", root, Report())]


def test_validate_vouches_for_it(made, config, tmp_path):
    assert "\n".join(found(config, made)) == ""
    copied = tmp_path / "copied"
    shutil.copytree(made, copied)
    sparse, cell = copied / SEED / f"sparse/{NAME}", copied / SEED / "BNScalePruner/0.5"
    # Another net in its place.
    shutil.copy(copied / SEED / "baseline/model.safetensors", sparse / "sparse.safetensors")
    said = "\n".join(found(config, copied))
    for document in ("prune", "speedup"):
        assert f"{cell}/{document}.json: $.provenance.inputs." in said
    shutil.copy(made / SEED / f"sparse/{NAME}/sparse.safetensors", sparse)
    # Another accuracy than the file of the net says.
    document = read(sparse / "sparse.json")
    document["performance"]["sparse"] = 0.99
    write(sparse / "sparse.json", document)
    assert f"{sparse}/sparse.safetensors: says that its accuracy is" in "\n".join(found(config, copied))


def test_validate_compares_it_with_the_study(made, config):
    seed = made / SEED
    config["pruners"]["BNScalePruner"] = {}
    assert f"{seed}/BNScalePruner/0.5/prune.json: $.cell.sparse_training: {{" in found(config, made)[0]
    config["pruners"]["BNScalePruner"] = {"sparse_training": SLIM | {"strength": 0.1}}
    assert any(
        f"{seed}/BNScalePruner/0.5/prune.json: $.cell.sparse_training" in each for each in found(config, made)
    )
    config["pruners"]["BNScalePruner"] = {"sparse_training": SLIM}
    settings = TRAINING | {"momentum": 0.8}
    document = {"sparse": read(seed / f"sparse/{NAME}/sparse.json")}
    place = Path(f"{SEED}/sparse/{NAME}")
    (finding,) = other_settings(Plan(config | {"baseline": settings}), place, document)
    assert (finding.path, finding.reason) == (
        "$.training.settings.momentum",
        "0.9, but the study asks for 0.8",
    )
