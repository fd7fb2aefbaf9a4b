"""From raw frames to pixel tables by MUSE's pipeline: bias, flat, wavelengths, line spread, twilight, science, sky.

``stages`` has the recipes on one page; ``supply`` brings frames and the calibrations that the catalogue associates with
them; ``reduction`` runs recipes, an IFU each; ``masters`` and ``pixtables`` are the tasks; ``orders`` says which jobs
make what some exposures need.
"""
