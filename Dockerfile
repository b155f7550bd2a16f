# syntax=docker/dockerfile:1

FROM node:22-bookworm-slim AS node

# Building the wheel builds the dashboard with Node. The final image contains neither Node nor uv.
FROM python:3.11-slim-bookworm AS build
COPY --from=node /usr/local/bin/node /usr/local/bin/node
COPY --from=node /usr/local/lib/node_modules/npm /usr/local/lib/node_modules/npm
RUN ln -s ../lib/node_modules/npm/bin/npm-cli.js /usr/local/bin/npm \
 && ln -s ../lib/node_modules/npm/bin/npx-cli.js /usr/local/bin/npx \
 && pip install --no-cache-dir "uv>=0.9,<1"
ENV UV_PYTHON_DOWNLOADS=never \
    UV_LINK_MODE=copy \
    UV_COMPILE_BYTECODE=1 \
    UV_PROJECT_ENVIRONMENT=/opt/solorun
WORKDIR /source
COPY . .
RUN --mount=type=cache,target=/root/.cache/uv --mount=type=cache,target=/root/.npm \
    uv sync --no-dev --no-editable --extra cluster --extra s3

FROM python:3.11-slim-bookworm
RUN groupadd --gid 1000 solorun \
 && useradd --uid 1000 --gid solorun --no-log-init --create-home solorun \
 && install --directory --owner=solorun --group=solorun --mode=0700 /data /shared
COPY --from=build /opt/solorun /opt/solorun
ENV PATH=/opt/solorun/bin:$PATH \
    SOLORUN_HOST=0.0.0.0 \
    SOLORUN_REQUIRE_TOKEN=true \
    SOLORUN_DATA_DIR=/data
# Mount solorun.toml and the files it refers to here. The service requires a token from outside, and refuses to start
# without one.
WORKDIR /project
VOLUME /data
EXPOSE 8700
USER solorun
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8700/livez', timeout=2)"]
ENTRYPOINT ["solorun"]
CMD ["serve"]
