"""Health check of a container: exit code 0 if HEALTH_URL answers 200. Standard library only."""

import os
import sys
import urllib.error
import urllib.request

URL = os.environ.get("HEALTH_URL", "http://127.0.0.1:7860/healthz")

try:
    with urllib.request.urlopen(URL, timeout=4) as reply:
        sys.exit(0 if reply.status == 200 else 1)
except (urllib.error.URLError, OSError) as error:
    sys.stderr.write(f"{URL}: {error}\n")
    sys.exit(1)
