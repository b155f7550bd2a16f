"""The state of the service as OpenMetrics, collected when requested."""

from collections import Counter
from collections.abc import Collection, Iterator
from typing import Final

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.openmetrics.exposition import CONTENT_TYPE_LATEST, generate_latest

from solorun.api.state import State
from solorun.status import ACTIVE, Status
from solorun.worker import WorkerState, WorkerStatus

OPENMETRICS: Final = CONTENT_TYPE_LATEST.encode("ascii")


class Metrics:
    """One reading of the state. The labels are statuses, operations and declared names, so their number is bounded."""

    def __init__(self, state: State, sessions: int | None, workers: Collection[WorkerStatus] | None) -> None:
        """`sessions` is the number of open ones. They and the workers are None if the store is unavailable."""
        self._state = state
        self._sessions = sessions
        self._workers = workers

    def expose(self) -> bytes:
        text: bytes = generate_latest(self)  # type: ignore[no-untyped-call]
        return text

    def collect(self) -> Iterator[Metric]:
        service = self._state.service
        runs = GaugeMetricFamily("solorun_active_runs", "Runs that this service executes.", labels=["status"])
        own = [handle.run for handle in service.manager.registry]
        by_status = Counter(run.status for run in own)
        for status in sorted(ACTIVE):
            runs.add_metric([status.value], by_status[status])
        yield runs
        queued = len(service.manager.list_queued_runs())
        yield GaugeMetricFamily("solorun_queued_runs", "Runs that wait for their project or for resources.", queued)
        ended = CounterMetricFamily("solorun_ended_runs", "Runs that have ended in this service.", labels=["status"])
        elsewhere = CounterMetricFamily(
            "solorun_ended_runs_elsewhere", "Runs that have ended in other processes.", labels=["status"]
        )
        for status in (status for status in Status if status.has_ended):
            ended.add_metric([status.value], service.manager.registry.ended[status])
            elsewhere.add_metric([status.value], service.mirror.ended[status] if service.mirror else 0)
        yield from (ended, elsewhere)
        yield GaugeMetricFamily(
            "solorun_log_records_of_active_runs",
            "Committed records of the active runs.",
            sum(run.last_seq for run in own),
        )
        if self._workers is not None:
            yield from _describe_workers(self._workers)
        yield GaugeMetricFamily(
            "solorun_oldest_unclaimed_run_seconds",
            "For how long a run has waited for a worker, 0 if none does.",
            0 if service.mirror is None else service.mirror.oldest_wait_seconds(),
        )
        yield GaugeMetricFamily("solorun_open_streams", "Open event streams.", service.hub.open_streams)
        if self._sessions is not None:
            yield GaugeMetricFamily("solorun_sessions", "Open browser sessions.", self._sessions)
        yield GaugeMetricFamily("solorun_ready", "1 if the service is ready.", int(not service.readiness()))
        yield GaugeMetricFamily("solorun_draining", "1 while shutting down.", int(service.manager.draining))
        yield GaugeMetricFamily(
            "solorun_start_time_seconds", "When the service started, as Unix time.", service.started_at.timestamp()
        )
        deliveries = CounterMetricFamily(
            "solorun_deliveries", "Attempts to deliver notifications.", labels=["target", "outcome"]
        )
        for (target, outcome), count in sorted(service.notifier.count_attempts().items()):
            deliveries.add_metric([target, outcome], count)
        yield deliveries
        responses = CounterMetricFamily("solorun_http_responses", "Responses sent.", labels=["operation", "status"])
        for (operation, http_status), count in sorted(self._state.responses.items()):
            responses.add_metric([operation, str(http_status)], count)
        yield responses


def _describe_workers(workers: Collection[WorkerStatus]) -> Iterator[Metric]:
    by_state = GaugeMetricFamily("solorun_workers", "Processes that execute runs.", labels=["state"])
    counts = Counter(worker.state for worker in workers)
    for state in WorkerState:
        by_state.add_metric([state.value], counts[state])
    yield by_state
    present = [worker for worker in workers if worker.state is not WorkerState.LOST]
    yield GaugeMetricFamily(
        "solorun_worker_runs", "Runs that the workers execute.", sum(len(worker.runs) for worker in present)
    )
    yield GaugeMetricFamily(
        "solorun_worker_capacity",
        "How many runs the active workers with a capacity execute at a time.",
        sum(worker.capacity or 0 for worker in present if worker.state is WorkerState.ACTIVE),
    )
