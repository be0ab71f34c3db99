# SPDX-License-Identifier: GPL-2.0-only
"""What a program of verify/ writes into a document: Markdown, between two marks."""


def table(heads, rows):
    lines = [heads, ["---"] + ["--:"] * (len(heads) - 1), *rows]
    return ["| " + " | ".join(str(value) for value in row) + " |" for row in lines]


def replace(path, name, text):
    """What stands between the marks of @name in the file @path is @text from now on."""
    begin, end = f"<!-- {name} begins -->", f"<!-- {name} ends -->"
    head, rest = path.read_text().split(begin)
    path.write_text(f"{head}{begin}\n{text}\n{end}{rest.split(end)[1]}")
