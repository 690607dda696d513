#!/usr/bin/python3
"""Every relative link in the Markdown files leads to a file, and where it names a heading, to a heading. Speaks TAP."""

import os
import re
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def pages():
    yield os.path.join(ROOT, "README.md")
    for top in ("doc", "scenarios"):
        for folder, _, names in sorted(os.walk(os.path.join(ROOT, top))):
            for name in sorted(names):
                if name.endswith(".md"):
                    yield os.path.join(folder, name)


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def anchors(text):
    """Headings as the usual viewers name them."""
    found = set()
    for heading in re.findall(r"^#+ +(.*)$", text, re.M):
        heading = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading)
        found.add(re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-"))
    return found


def broken(path):
    text = re.sub(r"^    .*$", "", read(path), flags=re.M)   # code stands indented
    text = re.sub(r"`[^`\n]*`", "", text)
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"[a-z]+:", target):
            continue
        file, _, anchor = target.partition("#")
        to = os.path.normpath(os.path.join(os.path.dirname(path), file)) if file else path
        if not os.path.exists(to):
            yield f"{target}: no such file"
        elif anchor and to.endswith(".md") and anchor not in anchors(read(to)):
            yield f"{target}: no such heading"


def main():
    all_pages = list(pages())
    print(f"1..{len(all_pages)}")
    failed = 0
    for number, path in enumerate(all_pages, 1):
        found = list(broken(path)) if os.path.exists(path) else ["the page itself is missing"]
        failed += bool(found)
        print(f"{'not ok' if found else 'ok'} {number} - {os.path.relpath(path, ROOT)}")
        for sentence in found:
            print(f"#   {sentence}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
