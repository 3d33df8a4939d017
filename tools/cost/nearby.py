"""Which regions are near: great-circle distance between the cities of AWS regions."""

from __future__ import annotations

from collections.abc import Iterable
from math import asin, cos, radians, sin, sqrt

JAPAN = ("ap-northeast-1", "ap-northeast-3")

# Latitude and longitude of the city or state that the region is named after, in degrees.
_PLACES: dict[str, tuple[float, float]] = {
    "us-east-1": (38.9, -77.5),
    "us-east-2": (40.0, -83.0),
    "us-west-1": (37.4, -122.0),
    "us-west-2": (45.8, -119.7),
    "ap-northeast-1": (35.7, 139.7),
    "ap-northeast-3": (34.7, 135.5),
    "ap-northeast-2": (37.6, 127.0),
    "ap-southeast-1": (1.35, 103.8),
    "ap-southeast-2": (-33.9, 151.2),
    "ap-southeast-3": (-6.2, 106.8),
    "ap-southeast-4": (-37.8, 145.0),
    "ap-southeast-5": (3.1, 101.7),
    "ap-southeast-6": (-36.8, 174.8),
    "ap-southeast-7": (13.8, 100.5),
    "ap-south-1": (19.1, 72.9),
    "ap-south-2": (17.4, 78.5),
    "ap-east-1": (22.3, 114.2),
    "ap-east-2": (25.0, 121.5),
    "ca-central-1": (45.5, -73.6),
    "ca-west-1": (51.0, -114.1),
    "mx-central-1": (20.6, -100.4),
    "sa-east-1": (-23.5, -46.6),
    "eu-west-1": (53.3, -6.3),
    "eu-west-2": (51.5, -0.1),
    "eu-west-3": (48.9, 2.4),
    "eu-central-1": (50.1, 8.7),
    "eu-central-2": (47.4, 8.5),
    "eu-north-1": (59.3, 18.1),
    "eu-south-1": (45.5, 9.2),
    "eu-south-2": (41.6, -0.9),
    "me-south-1": (26.2, 50.6),
    "me-central-1": (24.5, 54.4),
    "il-central-1": (32.1, 34.8),
    "af-south-1": (-33.9, 18.4),
    "us-gov-east-1": (40.0, -83.0),
    "us-gov-west-1": (45.8, -119.7),
}
_EARTH_RADIUS_KM = 6371
_FAR = float("inf")


def distance_km(left: str, right: str) -> float:
    """Return the distance between two regions; infinite where a place is not known."""
    if left not in _PLACES or right not in _PLACES:
        return _FAR
    (lat1, lon1), (lat2, lon2) = _PLACES[left], _PLACES[right]
    half_lat, half_lon = radians(lat2 - lat1) / 2, radians(lon2 - lon1) / 2
    chord = sin(half_lat) ** 2 + cos(radians(lat1)) * cos(radians(lat2)) * sin(half_lon) ** 2
    return 2 * _EARTH_RADIUS_KM * asin(sqrt(chord))


def nearest_first(region: str, others: Iterable[str]) -> list[str]:
    """Return regions by distance from `region`; inside Japan the other Japanese region leads."""
    at_home = region in JAPAN
    return sorted(
        others,
        key=lambda other: (not (at_home and other in JAPAN), distance_km(region, other), other),
    )
