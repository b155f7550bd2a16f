"""The line that names an exception or a panic, as each language prints it."""

import pytest

from solorun.record import Stream
from solorun.steps.telling_line import TellingLine

CASES = {
    "Python with a cause": (
        """
Traceback (most recent call last):
  File "a.py", line 4, in main
    parse({})
KeyError: 'text'

The above exception was the direct cause of the following exception:

Traceback (most recent call last):
  File "a.py", line 6, in <module>
    main()
ValueError: page 8112 has no text
""",
        "ValueError: page 8112 has no text (caused by KeyError: 'text')",
    ),
    "Python with several causes": (
        """
Traceback (most recent call last):
OSError: disk full

The above exception was the direct cause of the following exception:

Traceback (most recent call last):
KeyError: 'text'

The above exception was the direct cause of the following exception:

Traceback (most recent call last):
ValueError: no text
""",
        "ValueError: no text (caused by OSError: disk full)",
    ),
    "Python with a cause that says nothing": (
        """
Traceback (most recent call last):
  File "a.py", line 4, in main
asyncio.exceptions.CancelledError

The above exception was the direct cause of the following exception:

Traceback (most recent call last):
  File "a.py", line 6, in <module>
TimeoutError
""",
        "TimeoutError",
    ),
    "Node": (
        """
/app/a.js:1
function parse(page) { return page.revision.text }
                                            ^

TypeError: Cannot read properties of undefined (reading 'text')
    at parse (/app/a.js:1:42)
    at Object.<anonymous> (/app/a.js:3:1)
    at node:internal/main/run_main_module:28:49

Node.js v20.20.2
""",
        "TypeError: Cannot read properties of undefined (reading 'text')",
    ),
    "Node with a cause": (
        """
Error: page 8112 has no text
    at main (/app/a.js:1:67)
    ... 5 lines matching cause stack trace ...
    at node:internal/main/run_main_module:28:49 {
  [cause]: SyntaxError: Unexpected token x in JSON
      at JSON.parse (<anonymous>)
      at main (/app/a.js:1:35)
}

Node.js v20.20.2
""",
        "Error: page 8112 has no text (caused by SyntaxError: Unexpected token x in JSON)",
    ),
    "Node with an error of several lines": (
        """
Error: Cannot find module 'left-pad'
Require stack:
- /app/a.js
    at Module._resolveFilename (node:internal/modules/cjs/loader:1212:15)
    at Module._load (node:internal/modules/cjs/loader:1038:27) {
  code: 'MODULE_NOT_FOUND',
  requireStack: [ '/app/a.js' ]
}

Node.js v20.20.2
""",
        "Error: Cannot find module 'left-pad'",
    ),
    "Node with a text that was thrown": (
        """
/app/a.js:1
throw "no pages"
^
no pages
(Use `node --trace-uncaught ...` to show where the exception was thrown)

Node.js v20.20.2
""",
        "no pages",
    ),
    "minified JavaScript": (
        f"""
/app/a.min.js:1
var a=1;{"var b=2;" * 3000}(function(){{null.x}})()
      ^

TypeError: Cannot read properties of null (reading 'x')
    at /app/a.min.js:1:24021
    at Object.<anonymous> (/app/a.min.js:1:24031)

Node.js v20.20.2
""",
        "TypeError: Cannot read properties of null (reading 'x')",
    ),
    "Java": (
        """
Exception in thread "main" java.lang.IllegalStateException: page 8112 has no text
\tat Main.main(Main.java:2)
Caused by: java.lang.RuntimeException: unreadable
\tat Main.parse(Main.java:8)
\t... 1 more
Caused by: java.lang.NullPointerException: text is null
\tat Main.parse(Main.java:1)
\t... 2 more
""",
        "java.lang.IllegalStateException: page 8112 has no text"
        " (caused by java.lang.NullPointerException: text is null)",
    ),
    ".NET": (
        """
Unhandled exception. System.InvalidOperationException: page 8112 has no text
   at Program.Parse(String text) in /app/Program.cs:line 5
   at Program.Main()
""",
        "Unhandled exception. System.InvalidOperationException: page 8112 has no text",
    ),
    "Ruby": (
        """
a.rb:2:in 'parse': undefined method 'text' for nil (NoMethodError)
\tfrom a.rb:5:in '<main>'
""",
        "a.rb:2:in 'parse': undefined method 'text' for nil (NoMethodError)",
    ),
    "Go": (
        """
panic: runtime error: index out of range [5] with length 3

goroutine 1 [running]:
main.main()
\t/app/main.go:12 +0x1d
exit status 2
""",
        "panic: runtime error: index out of range [5] with length 3",
    ),
    "Go without a panic": ("2026/11/30 10:00:00 page 8112 has no text\nexit status 1\n",
                           "2026/11/30 10:00:00 page 8112 has no text"),
    "Rust": (
        """
thread 'main' (812) panicked at src/main.rs:1:114:
index out of bounds: the len is 3 but the index is 6
note: run with `RUST_BACKTRACE=1` environment variable to display a backtrace
""",
        "index out of bounds: the len is 3 but the index is 6",
    ),
    "Rust before 1.73": (
        """
thread 'main' panicked at 'no text', src/main.rs:1:114
stack backtrace:
   5: main::main
             at ./main.rs:3:5
note: Some details are omitted
""",
        "thread 'main' panicked at 'no text', src/main.rs:1:114",
    ),
    "make": ("a.c:3:5: error: 'x' undeclared\nmake[1]: *** [Makefile:2: all] Error 1\nmake: *** [sub] Error 2\n",
             "a.c:3:5: error: 'x' undeclared"),
    "a hint": ("seq: invalid argument: 'x'\nTry 'seq --help' for more information.\n", "seq: invalid argument: 'x'"),
    "make alone": ("make: *** No rule to make target 'all'.  Stop.\n",
                   "make: *** No rule to make target 'all'.  Stop."),
    "pytest": ("E       assert 1 == 2\nFAILED test_a.py::test_b - assert 1 == 2\n1 failed, 3 passed in 0.12s\n",
               "FAILED test_a.py::test_b - assert 1 == 2"),
    "pytest in colours": ("\x1b[31mFAILED\x1b[0m test_a.py::\x1b[1mtest_b\x1b[0m - assert 1 == 2\n"
                          "\x1b[31m=== \x1b[1m1 failed\x1b[0m, \x1b[32m3 passed\x1b[0m\x1b[31m in 0.12s\x1b[0m\n",
                          "FAILED test_a.py::test_b - assert 1 == 2"),
    "npm": ("npm error Missing script: \"build\"\nnpm error A complete log of this run can be found in: /x.log\n",
            "npm error Missing script: \"build\""),
    "prose that looks like frames": ("usage: fetch PLACE\n    at most one (or none)\n    from a list\nno place given\n",
                                     "no place given"),
}  # fmt: skip


@pytest.mark.parametrize("size", [1, 1000], ids=["line by line", "whole"])
@pytest.mark.parametrize("case", CASES)
def test_the_line_that_a_developer_would_name_is_taken(case: str, size: int) -> None:
    output, expected = CASES[case]
    lines = output.strip("\n").split("\n")
    telling = TellingLine()

    for begin in range(0, len(lines), size):
        telling.add_lines(Stream.STDERR, lines[begin : begin + size])

    assert telling.text == expected
