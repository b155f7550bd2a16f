#!/bin/sh
# Start tonight's run once, however often this script runs and the connection breaks. $SOLORUN_URL is the service's
# address.
set -eu
curl -sS --retry 5 --retry-all-errors \
  -H "Idempotency-Key: nightly-$(date +%F)" -H "Content-Type: application/json" -d '{"triggered_by": "nightly"}' \
  "$SOLORUN_URL/api/v1/projects/handbook/runs"
