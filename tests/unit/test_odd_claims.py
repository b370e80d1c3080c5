"""Odd tables of reported points: each is read as it is meant, or refused in one line that says where."""

import pytest

from filterbench.analysis.claims_table import MAX_CHARACTERS, read_rows
from filterbench.audit.audit import audit
from filterbench.storage.errors import InputError

HEADER = "source,model,dataset,accuracy,base_accuracy,change,params,layers,convention\n"
ROW = '"Doe, table 1",vgg16,cifar10,93.86,93.96,-0.10,2.76M,[0.21]*7+[0.75]*5,macs\n'
NBSP = "\N{NO-BREAK SPACE}"


def read(tmp_path, content: str | bytes):
    path = tmp_path / "table.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_rows(path)


READ = {
    "a byte order mark": "\ufeff" + HEADER + ROW,
    "line ends of Windows": (HEADER + ROW).replace("\n", "\r\n"),
    "line ends of old Macs": (HEADER + ROW).replace("\n", "\r"),
    "blank lines": f"\n{HEADER}\n{ROW}\n\n",
    "no line end at the end": HEADER + ROW.rstrip("\n"),
    "a count without unit": HEADER + ROW.replace("2.76M", '"2,760,000"'),
    "a small unit": HEADER + ROW.replace("2.76M", "2760k"),
    "a minus sign": HEADER + ROW.replace("-0.10", "−0.10"),
    "an en dash": HEADER + ROW.replace("-0.10", "–0.10"),
    "percentage points": HEADER + ROW.replace("-0.10", "-0.10 %"),
    "per cent": HEADER + ROW.replace("93.86", "93.86 %"),
    "per cent after a non-breaking space": HEADER + ROW.replace("93.86", f"93.86{NBSP}%"),
    "a unit after a non-breaking space": HEADER + ROW.replace("2.76M", f"2.76{NBSP}M"),
    "shares": HEADER + ROW.replace("93.86", "0.9386").replace("93.96", "0.9396"),
}


@pytest.mark.parametrize("name", READ)
def test_a_sound_table_is_read_however_it_is_written(name, tmp_path):
    (claim,) = read(tmp_path, READ[name])
    assert (claim.source, claim.model, claim.value("change")) == ("Doe, table 1", "vgg16", -0.1)
    assert claim.value("params") == pytest.approx(2.76e6)
    assert claim.value("accuracy") == pytest.approx(0.9386)
    assert audit(tmp_path / "table.csv")["findings"] == []


REFUSED = {
    "nothing": ("", "table.csv is empty; columns: source, model"),
    "a header": (HEADER, "no rows; columns"),
    "semicolons": (
        (HEADER + ROW).replace(",", ";"),
        "the columns are separated by semicolons; allowed: commas",
    ),
    "tabs": ((HEADER + ROW).replace(",", "\t"), "the columns are separated by tabs; allowed: commas"),
    "another encoding": ((HEADER + ROW.replace("Doe", "Dö")).encode("latin-1"), "not a table in UTF-8"),
    "the encoding of a spreadsheet": ((HEADER + ROW).encode("utf-16"), "not a table in UTF-8"),
    "an open quotation mark": (HEADER + ROW + '"Doe,' + ROW, "line 3: "),
    "a cell of a megabyte": (HEADER + ROW + ROW.replace("Doe", "D" * 2**20), "line 3: field larger than"),
    "a line after a quoted line break": (
        HEADER + ROW.replace(", table", "\ntable") + ROW.replace("2.76M", "2.76X"),
        "line 4: params: '2.76X': unknown unit",
    ),
    "a row of commas": (HEADER + ROW + ",,,,,,,,\n", "line 3: source is empty"),
    "a comment": (HEADER + "# mine\n" + ROW, "line 2 has 1 fields, the header 9"),
    "a spread": (HEADER + ROW.replace("93.86", "93.86±0.2"), "line 2: accuracy: '93.86±0.2' is not a number"),
    "a dash alone": (HEADER + ROW.replace("-0.10", "–"), "line 2: change: '–' is not a number"),
    "a formula": (HEADER + ROW.replace("93.86", "=93+1"), "line 2: accuracy: '=93+1' is not a number"),
    "no number": (HEADER + ROW.replace("93.86", "nan"), "line 2: accuracy: 'nan' is not a number"),
    "an infinite number": (HEADER + ROW.replace("2.76M", "1e400"), "params: 1e400 is not a finite number"),
    "a long number": (
        HEADER + ROW.replace("2.76M", "9" * 10**5),
        f"line 2: params has 100000 characters; allowed: up to {MAX_CHARACTERS}",
    ),
    "a unit of memory": (
        HEADER + ROW.replace("2.76M", "2.76MiB"),
        "line 2: params: '2.76MiB' is not a number",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_faulty_table_is_refused_in_one_line(name, tmp_path):
    content, expected = REFUSED[name]
    with pytest.raises(InputError, match=r"table\.csv") as error:
        read(tmp_path, content)
    assert expected in str(error.value)
    assert len(str(error.value)) < 1000


@pytest.mark.parametrize("layers", [f"[{5000 * '9'}]*13", f"[0.5]+[{5000 * '9'}]*12"])
def test_layers_of_thousands_of_digits_are_refused_with_their_line(layers, tmp_path):
    path = tmp_path / "table.csv"
    path.write_text(HEADER + ROW.replace("[0.21]*7+[0.75]*5", layers))
    with pytest.raises(InputError, match=r"table\.csv: line 2: layers: .* is not a term of a list") as error:
        audit(path)
    assert len(str(error.value)) < 1000


def test_endless_layers_are_refused_with_their_line(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text(HEADER + ROW.replace("]*5", "]*99999999999"))
    with pytest.raises(InputError, match=r"table\.csv: line 2: layers: more than 10000 numbers"):
        audit(path)
