"""Simulated exposures of the survey's galaxies with known truth: ``musevault simulate``.

The sky is a function (``scene``): a galaxy with stellar populations (``templates``, ``stellar``), rotation and
dispersion (``galaxy``), dust (``extinction``), HII regions and diffuse gas with their lines (``gas``), and foreground
stars (``stars``), seen through a Moffat PSF (``psf``).  ``exposures`` plans what is observed, at the real pointings,
times, modes and seeing of the survey's log (``catalogue``), and what goes wrong with each: pointing, rotation,
transparency, sky.  ``geometry`` says where on the sky a slice of an IFU looks, ``detector`` what noise and cosmic rays
add, ``night`` what the sky itself sends; ``observation`` is all of that together for one exposure.  ``pixel_table``,
``reference``, ``static`` and ``truth`` write files piece by piece; ``simulation`` calls them.

What is not simulated: atmospheric refraction (``muse_scipost --lambdaref=-1``), telluric absorption, and correlations
between the steps of a real reduction.  Kinematics and dust act on the light after the PSF.

The folder that is written::

    pixtables/{dp_id}_PIXTABLE_OBJECT.fits    before sky subtraction, in spaxels ("object")
    reduced/{dp_id}_PIXTABLE_REDUCED.fits     sky subtracted, on the sky ("reduced")
    sky/{dp_id of sky}_SKY_CONTINUUM.fits     one each an observing block, as an offset sky exposure would give them:
    sky/{dp_id of sky}_SKY_LINES.fits         their level is not that of the exposures
    static/ASTROMETRY_WCS.fits, LSF_PROFILE.fits, ...
    reference/{target}_{filter}.fits          the image that fixes positions and fluxes
    truth/truth.json, truth/truth.fits        what was put in

A full field of 320 x 320 spaxels and 3,681 planes has 377 million rows of 28 bytes, 10.6 GB: no more than a slice of
one IFU is ever held, beside the maps of what the field shows (1 GB while they are made).
"""
