"""Checks the parameters of a start against the project's declaration, applies the defaults, and masks secrets."""

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Final

from solorun.errors import MAX_FAULTS, FieldError
from solorun.execution import AdmittedStart
from solorun.logs import Masker
from solorun.logs.masking import MASK
from solorun.parameter import InvalidParameter, Parameter, ParamValue, format_param
from solorun.project import MIN_SECRET_CHARACTERS, Project, can_be_masked
from solorun.wire.encoding import encode

MAX_PARAMS_BYTES: Final = 120 * 1024
"""All of them as JSON. Linux accepts 128 KiB for one variable."""

_POINTER: Final = "/params"


def read_params(project: Project, given: Mapping[str, object]) -> tuple[dict[str, ParamValue], list[FieldError]]:
    """The values of a start in the order of the declaration, and one error for each name that is invalid."""
    if not project.params and not given:
        return {}, []
    values: dict[str, ParamValue] = {}
    faults = list(islice(_find_unknown(project, given), MAX_FAULTS))
    for parameter in project.params:
        try:
            value = _read(parameter, given.get(parameter.name))
        except InvalidParameter as fault:
            faults.append(FieldError(f"{_POINTER}/{parameter.name}", str(fault)))
            continue
        if value is not None:
            values[parameter.name] = value
    if len(encode(values)) > MAX_PARAMS_BYTES:
        faults.append(FieldError(_POINTER, f"take more than {MAX_PARAMS_BYTES} bytes together, as JSON"))
    return values, faults


def mask_params(start: AdmittedStart, masker: Masker) -> dict[str, ParamValue]:
    """The values as the run's row has them: secrets masked, including those in other parameters."""
    secret = start.secret_params
    return {name: MASK if name in secret else _mask(value, masker) for name, value in start.params.items()}


def _mask(value: ParamValue, masker: Masker) -> ParamValue:
    if isinstance(value, tuple):
        return tuple(map(masker.mask, value))
    text = format_param(value)
    masked = masker.mask(text)
    return value if masked == text else masked


def _read(parameter: Parameter, given: object) -> ParamValue | None:
    if given is None:
        given = parameter.default
    if parameter.required and given in (None, ""):
        raise InvalidParameter("is required")
    if given is None:
        return None
    value = parameter.read(given)
    if parameter.secret and not can_be_masked(str(value)):
        raise InvalidParameter(
            f"has fewer than {MIN_SECRET_CHARACTERS} characters, so it could not be masked in the log"
        )
    return value


def _find_unknown(project: Project, given: Mapping[str, object]) -> Iterator[FieldError]:
    known = [parameter.name for parameter in project.params]
    for name in given:
        if name not in known:
            pointer = f"{_POINTER}/{name[:100].replace('~', '~0').replace('/', '~1')}"
            yield FieldError(pointer, f"is not a parameter of {project.name}; it has: {', '.join(known) or 'none'}")
