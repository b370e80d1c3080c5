"""Studies that YAML reads in silence, but not as they look; each is refused with its place."""

from pathlib import Path

import pytest
import yaml
from checkout import REPOSITORY

from filterbench.storage.errors import InputError
from filterbench.study.reading import read_study


def read(file: Path) -> dict:
    """As Snakemake does, which takes the first of several documents."""
    return read_study(next(yaml.safe_load_all(file.read_text())), [str(file)], {})


BOMB = "\n".join(f"a{i}: &a{i} [{', '.join(9 * [f'*a{i - 1}'])}]" for i in range(1, 9))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("seeds: [010]", r"YAML reads 010 as 8 \(line 3\); write 8"),
        ("seeds: [0x10]", r"YAML reads 0x10 as 16 \(line 3\); write 16"),
        ("seeds: [1:30]", r"YAML reads 1:30 as 90 \(line 3\); write 90"),
        ("sparsities: [0:30.5]", r"YAML reads 0:30\.5 as 30\.5 \(line 3\); write 30\.5"),
        ('claims: "a\\0b"', r"a text with the character NUL \(line 3\)"),
        ('dataset: {folder: "a\\0b"}', r"a text with the character NUL \(line 3\)"),
        ('"a\\0b": 1', r"a text with the character NUL \(line 3\)"),
        (f"a0: &a0 [1]\n{BOMB}", r"its aliases make \d+ values of it; at most 100000"),
        ("seeds: [2026-01-01]", r"seeds\[0\]: datetime\.date\(2026, 1, 1\) is not of type 'integer'"),
        ("seeds: [true]", r"seeds\[0\]: True is not of type 'integer'"),
        ("seeds: [1e5]", r"seeds\[0\]: '1e5' is not of type 'integer'; write 100000"),
        ("sparsities: [50%]", r"sparsities\[0\]: '50%' is not of type 'number'"),
        ("sparsities: [0.5, 0.50]", r"sparsities: \[0\.5, 0\.5\] has a duplicate value"),
        ("1: 2", r"unknown key 1; allowed: study, dataset"),
        ("baseline: {epochs: 1" + 300 * "0" + "}", r"baseline\.epochs: 10+"),
        ("latency: {threads: 1000000000000}", r"threads: 1000000000000 is greater than the maximum"),
        (
            "pruners: {TaylorPruner: {arguments: {images: 1000000000000000000}}}",
            r"images: 1000000000000000000 is greater than the maximum",
        ),
        (
            "baseline: {learning_rate: 1.0e+30}",
            r"learning_rate: 1e\+30 is greater than the maximum",
        ),
        ("seeds: !!set {0, 1}", r"seeds: \{0, 1\} is not of type 'array'"),
        ("study: !!binary aGVsbG8=", r"study: b'hello' is not of type 'string'"),
        ("study: \ufb01ne", r"study: '\ufb01ne' does not match"),
        (
            "models: {vgg16: {normalisation: {mean: [0.5], std: [0]}}}",
            r"std\[0\]: 0 is less than",
        ),
        ('dataset: {folder: ""}', r"dataset\.folder: '' "),
        ("models: {18: {width: 1}}", r"models: unknown 18; allowed: vgg16"),
        ("models: {no: {width: 1}}", r"models: unknown False; allowed: vgg16"),
        ("models: {1.5: {width: a}}", r"models\['1\.5'\]\.width: 'a' is not of type 'number'"),
        (
            "pruners: {L1FilterPruner: {sparsities: {0.5: [vgg16]}}}",
            r"L1FilterPruner\.sparsities\['0\.5'\]\[0\]: 'vgg16' is not of type 'number'",
        ),
        ("seeds: [1]\n---\nseeds: [2]", r"cannot be read as YAML \(expected a single document"),
    ],
)
def test_it_is_refused_by_name(text, said, tmp_path):
    file = tmp_path / "odd.yaml"
    file.write_text(f"extends: {REPOSITORY / 'config.yaml'}\n# odd\n{text}\n")
    with pytest.raises(InputError, match=rf"odd\.yaml: .*{said}") as error:
        read(file)
    assert len(str(error.value)) < 1000


def test_plain_notations_and_merged_mappings_are_read(tmp_path):
    file = tmp_path / "plain.yaml"
    file.write_text(
        f"extends: {REPOSITORY / 'config.yaml'}\nseeds: [+1, 1_000]\nsparsities: [.5]\n"
        "baseline: &own {learning_rate: 1.0e-2}\nfinetune: {<<: *own, epochs: 3}\n"
    )
    config = read(file)
    assert (config["seeds"], config["sparsities"]) == ([1, 1000], [0.5])
    assert (config["finetune"]["learning_rate"], config["finetune"]["epochs"]) == (0.01, 3)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"seeds": ["010"]}, "^--config seeds: YAML reads 010 as 8"),
        ({"dataset": {"test_images": "0x10"}}, "^--config dataset: YAML reads 0x10 as 16"),
        # A text that is no YAML.
        ({"study": "a: b: c"}, "study: 'a: b: c' does not match"),
        ({"protocol": "2026-99-99"}, "protocol: '2026-99-99' is not one of"),
    ],
)
def test_the_command_line_is_read_like_a_study(given, said, default_config):
    with pytest.raises(InputError, match=said):
        read_study(default_config, [], given)


def test_a_number_on_the_command_line_is_a_number(default_config):
    assert read_study(default_config, [], {"seeds": ["0", "1"]})["seeds"] == [0, 1]
