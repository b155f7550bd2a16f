"""Who may call, and what they may do: the token, sessions, and the permissions that a host application grants."""
