"""What a run needs of the process that executes it: labels, and the same declaration of its steps."""

import hashlib
import json

from solorun.project import CommandStep, Project, StepDeclaration
from solorun.worker import DEFAULT_LABELS


def required_labels(project: Project, steps: tuple[StepDeclaration, ...]) -> tuple[str, ...]:
    """The labels of the project and of the steps in scope, sorted. One process executes them all."""
    labels = {project.worker, *(step.worker for step in steps)} - {None}
    return tuple(sorted(label for label in labels if label)) or DEFAULT_LABELS


def hash_pipeline(steps: tuple[StepDeclaration, ...]) -> str:
    """The version of the steps: equal wherever they are declared equally.

    Paths do not count, because the same project may be in another directory on another host.
    """
    declared = [
        {
            "name": step.name,
            "run": step.run if isinstance(step, CommandStep) else None,
            "call": None if isinstance(step, CommandStep) else step.call,
            "timeout": step.timeout_seconds,
            "resources": dict(step.resources),
            "retries": repr(step.retries),
            "stall_timeout": repr(step.stall_timeout),
            "worker": step.worker,
        }
        for step in steps
    ]
    return hashlib.sha256(json.dumps(declared, sort_keys=True).encode()).hexdigest()[:12]
