"""Which test images a net gets right."""

import numpy as np
import pytest

from filterbench.storage.correctness import read_correct, write_correct
from filterbench.storage.errors import InputError


@pytest.mark.parametrize("images", [1, 8, 60, 1001])
def test_each_image_keeps_its_bit(tmp_path, images):
    correct = np.random.default_rng(0).random(images) < 0.7
    write_correct(tmp_path / "finetune.correct", correct)
    read = read_correct(tmp_path / "finetune.correct", images)
    assert read.dtype == bool
    assert (read == correct).all()
    assert (tmp_path / "finetune.correct").stat().st_size == (images + 7) // 8


def test_a_missing_or_foreign_file_is_a_clear_error(tmp_path):
    path = tmp_path / "finetune.correct"
    with pytest.raises(InputError, match=r"finetune.correct: no such file"):
        read_correct(path, 8)
    write_correct(path, np.ones(60, dtype=bool))
    with pytest.raises(InputError, match=r"finetune.correct: 8 bytes, but 100 test images need 13"):
        read_correct(path, 100)
    with pytest.raises(InputError, match=r"finetune.correct: 8 bytes, but 50 test images need 7"):
        read_correct(path, 50)
