"""The page of a stranger's results in a real browser: no text of theirs runs as a script."""

import pandas as pd
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait
from settings import PATIENCE
from test_page import browser, pytestmark  # noqa: F401

from filterbench.analysis.claims import placed, read_claims
from filterbench.analysis.pareto import with_fronts
from filterbench.analysis.published import published_cells
from filterbench.analysis.published_tables import PAPER_TABLE
from filterbench.analysis.seeds import with_statistics
from filterbench.analysis.verdicts import verdicts_document
from filterbench.page.page import page

RUN = "window.started = 1"
HOSTILE = [
    f"<script>{RUN}</script>",
    f"</script><script>{RUN}</script>",
    f'<img src=x onerror="{RUN}">',
    f'"><svg onload="{RUN}">',
    f"' onmouseover='{RUN}' x='",
    f'" autofocus onfocus="{RUN}" x="',
    f'<a href="javascript:{RUN}">click</a>',
    f"${{{RUN}}}",
    f"{{{{ {RUN} }}}}",
    f"<!--<script>{RUN}",
    f"\u2028{RUN}\u2029",
]


ALL = "".join(HOSTILE)


def hostile_page() -> str:
    """A page with these texts wherever a stranger's file has a text."""
    cells = published_cells("vgg16").assign(seed=0, seconds_prune=1.0, seconds_finetune=1.0)
    named = [cells.head(3).assign(pruner=f"{text}Pruner", protocol=text, device=text) for text in HOSTILE]
    table = with_fronts(with_statistics(pd.concat([cells, *named], ignore_index=True)))
    table["infeasible"] = table["infeasible"].astype(object)
    table.loc[: len(HOSTILE) - 1, "infeasible"] = HOSTILE
    points = read_claims(PAPER_TABLE)
    claims = pd.concat([points.assign(source=text, label=text) for text in HOSTILE], ignore_index=True)
    return page(
        ALL,
        ALL,
        {"vgg16": table},
        verdicts=verdicts_document(ALL, table),
        others={"vgg16": {text: published_cells("vgg16") for text in HOSTILE}},
        claims={"vgg16": placed(claims, "vgg16", "cifar10", table)},
    )


def test_no_text_runs_as_a_script(browser, tmp_path):  # noqa: F811
    (tmp_path / "page.html").write_text(hostile_page(), encoding="utf-8")
    browser.get((tmp_path / "page.html").as_uri())
    WebDriverWait(browser, PATIENCE).until(
        lambda page: page.execute_script("return document.body.dataset.ready")
    )
    browser.execute_script(
        # Every box, hover and link.
        "document.querySelectorAll('#controls input:not(:checked)').forEach(box => box.click());"
        "document.querySelectorAll('.plot').forEach(plot => plot.data.forEach((trace, curve) =>"
        "  Plotly.Fx.hover(plot, [{curveNumber: curve, pointNumber: 0}])));"
        "document.querySelectorAll('a').forEach(link => link.click());"
    )
    assert browser.execute_script("return window.started ?? null") is None
    assert browser.find_element(By.TAG_NAME, "h1").text.split() == ALL.split()


def test_the_browser_would_run_one(browser, tmp_path):  # noqa: F811
    (tmp_path / "page.html").write_text(f"<!DOCTYPE html><body>{HOSTILE[0]}</body>")
    browser.get((tmp_path / "page.html").as_uri())
    assert browser.execute_script("return window.started ?? null") == 1
