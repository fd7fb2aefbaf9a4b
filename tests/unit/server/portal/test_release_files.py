"""The files of a release, and which are held: under their own names, or under those the archive gives."""

import pytest

from schema.observations import Target
from schema.products import Artifact, NamingRule, Product
from server.portal.release_files import release_files

TARGET = Target(name="NGC0628", copt_fwhm=0.9)
CUBE = NamingRule(kind="cube", resolution="copt", pattern="{target}_CUBE_copt_{psf}asec.fits", filters=[])
IMAGE = NamingRule(kind="image", resolution="native", pattern="{target}_IMAGE_{filter}_native.fits", filters=["g", "r"])


def product(file_name: str) -> Product:
    return Product(product_id=f"id of {file_name}", artifacts=[Artifact(file_name=file_name)])


def test_the_width_of_the_psf_has_two_decimals_and_each_band_its_file() -> None:
    names = [file.name for file in release_files(TARGET, [CUBE, IMAGE], [])]
    assert names == ["NGC0628_CUBE_copt_0.90asec.fits", "NGC0628_IMAGE_g_native.fits", "NGC0628_IMAGE_r_native.fits"]


@pytest.mark.parametrize("ending", [".fits", ".fits.gz", ".fits.fz", "-0123abcd.fits"])
def test_a_file_is_held_however_it_was_compressed_or_marked(ending: str) -> None:
    held = product("NGC0628_IMAGE_r_native" + ending)
    found = release_files(TARGET, [IMAGE], [held])
    assert [file.product_id for file in found] == [None, held.product_id]


def test_a_pattern_cannot_reach_into_objects() -> None:
    rule = NamingRule(kind="cube", resolution="native", pattern="{target.__class__}", filters=[])
    assert release_files(TARGET, [rule], [])[0].name == "{target.__class__}"
