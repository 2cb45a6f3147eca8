#!/usr/bin/env python3
"""Pass or fail for a replay of recorded answers.

usage: conformance_gate.py REPORT.json REFUSED.toml

REPORT is the replay's list of cases, each with `id` and `problems`. Every case must agree except
those that REFUSED lists as [[refused]] with an `id`; and of those none may agree, lest the list
outlive its reasons.
"""
import json
import sys
import tomllib


def main(report_path: str, refused_path: str) -> int:
    with open(report_path, encoding="utf-8") as file:
        cases = json.load(file)
    with open(refused_path, "rb") as file:
        refused = {entry["id"] for entry in tomllib.load(file).get("refused", [])}
    if not cases:
        print("conformance: no cases", file=sys.stderr)
        return 1
    disagree = {case["id"]: case["problems"] for case in cases if case["problems"]}
    known = {case["id"] for case in cases}
    failures = [f"{id}: {'; '.join(disagree[id])}" for id in sorted(disagree.keys() - refused)]
    failures += [f"{id}: listed as refused, and agrees" for id in sorted(refused & known - disagree.keys())]
    for failure in failures:
        print(f"conformance: {failure}", file=sys.stderr)
    print(f"conformance: {len(cases)} cases, {len(disagree)} disagree, {len(failures)} of them unexpectedly"
          if failures else
          f"conformance: {len(cases)} cases, all as expected, {len(disagree)} of them refused")
    return 1 if failures else 0


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1], sys.argv[2]))
