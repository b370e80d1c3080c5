"""Fine-tuning with the unpruned net as a teacher: its loss, its cost, and what documents say of it."""

import shutil
from collections import Counter
from dataclasses import replace
from math import exp, log

import pytest
import torch
from finetunings import finetuning_job, other_than_asked
from test_plan import Wildcards
from test_stages import LIMITS, NARROW, TRAINING, made_cell
from test_training import SETTINGS, InterruptingCheckpoint, InterruptionError, fresh_net
from torch import nn

from filterbench.documents import check, read
from filterbench.domain.spending import epochs_for, images_in_a_pass, images_trained
from filterbench.forecasting.expected import Work, expected_work
from filterbench.forecasting.speed import Pace, Speed
from filterbench.integrity.files import changed_files
from filterbench.jobs.job import Job
from filterbench.orchestration.plan import Plan
from filterbench.results.bills import bills
from filterbench.stages.equal_training import equal_training
from filterbench.stages.finetune import finetune
from filterbench.storage.checkpoint import Checkpoint
from filterbench.storage.errors import InputError
from filterbench.storage.files import file_digest
from filterbench.storage.stopwatch import Stopwatch
from filterbench.study.cells import training_settings
from filterbench.study.config import check_config
from filterbench.training.loop import train
from filterbench.training.losses import DistillationLoss, LabelLoss

HALF = {"weight": 0.5, "temperature": 2}
OFF = {"weight": 0, "temperature": 2}
PRUNER = "L1FilterPruner"


class Opposite(nn.Module):
    """A teacher that takes each dark image for a bright one."""

    def forward(self, images):
        bright = images.mean((1, 2, 3)) > 0
        return 10 * nn.functional.one_hot((~bright).long(), 2).float()


def test_the_loss_is_that_of_hinton_et_al():
    """By hand, for one image of class 0, logits (2, 0), a teacher's logits (0, 2) and temperature 2."""
    loss = DistillationLoss(nn.Identity(), weight=0.25, temperature=2, of_labels=LabelLoss())
    found = loss(torch.tensor([[2.0, 0.0]]), torch.tensor([0]), torch.tensor([[0.0, 2.0]]))
    at_one, at_two = 1 / (1 + exp(-2)), 1 / (1 + exp(-1))
    soft = -(1 - at_two) * log(at_two) - at_two * log(1 - at_two)
    assert found.item() == pytest.approx(0.25 * 4 * soft - 0.75 * log(at_one))


def test_a_net_that_hears_only_its_teacher_learns_the_teachers_answers(few_images):
    settings = replace(SETTINGS, epochs=6, distillation={"weight": 1, "temperature": 1})
    record = train(fresh_net(), few_images, settings, seed=0, teacher=Opposite())
    assert record.epochs[-1]["selection_accuracy"] < 0.1


def test_an_interrupted_distillation_ends_with_the_same_weights(few_images, tmp_path):
    settings = replace(SETTINGS, distillation=HALF)
    path, teacher = tmp_path / "checkpoint", fresh_net().eval()

    def trained(checkpoint=None):
        model = fresh_net()
        return train(model, few_images, settings, 0, checkpoint, teacher), model.state_dict()

    expected, weights = trained()
    with pytest.raises(InterruptionError):
        trained(InterruptingCheckpoint(path, "key", Stopwatch(), interval=0))
    record, resumed = trained(Checkpoint(path, "key", Stopwatch(), interval=0))
    assert record == expected
    assert all(torch.equal(resumed[name], tensor) for name, tensor in weights.items())


@pytest.fixture(scope="module")
def cell(digits_file, tmp_path_factory):
    """A cell, and its fine-tunings without a teacher (weight 0) and with one."""
    folder = tmp_path_factory.mktemp("cell") / "0.5"
    shutil.copytree(made_cell("cpu", PRUNER, digits_file, **NARROW), folder)
    for name, distillation in (("off", OFF), ("half", HALF)):
        finetune(job_of(folder, digits_file, name, distillation))
    return folder


def job_of(folder, images, name, distillation, **params) -> Job:
    teacher = {"teacher": folder / "baseline.safetensors"} if distillation["weight"] else {}
    training = TRAINING | {"distillation": distillation}
    params = {"limits": LIMITS, "training": training, **params}
    return finetuning_job(folder, images, f"finetune-{name}", teacher, **params)


def test_distillation_of_weight_0_is_plain_fine_tuning(cell):
    for suffix in ("safetensors", "correct"):
        assert (cell / f"finetune-off.{suffix}").read_bytes() == (cell / f"finetune.{suffix}").read_bytes()
    plain, off = (read(cell / f"{name}.json") for name in ("finetune", "finetune-off"))
    assert off["training"]["settings"].pop("distillation") == OFF
    assert off == plain


def test_a_teacher_changes_the_training_and_is_recorded(cell):
    plain, taught = (read(cell / f"{name}.json") for name in ("finetune", "finetune-half"))
    assert taught["training"]["settings"] == plain["training"]["settings"] | {"distillation": HALF}
    assert taught["training"]["epochs"] != plain["training"]["epochs"]
    assert taught["provenance"]["inputs"]["teacher"] == file_digest(cell / "baseline.safetensors")


def test_a_teachers_forward_pass_costs_a_third_of_an_image(cell):
    settings = {"epochs": 3, "batch_size": 10, "distillation": HALF}
    # Six batches of ten images, then twenty of a teacher.
    assert images_in_a_pass(settings, 65) == 60 + 20
    assert images_trained(settings, 65) == 3 * 80
    assert epochs_for(250, settings, 65) == 3
    assert images_trained(settings | {"distillation": OFF}, 65) == 3 * 60
    found = bills(read(cell / "prune.json"), read(cell / "finetune-half.json"))
    shown = TRAINING["epochs"] * LIMITS["train"]
    assert found["images_after_cut"] == found["images_paid"] == pytest.approx(shown * 4 / 3, abs=1)


def test_equal_training_counts_the_teacher(cell, digits_file):
    asked = 4 * LIMITS["train"]
    equal = {"equal": {"images": asked}, "finetune": {}}
    job = job_of(cell, digits_file, "equal", HALF, **equal)
    job.inputs["prune"] = cell / "prune.json"
    job.outputs["document"] = cell / "equal.json"
    equal_training(job)
    document = read(cell / "equal.json")
    # Three epochs with a teacher cost as much as four without.
    assert document["training"]["settings"]["epochs"] == 3
    assert document["equal_training"]["spent"] == images_trained(
        document["training"]["settings"], LIMITS["train"]
    )
    document["equal_training"]["spent"] = 3 * LIMITS["train"]
    (fault,) = check("equal", document)
    assert "is not the sum of the images" in fault.reason


def test_the_forecast_counts_the_teacher_at_the_unpruned_nets_pace(default_config, few_images):
    config = default_config | {
        "models": {"vgg16": {"width": 1 / 16}},
        "sparsities": [0.5],
        "pruners": {PRUNER: {}},
        "seeds": [0, 1],
        "finetune": default_config["finetune"] | {"batch_size": 20, "epochs": 3, "distillation": HALF},
    }
    found = {work.stage: (work.trained, work.taught) for work in expected_work(config, few_images)}
    assert found["finetune"] == (2 * 3 * 40, 2 * 3 * 40)
    assert found["train_baseline"][1] == found["prune"][1] == 0
    speed = Speed(whole=Pace(1.0, 0.4), pruned=Pace(0.5, 0.2), share=0.2)
    work = Work("finetune", "vgg16", "", "", 0, trained=10, evaluated=5, share=0.2, taught=10)
    assert speed.seconds(work) == pytest.approx(10 * 0.5 + 5 * 0.2 + 10 * 0.4)


def test_a_job_gets_its_teacher_where_its_study_distils(default_config):
    default_config["finetune"]["pruners"] = {PRUNER: {"distillation": HALF}}
    check_config(default_config, "mine.yaml")
    plan = Plan(default_config)

    def inputs(**wildcards) -> set[str]:
        return set(plan.teacher(Wildcards(model="vgg16", **wildcards)))

    assert inputs(pruner=PRUNER) == inputs(pruner=PRUNER, budget="finetune") == {"teacher"}
    assert not inputs(pruner="FPGMPruner") | inputs(pruner=PRUNER, budget="baseline") | inputs()


def test_validate_compares_the_distillation_and_misses_a_teacher(default_config, tmp_path):
    default_config["finetune"]["distillation"] = HALF
    folder = tmp_path / f"results/default/vgg16/seed-0/{PRUNER}/0.5"
    asked = training_settings(default_config, "finetune", "vgg16", PRUNER)
    assert other_than_asked(default_config, PRUNER, asked) == []
    cooler = asked | {"distillation": HALF | {"temperature": 3}}
    assert other_than_asked(default_config, PRUNER, cooler) == ["$.training.settings.distillation"]
    document = {
        "cell": {"pruner": PRUNER},
        "training": {"settings": asked},
        "provenance": {"inputs": dict.fromkeys(("document", "images", "weights"), "")},
    }
    args = (tmp_path, "data/digits.npz", Counter())
    (finding,) = changed_files(folder / "finetune.json", "finetune", document, *args)
    assert finding.path == "$.provenance.inputs.teacher"
    document["training"]["settings"] = asked | {"distillation": OFF}
    assert list(changed_files(folder / "finetune.json", "finetune", document, *args)) == []


@pytest.mark.parametrize(
    ("distillation", "expected"),
    [
        ({"weight": 1.5, "temperature": 2}, "distillation.weight: 1.5 is greater than the maximum of 1"),
        ({"weight": 0.5, "temperature": 0}, "temperature: 0 is less than or equal to the minimum of 0"),
        ({"weight": 0.5}, "distillation: missing key 'temperature'"),
    ],
)
def test_a_distillation_that_makes_no_sense_is_refused(distillation, expected, default_config):
    default_config["finetune"]["distillation"] = distillation
    with pytest.raises(InputError, match=expected):
        check_config(default_config, "mine.yaml")


def test_an_untrained_teacher_is_refused(default_config):
    default_config["finetune"]["pruners"] = {PRUNER: {"distillation": HALF}}
    default_config["baseline"]["models"] = {"vgg16": {"epochs": 0}}
    expected = f"finetune.pruners.{PRUNER}.distillation: the teacher, vgg16, is not trained"
    with pytest.raises(InputError, match=expected):
        check_config(default_config, "mine.yaml")
    default_config["models"]["vgg16"]["weights"] = "mine.pt"
    check_config(default_config, "mine.yaml")
    default_config["baseline"]["distillation"] = HALF
    with pytest.raises(InputError, match="baseline: unknown key 'distillation'"):
        check_config(default_config, "mine.yaml")
