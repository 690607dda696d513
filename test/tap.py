"""Tests in Python say what they found in the Test Anything Protocol. A test is a function; its name is a sentence."""

import sys
import traceback

_tests = []


def test(function):
    _tests.append(function)
    return function


def main():
    """Run every test in order; those whose names hold a word of the command line, if there is one."""
    words = [w for w in sys.argv[1:] if w.startswith("only=")]
    chosen = [t for t in _tests if not words or any(w[5:] in t.__name__ for w in words)]
    print(f"1..{len(chosen)}")
    for number, function in enumerate(chosen, 1):
        name = function.__name__.replace("_", " ")
        try:
            function()
            print(f"ok {number} - {name}", flush=True)
        except Exception:
            print(f"not ok {number} - {name}", flush=True)
            for line in traceback.format_exc().splitlines():
                print(f"# {line}", flush=True)
