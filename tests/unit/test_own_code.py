"""Code of the user's own, taken into the registries."""

import os
import shutil
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml

from filterbench.orchestration import code, definitions
from filterbench.orchestration.code import rule_digest
from filterbench.own_code import VARIABLE, registering
from filterbench.own_code.entries import entry_faults
from filterbench.own_code.registering import KINDS
from filterbench.storage.errors import InputError
from filterbench.study.cells import round_channels
from filterbench.study.reading import read_study

REPOSITORY = Path(__file__).parents[2]
LONG = 49 * "a"
STUDY = "own_study.yaml"
# Of the template study, from the pruners that it keeps to their settings.
BETWEEN = "\nmodels: {small-net: {width: 0.5}}\nsparsities: [0.5, 0.65]\npruners:\n"
NAMED = ("own_pruner.py", "own_taylor.py", "own_model.py", "own_dataset.py")


@contextmanager
def remembered(monkeypatch):
    """Forgets afterwards what was registered."""
    before = [(registry, dict(registry)) for registry, _ in KINDS.values()]
    monkeypatch.setenv(VARIABLE, "{}")
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.setattr(registering, "_HOMES", {})
    monkeypatch.setattr(registering, "_FOLDERS", {})
    monkeypatch.setattr(registering, "_VARIANTS", {})
    monkeypatch.setattr(registering, "_CONTROLS", {})
    yield
    for registry, entries in before:
        registry.clear()
        registry.update(entries)


@pytest.fixture
def mine(tmp_path, monkeypatch):
    """A folder with the templates; what they register is forgotten afterwards."""
    folder = tmp_path / "mine"
    shutil.copytree(REPOSITORY / "docs/templates", folder)
    shutil.copy(REPOSITORY / "config.yaml", tmp_path)
    text = (folder / STUDY).read_text()
    (folder / STUDY).write_text(text.replace("../../config.yaml", "../config.yaml"))
    modules = set(sys.modules)
    with remembered(monkeypatch):
        yield folder
    for name in set(sys.modules) - modules:
        if getattr(sys.modules[name], "__file__", None) and str(folder) in str(sys.modules[name].__file__):
            del sys.modules[name]


def read(file: Path) -> dict:
    return read_study(yaml.safe_load(file.read_text()), [str(file)], {})


def test_a_file_beside_the_study_joins_the_registries(mine):
    config = read(mine / STUDY)
    assert config["code"][0] == str(mine / "own_pruner.py")
    assert "LargestWeightPruner" in KINDS["PRUNERS"][0]
    assert KINDS["MODELS"][0]["small-net"].label == "small net"
    # Again, as a job does it in a process that a parent with all of it was forked for.
    registering.register_inherited()


def test_a_variant_is_its_pruner_under_another_name(mine):
    text = (mine / STUDY).read_text()
    text = text.replace("FilterTaylorPruner]", "FilterTaylorPruner, Rounded]")
    study = text.replace("pruners:\n", "pruners:\n  Rounded: {variant_of: FPGMPruner, round_channels: 8}\n")
    (mine / STUDY).write_text(study)
    config = read(mine / STUDY)
    pruners = KINDS["PRUNERS"][0]
    assert pruners["Rounded"] is pruners["FPGMPruner"]
    assert (round_channels(config, "Rounded"), round_channels(config, "FPGMPruner")) == (8, 1)
    digests = [rule_digest("prune", pruner=name, model="vgg16") for name in ("Rounded", "FPGMPruner")]
    assert digests[0] == digests[1] != rule_digest("prune", pruner="LAMPPruner", model="vgg16")


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("centred: true", "centered: true", "pruners.LargestWeightPruner.arguments: unknown key 'centered'"),
        ("[own_pruner.py,", "[pruner.py,", "code: pruner.py: there is no file /"),
        ("[own_pruner.py,", "[broken.py,", "broken.py: cannot be imported (ModuleNotFoundError"),
        ("[own_pruner.py,", "[script.py,", "script.py: cannot be imported (SystemExit: 2)"),
        (
            "[own_pruner.py,",
            "[empty.py,",
            "empty.py: needs entries in one of the dictionaries PRUNERS, MODELS, DATASETS",
        ),
        ("[own_pruner.py,", "[random.py,", "Python has another module 'random'"),
        (
            "[own_pruner.py,",
            "[own-pruner.py,",
            "'own-pruner' is not a valid name for a module; rename the file",
        ),
        ("[own_pruner.py,", "[taken.py,", "PRUNERS: the name 'FPGMPruner' is taken; choose another"),
        ("[own_pruner.py,", "[plain.py,", "PRUNERS['MinePruner'] is not a PrunerEntry"),
        (
            "{arguments: {centred",
            "{variant_of: L1Pruner, arguments: {centred",
            "variant_of: unknown 'L1Pruner'",
        ),
        ("{arguments: {centred", "{variant_of: FPGMPruner, arguments: {centred", "is the name of a pruner"),
        ("[own_pruner.py,", "[bound.py,", "(TypeError: unknown bound 'above'; allowed: minimum, exclusive"),
        (
            "[own_pruner.py,",
            "[alike.py,",
            "tables show 'FPGM' and 'FPGMPruner' by the same name; choose another",
        ),
        (
            f"FilterTaylorPruner]{BETWEEN}",
            f"FPGM]{BETWEEN}  FPGM: {{variant_of: FPGMPruner}}\n",
            "FPGM.variant_of: tables show 'FPGM' and 'FPGMPruner' by the same name; choose another",
        ),
        ("[own_pruner.py,", "[spaced.py,", "PRUNERS: 'Mine/Pruner' is not a valid name; allowed: a letter"),
        ("[own_pruner.py,", "[long.py,", "PRUNERS: '" + LONG + "' is not a valid name; allowed: a letter, "),
        ("[own_pruner.py,", f"[{LONG}.py,", f"'{LONG}' is not a valid name for a module; rename the file"),
        (
            f"FilterTaylorPruner]{BETWEEN}",
            f"{LONG}]{BETWEEN}  {LONG}: {{variant_of: FPGMPruner}}\n",
            f"pruners: '{LONG}' is not a valid name",
        ),
        (
            "[own_pruner.py, own_taylor.py, own_model.py, own_dataset.py]",
            "own_pruner.py",
            "is not of type 'array'",
        ),
    ],
)
def test_a_mistake_is_told(mine, old, new, expected):
    about = "from filterbench.pruners.registry import PRUNERS as P\n"
    files = {
        "broken": "import no_such_module",
        "script": "import argparse\nargparse.ArgumentParser().parse_args(['--arch'])",
        "empty": "PRUNERS = {}",
        "random": "PRUNERS = {}",
        "own-pruner": "PRUNERS = {}",
        "taken": f"{about}PRUNERS = {{'FPGMPruner': P['L1FilterPruner']}}",
        "plain": "class MinePruner: ...\nPRUNERS = {'MinePruner': MinePruner}",
        "bound": "from filterbench.pruners.arguments import number\nnumber(1.0, 'Mine.', above=0)",
        "alike": f"{about}PRUNERS = {{'FPGM': P['L1FilterPruner']}}",
        "long": f"{about}PRUNERS = {{'{LONG}': P['L1FilterPruner']}}",
        LONG: "PRUNERS = {}",
        "spaced": f"{about}PRUNERS = {{'Mine/Pruner': P['L1FilterPruner']}}",
    }
    for name, text in files.items():
        (mine / f"{name}.py").write_text(text)
    study = (mine / STUDY).read_text()
    assert old in study
    (mine / STUDY).write_text(study.replace(old, new))
    with pytest.raises(InputError) as error:
        read(mine / STUDY)
    assert str(error.value).startswith(f"{mine / STUDY}: ")
    assert expected in str(error.value)


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ("PrunerEntry('paper', 'own_pruner')", "pruner: 'own_pruner'; allowed: module:name"),
        ("PrunerEntry('paper', LargestWeight)", "is not a str"),
        ("PrunerEntry('paper', 'm:C', search='paths')", "search: 'paths'; allowed: none, candidates, path"),
        ("PrunerEntry('paper', 'm:C', control='yes')", "control: 'yes' is not a bool"),
        ("PrunerEntry('paper', 'm:C', ['centred'])", "arguments: ['centred'] is not a Mapping"),
        ("PrunerEntry('paper', 'm:C', {'a': 1})", "arguments: a: 1 is not an argument with a default"),
        ("PrunerEntry('paper', 'm:C', {'a': {'type': 'bool', 'default': 1}})", "arguments: a: 'bool' is not"),
        (
            "PrunerEntry('paper', 'm:C', {'a': whole(0, 'Mine.', minimum=1)})",
            "arguments: a: default: 0 is less",
        ),
    ],
)
def test_a_malformed_entry_is_refused_by_its_field(entry, expected, mine):
    text = (mine / "own_pruner.py").read_text().partition("# The key is")[0]
    text = text.replace("import switch", "import switch, whole")
    (mine / "own_pruner.py").write_text(f"{text}PRUNERS = {{'LargestWeightPruner': {entry}}}\n")
    with pytest.raises(InputError) as error:
        read(mine / STUDY)
    assert "own_pruner.py: PRUNERS['LargestWeightPruner']." in str(error.value)
    assert expected in str(error.value)


def test_entries_of_the_package_have_no_fault():
    for registry, _ in KINDS.values():
        assert [fault for entry in registry.values() for fault in entry_faults(entry)] == []


def test_code_of_an_extended_study_is_announced_before_it_runs(mine):
    (mine / "own_pruner.py").write_text("raise RuntimeError('it runs')")
    (mine / "short.yaml").write_text(f"extends: {STUDY}\nstudy: short\n")
    announced = []
    with pytest.raises(InputError, match="RuntimeError: it runs"):
        read_study({"extends": STUDY, "study": "short"}, [str(mine / "short.yaml")], {}, announced.extend)
    assert announced == [str(mine / name) for name in NAMED]


def test_an_installed_package_names_its_entries(tmp_path):
    package = tmp_path / "site/my_package"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("")
    template = (REPOSITORY / "docs/templates/own_pruner.py").read_text()
    text = template.replace('"own_pruner:', '"my_package.pruners:').replace("weight.abs()", "FACTOR * weight")
    text = text.replace("import torch\n", "import torch\n\nfrom .scale import FACTOR\n", 1)
    (package / "pruners.py").write_text(text)
    (package / "scale.py").write_text("FACTOR = 1\n")
    about = tmp_path / "site/my_package-1.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: my-package\nVersion: 1\n")
    (about / "entry_points.txt").write_text("[filterbench]\npruners = my_package.pruners\n")

    def digest() -> str:
        code = (
            "from filterbench.own_code.registering import register; register([], {}, 'study');"
            "from filterbench.orchestration.code import rule_digest;"
            "print(rule_digest('prune', pruner='LargestWeightPruner', model='vgg16'))"
        )
        path = os.pathsep.join([str(REPOSITORY / "workflow"), str(tmp_path / "site")])
        own = os.environ | {"PYTHONPATH": path}
        run = subprocess.run(
            [sys.executable, "-c", code], env=own, capture_output=True, text=True, check=True
        )
        return run.stdout

    first = digest()
    # What the module imports from its package counts, too.
    (package / "scale.py").write_text("FACTOR = 2\n")
    assert digest() != first


ENTRY = 'PrunerEntry("mine", "own:Mine")'
PLAIN = f"class Mine:\n    factor = FACTOR\n\nPRUNERS = {{'MinePruner': {ENTRY}}}\n"
# By what a user's module does, its text without the import of PrunerEntry.
FORMS = {
    "a key in a variable": f"from h import FACTOR\nKEY = 'MinePruner'\nPRUNERS = {{KEY: {ENTRY}}}\n",
    "an update": f"import h\nPRUNERS = {{}}\nPRUNERS.update(MinePruner={ENTRY})\n",
    "an import of everything": f"from h import *\n{PLAIN}",
    "an import that is tried": f"try:\n    from h import FACTOR\nexcept ImportError:\n    raise\n{PLAIN}",
    "an import where types are not checked": "from typing import TYPE_CHECKING\n"
    f"if TYPE_CHECKING:\n    FACTOR = 1\nelse:\n    from h import FACTOR\n{PLAIN}",
    "an import in a function": "class Mine:\n    def prune(self):\n        import h\n        h.FACTOR\n"
    f"PRUNERS = {{'MinePruner': {ENTRY}}}\n",
    "a module of a package": f"import pk.h\nFACTOR = pk.h.FACTOR\n{PLAIN}",
    "a name that a package passes on": f"from pk import FACTOR\n{PLAIN}",
    "a registry of another module": "from impl import PRUNERS\n",
}


@pytest.mark.parametrize("form", FORMS)
def test_whatever_a_users_module_imports_counts(form, mine):
    heading = "from filterbench.pruners.registry import PrunerEntry\n"
    (mine / "own.py").write_text(heading + FORMS[form])
    (mine / "impl.py").write_text(f"{heading}from h import FACTOR\n{PLAIN}")
    (mine / "pk").mkdir()
    (mine / "pk/__init__.py").write_text("from .h import FACTOR\n")
    helpers = [mine / "h.py", mine / "pk/h.py"]

    def digest(text: str) -> str:
        for helper in helpers:
            helper.write_text(text)
        for cached in (code._digest, definitions.module_of, definitions.part_of, definitions.entry_of):
            cached.cache_clear()
        return rule_digest("prune", pruner="MinePruner", model="vgg16")

    for helper in helpers:
        helper.write_text("FACTOR = 1\n")
    registering.register([str(mine / "own.py")], {}, "mine.yaml")
    first = digest("FACTOR = 1\n")
    assert digest("# Two of them.\nFACTOR = 1\n") == first
    assert digest("FACTOR = 2\n") != first


@pytest.mark.parametrize("encoding", ["utf-8-sig", "latin-1"])
def test_a_users_module_may_have_any_encoding(encoding, mine):
    text = (mine / "own_pruner.py").read_text()
    (mine / "own_pruner.py").write_text(
        f"# -*- coding: {encoding} -*-\n# caf\u00e9\n{text}", encoding=encoding
    )
    registering.register([str(mine / "own_pruner.py")], {}, "mine.yaml")
    assert rule_digest("prune", pruner="LargestWeightPruner", model="vgg16")


def test_a_variant_of_a_variant_is_refused(monkeypatch):
    variants = {"FirstPruner": "L1FilterPruner", "SecondPruner": "FirstPruner"}
    refusal = "mine.yaml: pruners.SecondPruner.variant_of: unknown 'FirstPruner'; allowed: L1FilterPruner"
    with remembered(monkeypatch), pytest.raises(InputError, match=refusal):
        registering.register([], variants, "mine.yaml")
