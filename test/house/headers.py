#!/usr/bin/python3
"""Each header compiles alone: what it needs, it includes."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
sys.path.insert(0, os.path.join(ROOT, "test"))
from tap import main, test  # noqa: E402

FLAGS = ["-std=c17", "-Wall", "-Wextra", "-Wconversion", "-Wshadow", "-Wstrict-prototypes", "-Wno-sign-conversion",
         "-Wno-unused-parameter", "-Wno-unused-function", "-Werror", "-fsyntax-only", "-x", "c"]


def headers():
    for top in ("include", "src", "app"):
        for folder, _, names in os.walk(os.path.join(ROOT, top)):
            for name in sorted(names):
                # a body is compiled once for each vector width, with what its includer defines
                if name.endswith(".h") and not name.endswith("_body.h"):
                    yield os.path.join(folder, name)


def compile_alone(path):
    code = f'#include "{path}"\n#include "{path}"\n'   # twice: the guard must hold
    done = subprocess.run([os.environ.get("CC", "cc"), *FLAGS, f"-I{ROOT}/include", f"-I{ROOT}/src", "-"],
                          input=code, capture_output=True, text=True, check=False)
    return None if done.returncode == 0 else f"{os.path.relpath(path, ROOT)}:\n{done.stderr}"


@test
def each_header_compiles_alone_and_twice():
    paths = list(headers())
    assert len(paths) > 20, f"only {len(paths)} headers found"
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        faults = [fault for fault in pool.map(compile_alone, paths) if fault]
    assert not faults, "\n" + "\n".join(faults)


if __name__ == "__main__":
    main()
