"""Commands of the command line, one module for each noun; each module's command is `command`."""
