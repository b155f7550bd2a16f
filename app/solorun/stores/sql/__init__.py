"""What the stores share: the statements, the functions that execute them, and the checks of `solorun doctor`."""
