import copy
import json
import re
import subprocess
import typing
from pathlib import Path

import pytest
from counts import counted

from filterbench.documents import KINDS, check, measurements, parse, read, schema_path, types, write
from filterbench.documents.reference import reference
from filterbench.pruners.registry import PRUNERS, PrunerEntry
from filterbench.storage.errors import InputError
from filterbench.storage.files import file_digest, known_digest
from filterbench.study.registered import registered

REPOSITORY = Path(__file__).parents[2]

# The published study's own example of a result.
RESULT = {
    "performance": {"original": 0.9298, "pruned": 0.1, "speedup": 0.1, "finetuned": 0.7746},
    "params": {"original": 14987722.0, "speedup": 167089.0},
    "flops": {"original": 314018314.0, "speedup": 38589922.0},
}

CELL = {
    "study": "mine",
    "dataset": "digits",
    "protocol": "validation",
    "model": "vgg16",
    "width": 1,
    "seed": 0,
}

PRUNED = CELL | {"pruner": "L1FilterPruner", "sparsity": 0.5}
PROVENANCE = {"device": "cpu", "threads": 1, "versions": {}, "inputs": {}}
SETTINGS = {
    "epochs": 1,
    "batch_size": 64,
    "learning_rate": 0.1,
    "momentum": 0.9,
    "weight_decay": 0,
    "schedule": "one-cycle",
    "augment": True,
}
EPOCH = {"epoch": 1, "learning_rate": 0.1, "loss": 1, "selection_accuracy": 0.5, "selection_loss": 1}

FAULTS = {
    "accuracy above 1": (("performance", "finetuned", 1.2), "$.performance.finetuned: 1.2 is greater than"),
    "accuracy as text": (
        ("performance", "pruned", "0.1"),
        "$.performance.pruned: '0.1' is not of type 'number'",
    ),
    "fraction of a param": (("params", "speedup", 1.5), "$.params.speedup: 1.5 is not of type 'integer'"),
    "no params": (("params", "speedup", 0), "$.params.speedup: 0 is less than the minimum of 1"),
    "grown": (("params", "speedup", 14987723), "$.params.speedup: 14987723 is above the original's"),
    "more work": (("flops", "speedup", 314018315), "$.flops.speedup: 314018315 is above the original's"),
    "extra key": (("flops", "pruned", 1), "$.flops: unknown key 'pruned'; allowed: original, speedup"),
    "missing key": (("flops", "speedup", None), "$.flops: missing key 'speedup'"),
}


def altered(document: dict, section: str, key: str, value) -> dict:
    document = copy.deepcopy(document)
    if value is None:
        del document[section][key]
    else:
        document[section][key] = value
    return document


def trained(**settings) -> dict:
    """The document of a fine-tuned net, with further settings."""
    settings = SETTINGS | settings
    epochs = [EPOCH | {"epoch": number} for number in range(1, settings["epochs"] + 1)]
    return {
        "cell": PRUNED,
        "images": {"train": 100, "selection": 4, "test": 200, "chance": 0.1},
        "performance": {"finetuned": 0.5},
        "correct": 64 * "0",
        "training": {"settings": settings, "best_epoch": 1, "epochs": epochs},
        "provenance": PROVENANCE,
    }


def paths(kind: str, document: dict) -> list[str]:
    return [fault.path for fault in check(kind, document)]


def test_the_published_example_is_sound():
    assert check("result", RESULT) == []


@pytest.mark.parametrize("fault", FAULTS)
def test_a_faulty_result_is_refused_with_path_and_reason(fault, tmp_path):
    change, expected = FAULTS[fault]
    path = tmp_path / "result.json"
    path.write_text(json.dumps(altered(RESULT, *change)))
    with pytest.raises(InputError) as refusal:
        read(path)
    assert f"{path}: {expected}" in str(refusal.value)


@pytest.mark.parametrize("count", ["params", "flops"])
def test_a_net_that_lost_nothing_is_sound(count):
    assert check("result", altered(RESULT, count, "speedup", RESULT[count]["original"])) == []


WITHIN = CELL | {"pruner": "L1FilterPruner", "flops": 0.5}


def test_all_channels_may_be_kept_and_a_budget_used_up():
    document = {
        "cell": WITHIN,
        "images": trained()["images"],
        "performance": {"pruned": 0.5},
        "arguments": {},
        "sparsity": {"reached": 0},
        "layers": [{"name": "features.0", "channels": 8, "kept": 8}],
        "cost": {"evaluations": 0, "images_evaluated": 0, "images_trained": 0},
        "budget": {"kind": "flops", "asked": 0.5, "reached": 0.5, "original": 100, "pruned": 50},
        "provenance": PROVENANCE,
    }
    assert paths("prune", document) == []
    document["layers"][0]["kept"] = 9
    document["budget"]["reached"] = 0.51
    assert paths("prune", document) == ["$.layers[0].kept", "$.budget.reached"]


def test_a_net_above_its_budget_and_two_equal_targets_are_faults():
    assert paths("count", counted(WITHIN, 100, 50)) == []
    assert paths("count", counted(WITHIN, 100, 51)) == ["$.flops.speedup"]
    net = {"sparsity": 0.5, "performance": 0.5, "params": 100, "flops": 100}
    assert paths("comparison", {"L1FilterPruner": [net]}) == []
    assert paths("comparison", {"L1FilterPruner": [net, net]}) == ["$.L1FilterPruner"]


def test_epochs_are_those_of_the_settings():
    def faults(*epochs: tuple[int, float, float], best: int, asked: int = 2) -> list[str]:
        keys = ("epoch", "selection_accuracy", "selection_loss")
        document = trained(epochs=asked)
        document["training"] |= {
            "best_epoch": best,
            "epochs": [EPOCH | dict(zip(keys, epoch, strict=True)) for epoch in epochs],
        }
        return paths("finetune", document)

    assert faults((1, 0.5, 3.0), (2, 0.5, 2.0), best=2) == []
    assert faults((1, 0.5, 2.0), (2, 0.5, 2.0), best=1) == []
    assert faults(best=0, asked=0) == []
    assert faults((1, 0.5, 3.0), (2, 0.5, 2.0), best=1) == ["$.training.best_epoch"]
    assert faults((1, 0.5, 3.0), (3, 0.5, 2.0), best=2) == ["$.training.epochs"]
    assert faults((1, 0.5, 3.0), best=1) == ["$.training.epochs"]
    assert faults((1, 0.5, 3.0), (2, 0.6, 2.0), best=2) == ["$.training.epochs[1].selection_accuracy"]


def test_the_best_trial_is_the_training():
    def faults(*accuracies: float) -> list[str]:
        settings = {"learning_rate": 0.1, "epochs": 1}
        trials = [settings | {"selection_accuracy": accuracy} for accuracy in accuracies]
        trials[-1]["learning_rate"] = 0.2
        return paths("finetune", trained() | {"tuning": trials})

    assert faults(0.5, 0.25) == []
    assert faults(0.5, 0.75) == ["$.tuning"]
    assert faults(0.25, 0.5) == ["$.tuning"]


def test_an_accuracy_that_no_number_of_test_images_gives_is_a_fault():
    assert paths("finetune", trained() | {"performance": {"finetuned": 183 / 200}}) == []
    assert paths("finetune", trained() | {"performance": {"finetuned": 0.9151}}) == [
        "$.performance.finetuned"
    ]


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999"])
def test_numbers_that_are_not_finite_are_refused_on_reading(number, tmp_path):
    path = tmp_path / "result.json"
    path.write_text(json.dumps(RESULT).replace("0.7746", number))
    with pytest.raises(InputError, match=rf"result\.json: not a JSON document \({number} is not allowed"):
        parse(path)


def test_numbers_that_are_not_finite_are_refused_on_writing(tmp_path):
    with pytest.raises((InputError, ValueError)):
        write(tmp_path / "result.json", altered(RESULT, "performance", "pruned", float("nan")))
    assert not list(tmp_path.iterdir())


def test_an_infeasible_cell_has_a_reason_and_no_numbers():
    assert check("result", {"infeasible": "no layer has enough weights left"}) == []
    (fault,) = check("result", {"infeasible": "too far", "params": {}})
    assert "unknown key 'params'" in str(fault)
    assert check("baseline", {"infeasible": "too far"})
    (fault,) = check("finetune", {"infeasible": "too far", "provenance": {}})[:1]
    assert "cell" in fault.reason


def test_two_counters_that_disagree_are_a_fault():
    document = counted(PRUNED, 100, 51)
    document["second_counter"]["conv_linear_macs"] = {"original": 100, "speedup": 50}
    (fault,) = check("count", document)
    assert str(fault) == "$.second_counter.conv_linear_macs.speedup: 50 differs from the first counter's 51"


def test_a_key_that_stands_twice_is_refused(tmp_path):
    path = tmp_path / "result.json"
    path.write_text('{"params": 1, "params": 2}')
    with pytest.raises(InputError, match="duplicate key 'params'"):
        parse(path)


def test_a_file_that_is_no_document_is_named(tmp_path):
    (tmp_path / "result.json").write_text("{")
    with pytest.raises(InputError, match=r"result\.json: not a JSON document"):
        read(tmp_path / "result.json")
    with pytest.raises(InputError, match=r"other\.json: not the name of a document; allowed: baseline"):
        read(tmp_path / "other.json")


def test_a_faulty_document_leaves_the_old_one_alone(tmp_path):
    path = tmp_path / "result.json"
    write(path, RESULT)
    before = path.read_bytes()
    with pytest.raises(InputError):
        write(path, {**RESULT, "more": 1})
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("kind", KINDS)
def test_schemas_are_closed_and_say_what_each_key_means(kind):
    def objects(schema):
        if isinstance(schema, dict):
            if "properties" in schema:
                yield schema
            for value in schema.values():
                yield from objects(value)

    for name in (kind, "common", "config"):
        for schema in objects(json.loads(schema_path(name).read_text())):
            assert "additionalProperties" in schema
            assert all("description" in child or "$ref" in child for child in schema["properties"].values())


def test_the_reference_is_in_step_with_the_schemas():
    written = (REPOSITORY / "docs/documents.md").read_text()
    assert written == reference(), "docs/documents.md is out of date: run `make docs`"


def test_the_page_of_names_is_in_step_with_the_registries():
    written = (REPOSITORY / "docs/registered.md").read_text()
    assert written == registered(), "docs/registered.md is out of date: run `make docs`"


def test_a_bar_in_an_own_pruners_texts_breaks_no_table(monkeypatch):
    argument = {"type": "string", "default": "a", "enum": ["a", "b|c"], "description": "either a | b|c"}
    own = PrunerEntry("Doe | Roe 2024", "own_pruners:OwnPruner", {"which": argument})
    monkeypatch.setitem(PRUNERS, "OwnPruner", own)
    rows = [line for line in registered().splitlines() if line.startswith("| `OwnPruner`")]
    assert [len(re.split(r"(?<!\\)\|", row)) - 2 for row in rows] == [3, 6]


def test_every_key_has_a_description():
    written = (REPOSITORY / "docs/documents.md").read_text()
    rows = [line.split(" | ") for line in written.splitlines() if line.startswith("| `")]
    assert all(row[3].strip(" |") for row in rows), "a key has no description"


def test_check_jsonschema_gives_the_same_verdict(tmp_path):
    def verdict(document):
        path = tmp_path / "result.json"
        path.write_text(json.dumps(document))
        command = ["check-jsonschema", "--schemafile", str(schema_path("result")), str(path)]
        return subprocess.run(command, capture_output=True, check=False).returncode

    assert verdict(RESULT) == 0
    assert verdict({"infeasible": "no layer has enough weights left"}) == 0
    assert verdict(altered(RESULT, "performance", "finetuned", 1.2)) == 1


TYPES = {
    "baseline": types.TrainedDocument,
    "prune": types.PruneDocument,
    "trajectory": types.TrajectoryDocument,
    "speedup": types.SpeedupDocument,
    "count": types.CountDocument,
    "finetune": types.TrainedDocument,
    "equal": types.TrainedDocument,
    "scratch": types.TrainedDocument,
    "latency": measurements.LatencyDocument,
    "latency_table": measurements.LatencyTableDocument,
    "sensitivity": measurements.SensitivityDocument,
    "export": measurements.ExportDocument,
    "int8": measurements.Int8Document,
    "result": types.ResultDocument,
}
# Keys that a type shares with documents of another kind.
SHARED = {
    "baseline": {"budget", "correct", "equal_training"},
    "finetune": {"budget", "classes", "copies", "equal_training", "own_weights"},
    "equal": {"budget", "classes", "copies", "own_weights"},
    "scratch": {"classes", "copies", "correct", "equal_training", "tuning", "own_weights"},
}


@pytest.mark.parametrize("kind", TYPES)
def test_a_type_is_in_step_with_its_schema(kind):
    schema = json.loads(schema_path(kind).read_text())
    own = schema.get("else", schema)
    hints = typing.get_type_hints(TYPES[kind], include_extras=True)
    infeasible = {"infeasible"} & set(hints)
    assert set(hints) - infeasible - SHARED.get(kind, set()) == set(own["properties"])
    for key, hint in hints.items():
        required = typing.get_origin(hint) is not typing.NotRequired
        if key in own["properties"] and key not in {"budget", "correct", "equal_training"}:
            assert required == (key in own["required"]), key
    for key, hint in hints.items():
        nested = own["properties"].get(key, {}).get("properties")
        if nested and typing.is_typeddict(hint):
            assert set(typing.get_type_hints(hint)) == set(nested), key


def test_the_keys_of_a_document_are_written_in_the_order_of_its_schema(tmp_path):
    shuffled = dict(reversed(RESULT.items()))
    write(tmp_path / "result.json", shuffled)
    assert list(parse(tmp_path / "result.json")) == ["performance", "params", "flops"]


def test_a_known_digest_is_that_of_the_file_as_it_is(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"one")
    assert known_digest(path) == file_digest(path)
    path.write_bytes(b"another")
    assert known_digest(path) == file_digest(path)
