"""Names and ids of PJM's hubs, zones and interfaces.

Source: PJM's public list of pricing nodes (Data Miner 2, feed `pnode`) as it stood on 2019-12-15. Names and ids alone are
from there; everything else that the sandbox says about a node is made up.
"""

from __future__ import annotations

HUBS: dict[int, str] = {
    51217: "EASTERN HUB",
    51287: "WEST INT HUB",
    51288: "WESTERN HUB",
    4669664: "NEW JERSEY HUB",
    33092311: "CHICAGO GEN HUB",
    33092313: "CHICAGO HUB",
    33092315: "N ILLINOIS HUB",
    34497125: "AEP GEN HUB",
    34497127: "AEP-DAYTON HUB",
    34497151: "OHIO HUB",
    35010337: "DOMINION HUB",
    116013751: "ATSI GEN HUB",
}

ZONES: dict[int, str] = {
    1: "PJM-RTO",
    3: "MID-ATL/APS",
    51291: "AECO",
    51292: "BGE",
    51293: "DPL",
    51295: "JCPL",
    51296: "METED",
    51297: "PECO",
    51298: "PEPCO",
    51299: "PPL",
    51300: "PENELEC",
    51301: "PSEG",
    7633629: "RECO",
    8394954: "APS",
    8445784: "AEP",
    33092371: "COMED",
    34508503: "DAY",
    34964545: "DOM",
    37737283: "DUQ",
    116013753: "ATSI",
    124076095: "DEOK",
    970242670: "EKPC",
    1709725933: "OVEC",
}

INTERFACES: dict[int, str] = {
    5413134: "NYIS",
    31252687: "IMO",
    34509941: "NORTHWEST",
    34509947: "NIPSCO",
    40523629: "MISO",
    50981067: "SOUTHIMP",
    50981069: "SOUTHEXP",
    56958967: "NEPTUNE",
    78062047: "CPLEIMP",
    78062049: "DUKIMP",
    78062051: "NCMPAIMP",
    78062053: "CPLEEXP",
    78062055: "DUKEXP",
    78062057: "NCMPAEXP",
    81436855: "LINDENVFT",
    1124361945: "HUDSONTP",
}

# The two zones that are sums of zones: their prices keep close to the system's.
WIDE_AREAS: dict[int, float] = {1: 0.01, 3: 0.3}
