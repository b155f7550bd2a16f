"""The text of a log as its readers see it: without escape sequences, in whole lines, searched and filtered.

`terminal` is what a terminal shows of a line, and `line_joiner` joins the records of a line. `log_filter` selects
records; `search` finds text in them, by a `pattern`, which may ignore case (`folding`). All of it works in memory.
"""
