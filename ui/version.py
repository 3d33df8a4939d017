"""The version of the program and the dates of its data."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ui.language import Text

if TYPE_CHECKING:
    from assistant.app import Assistant


def version_line(assistant: Assistant) -> str:
    """Return the line that `ask --version` prints."""
    dates = assistant.catalogue_dates()
    oldest, newest = dates["prices_as_of"]
    prices = (
        str(newest) if oldest == newest else Text(f"{oldest}〜{newest}", f"{oldest} to {newest}")
    )
    return str(
        Text(
            f"ask {installed_version()}(仕様 {dates['specs_as_of']}、料金 {prices} 時点)",
            f"ask {installed_version()} (specs as of {dates['specs_as_of']}, prices {prices})",
        )
    )


def installed_version() -> str:
    """Return the version of the distribution that provides this module."""
    from importlib.metadata import PackageNotFoundError, entry_points, version

    try:
        scripts = entry_points(group="console_scripts", name="ask")
        dist = next((item.dist for item in scripts if item.value == "ui.cli:main"), None)
        return dist.version if dist else version("ask")
    except PackageNotFoundError:
        return "0.0.0 (checkout)"
