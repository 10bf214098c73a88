"""What a receiver that is not ours reads of MAP and SPAT, joined by node and phase.

The frames are those of tests/data; the sites those of configs/sites and the importers' fixtures.
asn1tools decodes with the modules of v2x-msg/asn. Held here: SPAT and MAP name the same node and the
same phases, every connection leads to a lane that some MAP tells, and every lane lies within half a
metre of where the site's GeoJSON has it.
"""

import glob
import json
import math
import subprocess
import sys
import tempfile

import asn1tools

MAP_AID, SPAT_AID = 3618, 3619


def main(rsu):
    air = asn1tools.compile_files(sorted(glob.glob("v2x-msg/asn/*.asn")), "uper")

    def decode(octets):
        return air.decode("MessageFrame", octets)

    maps, spats = [], []
    for line in open("tests/data/moyu-boyuan.frames.hex", encoding="ascii"):
        octets = bytes.fromhex(line)
        assert octets[:2] == b"\x04\x00", line
        aid = int.from_bytes(octets[2:4], "big") - 0x7F80
        if aid in (MAP_AID, SPAT_AID):
            kind, message = decode(octets[6:])
            (maps if kind == "mapFrame" else spats).append(message)
    nodes = merged(maps[:1])
    connected(nodes)
    joined = 0
    for spat in spats:
        for state in spat["intersections"]:
            here = node_id(state["intersectionId"])
            told = {phase["id"] for phase in state["phases"]}
            assert told == phases(nodes[here]), (told, phases(nodes[here]))
            joined += 1
    assert joined > 0 and len(maps) > 1
    print(f"{len(maps)} MAP and {joined} SPAT of tests/data agree on their node and its phases")

    fixtures = "rsu/src/site/import/fixtures"
    with tempfile.TemporaryDirectory() as folder:
        sites = sorted(glob.glob("configs/sites/*.toml"))
        for name in ("mill.net.xml", "weir.xodr", "drawn.geojson"):
            site = f"{folder}/{name}.toml"
            run(rsu, "map", "import", f"{fixtures}/{name}", "--out", site)
            sites.append(site)
        for site in sites:
            frames = run(rsu, "map", "export", site, "--format", "uper").split()
            drawn = json.loads(run(rsu, "map", "export", site))
            worst = compare([decode(bytes.fromhex(frame))[1] for frame in frames], drawn)
            print(f"{drawn['name']}: {len(frames)} MAP, {worst:.3f} m at worst beside the site's lanes")
            assert worst <= 0.5


def run(*command):
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return done.stdout


def node_id(value):
    return value.get("region"), value["id"]


def merged(maps):
    """All nodes of some MAPs with their links: a node may come in several."""
    nodes = {}
    for message in maps:
        for node in message["nodes"]:
            entry = nodes.setdefault(node_id(node["id"]), {"ref": node["refPos"], "links": []})
            entry["links"] += node.get("inLinks", [])
    return nodes


def phases(node):
    by_lane = {one["phaseId"] for link in node["links"] for lane in link["lanes"]
               for one in lane.get("connectsTo", []) if "phaseId" in one}
    by_link = {one["phaseId"] for link in node["links"]
               for one in link.get("movements", []) if "phaseId" in one}
    assert by_link <= by_lane, (by_link, by_lane)
    return by_lane


def connected(nodes):
    """Every connection leads to a lane that is told, and every ruled lane and link has points."""
    for here, node in nodes.items():
        for link in node["links"]:
            for lane in link["lanes"]:
                walk = lane["laneAttributes"]["laneType"][0] == "crosswalk"
                for one in lane.get("connectsTo", []):
                    if "phaseId" in one:
                        assert len(link["points"]) >= 2 and len(lane["points"]) >= 2
                    if walk:
                        continue
                    remote = nodes[node_id(one["remoteIntersection"])]
                    next_link, = [other for other in remote["links"]
                                  if node_id(other["upstreamNodeId"]) == here]
                    if "connectingLane" in one:
                        assert one["connectingLane"]["lane"] in {l["laneID"] for l in next_link["lanes"]}


def compare(maps, drawn):
    """The lanes of MAPs against those of a site's GeoJSON: the same ones, and how far off."""
    def key(text):
        region, _, number = text.rpartition("/")
        return (int(region) if region else None), int(number)

    of_kind = lambda kind: [f for f in drawn["features"] if f["properties"]["kind"] == kind]
    expected = {}
    for lane in of_kind("lane"):
        what = lane["properties"]
        expected[key(what["upstream"]), key(what["downstream"]), what["id"]] = lane["geometry"]["coordinates"]
    nodes = merged(maps)
    connected(nodes)
    told = {phase["properties"]["id"] for phase in of_kind("phase")}
    assert told == phases(nodes[key(drawn["node"])]), told
    worst = 0.0
    for here, node in nodes.items():
        lat0, lon0 = node["ref"]["lat"], node["ref"]["long"]
        for link in node["links"]:
            for lane in link["lanes"]:
                truth = expected.pop((node_id(link["upstreamNodeId"]), here, lane["laneID"]))
                line = []
                for point in lane["points"]:
                    form, value = point["posOffset"]["offsetLL"]
                    if form == "position-LatLon":
                        line.append((value["lon"] / 1e7, value["lat"] / 1e7))
                    else:
                        line.append(((lon0 + value["lon"]) / 1e7, (lat0 + value["lat"]) / 1e7))
                worst = max(worst, off_m(truth, line), ends_m(truth, line))
    assert not expected, f"not told: {sorted(expected)}"
    return worst


def metres(points, lat):
    """Near enough for a few hundred metres, on the ellipsoid's own radii at that latitude."""
    sin = math.sin(math.radians(lat))
    root = math.sqrt(1 - 0.00669437999 * sin * sin)
    east, north = 6378137.0 / root, 6378137.0 * (1 - 0.00669437999) / root ** 3
    cos = math.cos(math.radians(lat))
    return [(math.radians(lon) * east * cos, math.radians(y) * north) for lon, y in points]


def ends_m(truth, line):
    truth, line = metres(truth, truth[0][1]), metres(line, truth[0][1])
    return max(math.dist(truth[0], line[0]), math.dist(truth[-1], line[-1]))


def off_m(truth, line):
    truth, line = metres(truth, truth[0][1]), metres(line, truth[0][1])

    def to_piece(p, a, b):
        dx, dy = b[0] - a[0], b[1] - a[1]
        share = ((p[0] - a[0]) * dx + (p[1] - a[1]) * dy) / (dx * dx + dy * dy)
        share = min(max(share, 0.0), 1.0)
        return math.dist(p, (a[0] + share * dx, a[1] + share * dy))

    return max(min(to_piece(p, a, b) for a, b in zip(line, line[1:])) for p in truth)


if __name__ == "__main__":
    main(sys.argv[1])
