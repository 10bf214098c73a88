"""Runs the cells of the notebook in their order and holds what they found against the demo that was
recorded, against `rsu export`, and against the schemas in the file: notebook.py NOTEBOOK TRACKS.csv"""

import json
import sys

notebook, tracks = sys.argv[1:]
with open(notebook, encoding="utf-8") as file:
    cells = json.load(file)["cells"]
names = {}
for number, cell in enumerate(cells):
    if cell["cell_type"] == "code":
        assert not cell["outputs"], f"cell {number} is kept with outputs"
        exec(compile("".join(cell["source"]), f"{notebook}, cell {number}", "exec"), names)

by_topic, schemas, frames = names["by_topic"], names["schemas"], names["frames"]
assert len(frames["SPAT"]) > 50 and len(frames["MAP"]) >= 8, {k: len(v) for k, v in frames.items()}
assert names["lost"] == 0
with open(tracks, encoding="utf-8") as file:
    rows = len(file.readlines()) - 1
assert rows == names["track_rows"] > 100, (rows, names["track_rows"])
assert all(schema.startswith("rsu.") for schema in schemas.values()), schemas
print("the notebook is as the recording")
