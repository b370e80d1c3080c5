import math
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from settings import DEVICES
from torch import nn

from filterbench.data.augmentation import flip_and_shift
from filterbench.making.environment import choose_device, make_deterministic
from filterbench.models.registry import build_model
from filterbench.storage.checkpoint import Checkpoint
from filterbench.storage.errors import InputError
from filterbench.storage.stopwatch import Stopwatch
from filterbench.training import steps
from filterbench.training.evaluation import Score, evaluate
from filterbench.training.loop import TrainingSettings, train

WORKFLOW = Path(__file__).parents[2] / "workflow"
SETTINGS = TrainingSettings(
    epochs=4,
    batch_size=8,
    learning_rate=0.05,
    momentum=0.9,
    weight_decay=0.0005,
    schedule="one-cycle",
    augment=False,
)


def fresh_net():
    torch.manual_seed(0)
    return build_model("vgg16", 1 / 16, classes=2)


def net_with_dropout():
    torch.manual_seed(0)
    return nn.Sequential(nn.Flatten(), nn.Dropout(0.5), nn.Linear(3 * 32 * 32, 10))


def moved(splits, device):
    """A study's images on a device."""

    def each(images):
        parts = ("pixels", "labels", "mean", "std")
        return replace(images, **{name: getattr(images, name).to(device) for name in parts})

    return replace(splits, **{name: each(getattr(splits, name)) for name in ("train", "selection", "test")})


@pytest.mark.parametrize("schedule", ["one-cycle", "multistep", "cosine"])
def test_training_learns_and_records_every_epoch(few_images, schedule):
    model = fresh_net()
    record = train(model, few_images, replace(SETTINGS, schedule=schedule, epochs=6), seed=0)
    assert [entry["epoch"] for entry in record.epochs] == [1, 2, 3, 4, 5, 6]
    assert record.epochs[-1]["loss"] < record.epochs[0]["loss"]
    assert evaluate(model, few_images.test).accuracy > 0.9


def test_the_best_epochs_weights_are_kept(few_images):
    model = fresh_net()
    record = train(model, few_images, SETTINGS, seed=0)
    best = max(record.epochs, key=lambda entry: (entry["selection_accuracy"], -entry["selection_loss"]))
    assert record.best_epoch == best["epoch"]
    score = evaluate(model, few_images.selection)
    assert (score.accuracy, score.loss) == (best["selection_accuracy"], best["selection_loss"])


def test_of_epochs_that_are_equally_accurate_the_one_of_lowest_loss_is_best(few_images, monkeypatch):
    scores = iter([Score(0.5, loss, torch.zeros(0, dtype=torch.bool)) for loss in (0.9, 0.4, 0.6)])
    monkeypatch.setattr("filterbench.training.loop.evaluate", lambda *_: next(scores))
    assert train(fresh_net(), few_images, replace(SETTINGS, epochs=3), seed=0).best_epoch == 2


def test_the_same_seed_gives_the_same_weights(few_images):
    def weights(seed):
        model = fresh_net()
        train(model, few_images, replace(SETTINGS, augment=True), seed)
        return torch.cat([tensor.flatten().float() for tensor in model.state_dict().values()])

    assert torch.equal(weights(1), weights(1))
    assert not torch.equal(weights(1), weights(2))


def test_the_published_schedule_steps_at_half_and_three_quarters(few_images):
    record = train(fresh_net(), few_images, replace(SETTINGS, schedule="multistep"), seed=0)
    rates = [entry["learning_rate"] for entry in record.epochs]
    assert rates == pytest.approx([0.05, 0.05, 0.005, 0.0005])


@pytest.mark.parametrize("epochs", [1, 2, 3])
def test_a_short_training_by_the_published_schedule_begins_at_the_asked_rate(few_images, epochs):
    model, untouched = fresh_net(), fresh_net().state_dict()
    settings = replace(SETTINGS, schedule="multistep", epochs=epochs, batch_size=10)
    record = train(model, few_images, settings, seed=0)
    assert record.epochs[0]["learning_rate"] == pytest.approx(0.05)
    assert record.epochs[-1]["learning_rate"] < 0.05 or epochs == 1
    moved = max((tensor - untouched[name]).abs().max() for name, tensor in model.named_parameters())
    assert moved > 0.01


def test_no_epochs_leave_the_net_as_it_is(few_images):
    model, untouched = fresh_net(), fresh_net().state_dict()
    record = train(model, few_images, replace(SETTINGS, epochs=0), seed=0)
    assert (record.best_epoch, record.epochs) == (0, [])
    assert all(torch.equal(tensor, untouched[name]) for name, tensor in model.state_dict().items())


@pytest.mark.parametrize("batch_size", [SETTINGS.batch_size, 1000], ids=["at some step", "at the only step"])
def test_a_diverging_training_says_what_to_change(batch_size, few_images):
    settings = replace(SETTINGS, learning_rate=1e30, batch_size=batch_size, epochs=1)
    with pytest.raises(InputError, match="diverged .* lower learning_rate, now 1e"):
        train(fresh_net(), few_images, settings, seed=0)


def test_augmentation_shows_shifted_and_mirrored_images_and_nothing_else():
    # An eighth of 16 pixels is 2.
    original = torch.arange(256).to(torch.uint8).view(1, 1, 16, 16)
    padded = torch.nn.functional.pad(original, (2,) * 4)
    windows = [padded[..., top : top + 16, left : left + 16] for top in range(5) for left in range(5)]
    possible = {tuple(view.flatten().tolist()) for crop in windows for view in (crop, crop.flip(-1))}
    batch = flip_and_shift(original.expand(2000, 1, 16, 16), torch.Generator().manual_seed(0))
    seen = {tuple(image.flatten().tolist()) for image in batch}
    assert seen == possible


def test_channels_stay_with_their_image():
    pixels = torch.arange(6, dtype=torch.uint8).view(2, 3, 1, 1).expand(2, 3, 16, 16)
    batch = flip_and_shift(pixels, torch.Generator().manual_seed(0))
    assert torch.equal(batch[:, :, 8, 8], pixels[:, :, 8, 8])


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_asking_for_a_gpu_that_is_not_there_is_an_error():
    assert choose_device("auto").type == "cpu"
    with pytest.raises(InputError, match="torch sees no GPU; allowed here: auto, cpu"):
        choose_device("cuda")


class Reading(nn.Module):
    """A net that Python looks into at each step, which no capture allows."""

    def __init__(self):
        super().__init__()
        self.layers = net_with_dropout()

    def forward(self, images):
        return self.layers(images) * (2 if images.mean().item() > 1e9 else 1)


class Unwilling(Reading):
    """A net that says so itself."""

    capturable = False


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU")
@pytest.mark.parametrize(
    ("make", "replays"),
    [
        (fresh_net, True),
        (lambda: build_model("resnet18", 1 / 16, classes=2), True),
        (lambda: build_model("mobilenetv2", 1 / 4, classes=2), True),
        (net_with_dropout, True),
        (Reading, False),
        (Unwilling, False),
    ],
)
def test_a_gpu_replays_what_it_would_have_computed_step_by_step(make, replays, few_images, monkeypatch):
    images, settings = moved(few_images, "cuda"), replace(SETTINGS, epochs=12, augment=True)
    make_deterministic(0, 1, torch.device("cuda"))
    seen = []
    replay = torch.cuda.CUDAGraph.replay
    monkeypatch.setattr(torch.cuda.CUDAGraph, "replay", lambda graph: seen.append(graph) or replay(graph))
    weights = []
    for captured_from in (50, math.inf):
        monkeypatch.setattr(steps, "CAPTURED_FROM", captured_from)
        torch.manual_seed(0)
        net = make().cuda()
        record = train(net, images, settings, seed=0)
        weights.append((net.state_dict(), record.epochs))
    assert len(seen) == (12 * 5 - steps.WARM_UP if replays else 0)
    (captured, epochs), (eager, same_epochs) = weights
    assert epochs == same_epochs
    for name, tensor in captured.items():
        assert torch.equal(tensor, eager[name]), name


class InterruptionError(Exception):
    """Stands for a process that ends in the middle of a training."""


class InterruptingCheckpoint(Checkpoint):
    """Saves after every epoch, and ends the process after the second save."""

    def save(self, tensors, record):
        super().save(tensors, record)
        if len(record["epochs"]) == 2:
            raise InterruptionError


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("schedule", ["one-cycle", "multistep", "cosine"])
def test_an_interrupted_training_ends_with_the_same_weights(few_images, tmp_path, schedule, device):
    settings = replace(SETTINGS, epochs=10, augment=True, schedule=schedule)
    _interrupt(fresh_net, moved(few_images, device), settings, tmp_path)


@pytest.mark.parametrize("device", DEVICES)
def test_an_interrupted_training_with_dropout_ends_with_the_same_weights(few_images, tmp_path, device):
    _interrupt(net_with_dropout, moved(few_images, device), replace(SETTINGS, epochs=10), tmp_path)


def _interrupt(make, few_images, settings, tmp_path):
    device = few_images.train.labels.device
    make_deterministic(0, torch.get_num_threads(), device)
    undisturbed, interrupted = make().to(device), make().to(device)
    expected = train(undisturbed, few_images, settings, seed=0)
    path = tmp_path / "checkpoint"
    with pytest.raises(InterruptionError):
        train(
            interrupted, few_images, settings, 0, InterruptingCheckpoint(path, "key", Stopwatch(), interval=0)
        )

    taken_up = make().to(device)
    torch.manual_seed(9)  # Another process draws other numbers.
    record = train(taken_up, few_images, settings, 0, Checkpoint(path, "key", Stopwatch(), interval=0))
    assert record == expected
    for name, tensor in undisturbed.state_dict().items():
        assert torch.equal(tensor, taken_up.state_dict()[name])


def test_a_checkpoint_of_another_computation_or_a_damaged_one_is_not_taken_up(tmp_path, caplog):
    path = tmp_path / "checkpoint"
    Checkpoint(path, "mine", Stopwatch()).save({"a": torch.ones(2)}, {"step": 1})
    assert Checkpoint(path, "mine", Stopwatch()).load() is not None
    assert Checkpoint(path, "other", Stopwatch()).load() is None
    sound = path.read_bytes()
    flipped = [bytes([*sound[:at], sound[at] ^ 1, *sound[at + 1 :]]) for at in range(len(sound))]
    # The last one is a file without a digest.
    for damaged in (*flipped, sound[:-3], sound + b"x", b"", bytes(len(sound)), sound[32:]):
        path.write_bytes(damaged)
        caplog.clear()
        assert Checkpoint(path, "mine", Stopwatch()).load() is None
        assert "damaged, or of another version: starting again" in caplog.text


def test_optimizers_are_torchs_without_its_compiler():
    """To the last bit, with all that is used of them, a schedule, and after an interruption."""
    code = """
import sys
import torch
from filterbench.training import optimizers
from torch.optim.lr_scheduler import OneCycleLR

def weights(kind, arguments):
    torch.manual_seed(0)
    net = torch.nn.Linear(30, 20)
    optimizer = kind(net.parameters(), lr=0.1, weight_decay=0.01, **arguments)
    schedule = OneCycleLR(optimizer, 0.1, total_steps=8)
    for step in range(8):
        if step == 4:
            state = optimizer.state_dict()
            optimizer.load_state_dict(state)
        optimizer.zero_grad()
        net(torch.rand(5, 30)).square().mean().backward()
        optimizer.step()
        schedule.step()
    return net.weight

asked = {"SGD": {"momentum": 0.9}, "Adam": {}}
found = {name: weights(getattr(optimizers, name), arguments) for name, arguments in asked.items()}
assert "torch._dynamo" not in sys.modules
for name, arguments in asked.items():
    assert torch.equal(found[name], weights(getattr(torch.optim, name), arguments))
assert "torch._dynamo" in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], cwd=WORKFLOW, check=True)


def test_a_cosine_falls_from_the_asked_rate_to_half_of_it_at_half_time(few_images):
    record = train(fresh_net(), few_images, replace(SETTINGS, schedule="cosine"), seed=0)
    rates = [epoch["learning_rate"] for epoch in record.epochs]
    assert rates[0] == pytest.approx(SETTINGS.learning_rate)
    assert rates[2] == pytest.approx(SETTINGS.learning_rate / 2)
    assert rates == sorted(rates, reverse=True)


@pytest.mark.parametrize("change", [{"nesterov": True}, {"label_smoothing": 0.1}, {"precision": "bfloat16"}])
def test_what_is_not_the_default_changes_a_training_and_is_recorded(change, few_images):
    plain, changed = (
        train(fresh_net(), few_images, replace(SETTINGS, **more), seed=0) for more in ({}, change)
    )
    assert plain.epochs != changed.epochs
    recorded = changed.document()["settings"]
    assert recorded == plain.document()["settings"] | change


def test_top_5_is_measured_with_20_classes_and_more(few_images):
    """A net that ranks the classes by their number, for images of the classes 0 and 7."""

    class Ranking(nn.Module):
        def __init__(self, classes):
            super().__init__()
            self.classes = classes

        def forward(self, images):
            return -torch.arange(float(self.classes)).expand(len(images), -1)

    images = replace(few_images.test, labels=7 * few_images.test.labels)
    assert evaluate(Ranking(20), images).top5 == 0.5
    assert evaluate(Ranking(19), images).top5 is None
