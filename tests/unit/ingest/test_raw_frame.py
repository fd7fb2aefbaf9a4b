"""Raw files, read and judged: facts, oddities, or the one reason why not."""

import gzip
import os
import socket
import time
import tracemalloc
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy.io import fits
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from archive.fits_structure import BLOCK, BrokenFits
from ingest.raw_frame import RawFrame, read_raw_frame
from tests.support.broken_frames import BROKEN, saying
from tests.support.lzw import compressed
from tests.support.raw_frames import (
    CARDS,
    block,
    calibration,
    card,
    channel,
    frame,
    is_valid,
    primary,
    raw_bytes,
    write_raw,
)

NAME = "MUSE.2018-06-05T01:06:58.638"


def read(folder: Path, **changed: Any) -> RawFrame:
    return read_raw_frame(write_raw(folder, **changed))


def refusal(path: Path) -> str:
    with pytest.raises(BrokenFits) as refused:
        read_raw_frame(path)
    return str(refused.value)


def written(folder: Path, content: bytes, name: str = f"{NAME}.fits") -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


def test_a_frame_of_science_says_everything(tmp_path: Path) -> None:
    path = write_raw(tmp_path, more=100)
    is_valid(path)
    found = read_raw_frame(path)
    assert (found.dp_id, found.master, found.oddities) == (NAME, False, ())
    expected = {
        "programme_id": "1100.B-0651", "run_id": "1100.B-0651(B)", "raw_tag": "OBJECT", "night": "2018-06-04",
        "exp_start": datetime(2018, 6, 5, 1, 6, 58, 638000), "ao_mode": "AO", "ins_field": "WFM", "exptime": 645.0,
        "channels_present": 24, "channels_live": 24, "sparta_tables": 0, "eso_ob_id": 1989464,
        "tpl_start": datetime(2018, 6, 5, 1, 6, 43), "airmass_start": 1.269, "sgs_fwhm": 0.845,
    }  # fmt: skip
    assert {name: found.facts[name] for name in expected} == expected
    assert found.facts["footprint"] is not None
    assert found.facts["moon_distance"] > 0


def test_the_whole_headers_are_kept_as_astropy_reads_them(tmp_path: Path) -> None:
    path = write_raw(tmp_path, more=50)
    found = read_raw_frame(path)
    with fits.open(path) as hdus:
        assert [text.extension for text in found.headers] == list(range(25))
        assert [text.extname for text in found.headers[1:]] == [hdu.name for hdu in hdus[1:]]
        for text, hdu in zip(found.headers, hdus, strict=True):
            assert [line.rstrip() for line in text.cards.splitlines()] == [str(c).rstrip() for c in hdu.header.cards]


def test_what_eso_writes_for_nothing_is_nothing(tmp_path: Path) -> None:
    found = read(tmp_path, TELESCOP="Tel name not set", OBJECT="UNKNOWN", ESO_TEL_AMBI_FWHM_START=-1.0, ESO_OBS_ID=-999)
    for name in ("telescope", "object", "pi_name", "dimm_fwhm_start", "dimm_fwhm_end", "eso_ob_id", "ob_container_id"):
        assert found.facts[name] is None, name


@pytest.mark.parametrize(
    ("keyword", "field"),
    [("RA", "ra"), ("ESO_TEL_AMBI_TEMP", "air_temperature"), ("ESO_INS_DROT_POSANG", "rotator_angle")],
    ids=["ra", "temperature", "angle"],
)
def test_a_number_that_stands_for_none_is_none_also_where_numbers_may_be_negative(
    tmp_path: Path, keyword: str, field: str
) -> None:
    assert read(tmp_path, **{keyword: -999.0}).facts[field] is None


def test_minus_one_is_a_temperature(tmp_path: Path) -> None:
    assert read(tmp_path, ESO_TEL_AMBI_TEMP=-1.0).facts["air_temperature"] == -1.0


def test_a_calibration_has_no_place(tmp_path: Path) -> None:
    found = read(tmp_path, **calibration("FLAT,LAMP,ILLUM", "2018-06-05T00:56:30.418", 58274.03924095))
    assert [found.facts[name] for name in ("ra", "dec", "footprint", "moon_distance")] == [None] * 4
    assert (found.facts["raw_tag"], found.facts["telescope"]) == ("ILLUM", None)


@pytest.mark.parametrize(
    ("moment", "mjd", "night"),
    [
        ("2018-06-05T11:59:59.999", 58274.49999999, "2018-06-04"),
        ("2018-06-05T12:00:00.000", 58274.5, "2018-06-05"),
        ("2018-06-05T23:59:59.999", 58274.99999999, "2018-06-05"),
        ("2018-06-06T00:00:00.000", 58275.0, "2018-06-05"),
        ("2019-01-01T03:00:00.000", 58484.125, "2018-12-31"),
        ("2016-12-31T23:59:59.500", 57753.99999421, "2016-12-31"),
    ],
)
def test_a_night_goes_from_noon_to_noon(tmp_path: Path, moment: str, mjd: float, night: str) -> None:
    found = read(tmp_path, **frame(moment, mjd))
    assert (found.facts["night"], found.oddities) == (night, ())
    assert abs((found.facts["exp_start"] - datetime.fromisoformat(moment)).total_seconds()) < 0.002


def test_channels_that_are_missing_or_dead_are_told(tmp_path: Path) -> None:
    content = primary(CARDS) + b"".join(channel(n, live=n != 9) for n in range(1, 25) if n not in {5, 11})
    found = read_raw_frame(written(tmp_path, content))
    assert [o.message for o in found.oddities] == ["channels missing 05, 11; dead 09"]
    assert (found.facts["channels_present"], found.facts["channels_live"]) == (22, 21)


def test_an_instrument_of_fewer_channels_says_so(tmp_path: Path) -> None:
    found = read(tmp_path, channels=20)
    assert found.facts["channels_present"] == 20
    assert [o.kind for o in found.oddities] == ["channels"]


def test_tables_of_the_adaptive_optics_are_noticed(tmp_path: Path) -> None:
    table = block([
        card("XTENSION", "BINTABLE"), card("BITPIX", 8), card("NAXIS", 2), card("NAXIS1", 12), card("NAXIS2", 3),
        card("PCOUNT", 0), card("GCOUNT", 1), card("TFIELDS", 0), card("EXTNAME", "SPARTA_ATM_DATA"),
    ])  # fmt: skip
    found = read_raw_frame(written(tmp_path, raw_bytes() + table + bytes(BLOCK)))
    assert (found.facts["sparta_tables"], found.headers[25].extname) == (1, "SPARTA_ATM_DATA")


def test_names_and_times_that_disagree_are_told(tmp_path: Path) -> None:
    found = read(tmp_path, name="MUSE.2018-06-05T01_06_59.000.fits", MJD_OBS=58274.05)
    assert [o.kind for o in found.oddities] == ["name", "time"]
    assert read(tmp_path, name=f"{NAME.replace(':', '_')}.fits").oddities == ()
    assert read(tmp_path, name="whatever.fits").oddities == ()


MASTER: dict[str, Any] = {
    "ARCFILE": "M.MUSE.2014-12-02T10:49:18.173.fits",
    "ESO_PRO_CATG": "MASTER_BIAS",
    "ESO_DPR_TYPE": None,
}


def test_a_master_calibration_needs_neither_channels_nor_time(tmp_path: Path) -> None:
    found = read(tmp_path, channels=0, MJD_OBS=None, **MASTER)
    assert (found.dp_id, found.master) == ("M.MUSE.2014-12-02T10:49:18.173", True)
    assert found.facts == {
        "tag": "MASTER_BIAS", "origfile": "MUSE_WFM-AO_OBS156_0001.fits", "mjd_obs": None, "ins_mode": "WFM-AO-N",
        "ins_field": "WFM", "detector_read_name": "SCI1.0",
    }  # fmt: skip


# How the file is compressed.


def images(path: Path, *, packed: bool) -> Path:
    rows = np.arange(64 * 64, dtype=np.int16).reshape(64, 64)
    header = fits.Header.fromstring(primary({**CARDS, "ESO DET CHIPS": 2}).decode(), sep="")
    hdus: list[object] = [fits.PrimaryHDU(header=header)]
    for number in (1, 2):
        name = f"CHAN{number:02d}"
        hdus.append(
            fits.CompImageHDU(rows, name=name, compression_type="RICE_1") if packed else fits.ImageHDU(rows, name=name)
        )
    fits.HDUList(hdus).writeto(path)
    return path


@pytest.mark.parametrize("ending", [".fits", ".fits.fz", ".fits.gz", ".fits.Z", ".FITS.GZ"])
def test_however_it_is_compressed_it_is_the_same_frame(tmp_path: Path, ending: str) -> None:
    plain = images(tmp_path / "plain.fits", packed=False)
    path = tmp_path / f"{NAME}{ending}"
    match ending.lower():
        case ".fits.fz":
            images(path, packed=True)
        case ".fits.gz":
            path.write_bytes(gzip.compress(plain.read_bytes()))
        case ".fits.z":
            path.write_bytes(compressed(plain.read_bytes()))
        case _:
            path.write_bytes(plain.read_bytes())
    found = read_raw_frame(path)
    assert (found.dp_id, found.facts["channels_present"]) == (NAME, 2)
    assert found.facts == read_raw_frame(plain).facts


@pytest.mark.parametrize("ending", [".fits.gz", ".fits.Z", ".fits"])
def test_what_is_cut_anywhere_is_truncated(tmp_path: Path, ending: str) -> None:
    plain = raw_bytes(channels=3)
    whole = {".fits.gz": gzip.compress(plain), ".fits.Z": compressed(plain), ".fits": plain}[ending]
    for length in {1, 2, 3, 9, 20, len(whole) // 3, len(whole) // 2, len(whole) - 100, len(whole) - 1}:
        words = refusal(written(tmp_path, whole[:length], f"{NAME}{ending}"))
        assert any(word in words for word in ("truncated", "damaged", "not a FITS", "no FITS", "empty")), words


def test_a_plain_file_is_truncated_at_every_block(tmp_path: Path) -> None:
    whole = raw_bytes(channels=6)
    for length in range(BLOCK, len(whole), BLOCK):
        words = refusal(written(tmp_path, whole[:length]))
        assert "truncated" in words or "no channel" in words, (length // BLOCK, words)


def test_damage_of_compressed_files_is_told(tmp_path: Path) -> None:
    packed = gzip.compress(raw_bytes(channels=2))
    for place in (-8, -4, 40, len(packed) // 2):
        broken = bytearray(packed)
        broken[place] ^= 0x5A
        assert refusal(written(tmp_path, bytes(broken), "x.fits.gz"))
    assert "damaged" in refusal(written(tmp_path, bytes([*packed[:-8], 0, 0, 0, 0, *packed[-4:]]), "x.fits.gz"))
    assert "damaged" in refusal(written(tmp_path, packed + b"garbage", "x.fits.gz"))
    assert "damaged" in refusal(written(tmp_path, b"\x1f\x9d\xff" + os.urandom(400), "x.fits.Z"))
    assert "not a FITS file" in refusal(written(tmp_path, b"no compress at all\n", "x.fits.Z"))
    assert "not a FITS file" in refusal(written(tmp_path, compressed(b"some text\n" * 300), "x.fits.Z"))


@pytest.mark.parametrize("filling", [b"\0", b" "])
@pytest.mark.parametrize("beginning", ["nothing", "a header", "a frame", "promised data"])
def test_a_bomb_goes_off_neither_in_time_nor_in_memory(tmp_path: Path, filling: bytes, beginning: str) -> None:
    begins = {
        "nothing": b"",
        "a header": card("SIMPLE", value=True).encode(),
        "a frame": raw_bytes(channels=2),
        "promised data": primary(CARDS) + channel(1)[: 2 * BLOCK] + block([
            card("XTENSION", "IMAGE"), card("BITPIX", 8), card("NAXIS", 1), card("NAXIS1", 1 << 28),
        ]),
    }[beginning]  # fmt: skip
    path = tmp_path / "bomb.fits.gz"
    with gzip.open(path, "wb", compresslevel=1) as bomb:
        bomb.write(begins)
        for _ in range(300):
            bomb.write(filling * (1 << 20))
    began = time.monotonic()
    tracemalloc.start()
    try:
        refusal(path)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 120 << 20
    assert time.monotonic() - began < 20


# What is wrong.


@pytest.mark.parametrize(("content", "words"), BROKEN.values(), ids=BROKEN.keys())
def test_what_is_wrong_is_told_by_its_name(tmp_path: Path, content: bytes, words: str) -> None:
    with pytest.raises(BrokenFits, match=words):
        read_raw_frame(written(tmp_path, content))


@pytest.mark.parametrize("value", [1e300, "over there", True])
def test_a_moon_that_is_nowhere_does_not_matter(tmp_path: Path, value: object) -> None:
    assert read(tmp_path, ESO_TEL_MOON_RA=value).dp_id == NAME
    path = written(tmp_path, saying("ESO TEL MOON DEC", "1E999"))
    assert read_raw_frame(path).facts["moon_illumination"] is None


def test_what_is_no_file_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.fits")
    assert "a pipe" in refusal(tmp_path / "pipe.fits")
    with socket.socket(socket.AF_UNIX) as listening:
        folder = os.open(tmp_path, os.O_RDONLY)  # a path short enough for a socket
        try:
            listening.bind(f"/proc/self/fd/{folder}/s.fits")
        finally:
            os.close(folder)
        assert "a socket" in refusal(tmp_path / "s.fits")
    for path, kind in ((tmp_path, IsADirectoryError), (tmp_path / "none.fits", FileNotFoundError)):
        with pytest.raises(kind):
            read_raw_frame(path)


MUTATION = st.tuples(
    st.sampled_from(["flip", "delete", "insert", "cut"]), st.integers(0, 1 << 20), st.binary(min_size=1, max_size=60)
)
WHOLE = raw_bytes(channels=2, more=5)
PACKED = gzip.compress(WHOLE)
PACKED_OTHERWISE = compressed(WHOLE)


@settings(
    max_examples=250, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    mutations=st.lists(MUTATION, min_size=1, max_size=3), form=st.sampled_from(["fits", "fits", "fits.gz", "fits.Z"])
)
def test_whatever_the_bytes_there_is_a_frame_or_a_reason(
    tmp_path: Path, mutations: list[tuple[str, int, bytes]], form: str
) -> None:
    content = {"fits": WHOLE, "fits.gz": PACKED, "fits.Z": PACKED_OTHERWISE}[form]
    for what, number, changed in mutations:
        place = number % (len(content) + 1)
        if what == "flip":
            content = content[:place] + changed + content[place + len(changed) :]
        elif what == "delete":
            content = content[:place] + content[place + number % 4000 :]
        elif what == "insert":
            content = content[:place] + changed + content[place:]
        elif number % 3 == 0:
            content = content[:place]
    try:
        found = read_raw_frame(written(tmp_path, content, f"any.{form}"))
    except BrokenFits as broken:
        said = str(broken)
    else:
        said = found.dp_id
    assert said.isprintable()
