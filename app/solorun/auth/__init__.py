"""Who may call, and what they may do.

`authorization` decides about every request before it is routed: by the token, by a session of a browser (`sessions`),
or because the endpoint is public. `throttle` slows down those that guess tokens. `permissions` asks the host
application who the caller is and what they may do. `live_check` asks again while a stream is being read.
"""
