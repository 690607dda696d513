#!/usr/bin/python3
"""Every command that the manual shows is run, and prints what the manual says. Speaks TAP.

    test/doc/commands.py DURESS               hold the pages against the program
    test/doc/commands.py --update DURESS      write what it prints into the pages

In a page, a block that opens with ```console holds commands, `$ duress ...`, each with its output below; all run in one
scratch folder, in order of the page, beside a copy of scenarios/. A block ```duress NAME is the text of a file there.
Times, memory, sweeps, tiny numbers and spaces are not compared; other numbers are, to five digits or to the last one
shown. What goes to standard error comes after the output; an exit code other than 0 is shown as `(exit code N)`.
"""

import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile

os.environ["DURESS_STORE"] = ""   # nothing is kept in the store of whoever runs this; pages about it name their own
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PAGES = ["README.md", "doc/tutorial.md", "doc/language.md", "scenarios/standoff/README.md", "scenarios/brink/README.md", "scenarios/sanctions/README.md",
         "scenarios/entry-exit/README.md", "scenarios/us-mexico/README.md", "scenarios/patrol/README.md",
         "scenarios/bluff/README.md", "scenarios/proxy/README.md", "scenarios/settlers/README.md"]
BLOCK = re.compile(r"^```(console|duress)(?: (\S+))?\n(.*?)^```$", re.M | re.S)

# what differs from machine to machine, and what a change of the solver may move: how long, how much, how near
MASKS = [(re.compile(r"\b[\d.,e+-]+ (ms|s|min|h)\b"), "TIME"), (re.compile(r"\b[\d.,]+ ([kMGT]?B)\b"), "MEMORY"),
         (re.compile(r"\b\d+ threads?\b"), "THREADS"), (re.compile(r"\b[\d,]+ sweeps?\b"), "SWEEPS"),
         (re.compile(r"-?\b\d(\.\d+)?e[-+]\d+\b"), "TINY"), (re.compile(r"± (0|TINY)"), "ERROR"), (re.compile(r" +"), " ")]


def mask(text):
    for pattern, word in MASKS:
        text = pattern.sub(word, text)
    return text.strip()


NUMBER = re.compile(r"(?<![\w.])-?\d[\d,]*(?:\.\d+)?(?!\w)")


def same(said, expected):
    """Alike, but that a number may be off by 1e-5 of it, of 1 if it is small, or by one unit of the last digit shown."""
    said, expected = mask(said), mask(expected)
    if NUMBER.sub("N", said) != NUMBER.sub("N", expected):
        return False
    for a, b in zip(NUMBER.findall(said), NUMBER.findall(expected)):
        room = 1.01 * 10.0 ** -len(b.partition(".")[2]) if "." in b else 0
        a, b = float(a.replace(",", "")), float(b.replace(",", ""))
        if abs(a - b) > max(room, 1e-5 * max(1, abs(b))):
            return False
    return True


def run(duress, line, folder):
    words = shlex.split(line)
    done = subprocess.run([duress, *words[1:]], cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          check=False)
    said = done.stdout.rstrip("\n") + ("\n" if done.stdout.strip() and done.stderr.strip() else "") + done.stderr.rstrip("\n")
    if done.returncode:
        said += f"\n(exit code {done.returncode})"
    return said.strip("\n")


def commands(body):
    """(command, output) pairs of a console block."""
    found = []
    for line in body.splitlines():
        if line.startswith("$ "):
            found.append([line[2:], []])
        elif found:
            found[-1][1].append(line)
    return [(command, "\n".join(lines)) for command, lines in found]


def main():
    arguments = sys.argv[1:]
    update = "--update" in arguments
    if update:
        arguments.remove("--update")
    if len(arguments) != 1:
        print(__doc__, file=sys.stderr)
        return 2
    duress = os.path.abspath(arguments[0])
    number = failed = 0
    for page in PAGES:
        path = os.path.join(ROOT, page)
        if not os.path.exists(path):
            continue
        with open(path, encoding="utf-8") as file:
            text = file.read()
        with tempfile.TemporaryDirectory() as folder:
            shutil.copytree(os.path.join(ROOT, "scenarios"), os.path.join(folder, "scenarios"))

            def block(found):
                nonlocal number, failed
                kind, name, body = found.groups()
                if kind == "duress":
                    if name:
                        with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
                            file.write(body)
                    return found.group(0)
                parts = []
                for command, expected in commands(body):
                    said = run(duress, command, folder) if command.startswith("duress ") else expected
                    parts.append(f"$ {command}\n{said}\n" if said else f"$ {command}\n")
                    number += 1
                    good = update or same(said, expected)
                    failed += not good
                    print(f"{'ok' if good else 'not ok'} {number} - {page}: {command}", flush=True)
                    if not good:
                        for line in said.splitlines():
                            print(f"#   {line}", flush=True)
                return "```console\n" + "\n".join(parts) + "```"

            after = BLOCK.sub(block, text)
        if update and after != text:
            with open(path, "w", encoding="utf-8") as file:
                file.write(after)
    print(f"1..{number}")
    return 1 if failed or number == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
