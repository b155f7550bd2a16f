"""Who may call: tokens and browser sessions."""
