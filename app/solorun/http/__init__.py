"""The HTTP toolkit, which knows nothing about runs.

`operation` is a row of a route table. `routing` finds the row for a `request`, and `validation` decodes the query and
the body. `responses` are sent as bytes or as an `event_stream`, with `compression` if they are large JSON.
`flow_control` tells whether the reader keeps up, and `connection_limits` how long it may take. `turns` gives each
client one large page at a time, and `sparse_log` keeps what clients can cause from filling the service's log.
"""
