"""Reading a parameter's value from JSON and from text."""

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from solorun.parameter import (
    MAX_INTEGER,
    MAX_PARAM_BYTES,
    InvalidParameter,
    Parameter,
    ParameterType,
    ParamValue,
    format_param,
    matches,
)
from solorun.wire.encoding import encode


def make_parameter(kind: str, **rules: Any) -> Parameter:
    return Parameter("p", ParameterType(kind), **rules)


@pytest.mark.parametrize(
    ("kind", "given", "value"),
    [
        ("string", "spring", "spring"),
        ("string", "", ""),
        ("integer", 3, 3),
        ("integer", 3.0, 3),
        ("integer", "3", 3),
        ("integer", "-03", -3),
        ("integer", MAX_INTEGER, MAX_INTEGER),
        ("number", 0.5, 0.5),
        ("number", 3, 3),
        ("number", "3", 3),
        ("number", ".5", 0.5),
        ("number", "-1.5e3", -1500.0),
        ("number", 2**60, float(2**60)),
        ("boolean", False, False),
        ("boolean", "true", True),
        ("list", ["b", "a"], ("b", "a")),
        ("list", [], ()),
        ("list", "one\r\n two \n\n", ("one", "two")),
        ("list", "", ()),
    ],
)
def test_a_value_is_read_from_json_and_from_text(kind: str, given: object, value: ParamValue) -> None:
    found = make_parameter(kind).read(given)

    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize(
    ("kind", "given", "message"),
    [
        ("string", 3, "must be text"),
        ("string", ["a"], "must be one value, not a list"),
        ("string", "a\0b", "must be text without NUL"),
        ("string", "\ud800", "must be text without NUL"),
        ("string", "é" * (MAX_PARAM_BYTES // 2 + 1), "is longer than 4096 bytes"),
        ("integer", "", "must be an integer"),
        ("integer", "3.0", "must be an integer"),
        ("integer", "1_000", "must be an integer"),
        ("integer", "٣", "must be an integer"),
        ("integer", "9" * 1_000_000, "must be an integer"),
        ("integer", 3.5, "must be an integer"),
        ("integer", True, "must be an integer"),
        ("integer", {}, "must be an integer"),
        ("integer", MAX_INTEGER + 1, "must be from -9007199254740991 to 9007199254740991"),
        ("integer", 1e300, "must be from -9007199254740991 to 9007199254740991"),
        ("number", "nan", "must be a number"),
        ("number", "Infinity", "must be a number"),
        ("number", "0x10", "must be a number"),
        ("number", False, "must be a number"),
        ("number", math.nan, "must be a finite number"),
        ("number", math.inf, "must be a finite number"),
        ("number", "1e400", "must be a finite number"),
        ("number", 10**400, "must be a finite number"),
        ("boolean", "yes", "must be true or false"),
        ("boolean", "True", "must be true or false"),
        ("boolean", 1, "must be true or false"),
        ("boolean", [], "must be one value, not a list"),
        ("list", {"a": 1}, "must be a list of text, or text with an item on each line"),
        ("list", ["a", 1], "item 2 must be one line of text"),
        ("list", ["a", [["b"]]], "item 2 must be one line of text"),
        ("list", ["a\nb"], "item 1 must be one line of text"),
        ("list", [" "], "item 1 must be one line of text"),
        ("list", ["a\0"], "must be text without NUL"),
        ("list", ["a" * 4000, "b" * 100], "is longer than 4096 bytes"),
    ],
)
def test_a_value_of_another_type_is_refused(kind: str, given: object, message: str) -> None:
    with pytest.raises(InvalidParameter) as refusal:
        make_parameter(kind).read(given)

    assert str(refusal.value) == message


@pytest.mark.parametrize(
    ("parameter", "accepted", "refused", "message"),
    [
        (make_parameter("choice", choices=("a", "b")), "b", "c", "must be one of a, b"),
        (make_parameter("integer", min=1), 1, 0, "must be at least 1"),
        (make_parameter("number", max=0.5), 0.5, 0.6, "must be at most 0.5"),
        (make_parameter("string", pattern="v[0-9]+"), "v12", "v12 ", r"must match v[0-9]+"),
        (make_parameter("string", pattern="a|ab"), "ab", "abc", r"must match a|ab"),
    ],
)
def test_a_value_outside_its_rules_is_refused(
    parameter: Parameter, accepted: ParamValue, refused: ParamValue, message: str
) -> None:
    assert parameter.read(accepted) == accepted
    with pytest.raises(InvalidParameter) as refusal:
        parameter.read(refused)

    assert str(refusal.value) == message


def test_a_pattern_that_backtracks_elsewhere_takes_linear_time() -> None:
    assert not matches("(a+)+b", "a" * MAX_PARAM_BYTES)


@pytest.mark.parametrize("pattern", ["(", r"(a)\1", "(?=a)", "a{1001}"])
def test_an_invalid_pattern_is_refused_with_its_reason(pattern: str) -> None:
    with pytest.raises(InvalidParameter, match=r"missing|invalid"):
        matches(pattern, "a")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda values: st.lists(values) | st.dictionaries(st.text(), values),
    max_leaves=5,
)


@given(kind=st.sampled_from(ParameterType), value=JSON | st.from_regex(r"[+-]?[0-9.e]{1,8}"))
def test_a_value_that_is_accepted_can_be_sent_and_read_back(kind: ParameterType, value: object) -> None:
    parameter = Parameter("p", kind, choices=("a", "b"))
    try:
        found = parameter.read(value)
    except InvalidParameter:
        return

    encode(found)
    assert parameter.read(found) == found
    assert parameter.read(format_param(found)) == found
