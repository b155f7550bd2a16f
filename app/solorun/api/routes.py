"""The route table. The most frequent requests come first: routes are matched in this order."""

from typing import Final

from solorun.api import (
    artifacts,
    backup,
    health,
    hooks,
    login,
    logs,
    notifications,
    openapi,
    problems,
    projects,
    resources,
    retention,
    runs,
    schedules,
    streams,
    workers,
)
from solorun.api.state import State
from solorun.http.operation import Operation

OPERATIONS: Final[tuple[Operation[State], ...]] = (
    *(runs.get_run, runs.start_run, runs.list_project_runs, runs.get_current_run),
    *(runs.cancel_run, runs.rerun, runs.list_runs),
    *(streams.follow_run, streams.follow_all_runs),
    *(logs.get_log_page, logs.download_log_as_ndjson, logs.download_log_as_text),
    *(artifacts.list_artifacts, artifacts.download_artifacts, artifacts.download_artifact),
    *(resources.list_resources, workers.list_workers, workers.drain_worker),
    *(schedules.list_schedules, schedules.list_firings),
    *(schedules.pause_schedule, schedules.resume_schedule, schedules.run_schedule),
    *(retention.pin_run, retention.unpin_run, retention.prune),
    *(projects.list_projects, projects.get_project),
    *(notifications.list_deliveries, notifications.get_delivery, notifications.redeliver),
    *(notifications.list_notify_targets, notifications.test_notify_target),
    *(hooks.receive_delivery, backup.back_up),
    *(health.livez, health.readyz, health.metrics, openapi.show_document, problems.get_problem_type),
    *(login.show_login, login.log_in, login.show_login_style, login.log_out),
)
