#!/bin/sh
# Start a run, follow it to its end, cancel one: with nothing but curl. $SOLORUN_URL is the service's address.
set -eu
api="$SOLORUN_URL/api/v1"
json="Content-Type: application/json"

# 201 and the run; its address is in the Location header.
location=$(curl -sS -o started.json -w '%header{location}' -H "$json" -d '{"scope": "full"}' \
  "$api/projects/handbook/runs")
cat started.json

# The whole log from its beginning, live, until `event: end`.
curl -sSN "$SOLORUN_URL$location/events"

# 409, because it has ended; 202 while it is active.
curl -sS -o refused.json -w '%{http_code}\n' -H "$json" -d '{"reason": "wrong edition"}' \
  "$SOLORUN_URL$location/cancel"
