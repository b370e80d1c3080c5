"""The page and the report in a real browser: Debian's Chromium, without a network."""

import json
import re
import shutil
import time
from pathlib import Path

import pandas as pd
import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import Select, WebDriverWait
from settings import PATIENCE

from filterbench.analysis.claims import placed, read_claims
from filterbench.analysis.pareto import with_fronts
from filterbench.analysis.published import published_cells
from filterbench.analysis.published_tables import PAPER_TABLE, published_names
from filterbench.analysis.seeds import with_statistics
from filterbench.analysis.verdicts import verdicts_document
from filterbench.page.page import page

pytestmark = pytest.mark.skipif(
    not (shutil.which("chromium") and shutil.which("chromedriver")),
    reason="needs Debian's packages chromium and chromium-driver",
)
CHROMIUM, DRIVER = (shutil.which(name) for name in ("chromium", "chromedriver"))
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
SEEDS = 5
LARGEST = 5_000_000


@pytest.fixture(scope="module")
def browser():
    options = webdriver.ChromeOptions()
    for flag in FLAGS:
        options.add_argument(flag)
    options.binary_location = CHROMIUM
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    chromium = webdriver.Chrome(options=options, service=webdriver.ChromeService(DRIVER))
    yield chromium
    chromium.quit()


def repeated_cells(model: str) -> pd.DataFrame:
    """The published cells as if five seeds had made them, two thousandths apart."""
    cells = [published_cells(model).assign(seed=seed) for seed in range(SEEDS)]
    for seed, table in enumerate(cells):
        table["performance_finetuned"] += 0.002 * (seed - SEEDS // 2)
    return pd.concat(cells, ignore_index=True)


@pytest.fixture(scope="module")
def html(tmp_path_factory) -> Path:
    """The page of a study as large as the published one with five seeds."""
    cells = {model: with_fronts(with_statistics(repeated_cells(model))) for model in published_names("model")}
    # With 10,000 test images, of which 360 would decide nothing.
    verdicts = verdicts_document("a large study", pd.concat(cells.values(), ignore_index=True))
    tables = {
        model: table.assign(
            protocol="validation",
            performance_original_finetuned=0.951,
            performance_compact=0.1,
            images_evaluated=1000,
            images_trained=0,
            seconds_prune=3.0,
            seconds_finetune=60.0,
            test_images=360.0,
        )
        for model, table in cells.items()
    }
    tables["vgg16"].iloc[0, tables["vgg16"].columns.get_loc("infeasible")] = "<b>out of reach</b>"
    claims = {
        # Such a source, escaped by halves, keeps the script element that holds the data from ending.
        model: placed(read_claims(PAPER_TABLE).assign(source="<!--<script>"), model, "cifar10", table)
        for model, table in tables.items()
    }
    text = page(
        "large",
        "A large study",
        tables,
        verdicts=verdicts,
        others={model: {"published": published_cells(model)} for model in tables},
        claims=claims,
        controls=["FPGMPruner"],
    )
    path = tmp_path_factory.mktemp("page") / "page.html"
    path.write_text(text)
    return path


@pytest.fixture
def opened(browser, html):
    """The page, loaded afresh; no test may leave an error in the console."""
    browser.set_window_size(1280, 1000)
    browser.get_log("browser")
    browser.get(html.as_uri())
    WebDriverWait(browser, PATIENCE).until(
        lambda page: page.execute_script("return document.body.dataset.ready")
    )
    yield browser
    assert browser.get_log("browser") == []


def plotted(browser, slot: int = 0) -> list[dict]:
    """Names, first x and modes of the traces of a plot."""
    return browser.execute_script(
        "return document.querySelectorAll('.plot')[arguments[0]].data"
        ".map(trace => ({name: trace.name, mode: trace.mode, x: trace.x}))",
        slot,
    )


def axis(browser, slot: int = 0) -> dict:
    return browser.execute_script(
        "const axis = document.querySelectorAll('.plot')[arguments[0]]._fullLayout.xaxis;"
        "return {type: axis.type, title: axis.title.text, range: axis.range}",
        slot,
    )


def table_rows(browser) -> list[list[str]]:
    rows = browser.find_elements(By.CSS_SELECTOR, "#cells tbody tr")
    return [[cell.text for cell in row.find_elements(By.TAG_NAME, "td")] for row in rows]


def test_the_page_is_one_small_file_that_needs_no_network(html):
    text = html.read_text()
    assert len(text.encode()) < LARGEST
    assert not re.search(r"<(script|link|img)[^>]+(src|href)=.http", text)


def test_the_page_loads(opened, capsys):
    ready = int(opened.execute_script("return document.body.dataset.ready"))
    with capsys.disabled():
        print(f"\n183 cells x {SEEDS} seeds ready after {ready} ms")
    assert opened.find_element(By.TAG_NAME, "h1").text == "A large study"
    assert {trace["name"] for trace in plotted(opened)} >= {"L1Filter", "AutoCompress", "original"}


def test_a_pruner_is_switched_off_and_on_by_a_click(opened):
    box = opened.find_element(By.CSS_SELECTOR, "#pruners input[value=FPGMPruner]")
    box.click()
    assert "FPGM" not in {trace["name"] for trace in plotted(opened)}
    box.click()
    assert "FPGM" in {trace["name"] for trace in plotted(opened, 1)}


def test_the_x_axis_and_its_scale_are_chosen(opened):
    assert axis(opened) | {"range": 0} == {"type": "log", "title": "parameters after speedup", "range": 0}
    opened.find_element(By.ID, "log").click()
    assert axis(opened)["type"] == "linear"
    Select(opened.find_elements(By.CSS_SELECTOR, ".axis")[0]).select_by_value("images")
    assert axis(opened)["title"].startswith("search cost")
    assert axis(opened, 1)["title"].startswith("FLOPs")


def test_published_cells_are_switched_off(opened):
    before = len(plotted(opened))
    opened.find_element(By.ID, "published").click()
    assert len(plotted(opened)) == before - 6
    alone = [trace["name"] for trace in plotted(opened) if trace["mode"] == "markers"]
    assert alone == ["front", "AutoCompress paper", "original, fine-tuned", "original"]


def test_a_model_is_chosen(opened):
    Select(opened.find_element(By.ID, "model")).select_by_visible_text("resnet50")
    assert plotted(opened)[-1] == {"name": "original", "mode": "markers", "x": [23520842]}


def test_a_blind_search_and_the_unpruned_net_with_the_same_finetuning_are_told_apart(opened):
    # Wide enough for all columns.
    opened.set_window_size(1800, 1000)
    opened.find_element(By.ID, "published").click()
    traces = opened.execute_script(
        "return document.querySelector('.plot').data"
        ".map(trace => ({name: trace.name, symbol: trace.marker.symbol, text: trace.text}))"
    )
    by_name = {trace["name"]: trace for trace in traces}
    assert by_name["original, fine-tuned"]["symbol"] == "star-open"
    assert "95.10 %" in by_name["original, fine-tuned"]["text"]
    annealing = by_name["SimulatedAnnealing"]
    blind = [text for text in annealing["text"] if "blind search" in text]
    assert len(blind) == sum(symbol.endswith("-open") for symbol in annealing["symbol"]) == 6
    headings = [heading.text for heading in opened.find_elements(By.CSS_SELECTOR, "#cells thead th")]
    opened.find_element(By.CSS_SELECTOR, ".dt-search input").send_keys("vgg16 SimulatedAnnealing 0.975")
    WebDriverWait(opened, PATIENCE).until(
        lambda page: table_rows(page)[0][headings.index("sparsity")] == "0.975"
    )
    row = dict(zip(headings, table_rows(opened)[0], strict=True))
    assert (row["blind search"], row["original, fine-tuned (%)"]) == ("blind", "95.10")
    low, mean, high = (float(row[name]) for name in ("95 % from", "mean of seeds (%)", "to"))
    assert low < mean < high


def test_dragging_zooms_and_a_marker_tells_its_numbers(opened):
    before = axis(opened)["range"]
    area = opened.find_elements(By.CSS_SELECTOR, ".plot .nsewdrag")[0]
    drag = webdriver.ActionChains(opened)
    drag.move_to_element_with_offset(area, -100, -60).click_and_hold().move_by_offset(
        150, 100
    ).release().perform()
    WebDriverWait(opened, PATIENCE).until(lambda page: axis(page)["range"] != before)
    star = opened.find_elements(By.CSS_SELECTOR, ".plot")[1].find_elements(By.CSS_SELECTOR, ".point")[0]
    webdriver.ActionChains(opened).move_to_element(star).perform()
    WebDriverWait(opened, PATIENCE).until(lambda page: page.find_elements(By.CSS_SELECTOR, ".hovertext"))
    said = opened.find_element(By.CSS_SELECTOR, ".hovertext").text
    for part in ("after fine-tuning", "before", "parameters", "times fewer", "FLOPs"):
        assert part in said
    assert "5 seeds, standard deviation 0.32 %" in said
    assert "95 % interval of the mean" in said


def test_protocol_seeds_and_markers_are_told(opened):
    about = opened.find_element(By.ID, "about").text
    assert "protocol: validation" in about
    assert "seeds: 0, 1, 2, 3, 4" in about
    signs = [sign.text for sign in opened.find_elements(By.CSS_SELECTOR, "#pruners .sign")]
    assert signs == ["●", "■", "▲", "◆", "▼", "✚"]


def test_intervals_the_front_and_a_papers_point_are_drawn(opened):
    def traces() -> dict[str, dict]:
        found = opened.execute_script(
            "return document.querySelector('.plot').data.map(trace => ({name: trace.name, x: trace.x,"
            "y: trace.y, bars: trace.error_y?.array, text: trace.text}))"
        )
        return {trace["name"]: trace for trace in found}

    drawn = traces()
    assert drawn["L2Filter"]["bars"][0] == pytest.approx(0.3926, abs=1e-3)
    assert drawn["AutoCompress paper"]["x"] == [287121]
    assert "not like for like" in drawn["AutoCompress paper"]["text"]
    # No cell of a front has both fewer params and more accuracy than another.
    front = sorted(zip(drawn["front"]["x"], drawn["front"]["y"], strict=True))
    assert len(front) > 3
    assert [y for _, y in front] == sorted(y for _, y in front)
    for box in ("front", "claims"):
        opened.find_element(By.ID, box).click()
    assert not {"front", "AutoCompress paper"} & set(traces())


def test_a_logarithmic_axis_has_its_ticks_at_round_numbers_and_counts_are_whole(opened):
    ticks = "return document.querySelector('.plot')._fullLayout.xaxis.ticktext"
    shown = opened.execute_script(ticks)
    assert {"100K", "1M", "10M"} <= set(shown)
    assert "2M" not in shown
    # Fewer decades leave room for more ticks.
    Select(opened.find_element(By.ID, "drop")).select_by_visible_text("0.5")
    assert {"1M", "2M", "5M", "10M"} <= set(opened.execute_script(ticks))
    assert opened.find_element(By.ID, "about").text.endswith("test images: 360")


def test_ticks_are_at_1_2_and_5_times_powers_of_ten_up_to_a_factor_of_200(opened, html):
    source = re.search(r"function decades\(.*?\n}\n", html.read_text(), re.DOTALL)[0]
    ticks = f"const short = {{format: String}}; {source} return decades([10, 10 * arguments[0]]).tickvals"
    found = [opened.execute_script(ticks, factor) for factor in (190, 210, 1e9, 1e14)]
    assert found[0] == [step * power for power in (10, 100, 1000, 10000) for step in (1, 2, 5)]
    assert found[1:3] == [[10**power for power in range(1, 5)], [10**power for power in range(1, 11)]]
    assert found[3] is None


def test_a_filter_by_drop_and_what_to_take(opened):
    assert opened.find_element(By.ID, "recommended").text == "Choose a number of points at the top."
    before = sum(len(trace["x"]) for trace in plotted(opened))
    Select(opened.find_element(By.ID, "drop")).select_by_visible_text("0.5")
    after = [trace for trace in plotted(opened) if trace["name"] not in ("original", "original, fine-tuned")]
    assert 0 < sum(len(trace["x"]) for trace in after) < before
    said = opened.find_element(By.ID, "recommended").text
    assert "vgg16, at most 0.5 points below the original, times fewer params" in said
    assert "AutoCompress" in said
    # A control is not recommended.
    assert "FPGM" not in said
    Select(opened.find_element(By.ID, "model")).select_by_visible_text("resnet50")
    assert "resnet50, at most 0.5 points" in opened.find_element(By.ID, "recommended").text


def test_the_verdicts_are_there(opened):
    verdicts = opened.find_elements(By.CSS_SELECTOR, ".verdict")
    assert len(verdicts) >= 4
    assert verdicts[0].text.startswith(("holds", "does not hold", "cannot tell", "not asked"))
    verdicts[0].find_element(By.TAG_NAME, "summary").click()
    assert "vgg16" in verdicts[0].text


def test_the_table_is_sorted_and_filtered_and_names_documents(opened):
    assert "of 915 entries" in opened.find_element(By.CSS_SELECTOR, ".dt-info").text
    (reason,) = opened.find_elements(By.CSS_SELECTOR, "#cells details")
    assert reason.get_attribute("open") is None
    assert reason.text == "why\n<b>out of reach</b>"
    opened.find_element(By.CSS_SELECTOR, ".dt-search input").send_keys("resnet18 AutoCompress 0.975")
    info = opened.find_element(By.CSS_SELECTOR, ".dt-info")
    WebDriverWait(opened, PATIENCE).until(lambda _: "Showing 1 to 5 of 5" in info.text)
    seeds = opened.find_elements(By.CSS_SELECTOR, "#cells thead th")[3]
    for direction, order in (("ascending", "01234"), ("descending", "43210")):
        seeds.click()
        WebDriverWait(opened, PATIENCE).until(
            lambda _, wanted=direction: seeds.get_attribute("aria-sort") == wanted
        )
        WebDriverWait(opened, PATIENCE).until(
            lambda page, wanted=order: "".join(row[3] for row in table_rows(page)) == wanted
        )
    # No link: it would end where the page is moved to.
    opened.set_window_size(1800, 1000)
    assert table_rows(opened)[0][-1] == "resnet18/seed-4/AutoCompressPruner/0.975/result.json"
    assert not opened.find_elements(By.CSS_SELECTOR, "#cells tbody a")


def test_the_keyboard_reaches_every_control(opened):
    reached = []
    for _ in range(12):
        webdriver.ActionChains(opened).send_keys(Keys.TAB).perform()
        focused = opened.switch_to.active_element
        reached.append(focused.get_attribute("id") or focused.get_attribute("value"))
    assert reached[:7] == ["model", "log", "front", "published", "claims", "drop", "L1FilterPruner"]
    box = opened.find_element(By.ID, "log")
    box.send_keys(Keys.SPACE)
    assert axis(opened)["type"] == "linear"
    for plot in opened.find_elements(By.CSS_SELECTOR, ".plot"):
        assert plot.get_attribute("aria-label")


def test_the_table_of_cells_fits_a_usual_window(opened):
    table = opened.find_element(By.ID, "cells")
    assert table.size["width"] <= table.find_element(By.XPATH, "..").size["width"] <= 1280


def test_a_narrow_screen_needs_no_sideways_scrolling(opened):
    metrics = {"width": 400, "height": 800, "deviceScaleFactor": 1, "mobile": True}
    opened.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    try:
        time.sleep(0.5)
        assert opened.execute_script("return document.documentElement.scrollWidth") <= 400
        Select(opened.find_element(By.ID, "drop")).select_by_visible_text("0.5")
        for place in ("#cells", ".recommended table"):
            table = opened.find_element(By.CSS_SELECTOR, place)
            assert table.size["width"] <= table.find_element(By.XPATH, "..").size["width"] <= 400
    finally:
        opened.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def test_the_report_of_a_study_opens(browser, finished, tmp_path):
    checkout = finished.copy(tmp_path)
    run = checkout.snakemake("published", "all", "page", "reproduction")
    assert run.returncode == 0, run.stdout
    run = checkout.snakemake("published", "all", "reproduction", "--report", "report.html")
    assert run.returncode == 0, run.stdout
    browser.get_log("browser")
    browser.get((tmp_path / "report.html").as_uri())
    WebDriverWait(browser, PATIENCE).until(
        lambda page: "Workflow" in page.find_element(By.TAG_NAME, "body").text
    )
    text = browser.find_element(By.TAG_NAME, "body").text
    for category in ("Figures", "Searches", "Tables", "Verdicts", "Published study", "Statistics"):
        assert category in text
    assert "study smoke" in text
    browser.find_element(By.XPATH, "//*[normalize-space(text())='Verdicts']").click()
    WebDriverWait(browser, PATIENCE).until(
        lambda page: "this study" in page.find_element(By.TAG_NAME, "body").text
    )
    assert [entry for entry in browser.get_log("browser") if entry["level"] == "SEVERE"] == []
    browser.get((tmp_path / "results/smoke/page.html").as_uri())
    WebDriverWait(browser, PATIENCE).until(
        lambda page: page.execute_script("return document.body.dataset.ready")
    )
    assert browser.get_log("browser") == []
    assert json.loads((tmp_path / "results/smoke/reproduction.json").read_text())["study"] == "smoke"
