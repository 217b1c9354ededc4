#!/usr/bin/env python3
"""Adds the cases of a JUnit file (ctest, pytest) to the list of results: count_junit.py NAME FILE RESULTS"""
import os
import sys
import xml.etree.ElementTree as ET

name, path, results = sys.argv[1:]
lines = []
if os.path.exists(path):
    for case in ET.parse(path).iter("testcase"):
        kinds = {child.tag for child in case}
        status = case.get("status", "run")
        state = "passed"
        if kinds & {"failure", "error"} or status == "fail":
            state = "failed"
        elif "skipped" in kinds or status in ("notrun", "disabled"):
            state = "skipped"
        lines.append(f"{state} {name}.{case.get('classname', '')}.{case.get('name')}")
if not lines:
    lines = [f"failed {name}: no test ran"]
with open(results, "a") as out:
    out.write("\n".join(lines) + "\n")
for line in lines:
    if line.startswith("failed"):
        print("FAILED:", line[7:])
