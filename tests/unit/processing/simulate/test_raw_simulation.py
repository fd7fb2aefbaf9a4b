"""Raw frames of a simulation show what its pixel tables show."""

from pathlib import Path

import numpy as np
import pytest

from processing.simulate import raw, raw_simulation
from processing.simulate.geometry import plane
from processing.simulate.raw_geometry import ifu_of, middle
from processing.simulate.scene import barycentric
from tests.support import simulations


def test_the_light_of_an_exposure_is_that_of_its_pixel_table() -> None:
    simulation = simulations.simulation()
    exposure = simulation.exposures[0]
    look = raw_simulation._look(simulation, raw_simulation._whole_scene(simulation), exposure)
    x, y = np.array([0.0, 4.0]), np.array([0.0, -3.0])
    wavelengths = np.arange(6572.0, 6588.0, 1.25)
    assert look.light is not None
    east, north = plane(*look.true.sky(x, y), *look.centre)
    ours = look.transparency * look.light(east, north, wavelengths * (1 + look.velocity / 299792.458))
    theirs = exposure.transparency * simulation.lights[exposure.place.name](
        east, north, barycentric(wavelengths, exposure.velocity)
    )
    assert ours == pytest.approx(theirs, rel=0.01)
    assert look.sky(wavelengths) == pytest.approx(exposure.sky(wavelengths))


def test_frames_point_where_the_header_of_the_table_says_and_look_where_the_truth_is() -> None:
    simulation = simulations.simulation()
    exposure = simulation.exposures[0]
    look = raw_simulation._look(simulation, raw_simulation._whole_scene(simulation), exposure)
    ifus = [ifu_of(1), ifu_of(2)]
    source = raw._source(look, ifus)
    assert (look.told, source.field, source.middle) == (exposure.told, exposure.true, middle(ifus))
    assert f"MUSE.{look.date.isoformat(timespec='milliseconds')}" == exposure.dp_id


def test_every_block_has_a_sky_frame_of_its_template_beside_the_galaxy(tmp_path: Path) -> None:
    simulation = simulations.simulation()
    (sky,) = raw_simulation._skies(simulation, simulation.exposures)
    assert sky.template.start == simulation.exposures[0].block.tpl_start
    assert sky.light is None
    assert sky.told.dec > simulation.exposures[0].told.dec + 0.1
    (path,) = raw.write_looks(tmp_path, [sky], [ifu_of(3)], seed=1)
    assert path.stat().st_size > 5_000_000
