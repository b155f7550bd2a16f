"""The shim: a program between the service and a command. It imports nothing else of Solorun."""
