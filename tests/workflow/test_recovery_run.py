"""A study whose nets learn from a teacher or at rewound rates, at several budgets and at equal training."""

import json

import pytest
from checkout import Checkout, made_once

from filterbench.documents import parse
from filterbench.domain.spending import images_trained

pytestmark = pytest.mark.slow

NAME = "studies/recovery.yaml"
STUDY = """\
study: recovery
extends: smoke.yaml
only: {models: [vgg16], pruners: [L1FilterPruner, L1Distilled, L1Rewound]}
pruners:
  L1Distilled: {variant_of: L1FilterPruner}
  L1Rewound: {variant_of: L1FilterPruner}
finetune:
  pruners:
    L1Distilled: {distillation: {weight: 0.5, temperature: 4}}
    L1Rewound: {schedule: rewind}
training_budgets: [2]
equal_training: {images: 768}
scratch: [total]
"""


@pytest.fixture(scope="session")
def recovered(tmp_path_factory) -> Checkout:
    def make(checkout: Checkout) -> None:
        (checkout.folder / NAME).write_text(STUDY)
        run = checkout.snakemake("comparisons", study=NAME)
        assert run.returncode == 0, run.stdout

    return made_once(tmp_path_factory, "recovered", make)


def document(checkout: Checkout, pruner: str, kind: str) -> dict:
    return parse(checkout.folder / f"results/recovery/vgg16/seed-0/{pruner}/0.5/{kind}.json")


def test_every_training_of_a_pruner_recovers_in_its_way(recovered):
    for kind in ("finetune", "finetune-2", "equal"):
        taught = document(recovered, "L1Distilled", kind)
        assert taught["training"]["settings"]["distillation"] == {"weight": 0.5, "temperature": 4}
        assert "teacher" in taught["provenance"]["inputs"]
        assert "teacher" not in document(recovered, "L1FilterPruner", kind)["provenance"]["inputs"]
    baseline = parse(recovered.folder / "results/recovery/vgg16/seed-0/baseline/baseline.json")
    rates = [epoch["learning_rate"] for epoch in baseline["training"]["epochs"]]
    for kind, epochs in (("finetune", 1), ("finetune-2", 2)):
        rewound = document(recovered, "L1Rewound", kind)["training"]["epochs"]
        assert [epoch["learning_rate"] for epoch in rewound] == rates[-epochs:]


def test_equal_training_has_as_many_epochs_as_the_way_can_pay(recovered):
    found = {name: document(recovered, name, "equal") for name in ("L1FilterPruner", "L1Distilled")}
    epochs = {name: equal["training"]["settings"]["epochs"] for name, equal in found.items()}
    # 768 images are three epochs of 256, or two with a teacher.
    assert epochs == {"L1FilterPruner": 3, "L1Distilled": 2}
    for equal in found.values():
        spent = images_trained(equal["training"]["settings"], 256)
        assert equal["equal_training"] == {"asked": 768, "search": 0, "spent": spent}
    reason = document(recovered, "L1Rewound", "equal")["infeasible"]
    assert reason == "768 images are 3 epochs after the last cut, but the baseline has only 2 to rewind"


def test_validate_accepts_the_study_and_finds_a_changed_rate_and_teacher(recovered, tmp_path):
    copy = recovered.copy(tmp_path)
    run = copy.snakemake("validate", study=NAME)
    assert run.returncode == 0, run.stdout
    cells = copy.folder / "results/recovery/vgg16/seed-0"
    path = cells / "L1Rewound/0.5/finetune.json"
    rewound = parse(path)
    rewound["training"]["epochs"][0]["learning_rate"] /= 2
    path.write_text(json.dumps(rewound))
    path = cells / "L1Distilled/0.5/equal.json"
    taught = parse(path)
    taught["training"]["settings"]["distillation"]["weight"] = 0.25
    del taught["provenance"]["inputs"]["teacher"]
    path.write_text(json.dumps(taught))
    run = copy.snakemake("validate", study=NAME)
    assert run.returncode != 0
    for fault in (
        "L1Rewound/0.5/finetune.json: $.training.epochs[0].learning_rate: ",
        "L1Distilled/0.5/equal.json: $.training.settings.distillation: ",
        "L1Distilled/0.5/equal.json: $.provenance.inputs.teacher: missing",
    ):
        assert fault in run.stdout


def test_a_fresh_net_has_nothing_to_rewind(tmp_path):
    checkout = Checkout.fresh(tmp_path)
    (checkout.folder / NAME).write_text(STUDY.replace("scratch: [total]", "scratch: [finetune, total]"))
    run = checkout.snakemake("--dry-run", "results", study=NAME)
    assert run.returncode != 0
    assert f"{NAME}: scratch: finetune of L1Rewound: fresh weights have nothing to rewind" in run.stdout
