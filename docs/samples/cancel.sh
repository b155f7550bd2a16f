#!/bin/sh
# Start a run and cancel it, using only curl. $SOLORUN_URL is the service's address.
set -eu
json="Content-Type: application/json"

location=$(curl -sS -o started.json -w '%header{location}' -H "$json" -d '{"scope": "full"}' \
  "$SOLORUN_URL/api/v1/projects/handbook/runs")

# 202: Solorun asks the work to stop. The run is still active, and the project is still busy.
curl -sS -o cancelling.json -w '%{http_code}\n' -H "$json" -d '{"reason": "wrong edition"}' \
  "$SOLORUN_URL$location/cancel"

# The stream ends when the work has stopped. The run is now `cancelled`.
curl -sSN "$SOLORUN_URL$location/events"
