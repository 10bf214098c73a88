"""A site of ours as a road network of SUMO's: network.py SUMO_BIN SITE.toml OUT.net.xml [ARM ...]

Lanes lie and end where the site's do: the junction's outline is drawn through its stop lines. ARMs are
nodes whose road has a crossing, and there are pavements everywhere then. Coordinates are the site's own,
so nothing is moved or turned. What is made with it: configs/scenarios/sumo/*.net.xml.
"""

import subprocess
import sys
import tempfile
import tomllib
from math import atan2, hypot
from pathlib import Path

BIN, SITE, OUT, ARMS = Path(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3]), sys.argv[4:]
HERE = "c"


def lanes_of(link):
    return sorted(link["lane"], key=lambda lane: lane["id"])


def edge(link, here):
    away = link["upstream"] == here
    return f"{HERE}_{link['downstream']}" if away else f"{link['upstream']}_{HERE}"


def outline(links, here):
    """Through both ends of each stop line and of the beginning of each exit, around the middle."""
    points = []
    for link in links:
        line = link["points-m"]
        at, other = (line[0], line[1]) if link["upstream"] == here else (line[-1], line[-2])
        east, north = (at[0] - other[0], at[1] - other[1])
        long = hypot(east, north)
        east, north = east / long, north / long
        if link["upstream"] == here:
            east, north = -east, -north
        width = sum(lane["width-m"] for lane in link["lane"]) + (2.0 if ARMS else 0.0)
        points.append((at[0] + north * width, at[1] - east * width))
    points.sort(key=lambda point: atan2(point[1], point[0]))
    return " ".join(f"{x:.2f},{y:.2f}" for x, y in points)


def main():
    site = tomllib.loads(SITE.read_text())
    here = site["site"]["node"]
    links = site["link"]
    nodes = [f'<node id="{HERE}" x="0" y="0" type="traffic_light" shape="{outline(links, here)}"/>']
    for node in site["node"]:
        nodes.append(f'<node id="{node["id"]}" x="{node["east-m"]}" y="{node["north-m"]}" type="priority"/>')
    edges, ways = [], []
    for link in links:
        name = edge(link, here)
        ends = name.split("_")
        lanes = lanes_of(link)
        shape = " ".join(f"{x},{y}" for x, y in link["points-m"])
        pavement = ' sidewalkWidth="2.0"' if ARMS else ""
        edges.append(
            f'<edge id="{name}" from="{ends[0]}" to="{ends[1]}" numLanes="{len(lanes)}" '
            f'speed="{link["speed-limit-kmh"] / 3.6:.4f}" shape="{shape}" spreadType="right"{pavement}>'
        )
        # SUMO counts lanes from the right, from 0.
        for i, lane in enumerate(reversed(lanes)):
            edges.append(f'  <lane index="{i}" width="{lane["width-m"]}"/>')
        edges.append("</edge>")
        if link["downstream"] != here:
            continue
        for lane in lanes:
            for way in lane["connections"]:
                to = next(l for l in links if l["upstream"] == here and l["downstream"] == way["to-node"])
                # A pavement is the first from the right.
                own = len(lanes) - lane["id"] + bool(ARMS)
                other = len(to["lane"]) - way["to-lane"] + bool(ARMS)
                ways.append(
                    f'<connection from="{name}" to="{edge(to, here)}" fromLane="{own}" toLane="{other}"/>'
                )
    for arm in ARMS:
        ways.append(f'<crossing node="{HERE}" edges="{arm}_{HERE} {HERE}_{arm}" width="4.0"/>')
    with tempfile.TemporaryDirectory() as folder:
        parts = {"node": nodes, "edge": edges, "connection": ways}
        options = []
        for kind, lines in parts.items():
            file = Path(folder) / f"{kind}.xml"
            file.write_text(f"<{kind}s>\n" + "\n".join(lines) + f"\n</{kind}s>\n")
            options += [f"--{kind}-files", file]
        subprocess.run(
            [BIN / "netconvert", *options, "-o", OUT, "--offset.disable-normalization", "--no-turnarounds"]
            + ["--default.junctions.radius", "1", "--output.street-names", "false", "--no-internal-links", "false"]
            + (["--walkingareas"] if ARMS else []),
            check=True,
        )
    text = OUT.read_text()
    # The head repeats every option with its paths.
    begin, end = text.index("<!--"), text.index("-->") + 3
    note = f"<!-- made of configs/sites/{SITE.name} by tests/sumo/network.py; synthetic -->"
    OUT.write_text(text[:begin] + note + text[end:])


main()
