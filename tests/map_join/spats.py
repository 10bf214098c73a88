"""What a receiver that is not ours reads of the SPATs that recordings of signal controllers lead to.

The frames are those of the test golden_spat, a line each, with what the lamps showed. asn1tools decodes
them with the modules of v2x-msg/asn. Held here: they are written again octet for octet, every phase shows
what its lamp showed or says that it does not know, and earliest <= likely <= latest.
"""

import glob
import os
import sys

import asn1tools

# T/CSAE 53-2020, LightState, by what the lamp shows. The recordings' phases are protected ones.
LIGHTS = {
    "Red": "red", "RedYellow": "red", "FlashingRed": "flashing-red", "Yellow": "yellow",
    "FlashingYellow": "flashing-yellow", "Green": "protected-green", "FlashingGreen": "protected-green",
    "Dark": "dark", "Unknown": "unavailable",
}
NOT_KNOWN = 36001


def main(folder):
    air = asn1tools.compile_files(sorted(glob.glob("v2x-msg/asn/*.asn")), "uper")
    files = sorted(glob.glob(f"{folder}/*.spat.txt"))
    if not files:
        print("skipped: no SPATs of recordings")
        return
    read = timed = 0
    for file in files:
        for line in open(file, encoding="ascii"):
            octets, *lamps = line.split()
            shown = dict(lamp.split("=") for lamp in lamps)
            octets = bytes.fromhex(octets)[6:]
            frame = air.decode("MessageFrame", octets)
            assert air.encode("MessageFrame", frame) == octets, file
            kind, spat = frame
            assert kind == "spatFrame", kind
            intersection, = spat["intersections"]
            for phase in intersection["phases"]:
                timed += check(phase, shown.get(str(phase["id"])))
            read += 1
        print(f"{os.path.basename(file)}: read, and written again octet for octet")
    assert read > 0 and timed > 0, (read, timed)
    print(f"{read} SPATs of recordings, {timed} running states with an end")


def check(phase, shown):
    """Whether the running state says when it ends."""
    state = phase["phaseStates"][0]
    assert shown is None or state["light"] in (LIGHTS[shown], "unavailable"), (state, shown)
    if "timing" not in state:
        return False
    form, ends = state["timing"]
    assert form == "counting", form
    known = [ends.get(name, NOT_KNOWN) for name in ("minEndTime", "likelyEndTime", "maxEndTime")]
    known = [end for end in known if end != NOT_KNOWN]
    assert known == sorted(known), ends
    return "likelyEndTime" in ends and ends["likelyEndTime"] != NOT_KNOWN


main(sys.argv[1])
