#!/usr/bin/python3
"""The #include lines of the house, held to the table of doc/architecture.md."""

import os
import re
import sys

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
sys.path.insert(0, os.path.join(ROOT, "test"))
from tap import main, test  # noqa: E402

PUBLIC = {"duress.h", "duress_status.h"}


def table():
    """{module: what it may include}, from the manual's page."""
    rows, inside = {}, False
    with open(os.path.join(ROOT, "doc", "architecture.md"), encoding="utf-8") as page:
        for line in page:
            if line.startswith("| module | may include |"):
                inside = True
            elif inside and not line.startswith("|"):
                break
            elif inside and not line.startswith("| ---"):
                module, allowed = [cell.strip() for cell in line.strip().strip("|").split("|")]
                rows[module] = set(allowed.split())
    return rows


def sources():
    """(module, path from the root) of every C file under src/ and app/."""
    for top in ("src", "app"):
        for folder, _, names in os.walk(os.path.join(ROOT, top)):
            for name in sorted(names):
                if name.endswith((".c", ".h")):
                    path = os.path.relpath(os.path.join(folder, name), ROOT)
                    yield ("app" if top == "app" else path.split(os.sep)[1]), path


def includes(path):
    with open(os.path.join(ROOT, path), encoding="utf-8") as text:
        for number, line in enumerate(text, 1):
            found = re.match(r'\s*#\s*include\s+"([^"]+)"', line)
            if found:
                yield number, found.group(1)


def offences(module, path, allowed):
    for number, name in includes(path):
        place = f"{path}:{number}"
        if name in PUBLIC:
            # the status table is part of the public header
            if name not in allowed:
                yield f'{place}: {module} may not include "{name}"'
        elif module == "app":
            if not os.path.exists(os.path.join(ROOT, os.path.dirname(path), name)):
                yield f'{place}: app includes include/duress.h and its own files, not "{name}"'
        elif not os.path.exists(os.path.join(ROOT, "src", name)):
            yield f'{place}: "{name}" is not written from the src root'
        elif name.split("/")[0] not in allowed | {module}:
            yield f'{place}: {module} may not include "{name}"'


@test
def the_table_names_every_module_and_no_other():
    there = {module for module, _ in sources()}
    rows = set(table())
    assert there - rows == set(), f"modules without a row: {sorted(there - rows)}"
    assert rows - there == set(), f"rows without a module: {sorted(rows - there)}"


@test
def every_include_obeys_the_table():
    rows = table()
    found = [o for module, path in sources() for o in offences(module, path, rows.get(module, set()))]
    assert not found, "\n" + "\n".join(found)


@test
def the_table_has_no_circle():
    rows = table()
    done = set(PUBLIC)
    while True:
        ready = {m for m, allowed in rows.items() if m not in done and allowed <= done}
        if not ready:
            break
        done |= ready
    assert set(rows) <= done, f"in a circle: {sorted(set(rows) - done)}"


@test
def headers_never_meet_in_a_circle():
    graph = {}
    for _, path in sources():
        if path.endswith(".h") and path.startswith("src"):
            graph[path] = {os.path.join("src", name) for _, name in includes(path)}
    done = set()
    while True:
        ready = {h for h, needs in graph.items() if h not in done and all(n in done or n not in graph for n in needs)}
        if not ready:
            break
        done |= ready
    assert len(done) == len(graph), f"in a circle: {sorted(set(graph) - done)}"


@test
def a_forbidden_include_is_found():
    """The finder itself: shown a file against an empty row, it complains about each line that leaves the module."""
    path = os.path.join("src", "study", "study.h")
    allowed = table()["study"]
    assert list(offences("study", path, allowed)) == []
    assert any("game/game.h" in o for o in offences("study", path, allowed - {"game"}))
    assert any("duress.h" in o for o in offences("study", path, allowed - {"duress.h"}))


if __name__ == "__main__":
    main()
