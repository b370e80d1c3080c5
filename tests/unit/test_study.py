import copy
import csv
import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
import yaml
from settings import TRAINING
from test_own_code import remembered

from filterbench.documents.schemas import load_schema
from filterbench.own_code.registering import register
from filterbench.storage.errors import InputError
from filterbench.study.cells import cells, pruner_arguments, search_settings, training_settings
from filterbench.study.config import check_config
from filterbench.study.extending import OPTIONAL, VALUES, completed
from filterbench.study.reading import read_study

REPOSITORY = Path(__file__).parents[2]
STUDIES = [
    REPOSITORY / "config.yaml",
    *(
        path
        for pattern in ("*.yaml", "attacks/*.yaml")
        for path in sorted((REPOSITORY / "studies").glob(pattern))
    ),
]

MISTAKES = {
    "unknown key": ("sparsitys", [0.5], "$: unknown key 'sparsitys'; allowed: study, dataset"),
    "unknown pruner": (
        "pruners/L3FilterPruner",
        {},
        "pruners: unknown 'L3FilterPruner'; allowed: L1FilterPruner",
    ),
    "unknown argument": (
        "pruners/L1FilterPruner/arguments",
        {"aware": True},
        "pruners.L1FilterPruner.arguments: unknown key 'aware'; allowed: dependency_aware",
    ),
    "unknown model": ("models/no-net", {"width": 1}, "models: unknown 'no-net'; allowed: vgg16, resnet18"),
    "unknown dataset": ("dataset/name", "mnist", "dataset.name: unknown 'mnist'; allowed: digits"),
    "sparsity of 1": (
        "sparsities",
        [0.5, 1],
        "sparsities[1]: 1 is greater than or equal to the maximum of 1",
    ),
    "sparsity of 0": ("sparsities", [0], "sparsities[0]: 0 is less than or equal to the minimum of 0"),
    "sparsity twice": ("sparsities", [0.5, 0.5], "sparsities: [0.5, 0.5] has a duplicate value"),
    "two of three channels": (
        "models/vgg16/normalisation",
        {"mean": [0.5, 0.5], "std": [1]},
        "models.vgg16.normalisation.mean: [0.5, 0.5]; allowed: 1 or 3 numbers",
    ),
    "a standard deviation of pixels": (
        "models/vgg16/normalisation",
        {"mean": [0.5], "std": [58]},
        "models.vgg16.normalisation.std",
    ),
    "no channel": ("models/vgg16/width", 0.01, "models.vgg16.width: 0.01 leaves a layer without channels"),
    "no protocol": ("protocol", "train", "protocol: 'train' is not one of ['validation', 'test']"),
    "unknown precision": (
        "precision",
        "half",
        "precision: 'half' is not one of ['auto', 'float32', 'bfloat16']",
    ),
    "precision of searches alone": (
        "search/precision",
        "bfloat16",
        "search: unknown key 'precision'; allowed: net",
    ),
    "negative epochs": ("baseline/epochs", -1, "baseline.epochs: -1 is less than the minimum of 0"),
    "nothing to fine-tune": ("finetune/epochs", 0, "finetune.epochs: 0 leaves nothing to fine-tune"),
    "unknown budget": ("scratch", ["half"], "scratch[0]: 'half' is not one of ['finetune', 'baseline', "),
    "training of a pruner that is not there": (
        "equal_training",
        {"as": ["TaylorPruner"]},
        "equal_training.as: unknown 'TaylorPruner'; allowed: L1FilterPruner, ",
    ),
    "training of a pruner that lacks a target": (
        "equal_training",
        {"as": ["NetAdaptPruner"]},
        "equal_training.as: NetAdaptPruner: no cell of resnet18 at 0.8, which L1FilterPruner has",
    ),
    "epochs that are tuned and counted out": (
        "",
        {
            "equal_training": {"images": 5000},
            "finetune": {**TRAINING, "tuning": {"epochs": [1, 2]}},
        },
        "finetune.tuning.epochs: equal_training determines the epochs; tune the learning_rate",
    ),
    "a control whose searched pruner is gone, beside equal training": (
        "",
        {
            "pruners": {"L1FilterPruner": {}, "UniformAllocationPruner": {}},
            "equal_training": {"as": ["L1FilterPruner"]},
        },
        "pruners.UniformAllocationPruner: needs SimulatedAnnealingPruner among the pruners",
    ),
    "two ways to say how much training": (
        "equal_training",
        {"as": ["AutoCompressPruner"], "images": 5000},
        "equal_training: ",
    ),
    "Nesterov without momentum": (
        "finetune",
        {**TRAINING, "momentum": 0, "nesterov": True},
        "finetune.nesterov: needs a momentum above 0",
    ),
    "onnxruntime beside a GPU": (
        "",
        {"device": "cuda", "latency": {"runtimes": ["torch", "onnxruntime"]}},
        "latency: onnxruntime is measured on the CPU; set device: cpu, or remove it",
    ),
    "fine-tuning of a pruner that is not there": (
        "finetune/pruners",
        {"TaylorPruner": {"epochs": 1}},
        "finetune.pruners: unknown 'TaylorPruner'",
    ),
    "text for a number": (
        "baseline/learning_rate",
        "1e-3",
        "baseline.learning_rate: '1e-3' is not of type 'number'; write 0.001",
    ),
    "a fraction for a whole number": (
        "baseline/epochs",
        2.0,
        "baseline.epochs: 2.0 is not of type 'integer'; write 2",
    ),
    "an annealing that never cools": (
        "pruners/SimulatedAnnealingPruner/arguments",
        {"cool_down_rate": 1.1},
        "pruners.SimulatedAnnealingPruner.arguments.cool_down_rate: 1.1 is greater",
    ),
    "an annealing that ends before it starts": (
        "pruners/SimulatedAnnealingPruner/arguments",
        {"stop_temperature": 200},
        "pruners.SimulatedAnnealingPruner.arguments.stop_temperature: 200 is not below",
    ),
    "a step beyond the whole": (
        "pruners/NetAdaptPruner/models",
        {"vgg16": {"sparsity_per_iteration": 5}},
        "pruners.NetAdaptPruner.models.vgg16.sparsity_per_iteration: 5 is greater",
    ),
    "a study whose name ends in a line break": (
        "study",
        "mine\n",
        "study: 'mine\\n' does not match '^[a-z0-9][a-z0-9_-]*$'",
    ),
    "a study whose name no file system takes": (
        "study",
        "a" * 215,
        "study: 215 characters; allowed: at most 48",
    ),
    "a word for a number of images": (
        "pruners/TaylorPruner",
        {"arguments": {"images": "many"}},
        "pruners.TaylorPruner.arguments.images: 'many' is not of type 'integer'",
    ),
}


def study_in(file: Path) -> dict:
    """The study of a file, with what it extends."""
    return completed(yaml.safe_load(file.read_text()), [str(file)])


@pytest.mark.parametrize("study", STUDIES, ids=lambda path: path.name)
def test_every_study_is_sound(study, monkeypatch):
    config = study_in(study)
    named = {name: own.get("variant_of") for name, own in config["pruners"].items()}
    with remembered(monkeypatch):
        variants = {name: base for name, base in named.items() if base}
        register([], variants, study.name, config["pruners"])
        check_config(config, study.name)
        assert cells(config)


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_named_with_file_key_and_what_is_allowed(mistake, default_config):
    path, value, expected = MISTAKES[mistake]
    *folders, key = path.split("/")
    section = default_config
    for folder in folders:
        section = section[folder]
    section |= {key: value} if key else value
    with pytest.raises(InputError, match="^" + re.escape(f"mine.yaml: {expected}")):
        check_config(default_config, "mine.yaml")


def test_training_from_scratch_needs_epochs(default_config):
    default_config["baseline"]["epochs"] = 0
    default_config["scratch"] = ["finetune"]
    check_config(default_config, "mine.yaml")
    default_config["scratch"] = ["baseline"]
    with pytest.raises(InputError, match="^mine.yaml: baseline.epochs: 0 leaves nothing to train from"):
        check_config(default_config, "mine.yaml")
    default_config["baseline"] |= {"epochs": 2, "models": {"vgg16": {"epochs": 0}}}
    with pytest.raises(InputError, match="^mine.yaml: baseline.models.vgg16.epochs: 0 leaves nothing to"):
        check_config(default_config, "mine.yaml")


def test_cells_are_the_product_of_the_studys_lists(default_config):
    default_config["seeds"] = [0, 1]
    found = cells(default_config)
    assert len(found) == len(set(found)) == 2 * (5 * 3 * 2 + 2 + 1 + 1)
    assert {str(cell.target) for cell in found} == {"0.625", "0.8"}


def test_a_models_training_settings_differ_where_the_study_says_so(default_config):
    changed = copy.deepcopy(default_config)
    changed["baseline"]["models"] = {"resnet50": {"epochs": 3}}
    assert training_settings(changed, "baseline", "resnet50")["epochs"] == 3
    assert training_settings(changed, "baseline", "vgg16") == default_config["baseline"]


CONTROLS = ["RandomAllocationPruner", "UniformAllocationPruner"]


def test_a_pruners_arguments_differ_by_model_where_the_study_says_so(default_config):
    default_config["pruners"]["NetAdaptPruner"] = {
        "arguments": {"short_term_steps": 7},
        "models": {"vgg16": {"short_term_learning_rate": 0.5}},
    }
    check_config(default_config, "mine.yaml")
    vgg16, resnet18 = (
        pruner_arguments(default_config, "NetAdaptPruner", model) for model in ("vgg16", "resnet18")
    )
    assert vgg16 == resnet18 | {"short_term_learning_rate": 0.5}
    assert resnet18["short_term_steps"] == 7
    default_config["pruners"]["NetAdaptPruner"]["models"] = {"vgg16": {"steps": 1}}
    with pytest.raises(InputError, match="NetAdaptPruner.models.vgg16: unknown key 'steps'; allowed: "):
        check_config(default_config, "mine.yaml")
    default_config["pruners"]["NetAdaptPruner"]["models"] = {"vgg": {}}
    with pytest.raises(InputError, match="pruners.NetAdaptPruner.models: unknown 'vgg'; allowed: vgg16"):
        check_config(default_config, "mine.yaml")


@pytest.mark.parametrize("control", CONTROLS)
def test_a_control_has_the_searched_cells_sparsities(control, default_config):
    default_config["pruners"]["SimulatedAnnealingPruner"] = {"sparsities": {"vgg16": [0.5, 0.7]}}
    default_config["pruners"][control] = {"sparsities": {"resnet18": [0.8]}}
    check_config(default_config, "mine.yaml")
    found = {(cell.model, str(cell.target)) for cell in cells(default_config) if cell.pruner == control}
    own = {("resnet50", str(sparsity)) for sparsity in default_config["sparsities"]}
    assert found == {("vgg16", "0.5"), ("vgg16", "0.7"), ("resnet18", "0.8")} | own


@pytest.mark.parametrize("control", CONTROLS)
def test_a_control_without_its_searched_cell_is_refused(control, default_config):
    default_config["pruners"][control] = {"sparsities": {"vgg16": [0.6]}}
    expected = (
        f"mine.yaml: pruners.{control}.sparsities.vgg16: 0.6 is not a sparsity of SimulatedAnnealingPruner; "
        "allowed: 0.625, 0.8"
    )
    with pytest.raises(InputError, match="^" + re.escape(expected)):
        check_config(default_config, "mine.yaml")
    del default_config["pruners"]["SimulatedAnnealingPruner"]
    expected = f"mine.yaml: pruners.{control}: needs SimulatedAnnealingPruner among the pruners"
    with pytest.raises(InputError, match="^" + re.escape(expected)):
        check_config(default_config, "mine.yaml")


@pytest.mark.parametrize("study", ["cifar10", "cifar10_heldout"])
def test_the_grid_is_the_published_one(study):
    config = study_in(REPOSITORY / f"studies/{study}.yaml")
    with (REPOSITORY / "workflow/filterbench/resources/published.csv").open(newline="") as file:
        published = {
            (row["model"], row["pruner"], row["sparsity"])
            for row in csv.DictReader(file)
            if row["source"] == "nni" and row["sparsity"]
        }
    assert len(published) == 183
    assert {(cell.model, cell.pruner, str(cell.target)) for cell in cells(config)} == published


def test_the_two_cifar10_studies_differ_in_protocol_and_search_net_alone():
    published, held_out = (
        study_in(REPOSITORY / f"studies/{study}.yaml") for study in ("cifar10", "cifar10_heldout")
    )
    assert {key for key in published if published[key] != held_out[key]} == {"study", "protocol", "search"}


def write_study(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text)
    return path


def test_a_study_says_only_what_differs_from_the_one_that_it_extends(tmp_path):
    write_study(
        tmp_path, "base.yaml", "a: {x: 1, y: [1, 2]}\npruners: {one: {}, two: {sparsities: {m: []}}}\nb: 1"
    )
    middle = "extends: base.yaml\na: {y: [3]}\npruners: {one: null, two: {sparsities: null}}"
    write_study(tmp_path, "middle.yaml", middle)
    (tmp_path / "below").mkdir()
    own = write_study(tmp_path / "below", "own.yaml", "extends: ../middle.yaml\nb: null\na: {x: null}")
    assert study_in(own) == {"a": {"y": [3]}, "pruners": {"two": {}}}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("modles: null", "modles: null removes .* not there; allowed: pruners, models"),
        ("models: {resnet81: null}", "models.resnet81: null removes .*; allowed: resnet18"),
        (
            "pruners: {one: {sparsities: {vgg16: null}}}",
            "pruners.one.sparsities.vgg16: .*; allowed: resnet18",
        ),
        ("pruners: {three: null}", "pruners.three: .*allowed: one; an entry with its defaults is written {}"),
        ("a: {b: {c: null}}", "a.b.c: .*; allowed: none, as nothing is extended here"),
    ],
)
def test_null_at_what_is_not_there_is_refused(text, said, tmp_path):
    base = "pruners: {one: {sparsities: {resnet18: []}}}\nmodels: {resnet18: {width: 1}}"
    write_study(tmp_path, "base.yaml", base)
    middle = write_study(tmp_path, "middle.yaml", f"extends: base.yaml\n{text}")
    above = write_study(tmp_path, "above.yaml", "extends: middle.yaml")
    for file in (middle, above):
        with pytest.raises(InputError, match=f"middle.yaml: {said}"):
            study_in(file)


def test_null_removes_at_any_depth_and_is_allowed_where_it_means_none(tmp_path):
    write_study(
        tmp_path, "base.yaml", "pruners: {one: {sparsities: {resnet18: []}}}\ndataset: {test_images: 5}"
    )
    own = "pruners: {one: {sparsities: {resnet18: null}}}\ndataset: {test_images: null, folder: null}"
    file = write_study(tmp_path, "own.yaml", f"extends: base.yaml\nclaims: null\n{own}")
    dataset = {"test_images": None, "folder": None}
    assert study_in(file) == {"pruners": {"one": {"sparsities": {}}}, "dataset": dataset}


def test_only_keeps_the_models_and_pruners_that_it_names(tmp_path):
    base = "models: {a: {width: 1}, b: {width: 2}}\npruners: {one: {x: 1}, two: {}}"
    write_study(tmp_path, "base.yaml", base)
    only = "only: {models: [b], pruners: [one, three]}"
    own = write_study(tmp_path, "own.yaml", f"extends: base.yaml\n{only}\npruners: {{one: {{y: 2}}}}")
    kept = {"models": {"b": {"width": 2}}, "pruners": {"one": {"x": 1, "y": 2}, "three": {}}}
    assert study_in(own) == kept
    # A study that extends it starts from what is kept.
    below = write_study(tmp_path, "below.yaml", "extends: own.yaml\nmodels: {a: {width: 3}}")
    assert study_in(below) == kept | {"models": {"b": {"width": 2}, "a": {"width": 3}}}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[b]", r"only: \['b'\]; allowed: lists of names under models and pruners"),
        ("{seeds: [0]}", "only: .*; allowed: lists of names under models and pruners"),
        ("{models: b}", "only.models: 'b'; allowed: a list of names"),
        ("{models: [c]}", "only.models: unknown 'c'; allowed: a, b"),
    ],
)
def test_a_faulty_only_is_refused(text, said, tmp_path):
    write_study(tmp_path, "base.yaml", "models: {a: {width: 1}, b: {width: 2}}")
    with pytest.raises(InputError, match=f"own.yaml: {said}"):
        study_in(write_study(tmp_path, "own.yaml", f"extends: base.yaml\nonly: {text}"))


def test_the_settings_that_can_be_null_are_those_of_the_schema():
    def nullable(schema: object) -> Iterator[str]:
        if isinstance(schema, dict):
            for name, inner in schema.get("properties", {}).items():
                if "null" in inner.get("type", []):
                    yield name
            for inner in schema.values():
                yield from nullable(inner)

    assert set(OPTIONAL) == set(nullable(load_schema("config")))
    assert set(VALUES) == {*nullable(load_schema("config")["properties"]["dataset"]), "title"}


def test_a_file_is_looked_for_beside_the_study_that_names_it(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("base", "mine"):
        (tmp_path / name).mkdir()
    for name in ("base/own.py", "base/net.pt", "base/both.csv", "mine/both.csv", "here.yaml"):
        (tmp_path / name).touch()
    named = (
        "code: [own.py, a.module]\nmodels: {resnet18: {weights: net.pt}}\nclaims: both.csv\nplan: here.yaml"
    )
    write_study(tmp_path / "base", "base.yaml", named)
    study = study_in(write_study(tmp_path / "mine", "mine.yaml", "extends: ../base/base.yaml"))
    assert study["code"] == ["base/own.py", "a.module"]
    assert study["models"] == {"resnet18": {"weights": "base/net.pt"}}
    assert (study["claims"], study["plan"]) == ("base/both.csv", "here.yaml")
    changed = write_study(tmp_path / "mine", "own.yaml", "extends: ../base/base.yaml\nclaims: both.csv")
    assert Path(study_in(changed)["claims"]).resolve() == tmp_path / "mine" / "both.csv"


WRONG = {
    "nan": float("nan"), "infinity": float("inf"), "300 digits": 10**300, "400 digits": 10**400, "text": "x",
    "long text": "x" * 300, "nothing": "", "NUL": "a\0b", "no user": "~nobody-at-all/x", "true": True,
    "null": None, "list": [1], "empty list": [], "lists": [[]], "mapping": {"x": 1}, "empty mapping": {},
    "keys": {1: 1, "x": 1}, "set": {1}, "date": date(2020, 1, 1), "bytes": b"x",
}  # fmt: skip


def places(config: dict, *above: str) -> Iterator[tuple[str, ...]]:
    """The path of every setting, and of every mapping."""
    for key, value in config.items():
        yield (*above, key)
        if isinstance(value, dict):
            yield from places(value, *above, key)


@pytest.mark.parametrize("value", WRONG.values(), ids=WRONG)
def test_no_value_of_a_setting_ends_in_a_traceback(value, default_config, monkeypatch):
    """Each is accepted, or refused with its source and key, and numbers must be finite."""
    more = {
        "claims": "x.csv",
        "plan": "x.yaml",
        "nni_results": "x",
        "code": ["x.py"],
        "drop": 1,
        "budgets": {},
    }
    for place in places(default_config | more):
        # One key more at a time, since the first fault ends the check.
        added = {place[0]: more[place[0]]} if place[0] in more else {}
        config = copy.deepcopy(default_config | added)
        inner = config
        for key in place[:-1]:
            inner = inner[key]
        inner[place[-1]] = value
        with remembered(monkeypatch):
            try:
                read_study(config, [], {})
            except InputError as reason:
                source, said = str(reason).split(": ", 1)
                assert source == "the config of the module"
                assert place[0] in said
            else:
                assert not isinstance(value, float), place


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("extends: nowhere.yaml", "extends: there is no file"),
        ("extends: own.yaml", "extends: the file extends itself"),
        ("extends: list.yaml", "not a study: a study is a mapping of keys"),
        ("extends: broken.yaml", "cannot be read as YAML"),
        ("extends: endless.yaml", r"endless.yaml: cannot be read as YAML \(found unconstructable recursive"),
        ("extends: deep.yaml", "deep.yaml: its values are nested too deeply"),
        ("seeds: &a [*a]", r"own.yaml: cannot be read as YAML \(found unconstructable recursive"),
    ],
)
def test_what_cannot_be_extended_is_told(text, said, tmp_path):
    write_study(tmp_path, "list.yaml", "[1, 2]")
    write_study(tmp_path, "broken.yaml", "a: [")
    write_study(tmp_path, "endless.yaml", "pruners: &a {b: *a}")
    write_study(tmp_path, "deep.yaml", f"seeds: {3000 * '['}{3000 * ']'}")
    with pytest.raises(InputError, match=said):
        study_in(write_study(tmp_path, "own.yaml", text))


@pytest.mark.parametrize(
    ("weights", "said"),
    [("none.pt", "there is no file"), ("odd.pt", r"cannot be read \(Input/output error\)")],
)
def test_a_file_that_is_missing_or_cannot_be_read_is_told(weights, said, default_config, tmp_path):
    # Its reader gets an error of input and output.
    (tmp_path / "odd.pt").symlink_to("/proc/self/mem")
    default_config["models"]["vgg16"]["weights"] = str(tmp_path / weights)
    with pytest.raises(InputError, match=rf"models\.vgg16\.weights: .*{said}"):
        read_study(default_config, [], {})


def test_a_pruner_has_settings_of_its_own(default_config):
    default_config["finetune"] |= {
        "models": {"vgg16": {"epochs": 3, "momentum": 0.5}},
        "pruners": {"FPGMPruner": {"epochs": 7}},
    }
    own = training_settings(default_config, "finetune", "vgg16", "FPGMPruner")
    assert (own["epochs"], own["momentum"]) == (7, 0.5)
    assert training_settings(default_config, "finetune", "vgg16", "L1FilterPruner")["epochs"] == 3
    assert not {"models", "pruners", "tuning"} & set(own)


def test_a_pruner_judges_as_the_study_says_as_it_does_or_as_its_own_line_says(default_config):
    default_config["search"]["tune_steps"] = 1
    default_config["pruners"] |= {
        "TunedAnnealingPruner": {},
        "EagleEyePruner": {},
        "NetAdaptPruner": {"search": {"tune_steps": 5, "batch_size": 16}},
    }
    found = {
        name: search_settings(default_config, name, "vgg16")
        for name in ("SimulatedAnnealingPruner", "TunedAnnealingPruner", "EagleEyePruner", "NetAdaptPruner")
    }
    assert [own["tune_steps"] for own in found.values()] == [1, 20, 1, 5]
    # EagleEye's paper estimates the BatchNorm statistics again before it judges.
    assert [own.get("recalibrate", 0) for own in found.values()] == [0, 0, 1000, 0]
    assert found["NetAdaptPruner"]["batch_size"] == 16
    assert search_settings(default_config, "L1FilterPruner", "vgg16") == {}


def test_a_control_that_searches_judges_as_the_pruner_that_it_is_compared_with(default_config):
    own = {"recalibrate": 1000, "net": "masked"}
    default_config["pruners"] |= {
        "SimulatedAnnealingPruner": {"search": own},
        "RandomAllocationPruner": {},
    }

    def settings():
        return search_settings(default_config, "RandomAllocationPruner", "vgg16")

    assert settings() == default_config["search"] | own
    default_config["pruners"]["RandomAllocationPruner"] = {"search": {"recalibrate": 500}}
    assert settings() == default_config["search"] | own | {"recalibrate": 500}


def test_a_training_between_rounds_has_the_settings_of_searches(default_config):
    default_config["search"] |= {"batch_size": 48, "augment": False}
    default_config["pruners"] |= {
        "GroupNormPruner": {"arguments": {"rounds": 2}, "search": {"augment": True}},
        "TaylorPruner": {"models": {"vgg16": {"rounds": 2}}},
        "SynFlowPruner": {"arguments": {"rounds": 2, "round_epochs": 0}},
    }
    settings = {
        name: [search_settings(default_config, name, model) for model in ("vgg16", "resnet18")]
        for name in ("GroupNormPruner", "TaylorPruner", "SynFlowPruner")
    }
    asked = default_config["search"]
    assert settings["GroupNormPruner"] == [asked | {"augment": True}] * 2
    assert settings["TaylorPruner"] == [asked, {}]
    assert settings["SynFlowPruner"] == [{}, {}]


@pytest.mark.parametrize("precision", [None, "auto", "float32", "bfloat16"])
def test_a_precision_is_that_of_every_training(precision, default_config):
    default_config |= {"precision": precision} if precision else {}
    check_config(default_config, "mine.yaml")
    every = [
        training_settings(default_config, "baseline", "vgg16"),
        training_settings(default_config, "finetune", "vgg16", "FPGMPruner"),
        search_settings(default_config, "NetAdaptPruner", "vgg16"),
        # A pruner of the user's can train without a search.
        search_settings(default_config, "FPGMPruner", "vgg16"),
    ]
    # Documents name it only where it was asked for.
    expected = precision if precision in ("float32", "bfloat16") else None
    assert [settings.get("precision") for settings in every] == [expected] * 4
