"""Solorun as an ASGI application with a lifespan, for any ASGI server or for mounting in another application.

uvicorn --factory solorun.asgi:solorun_app

runs = solorun_app("solorun.toml")
app = Starlette(routes=[Mount("/runs", runs)], lifespan=runs.lifespan)
"""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any, Final

from starlette.routing import Router
from starlette.types import Receive, Scope, Send

from solorun.api import Application
from solorun.auth.permissions import Authorize, Identify
from solorun.dashboard import Dashboard
from solorun.projects import Catalog, ConfiguredProjects, resolve_settings
from solorun.service import DEFAULT_LIMITS, Service, ServiceLimits
from solorun.settings import Settings
from solorun.shutdown_signals import called_on_shutdown_signal
from solorun.steps import protect_service

_NOT_RUNNING: Final = (
    "Solorun is not running: enter its `lifespan` in that of the host application, or `await solo.start()`."
)


def solorun_app(config: str | os.PathLike[str] | None = None, **settings: Any) -> "SolorunApp":
    """An application for the projects in `config`, by default the file SOLORUN_CONFIG or `solorun.toml`.

    Keyword arguments are named like the keys of the [service] table and take precedence over SOLORUN_<NAME>, which
    takes precedence over the file. The process loses SOLORUN_TOKEN from its environment, and closes its memory to
    other processes. Raises ConfigurationInvalid.
    """
    environ = protect_service(owns_process=False)
    path = Path(config or environ.get("SOLORUN_CONFIG") or "solorun.toml")
    catalog = Catalog.open(path)
    table = catalog.configuration.service
    return SolorunApp(resolve_settings(table, environ, settings, base_dir=path.absolute().parent), catalog)


class SolorunApp:
    """An ASGI application whose lifespan opens the service and closes it.

    A host application that mounts it must enter `lifespan`: ASGI servers run only the lifespan of the outermost one.
    """

    def __init__(
        self,
        settings: Settings,
        catalog: ConfiguredProjects,
        authorize: Authorize | None = None,
        identify: Identify | None = None,
    ) -> None:
        self._open = partial(open_application, settings, catalog, authorize=authorize, identify=identify)
        self._application: Application | None = None
        self._router = Router(lifespan=self.lifespan)

    @property
    def service(self) -> Service:
        """The service, within `lifespan`. Raises RuntimeError outside of it."""
        if self._application is None:
            raise RuntimeError(_NOT_RUNNING)
        return self._application.state.service

    @asynccontextmanager
    async def lifespan(self, _app: object = None) -> AsyncIterator[None]:
        """Serve within this block. Leaving it ends the streams and interrupts the active runs.

        Raises DataDirectoryUnusable, DatabaseUnusable, and RuntimeError within another such block.
        """
        if self._application is not None:
            raise RuntimeError("This Solorun is running already.")
        async with self._open() as application:
            self._application = application
            try:
                with called_on_shutdown_signal(application.end_streams):
                    yield
            finally:
                self._application = None
                application.end_streams()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._router(scope, receive, send)
        elif self._application is None:
            raise RuntimeError(_NOT_RUNNING)
        else:
            await self._application(scope, receive, send)


@asynccontextmanager
async def open_application(
    settings: Settings,
    catalog: ConfiguredProjects,
    limits: ServiceLimits = DEFAULT_LIMITS,
    url: str | None = None,
    authorize: Authorize | None = None,
    identify: Identify | None = None,
) -> AsyncIterator[Application]:
    """The application of a service that is open within this block. `url` is its address for commands, None in a host
    application. There, `authorize` decides what callers may do, and `identify` names them.

    Raises DataDirectoryUnusable, DatabaseUnusable.
    """
    async with Service.open(settings, catalog, url=url, limits=limits) as service:
        dashboard = Dashboard()
        yield Application(service, dashboard.endpoints, dashboard.show_not_found, authorize, identify)
