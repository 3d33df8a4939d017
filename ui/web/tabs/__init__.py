"""The workbench: forms over the same tools that the chat uses."""
