"""The audit of a table of reported points: what follows by arithmetic, without a study."""

import json

import pytest

from filterbench.analysis.claims_table import read_rows
from filterbench.audit.audit import audit
from filterbench.audit.literature import PAGE, literature_page
from filterbench.audit.nets import unpruned_counts
from filterbench.audit.page import audit_page
from filterbench.audit.recounting import Tolerance, recount
from filterbench.audit.shipped import TABLE
from filterbench.command.main import main
from filterbench.documents import read
from filterbench.storage.errors import InputError

HEADER = (
    "source,label,model,dataset,accuracy,base_accuracy,change,params,params_reduction,flops,flops_reduction,"
    "flops_factor,base_params,base_flops,layers,runs,training,address,convention\n"
)
ROWS = {
    "vgg16": "Doe 2024,A,vgg16,cifar10,93.86,93.96,-0.10,2.76M,81.6,131.17M,58.1,,14.98M,313.73M,"
    "[0.21]*7+[0.75]*5,single,200 epochs,https://a,macs\n",
    "resnet56": "Doe 2024,B,resnet56,cifar10,94.16,93.26,+0.90,0.48M,42.8,65.94M,47.4,,0.85M,125.49M,"
    "[0.]+[0.15]*2+[0.4]*27,mean of 3,300 epochs,https://a,macs\n",
    "resnet110": "Roe 2025,C,resnet110,cifar10,93.75,93.50,0.25,1.04M,39.1,140.54M,44.4,1.80x,1.72M,252.89M,"
    "[0.]+[0.2]*2+[0.3]*18+[0.35]*36,single,300 epochs,https://b,macs\n",
}


def table(tmp_path, *changes: tuple[str, str], extra: str = ""):
    text = HEADER + "".join(ROWS.values())
    for before, after in changes:
        assert text.count(before) == 1, before
        text = text.replace(before, after)
    path = tmp_path / "table.csv"
    path.write_text(text + extra)
    return path


def found(document) -> set[tuple[int, str, str]]:
    return {(each["line"], each["kind"], each["key"]) for each in document["findings"]}


def test_a_sound_table_has_no_finding(tmp_path):
    document = audit(table(tmp_path))
    assert document["findings"] == []
    assert [each["agrees"] for each in document["recounts"]] == [True] * 3
    assert document["gaps"] == []


# By what was falsified: the change of the table, the line, and the kind and column of the finding.
FALSIFIED = {
    "digit of a change": ("93.86,93.96,-0.10", "93.86,93.96,-0.01", 2, "change", "change"),
    "swapped digits": ("94.16,93.26", "94.61,93.26", 3, "change", "change"),
    "sign": ("93.26,+0.90", "93.26,-0.90", 3, "change", "change"),
    "reduction of params": ("2.76M,81.6", "2.76M,86.1", 2, "reduction", "params_reduction"),
    "reduction of FLOPs": ("65.94M,47.4", "65.94M,74.4", 3, "reduction", "flops_reduction"),
    "swapped columns": ("0.48M,42.8,65.94M", "65.94M,42.8,0.48M", 3, "out of range", "params"),
    "unit too small": ("131.17M,58.1", "131.17K,58.1", 2, "reduction", "flops_reduction"),
    "unit too large": ("131.17M,58.1", "131.17B,58.1", 2, "out of range", "flops"),
    "base of another net": ("0.85M,125.49M", "1.72M,252.89M", 3, "base", "base_params"),
    "base with another digit": ("14.98M,313.73M", "14.98M,331.73M", 2, "base", "base_flops"),
    "factor": ("44.4,1.80x", "44.4,1.08x", 4, "reduction", "flops_reduction"),
    "factor of the layers": ("44.4,1.80x", ",2.80x", 4, "recount", "flops_factor"),
    "rate": ("[0.75]*5", "[0.57]*5", 2, "recount", "params_reduction"),
    "rate of blocks": ("[0.15]*2+[0.4]*27", "[0.15]*2+[0.5]*27", 3, "recount", "params_reduction"),
    "another column": ("93.75,93.50,0.25", "99.75,93.50,6.25", 4, "out of range", "accuracy"),
    "count of one filter": ("1.04M,39.1", "1040,39.1", 4, "out of range", "params"),
    "accuracies swapped": ("93.86,93.96,-0.10", "93.96,93.86,-0.10", 2, "change", "change"),
    "accuracy of another row": ("93.86,93.96", "94.16,93.96", 2, "change", "change"),
    "unpruned accuracy of another net": ("93.75,93.50", "93.75,93.26", 4, "change", "change"),
    "error for accuracy": ("93.75,93.50,0.25", "6.25,93.50,", 4, "out of range", "accuracy"),
    "reductions swapped": ("81.6,131.17M,58.1", "58.1,131.17M,81.6", 2, "reduction", "params_reduction"),
    "reduction of another row": ("2.76M,81.6", "2.76M,42.8", 2, "reduction", "params_reduction"),
    "what is left": ("0.48M,42.8", "0.48M,57.2", 3, "reduction", "params_reduction"),
    "share of 1": ("65.94M,47.4", "65.94M,0.474", 3, "reduction", "flops_reduction"),
    "factor alone": ("140.54M,44.4,1.80x", "140.54M,,18.0x", 4, "reduction", "flops_factor"),
    "FLOPs for MACs": ("131.17M,58.1", "262.34M,58.1", 2, "reduction", "flops_reduction"),
    "FLOPs for MACs twice": (
        "131.17M,58.1,,14.98M,313.73M",
        "262.34M,58.1,,14.98M,627.46M",
        2,
        "base",
        "base_flops",
    ),
    "unpruned counts swapped": ("14.98M,313.73M", "313.73M,14.98M", 2, "base", "base_params"),
    "unit of params": ("2.76M,81.6", "2.76K,", 2, "out of range", "params"),
    "another zero": ("0.48M,42.8", "0.048M,42.8", 3, "reduction", "params_reduction"),
    "no point": ("1.04M,39.1", "104M,39.1", 4, "out of range", "params"),
    "rates in reverse": ("[0.21]*7+[0.75]*5", "[0.75]*5+[0.21]*7", 2, "recount", "params_reduction"),
    "rates that stay": ("[0.21]*7+[0.75]*5", "[0.79]*7+[0.25]*5", 2, "recount", "params_reduction"),
    "rates of another paper": ("[0.21]*7+[0.75]*5", "[0.45]*7+[0.78]*5", 2, "recount", "params_reduction"),
    "rates of one stage": ("[0.3]*18+[0.35]*36", "[0.4]*18+[0.35]*36", 4, "recount", "flops_factor"),
}


@pytest.mark.parametrize("name", FALSIFIED)
def test_every_falsified_copy_of_a_sound_table_is_found(name, tmp_path):
    before, after, line, kind, key = FALSIFIED[name]
    document = audit(table(tmp_path, (before, after)))
    named = {(each["line"], each["kind"]) for each in document["findings"] if key in each["key"]}
    assert (line, kind) in named, document["findings"]
    assert {each["line"] for each in document["findings"]} == {line}


def test_equal_counts_and_unlike_baselines_of_two_papers(tmp_path):
    row = "Poe 2026,D,vgg16,cifar10,93.10,93.02,+0.08,2.76M,81.6,131.17M,58.1,,,,,,,,macs\n"
    document = audit(table(tmp_path, extra=row))
    assert found(document) == {
        (2, "equal counts", "params, flops"),
        (5, "unlike baselines", "base_accuracy"),
    }
    equal, unlike = document["findings"]
    assert equal["recomputed"] == "accuracies 93.86, 93.10"
    assert unlike["recomputed"] == "0.94 points between unpruned nets"
    assert document["gaps"][0]["missing"] == ["layers or rates", "number of runs", "training", "address"]


def test_a_second_copy_of_a_row_is_found(tmp_path):
    document = audit(table(tmp_path, extra=ROWS["resnet56"]))
    assert found(document) == {(5, "duplicate", "source")}


# By what was falsified: the change of the table, and the refusal.
REFUSED = {
    "a layer less": ("[0.21]*7+[0.75]*5", "[0.21]*6+[0.75]*5", "line 2: layers: 11 numbers; allowed: 13"),
    "layers of another net": ("[0.4]*27", "[0.4]*54", "line 3: layers: 57 numbers; allowed: 55"),
    "a net renamed": (",C,resnet110", ",C,vgg16", "line 4: layers: 57 numbers; allowed: 13"),
    "a share in a count": ("2.76M,81.6", "81.6%,81.6", "line 2: params: '81.6%' is a share, not a count"),
    "no unit": ("0.48M,42.8", "0.48,42.8", "line 3: params: 0.48; allowed: a whole number from 100"),
    "a cell too few": ("93.86,93.96,-0.10", "93.86,-0.10", "line 2 has 18 fields, the header 19"),
    "a decimal comma": ("93.75,93.50", '"93,75",93.50', "line 4: accuracy: '93,75' is not a number"),
    "a reduction above 100": ("2.76M,81.6", "2.76M,816", "line 2: params_reduction: 816; allowed: from 0"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_falsified_copy_that_fits_no_net_or_column_is_refused_with_its_line(name, tmp_path):
    before, after, expected = REFUSED[name]
    with pytest.raises(InputError, match=r"table\.csv: ") as error:
        audit(table(tmp_path, (before, after)))
    assert expected in str(error.value)


@pytest.mark.parametrize(
    ("change", "explanation"),
    [
        (("93.86,93.96,-0.10", "93.86,93.96,+0.10"), "the sign is reversed"),
        (("0.48M,42.8", "0.48M,57.2"), "it is what is left"),
        (("65.94M,47.4", "65.94M,0.474"), "it is a share of 1"),
        (("14.98M,313.73M", "313.73M,14.98M"), "it is the number of FLOPs"),
        (("93.75,93.50,0.25", "6.25,93.50,"), "an error in place of an accuracy"),
    ],
)
def test_common_faults_are_named(change, explanation, tmp_path):
    assert explanation in audit(table(tmp_path, change))["findings"][0]["explanation"]


def test_a_row_whose_net_is_not_known_is_named(tmp_path, capsys):
    path = table(tmp_path, (",A,vgg16,cifar10", ",A,VGG-16,CIFAR-10"))
    with pytest.raises(SystemExit):
        main(["audit", str(path), "--folder", str(tmp_path / "out")])
    assert "net or dataset not known here, so not counted: line 2\n" in capsys.readouterr().out
    assert audit(path)["gaps"] == [
        {
            "line": 2,
            "source": "Doe 2024",
            "model": "VGG-16",
            "missing": ["a net and a dataset that can be counted here"],
        }
    ]


def test_a_note_stands_beside_its_finding(tmp_path):
    header = "source,model,dataset,accuracy,base_accuracy,change,params,convention,note\n"
    path = tmp_path / "table.csv"
    path.write_text(header + '"Doe|Roe",vgg16,cifar10,93.8,93.9,0.1,2.76M,macs,"corrected,\nsee errata"\n')
    document = audit(path)
    assert document["findings"][0]["note"] == "corrected,\nsee errata"
    assert r"| 2 | Doe\|Roe | vgg16 | change |" in audit_page(document)
    assert "| corrected, see errata |" in audit_page(document)


@pytest.mark.parametrize("changes", [[], [("93.86,93.96,-0.10", "93.86,93.96,-0.01")]])
def test_the_exit_code_is_the_number_of_findings(changes, tmp_path, capsys):
    with pytest.raises(SystemExit) as end:
        main(["audit", str(table(tmp_path, *changes)), "--folder", str(tmp_path / "out")])
    assert end.value.code == len(changes)
    assert f"3 rows, {len(changes)} finding" in capsys.readouterr().out
    document = read(tmp_path / "out/audit.json")
    assert len(document["findings"]) == len(changes)
    assert (tmp_path / "out/findings.csv").read_text().count("\n") == 1 + len(changes)
    assert (tmp_path / "out/audit.md").read_text().startswith("# Audit of table.csv")


def test_more_findings_than_an_exit_code_holds_do_not_wrap_to_zero(tmp_path):
    row = ROWS["vgg16"].replace("-0.10", "-0.01")
    rows = "".join(row.replace("Doe 2024", f"Doe 2024 table {number}") for number in range(256))
    path = tmp_path / "table.csv"
    path.write_text(HEADER + rows.replace("131.17M", "").replace("58.1", ""))
    with pytest.raises(SystemExit) as end:
        main(["audit", str(path), "--folder", str(tmp_path / "out")])
    assert end.value.code == 100
    assert len(read(tmp_path / "out/audit.json")["findings"]) == 256


def test_what_is_not_audited_has_an_exit_code_of_its_own(tmp_path, capsys):
    (tmp_path / "file").touch()
    written = str(table(tmp_path))
    for given, said in (
        ([str(tmp_path / "missing.csv")], f"{tmp_path}/missing.csv: not a readable table"),
        ([written, "--folder", str(tmp_path / "file")], "[Errno 17] File exists"),
        ([written, "--folder", "/proc/none"], "[Errno 2] No such file"),
        ([written, "--fold"], "argument --folder: expected one argument; `filterbench audit --help` lists"),
        ([], "the following arguments are required: FILE"),
        ([written, "--other"], "unrecognized arguments: --other"),
    ):
        with pytest.raises(SystemExit) as end:
            main(["audit", *given])
        assert end.value.code == 101
        assert capsys.readouterr().err.startswith(f"error: {said}")


@pytest.fixture(scope="module")
def literature():
    return audit(TABLE)


def one(document, source: str, kind: str, model: str) -> dict:
    (each,) = (
        each
        for each in document["findings"]
        if source in each["source"] and each["kind"] == kind and each["model"] == model
    )
    return each


def test_hranks_vgg16_is_recounted_and_explained(literature):
    finding = one(literature, "HRank's", "recount", "vgg16")
    assert finding["printed"] == "2.64M, 82.1 %, 108.61M, 65.3 %"
    assert finding["recomputed"] == "697.3K, 95.3 %, 41.06M, 86.9 %"
    assert "the next layer's input channels are counted as if none were removed" in finding["explanation"]


def test_hranks_resnet56_follows_if_filters_are_rounded_up_too(literature):
    finding = one(literature, "HRank's", "recount", "resnet56")
    assert finding["recomputed"] == "285.5K, 66.5 %, 29.25M, 76.7 %"
    assert "were removed and each layer's filters are rounded up" in finding["explanation"]


def test_the_changes_of_laasp_and_depgraph_and_the_second_hand_hrank(literature):
    changes = {each["line"]: each for each in literature["findings"] if each["kind"] == "change"}
    assert [(each["printed"], each["recomputed"]) for each in changes.values()] == [
        ("-0.12 from 93.61 to 93.04", "-0.57"),
        ("+0.38 from 93.53 to 93.77", "+0.24"),
        ("-5.44 from 73.50 to 67.60", "-5.90"),
        ("-0.09 from 93.26 to 92.17", "-1.09"),
        ("-6.67 from 74.02 to 67.55", "-6.47"),
    ]
    assert ["LAASP" in each["source"] for each in changes.values()] == [True, *[False] * 4]
    assert ["DepGraph" in each["source"] for each in changes.values()] == [False, True, True, False, False]


def test_equal_counts_of_hrankplus_chip_and_others(literature):
    equal = [each for each in literature["findings"] if each["kind"] == "equal counts"]
    assert len(equal) == 10
    assert equal[0]["printed"].startswith("2.76M and 131.17M, as CHIP (line 19), CFDP (line 31), CORING-C-5")
    assert equal[0]["recomputed"] == "accuracies 93.73, 93.86, 94.10, 94.42, 94.01"


def test_swapped_columns_and_mixed_counts_of_the_literature(literature):
    assert one(literature, "EZCrop", "out of range", "resnet50")["recomputed"] == "+15.40 points"
    # 74.1 % is printed of 34.78M of 125.49M.
    flops = [
        each for each in literature["findings"] if each["key"] == "flops_reduction" and each["line"] == 12
    ]
    assert flops[0]["recomputed"] == "72.3 % from 34.78M of 125.49M"


def test_an_unpruned_count_that_is_the_rows_accuracy_is_no_count_of_the_net(literature):
    base = [each for each in literature["findings"] if each["kind"] == "base"]
    assert [(each["model"], each["key"], each["printed"]) for each in base] == [
        ("resnet56", "base_flops", "71.77M")
    ] * 2
    assert base[0]["recomputed"].startswith("resnet56_padded: 125.5M; resnet56_padded with BatchNorm: 126.6M")


def test_at_least_fifteen_rows_are_recounted_and_most_agree(literature):
    assert len(literature["recounts"]) == 31
    assert sum(each["agrees"] for each in literature["recounts"]) == 23
    (chip,) = (each for each in literature["recounts"] if each["line"] == 22)
    numbers = {each["key"]: (each["printed"], each["recounted"]) for each in chip["numbers"]}
    assert numbers["flops"] == (pytest.approx(65.94e6), 65_935_882)


def test_hranks_rows_differ_at_three_times_the_tolerance_and_chips_agree_at_half():
    claims = [claim for claim in read_rows(TABLE) if claim.layers]
    loose, strict = Tolerance(3.0, 2.25), Tolerance(0.5, 0.375)
    hrank = [recount(claim, loose)[0]["agrees"] for claim in claims if claim.label == "HRank"]
    assert hrank == [False] * 4
    chip = [claim for claim in claims if claim.label == "CHIP" and claim.model == "vgg16"]
    assert [recount(claim, strict)[0]["agrees"] for claim in chip] == [True] * 3
    words = "With half, twice and three times these tolerances 22, 23 and 24 rows agree, and 4 of HRank"
    assert words in PAGE.read_text(encoding="utf-8")


def test_printed_unpruned_params_agree_to_half_a_per_cent():
    for claim in read_rows(TABLE):
        if printed := claim.numbers.get("base_params"):
            counts = unpruned_counts(claim, "params").values()
            assert min(abs(count / printed.value - 1) for count in counts) < 0.005, claim.line


def test_every_row_of_the_literature_has_an_address_and_a_date():
    assert all(claim.address and claim.checked for claim in read_rows(TABLE))


def test_the_page_is_that_of_the_table(literature):
    assert PAGE.read_text(encoding="utf-8") == literature_page(literature, read_rows(TABLE)), "run make docs"
    assert json.dumps(literature)
