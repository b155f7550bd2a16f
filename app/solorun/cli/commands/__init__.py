"""One module for each subject of commands."""
