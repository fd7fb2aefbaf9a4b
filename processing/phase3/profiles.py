"""The standards that headers are written and checked by, as values: a survey's release of 2021, and ESO's of today.

``release-2021`` is the release description to the letter: every image is an ANCILLARY.IMAGE, the white one too, and
there are no exposure maps.  ``sdps8`` is version 8 of ESO's Science Data Products standard, with one white-light image
and an exposure map for each cube.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from archive.errors import Refused

__all__ = [
    "CUBE",
    "EXPMAP",
    "IMAGE",
    "PROFILES",
    "RELEASE_2021",
    "SDPS8",
    "WHITE_LIGHT",
    "Profile",
    "Role",
    "profile_named",
]

CUBE: Final = "SCIENCE.CUBE.IFS"
IMAGE: Final = "ANCILLARY.IMAGE"
WHITE_LIGHT: Final = "ANCILLARY.IMAGE.WHITELIGHT"
EXPMAP: Final = "ANCILLARY.EXPMAP"


class Role(StrEnum):
    """What a file of a submission is."""

    CUBE = "cube"
    WHITE = "white"
    BAND = "band"
    EXPMAP = "expmap"
    MAPS = "maps"


@dataclass(frozen=True)
class Profile:
    """One standard.

    Parameters
    ----------
    name
        By which it is asked for.
    version
        HDUVERS: of the document that the extensions follow.
    categories
        PRODCATG of each sort of file.
    roles
        The sorts of files that a submission has; others stay at home.
    tells_white_light
        Whether the white image is told from others by its category.
    """

    name: str
    version: str
    categories: Mapping[Role, str]
    roles: frozenset[Role]
    tells_white_light: bool


RELEASE_2021: Final = Profile(
    "release-2021",
    version="SDP version 6",
    categories={Role.CUBE: CUBE, Role.WHITE: IMAGE, Role.BAND: IMAGE, Role.EXPMAP: EXPMAP, Role.MAPS: IMAGE},
    roles=frozenset({Role.CUBE, Role.WHITE, Role.BAND, Role.MAPS}),
    tells_white_light=False,
)
SDPS8: Final = Profile(
    "sdps8",
    version="SDP version 8",
    categories={Role.CUBE: CUBE, Role.WHITE: WHITE_LIGHT, Role.BAND: IMAGE, Role.EXPMAP: EXPMAP, Role.MAPS: IMAGE},
    roles=frozenset(Role),
    tells_white_light=True,
)
PROFILES: Final = {profile.name: profile for profile in (RELEASE_2021, SDPS8)}


def profile_named(name: str) -> Profile:
    """Return a profile.

    Raises
    ------
    Refused
        There is none of that name.
    """
    if name not in PROFILES:
        raise Refused(f"there is no profile {name!r}: {', '.join(PROFILES)} there are")
    return PROFILES[name]
