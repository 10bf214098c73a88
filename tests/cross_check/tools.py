"""asn1tools and pycrate behind one door: JER values to UPER octets and back.

Both compile the modules of v2x-msg/asn. Where one of them is known to be wrong or
unable, and is not asked:

  asn1tools  BIT STRING beyond the root of its size: not implemented
  pycrate    IA5String with DEL (127): refused, though IA5 has it; no such text is drawn
  both       lengths of 16,384 and more; ours refuses them, and no frame on the air is so long
"""

import contextlib
import importlib.util
import io
import os
import tempfile

import asn1tools
from pycrate_asn1c.asnproc import PycrateGenerator, compile_text, generate_modules
from pycrate_asn1rt.err import ASN1Err
from pycrate_core.charpy import CharpyErr

from schema import DAY_II, FRAMES, hex_of_bits, members, sizes


class Tool:
    """What both have in common: the way between JER and what such a tool calls a value."""

    def __init__(self, schema):
        self.schema = schema

    def encode(self, edition, jer):
        """The octets of a frame."""
        module, name = FRAMES[edition]
        if "msgFrameExt" in jer:
            extension = jer["msgFrameExt"]
            inner = DAY_II[extension["messageId"]]
            octets = self.octets(*inner, self.value(inner[0], {"type": inner[1]}, extension["value"]))
            return self.octets(module, name, ("msgFrameExt", {
                "messageId": extension["messageId"], "value": octets}))
        return self.octets(module, name, self.value(module, {"type": name}, jer))

    def decode(self, edition, octets):
        """A frame in JER."""
        module, name = FRAMES[edition]
        alternative, value = self.read(module, name, octets)
        if alternative == "msgFrameExt":
            inner = DAY_II[value["messageId"]]
            content = self.read(*inner, value["value"])
            return {"msgFrameExt": {"messageId": value["messageId"],
                                    "value": self.jer(inner[0], {"type": inner[1]}, content)}}
        return self.jer(module, {"type": name}, (alternative, value))

    def value(self, module, spec, jer):
        """JER to a value of the tool."""
        module, spec = self.schema.resolve(module, spec)
        match spec["type"]:
            case "SEQUENCE":
                return {member["name"]: self.value(module, member, jer[member["name"]])
                        for member, _ in members(spec) if member["name"] in jer}
            case "SEQUENCE OF":
                return [self.value(module, spec["element"], element) for element in jer]
            case "CHOICE":
                (name, inner), = jer.items()
                member = next(m for m, _ in members(spec) if m["name"] == name)
                return name, self.value(module, member, inner)
            case "OCTET STRING":
                return bytes.fromhex(jer)
            case "BIT STRING":
                if isinstance(jer, dict):
                    return self.bits(bytes.fromhex(jer["value"]), jer["length"])
                return self.bits(bytes.fromhex(jer), sizes(spec)[0])
            case _:
                return jer

    def jer(self, module, spec, value):
        """A value of the tool to JER."""
        module, spec = self.schema.resolve(module, spec)
        match spec["type"]:
            case "SEQUENCE":
                return {member["name"]: self.jer(module, member, value[member["name"]])
                        for member, _ in members(spec) if member["name"] in value}
            case "SEQUENCE OF":
                return [self.jer(module, spec["element"], element) for element in value]
            case "CHOICE":
                name, inner = value
                member = next(m for m, _ in members(spec) if m["name"] == name)
                return {name: self.jer(module, member, inner)}
            case "OCTET STRING":
                return bytes(value).hex()
            case "BIT STRING":
                bits, size = self.number(value)
                digits = hex_of_bits(bits, size)
                return digits if size == sizes(spec)[0] else {"value": digits, "length": size}
            case _:
                return value


class Asn1tools(Tool):
    """https://pypi.org/project/asn1tools"""

    def __init__(self, schema, modules):
        super().__init__(schema)
        self.modules = asn1tools.compile_string("\n".join(modules), "uper").modules

    def octets(self, module, name, value):
        return self.modules[module][name].encode(value)

    def read(self, module, name, octets):
        return self.modules[module][name].decode(octets)

    def bits(self, octets, size):
        return octets, size

    def number(self, value):
        octets, size = value
        return int.from_bytes(octets, "big") >> (len(octets) * 8 - size), size


class Pycrate(Tool):
    """https://pypi.org/project/pycrate"""

    def __init__(self, schema, modules):
        super().__init__(schema)
        # It tells of its progress on standard output, and writes Python.
        with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()):
            compile_text(modules)
            generated = os.path.join(folder, "generated.py")
            generate_modules(PycrateGenerator, generated)
            spec = importlib.util.spec_from_file_location("generated", generated)
            self.generated = importlib.util.module_from_spec(spec)
            spec.loader.exec_module(self.generated)

    def definition(self, module, name):
        return getattr(getattr(self.generated, module), name.replace("-", "_"))

    def octets(self, module, name, value):
        definition = self.definition(module, name)
        definition.set_val(value)
        return definition.to_uper()

    def read(self, module, name, octets):
        definition = self.definition(module, name)
        definition.from_uper(octets)
        return definition.get_val()

    def bits(self, octets, size):
        return int.from_bytes(octets, "big") >> (len(octets) * 8 - size), size

    def number(self, value):
        return value


# What either may raise over bytes or values that it cannot take.
ERRORS = (ASN1Err, CharpyErr, asn1tools.Error, NotImplementedError, ValueError, IndexError, KeyError)
