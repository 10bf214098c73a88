"""Runs the cells of the notebook in their order and holds what they found against the demo that was
recorded, against `rsu export`, and against the schemas in the file: notebook.py NOTEBOOK TRACKS.csv RECORDING"""

import json
import sys

import jsonschema_rs
from mcap.reader import make_reader

notebook, tracks, recording = sys.argv[1:]
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

# Every message is as the schema of its channel has it, and says nothing that the schema does not name.


def named(schema, value, place):
    if isinstance(value, list):
        for item in value:
            named(schema.get("items", {}), item, place + "[]")
    elif isinstance(value, dict) and schema.get("additionalProperties") is not True:
        known = schema.get("properties", {})
        for name, member in value.items():
            assert name in known or "additionalProperties" in schema, f"{place}.{name} is not in the schema"
            named(known.get(name, {}), member, f"{place}.{name}")


kinds = {}
with open(recording, "rb") as file:
    for schema, channel, message in make_reader(file).iter_messages():
        if schema.name not in kinds:
            text = json.loads(schema.data)
            kinds[schema.name] = text, jsonschema_rs.validator_for(text)
        text, validator = kinds[schema.name]
        content = json.loads(message.data)
        validator.validate(content)
        named(text, content, channel.topic)
assert {"rsu.Start", "rsu.Map", "rsu.Bytes", "rsu.Report", "rsu.Step", "rsu.Frame", "rsu.Tracks", "rsu.Forecast",
        "rsu.Event"} <= kinds.keys(), kinds.keys()
print("the notebook is as the recording")
