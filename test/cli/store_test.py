#!/usr/bin/python3
"""The store from outside: what is kept, what is answered from it, and what becomes of it when a process is killed, a disk is
full, a folder is read-only, or two ask at once.

    store_test.py DURESS [only=WORDS]

DURESS_TEST_KILLS says at how many random moments the loop of kills strikes (40).
"""

import ast
import csv
import glob
import hashlib
import json
import os
import random
import re
import resource
import shutil
import signal
import sqlite3
import struct
import subprocess
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.dirname(HERE))
from tap import main, test  # noqa: E402

DURESS = os.path.abspath(sys.argv[1])
KILLS = int(os.environ.get("DURESS_TEST_KILLS", "40"))
ROOM = tempfile.mkdtemp(prefix="duress-store-")
os.environ["DURESS_STORE"] = ""   # nothing is kept in the store of whoever runs this
with open(os.path.join(HERE, "small.duress"), encoding="utf-8") as text:
    SMALL = text.read()

RIVAL = 'rival milder "harm weighs less" { param weight = 0.5 }\n'

# one run in some hundreds meets the place where the event's effect has no value
FAILING = """scenario "Fails at times" { clock continuous  unit month  from 2025-01-01  until 2027-01-01 }
actor a { patience 12 month  precision 2  attends 1 per month }
mode m of a { off, on }
stock x { range 0..1  grid 5  start 0.6  drift -0.1*x }
stock y { range 0..1  grid 3  start 0 }
event odd { rate 0.002 per month  then y += 0.01*log(abs(x - 0.123) - 0.01) + 0.2 }
move go of a { when m == off  then m = on }
payoff a { gain [m == on] - y }
"""


def run(*words, **more):
    return subprocess.run([DURESS, *words], cwd=ROOM, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          errors="replace", timeout=300, check=False, **more)


def good(*words, **more):
    done = run(*words, **more)
    assert done.returncode == 0, f"{words}: exit {done.returncode}\n{done.stderr}{done.stdout}"
    return done


def answer(*words):
    return json.loads(good("--json", *words).stdout)


def scenario(name, text=SMALL, swap=None):
    for old, new in (swap or {}).items():
        assert old in text, f"the scenario has no {old!r}"
        text = text.replace(old, new)
    with open(os.path.join(ROOM, name), "w", encoding="utf-8") as out:
        out.write(text)
    return name


def at(name):
    return os.path.join(ROOM, name)


def runs(store):
    return answer("runs", "--store", store)


def timeless(value):
    """An answer without the times that it took."""
    if isinstance(value, dict):
        return {k: timeless(v) for k, v in value.items() if k not in ("seconds", "certificate_seconds", "bytes")}
    return [timeless(v) for v in value] if isinstance(value, list) else value


def database(store):
    return sqlite3.connect(f"file:{at(store)}?mode=ro", uri=True)


def whole(store):
    """The file is sound, and every run that is called done is whole."""
    with database(store) as db:
        assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert db.execute("PRAGMA foreign_key_check").fetchall() == []
        for run_id, state, status, told in db.execute("SELECT id, state, status, json FROM run").fetchall():
            frames = db.execute("SELECT count(*) FROM frame WHERE run = ?", (run_id,)).fetchone()[0]
            parts = db.execute("SELECT count(*) FROM part WHERE run = ?", (run_id,)).fetchone()[0]
            if state == "done":
                assert status == "ok" and frames > 10 and parts == 0, (run_id, status, frames, parts)
                json.loads(told)
            else:
                assert state == "part" and frames == 0 and told is None, (run_id, state)


# ---- what is kept, and answered ------------------------------------------------------------------------------------

@test
def the_same_question_is_answered_from_the_store_to_the_byte():
    name, store = scenario("same.duress", SMALL + RIVAL), "same.db"
    words_of = (["simulate", name, "--seed", "3"], ["claims", name], ["claims", name, "--exact", "--json"],
                ["run", name, "-o", "same.html"], ["simulate", name, "--lattice", "--csv", "same.csv", "--json"],
                ["solve", name], ["solve", name, "--at", "threat=made", "--json"], ["explain", name],
                ["explain", name, "--actor", "sender", "--json"], ["trace", name, "--run", "3"], ["rivals", name],
                ["query", name, "E(harm at 12 month)", "P(stance == soft within 3 month)", "--json"],
                ["check", name, "--refine"], ["claims", name, "--draws", "3"])
    for words in words_of:
        first = good(*words, "--store", store)
        assert first.stderr == "", first.stderr
        files = {}
        for file in ("same.html", "same.csv"):
            if file in words:
                with open(at(file), "rb") as data:
                    files[file] = data.read()
                os.remove(at(file))
        again = good(*words, "--store", store, "-j", "1")
        assert again.stdout == first.stdout
        assert re.fullmatch(r"duress: answered from the store: run \d+ of .* UTC; --fresh computes it anew\n", again.stderr)
        for file, bytes_before in files.items():
            with open(at(file), "rb") as data:
                assert data.read() == bytes_before, file
    assert len(runs(store)) == len(words_of)
    # text and JSON are two faces of one run
    assert json.loads(good("simulate", name, "--seed", "3", "--store", store, "--json").stdout)["seed"] == 3
    assert len(runs(store)) == len(words_of)
    whole(store)
    # what each is about stands in tables of its own
    tables = {"query": "queries", "rivals": "accounts", "check": "refine", "explain": "reason_parts", "solve": "choices"}
    for kept in runs(store):
        frames = {f["name"]: f["columns"] for f in answer("show", str(kept["run"]), "--store", store)["frames"]}
        table = tables.get(kept["command"], "actors")
        assert len(next(iter(frames[table].values()))["values"]) > 0, (kept["command"], table)


@test
def a_question_is_all_that_was_asked():
    name, store = scenario("asked.duress", SMALL + RIVAL), "asked.db"
    for one, other in ((["solve", name], ["solve", name, "--at", "threat=made"]),
                       (["solve", name, "--no-certificate"], ["solve", name, "--max-sweeps", "5000"]),
                       (["explain", name], ["explain", name, "--actor", "target"]),
                       (["explain", name, "--at", "threat=made"], ["explain", name, "--at", "stance=soft"]),
                       (["query", name, "E(harm at 12 month)"], ["query", name, "E(harm at 12 month | quiet)"]),
                       (["query", name, "E(harm at 1 month)", "P(threat == made at 1 month)"],
                        ["query", name, "P(threat == made at 1 month)", "E(harm at 1 month)"]),
                       (["trace", name, "--run", "1"], ["trace", name, "--run", "2"]),
                       (["solve", name, "--grid", "harm=9"], ["solve", name, "--rival", "milder"]),
                       (["check", name, "--refine"], ["check", name, "--refine", "--states", "100"])):
        for words in (one, other):
            done = run(*words, "--store", store)
            assert "answered" not in done.stderr, (words, done.stderr)
            told = run(*words, "--store", store)
            assert "answered" in told.stderr and told.stdout == done.stdout and told.returncode == done.returncode, words
    # a solve that misses its tolerance is an answer, with its exit code; what cannot be asked is none
    assert run("solve", name, "--max-sweeps", "1", "--store", store).returncode == 1
    missed = run("solve", name, "--max-sweeps", "1", "--store", store)
    assert missed.returncode == 1 and "answered" in missed.stderr and "missed its tolerance" in missed.stderr
    n = len(runs(store))
    assert run("explain", name, "--actor", "nobody", "--store", store).returncode == 2 and len(runs(store)) == n
    # reading a scenario costs nothing and is not kept
    refused = run("check", name, "--store", store)
    assert refused.returncode == 2 and "--refine" in refused.stderr
    assert run("check", name, env=dict(os.environ, DURESS_STORE=at(store))).stderr == "" and len(runs(store)) == n


@test
def diff_compares_tables_of_the_state_that_was_asked_about():
    name, store = scenario("places.duress"), "places.db"
    for words in (["explain", name, "--at", "threat=made"], ["explain", name, "--at", "threat=made", "--set", "weight=2"],
                  ["solve", name, "--at", "threat=made", "--set", "weight=2"],
                  ["query", name, "E(harm at 12 month)", "--exact"],
                  ["query", name, "E(harm at 12 month)", "--exact", "--set", "weight=2"]):
        good(*words, "--store", store)
    told = answer("diff", "1", "2", "--store", store)
    assert {m["move"] for m in told["through"]["moves"]} == {"relent", "yield"}
    assert answer("diff", "2", "3", "--store", store)["through"]["moves"][0]["split"] == []
    assert "choices there did not change" in good("diff", "2", "3", "--store", store).stdout.lower()
    first, second = (answer("show", n, "--store", store)["answer"] for n in "45")
    told = answer("diff", "4", "5", "--store", store)
    assert told["answers"]["queries"] == [{"query": first["query"], "before": first["value"], "after": second["value"]}]
    assert first["value"] != second["value"]


@test
def parts_that_are_merged_are_kept_as_a_run_whichever_way_the_runs_were_cut():
    name = scenario("merged.duress", SMALL + RIVAL)
    words = ["simulate", name, "--runs", "60", "--seed", "3", "--times", "5", "--policy", "quiet", "--set", "weight=1.5",
             "--grid", "harm=7", "--rival", "milder"]
    whole = answer(*words, "--store", "merged.store")
    for n in (2, 3):
        for i in range(1, n + 1):
            good(*words, "--shard", f"{i}/{n}", "--part", f"{i}-of-{n}")
    asked = ["merge", name, "--rival", "milder", "--store", "merged.store"]
    first = good(*asked, "1-of-2", "2-of-2", "--csv", "first.csv")
    assert "answered from the store" not in first.stderr
    again = good(*asked, "3-of-3", "1-of-3", "2-of-3", "--csv", "again.csv")
    assert "answered from the store" in again.stderr and again.stdout == first.stdout
    with open(at("first.csv"), "rb") as one, open(at("again.csv"), "rb") as other:
        assert one.read() == other.read()
    listed = runs("merged.store")
    assert [one["state"] for one in listed] == ["done", "done"], listed
    shown = answer("show", "2", "--store", "merged.store")
    assert timeless(shown["answer"]) == timeless(whole), shown["answer"]
    lines = shown["question"].split("\n")
    for line in ("command merge", "seed 3", "set weight=1.5", "runs 60", "times 5", "policy quiet", "rival milder", "grid harm=7"):
        assert line in lines, (line, lines)
    # the tables are those of the whole, but for those of a game, which was not solved here
    tables, others = ({frame["name"]: frame for frame in answer("show", k, "--store", "merged.store")["frames"]} for k in "21")
    assert all(tables[name] == others[name] for name in tables), [name for name in tables if tables[name] != others[name]]
    assert {name for name in others if others[name] and name not in tables} == {"values", "choices", "certificate", "regret"}
    told = answer("diff", "1", "2", "--store", "merged.store")
    assert told["answers"]["ends"] == [] and told["through"]["counts"] == [], told
    # a part of it without the rival is another scenario
    assert run("merge", name, "1-of-2", "2-of-2", "--store", "merged.store").returncode == 2


@test
def any_other_question_is_not():
    name, store = scenario("other.duress"), "other.db"
    good("claims", name, "--store", store)
    for words in (["--seed", "1"], ["--set", "weight=2"], ["--runs", "900"], ["--exact"], ["--claim", "yields"], ["--lattice"],
                  ["--confidence", "0.9"], ["--tolerance", "1e-6"]):
        assert good("claims", name, *words, "--store", store).stderr == "", words
    # words that people read belong to the question, layout and comments don't
    with open(at(name), "a", encoding="utf-8") as out:
        out.write("\n# a remark\n")
    good("fmt", name)
    assert "answered" in good("claims", name, "--store", store).stderr
    scenario(name, swap={"A small demand": "A smaller demand"})
    assert good("claims", name, "--store", store).stderr == ""
    n = len(runs(store))
    assert "answered" in good("claims", name, "--store", store).stderr
    assert good("claims", name, "--store", store, "--fresh").stderr == ""
    assert len(runs(store)) == n + 1
    assert good("claims", name, "--no-store").stderr == "" and len(runs(store)) == n + 1


@test
def the_users_own_store_is_in_the_data_folder():
    name = scenario("own.duress")
    environment = {k: v for k, v in os.environ.items() if k not in ("DURESS_STORE", "XDG_DATA_HOME")}
    home = at("home")
    os.mkdir(home)
    good("claims", name, env=dict(environment, HOME=home))
    assert os.path.exists(os.path.join(home, ".local/share/duress/store.db"))
    data = at("data")
    good("claims", name, env=dict(environment, HOME=home, XDG_DATA_HOME=data))
    assert os.path.exists(os.path.join(data, "duress/store.db"))
    # a program of its own is not the place: set and empty means none
    before = good("runs", "--json", env=dict(environment, HOME=home)).stdout
    good("claims", name, "--seed", "5", env=dict(environment, HOME=home, DURESS_STORE=""))
    assert good("runs", "--json", env=dict(environment, HOME=home)).stdout == before
    done = run("runs", env={"PATH": os.environ["PATH"]})
    assert done.returncode == 3 and "there is no store" in done.stderr
    done = run("runs", env=dict(environment, HOME=at("nobody")))
    assert done.returncode == 3 and "there is no store" in done.stderr and not os.path.exists(at("nobody"))


@test
def show_tells_question_machine_files_and_tables():
    scenario("part.duress", 'param weight = 1.5 { "what a threat costs"}\n')
    text = re.sub(r"param weight = [^}]*}\n", "", SMALL)
    assert text != SMALL
    name, store = scenario("show.duress", 'import "part.duress"\n' + text if not text.startswith("scenario") else
                           text.replace("\nactor", '\nimport "part.duress"\nactor', 1)), "show.db"
    good("run", name, "--set", "weight=2", "--seed", "9", "--store", store, "-o", "show.html", "--runs", "500")
    told = answer("show", "1", "--store", store)
    assert told["state"] == "done" and told["set"] == {"weight": 2} and told["seed"] == "9" and told["command"] == "run"
    assert [f["path"] for f in told["files"]] == [name, "part.duress"] and told["files"][0]["text"].startswith("scenario")
    assert told["host"]["cores"] and told["host"]["machine"] and told["version"] and told["seconds"] > 0
    assert len(told["hash"]) == 64 and "scenario " + told["hash"] in told["question"]
    frames = {f["name"]: f["columns"] for f in told["frames"]}
    assert {"params", "certificate", "regret", "values", "choices", "series", "mode_series", "counts", "claims", "reasons",
            "reason_parts", "stocks", "moves", "events", "payoffs"} <= set(frames)
    assert frames["params"]["value"]["values"] == [2] and len(frames["series"]["mean"]["values"]) == 3 * 61
    assert told["answer"]["solve"]["certificate"]["residual"] < 1e-8
    said = good("show", "1", "--store", store).stdout
    assert "set      weight=2" in said and "residual" in said and "claims" in said
    done = run("show", "7", "--store", store)
    assert done.returncode == 2 and "there is no run 7" in done.stderr
    for words, says in ((["show", "x"], "wants the number of a run"), (["show"], "wants RUN"), (["diff", "1"], "wants RUN RUN"),
                        (["export", "1", "--format", "cvs"], "did you mean `csv`?"), (["show", "1", "--fresh"], "belongs to")):
        done = run(*words, "--store", store)
        assert done.returncode == 2 and says in done.stderr, (words, done.stderr)


@test
def rm_forgets_all_that_are_named_or_none():
    name, store = scenario("rm.duress"), "rm.db"
    for seed in ("1", "2", "3"):
        good("claims", name, "--seed", seed, "--store", store)
    done = run("rm", "1", "9", "--store", store)
    assert done.returncode == 2 and [r["run"] for r in runs(store)] == [3, 2, 1]
    # a run that is named twice is one run
    assert answer("rm", "1", "3", "1", "--store", store) == {"removed": [1, 3]}
    assert [r["run"] for r in runs(store)] == [2]
    # numbers are not used twice
    good("claims", name, "--seed", "4", "--store", store)
    assert [r["run"] for r in runs(store)] == [4, 2]
    done = run("rm", "1", "--store", "never.db")
    assert done.returncode == 3 and not os.path.exists(at("never.db"))


def npy(path):
    """Rows of a NumPy file, read without NumPy."""
    with open(path, "rb") as file:
        data = file.read()
    assert data[:6] == b"\x93NUMPY" and data[6] in (1, 2, 3)
    size = 2 if data[6] == 1 else 4
    n = int.from_bytes(data[8:8 + size], "little")
    start = 8 + size + n
    assert start % 64 == 0
    header = ast.literal_eval(data[8 + size:start].decode())
    rows, place = [], start
    for _ in range(header["shape"][0]):
        row = {}
        for name, kind in header["descr"]:
            if kind == "<f8":
                row[name] = struct.unpack_from("<d", data, place)[0]
                place += 8
            else:
                width = 4 * int(kind[2:])
                row[name] = data[place:place + width].decode("utf-32-le").rstrip("\0")
                place += width
        rows.append(row)
    assert place == len(data)
    return rows


@test
def export_writes_the_tables_in_three_formats():
    name, store = scenario("export.duress"), "export.db"
    good("simulate", name, "--csv", "paths.csv", "--store", store)
    good("run", name, "--store", store, "-o", "export.html")
    assert good("export", "1", "--store", store).stdout == "run-1\n"
    with open(at("paths.csv"), "rb") as a, open(at("run-1/paths.csv"), "rb") as b:
        assert a.read() == b.read()
    with open(at(name), "rb") as a, open(at("run-1/export.duress"), "rb") as b:
        assert a.read() == b.read()
    good("export", "1", "--format", "npy", "--to", "as-npy", "--store", store)
    with open(at("run-1/paths.csv"), encoding="utf-8", newline="") as file:
        table = list(csv.DictReader(file))
    rows = npy(at("as-npy/paths.npy"))
    assert len(rows) == len(table) > 100
    for row, line in zip(rows, table):
        assert row["variable"] == line["variable"] and row["date"] == line["date"]
        assert row["time"] == float(line["time (month)"]) and row["mean"] == float(line["mean"])
    good("export", "2", "--format", "json", "--to", "as-json/", "--store", store)
    with open(at("as-json/run.json"), encoding="utf-8") as file:
        assert json.load(file) == answer("show", "2", "--store", store)
    with open(at("as-json/page.html"), "rb") as a, open(at("export.html"), "rb") as b:
        assert a.read() == b.read()
    # the folder is there whole or not at all
    done = run("export", "1", "--store", store)
    assert done.returncode == 3 and "is there already" in done.stderr

    def little():
        resource.setrlimit(resource.RLIMIT_FSIZE, (40000, 40000))   # room for the index of the log, not for the page
    def folder():
        return sorted(name for name in os.listdir(ROOM) if ".db" not in name)
    before = folder()
    done = run("export", "2", "--to", "cut", "--store", store, preexec_fn=little)
    assert done.returncode == 3 and "cut" in done.stderr and folder() == before, (done.stderr, before, folder())


@test
def whole_paths_are_kept_when_asked_and_are_those_of_the_ensemble():
    name, store = scenario("whole.duress"), "whole.db"
    for kind in ([], ["--lattice"]):
        words = ["simulate", name, "--runs", "200", "--times", "7", "--policy", "quiet", "--seed", "5", "--store", store, *kind]
        told = json.loads(good(*words, "--keep", "200", "--json").stdout)
        few = good(*words, "--keep", "2", "--keep-run", "17", "--keep-run", "1")
        assert "whole paths of 3 runs are kept" in few.stdout
        number = str(runs(store)[0]["run"])
        assert "answered" in good(*words, "--keep", "2", "--keep-run", "17", "--keep-run", "1").stderr
        for form in ("csv", "npy"):
            good("export", number, "--format", form, "--to", f"whole-{form}-{number}", "--store", store)
        whole_frame = {f["name"]: f["columns"] for f in answer("show", str(int(number) - 1), "--store", store)["frames"]}["runs"]
        column = {key: whole_frame[key]["values"] for key in whole_frame}
        assert column["run"] == [r for r in range(200) for _ in range(7)] and column["time"][:7] == told["time"]
        # means and shares of the whole are those of the paths, one by one
        for t in range(7):
            level = column["harm"][t::7]
            assert abs(sum(level) / 200 - told["stocks"]["harm"]["mean"][t]) < 1e-11
            for value, share in told["modes"]["stance"].items():
                assert column["stance"][t::7].count(value) == round(200 * share[t])
        # named ones are the same, and end where the story of the run ends
        with open(at(f"whole-csv-{number}/runs.csv"), encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        assert [int(r["run"]) for r in rows] == [r for r in (0, 1, 17) for _ in range(7)]
        for row in rows:
            place = 7 * int(row["run"]) + column["time"].index(float(row["time (month)"]))
            assert float(row["harm"]) == column["harm"][place] and row["threat"] == column["threat"][place]
        for row, other in zip(npy(at(f"whole-npy-{number}/runs.npy")), rows):
            assert row["harm"] == float(other["harm"]) and row["stance"] == other["stance"]
        story = answer("trace", name, "--run", "17", "--seed", "5", "--policy", "quiet", *kind, "--no-store")
        assert story["end"]["harm"] == float(rows[-1]["harm"]) and story["end"]["stance"] == rows[-1]["stance"]
    # not asked for, none are kept
    good("simulate", name, "--runs", "50", "--store", store)
    assert "runs" not in {f["name"] for f in answer("show", str(runs(store)[0]["run"]), "--store", store)["frames"]}
    for words, says in ((["--keep", "60", "--runs", "50"], "60 runs are asked for, and there are 50"),
                        (["--keep-run", "50", "--runs", "50"], "there is no run 50"), (["--keep", "0"], "--keep wants")):
        done = run("simulate", name, *words, "--store", store)
        assert done.returncode == 2 and says in done.stderr, (words, done.stderr)
    assert "leave --no-store out" in run("simulate", name, "--keep", "1", "--no-store").stderr
    assert "there is none" in run("simulate", name, "--keep", "1").stderr
    # a run that fails has no path, and the others have theirs
    scenario("holes.duress", FAILING)
    done = run("simulate", "holes.duress", "--runs", "2000", "--keep", "2000", "--times", "2", "--store", store, "--json")
    failed = {f["run"] for f in json.loads(done.stdout)["failed"]}
    frames = {f["name"]: f["columns"] for f in answer("show", str(runs(store)[0]["run"]), "--store", store)["frames"]}
    assert failed and set(frames["runs"]["run"]["values"]) == set(range(2000)) - failed


@test
def stories_on_the_page_are_the_typical_run_and_the_ends_of_the_first_claim():
    name, store = scenario("stories.duress"), "stories.db"
    for kind in ([], ["--lattice"]):
        words = [name, "--runs", "120", "--seed", "6", "--store", store, *kind]
        good("run", *words, "-o", "stories.html")
        number = str(runs(store)[0]["run"])
        frames = {f["name"]: {k: c["values"] for k, c in f["columns"].items()} for f in answer("show", number, "--store", store)["frames"]}
        told = dict(zip(frames["stories"]["name"], range(3)))
        assert set(told) == {"typical", "lowest", "highest"} and frames["stories"]["policy"] == ["", "", ""]
        chosen = {key: int(frames["stories"]["run"][i]) for key, i in told.items()}
        # the same choice from whole paths: nearest to medians and most common values, least and most at a year
        good("simulate", *words, "--keep", "120")
        whole = {f["name"]: {k: c["values"] for k, c in f["columns"].items()}
                 for f in answer("show", str(runs(store)[0]["run"]), "--store", store)["frames"]}
        paths, series = whole["runs"], whole["series"]
        n = len(series["time"])
        far = [0.0] * 120
        for t in range(n):
            for mode in ("threat", "stance"):
                shares = {v: s for v, s, m, time_ in zip(whole["mode_series"]["value"], whole["mode_series"]["share"],
                                                         whole["mode_series"]["mode"], whole["mode_series"]["time"])
                          if m == mode and time_ == series["time"][t]}
                common = max(shares, key=lambda v: (shares[v], -list(shares).index(v)))
                for r in range(120):
                    far[r] += paths[mode][r * n + t] != common
            for r in range(120):
                far[r] += abs(paths["harm"][r * n + t] - series["q50"][t])
        assert abs(far[chosen["typical"]] - min(far)) < 1e-9
        year = [answer("trace", name, "--run", str(r), "--seed", "6", *kind, "--no-store") for r in
                (chosen["lowest"], chosen["highest"])]
        near = min(range(n), key=lambda t: abs(series["time"][t] - 12))
        level = [paths["harm"][r * n + near] for r in range(120)]
        assert level[chosen["lowest"]] <= sorted(level)[3] and level[chosen["highest"]] >= sorted(level)[-4]
        # what they tell is what trace tells
        for key, story in zip(("lowest", "highest"), year):
            events = [i for i, s in enumerate(frames["story_events"]["story"]) if s == key]
            assert [frames["story_events"]["time"][i] for i in events] == [e["time"] for e in story["events"]]
            for i, event in zip(events, story["events"]):
                assert event["name"] in frames["story_events"]["text"][i]
                assert ("than waiting" in frames["story_events"]["text"][i]) == (event["kind"] == "move")
        with open(at("stories.html"), encoding="utf-8") as file:
            page = file.read()
        assert page.count('class="card story"') == 3 and f"--run {chosen['typical']} --seed 6" in page


@test
def a_run_that_fails_is_recorded_with_its_reason_and_the_rest_go_on():
    name, store = scenario("failing.duress", FAILING), "failing.db"
    words = ["simulate", name, "--runs", "4000", "--store", store]
    done = run(*words)
    assert done.returncode == 2 and "runs failed and are left out" in done.stderr and "the effect of `odd`" in done.stderr
    told = json.loads(run(*words, "--json").stdout)
    failed = told["failed"]
    assert 0 < len(failed) <= 16 and told["runs"] == 4000 - len(failed)
    assert [f["run"] for f in failed] == sorted({f["run"] for f in failed})
    for threads in ("1", "3"):
        other = json.loads(run(*words[:-2], "--no-store", "--json", "-j", threads).stdout)
        assert timeless(other) == timeless(told)
    kept = answer("show", str(runs(store)[0]["run"]), "--store", store)
    assert kept["state"] == "failed" and [f["run"] for f in kept["failures"]] == [f["run"] for f in failed]
    assert kept["failures"][0]["reason"] == failed[0]["reason"] and kept["status"] == "domain"
    assert "series" in {f["name"] for f in kept["frames"]}
    # the others' share of everything is what it is without the runs that failed
    assert abs(sum(v[-1] for v in told["modes"]["m"].values()) - 1) < 1e-12


# ---- what changed between two runs ---------------------------------------------------------------------------------

@test
def diff_tells_assumptions_levers_questions_and_answers_apart():
    name, store = scenario("before.duress"), "diff.db"
    changed = scenario("after.duress", swap={"event shock { rate 0.05": "event shock { rate 0.08", "cost 0.1 ": "cost 0.3 ",
                                             "> 0.5 }": "> 0.6 }"})
    good("run", name, "--store", store, "-o", "before.html")
    good("run", changed, "--set", "weight=1.5", "--seed", "4", "--store", store, "-o", "after.html")
    told = answer("diff", "1", "2", "--store", store)
    assert [(c["kind"], c["name"]) for c in told["assumptions"]] == [("--set", "weight"), ("event", "shock")]
    assert told["assumptions"][0]["after"] == ["weight=1.5"] and "0.08" in told["assumptions"][1]["after"][0]
    assert [(c["kind"], c["name"]) for c in told["levers"]] == [("move", "threaten")]
    assert "cost 0.1" in told["levers"][0]["before"][0] and "cost 0.3" in told["levers"][0]["after"][0]
    assert [(c["kind"], c["name"]) for c in told["question"]] == [("asked", "seed"), ("claim", "yields")]
    first, second = (answer("show", n, "--store", store)["answer"] for n in "12")
    for c, a, b in zip(told["answers"]["claims"], first["claims"], second["claims"]):
        assert c["name"] == a["name"] == b["name"] and c["turned"] == (a["verdict"] != b["verdict"])
        assert c["before"]["gap"] == a["gap"] and c["after"]["gap"] == b["gap"]
    for c in told["answers"]["values"]:
        assert c["before"] == first["solve"]["values"][c["actor"]] and c["after"] == second["solve"]["values"][c["actor"]]
    for c in told["answers"]["choices"]:
        assert c["before"] == first["solve"]["choices"][c["actor"]][c["move"]]
    ends = {(c["policy"], c["stock"]): c for c in told["answers"]["ends"]}
    assert ends["", "harm"]["after"] == second["policies"]["equilibrium"]["harm"]
    assert ends["quiet", "harm"]["before"] == first["policies"]["quiet"]["harm"]
    assert {c["name"] for c in told["through"]["counts"]} >= {"shock", "threaten"}
    text = good("diff", "1", "2", "--store", store).stdout
    assert "assumptions\n" in text and "levers\n" in text and max(map(len, text.splitlines())) <= 110
    same = answer("diff", "1", "1", "--store", store)
    assert same["same_scenario"] and not same["assumptions"] + same["levers"] + same["question"] + same["answers"]["values"]


@test
def the_split_of_a_change_adds_up_and_is_made_where_it_is_not_kept():
    name, store = scenario("split.duress"), "split.db"
    good("run", name, "--store", store, "-o", "split.html")
    # claims and simulate keep no reasons: the game is solved again from the text in the store
    good("claims", name, "--set", "weight=2", "--store", store)
    os.remove(at(name))
    told = answer("diff", "1", "2", "--store", store)["through"]
    assert {(m["actor"], m["move"]) for m in told["moves"]} == {("sender", "threaten"), ("target", "yield")}
    for move in told["moves"]:
        a, b = move["advantage"]
        assert abs(sum(part["change"] for part in move["split"]) - (b - a)) < 1e-9 * (1 + abs(a))
        assert abs(b - a) > 1e-3 and move["probability"][0] != move["probability"][1]
    assert abs(sum(told["payoff_terms"].values()) - 1) < 1e-9 and abs(sum(told["carriers"].values()) - 1) < 1e-9
    # harm weighs twice as much: that is what moves the sender
    harm = [p for m in told["moves"] if m["move"] == "threaten" for p in m["split"] if p["part"] == "harm"]
    assert max(harm, key=lambda p: abs(p["change"]))["carrier"] == "drift of harm"
    # what explain says of each is what the difference is of
    scenario("split.duress")
    for side, words in ((0, []), (1, ["--set", "weight=2"])):
        why = answer("explain", name, *words)["actors"]
        for move in told["moves"]:
            assert abs(why[move["actor"]]["moves"][move["move"]]["advantage"] - move["advantage"][side]) < 1e-9
    # made once, it is kept
    assert "reasons" in {f["name"] for f in answer("show", "2", "--store", store)["frames"]}
    # in rounds likewise
    rounds = open(os.path.join(HERE, "..", "..", "scenarios", "brink", "brink.duress"), encoding="utf-8").read()
    scenario("rounds.duress", rounds)
    good("claims", "rounds.duress", "--exact", "--store", store)
    good("claims", "rounds.duress", "--exact", "--set", "risk=0.25", "--store", store)
    told = answer("diff", "3", "4", "--store", store)["through"]
    assert {m["move"] for m in told["moves"]} == {"north_back", "south_back"} and "note" not in told
    for move in told["moves"]:
        a, b = move["advantage"]
        assert abs(sum(part["change"] for part in move["split"]) - (b - a)) < 1e-9 * (1 + abs(a)) and abs(b - a) > 0.1


@test
def diff_says_so_where_reasons_cannot_be_told():
    name, store = scenario("unmet.duress"), "unmet.db"
    assert run("solve", name, "--max-sweeps", "3", "--store", store).returncode == 1
    good("solve", name, "--store", store)
    told = answer("diff", "1", "2", "--store", store)
    assert "missed its tolerance" in told["through"]["note"] and "moves" not in told["through"]
    assert any(c["before"] != c["after"] for c in told["answers"]["choices"])   # the rest is told
    assert "is not known: the solve missed its tolerance" in good("diff", "1", "2", "--store", store).stdout
    # nothing was put into the store in its place
    assert "reasons" not in {f["name"] for f in answer("show", "1", "--store", store)["frames"]}


# ---- killed, interrupted -------------------------------------------------------------------------------------------

def long_ones(name):
    return (["simulate", name, "--runs", "60000"], ["claims", name, "--runs", "120000"],
            ["run", name, "--runs", "20000", "-o", "killed.html"], ["rivals", name, "--runs", "40000"],
            ["query", name, "E(harm at 12 month)", "E(harm at 12 month | quiet)", "--runs", "200000"],
            ["claims", name, "--draws", "40", "--exact", "--grid", "harm=201"],
            ["check", name, "--refine", "--grid", "harm=1001"],
            ["claims", name, "--exact", "--starts", "8", "--grid", "harm=41"])


def long_case(name):
    """Four claims, the last of them too near to its line for any number of runs to decide."""
    return scenario(name, SMALL + RIVAL + "\nclaim nearly { E(harm at 12 month) == 0.2252 }\n")


@test
def killed_at_any_instant_it_goes_on_and_gives_the_same_bits():
    name, store, luck = long_case("killed.duress"), "killed.db", random.Random(20261126)
    expected = {}
    for words in long_ones(name):
        expected[" ".join(words)] = timeless(json.loads(run(*words, "--no-store", "--json").stdout))
    kills, finished, resumed, words = 0, 0, 0, long_ones(name)[0]
    while kills < KILLS or finished < len(expected):
        work = subprocess.Popen([DURESS, *words, "--store", store, "--json"], cwd=ROOM, stdin=subprocess.DEVNULL,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        try:
            out, err = work.communicate(timeout=luck.uniform(0, 0.9) if kills < KILLS else 300)
        except subprocess.TimeoutExpired:
            work.send_signal(signal.SIGKILL)
            work.communicate()
            kills += 1
            if os.path.exists(at(store)):
                whole(store)
            continue
        assert work.returncode == 0, err
        assert timeless(json.loads(out)) == expected[" ".join(words)], words
        whole(store)
        resumed += "went on with run" in err
        finished += 1
        # the next question, from nothing
        good("rm", str(runs(store)[0]["run"]), "--store", store)
        words = long_ones(name)[finished % len(expected)]
    assert resumed > 0 and kills == KILLS
    print(f"# {kills} kills, {finished} answers, {resumed} of them taken up")


# the signal goes to the process alone, in a session of its own, with the default action restored
def start(*words):
    return subprocess.Popen([DURESS, *words], cwd=ROOM, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, text=True, start_new_session=True,
                            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler))


def parts(store):
    """Names of what is kept of unfinished runs; none while there is no store yet."""
    if not os.path.exists(at(store)):
        return set()
    with database(store) as db:
        if not db.execute("SELECT 1 FROM sqlite_master WHERE name = 'part'").fetchall():
            return set()
        return {row[0] for row in db.execute("SELECT name FROM part")}


def once(happened, work):
    """Waits until something has happened, so that a test hangs on what is done and not on how fast."""
    end = time.monotonic() + 120
    while not happened():
        assert work.poll() is None, "it was done before it could be interrupted"
        assert time.monotonic() < end, "it never came so far"
        time.sleep(0.02)


@test
def interrupted_once_it_keeps_what_is_done_and_says_how_to_go_on():
    name, store = long_case("interrupted.duress"), "interrupted.db"
    words = ["simulate", name, "--runs", "1000000", "--store", store]
    work = start(*words)
    once(lambda: parts(store), work)
    work.send_signal(signal.SIGINT)
    out, err = work.communicate(timeout=60)
    assert work.returncode == 3 and out == "", (work.returncode, out, err)
    assert re.search(r"interrupted after \d+ of 1000000 runs; what is done is kept as run 1, and the same command goes on from "
                     r"there", err), err
    done = int(re.search(r"after (\d+) of", err).group(1))
    listed = runs(store)
    assert [(r["run"], r["state"], r["parts"]) for r in listed] == [(1, "part", done)] and done > 0
    assert "goes on from here" in good("show", "1", "--store", store).stdout
    refused = run("export", "1", "--store", store)
    assert refused.returncode == 2 and "not finished" in refused.stderr
    again = good(*words, "--json")
    assert "went on with run 1" in again.stderr
    assert timeless(json.loads(again.stdout)) == timeless(json.loads(good(*words[:-2], "--json").stdout))


@test
def claims_that_are_judged_are_not_judged_again():
    name, store = long_case("judged.duress"), "judged.db"
    words = ["claims", name, "--runs", "1500000", "--store", store]
    work = start(*words)
    once(lambda: any(p.startswith("claim nearly, policy") for p in parts(store)), work)
    work.send_signal(signal.SIGINT)
    out, err = work.communicate(timeout=60)
    assert work.returncode == 3 and "claim nearly: interrupted" in err and "kept as run 1" in err, (out, err)
    kept = parts(store)
    assert {"claim threats_help", "claim yields", "claim impossible"} < kept, kept
    assert any(p.startswith("claim nearly, policy") for p in kept), kept
    again = good(*words, "--json")
    assert "went on with run 1" in again.stderr
    assert timeless(json.loads(again.stdout)) == timeless(answer(*words[:-2], "--no-store"))
    whole(store)


def kept_games(store):
    """Seconds that the games that are kept took, by name."""
    if not os.path.exists(at(store)):
        return {}
    with database(store) as db:
        if not db.execute("SELECT 1 FROM sqlite_master WHERE name = 'piece'").fetchall():
            return {}
        found = db.execute("SELECT key, data FROM game JOIN piece ON game = key WHERE is_whole AND number = 0").fetchall()
    return {name: struct.unpack_from("<d", data, 104)[0] for name, data in found if "others" not in name}


@test
def a_game_that_was_solved_is_not_solved_again():
    name, store = long_case("game.duress"), "game.db"
    # most of the time goes into the certificate
    words = ["run", name, "--grid", "harm=4001", "--runs", "60000", "-o", "game.html"]
    work = start(*words, "--store", store)
    once(lambda: kept_games(store), work)
    work.send_signal(signal.SIGKILL)
    work.communicate(timeout=60)
    assert work.returncode == -signal.SIGKILL
    seconds = set(kept_games(store).values())
    assert seconds and runs(store)[0]["state"] == "part"
    again = good(*words, "--store", store, "--json")
    told = json.loads(again.stdout)
    assert "went on with run 1" in again.stderr
    # the time that solving took is that of the process that was killed
    assert told["solve"]["seconds"] in seconds
    assert timeless(told) == timeless(answer(*words, "--no-store"))
    whole(store)


@test
def a_game_that_was_solved_is_there_for_other_questions():
    name, store = long_case("others.duress"), "others.db"
    fine = ["--grid", "harm=8001", "--store", store]
    ask = ["query", name, "E(harm at 12 month)", "--exact", *fine]
    taken = "1 game was solved before and taken from the store"
    assert "taken from" not in good(*ask).stderr
    # it was kept without a certificate, which is computed now, and kept
    solve = good("solve", name, *fine, "--json")
    assert taken in solve.stderr, solve.stderr
    assert timeless(json.loads(solve.stdout)) == timeless(answer("solve", name, "--grid", "harm=8001", "--no-store"))
    assert json.loads(solve.stdout)["certificate"]["regret"]["sender"] >= 0
    kept = kept_games(store)
    assert len(kept) == 1
    explained = good("explain", name, *fine, "--json")
    assert taken in explained.stderr
    assert timeless(json.loads(explained.stdout)) == timeless(answer("explain", name, "--grid", "harm=8001", "--no-store"))
    # another layout is the same game; another order of what is declared, another param and --fresh are not
    with open(at(name), encoding="utf-8") as file:
        text = file.read()
    ask[2] = "E(harm at 13 month)"
    scenario(name, text + "\n# a remark\n")
    assert taken in good(*ask).stderr
    ask[2] = "E(harm at 14 month)"
    assert "taken from" not in good(*ask, "--fresh").stderr
    assert "taken from" not in good(*ask, "--set", "weight=1.1").stderr
    line = next(line for line in text.splitlines() if line.startswith("move stiffen"))
    scenario(name, text.replace(line + "\n", "") + line + "\n")
    assert "taken from" not in good(*ask).stderr
    assert len(kept_games(store)) == 3
    assert "3 solved games are kept" in good("runs", "--store", store).stdout
    refused = run("rm", "--store", store)
    assert refused.returncode == 2 and "--games" in refused.stderr
    assert "3 solved games forgotten" in good("rm", "--games", "--store", store).stdout
    assert kept_games(store) == {} and "solved game" not in good("runs", "--store", store).stdout
    whole(store)


@test
def interrupted_twice_it_stops_at_once():
    name, store = long_case("twice.duress"), "twice.db"
    # one that was just at the end of a stretch may stop of itself between the two
    for _ in range(8):
        work = start("simulate", name, "--runs", "100000000", "--store", store)
        time.sleep(0.6)
        work.send_signal(signal.SIGINT)
        time.sleep(0.01)   # two that arrive together are one
        work.send_signal(signal.SIGINT)
        _, err = work.communicate(timeout=60)
        whole(store)
        if work.returncode == -signal.SIGINT:
            break
        assert work.returncode == 3 and "interrupted after" in err, (work.returncode, err)
    # ended by the signal itself, in the middle of what it did
    assert work.returncode == -signal.SIGINT, (work.returncode, err)


@test
def runs_that_do_not_end_are_not_waited_for():
    name, store = scenario("endless.duress"), "endless.db"
    work = start("query", name, "E(harm at 100000000 month)", "--runs", "50", "--store", store, "--progress", "json")
    for line in work.stderr:   # as soon as runs are played
        if "simulating" in line:
            break
    work.send_signal(signal.SIGINT)
    _, err = work.communicate(timeout=120)
    assert work.returncode == 3 and "interrupted" in err


@test
def without_a_store_it_stops_soon_and_keeps_nothing():
    name = long_case("soon.duress")
    work = start("simulate", name, "--runs", "100000000", "--no-store", "--progress", "json")
    while (seen := work.stderr.readline()) and "simulating" not in seen:
        pass
    assert seen, "it never came so far"
    work.send_signal(signal.SIGINT)
    _, err = work.communicate(timeout=60)
    assert work.returncode == 3 and "interrupted after" in err and "kept" not in err


# ---- two at once ---------------------------------------------------------------------------------------------------

@test
def processes_share_a_store_from_its_first_moment_on():
    name, store = scenario("shared.duress"), "shared.db"
    # the same question three times among others, all at once, on a store that is not there yet
    work = [start("claims", name, "--seed", seed, "--store", store, "--json", "-j", "1") for seed in "11123456"]
    told = []
    for w in work:
        out, err = w.communicate(timeout=120)
        assert w.returncode == 0 and "not kept" not in err, err
        told.append(timeless(json.loads(out)))
    assert told[0] == told[1] == told[2]
    whole(store)
    listed = runs(store)
    assert all(r["state"] == "done" for r in listed) and {r["seed"] for r in listed} == set("123456")


@test
def a_store_that_another_process_is_making_is_no_strange_database():
    name = scenario("making.duress")
    for _ in range(40):
        for left in glob.glob(os.path.join(ROOM, "making.db*")):
            os.remove(left)
        work = [start("query", name, "E([1 == 1] at 1 month)", "--exact", "--seed", str(k), "--store", "making.db", "-j", "1") for k in range(8)]
        for w in work:
            _, err = w.communicate(timeout=120)
            assert w.returncode == 0 and "not kept" not in err and "database" not in err, err


@test
def who_finds_the_store_busy_waits():
    name, store = scenario("busy.duress"), "busy.db"
    good("claims", name, "--store", store)
    db = sqlite3.connect(at(store), isolation_level=None, check_same_thread=False)
    db.execute("BEGIN IMMEDIATE")
    let_go = threading.Timer(1.5, lambda: db.execute("ROLLBACK"))
    let_go.start()
    begun = time.monotonic()
    good("claims", name, "--seed", "2", "--store", store)
    assert time.monotonic() - begun > 1.2 and len(runs(store)) == 2
    let_go.join()
    # readers never wait
    db.execute("BEGIN IMMEDIATE")
    begun = time.monotonic()
    assert len(runs(store)) == 2 and time.monotonic() - begun < 1
    db.execute("ROLLBACK")
    db.close()


# ---- places that refuse --------------------------------------------------------------------------------------------

def refuses(name, store, says, **more):
    """Asked for by name, a store that refuses is an error; as the place that nobody named it costs a note. The answer is
    printed in both cases if it was found at all."""
    environment = dict(os.environ, DURESS_STORE=at(store))
    expected = timeless(answer("claims", name, "--seed", "77", "--no-store"))
    done = run("claims", name, "--seed", "77", "--json", env=environment, **more)
    assert done.returncode == 0 and re.search(r"^duress: this run is not kept: .*" + says, done.stderr), done.stderr
    assert timeless(json.loads(done.stdout)) == expected
    done = run("claims", name, "--seed", "77", "--store", store, **more)
    assert done.returncode == 3 and re.search(says, done.stderr) and store in done.stderr, done.stderr
    return done


def digest(path):
    with open(path, "rb") as data:
        return hashlib.sha256(data.read()).hexdigest()


@test
def a_store_of_a_newer_version_is_left_as_it_is():
    name, store = scenario("newer.duress"), "newer.db"
    good("claims", name, "--store", store)
    db = sqlite3.connect(at(store))
    db.execute("PRAGMA user_version = 7")
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    db.close()
    before = digest(at(store))
    done = refuses(name, store, "version 7 and was written by a newer duress")
    assert done.stdout == ""
    for words in (["runs"], ["show", "1"], ["rm", "1"], ["export", "1"], ["diff", "1", "1"]):
        done = run(*words, "--store", store)
        assert done.returncode == 3 and "newer duress" in done.stderr, words
    assert digest(at(store)) == before
    with open(at("letter.db"), "w", encoding="utf-8") as out:
        out.write("Dear friend, this is no database at all, however long it may be. " * 20)
    before = digest(at("letter.db"))
    refuses(name, "letter.db", "not a store")
    assert digest(at("letter.db")) == before


@test
def an_empty_file_becomes_a_store_when_a_run_is_kept_and_no_sooner():
    name = scenario("empty.duress")
    with tempfile.NamedTemporaryFile(dir=at("."), suffix=".db", delete=False) as made:
        store = os.path.basename(made.name)
    for words in (["runs"], ["show", "1"], ["rm", "1"]):
        done = run(*words, "--store", store)
        assert done.returncode == 3 and "there is nothing in it" in done.stderr, (words, done)
    scenario("faulty.duress", "scenario")
    assert run("claims", "faulty.duress", "--store", store).returncode == 2
    assert os.path.getsize(at(store)) == 0
    good("claims", name, "--store", store)
    assert [r["run"] for r in runs(store)] == [1]
    # a single byte is somebody's
    with open(at("byte.db"), "w", encoding="utf-8") as out:
        out.write("x")
    refuses(name, "byte.db", "not a store")
    assert os.path.getsize(at("byte.db")) == 1


@test
def a_full_disk_is_told_and_costs_no_old_data():
    name, store = scenario("full.duress"), "full.db"
    good("claims", name, "--store", store)
    old = answer("show", "1", "--store", store)
    size = os.path.getsize(at(store))
    # room for the tables' heads, not for a run
    for room in (0, 4096, 20000, 45000):
        def limit():
            resource.setrlimit(resource.RLIMIT_FSIZE, (room, room))
        done = run("claims", name, "--seed", str(room + 1), "--store", store, preexec_fn=limit)
        assert done.returncode == 3 and store in done.stderr and "the store cannot be" in done.stderr, done.stderr
        assert re.search("full|too large", done.stderr), done.stderr
        done = run("claims", name, "--seed", str(room + 2), preexec_fn=limit, env=dict(os.environ, DURESS_STORE=at(store)))
        assert done.returncode == 0 and "not kept" in done.stderr and "2 hold" in done.stdout, done.stderr
        whole(store)
        assert answer("show", "1", "--store", store) == old
    assert os.path.getsize(at(store)) >= size
    # with room again all is well
    good("claims", name, "--seed", "1", "--store", store)
    whole(store)


@test
def paths_for_which_the_disk_has_no_room_cost_the_answer_nothing_and_are_told():
    name, store = scenario("room.duress"), "room.db"
    words = ["simulate", name, "--runs", "2000", "--keep", "2000"]
    good(*words[:4], "--store", store)
    said = run(*words[:4], "--no-store").stdout
    own = dict(os.environ, DURESS_STORE=at(store))

    # room for the run, not for its paths: the work is done when that is known
    def limit(room=400000):
        resource.setrlimit(resource.RLIMIT_FSIZE, (room, room))
    numbers = lambda text: re.sub(r"jumps in .*", "", text)
    for more, env in ((["--store", store], os.environ), ([], own)):
        done = run(*words, *more, preexec_fn=limit, env=env)
        assert done.returncode == 3 and re.search("full|too large", done.stderr) and store in done.stderr, done
        assert numbers(done.stdout) == numbers(said), done.stdout
        told = json.loads(run("--json", *words, *more, preexec_fn=limit, env=env).stdout)
        assert told["runs"] == 2000 and "errors" not in told, told
        whole(store)
    # nor for anything: that is known before
    for more, env in ((["--store", store], os.environ), ([], own)):
        done = run(*words, "--seed", "1", *more, preexec_fn=lambda: limit(0), env=env)
        assert done.returncode == 3 and done.stdout == "" and re.search("full|too large", done.stderr), done
    assert "are kept with run" in run(*words, "--store", store).stdout


@test
def a_folder_that_is_read_only_is_told_and_can_be_read():
    name, store = scenario("frozen.duress"), "frozen/s.db"
    os.mkdir(at("frozen"))
    good("claims", name, "--store", store)
    db = sqlite3.connect(at(store))
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    db.close()
    for beside in os.listdir(at("frozen")):
        if beside != "s.db":
            os.remove(at("frozen/" + beside))
    os.chmod(at(store), 0o444)
    os.chmod(at("frozen"), 0o555)
    os.chmod(ROOM, 0o755)

    # root may write anywhere, so it becomes nobody
    def nobody():
        if os.geteuid() == 0:
            os.setgroups([])
            os.setgid(65534)
            os.setuid(65534)
    before = digest(at(store))
    try:
        program = os.access(DURESS, os.X_OK) and subprocess.run([DURESS, "version"], preexec_fn=nobody, capture_output=True,
                                                               check=False).returncode == 0
    except PermissionError:
        program = False
    copy = os.path.join(ROOM, "duress")
    if not program:
        shutil.copy(DURESS, copy)
    words = [DURESS if program else copy]

    def as_nobody(*more, **options):
        return subprocess.run([*words, *more], cwd=ROOM, capture_output=True, text=True, stdin=subprocess.DEVNULL,
                              preexec_fn=nobody, check=False, **options)
    done = as_nobody("claims", name, "--seed", "5", "--store", store)
    assert done.returncode == 3 and "read-only" in done.stderr, done.stderr
    # what is kept there is told from there
    done = as_nobody("claims", name, "--store", store)
    assert done.returncode == 0 and "answered from the store: run 1" in done.stderr and "2 hold" in done.stdout, done.stderr
    done = as_nobody("claims", name, "--fresh", "--store", store)
    assert done.returncode == 3 and "read-only" in done.stderr, done.stderr
    done = as_nobody("claims", name, "--seed", "5", env=dict(os.environ, DURESS_STORE=at(store)))
    assert done.returncode == 0 and "not kept" in done.stderr and "2 hold" in done.stdout, done.stderr
    done = as_nobody("runs", "--store", store)
    assert done.returncode == 0 and "duress claims" in done.stdout, done.stderr
    done = as_nobody("rm", "1", "--store", store)
    assert done.returncode == 3 and "read-only" in done.stderr, done.stderr
    assert digest(at(store)) == before and os.listdir(at("frozen")) == ["s.db"]
    done = as_nobody("claims", name, "--store", "frozen/new.db")
    assert done.returncode == 3 and "frozen/new.db" in done.stderr and "read-only" in done.stderr, done.stderr
    os.chmod(at("frozen"), 0o755)


# ---- progress ------------------------------------------------------------------------------------------------------

@test
def progress_for_programs_is_a_json_object_a_line():
    name = scenario("progress.duress")
    done = good("simulate", name, "--runs", "400000", "-j", "1", "--no-store", "--progress", "json")
    told = [json.loads(line) for line in done.stderr.splitlines()]
    assert told and all(set(t) == {"what", "done", "total", "seconds", "per_second", "seconds_left", "note"} for t in told)
    runs_told = [t for t in told if t["what"] == "simulating"]
    assert [t["done"] for t in runs_told] == sorted(t["done"] for t in runs_told)
    assert all(t["total"] == 400000 and 0 <= t["done"] <= 400000 for t in runs_told)
    assert any("runs/s" in t["note"] for t in runs_told) and any(t["seconds_left"] is not None for t in runs_told)
    assert good("simulate", name, "--runs", "60000", "--no-store", "--progress", "none").stderr == ""
    assert good("simulate", name, "--runs", "60000", "--no-store", "--progress", "json", "-q").stderr == ""
    done = run("simulate", name, "--progress", "xml")
    assert done.returncode == 2 and "wants line, json or none" in done.stderr


if __name__ == "__main__":
    try:
        main()
    finally:
        shutil.rmtree(ROOM, ignore_errors=True)
