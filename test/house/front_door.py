#!/usr/bin/python3
"""The front door: make, the installer of packages, the counting of tests.

    front_door.py BUILD      a build folder in which everything is built
"""

import importlib.machinery
import importlib.util
import os
import shutil
import stat
import subprocess
import sys
import tempfile

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
sys.path.insert(0, os.path.join(ROOT, "test"))
from tap import main, test  # noqa: E402

BUILD = os.path.abspath(sys.argv[1])
ROOM = tempfile.mkdtemp(prefix="duress-door-")
os.environ["DURESS_STORE"] = ""   # nothing is kept in the store of whoever runs this

loader = importlib.machinery.SourceFileLoader("run_tests", os.path.join(ROOT, "tools", "run-tests"))
sys.dont_write_bytecode = True
run_tests = importlib.util.module_from_spec(importlib.util.spec_from_loader("run_tests", loader))
loader.exec_module(run_tests)


def counted(stdout, result="OK", stderr="", code=0):
    return run_tests.count({"stdout": stdout, "stderr": stderr, "result": result, "returncode": code})


# ---- counting ----------------------------------------------------------------------------------------------------

@test
def tests_are_counted_one_by_one_in_both_tongues():
    cmocka = "[==========] Running 3 test(s).\n[ RUN      ] a\n[       OK ] a\n[ RUN      ] b\n[       OK ] b\n"
    assert counted(cmocka + "[ RUN      ] c\n[       OK ] c\n[==========] 3 test(s) run.\n"
                   "[  PASSED  ] 3 test(s).\n") == (3, 0, 0)
    # a skipped test is named where it is skipped and listed again at the end
    assert counted(cmocka + "[ RUN      ] c\n[  SKIPPED ] c\n[  PASSED  ] 2 test(s).\n"
                   "[  SKIPPED ] 1 test(s), listed below:\n[  SKIPPED ] c\n") == (2, 0, 1)
    failed = cmocka + "[ RUN      ] c\n[  FAILED  ] c\n"
    summary = "[  FAILED  ] 1 test(s), listed below:\n[  FAILED  ] c\n"
    assert counted(failed, "FAIL", summary, 1) == (2, 1, 0)
    assert counted("1..3\nok 1 - a\nok 2 - b # SKIP no\nnot ok 3 - c\n", "FAIL") == (1, 1, 1)


@test
def a_program_that_dies_or_runs_nothing_has_failed():
    died = "[==========] Running 3 test(s).\n[ RUN      ] a\n[       OK ] a\n[ RUN      ] b\n"
    assert counted(died, "FAIL", code=-6) == (1, 2, 0)
    assert counted("[==========] Running 1 test(s).\n[       OK ] a\n", "FAIL", "leak", 1) == (1, 1, 0)
    assert counted("1..3\nok 1 - a\n", "ERROR") == (1, 2, 0)
    assert counted("") == (0, 1, 0)
    assert counted("", "TIMEOUT") == (0, 1, 0)


# ---- packages: a machine made of stand-ins for the commands that the script asks ---------------------------------

def machine(name, installed, user):
    folder = os.path.join(ROOM, name)
    os.makedirs(folder)
    for command, body in {
        "dpkg-query": 'for p in "$@"; do :; done\n'
                      f'case " {installed} " in *" $p "*) printf installed;; *) exit 1;; esac',
        "id": f"echo {user}",
        "apt-get": f'echo "apt-get $*" >>{folder}/log',
    }.items():
        path = os.path.join(folder, command)
        with open(path, "w", encoding="utf-8") as out:
            out.write("#!/bin/sh\n" + body + "\n")
        os.chmod(path, os.stat(path).st_mode | stat.S_IXUSR)
    return folder


def install(folder, *words):
    environment = dict(os.environ, PATH=folder + ":" + os.environ["PATH"])
    done = subprocess.run([os.path.join(ROOT, "tools", "install-deps"), *words], env=environment, capture_output=True,
                          text=True, stdin=subprocess.DEVNULL, check=False)
    log = os.path.join(folder, "log")
    asked = ""
    if os.path.exists(log):
        with open(log, encoding="utf-8") as text:
            asked = text.read()
    return done.returncode, done.stdout + done.stderr, asked


BASIC = "gcc libc6-dev ninja-build pkg-config"


@test
def root_gets_what_is_missing_and_nothing_else():
    code, said, asked = install(machine("root", BASIC, 0), "build")
    assert code == 0, said
    assert asked.splitlines() == ["apt-get update",
                                  "apt-get install -y --no-install-recommends meson scdoc libsqlite3-dev"], asked


@test
def without_root_the_line_is_printed_and_nothing_is_done():
    code, said, asked = install(machine("user", BASIC, 1000), "build")
    assert code == 3 and asked == ""
    assert "apt-get install -y --no-install-recommends meson scdoc libsqlite3-dev\n" in said, said
    code, said, asked = install(machine("checked", BASIC, 0), "--check", "build")
    assert code == 3 and asked == "" and "apt-get install" in said


@test
def with_nothing_missing_nothing_is_asked():
    code, said, asked = install(machine("full", BASIC + " meson scdoc libsqlite3-dev", 1000), "build")
    assert (code, said, asked) == (0, "", "")


@test
def a_package_that_cannot_be_had_is_told():
    folder = machine("broken", BASIC, 0)
    with open(os.path.join(folder, "apt-get"), "w", encoding="utf-8") as out:
        out.write("#!/bin/sh\necho no network >&2\nexit 100\n")
    code, said, _ = install(folder, "build")
    assert code == 3 and "no network" in said and "meson scdoc libsqlite3-dev" in said


# ---- make --------------------------------------------------------------------------------------------------------

def make(*words):
    environment = {k: v for k, v in os.environ.items() if not k.startswith("MAKE")}
    done = subprocess.run(["make", "--no-print-directory", f"BUILD={BUILD}", *words], cwd=ROOT, env=environment,
                          capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def stamp(path):
    return os.stat(path).st_mtime_ns


@test
def a_second_make_does_nothing():
    make()
    program = os.path.join(BUILD, "duress")
    before = stamp(program)
    said = make()
    assert stamp(program) == before and said == "", said


@test
def a_second_demo_only_prints():
    case, page, summary = (os.path.join(ROOM, name) for name in ("case.duress", "page.html", "page.txt"))
    shutil.copy(os.path.join(ROOT, "test", "cli", "small.duress"), case)
    words = ["demo", f"CASE={case}", f"PAGE={page}", f"SUMMARY={summary}"]
    first = make(*words)
    assert first.rstrip().endswith(page) and "claims" in first
    before = stamp(page)
    assert make(*words) == first and stamp(page) == before
    # a scenario that changed, or a page that is gone, is drawn anew
    os.utime(case)
    make(*words)
    assert stamp(page) != before
    os.remove(page)
    assert make(*words).rstrip().endswith(page) and os.path.exists(page)


@test
def what_is_installed_runs_from_where_it_is():
    prefix = os.path.join(ROOM, "prefix")
    # into a folder of its own, so that the build's own prefix stays
    done = subprocess.run(["meson", "install", "-C", BUILD, "--no-rebuild", "--quiet", "--destdir", prefix],
                          capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    found = {name: os.path.join(folder, name) for folder, _, names in os.walk(prefix) for name in names}
    said = subprocess.run([found["duress"], "version"], capture_output=True, text=True, check=False)
    assert said.stdout.startswith("duress ") and "duress.1" in found, found


if __name__ == "__main__":
    try:
        main()
    finally:
        shutil.rmtree(ROOM, ignore_errors=True)
