#!/usr/bin/env python3
"""check.py WANT_GLOBAL WANT_COUNTRY GOT_GLOBAL GOT_COUNTRY: compare rows (folders or files of JSON lines), tell as one line of JSON.

Counts must be equal, rates within 1e-12, sums of money within 1e-6 of themselves: the peers add doubles, in different orders. Where a
window has several rows the last one counts. Rows that are missing in the last minutes are told apart ("open"): at the end of a topic no later event closes
the windows there, and only some of the engines know that the input has ended.
"""
import json
import os
import sys
from datetime import datetime, timedelta

# Ten minutes of disorder, a window, and one more, since a watermark is judged a batch late in some engines.
OPEN = timedelta(minutes=12)
MONEY = ("total_sale_volume", "average_transaction_size")


def files(path):
    if os.path.isfile(path):
        yield path
    for folder, below, names in os.walk(path):
        below[:] = sorted(name for name in below if not name.startswith("_"))
        for name in sorted(names):
            # Flink's open files begin with ".part"; other hidden files are checksums and markers.
            if (name.startswith(".part") or not name.startswith((".", "_"))) and not name.endswith(".crc"):
                yield os.path.join(folder, name)


def start(row):
    return datetime.fromisoformat(row["window"]["start"].replace("Z", "+00:00"))


def rows(path):
    out, repeated = {}, 0
    for name in files(path):
        with open(name, "rb") as f:
            for line in f:
                row = json.loads(line)
                key = (start(row), row.get("country"))
                repeated += key in out
                out[key] = row
    return out, repeated


def near(a, b, tolerance):
    return a == b or (a is not None and b is not None and abs(a - b) <= tolerance * max(1.0, abs(a), abs(b)))


def same(a, b):
    return (a["OPM"] == b["OPM"] and near(a.get("rate_of_return"), b.get("rate_of_return"), 1e-12)
            and all(near(a.get(name), b.get(name), 1e-6) for name in MONEY if name in b))


def compare(want, got):
    (want, _), (got, repeated) = rows(want), rows(got)
    end = max((key[0] for key in want), default=None)
    missing = [key for key in want if key not in got]
    still_open = sum(1 for key in missing if key[0] > end - OPEN)
    wrong = sorted((str(key) for key in got.keys() & want.keys() if not same(got[key], want[key])))
    return {
        "rows": len(got), "wanted": len(want), "invoices": sum(row["OPM"] for row in got.values()), "wrong": len(wrong),
        "first_wrong": wrong[0] if wrong else None, "missing": len(missing) - still_open, "open": still_open,
        "extra": len(got.keys() - want.keys()), "repeated": repeated,
    }


want_global, want_country, got_global, got_country = sys.argv[1:]
print(json.dumps({"global": compare(want_global, got_global), "country": compare(want_country, got_country)}))
