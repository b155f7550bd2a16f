"""Who may call: tokens, browser sessions and the login page."""
