#!/usr/bin/python3
"""The program as a person or a script meets it: what goes in on the command line, what comes out, with which code.

    cli_test.py DURESS [only=WORDS]
"""

import csv
import hashlib
import html as markup
import json
import math
import os
import pty
import re
import select
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.dirname(HERE))
from tap import main, test  # noqa: E402

DURESS = os.path.abspath(sys.argv[1])
ROOM = tempfile.mkdtemp(prefix="duress-cli-")
os.environ["DURESS_STORE"] = ""   # nothing is kept in the store of whoever runs this
with open(os.path.join(HERE, "small.duress"), encoding="utf-8") as text:
    SMALL = text.read()


def run(*words, **more):
    """Run the program in the test's own folder."""
    return subprocess.run([DURESS, *words], cwd=ROOM, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          errors="replace", timeout=300, check=False, **more)


def scenario(name, text=SMALL, **swap):
    """Write a scenario into the folder, some words of it swapped: swap={"old": "new"} as pairs."""
    for old, new in swap.get("swap", {}).items():
        assert old in text, f"the scenario has no {old!r}"
        text = text.replace(old, new)
    with open(os.path.join(ROOM, name), "w", encoding="utf-8") as out:
        out.write(text)
    return name


def answer(*words, code=0):
    """The JSON of a command that ends with a code, and nothing else on standard output."""
    done = run("--json", *words)
    assert done.returncode == code, f"{words}: exit {done.returncode}, expected {code}\n{done.stderr}{done.stdout}"
    return json.loads(done.stdout)


def refused(*words, code, says):
    """A command that fails: its code, its words in plain text, and the same as JSON."""
    done = run(*words)
    assert done.returncode == code, f"{words}: exit {done.returncode}, expected {code}\n{done.stderr}{done.stdout}"
    assert says in done.stderr, f"{words}: {says!r} is not in\n{done.stderr}"
    errors = answer(*words, code=code)["errors"]
    assert any(says in e["message"] or says in (e["help"] or "") for e in errors), errors
    for e in errors:
        assert set(e) == {"file", "line", "column", "length", "code", "message", "help"}, e
    return done


def folder():
    return sorted(os.listdir(ROOM))


def big(name="big.duress"):
    """A game whose solve takes many seconds."""
    other = "stock other { range 0..1  grid 300  start 0.1  drift 0.01*harm }\n"
    return scenario(name, swap={"grid 5": "grid 1000", "event shock": other + "event shock",
                                "-weight*harm": "-weight*harm*(1 + other)", "precision 4": "precision 8"})


# ---- ensembles in parts, and one run --------------------------------------------------------------------------------

@test
def parts_of_an_ensemble_merge_to_the_bits_of_the_whole():
    name = scenario("parts.duress")
    for more in ([], ["--lattice", "--policy", "quiet", "--set", "weight=1.5"]):
        words = ["simulate", name, "--runs", "203", "--seed", "5", "--times", "7", *more]
        whole = answer(*words)
        parts = []
        for i in (3, 1, 5, 2, 4):
            parts.append(f"part-{i}")
            part = answer(*words, "--shard", f"{i}/5", "--part", parts[-1], "--threads", str(i))
            assert part["first_run"] == [0, 41, 82, 123, 163][i - 1] and part["runs"] == [41, 41, 41, 40, 40][i - 1], part
        merged = answer("merge", name, *parts)
        whole.pop("seconds"), merged.pop("seconds")
        assert whole == merged, "the parts are not the whole"
        assert run("merge", name, *parts, "--csv", "-").stdout == run(*words, "--csv", "-").stdout


@test
def parts_that_do_not_belong_together_are_refused():
    name = scenario("parts.duress")
    words = ["simulate", name, "--runs", "100", "--lattice"]
    for i in (1, 2, 3):
        assert run(*words, "--shard", f"{i}/3", "--part", f"p{i}").returncode == 0
    assert run(*words, "--seed", "6", "--shard", "2/3", "--part", "seed").returncode == 0
    assert run(*words, "--set", "weight=2", "--shard", "2/3", "--part", "weight").returncode == 0
    refused("merge", name, "p1", "p3", code=2, says="runs 34 to 66 are in none of the parts")
    refused("merge", name, "p1", "p2", code=2, says="runs 67 to 99 are in none of the parts")
    refused("merge", name, "p1", "p2", "p2", "p3", code=2, says="run 34 is in p2 and in p2")
    refused("merge", name, "p1", "seed", "p3", code=2, says="different ensembles: `seed 0` and `seed 6`")
    refused("merge", name, "p1", "weight", "p3", code=2, says="different ensembles")
    assert run(*words, "--grid", "harm=9", "--shard", "2/3", "--part", "grid").returncode == 0
    refused("merge", name, "p1", "grid", "p3", code=2, says="different ensembles: `tolerance")
    assert run(*words, "--max-sweeps", "9999", "--shard", "2/3", "--part", "sweeps").returncode == 0
    refused("merge", name, "p1", "sweeps", "p3", code=2, says="`max-sweeps 0` and `max-sweeps 9999`")
    refused("merge", scenario("other.duress", swap={"cost 0.2": "cost 0.3"}), "p1", "p2", "p3", code=2, says="another scenario")
    refused("merge", name, "p1", "p2", name, code=2, says="not a part")
    refused("merge", name, "p1", "p2", "nowhere", code=3, says="nowhere")
    with open(os.path.join(ROOM, "p2"), encoding="utf-8") as text:
        whole = text.read()
    for damaged in (whole[:-1], whole[: len(whole) // 2], whole.replace("\n1\n", "\n2\n", 1)):
        with open(os.path.join(ROOM, "damaged"), "w", encoding="utf-8") as out:
            out.write(damaged)
        refused("merge", name, "p1", "damaged", "p3", code=2, says="damaged")
    refused("simulate", name, "--shard", "4/3", "--part", "p4", code=2, says="--shard wants I/N")
    refused("simulate", name, "--shard", "1/3", code=2, says="--part")
    refused("simulate", name, "--runs", "2", "--shard", "3/3", "--part", "p4", code=2, says="too few")
    assert "p4" not in folder()


@test
def what_no_run_showed_is_a_bound_and_common_luck_is_told():
    name = scenario("rare.duress")
    rare = ["query", name, "P(harm >= 0.99 within 1 month)", "--runs", "200"]
    told = answer(*rare)
    assert told["value"] == 0 and told["low"] == 0 and 0 < told["high"] < 0.03 and "--exact" in told["note"]
    assert "none of the runs showed it, so it is at most 0.0261; --exact" in run(*rare).stdout
    assert 0 <= answer(*rare[:3], "--exact")["value"] < told["high"]
    # policies with the same luck: the difference varies less than two sides with luck of their own; one side alone gains nothing
    claims = {c["name"]: c for c in answer("claims", name)}
    assert claims["threats_help"]["gain"] > 1.1 and claims["yields"]["gain"] is None
    assert "the same luck on both sides makes up for" in run("claims", name).stdout


@test
def a_node_without_a_value_is_told_with_its_place_in_the_question():
    name = scenario("node.duress")
    words = ["query", name, "E(1/(harm - 0.5) at 4 month)", "--exact"]
    done = refused(*words, code=2, says="`1/(harm - 0.5)` has no finite value at harm=0.5")
    assert "query:1:3: error: " in done.stderr and done.stderr.endswith("\n      ^~~~~~~~~~~~~~\n"), done.stderr
    fault, = answer(*words, code=2)["errors"]
    assert (fault["file"], fault["line"], fault["column"]) == ("query", 1, 3), fault


@test
def a_confidence_below_one_is_never_told_as_100_percent():
    name = scenario("sure.duress")
    words = ["query", name, "P(stance == soft at 3 month)", "--runs", "200", "--confidence"]
    for given, told in (("0.99", "at 99 %"), ("0.999999", "at 99.9999 %"), ("0.9999999999999999", "at 99.99999999999999 %"),
                        ("0.999999999999", "at 99.9999999999 %")):
        assert told in run(*words, given).stdout, run(*words, given).stdout


@test
def slips_of_the_pen_are_told_with_what_was_meant():
    name = scenario("slips.duress")
    refused("query", name, "E(harm at 24 months)", code=2, says="did you mean `month`?")
    refused("query", name, "P(stance = soft at 3 month)", code=2, says="did you mean `==`?")
    refused("query", name, "E([stance = soft] at 3 month)", code=2, says="did you mean `==`?")


@test
def fmt_writes_through_a_link_and_keeps_the_mode():
    name = scenario("laid.duress", swap={"grid 5  start": "grid   5 start"})
    path, link = os.path.join(ROOM, name), os.path.join(ROOM, "laid.link")
    os.symlink(name, link)
    os.chmod(path, 0o604)
    assert answer("fmt", "laid.link") == {"file": "laid.link", "changed": True}
    assert os.path.islink(link) and os.stat(path).st_mode & 0o7777 == 0o604
    assert "grid   5" not in open(path, encoding="utf-8").read()


@test
def nothing_is_written_over_the_scenario_or_what_it_imports():
    name = "own.duress"
    scenario("actors.part", text="".join(SMALL.splitlines(True)[4:6]))
    whole = SMALL.splitlines(True)[0] + 'import "actors.part"\n' + "".join(SMALL.splitlines(True)[1:4] + SMALL.splitlines(True)[6:])
    scenario(name, text=whole)
    for link, make in (("soft.link", os.symlink), ("hard.link", os.link)):
        make(os.path.join(ROOM, name), os.path.join(ROOM, link))
    assert run("check", name).returncode == 0, run("check", name).stderr
    for out in (name, "./own.duress", "soft.link", "hard.link"):
        for words in (["simulate", name, "--runs", "9", "--csv", out], ["run", name, "--runs", "9", "-o", out],
                      ["simulate", name, "--runs", "9", "--shard", "1/2", "--part", out]):
            refused(*words, code=2, says=f"{out}: is the scenario itself; nothing is written over it")
    refused("run", name, "--html", "actors.part", code=2, says="actors.part: is a file that the scenario imports")
    assert open(os.path.join(ROOM, name), encoding="utf-8").read() == whole
    assert run("simulate", name, "--runs", "9", "--shard", "1/1", "--part", "whole.part").returncode == 0
    refused("merge", name, "whole.part", "--csv", "whole.part", code=2, says="whole.part: is one of the parts")
    assert run("simulate", name, "--runs", "9", "--store", "kept.db").returncode == 0
    refused("simulate", name, "--runs", "9", "--store", "kept.db", "--csv", "kept.db", code=2, says="kept.db: is the store")


@test
def what_is_sampled_though_exact_was_asked_says_so_and_why():
    name = scenario("levels.duress", swap={"grid 5": "grid 65", "claim impossible { E( harm at 1 month )": "claim impossible { E( max harm over 1 month )"})
    words = ["query", name, "E(max harm over 1 month)", "--runs", "100"]
    told = answer(*words, "--exact")
    assert told["method"] == "sampled" and "more than 64 values" in told["not_exact"], told
    assert "\n  sampled, since it can't be had exactly: the maximum is of an expression that" in run(*words, "--exact").stdout
    assert answer(*words)["not_exact"] is None and "sampled" not in run(*words).stdout
    assert answer("query", name, "E(harm at 1 month)", "--exact")["not_exact"] is None
    claims = ["claims", name, "--exact", "--claim", "impossible", "--runs", "100"]
    assert "more than 64 values" in answer(*claims)[0]["not_exact"]
    assert "sampled, since it can't be had exactly: " in run(*claims).stdout
    done = run("run", name, "--exact", "--runs", "100", "-o", "levels.html")
    assert "  (1 sampled, since it can't be had exactly; `claims --exact` and the page tell why)\n" in done.stdout, done.stdout
    with open(os.path.join(ROOM, "levels.html"), encoding="utf-8") as page:
        assert re.search('impossible</span>.*?<p class="caveat">Sampled, since it can\u2019t be had exactly: the maximum', page.read(), re.S)

    # where the runs fail too, both reasons are told
    done = run("query", name, "E(harm at 1e9 month)", "--exact", "--lattice", "--runs", "1")
    assert "more than 10000000 jumps" in done.stderr and "exactly: an exact answer over 1e+09 units of time" in done.stderr, done.stderr


@test
def what_to_know_of_an_exact_answer_stands_beneath_its_claim():
    with open(os.path.join(HERE, "..", "..", "scenarios", "bluff", "bluff.duress"), encoding="utf-8") as text:
        name = scenario("sudden.duress", re.sub(r"(?m)^claim (\n|.)*", "", text.read()) + """
policy mild "never strikes" of coercer { from 0 month: never strike  surprise }
claim calm { P(force == used within 6 month | mild) <= P(force == used within 6 month) }
""")
    words = "this takes the belief for the shares of types"
    assert words in answer("claims", name, "--exact")[0]["note"]
    assert f"\n             {words}" in run("claims", name, "--exact").stdout
    assert run("run", name, "--exact", "--runs", "100", "-o", "sudden.html").returncode == 0
    with open(os.path.join(ROOM, "sudden.html"), encoding="utf-8") as page:
        assert re.search(f'calm</span>.*?<p class="caveat">Note: {words}', page.read(), re.S)


@test
def with_private_types_a_move_is_split_for_each_type():
    bluff = os.path.join(HERE, "..", "..", "scenarios", "bluff", "bluff.duress")
    n_typed = n_plain = 0
    for k in range(4):
        for e in answer("trace", bluff, "--run", str(k))["events"]:
            if e["kind"] != "move":
                continue
            # every precision is 2.5 there: who moved went by the advantage of the type that it has
            logit = math.log(e["probability"] / e["wait"])
            if "types" in e:
                n_typed += 1
                assert set(e["types"]) == {"bluffing", "resolved"} and e["advantage"] is None and e["parts"] == []
                for one in e["types"].values():
                    assert abs(sum(p["worth"] for p in one["parts"]) - one["advantage"]) < 1e-9
                    assert abs(sum(p["worth"] for p in one["carriers"]) - one["advantage"]) < 1e-9
                assert min(abs(logit - 2.5 * one["advantage"]) for one in e["types"].values()) < 0.02, e
            else:
                n_plain += 1
                assert abs(sum(p["worth"] for p in e["parts"]) - e["advantage"]) < 1e-9
    assert n_typed > 1 and n_plain > 1
    text = " ".join(run("trace", bluff, "--run", "0").stdout.split())
    assert "if bluffing worth" in text and "if resolved worth" in text


@test
def a_run_is_told_as_it_was():
    name = scenario("told.duress")
    for more in ([], ["--lattice"]):
        told = answer("trace", name, "--run", "4", "--seed", "2", "--policy", "sudden", *more)
        assert told["run"] == 4 and told["seed"] == 2 and told["policy"] == "sudden"
        assert told["start"] == {"threat": "none", "stance": "firm", "harm": 0.5}
        times = [e["time"] for e in told["events"]]
        assert times == sorted(times) and len(times) > 2
        step = [e for e in told["events"] if e["kind"] == "policy"]
        assert len(step) == 1 and step[0]["time"] == 6 and step[0]["after"]["threat"] == "made"
        assert not any(e["name"] == "relent" and e["time"] > 6 for e in told["events"])
        for e in told["events"]:
            if e["kind"] != "move":
                continue
            logit = math.log(e["probability"] / e["wait"])
            assert abs(sum(p["worth"] for p in e["parts"]) - e["advantage"]) < 1e-9
            # under a surprise too, who moves goes by its own values; `sudden` binds the sender alone
            if e["actor"] == "target":
                assert abs(logit - 4 * e["advantage"]) < 1e-3, e
        text = run("trace", name, "--run", "4", "--seed", "2", "--policy", "sudden", *more).stdout
        for e in told["events"]:
            assert e["date"] in text and (e["name"] or "another step") in text


@test
def a_story_names_what_carries_each_move_as_explain_does():
    def at(state):
        return ", ".join(f"{name}={x}" for name, x in state.items())

    brink = os.path.join(HERE, "..", "..", "scenarios", "brink", "brink.duress")
    n_told = 0
    paid = scenario("carried.duress", swap={"then harm += 0.25 }": "then harm += 0.25  pays sender -0.3 }",
                                            "cost 0.2  then stance": "cost 0.2  pays sender 0.4  then stance"})
    for name, few in ((paid, 8), (brink, 2)):
        for e in [e for k in range(2) for e in answer("trace", name, "--run", str(k))["events"] if e["kind"] == "move"][:few]:
            # both of brink's actors choose in the first week's state alone
            state = e["before"] if name != brink else {"crisis": "open"}
            why = answer("explain", name, "--actor", e["actor"], "--at", at(state))["actors"][e["actor"]]["moves"][e["name"]]
            expected = {}
            for c in why["channels"]:
                one = "drifts" if c["by"] == "stock" else c["channel"]
                expected[one] = expected.get(one, 0) + c["value"]
            told = {c["carrier"]: c["worth"] for c in e["carriers"]}
            assert abs(e["advantage"] - why["advantage"]) < 1e-5 and abs(e["probability"] - why["probability"]) < 1e-3, (e, why)
            for carrier in set(told) | set(expected):
                assert abs(told.get(carrier, 0) - expected.get(carrier, 0)) < 1e-5, (carrier, told, expected)
            n_told += 1
    assert n_told > 8
    text = " ".join(run("trace", brink, "--run", "3").stdout.split())
    assert "in all by the event `settlement` (+19.8) and the event `outbreak` (+13.2), against replies of north" in text, text


@test
def reasons_on_fine_grids_are_found_and_near_those_of_coarse_ones():
    two = scenario("two.duress", """scenario "s" { clock continuous unit month }
actor a { patience 200 month  precision 4  attends 1 per month }
actor b { patience 200 month  precision 4  attends 1 per month }
mode m of a { off, on }
mode k of b { off, on }
stock x { range 0..1  grid 21  start 0.5  drift 0.2*([m == on] - x) }
stock y { range 0..1  grid 21  start 0.5  drift 0.2*([k == on] - y) }
param w = 0.5
move go of a { when m == off  cost 0.1  then m = on }
move stop of a { when m == on  then m = off }
move act of b { when k == off  cost 0.1  then k = on }
move rest of b { when k == on  then k = off }
payoff a { gain x*(1 - y) }
payoff b { gain y - w*x*x }
""")
    for name, grids in ((scenario("fine.duress"), [["harm=101"], ["harm=501"], ["harm=2001"]]),
                        (two, [["x=21", "y=21"], ["x=41", "y=41"], ["x=101", "y=101"]])):
        first = None
        for grid in grids:
            told = answer("explain", name, *[word for g in grid for word in ("--grid", g)])["actors"]
            parts = {}
            for who, actor in told.items():
                for what, move in actor["moves"].items():
                    # two roads to one number: the parts by adjoint systems, the whole as the solver has it
                    assert abs(move["advantage"] - move["solved_advantage"]) < 1e-5, (grid, who, what, move)
                    parts.update({(who, what, p["part"]): p["value"] for p in move["parts"]})
            assert len(parts) >= 4
            first = first or parts
            for key, value in parts.items():
                assert abs(value - first[key]) < 0.02 * (0.1 + abs(first[key])), (grid, key, value, first[key])


# ---- the line itself ---------------------------------------------------------------------------------------------

@test
def alone_it_prints_a_short_help():
    done = run()
    assert done.returncode == 0 and done.stderr == ""
    for command in ("check", "fmt", "solve", "explain", "simulate", "claims", "query", "rivals", "run", "runs", "show", "diff",
                    "rm", "export", "help", "version"):
        assert re.search(rf"^  {command} ", done.stdout, re.M), command
    assert len(done.stdout.splitlines()) < 25


@test
def every_command_has_a_page_of_its_own_and_it_fits_a_terminal():
    for command in [c["name"] for c in answer("help")["commands"]]:
        page = run("help", command)
        assert page.returncode == 0 and f"duress {command}" in page.stdout
        assert page.stdout == run(command, "--help").stdout
        assert max(len(line) for line in page.stdout.splitlines()) <= 100, command
        assert answer("help", command)["commands"][0]["name"] == command


@test
def every_option_stands_in_the_manual_and_the_man_page():
    root = os.path.dirname(os.path.dirname(HERE))
    with open(os.path.join(root, "doc", "commands.md"), encoding="utf-8") as page:
        manual = page.read()
    with open(os.path.join(root, "man", "duress.1.scd"), encoding="utf-8") as page:
        man = page.read()
    for command in answer("help")["commands"]:
        assert f"*{command['name']}*" in man and f"`{command['name']}`" in manual, command["name"]
        for option in command["options"]:
            assert f"*--{option['name']}*" in man, option["name"]
            if option["name"] not in ("help", "version"):
                assert f"--{option['name']}" in manual, option["name"]


@test
def version_is_told_in_three_ways():
    assert run("version").stdout == run("--version").stdout == run("-V").stdout
    assert run("version").stdout.strip() == "duress " + answer("version")["version"]


@test
def typos_are_answered_with_the_near_name():
    name = scenario("typo.duress")
    refused("chekc", name, code=2, says="did you mean `check`?")
    refused("solve", name, "--treads", "2", code=2, says="did you mean `--threads`?")
    refused("solve", name, "--set", "weigth=2", code=2, says="did you mean `weight`?")
    refused("solve", name, "--at", "thraet=made", code=2, says="did you mean `threat`?")
    refused("solve", name, "--at", "threat=mad", code=2, says="did you mean `made`?")
    refused("explain", name, "--at", "threat=mad", code=2, says="did you mean `made`?")
    refused("explain", name, "--at", "harn=0.5", code=2, says="did you mean `harm`?")
    refused("explain", name, "--actor", "targte", code=2, says="did you mean `target`?")
    refused("explain", name, "--actor", "weather", code=2, says="there are `sender`, `target`")
    refused("simulate", name, "--policy", "quite", code=2, says="did you mean `quiet`?")
    refused("claims", name, "--claim", "yeilds", code=2, says="did you mean `yields`?")
    refused("help", "slove", code=2, says="did you mean `solve`?")


@test
def what_makes_no_sense_is_said_in_one_line():
    name = scenario("sense.duress")
    for words, says in [
        (["frobnicate"], "there is no command"),
        ([name], "the command comes first"),
        (["solve"], "wants FILE"),
        (["query", name], "wants FILE 'QUANTITY'"),
        (["solve", name, "other.duress"], "one too many"),
        (["solve", name, "--csv", "x"], "belongs to simulate"),
        (["solve", name, "--threads"], "wants N behind it"),
        (["solve", name, "--store", ""], "wants FILE behind it"),
        (["solve", name, "--threads", "two"], "wants a whole number"),
        (["solve", name, "--tolerance", "1e-6", "--tolerance", "1e-7"], "--tolerance is given twice"),
        (["claims", name, "--claim", "a", "--claim", "b"], "--claim is given twice"),
        (["solve", name, "--at", "harm=0.1", "--at", "threat=made"], "--at is given twice"),
        (["solve", name, "--at", "harm=0.1, threat=made, harm=0.2"], "`harm` is given twice"),
        (["solve", name, "--set", "weight=1", "--set", "weight = 2"], "--set weight is given twice"),
        (["solve", name, "--grid", "harm=5", "--grid", "harm=9"], "--grid harm is given twice"),
        (["solve", name, "--threads", "2x"], "wants a whole number"),
        (["solve", name, "--threads", "0"], "from 1 to"),
        (["solve", name, "--tolerance", "0"], "above 0"),
        (["solve", name, "--tolerance", "nan"], "wants a number"),
        (["solve", name, "--tolerance=1e-6z"], "wants a number"),
        (["simulate", name, "--runs", "-5"], "from 1 to"),
        (["simulate", name, "--runs", "99999999999999999999"], "from 1 to"),
        (["simulate", name, "--seed", "-1"], "whole number from 0"),
        (["claims", name, "--confidence", "99"], "below 1"),
        (["solve", name, "--exact=yes"], "takes no value"),
        (["solve", name, "-x"], "no option `-x`"),
        (["fmt", name, "--check", "--stdout"], "exclude each other"),
        (["check", name, "--states", "100"], "--states goes with --refine"),
        (["check", name, "--refine", "--states", "0"], "from 1 to"),
        (["solve", name, "--refine"], "belongs to check"),
        (["check", name, "--starts", "8"], "belongs to solve"),
        (["query", name, "E(harm at 1 month)", "--starts", "8"], "wants --equilibrium K"),
        (["explain", name, "--starts", "8"], "wants --equilibrium K"),
        (["solve", name, "--equilibrium", "0"], "from 1 to"),
        (["solve", name, "--equilibrium", "2"], "1 equilibrium was found from 64 starts"),
        (["solve", name, "--set", "weight"], "weight"),
        (["solve", name, "--at", "harm=much"], "harm"),
    ]:
        done = refused(*words, code=2, says=says)
        assert done.stdout == "" and len(done.stderr.splitlines()) == 1, (words, done.stderr)


@test
def of_two_values_of_one_option_neither_is_lost_in_silence():
    name = scenario("twice.duress")
    listed = json.loads(run("help", "--json").stdout)["commands"]
    takes = {o["name"]: (c["name"], o) for c in listed for o in c["options"]}
    for option, (command, o) in takes.items():
        if "argument" in o and "repeatable" not in o["help"]:
            value = {"progress": "none", "shard": "1/2", "confidence": "0.5", "tolerance": "0.5"}.get(option, "2")
            refused(command, name, f"--{option}", value, f"--{option}", value, code=2, says=f"--{option} is given twice")
    for option, value in (("set", "weight=1"), ("grid", "harm=5")):
        refused("solve", name, f"--{option}", value, f"--{option}", value, code=2, says=f"--{option} {value.split('=')[0]} is given twice")


@test
def options_may_stand_anywhere():
    name = scenario("anywhere.duress")
    first = answer("--set", "weight=2", "solve", name)
    assert first["set"] == {"weight": 2}
    assert first["values"] == answer("solve", "--set=weight=2", "--", name)["values"]
    assert first["values"] == answer("solve", name, "--set", "weight=2")["values"]


@test
def check_refined_tells_moves_orders_and_what_the_grid_does_to_claims():
    name = scenario("grids.duress")
    told = answer("check", "--refine", name)
    assert told["states"] == 20 and told["refine"]["states_doubled"] == 36 and told["refine"]["how"] == "together"
    rows = told["refine"]["rows"]
    assert [r["kind"] for r in rows] == ["value"] * 2 + ["quantity"] * 4 + ["gap"] * 3
    asked = {q["query"]: q["value"] for q in answer("query", name, "--exact", "E(harm at 12 month)", "E(harm at 12 month | quiet)")}
    for r in rows:
        assert abs(r["doubled"] - r["written"] - r["move"]) < 1e-12 and r["method"] == "exact" and r["noise"] > 0
        assert abs(2 * r["doubled"] - r["written"] - r["extrapolated"]) < 1e-12
        assert r["name"] not in asked or abs(asked[r["name"]] - r["written"]) < 1e-6
        assert r["alone"] == {"harm": r["move"]}
    assert [(c["name"], c["grid"], c["verdict"]) for c in told["refine"]["claims"]] == [
        ("threats_help", "steady", "holds"), ("yields", "steady", "holds"), ("impossible", "steady", "fails")]
    assert told["refine"]["stocks"][0]["doubled"] == 9 and told["refine"]["matters_most"] == "harm"
    text = run("check", "--refine", name).stdout
    assert "3 steady, 0 move, 0 turn" in text and "E(harm at 12 month | quiet)" in text
    assert max(len(line) for line in text.splitlines()) <= 100
    refused("check", name, "--refine", "--states", "30", code=3, says="takes 36 states, and the limit is 30")
    # no thread count changes a bit
    assert answer("check", "--refine", name, "-j", "1")["refine"]["rows"] == answer("check", "--refine", name, "-j", "3")["refine"]["rows"]


THREE_TYPES = """scenario "Three" { clock continuous  unit month }
actor sender { patience 10 month  precision 2  attends 1 per month }
actor target { patience 10 month  precision 2  attends 1 per month }
private nerve of sender { weak, middling, strong } { belief 0.5, 0.3, 0.2  grid %d }
mode threat of sender { quiet, made }
mode stance of target { firm, yielded }
move threaten of sender { when threat == quiet  cost by nerve { weak 0.8, middling 0.4, strong 0.1 }  then threat = made }
move yield of target { when stance == firm and threat == made  then stance = yielded }
payoff sender { gain [stance == yielded]*0.2 }
payoff target { loss -0.1*[stance == yielded]
  fear -0.3*belief(sender is strong)*[threat == made]*[stance == firm] }
claim gives { P(stance == yielded within 12 month) > 0.4 }
"""


@test
def a_belief_over_three_types_is_refined_by_halving_its_steps():
    told = answer("check", "--refine", scenario("three.duress", text=THREE_TYPES % 3))["refine"]
    assert told["stocks"] == [{**told["stocks"][0], "name": "nerve", "nodes": 6, "doubled": 15}]
    # two roads: the same grid written in the text
    finer = answer("solve", scenario("finer.duress", text=THREE_TYPES % 5))["values"]
    values = [r["doubled"] for r in told["rows"] if r["kind"] == "value"]
    wanted = [*finer["sender"].values(), finer["target"]]
    assert len(values) == 4 and max(abs(a - b) for a, b in zip(values, wanted)) < 1e-6, (values, wanted)
    assert any(abs(r["move"]) > 1e-4 for r in told["rows"] if r["kind"] == "value")


@test
def other_equilibria_are_listed_the_same_on_any_number_of_threads():
    rival = "-0.3*[stance == firm]*[threat == made]"
    name = scenario("several.duress", swap={"precision 4": "precision 12", "pressure -0.05*[threat == made]":
                                            "pressure " + rival, "fear -0.6*[threat == made]*[stance == firm]":
                                            "fear -0.7*[threat == made]*[stance == firm]"})
    told = answer("solve", name, "--starts", "40", "-j", "1")
    several = told["equilibria"]
    assert several["starts"] == 40 and several["at_hand"] == 1 and several["odd"] == (len(several["list"]) % 2 == 1)
    first = several["list"][0]
    assert first["principal"] and set(first["values"]) == {"sender", "target"} and first["residual"] < 1e-8
    for actor, value in told["values"].items():
        assert abs(first["values"][actor] - value) < 1e-6
        assert abs(sum(first["choices"][actor].values()) - 1) < 1e-12
    assert sum(e["starts"] for e in several["list"]) + several["missed"] == 40 + several["between"]
    for threads in ("2", "3"):
        assert answer("solve", name, "--starts", "40", "-j", threads)["equilibria"]["list"] == several["list"]
    claims = answer("claims", name, "--starts", "40", "--exact")
    for c in claims:
        assert [e["equilibrium"] for e in c["equilibria"]] == [e["equilibrium"] for e in several["list"]]
        assert c["equilibria"][0]["verdict"] == c["verdict"] and abs(c["equilibria"][0]["gap"] - c["gap"]) < 1e-9
        assert c["changes"] == (len({e["verdict"] for e in c["equilibria"]}) > 1)
    # any of them can be explained
    for e in several["list"][:3]:
        told = answer("explain", name, "--starts", "40", "--equilibrium", str(e["equilibrium"]))
        assert told["equilibria"]["at_hand"] == e["equilibrium"]
        for actor, why in told["actors"].items():
            for move, reason in why["moves"].items():
                assert abs(reason["probability"] - e["choices"][actor][move]) < 1e-6
                assert abs(sum(part["value"] for part in reason["parts"]) - reason["advantage"]) < 1e-10
    text = run("solve", name, "--starts", "40").stdout
    assert "from 40 starts" in text
    assert max(len(line) for line in text[text.index("equilibria found"):].splitlines()) <= 100, text


# ---- shapes of the answers ---------------------------------------------------------------------------------------

@test
def check_tells_states_warnings_and_what_is_assumed():
    name = scenario("shape.duress")
    told = answer("check", name)
    assert told["states"] == 20 and told["lattice"] == {"threat": 2, "stance": 2, "harm": 5}
    assert isinstance(told["warnings"], list) and told["bytes"] > 0 and told["seconds_estimate"] > 0
    assert {"kind": "param", "name": "weight", "file": name, "line": 13} in told["assumed"]
    assert not any(a["name"] == "threaten" for a in told["assumed"])
    text = run("check", name).stdout
    assert "20 states: threat 2 x stance 2 x harm 5" in text and "no error, 0 warnings" in text


@test
def solve_tells_values_choices_and_a_certificate():
    told = answer("solve", scenario("shape.duress"))
    assert told["states"] == 20 and told["converged"] is True
    assert set(told["values"]) == {"sender", "target"}
    assert set(told["choices"]["sender"]) == {"threaten", "relent", "wait"}
    for choices in told["choices"].values():
        assert abs(sum(choices.values()) - 1) < 1e-9, choices
    assert told["unavailable"] == ["relent", "stiffen"]
    assert told["choices"]["sender"]["relent"] == 0
    certificate = told["certificate"]
    assert 0 <= certificate["residual"] <= told["tolerance"] == 1e-8
    assert 0 <= certificate["consistency"] < 1e-6
    assert set(certificate["regret"]) == {"sender", "target"} and min(certificate["regret"].values()) >= 0
    assert told["iterations"] > 0 and told["seconds"] > 0
    none = answer("solve", "shape.duress", "--no-certificate")["certificate"]
    assert none["consistency"] is None and none["residual"] <= 1e-8


@test
def another_state_has_other_values_and_the_start_asked_for_by_name_has_the_same():
    name = scenario("at.duress")
    start, named = answer("solve", name), answer("solve", name, "--at", "harm=0.5, threat=none")
    for actor in start["values"]:
        assert abs(start["values"][actor] - named["values"][actor]) < 1e-12
    made = answer("solve", name, "--at", "threat=made")
    assert "threaten" in made["unavailable"] and "relent" not in made["unavailable"]
    # between two nodes a value is their mean
    low, high, middle = (answer("solve", name, "--at", f"harm={h}")["values"]["sender"] for h in (0.5, 0.75, 0.625))
    assert abs(middle - (low + high) / 2) < 1e-12


# ---- explain -----------------------------------------------------------------------------------------------------

@test
def the_parts_and_the_channels_of_every_advantage_add_up():
    name = scenario("reasons.duress")
    for at in ("harm=0.5", "threat=made, harm=0.9", "threat=made, stance=soft, harm=0"):
        told = answer("explain", name, "--at", at)
        choices = answer("solve", name, "--at", at)["choices"]
        assert set(told["actors"]) == {"sender", "target"} and told["at"] == at
        for actor, reasons in told["actors"].items():
            assert abs(reasons["wait"] - choices[actor]["wait"]) < 1e-12
            assert len(reasons["moves"]) == 1
            for move, why in reasons["moves"].items():
                assert abs(why["probability"] - choices[actor][move]) < 1e-12
                for split in ("parts", "channels", "split"):
                    assert abs(sum(e["value"] for e in why[split]) - why["advantage"]) < 1e-11, (move, split)
                # the solve's own advantage differs by its tolerance
                assert abs(why["advantage"] - why["solved_advantage"]) < 1e-6
                # at a node the choice is the logit of the advantage, with precision 4
                if at != "threat=made, harm=0.9":
                    odds = math.log(why["probability"] / reasons["wait"])
                    assert abs(odds - 4 * why["solved_advantage"]) < 1e-9


@test
def what_carries_an_advantage_is_named():
    name = scenario("reasons.duress")
    why = answer("explain", name, "--actor", "target", "--at", "threat=made")["actors"]
    assert set(why) == {"target"}
    split = why["target"]["moves"]["yield"]["split"]
    by = {(e["pays"], e["part"], e["by"], e["channel"]): e["value"] for e in split}
    # the cost falls due now, and may fall due again; what it gives up and what it escapes, lasting for 10 months
    assert abs(by["lump", "yield", "now", None] + 0.2) < 1e-12
    assert by["lump", "yield", "own", "yield"] > 0
    assert abs(by["term", "pride", "now", None] + 0.2 * 10) < 1e-9
    assert abs(by["term", "fear", "now", None] - 0.6 * 10) < 1e-9
    # the sender's relenting would have spared it the fear anyway
    assert by["term", "fear", "reply", "relent"] < 0
    assert all(e["actor"] == "sender" for e in split if e["by"] == "reply")


@test
def derivatives_are_those_of_solving_again():
    name = scenario("reasons.duress")
    told = answer("explain", name, "--tolerance", "1e-13")["actors"]
    h = 1e-3
    up, down = (answer("solve", name, "--tolerance", "1e-13", "--set", f"weight={1 + d}") for d in (h, -h))
    for actor, why in told.items():
        (param,) = why["sensitivity"]
        assert param["param"] == "weight" and param["step_is"] == "prior"
        assert abs(param["step"] - math.exp(0.045) * math.sqrt(math.exp(0.09) - 1)) < 1e-12
        again = (up["values"][actor] - down["values"][actor]) / (2 * h)
        assert abs(param["value"]["derivative"] - again) < 1e-5 * (1 + abs(again)), actor
        for move, slope in param["moves"].items():
            again = (up["choices"][actor][move] - down["choices"][actor][move]) / (2 * h)
            assert abs(slope["derivative"] - again) < 1e-6, move
            assert abs(slope["effect"] - slope["derivative"] * param["step"]) < 1e-12 and slope["kink"] is False


@test
def minds_change_where_explain_says():
    with open(os.path.join(os.path.dirname(os.path.dirname(HERE)), "scenarios", "patrol", "patrol.duress"),
              encoding="utf-8") as text:
        name = scenario("patrol.duress", text=text.read())
    found = 0
    for modes in ("patrol=off", "patrol=on, toll=taken"):
        for anger in (0.2, 0.55, 1):
            told = answer("explain", name, "--at", f"{modes}, anger={anger}")["actors"]
            for actor, why in told.items():
                assert set(why["changes"]) == {"anger"}
                last = 0
                for change in why["changes"]["anger"]:
                    assert last <= change["distance"] <= 1 and abs(change["distance"] - abs(change["at"] - anger)) < 1e-12
                    last = change["distance"]
                    below, above = (answer("explain", name, "--at", f"{modes}, anger={change['at'] + d}")["actors"][actor]
                                    ["moves"][change["move"]]["solved_advantage"] for d in (-1e-6, 1e-6))
                    assert below * above < 0, change
                    before, after = (below, above) if change["at"] > anger else (above, below)
                    assert change["becomes"] == ("better" if after > 0 else "worse")
                    assert change["best_after"] == (change["move"] if after > 0 else "wait")
                    found += 1
    assert found >= 3


@test
def explain_says_it_in_words():
    name = scenario("reasons.duress")
    done = run("explain", name, "--at", "threat=made")
    assert done.returncode == 0 and done.stderr == ""
    flat = " ".join(done.stdout.split())
    assert re.search(r"yield \(chosen \d+ % of the time\) is worth [\d.]+ more than waiting: it gains [\d.]+ through "
                     r"`fear`, .*; loses [\d.]+ through `pride`", flat), flat
    assert "Its choice is most sensitive to `weight`: one standard deviation of the prior more, from 1 to 1.32" in flat
    assert max(len(line) for line in done.stdout.splitlines()) <= 100
    # somebody who has no move and a scenario without params or stocks
    bare = scenario("bare.duress", text="scenario \"bare\" { clock continuous unit month }\n"
                    "actor a { patience 1 month precision 1 attends 1 per month }\nactor b { patience 1 month "
                    "precision 1 attends 1 per month }\nmode m of a { x, y }\nmove go of a { when m == x then m = y }\n"
                    "payoff a { one [m == y] }\npayoff b { one [m == y] }\n")
    flat = " ".join(run("explain", bare).stdout.split())
    assert "b Here it can only wait." in flat and "no parameter to vary" in flat and "no stock along which" in flat
    assert answer("explain", bare)["actors"]["b"]["moves"] == {}


@test
def each_type_is_told_its_own_reasons():
    with open(os.path.join(HERE, "..", "..", "scenarios", "bluff", "bluff.duress"), encoding="utf-8") as text:
        name = scenario("bluff.duress", text=text.read())
    told, solved = answer("explain", name)["actors"], answer("solve", name)["values"]
    assert set(told["coercer"]) == {"bluffing", "resolved"}
    for kind, why in told["coercer"].items():
        assert abs(why["value"] - solved["coercer"][kind]) < 1e-9
        # and how it answers to parameters: what the concession is worth matters most, and is known from solving again
        assert why["most_sensitive"] == "prize"
        prize = {s["param"]: s for s in why["sensitivity"]}["prize"]
        more = answer("solve", name, "--set", "prize=0.1515", "--tolerance", "1e-11")["values"]["coercer"][kind]
        less = answer("solve", name, "--set", "prize=0.1485", "--tolerance", "1e-11")["values"]["coercer"][kind]
        assert abs(prize["value"]["effect"] - (more - less) / 0.003 * 0.015) < 1e-3 * abs(prize["value"]["effect"]), prize
        threaten = why["moves"]["threaten"]
        assert abs(sum(e["value"] for e in threaten["split"]) - threaten["advantage"]) < 1e-11
    # only one who would strike gains from striking later
    gain = {kind: sum(e["value"] for e in why["moves"]["threaten"]["split"] if e["part"] == "strike" and e["by"] == "own")
            for kind, why in told["coercer"].items()}
    assert gain["resolved"] > 0.01 > abs(gain["bluffing"])
    assert "coercer (bluffing)" in run("explain", name).stdout
    # and the same game has other equilibria, in each of which everyone can be explained
    found = answer("solve", name, "--starts", "16")["equilibria"]
    assert len(found["list"]) == 3 and found["odd"] and found["branches"] == 0
    other = answer("explain", name, "--starts", "16", "--equilibrium", "2")["actors"]["coercer"]["bluffing"]
    assert abs(other["value"] - found["list"][1]["values"]["coercer"]["bluffing"]) < 1e-6


@test
def a_game_in_rounds_has_its_equilibria_listed_and_played():
    name = scenario("together.duress", text="scenario \"together\" { clock rounds unit month }\n"
                    "actor a { discount 0 precision 6 attends 1 }\nactor b { discount 0 precision 6 attends 1 }\n"
                    "mode am of a { x, y }\nmode bm of b { x, y }\nmove go_a of a { then am = y }\n"
                    "move go_b of b { then bm = y }\npayoff a { both [am == y and bm == y] - 0.5*[am == y] }\n"
                    "payoff b { both [am == y and bm == y] - 0.5*[bm == y] }\n")
    found = answer("solve", name, "--starts", "16")["equilibria"]["list"]
    assert len(found) == 3
    for e in found:
        p = e["choices"]["a"]["go_a"]
        assert abs(p - 1 / (1 + math.exp(-6 * (p - 0.5)))) < 1e-9 and e["left"] is (abs(p - 0.5) < 1e-3)
        played = answer("solve", name, "--starts", "16", "--equilibrium", str(e["equilibrium"]))["choices"]
        assert abs(played["a"]["go_a"] - p) < 1e-9


@test
def a_game_in_rounds_is_explained():
    with open(os.path.join(HERE, "..", "..", "scenarios", "brink", "brink.duress"), encoding="utf-8") as text:
        name = scenario("brink.duress", text=text.read())
    told, choices = answer("explain", name)["actors"], answer("solve", name)["choices"]
    for actor, other in (("north", "south"), ("south", "north")):
        why = told[actor]["moves"][f"{actor}_back"]
        assert abs(why["probability"] - choices[actor][f"{actor}_back"]) < 1e-12
        for split in ("parts", "channels", "split"):
            assert abs(sum(e["value"] for e in why[split]) - why["advantage"]) < 1e-10, split
        assert abs(math.log(why["probability"] / told[actor]["wait"]) - 0.1 * why["advantage"]) < 1e-6
        # stepping back alone pays nothing; the prize is lost to the other, who may step back at the same time
        by = {(e["part"], e["by"], e["channel"]): e["value"] for e in why["split"]}
        assert ("gain", "now", None) not in by and by["gain", "reply", f"{other}_back"] < 0
    h = 1e-3
    up, down = (answer("solve", name, "--tolerance", "1e-12", "--set", f"risk={0.2 + d}")["choices"]["south"]["south_back"]
                for d in (h, -h))
    (risk,) = (p for p in told["south"]["sensitivity"] if p["param"] == "risk")
    assert abs(risk["moves"]["south_back"]["derivative"] - (up - down) / (2 * h)) < 1e-4
    page = os.path.join(ROOM, "brink.html")
    assert run("run", name, "-o", page).returncode == 0
    with open(page, encoding="utf-8") as html:
        text = html.read()
    assert text.count('class="card reason"') == 2 and "Why they choose so" in text


@test
def explain_gives_the_same_bits_on_any_number_of_threads():
    name = scenario("reasons.duress")
    told = [answer("explain", name, "--threads", n) for n in ("1", "2", "7")]
    assert told[0] == told[1] == told[2]


@test
def a_parameter_set_is_a_scenario_changed():
    name = scenario("set.duress")
    changed = scenario("changed.duress", swap={"param weight = 1": "param weight = 1.5"})
    told, other = answer("solve", name, "--set", "weight=1.5"), answer("solve", changed)
    assert told["values"] == other["values"] and told["values"] != answer("solve", name)["values"]


@test
def a_solve_that_misses_its_tolerance_says_so():
    name = scenario("unmet.duress")
    done = run("solve", name, "--max-sweeps", "2")
    assert done.returncode == 1 and "NOT solved" in done.stdout and "missed its tolerance" in done.stderr
    told = answer("solve", name, "--max-sweeps", "2", code=1)
    assert told["converged"] is False and told["certificate"]["residual"] > 1e-8
    # and nothing is played or judged on it
    for command in (["explain", name], ["simulate", name], ["claims", name], ["query", name, "E(harm at 1 month)"], ["run", name]):
        done = run(*command, "--max-sweeps", "2")
        assert done.returncode == 1 and "missed its tolerance" in done.stderr, command
    assert "unmet.html" not in folder()


@test
def simulate_tells_paths_and_writes_them():
    name = scenario("paths.duress")
    told = answer("simulate", name, "--runs", "500", "--times", "13", "--csv", "paths.csv")
    assert told["runs"] == 500 and told["kind"] == "continuous" and told["policy"] is None
    assert len(told["time"]) == 13 and told["time"][0] == 0
    # two years in months of a twelfth of 365.25 days
    assert abs(told["time"][-1] - 730 / 30.4375) < 1e-9
    harm = told["stocks"]["harm"]
    assert set(harm) == {"mean", "q05", "q25", "q50", "q75", "q95"}
    assert abs(harm["mean"][0] - 0.5) < 1e-3
    for t in range(13):
        assert harm["q05"][t] <= harm["q25"][t] <= harm["q50"][t] <= harm["q75"][t] <= harm["q95"][t]
        assert abs(sum(told["modes"]["threat"][v][t] for v in ("none", "made")) - 1) < 1e-12
    assert told["counts"]["threaten"] > 0
    with open(os.path.join(ROOM, "paths.csv"), encoding="utf-8", newline="") as table:
        rows = list(csv.DictReader(table))
    assert len(rows) == 13 * (1 + 4)
    assert rows[0]["variable"] == "harm" and rows[0]["date"] == "2025-01-20"
    assert [float(r["mean"]) for r in rows if r["variable"] == "harm"] == harm["mean"]
    share = [float(r["mean"]) for r in rows if r["variable"] == "stance" and r["value"] == "soft"]
    assert share == told["modes"]["stance"]["soft"]


@test
def csv_to_standard_output_stands_alone():
    done = run("simulate", scenario("paths.duress"), "--runs", "50", "--csv", "-")
    assert done.returncode == 0 and done.stdout.startswith("variable,value,")
    assert "A small demand" in done.stderr
    assert len(list(csv.reader(done.stdout.splitlines()))) == 1 + 61 * 5
    assert run("simulate", "paths.duress", "--csv", "-", "--json").returncode == 2


@test
def threads_change_no_bit_and_seeds_do():
    name = scenario("paths.duress")
    told = [answer("simulate", name, "--runs", "300", "--threads", n, "--seed", s)
            for n, s in (("1", "7"), ("3", "7"), ("1", "8"))]
    for t in told:
        del t["seconds"]
    assert told[0] == told[1]
    assert told[0]["stocks"] != told[2]["stocks"]


@test
def a_policy_is_played():
    name = scenario("paths.duress")
    quiet = answer("simulate", name, "--runs", "200", "--policy", "quiet")
    assert quiet["policy"] == "quiet" and quiet["counts"]["threaten"] == 0
    sudden = answer("simulate", name, "--runs", "200", "--policy", "sudden", "--lattice", "--times", "25")
    assert sudden["kind"] == "lattice"
    assert sudden["modes"]["threat"]["made"][-1] == 1.0


@test
def claims_are_a_list_with_verdicts_sides_and_intervals():
    name = scenario("claims.duress")
    for more in ([], ["--exact"]):
        told = answer("claims", name, *more)
        assert [c["name"] for c in told] == ["threats_help", "yields", "impossible"]
        for c in told:
            assert c["verdict"] in ("holds", "fails", "undecided")
            assert c["interval"][0] <= c["gap"] <= c["interval"][1]
            assert abs(c["gap"] - (c["left"] - c["right"])) < 1e-9
            assert c["method"] == ("exact" if more else "sampled")
            assert (c["runs"] == 0) == bool(more)
        assert told[2]["verdict"] == "fails" and told[2]["right"] == 1
        assert told[1]["source"] == "book:9" and told[0]["source"] is None
    assert [c["name"] for c in answer("claims", name, "--claim", "yields")] == ["yields"]


@test
def the_ledger_tells_source_distance_and_what_a_claim_rests_on():
    # a stock that nothing else reads: claims about it rest on its own parameter and on nothing else
    more = ("unit share\nparam leak = 0.1 { per month }\nparam known = 2 { cite book:4 }\n"
            "stock far { range 0..1  grid 5  start 0.8  drift -leak*far  unit share }\n"
            "claim drains { cite book:7\n E(far at 6 month) < 0.7 }\n"
            "claim often { 2*E(count(yield) over 12 month) > 1 }\n"
            "claim odd { E(harm at 6 month)*E(far at 6 month) < known }\n")
    name = scenario("ledger.duress", SMALL + more)
    told = {c["name"]: c for c in answer("claims", name, "--exact")}
    assert told["drains"]["assumed"] == ["leak"] and told["yields"]["assumed"] == ["weight"]
    assert told["odd"]["assumed"] == ["weight", "leak"]
    # what it does not rest on makes no difference
    other = {c["name"]: c for c in answer("claims", name, "--exact", "--set", "weight=2")}
    assert abs(other["drains"]["left"] - told["drains"]["left"]) < 1e-9 < abs(other["yields"]["left"] - told["yields"]["left"])
    other = {c["name"]: c for c in answer("claims", name, "--exact", "--set", "leak=0.2")}
    assert abs(other["yields"]["left"] - told["yields"]["left"]) < 1e-9 < abs(other["drains"]["left"] - told["drains"]["left"])
    units = {c["name"]: c["turns"]["unit"] for c in told.values()}
    assert units == {"threats_help": None, "yields": "probability", "impossible": None, "drains": "share", "often": "times",
                     "odd": None}
    for c in told.values():
        low, high = c["interval"]
        assert c["turns"]["distance"] == abs(c["gap"]) and abs(c["turns"]["least"] - min(abs(low), abs(high))) < 1e-15
    sampled = answer("claims", name, "--claim", "yields")[0]
    assert 0 < sampled["turns"]["least"] < sampled["turns"]["distance"]
    # moved by as much as it is from turning, it turns
    far = told["drains"]["turns"]["distance"]
    for shift, verdict in ((0.99, "holds"), (1.01, "fails")):
        scenario("moved.duress", (SMALL + more).replace("< 0.7", f"< 0.7 - {shift*far:.12f}"))
        assert answer("claims", "moved.duress", "--exact", "--claim", "drains")[0]["verdict"] == verdict
    text = run("claims", name, "--exact").stdout
    assert "rests on assumed leak\n" in text and "source book:7, a book\n" in text and "names no source" in text
    assert re.search(r"turns if the difference moves by 0\.\d+ share\n", text), text


@test
def the_file_of_a_source_is_held_against_its_hash():
    right = hashlib.sha256(b"what was said\n").hexdigest()
    text = SMALL.replace('url "https://example.org/book"', f'file "said.txt"  sha256 "{right}"')
    name = scenario("said.duress", text)
    for content, state, words in ((None, "absent", "its file is not at hand"),
                                  (b"what was said\n", "same", "its file is the one stated"),
                                  (b"something else\n", "other", "its file is NOT the one stated")):
        if content is not None:
            with open(os.path.join(ROOM, "said.txt"), "wb") as out:
                out.write(content)
        assert answer("claims", name, "--claim", "yields", "--exact")[0]["source_file"] == state
        assert words in run("claims", name, "--claim", "yields", "--exact").stdout
    assert answer("claims", scenario("unstated.duress"), "--claim", "yields", "--exact")[0]["source_file"] == "unstated"


@test
def strict_claims_fail_the_command():
    name = scenario("claims.duress")
    assert run("claims", name, "--exact").returncode == 0
    done = run("claims", name, "--exact", "--strict")
    assert done.returncode == 1 and "claims hold" in done.stderr and "impossible" in done.stdout
    assert run("claims", name, "--exact", "--strict", "--claim", "impossible").returncode == 1
    answer("claims", name, "--exact", "--strict", code=1)


@test
def a_query_exact_and_sampled_agree():
    name = scenario("query.duress")
    soft = "P(stance == soft within 12 month)"
    exact = answer("query", name, soft, "--exact")
    assert exact["method"] == "exact" and exact["runs"] == 0
    assert exact["high"] - exact["low"] < 1e-6
    sampled = answer("query", name, soft, "--lattice", "--runs", "20000", "--seed", "3")
    assert sampled["method"] == "sampled" and 0 < sampled["runs"] <= 20000
    # 99.99 %: one seed in ten thousand fails by chance
    wide = 2 * (sampled["high"] - sampled["low"])
    assert abs(sampled["value"] - exact["value"]) < wide
    both = answer("query", name, "E(harm at 6 month)", "E(harm at 6 month | quiet)", "--exact")
    assert [b["query"] for b in both] == ["E(harm at 6 month)", "E(harm at 6 month | quiet)"]
    assert both[0]["value"] != both[1]["value"]


def patrol(name, patience):
    """The scenario of the front page, its actors more patient."""
    path = os.path.join(os.path.dirname(os.path.dirname(HERE)), "scenarios", "patrol", "patrol.duress")
    with open(path, encoding="utf-8") as text:
        return scenario(name, text=text.read(), swap={"patience  12 month": f"patience {patience}"})


@test
def an_answer_tells_which_equilibria_behind_it_are_not_known_to_be_principal():
    name = patrol("branch.duress", "1000 year")
    solved = answer("solve", name)
    assert not solved["principal"]
    own, under = "E(anger at 3 month)", "E(anger at 3 month | standing)"
    first, second = answer("query", name, own, under, "--exact")
    assert [d.startswith("The equilibrium is not known to be on the branch") and d.endswith(solved["note"]) for d in first["doubts"]] == [True]
    assert [d.startswith("The equilibrium under policy standing is not known to be on the branch") for d in second["doubts"]] == [True]
    claim, = answer("claims", name, "--exact")
    assert claim["doubts"] == first["doubts"] + second["doubts"], claim["doubts"]
    assert answer("run", name, "--runs", "50", "-o", "branch.html")["doubts"] == claim["doubts"]
    for words in (["query", name, own, under], ["claims", name], ["run", name, "--runs", "50", "-o", "branch.html"]):
        told = " ".join(run(*words).stdout.split())
        assert all(told.count(d) == 1 for d in claim["doubts"]), told
    with open(os.path.join(ROOM, "branch.html"), encoding="utf-8") as page:
        words = page.read()
    assert len(claim["doubts"]) == 2 and all(words.count(d + ".") == 1 for d in claim["doubts"])
    with open(os.path.join(ROOM, name), "a", encoding="utf-8") as more:
        more.write('\nrival same "as written" { }\n')
    told = " ".join(run("rivals", name).stdout.split())
    assert all(told.count(d) == 2 and "same: " + d in told for d in claim["doubts"]), told
    # runs, one told and many, rest on the game that they play, and parts of an ensemble keep what is not known of it
    for policy, expected in (([], first["doubts"]), (["--policy", "standing"], second["doubts"])):
        ensemble = ["simulate", name, "--runs", "40", *policy]
        for words in (ensemble, ["trace", name, *policy]):
            assert answer(*words)["doubts"] == expected, words
            told = " ".join(run(*words).stdout.split())
            assert all(told.count(d) == 1 for d in expected) and told.count("The equilibrium") == len(expected), told
        whole = answer(*ensemble)
        for i in (1, 2):
            assert answer(*ensemble, "--shard", f"{i}/2", "--part", f"doubt-{i}")["doubts"] == expected
        merged = answer("merge", name, "doubt-2", "doubt-1")
        whole.pop("seconds"), merged.pop("seconds")
        assert whole == merged
        words, parts = run(*ensemble).stdout, run("merge", name, "doubt-1", "doubt-2").stdout
        assert re.sub("jumps in .*", "", words) == re.sub("jumps in .*", "", parts), parts
    # what is known raises no doubt
    name = scenario("sure.duress")
    assert answer("query", name, "E(harm at 3 month | sudden)", "--exact")["doubts"] == []
    assert "not known" not in run("claims", name).stdout
    assert answer("simulate", name, "--runs", "9")["doubts"] == answer("trace", name)["doubts"] == []


@test
def where_the_tolerance_leaves_choices_open_an_answer_says_how_far():
    name = patrol("patient.duress", "1000000 year")
    off = answer("solve", name)["certificate"]["consistency"]
    assert off > 0.01
    for words in (["query", name, "E(anger at 3 month)"], ["claims", name], ["explain", name], ["solve", name]):
        told = " ".join(run(*words, *(["--exact"] if words[0] in ("query", "claims") else [])).stdout.split())
        assert f"vague: choices are up to {off:.2g} from the answers to their exact values" in told, told
    for words in (["query", name, "E(anger at 3 month)", "--exact"], ["simulate", name, "--runs", "9"], ["trace", name]):
        assert any("vague" in d for d in answer(*words)["doubts"]), words
    name = patrol("hurried.duress", "12 month")
    assert "vague" not in run("query", name, "E(anger at 3 month)").stdout


@test
def what_runs_with_continuous_stocks_pass_through_is_warned_of_where_they_are_asked():
    noisy = ('scenario "noisy" { clock continuous  unit month }\n'
             'actor a { patience 20 month  precision 1  attends 0 per month }\npayoff a { flow 0 }\n'
             'stock w { range 0..10  grid 11  start 5  noise 0.5 }\n')
    level = scenario("level.duress", text=noisy + "claim level { P(w == 6 within 2 month) < 0.9 }\n")
    event = scenario("band.duress", text=noisy + "stock y { range 0..1  grid 3  start 0 }\n"
                     "event e { when w == 6  rate 1 per month  then y += 0.5 }\n")
    checked = run("check", level)
    at = "level.duress:5:19: warning: noise is at one level"
    assert checked.returncode == 0 and checked.stderr.count(at) == 1 and "\n" + " " * 22 + "^~\n" in checked.stderr, checked.stderr
    assert [w["code"] for w in answer("check", level)["warnings"]].count("unseen") == 1
    some = ["--runs", "100"]
    for words in (["claims", level, *some], ["run", level, *some]):
        told = run(*words)
        assert told.returncode == 0 and told.stderr.count(at) == 1, (words, told.stderr)
    asked = run("query", level, "P(w == 7 within 1 month)", *some)
    assert asked.returncode == 0 and asked.stderr.count("warning") == 1 and "w == 7" in asked.stderr, asked.stderr
    band = run("query", level, "P(w > 5.49 and w < 5.5 within 1 month)", *some)
    assert "warning: noise of `w` passes through this band" in band.stderr and band.stderr.count("warning") == 1, band.stderr
    for words in (["simulate", event, *some], ["trace", event], ["query", event, "E(y at 1 month)", *some]):
        told = run(*words)
        assert told.returncode == 0 and told.stderr.count("band.duress:6:18: warning: ") == 1, (words, told.stderr)
    # draws of params, and accounts: what only one of them misses stands where that one says it, once
    drawn = scenario("drawn.duress", text=noisy + "param edge = 6  prior uniform(5.9, 6.1)\nlet high = w > edge\n"
                     "claim passes { P(high within 2 month) < 0.9 }\n"
                     'rival exact "at one level" { let high = w == edge }\nrival higher "above" { param edge = 7 }\n'
                     'rival level "at one level, higher" { param edge = 7  let high = w == edge }\n')
    for words in (["rivals", drawn, *some], ["run", drawn, "--rivals", *some]):
        told = run(*words)
        assert told.returncode == 0 and told.stderr.count("warning: ") == 2, (words, told.stderr)
        assert "drawn.duress:8:43: warning: " in told.stderr and "drawn.duress:10:67: warning: " in told.stderr, told.stderr
    alike = scenario("alike.duress", text=noisy + "param edge = 6\nclaim level { P(w == edge within 2 month) < 0.9 }\n"
                     'rival higher "above" { param edge = 7 }\nrival lower "below" { param edge = 4 }\n')
    for words in (["rivals", alike, *some], ["run", alike, "--rivals", *some]):
        told = run(*words)
        assert told.returncode == 0 and told.stderr.count("alike.duress:6:19: warning: ") == 1, (words, told.stderr)
        assert told.stderr.count("warning: ") == 1, (words, told.stderr)
    told = run("query", drawn, "P(w > edge - 0.01 and w < edge + 0.01 within 1 month)", "--draws", "2", *some)
    assert told.returncode == 0 and told.stderr.count("warning: noise of `w` passes through this band") == 1, told.stderr
    told = run("claims", drawn, "--draws", "2", "--rival", "exact", *some)
    assert told.returncode == 0 and told.stderr.count("drawn.duress:8:43: warning: ") == 1, told.stderr
    # where the lattice answers, and where nothing of the kind is asked, there is nothing to say
    for words in (["claims", drawn, "--draws", "2", *some], ["rivals", drawn, "--exact"], ["rivals", drawn, "--lattice", *some],
                  ["claims", drawn, "--draws", "2", "--rival", "exact", "--exact"], ["claims", level, "--exact"], ["claims", level, "--lattice", *some], ["simulate", event, "--lattice", *some],
                  ["trace", event, "--lattice"], ["simulate", level, *some], ["query", level, "P(w > 6 within 1 month)", *some]):
        told = run(*words)
        assert told.returncode == 0 and told.stderr == "", (words, told.stderr)


@test
def a_query_with_a_fault_points_at_it():
    name = scenario("query.duress")
    done = refused("query", name, "E(hram at 6 month)", code=2, says="did you mean `harm`?")
    assert "^" in done.stderr
    refused("query", name, "E(harm at 6 month | quite)", code=2, says="quiet")
    refused("query", name, "", code=2, says="")


@test
def run_prints_one_screen_and_writes_one_page():
    name = scenario("whole.duress")
    done = run("run", name, "--runs", "300")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert len(lines) <= 40 and max(len(line) for line in lines) <= 100
    for word in ("residual", "equilibrium", "quiet", "sudden", "threats_help", "whole.html"):
        assert word in done.stdout, word
    with open(os.path.join(ROOM, "whole.html"), encoding="utf-8") as page:
        html = page.read()
    assert "Why they choose so" in html and html.count('class="chart waterfall"') == 4
    assert "<svg" in html and "threats_help" in html and "duress run whole.duress --runs 300" in html
    for outside in ('src="http', "@import", "<link", "url(http"):
        assert outside not in html, outside
    told = answer("run", name, "--runs", "300", "-o", "other.html")
    assert told["page"] == "other.html" and set(told["policies"]) == {"equilibrium", "quiet", "sudden"}
    assert told["solve"]["converged"] and len(told["claims"]) == 3


@test
def a_claim_of_the_page_tells_what_the_scenario_says_of_its_grid_and_what_is_assumed():
    name = scenario("coarse.duress", SMALL + "\nclaim rough { E( harm at 1 month ) < 9  sensitive }\n")
    assert run("run", name, "--runs", "40", "-o", "coarse.html").returncode == 0
    with open(os.path.join(ROOM, "coarse.html"), encoding="utf-8") as page:
        card = page.read().split("rough</span>")[1].split("</article>")[0]
    assert "the verdict depends on the grid" in card
    rests = re.search(r"rests on assumed ([^\n]*)", run("claims", name, "--claim", "rough", "--runs", "40").stdout).group(1)
    assert f'<dt>rests on</dt><dd><span class="assumed">assumed</span> {rests}</dd>' in card


@test
def the_page_names_the_file_and_line_of_what_it_shows():
    os.makedirs(os.path.join(ROOM, "parts"), exist_ok=True)
    scenario("parts/far.duress", "param far = 0.5\n")
    name = scenario("lines.duress", SMALL + '\nimport "parts/far.duress"\nclaim late { E( harm at 1 month ) < far }\n')
    with open(os.path.join(ROOM, name), encoding="utf-8") as text:
        line = 1 + [row.split(" ")[:2] for row in text].index(["claim", "late"])
    assert run("run", os.path.join(ROOM, name), "--runs", "40", "-o", "lines.html").returncode == 0
    with open(os.path.join(ROOM, "lines.html"), encoding="utf-8") as page:
        html = page.read()
    # in the words of the scenario: a median, and a span of time of more than one unit
    assert "lognormal(log(1), 0.3)" in html and re.search(r"<dt>patience</dt><dd>\d+ months</dd>", html)
    assert f'<span class="place">lines.duress:{line}</span></dd>' in html.split("late</span>")[1].split("</article>")[0]
    assert '<span class="place">parts/far.duress:1</span></td>' in html


@test
def what_no_run_showed_is_told_on_the_screen_and_on_the_page_with_its_bound():
    name = scenario("unseen.duress", SMALL + "\nclaim never { P( harm > 0.999 within 1 month ) < 0.9 }\n")
    done = run("run", name, "--runs", "40", "-o", "unseen.html")
    bound = re.search(r"never +(0, at most 0\.[0-9]+) ", done.stdout)
    assert bound, done.stdout
    with open(os.path.join(ROOM, "unseen.html"), encoding="utf-8") as page:
        assert f"<dd>{bound.group(1)}</dd>" in page.read()
    assert bound.group(1)[3:] in run("claims", name, "--claim", "never", "--runs", "40").stdout


@test
def the_command_under_a_story_tells_the_run_of_the_page_again():
    rival = '\nrival tough "it costs more" { param weight = 1.4 }\n'
    name = scenario("two words.duress", SMALL + rival)
    told = ["--set", "weight=1.7", "--grid", "harm=7", "--rival", "tough", "--seed", "3", "--tolerance", "1e-9", "--lattice"]
    assert run("run", name, "--runs", "80", "-o", "told.html", *told).returncode == 0
    with open(os.path.join(ROOM, "told.html"), encoding="utf-8") as page:
        html = page.read()
    # in what it is not the scenario as written stands at its top, and beside each value
    differences = ("rival tough is in effect, which replaces param weight; weight is set to 1.7 in place of 1.4; "
                   "harm has a grid of 7 nodes in place of 5.")
    assert html.index(differences) < html.index('<main') and "set for this page; rival tough has 1.4" in html
    stories = html.split('class="card story"')[1:]
    assert stories
    for story in stories:
        words = shlex.split(markup.unescape(re.search(r"duress trace [^<]*", story).group(0)))
        again = answer(*words[1:])
        assert words[2] == name and again["set"] == {"weight": 1.7} and "--lattice" in words
        when = '<span class="when">[^<]*</span> <span>'
        events = re.findall(rf'<li class="(?:move">{when}\w+: |event">{when})(\w+)', story)
        assert [e["name"] for e in again["events"]] == events
    # without what was told it is another run
    assert answer("trace", name, "--run", words[4], "--seed", "3")["events"] != again["events"]


@test
def the_same_command_draws_the_same_page():
    name = scenario("again.duress")
    pages = []
    for threads in (["--threads", "1"], ["-j2"], ["--threads=3"], []):
        assert run("run", name, "--runs", "200", "--seed", "5", "-o", "a.html", *threads).returncode == 0
        with open(os.path.join(ROOM, "a.html"), "rb") as page:
            pages.append(page.read())
    assert pages[0] == pages[1] == pages[2] == pages[3]


# ---- fmt ---------------------------------------------------------------------------------------------------------

@test
def fmt_rewrites_once_and_then_rests():
    name = scenario("layout.duress", swap={"clock continuous  unit month": "clock    continuous\n unit month"})
    before = answer("check", name)["hash"]
    assert run("fmt", name, "--check").returncode == 1
    shown = run("fmt", name, "--stdout")
    assert shown.returncode == 0
    assert answer("fmt", name)["changed"] is True
    with open(os.path.join(ROOM, name), encoding="utf-8") as text:
        assert text.read() == shown.stdout
    assert run("fmt", name, "--check").returncode == 0
    stamp = os.stat(os.path.join(ROOM, name)).st_mtime_ns
    assert answer("fmt", name)["changed"] is False
    assert os.stat(os.path.join(ROOM, name)).st_mtime_ns == stamp
    assert answer("check", name)["hash"] == before


@test
def fmt_leaves_a_faulty_file_alone():
    name = scenario("broken.duress", swap={"mode threat of sender {": "mode threat of sender {{"})
    with open(os.path.join(ROOM, name), encoding="utf-8") as text:
        before = text.read()
    done = run("fmt", name)
    assert done.returncode == 2 and "^" in done.stderr
    with open(os.path.join(ROOM, name), encoding="utf-8") as text:
        assert text.read() == before


# ---- bad input ---------------------------------------------------------------------------------------------------

@test
def files_that_are_no_scenario_are_named():
    scenario("empty.duress", text="")
    refused("check", "empty.duress", code=2, says="nothing in this file")
    with open(os.path.join(ROOM, "binary.duress"), "wb") as out:
        out.write(bytes(range(256)) * 40)
    refused("check", "binary.duress", code=2, says="not a text file")
    with open(os.path.join(ROOM, "long.duress"), "wb") as out:
        out.truncate(100 * 1024 * 1024)
    refused("check", "long.duress", code=3, says="limit")
    refused("check", "none.duress", code=3, says="none.duress")
    refused("solve", ".", code=3, says="not a regular file")
    os.mkfifo(os.path.join(ROOM, "pipe"))
    refused("check", "pipe", code=3, says="not a regular file")


@test
def imports_that_lead_nowhere_or_round_are_told_with_their_line():
    scenario("lost.duress", text=SMALL + '\nimport "nowhere.duress"\n')
    refused("check", "lost.duress", code=2, says="nowhere.duress")
    scenario("ring.duress", text=SMALL + '\nimport "ring.duress"\n')
    refused("check", "ring.duress", code=2, says="ring.duress")


@test
def all_faults_are_told_in_one_go_with_a_caret_each():
    name = scenario("faults.duress", swap={"(1 - harm)": "(1 - hram)",
                                           "stance == soft  then": "stanse == soft  then"})
    done = refused("check", name, code=2, says="did you mean `harm`?")
    assert "did you mean `stance`?" in done.stderr
    lines = done.stderr.splitlines()
    for wrong in ("hram", "stanse"):
        at = next(i for i, line in enumerate(lines) if wrong in line and "error" not in line)
        column = lines[at].index(wrong)
        assert lines[at + 1][column:column + len(wrong)] == "^" + "~" * (len(wrong) - 1), lines[at + 1]
    errors = answer("check", name, code=2)["errors"]
    assert [e["line"] for e in errors] == sorted(e["line"] for e in errors)
    assert {e["line"] for e in errors} == {11, 19}
    # every other command says the same and does nothing
    for command in ("solve", "simulate", "claims", "run"):
        assert run(command, name).returncode == 2
    assert "faults.html" not in folder()


@test
def a_lattice_of_ten_to_the_fifteen_states_is_refused_at_once():
    stocks = "".join(f"stock s{k} {{ range 0..1  grid 1000  start 0 }}\n" for k in range(5))
    name = scenario("huge.duress", swap={"event shock": stocks + "event shock"})
    start = time.monotonic()
    refused("solve", name, code=3, says="2e+16 states")
    assert time.monotonic() - start < 5
    told = answer("check", name, code=3)
    assert told["states"] == 2e16 and told["errors"][0]["code"] == "limit"


@test
def a_game_larger_than_the_memory_is_refused_before_it_is_taken():
    name = scenario("memory.duress", swap={"grid 5": "grid 40000",
                                           "event shock": "stock a { range 0..1  grid 12000  start 0 }\nevent shock"})
    done = refused("solve", name, code=3, says="1,920,000,000 states")
    assert "GB" in done.stderr


@test
def a_value_that_does_not_exist_at_one_node_names_the_node():
    name = scenario("zero.duress", swap={"rate 0.05": "rate 0.05/abs(harm - 0.25)"})
    done = refused("solve", name, code=2, says="harm=0.25")
    assert "shock" in done.stderr and len(done.stderr.splitlines()) == 3
    name = scenario("negative.duress", swap={"rate 0.05": "rate 0.7 - harm"})
    refused("check", name, code=2, says="negative at harm=0.75")
    # one that is fine at the nodes and negative between them is a warning
    name = scenario("between.duress", swap={"rate 0.05": "rate (harm - 0.5)*(harm - 0.75)"})
    warnings = answer("check", name)["warnings"]
    assert [w["line"] for w in warnings if w["code"] == "negative-rate"] == [15], warnings


@test
def what_only_the_lattice_shows_is_told_at_its_place_like_any_fault():
    patient = "patience 10 month  precision 4  attends 1 per month }\nactor target"
    for command, old, new, shown, says in (
            ("solve", "rate 0.05", "rate 0.05/harm", "0.05/harm per month", "has no finite value at harm=0"),
            ("check", "rate 0.05", "rate 0.7 - harm", "0.7 - harm per month", "is negative at harm=0.75"),
            ("simulate", "range 0..1  grid 5  start 0.5", "range 0..1  grid 5  start 0.5  noise 0.2 - harm", "0.2 - harm", "is negative at harm=0.25"),
            ("claims", patient, patient.replace("4", "1/harm"), "1/harm", "has no finite value at harm=0"),
            ("explain", patient, patient.replace("precision 4", "precision weight - 2*harm"), "weight - 2*harm", "is negative at harm=0.75")):
        name = scenario("place.duress", swap={old: new})
        with open(os.path.join(ROOM, name), encoding="utf-8") as text:
            line, written = next((i, words) for i, words in enumerate(text, 1) if shown in words)
        done = run(command, name)
        assert done.returncode == 2 and done.stdout == "", done
        lines = done.stderr.splitlines()
        head = f"{name}:{line}:{written.index(shown) + 1}: error: "
        at = next((i for i, words in enumerate(lines) if words.startswith(head) and says in words), None)
        assert at is not None, (command, done.stderr)
        caret = lines[at + 2]
        assert caret.strip() == "^" + "~" * (len(shown) - 1) and lines[at + 1].index(shown) == caret.index("^"), done.stderr
        fault, = answer(command, name, code=2)["errors"]
        place = fault["file"], fault["line"], fault["column"], fault["length"]
        assert place == (name, line, written.index(shown) + 1, len(shown)) and fault["code"] == "domain", fault
        assert says in fault["message"] and name not in fault["message"], fault
    # what runs alone show has its place as well
    name = scenario("between.duress", swap={"rate 0.05 per month": "rate log(abs(harm - 0.25)) + 30", "start 0.5": "start 0.25",
                                            "- 0.2*harm": "", "grid 5": "grid 2", "drift 0.1*(1 - harm)*[stance == firm]": ""})
    fault, = answer("simulate", name, "--runs", "1", code=2)["errors"]
    assert fault["line"] == 15 and "run 0, at " in fault["message"], fault


@test
def a_random_size_with_a_negative_spread_is_refused_where_it_stands():
    for size, due in (("uniform(1, -1)", "its first bound must be below its second"),
                      ("normal(0.1, -weight)", "its standard deviation must be more than 0"),
                      ("exponential(-0.1)", "its mean must be more than 0")):
        name = scenario("size.duress", swap={"harm += 0.25": f"harm += {size}"})
        done = refused("check", name, code=2, says=f"`{size.split('(')[0]}` is no distribution with these numbers: {due}")
        assert done.stderr.startswith("size.duress:15:49: error") and " ^" + "~" * (len(size) - 1) + "\n" in done.stderr, done.stderr
    # what a set param or the state decides is told by the lattice, at its place
    name = scenario("size.duress", swap={"harm += 0.25": "harm += normal(0, weight - harm)"})
    assert run("solve", name).returncode == 0
    done = refused("solve", name, "--set", "weight=0.6", code=2, says="spread of a random size of `shock` is negative at harm=0.75")
    assert done.stderr.startswith("size.duress:15:59: error"), done.stderr
    # a size that is always the same is fine
    name = scenario("size.duress", swap={"harm += 0.25": "harm += uniform(0.25, 0.25) + normal(0, 0)"})
    assert run("solve", name).returncode == 0


@test
def an_event_dated_before_the_first_day_is_warned_of():
    for day, is_late in (("2025-01-19", True), ("2025-01-20", False), ("2025-02-01", False)):
        name = scenario("day.duress", swap={"rate 0.05 per month": f"at {day}"})
        warnings = [w for w in answer("check", name)["warnings"] if w["code"] == "never"]
        assert [(w["line"], w["column"]) for w in warnings] == ([(15, 18)] if is_late else []), (day, warnings)
        assert ("`shock` never happens" in run("check", name).stderr) == is_late


@test
def what_can_never_happen_and_what_leaves_its_range_is_warned_of():
    name = scenario("warn.duress", swap={"- 0.2*harm": "+ 0.2", "when threat == made  then threat = none":
                                         "when harm > 2  then threat = none"})
    warnings = {w["code"]: w for w in answer("check", name)["warnings"] if w["code"] != "assumed"}
    assert set(warnings) == {"never-available", "leaves-range"}, warnings
    assert "relent" in warnings["never-available"]["message"]
    assert "upper end: 0.2 per month" in warnings["leaves-range"]["message"]
    done = run("check", name)
    assert done.returncode == 0 and "2 warnings" in done.stdout and done.stderr.count("^") == 2


@test
def a_source_whose_file_is_another_one_is_warned_of():
    with open(os.path.join(ROOM, "book.txt"), "w", encoding="utf-8") as out:
        out.write("abc")
    right = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    for sha, warned in ((right, False), ("0" * 64, True)):
        name = scenario("source.duress", swap={'url "https://example.org/book"': f'file "book.txt" sha256 "{sha}"'})
        assert any(w["code"] == "changed-source" for w in answer("check", name)["warnings"]) == warned


# ---- the world refuses -------------------------------------------------------------------------------------------

@test
def a_full_disk_is_told():
    name = scenario("disk.duress")
    for words in (["solve", name], ["check", name, "--json"], ["help"], ["version"]):
        with open("/dev/full", "w", encoding="utf-8") as full:
            done = subprocess.run([DURESS, *words], cwd=ROOM, stdout=full, stderr=subprocess.PIPE, text=True,
                                  check=False)
        assert done.returncode == 3 and "cannot be written" in done.stderr, words
    refused("simulate", name, "--runs", "50", "--csv", "/dev/full", code=3, says="/dev/full")
    refused("run", name, "--runs", "50", "-o", "/dev/full", code=3, says="/dev/full")


@test
def a_folder_out_of_reach_is_told_before_the_work():
    name = big()
    start = time.monotonic()
    refused("simulate", name, "--csv", "no/such/folder/x.csv", code=3, says="no/such/folder/x.csv")
    refused("run", name, "-o", "no/such/folder/x.html", code=3, says="no/such/folder/x.html")
    refused("run", name, "-o", ".", code=3, says="is a folder")
    assert time.monotonic() - start < 5


@test
def a_reader_that_leaves_early_is_no_fault():
    name = scenario("pipe.duress")
    done = subprocess.run(["bash", "-c", f'"{DURESS}" solve {name} | head -n 1'], cwd=ROOM, capture_output=True,
                          text=True, check=False)
    assert done.stdout == "A small demand\n" and done.stderr == ""
    # nobody reads from the beginning, whatever is printed and however much: the code is that of the work, and nothing is said of it
    for words in (["help"], ["help", "solve"], ["help", "--json"], ["version"], ["solve", "--help"], ["check", name], ["check", name, "--json"],
                  ["fmt", "--stdout", name], ["solve", name], ["solve", name, "--json"], ["explain", name], ["claims", name],
                  ["simulate", name, "--runs", "200", "--csv", "-"], ["trace", name, "--csv", "-"], ["run", name, "--runs", "200", "-o", "-"],
                  ["check", "nowhere.duress", "--json"], ["solve", name, "--json", "--max-sweeps", "1"], ["runs", "--store", "nowhere.db"]):
        code = run(*words).returncode
        reader, writer = os.pipe()
        os.close(reader)
        done = subprocess.run([DURESS, *words], cwd=ROOM, stdout=writer, stderr=subprocess.PIPE, text=True, check=False)
        os.close(writer)
        assert done.returncode == code and "written" not in done.stderr and "ipe" not in done.stderr, (words, code, done)


# the signal goes to the process alone, in a session of its own, with the default action restored
def interrupted(words, after, **more):
    work = subprocess.Popen([DURESS, *words], cwd=ROOM, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                            start_new_session=True,
                            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler), **more)
    time.sleep(after)
    assert work.poll() is None, "it was done before it could be interrupted"
    work.send_signal(signal.SIGINT)
    start = time.monotonic()
    out, err = work.communicate(timeout=60)
    return work.returncode, out, err, time.monotonic() - start


@test
def an_interrupted_run_ends_soon_and_leaves_nothing_half_written():
    name = big()
    before = folder()
    code, out, err, seconds = interrupted(["run", name, "-o", "cut.html"], 0.7)
    assert code == 3 and "interrupted" in err, (code, out, err)
    assert folder() == before and seconds < 10
    # an older page stays as it was
    scenario("cut.html", text="old")
    code, out, err, _ = interrupted(["run", name, "-o", "cut.html"], 0.7)
    with open(os.path.join(ROOM, "cut.html"), encoding="utf-8") as page:
        assert code == 3 and page.read() == "old"
    name = scenario("long.duress")
    code, out, err, _ = interrupted(["simulate", name, "--runs", "1000000000", "--csv", "cut.csv"], 0.7)
    assert code == 3 and "interrupted" in err and "cut.csv" not in folder()


@test
def where_no_run_is_over_the_line_tells_how_far_they_are_and_ctrl_c_is_heard():
    birth = 'scenario "births" { clock continuous  unit month  from 2025-01-01  until 2030-01-01 }\n' \
            'stock y { range 0..1  grid 3  start 0.5  drift 0.1*(0.3 - y) }\n'
    # candidates for births that may be a million times as many stand still in time; a rate far too high piles up jumps
    cases = (("stock x { range 0..1000000000  grid 3  start 1  drift -0.001*x }\nevent grow { rate 2*x per month  then x += 1 }\n", r"at \S+ of 60 months, \S+ jumps?$"),
             ("stock x { range 0..1  grid 3  start 0 }\nevent turn { rate 1e7 per month  then x = 1 - x }\n",
              r"^[\d,]+ jumps in one run; 10,000,000 end it$"))
    for text, note in cases:
        name = scenario("births.duress", text=birth + text)
        work = subprocess.Popen([DURESS, "simulate", name, "--progress", "json", "-j1"], cwd=ROOM, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, text=True, start_new_session=True)
        said = []
        for line in work.stderr:
            said.append(line)
            if line.startswith("{") and re.search(note, json.loads(line)["note"]):
                break
        work.send_signal(signal.SIGINT)
        out, err = work.communicate(timeout=60)
        assert work.returncode == 3 and "interrupted after 0 of 10000 runs" in err, (said[-3:], out, err)


@test
def runs_that_do_not_end_are_given_up_within_a_second_where_there_is_a_store_too():
    name = scenario("flips.duress", text='scenario "flips" { clock continuous  unit month }\n'
                    "stock x { range 0..1  grid 3  start 0 }\nevent turn { rate 1e7 per month  then x = 1 - x }\n"
                    "claim late { E(x at 60 month) < 0.9 }\n")
    for more in ([], ["--lattice"]):
        code, out, err, seconds = interrupted(["simulate", name, "-j1", "--store", "flips.db", *more], 0.5)
        assert code == 3 and "interrupted after 0 of 10000 runs" in err and seconds < 1.5, (seconds, err)


def on_terminal(words, seconds=60):
    """What the program writes to a terminal on standard error."""
    parent, child = pty.openpty()
    work = subprocess.Popen([DURESS, *words], cwd=ROOM, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                            stderr=child)
    os.close(child)
    seen = b""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if select.select([parent], [], [], 0.1)[0]:
            try:
                part = os.read(parent, 65536)
            except OSError:
                break
            if not part:
                break
            seen += part
    work.stdout.read()
    assert work.wait() == 0
    os.close(parent)
    return seen.decode(errors="replace")


@test
def progress_is_one_line_on_a_terminal_and_silent_in_a_pipe():
    name = scenario("progress.duress")
    words = ["simulate", name, "--runs", "200000"]
    # seconds on any machine: what is done at once has no time left to tell
    seen = on_terminal([*words[:-1], "1000000"])
    assert "%" in seen and "\r" in seen and "\n" not in seen, seen[:300]
    # what, how far, how fast, how long still
    assert re.search(r"\rsimulating +\d+ %  [\d,]+ runs/s  \d+ s left", seen), seen[:600]
    assert on_terminal([*words, "--quiet"]) == ""
    done = run(*words)
    assert done.returncode == 0 and done.stderr == ""


@test
def numbers_are_read_back_as_the_same_double():
    told = answer("solve", scenario("digits.duress"))
    for value in told["values"].values():
        assert math.isfinite(value) and float(repr(value)) == value
    again = answer("solve", "digits.duress")
    assert told["values"] == again["values"] and told["choices"] == again["choices"]


if __name__ == "__main__":
    try:
        main()
    finally:
        shutil.rmtree(ROOM, ignore_errors=True)
