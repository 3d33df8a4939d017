"""A bot as a program of its own, for tests and benchmarks that kill it.

    python slack_bot.py BASE_URL DATA_DIR LEASE_SECONDS PAUSE_SECONDS [planner]

It answers like `Scripted`, or with the planner.
"""

from __future__ import annotations

import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parents[2])]

from scripted import Scripted  # noqa: E402
from slack_server import APP_TOKEN, BOT_TOKEN  # noqa: E402

from assistant.app import Assistant  # noqa: E402
from assistant.settings import Settings  # noqa: E402
from ui.slack.serve import Options, log_to_stderr, run_bot  # noqa: E402


def main(base_url: str, data_dir: str, lease: str, pause: str, model: str = "") -> None:
    """Run until killed."""
    settings = Settings(
        data_dir=Path(data_dir), slack_bot_token=BOT_TOKEN, slack_app_token=APP_TOKEN
    )
    scripted = Scripted(settings)
    scripted.pause_seconds = float(pause)
    assistant = Assistant(settings) if model else scripted
    log_to_stderr(verbose=False, quiet=True)
    options = Options(base_url=base_url, lease_seconds=float(lease))
    run_bot(assistant, options)  # type: ignore[arg-type]


if __name__ == "__main__":
    main(*sys.argv[1:])
