"""The commands of the test projects, one function each."""

import itertools
import os
import pathlib
import signal
import sys
import time

ARTIFACTS = pathlib.Path(os.environ.get("SOLORUN_ARTIFACTS", "."))
PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de0000000c4944415408d763f8cfc000000301"
    "0100c9fe92ef0000000049454e44ae426082"
)
MARKDOWN = """# Report

A [link](https://example.org) and ![pixel](https://example.org/pixel.png).

<script>document.title = "taken over"</script> [no](javascript:alert(1))

## Numbers

| word | count |
|---|---|
| beta | 10 |
| alpha | 9 |

## Second

Text.

## Third

Text.
"""
REFERENCES = """# References

To the [last section](#last-section), a note[^1], an [elsewhere](//example.org/x) and the [words](words.csv).

- [x] done
- [ ] open

![the dot](figures/dot.png) ![the missing one](figures/none.png)

```
code
```

## Last section

Text.

[^1]: The note.
"""

CHART = '<svg xmlns="http://www.w3.org/2000/svg" width="300" height="200"><rect width="300" height="200"/></svg>'
SUMMARY = "# Result\n\nIt found 194 [words](words.csv).\n\n![the chart](chart.svg)\n\n" + "More text.\n\n" * 20

PICTURE = """<svg xmlns="http://www.w3.org/2000/svg" width="320" height="180" onload="parent.taken = true">
<script>parent.taken = true; document.title = "taken over"</script><rect width="320" height="180"/></svg>"""

PAGE = """<!doctype html><style>h1 { color: green }</style><h1>Report</h1><ul id="results"></ul>
<script>
  const list = document.getElementById("results");
  const add = (text) => list.append(Object.assign(document.createElement("li"), {textContent: text}));
  const attempt = (name, read) => { try { add(name + ": " + read()) } catch (error) { add(name + ": " + error.name) } };
  attempt("cookie", () => document.cookie);
  attempt("storage", () => localStorage.getItem("secret"));
  attempt("connection", () => RTCPeerConnection);
  attempt("parent", () => parent.document.title);
  const image = new Image();
  image.onerror = () => add("image: error");
  fetch("/api/v1/runs").then(() => add("fetch: reached"), (error) => {
    add("fetch: " + error.name);
    image.src = "https://example.org/x.png";
  });
</script>
"""

TABLE = """<!doctype html><html lang="en"><head><meta charset="utf-8"></head><p>über alles</p><ul></ul>
<script>
  const order = JSON.parse(sessionStorage.getItem("order")) || ["failed", "passed"];
  sessionStorage.setItem("order", JSON.stringify(order));
  const list = document.querySelector("ul");
  for (const each of order) list.append(Object.assign(document.createElement("li"), {textContent: each}));
  const shot = Object.assign(new Image(), {alt: "shot"});
  document.body.append(shot);
  shot.src = "img/dot.png";
</script>
"""
"""The shape of a report of pytest-html: its script remembers the order of the rows, and adds the pictures."""

PLOT = """<!doctype html><script src="https://cdn.example/plot.js"></script><h1>Plot</h1><script>plot.draw()</script>"""

LINKS = """<!doctype html><h1>Links</h1><a href="#end">down</a> <a href="table.html#rows">table</a>
<a href="sub/">sub</a>
<a href="missing.html">missing</a> <a href="https://example.org/docs" target="_blank">docs</a> <a href="/runs">runs</a>
<p style="height: 3000px"></p><p id="end">The end</p>"""

EAGER = """<!doctype html><h1>Eager</h1><a href="table.html">table</a><script>
  const attempt = (leave) => { try { leave() } catch {} };
  attempt(() => document.querySelector("a").click());
  const message = {link: new URL("table.html", location.href).href};
  const {port1, port2} = new MessageChannel();
  attempt(() => parent.postMessage(message, "*", [port2]));
  attempt(() => port1.postMessage(message));
  attempt(() => open("table.html"));
  attempt(() => top.location = "/runs");
  document.body.append(Object.assign(new Image(), {src: "last.png"}));
</script>"""
"""Tries to leave without a click. Then it refers to a picture."""


def translate() -> None:
    print("::group::set up")
    print("\x1b[32mready\x1b[0m, see https://example.org/docs")
    print("::endgroup::")
    sys.stderr.write("loading 10%\rloading 55%\rloading 100%\n")
    for number in range(1, 41):
        print(f"::progress current={number},total=40::chapter {number}")
        print(f"batch {number} of 40")
    if os.environ.get("SOLORUN_PARAM_BOOK") == "broken":
        print("::warning::the glossary is old")
        print("::error::placeholder {name} is missing from segment 1943")
        sys.exit(3)


def terminal() -> None:
    print("\x1b[?25l\x1b[?2026hmodes\x1b[?25h\x1b[>4;2m are dropped")
    print("\x1b]8;;https://example.org/report\x1b\\the report\x1b]8;;\x1b\\ is online")
    print("see https://example.org/x_(y)")
    print("user\u202egnp.exe")
    print("\u0130stanbul has a needle")
    print("\x1b[38;5;208morange\x1b[0m \x1b[38;5;226myellow\x1b[0m \x1b[38;5;17mnavy\x1b[0m", end=" ")
    print("\x1b[48;5;226mon yellow\x1b[0m \x1b[31;44mred on blue\x1b[0m", flush=True)
    sys.stderr.write("to the other stream\n")
    sys.stderr.flush()
    print("\x1b[44m" + " " * 300 + "\x1b[0m", flush=True)
    print("::group::outer")
    print("first of the outer")
    print("::group::inner")
    print("in the inner")
    print("::endgroup::")
    print("last of the outer")
    print("::endgroup::")
    print("after all groups")
    print('{"level":"WARN","message":"rate limited","attempt":2,"user":{"id":42,"tags":["a","b"]}}')


def crash() -> None:
    """Fails with a long traceback, whose last line is the reason."""
    for number in range(30):
        print(f"working on {number}", flush=True)
    code = ["    a_rather_long_line_of_code(" + "argument, " * 12 + ")", "    ^^^^^^"]
    paths = ["main.py", "/venv/site-packages/a.py", "/venv/site-packages/b.py", "work.py"]
    frames = [line for path in paths for line in (f'  File "{path}", line 1, in parse', *code)]
    message = "\n".join(["Traceback (most recent call last):", *frames, "KeyError: 'text'", ""])
    sys.stderr.write(message)
    sys.exit(1)


def tick() -> None:
    for number in range(100_000):
        print(f"tick {number}", flush=True)
        time.sleep(0.01)


def walk() -> None:
    """Reports progress for the given number of stops, or until it is cancelled."""
    stops = int(os.environ.get("SOLORUN_PARAM_STOPS") or 0)
    for number in itertools.count(1):
        print(f"::progress current={number},total={stops or number}::stop {number}", flush=True)
        print(f"at stop {number}", flush=True)
        if number == stops:
            return
        if not stops:
            time.sleep(0.01)


def paced() -> None:
    """Reports each share as a percentage, then waits for a file with that name. Ignores SIGTERM."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    gates = pathlib.Path(os.environ["SOLORUN_PARAM_GATES"])
    for share in os.environ["SOLORUN_PARAM_SHARES"].split():
        print(f"::progress current={share},total=100::", flush=True)
        while not (gates / share).exists():
            time.sleep(0.01)


def unkillable() -> None:
    print("deaf", flush=True)
    time.sleep(600)


def files() -> None:
    (ARTIFACTS / "figures").mkdir()
    (ARTIFACTS / "figures" / "dot.png").write_bytes(PNG)
    (ARTIFACTS / "report.md").write_text(MARKDOWN)
    (ARTIFACTS / "data.json").write_text('{"albums": [1, 2]}')
    (ARTIFACTS / "words.csv").write_text('word,count\n"beta, b",10\nalpha,9\n')
    (ARTIFACTS / "measures.csv").write_text("name,measured_value,comment\nalpha,0.794112,long words of a comment\n")
    (ARTIFACTS / "references.md").write_text(REFERENCES)
    (ARTIFACTS / "deep.md").write_text(">" * 20_000 + " deep")
    (ARTIFACTS / "exact.json").write_text('{"id":9007199254740993,"price":1.10,"far":1e400,"zero":-0,"zero":0}')
    (ARTIFACTS / "semicolons.csv").write_bytes("größe;preis\nklein;-3\nmittel;0,5;mehr\n".encode("latin-1"))
    (ARTIFACTS / "Makefile").write_text("all:\n\techo done\n")
    (ARTIFACTS / "app.log.1").write_text("an old line\n")
    (ARTIFACTS / "empty.txt").touch()
    (ARTIFACTS / "model.bin").write_bytes(bytes(range(256)))


def results() -> None:
    (ARTIFACTS / "summary.md").write_text(SUMMARY)
    (ARTIFACTS / "chart.svg").write_text(CHART)
    (ARTIFACTS / "words.csv").write_text("word,count\nalpha,9\n")
    (ARTIFACTS / "page.html").write_text(PAGE)
    (ARTIFACTS / "large.html").write_text("<!doctype html><h1>Large</h1>" + f"<!-- {'x' * 1000} -->" * 5000)
    columns = range(1, 31)
    rows = [",".join(["name", *map(str, columns)])]
    rows += [",".join([f"row {row}", *(f"{row} of column {column}" for column in columns)]) for row in range(1, 10)]
    (ARTIFACTS / "wide.csv").write_text("\n".join(rows))


def covered() -> None:
    """Writes a report of several files, as coverage does."""
    report = ARTIFACTS / "htmlcov"
    (report / "img").mkdir(parents=True)
    (report / "style.css").write_text("h1 { color: green }")
    (report / "count.js").write_text("document.querySelector('p').textContent = 'counted'")
    (report / "img" / "dot.png").write_bytes(PNG)
    (report / "table.html").write_text(TABLE)
    (report / "plot.html").write_text(PLOT)
    (report / "links.html").write_text(LINKS)
    (report / "eager.html").write_text(EAGER)
    (report / "sub").mkdir()
    (report / "sub" / "index.html").write_text("<!doctype html><h1>Below</h1>")
    (report / "index.html").write_text(
        '<!doctype html><link rel="stylesheet" href="style.css"><h1>Coverage</h1><p></p>'
        '<img src="img/dot.png" alt="dot"><script src="count.js"></script>'
    )


def pictures() -> None:
    """Writes 14 pictures, and exits with the given code."""
    for number in range(10, 24):
        (ARTIFACTS / f"{number}.svg").write_text(PICTURE)
    print("14 pictures")
    sys.exit(int(os.environ.get("SOLORUN_PARAM_CODE") or 0))


WORKS = (translate, terminal, crash, tick, walk, paced, unkillable, files, results, covered, pictures)
{work.__name__: work for work in WORKS}[sys.argv[1]]()
