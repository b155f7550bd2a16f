"""Gives schemathesis what the OpenAPI document does not contain.

Cursors are opaque, so it gets a strategy for them. A project's scopes, steps and parameters are in no schema, so starts
that should be accepted use those of the projects under test. A key that was used for another body is refused, so each
of these starts has a new one. Starts that should be refused are left as generated.
"""

from typing import Any
from uuid import uuid4

import schemathesis
from hypothesis import strategies as st

from solorun.api.cursors import encode_cursor
from solorun.idempotency_key import KEY_HEADER
from solorun.run import MAX_RUN_ID

schemathesis.openapi.format("cursor", st.integers(1, MAX_RUN_ID).map(str).map(encode_cursor))


@schemathesis.hook
def before_call(context: Any, case: Any, kwargs: dict[str, Any]) -> None:
    meant_to_be_accepted = case.meta is not None and case.meta.generation.mode.is_positive
    if not meant_to_be_accepted or not case.operation.label.endswith(("/runs", "/rerun")):
        return
    if KEY_HEADER in (case.headers or {}):
        case.headers[KEY_HEADER] = uuid4().hex
    if isinstance(case.body, dict):
        if "scope" in case.body:
            case.body["scope"] = "full"
        if "from" in case.body:
            case.body["from"] = "start"
        if "params" in case.body:
            case.body["params"] = {}
