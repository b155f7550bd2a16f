"""Warns that a rerun builds on results that another run may have changed. Its preview says which ones these are."""

from solorun.wire.runs import RerunPreview


def find_newer_run(preview: RerunPreview) -> int | None:
    """The project's latest run, unless the rerun builds on it."""
    known = {preview.rerun_of, *(step.run_id for step in preview.skipped)}
    return None if preview.latest_run_id in known else preview.latest_run_id


def warn_of_newer_run(preview: RerunPreview, run_id: int) -> str | None:
    """The warning about the rerun `run_id`, which was previewed before it was started."""
    newer = find_newer_run(preview)
    if not preview.skipped or newer in (None, run_id):
        return None
    place = "The results of skipped steps are in the project's workspace."
    return f"{place} Run {newer} is newer and may have changed them."
