"""A night-log report in the form that ESO gives them; what stands in it is made up."""

RULE = "---------------------------------------------------"

WEATHER = """\
Weather observations:
Time\tConditions\tComment
22:51\tThinCirrus\ta veil in the west
23:40\tClear\t
01:15\tClear\tveil is gone
03:02\tPhotometric\tno cloud since an hour
New update
wind is falling
"""

REPORT = f"""\
General weather conditions:
Seeing:          0.41 - 1.3"
Humidity:        4 - 21 %
Wind:            2.5 - 9.8 m/s
Temperature:     -1.5 - 3.2 C
Overall comment: a good night
{RULE}

{WEATHER}{RULE}

See: http://archive.eso.org/asm/ambient-server?night=04+Jun+2018&site=paranal
{RULE}

General Comments:
{RULE}

OB:         1989464
Instrument: MUSE
Name:       NGC4254-P06
Target:     NGC4254
Run:        1100.B-0651(B)
Container:  0
{RULE}

Comments:
second exposure: the star was lost
and found again
{RULE}

Constraint       \tFulfilled\tRequested
Seeing:          \tYes\t\t0.8
Sky transparency:\tYes\t\tCLEAR
Airmass:         \tNo\t\t1.5
FLI:             \tn/a\t\t0.5
Water Vapour:    \t-\t\t30.0
Fringe Quality:  \tn/a
Grade:       \t \tB
{RULE}

Files produced and additional information
{RULE}
OBS.ID: 1989464
OBS.START: 2018-06-05T00:49:12
{RULE}
{RULE}
Template: MUSE_wfm-ao_obs_genericoffsetLGS
Data Product: SCIENCE/OBJECT/IFU
Mode: WFM-AO-N
{RULE}
Original Filename\tArchive Filename\tTPL.EXPNO/NEXP\tEXPTIME\tAIRMASS\tDIMM\t
MUSE_WFM-AO_OBS156_0001.fits\tMUSE.2018-06-05T01:06:59.418\t1/4\t645.0\t1.402\t0.62\t
MUSE_WFM-AO_OBS156_0002.fits\tMUSE.2018-06-05T01:20:00.418\t2/4\t645.0\t1.411\t-1\t
{RULE}
Template: MUSE_wfm-ao_obs_genericoffsetLGS
Data Product: SCIENCE/SKY/IFU
Mode: WFM-AO-N
{RULE}
Original Filename\tArchive Filename\tTPL.EXPNO/NEXP\tEXPTIME\tAIRMASS\tDIMM\t
MUSE_WFM-AO_SKY156_0001.fits\tMUSE.2018-06-05T01:31:11.418\t3/4\t120.0\t1.420\t0.7\t
{RULE}
OB Grades
A : Fully within constraints - OB completed
_ : no grade assigned
"""
