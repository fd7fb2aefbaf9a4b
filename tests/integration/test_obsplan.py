"""``ivoa.obsplan``: who looks for observations of a field and a time finds the blocks of the survey."""

import pytest
import pyvo

from archive.archive import Archive
from tests.support.observed import observe

Service = tuple[Archive, str]


def plan(service: Service, condition: str) -> pyvo.dal.TAPResults:
    tap = pyvo.dal.TAPService(f"{service[1]}/tap")
    return tap.search(f"SELECT * FROM ivoa.obsplan WHERE {condition} ORDER BY t_min")


def test_every_block_of_the_log_was_performed(full_service: Service) -> None:
    blocks = plan(full_service, "t_min > 0")
    assert len(blocks) == 190
    for name, value in {"execution_status": "Performed", "tracking_type": "Sidereal", "priority": 1}.items():
        assert set(blocks[name]) == {value}
    assert set(blocks["obs_collection"]) == {"PHANGS"}
    assert blocks["t_min"].min() > 56000
    assert (blocks["t_max"] >= blocks["t_min"]).all()
    assert set(blocks["t_exptime"]) == {0.0}  # no exposure is known
    assert blocks["s_fov"].min() * 60 == pytest.approx(1.42, abs=0.05)


def test_blocks_are_found_by_where_the_field_is(full_service: Service) -> None:
    found = plan(full_service, "1 = INTERSECTS(s_region, CIRCLE(24.1797, 15.7548, 0.001))")
    assert {str(name) for name in found["target_name"]} == {"NGC0628"}
    assert len(plan(full_service, "1 = INTERSECTS(s_region, CIRCLE(0, 89, 0.001))")) == 0


def test_exposures_tell_how_long_a_block_took(service: Service) -> None:
    block = observe(service[0].database)
    (found,) = plan(service, f"obs_id = '{block}'")
    assert found["t_exptime"] == pytest.approx(4 * 645.0)
    assert found["t_max"] - found["t_min"] == pytest.approx(found["t_resolution"] / 86400)
    assert found["t_resolution"] > found["t_exptime"]
    assert (found["em_min"], found["em_max"]) == pytest.approx((4.8e-7, 9.3e-7))
    assert (found["facility_name"], found["instrument_name"]) == ("ESO-VLT-U4", "MUSE")
