"""What is sent over HTTP: request bodies, and responses that are not values themselves.

Service and client share these structures, so each field has one name. `encoding` is the one JSON encoding. One module
per subject: `runs`, `projects`, `schedules`, `notifications`, `workers`, and `problems` for errors.
"""
