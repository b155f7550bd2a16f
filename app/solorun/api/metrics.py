"""The state of the service as OpenMetrics, collected when requested."""

from collections import Counter
from collections.abc import Iterator
from typing import Final

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.openmetrics.exposition import CONTENT_TYPE_LATEST, generate_latest

from solorun.api.state import State
from solorun.status import ACTIVE, Status

OPENMETRICS: Final = CONTENT_TYPE_LATEST.encode("ascii")


class Metrics:
    """One reading of the state. The labels are statuses, operations and declared names, so their number is bounded."""

    def __init__(self, state: State, sessions: int | None) -> None:
        """`sessions` is the number of open ones, None if the store is unavailable."""
        self._state = state
        self._sessions = sessions

    def expose(self) -> bytes:
        text: bytes = generate_latest(self)  # type: ignore[no-untyped-call]
        return text

    def collect(self) -> Iterator[Metric]:
        service = self._state.service
        runs = GaugeMetricFamily("solorun_active_runs", "Active runs.", labels=["status"])
        by_status = Counter(run.status for run in service.manager.list_active_runs())
        for status in sorted(ACTIVE):
            runs.add_metric([status.value], by_status[status])
        yield runs
        queued = len(service.manager.list_queued_runs())
        yield GaugeMetricFamily("solorun_queued_runs", "Runs that wait for their project or for resources.", queued)
        ended = CounterMetricFamily("solorun_ended_runs", "Runs that have ended in this service.", labels=["status"])
        for status in (status for status in Status if status.has_ended):
            ended.add_metric([status.value], service.manager.registry.ended[status])
        yield ended
        yield GaugeMetricFamily(
            "solorun_log_records_of_active_runs",
            "Committed records of the active runs.",
            sum(run.last_seq for run in service.manager.list_active_runs()),
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
