#!/bin/sh
# The option for thousands turns a column of dates into whole numbers.
#
# Expected: pandas.read_csv(sep=";", decimal=",", thousands=".") reads 1.234,5 as 1234.5, and leaves 01.02.2024 the
#   text that it is, since it is no number in groups of three
# What happens: the points are taken out of any cell that is a number without them: 01.02.2024 becomes the int64
#   1022024, without a warning. As numbers the days do not stand in order: sorting by them mixes the months.
#   Likewise 1.5 becomes 15. With parse_dates the column is dates, read month first
# Seen: 31.01.2024, 01.02.2024 and 02.02.2024 are 31012024, 1022024 and 2022024 (int64); 1.5 is 15; no warning
# Versions: pandas 3.1.1, numpy 2.4.6
# For whom: anyone who reads German, Dutch or Italian tables of measurements for a forecast: the time column passes
#   for a feature, or for an order that it is not
# Exit: 0 while it is so; 1 once it changes; 2 if the packages could not be installed
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
trap 'exit 2' HUP INT TERM
"${PYTHON:-python3}" -m venv "$folder/venv" || exit 2
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check pandas==3.1.1 numpy==2.4.6 || {
    echo "The packages could not be installed: nothing was checked." >&2
    exit 2
}
cat > "$folder/check.py" <<'PROGRAM'
import io
import sys
import warnings

import pandas

TEXT = "day;load\n" + "".join(f"{day};1.234,5\n" for day in ("31.01.2024", "01.02.2024", "02.02.2024"))
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    table = pandas.read_csv(io.StringIO(TEXT), sep=";", decimal=",", thousands=".")
    half = pandas.read_csv(io.StringIO("load\n1.5\n2.5\n"), sep=";", decimal=",", thousands=".")
print(table, table.dtypes, sep="\n")
print("1.5 and 2.5 are", half["load"].tolist())
if table["load"].tolist() != [1234.5] * 3:
    sys.exit("1.234,5 is no longer read as 1234.5.")
if table["day"].tolist() != [31012024, 1022024, 2022024]:
    sys.exit("The dates are no longer turned into whole numbers.")
if table["day"].is_monotonic_increasing:
    sys.exit("The numbers are in the order of the days now.")
if half["load"].tolist() != [15, 25]:
    sys.exit("1.5 is no longer read as 15.")
if caught:
    sys.exit(f"There is a warning now: {caught[0].message}")
PROGRAM
cd "$folder"
"$folder/venv/bin/python" check.py
