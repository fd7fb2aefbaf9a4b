"""Why an image gives no answer: the errors of the measurements, each named for the fact."""

__all__ = ["NoMatch", "NoOverlap", "TooFewPixels", "Unmeasurable"]


class Unmeasurable(ValueError):
    """The images do not hold what was to be measured; the message says what is missing."""


class TooFewPixels(Unmeasurable):
    """Too little of the image is good."""


class NoOverlap(Unmeasurable):
    """The two images, or a spectrum and its filter, have too little in common to be compared."""


class NoMatch(Unmeasurable):
    """The images lie on one another, yet nothing stands out of the noise of both: no stars, or another field."""
