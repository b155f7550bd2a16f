"""The artifacts of one run while it is executed: uploads what each attempt leaves, and logs it."""

import asyncio
from collections import defaultdict
from contextlib import aclosing
from typing import Final

from solorun.artifacts.scan import scan_artifacts
from solorun.artifacts.store import ArtifactStore
from solorun.errors import ArtifactStoreUnavailable, SolorunError
from solorun.execution.handle import RunHandle
from solorun.project import FROM_PREFIX, StepDeclaration
from solorun.record import Event, Level
from solorun.run import Artifact, format_size
from solorun.settings import DataDirectory
from solorun.store import RunStore

_MAX_NAMED: Final = 20
"""How many files one warning names."""
_STOPPED: Final = "the run had to stop"


class RunArtifacts:
    """Uploads and downloads of one run. Once the run has to stop, they get what is left of its grace."""

    def __init__(self, run: RunHandle, store: ArtifactStore, directory: DataDirectory, runs: RunStore) -> None:
        self._run = run
        self._runs = runs
        self._store = store
        self._directory = directory
        self._known: dict[str, Artifact | None] = {}
        self.were_cut_off = False
        """The run had to stop before everything was uploaded."""
        self._are_uploaded = True
        self._fetched: list[int] = []

    async def fetch_earlier(self, step: StepDeclaration) -> None:
        """Before the first step, bring the artifacts of the run that is repeated to this machine: steps may read them.

        Does nothing if the run has to stop.
        """
        earlier = self._run.start.rerun_of
        if earlier is None or step is not self._run.start.steps[0] or self._run.cancel_scope.reason is not None:
            return
        try:
            await self._run.cancel_scope.finish(self._fetch(earlier, step), deadline=self._run.deadline)
        except (ArtifactStoreUnavailable, OSError) as error:
            self._warn(f"the artifacts of run {earlier} could not be downloaded: {error}", step)

    async def release(self) -> None:
        """The run's work has ended: if everything is uploaded, this machine no longer needs it."""
        for run_id in (*self._fetched, *([self._run.id] if self._are_uploaded else [])):
            await self._store.release(run_id)

    async def publish(self, step: StepDeclaration) -> None:
        """Upload the files that an attempt created or changed, and log them, and what is not listed.

        A file that could not be uploaded is uploaded with the next attempt or step, if there is one.
        """
        scan = await asyncio.to_thread(scan_artifacts, self._directory.artifacts(self._run.id))
        if skipped := [name for name in scan.skipped if name not in self._known]:
            self._known |= dict.fromkeys(skipped)
            self._warn(f"not listed as artifacts: {', '.join(skipped)}", step)
        changed = {each.name: each for each in scan.artifacts if self._known.get(each.name) != each}
        failures: dict[str, str] = {}
        upload = self._upload(step, changed, failures)
        self.were_cut_off = not await self._run.cancel_scope.finish(upload, deadline=self._run.deadline)
        self._are_uploaded = not changed and not scan.skipped
        by_reason: defaultdict[str, list[str]] = defaultdict(list)
        for name in changed:
            by_reason[failures.get(name, _STOPPED)].append(self._run.channel.mask(name))
        for reason, names in by_reason.items():
            more = f" and {len(names) - _MAX_NAMED:,} more" if len(names) > _MAX_NAMED else ""
            self._warn(f"not uploaded as artifacts ({reason}): {', '.join(names[:_MAX_NAMED])}{more}", step)

    async def _fetch(self, run_id: int, step: StepDeclaration) -> None:
        if await self._store.fetch(run_id):
            self._fetched.append(run_id)
            self._run.channel.log(f"downloaded the artifacts of run {run_id}", step=step.name)
        elif self._run.start.scope.startswith(FROM_PREFIX) and not self._directory.artifacts(run_id).exists():
            await self._warn_of_absence(run_id, step)

    async def _warn_of_absence(self, run_id: int, step: StepDeclaration) -> None:
        """The steps that are skipped have left their results on another machine."""
        try:
            earlier = await self._runs.get_run(run_id)
        except SolorunError:
            return
        if earlier.started_at is not None:
            self._warn(
                f"the files of run {run_id} are not here, because {earlier.worker} executed it: this run has neither "
                "its artifacts nor its workspace; set shared_dir, or artifact_store for the artifacts alone",
                step,
            )

    async def _upload(self, step: StepDeclaration, changed: dict[str, Artifact], failures: dict[str, str]) -> None:
        """Remove from `changed` what is uploaded."""
        async with aclosing(self._store.upload(self._run.id, list(changed))) as uploads:
            async for name, failure in uploads:
                if failure is not None:
                    failures[name] = failure
                else:
                    self._log(step, changed.pop(name))

    def _log(self, step: StepDeclaration, artifact: Artifact) -> None:
        self._known[artifact.name] = artifact
        name = self._run.channel.mask(artifact.name)
        self._run.channel.log(
            f"artifact {name}, {format_size(artifact.size_bytes)}",
            step=step.name,
            event=Event.ARTIFACT,
            data={"name": name, "size_bytes": artifact.size_bytes},
        )

    def _warn(self, message: str, step: StepDeclaration) -> None:
        self._run.channel.log(message, level=Level.WARNING, step=step.name)
