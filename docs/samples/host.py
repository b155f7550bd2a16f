from starlette.applications import Starlette
from starlette.routing import Mount

from solorun.asgi import solorun_app

runs = solorun_app("solorun.toml")
app = Starlette(routes=[Mount("/tools/runs", runs)], lifespan=runs.lifespan)
