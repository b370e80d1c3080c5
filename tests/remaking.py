"""Files that `validate` makes again from others."""

from pathlib import Path

from filterbench.orchestration.tables import TableParams
from filterbench.stages.validate import REMADE


def assert_changes_are_found(page: str, asked: TableParams, root: Path, change: tuple[str, str]) -> None:
    """Sound files have no finding; each that is changed by hand is found by its name.

    Args:
        page: name of one of the files that are made together.
        asked: what they are made from.
        root: of the checkout that has them.
        change: a text of each file, and what takes its place once.
    """
    (made,) = [each for each in REMADE if page in each.names.values()]
    assert list(made.findings(asked, root)) == []
    for name in made.names.values():
        path = root / "results" / asked.study / name
        sound = path.read_text()
        path.write_text(sound.replace(*change, 1))
        assert [finding.file for finding in made.findings(asked, root)] == [path]
        path.write_text(sound)
