# SPDX-License-Identifier: GPL-2.0-only
"""C in kernel style, taken apart as far as mutants of it need.

No parser of C: what follows from the style is relied on. A function's body begins with a
brace in the first column; declarations stand at the beginning of a block and look like ones.
What is made from this and is not C after all, the compiler refuses.

Positions are offsets in the text; an end is exclusive. A token is (kind, start, end).
"""
import re
from dataclasses import dataclass, field

TOKEN = re.compile(r"""
    (?P<skip>/\*.*?\*/|//[^\n]*|^[ \t]*\#(?:\\\n|[^\n])*|\s+)
  | (?P<text>"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*')
  | (?P<number>\.?\d(?:[\w.])*)
  | (?P<word>[A-Za-z_]\w*)
  | (?P<mark><<=|>>=|\.\.\.|->|\+\+|--|<<|>>|<=|>=|==|!=|&&|\|\||[-+*/%&|^]=|.)
""", re.X | re.S | re.M)

OPENING, CLOSING = "([{", ")]}"
LOOPS = ("while", "for", "switch")
LEAVING = ("return", "goto", "break", "continue")
DECLARES = re.compile(r"(?!(?:return|goto|case|else)\b)"
                      r"[A-Za-z_]\w*(?:\s+[A-Za-z_]|\s+\*+\w+\s*[=;,\[])"
                      r"|(?:(?:DEFINE|DECLARE)_\w+|LIST_HEAD|CLASS)\(")


@dataclass
class Part:
    """A simple statement, with its semicolon, or a condition, without its parentheses.

    kind: "statement", "declaration", "if", "loop" (its condition, or all of a for's head).
    inner: it is (part of) what an if decides about. block: the number of the innermost block
    that tells whether it is reached, in its function.
    """
    kind: str
    start: int
    end: int
    inner: bool
    block: int


@dataclass
class Function:
    name: str
    parts: list = field(default_factory=list)
    blocks: list = field(default_factory=list)     # where each begins, after its brace


def tokens(text):
    """All that mean something."""
    return [(match.lastgroup, match.start(), match.end())
            for match in TOKEN.finditer(text) if match.lastgroup != "skip"]


class Body:
    """One function's body, read statement by statement."""

    def __init__(self, text, marks, at, name):
        self.text, self.marks, self.at = text, marks, at
        self.function = Function(name)
        self.block([], False)

    def word(self, ahead=0):
        _, start, end = self.marks[self.at + ahead]
        return self.text[start:end]

    def close(self, at):
        """The token that closes what the one at @at opens."""
        depth = 0
        while True:
            kind, start, end = self.marks[at]
            if kind == "mark":
                depth += (self.text[start] in OPENING) - (self.text[start] in CLOSING)
            if not depth:
                return at
            at += 1

    def add(self, kind, first, last, inner, blocks):
        self.function.parts.append(Part(kind, self.marks[first][1], self.marks[last][2], inner,
                                        blocks[-1]))

    def block(self, blocks, inner, counted=True):
        """{ ... }; of a switch it is not counted, as nothing reaches its beginning."""
        if counted:
            blocks = blocks + [len(self.function.blocks)]
            self.function.blocks.append(self.marks[self.at][2])
        self.at += 1
        while self.word() != "}":
            self.statement(blocks, inner)
        self.at += 1

    def head(self, kind, inner, blocks):
        """( ... ) after a keyword."""
        last = self.close(self.at)
        if kind:
            self.add(kind, self.at + 1, last - 1, inner, blocks)
        self.at = last + 1

    def statement(self, blocks, inner):
        word = self.word()
        if word == "{":
            self.block(blocks, inner)
        elif word == "if":
            self.at += 1
            self.head("if", inner, blocks)
            self.statement(blocks, True)
            if self.word() == "else":
                self.at += 1
                self.statement(blocks, True)
        elif word == "do":
            self.at += 1
            self.statement(blocks, inner)
            self.at += 1
            self.head("loop", inner, blocks)
            self.at += 1
        elif word in LOOPS or self.is_macro_loop():
            self.at += 1
            self.head("loop" if word in ("while", "for") else None, inner, blocks)
            if word == "switch":
                self.block(blocks, True, counted=False)
            else:
                self.statement(blocks, inner)
        elif not self.label():
            self.simple(blocks, inner)

    def is_macro_loop(self):
        """list_for_each_entry(...) and its like: a statement follows, not a semicolon."""
        if self.word(1) != "(" or self.word() in LEAVING or self.marks[self.at][0] != "word":
            return False
        kind, start, _ = self.marks[self.close(self.at + 1) + 1]
        return kind == "word" or self.text[start] == "{"

    def label(self):
        """label:, case X:, default:"""
        if self.word() == "case":
            while self.word() != ":":
                self.at += 1
        elif self.word(1) == ":" and self.marks[self.at][0] == "word":
            self.at += 1
        else:
            return False
        self.at += 1
        return True

    def simple(self, blocks, inner):
        first = last = self.at
        while self.text[self.marks[last][1]] != ";":
            last = self.close(last) + 1
        self.at = last + 1
        if last > first:
            text = self.text[self.marks[first][1]:]
            self.add("declaration" if DECLARES.match(text) else "statement", first, last, inner,
                     blocks)


def functions(text):
    """Those that the file defines; a blank line stands before each."""
    marks, found, at, depth = tokens(text), [], 0, 0
    while at < len(marks):
        kind, start, end = marks[at]
        if text[start:end] == "{" and not depth and text[start - 1] == "\n":
            begin = text.rfind("\n\n", 0, start)
            name = next(text[a[1]:a[2]] for a, b in zip(marks, marks[1:])
                        if begin < a[1] and a[0] == "word" and text[b[1]] == "(")
            body = Body(text, marks, at, name)
            found.append(body.function)
            at = body.at
            continue
        if kind == "mark":
            depth += (text[start] in OPENING) - (text[start] in CLOSING)
        at += 1
    return found
