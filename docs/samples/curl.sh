#!/bin/sh
# Start a run and follow it to its end, using only curl. $SOLORUN_URL is the service's address.
set -eu
api="$SOLORUN_URL/api/v1"
json="Content-Type: application/json"

# 201 with the run; the Location header has its address.
location=$(curl -sS -o started.json -w '%header{location}' -H "$json" -d '{"scope": "full"}' \
  "$api/projects/handbook/runs")
cat started.json

# The whole log from the first record, live, until `event: end`.
curl -sSN "$SOLORUN_URL$location/events"
