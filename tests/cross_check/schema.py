"""The message set as asn1tools parses it from v2x-msg/asn: types by name, and random values of them.

Values are in the shape of the JSON encoding rules (JER), as `v2x` reads and writes them. Nothing
here comes from our own codec or its build script.
"""

import re

import asn1tools

# How messages of Day II are numbered. The ASN.1 has an open type there, written as OCTET STRING.
DAY_II = {
    0: ("TestMsg", "TestMsg"),
    10: ("RTCM", "RTCMcorrections"),
    11: ("RSC", "RoadsideCoordination"),
    12: ("SensorSharing", "SensorSharingMsg"),
    13: ("VIR", "VehIntentionAndRequest"),
    14: ("PAM", "PAMData"),
    15: ("PSM", "PersonalSafetyMessage"),
    16: ("Platooning", "CLPMM"),
    17: ("VPM", "VehiclePaymentMessage"),
}

# The frame of each edition, and the kinds of message that it can hold.
DAY_I_KINDS = ["bsmFrame", "mapFrame", "rsmFrame", "spatFrame", "rsiFrame"]
FRAMES = {"2020": ("MsgFrame", "MessageFrame"), "2019": ("Whole2019", "MessageFrame")}
KINDS = {"2020": DAY_I_KINDS + sorted(DAY_II), "2019": DAY_I_KINDS}

BUILT_IN = {
    "INTEGER", "BOOLEAN", "ENUMERATED", "BIT STRING", "OCTET STRING", "IA5String",
    "SEQUENCE", "SEQUENCE OF", "CHOICE",
}


def texts(paths, older):
    """All modules of our edition, and one that has the whole of the older edition.

    The older edition's file has only what it says otherwise, for all types that use it.
    """
    modules = [read(path) for path in paths]
    merged = {}
    for module in modules + [read(older)]:
        merged.update(definitions(module))
    whole = "\n".join(merged.values())
    modules.append(f"Whole2019 DEFINITIONS AUTOMATIC TAGS ::=\nBEGIN\n{whole}\nEND\n")
    return modules


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def definitions(module):
    """The definitions of a module by their names."""
    body = re.sub(r"--.*", "", module).split("BEGIN", 1)[1].rsplit("END", 1)[0]
    body = re.sub(r"IMPORTS[^;]*;", "", body)
    parts = re.split(r"(?m)^(?=[A-Z][\w-]*\s*::=)", body)
    return {part.split()[0]: part for part in parts if part.strip()}


class Schema:
    """Definitions of all modules."""

    def __init__(self, modules):
        self.modules = asn1tools.parse_string("\n".join(modules))

    def named(self, module, name):
        """A definition, and the module in which its own names are to be looked up."""
        while name not in self.modules[module]["types"]:
            imports = self.modules[module]["imports"]
            module = next(other for other, names in imports.items() if name in names)
        return module, self.modules[module]["types"][name]

    def resolve(self, module, spec):
        """A type as it is used, down to one that ASN.1 has built in."""
        while spec["type"] not in BUILT_IN:
            module, spec = self.named(module, spec["type"])
        return module, spec


def members(spec):
    """(member, whether behind the extension marker) of a SEQUENCE or CHOICE, in order."""
    added = False
    for member in spec["members"]:
        if member is None:
            added = True
        else:
            yield member, added


def sizes(spec):
    """Least, greatest, whether later editions may go beyond."""
    size = spec.get("size")
    if size is None:
        return 0, None, False
    extensible = None in size
    first = size[0]
    least, greatest = first if isinstance(first, (tuple, list)) else (first, first)
    return least, greatest, extensible


class Values:
    """Random values: bounds as often as not, all members there or few, lists long or short."""

    def __init__(self, schema, random):
        self.schema = schema
        self.random = random
        # What a value of this round may still cost, in leaves.
        self.budget = 0
        # Sizes of BIT STRINGs beyond their root, which only one of the tools can write.
        self.wide_bits = False

    def frame(self, edition, kind):
        """A whole frame of that kind, and whether it has a BIT STRING beyond its root."""
        self.budget = self.random.choice([5, 20, 60, 60, 200, 600])
        self.wide_bits = False
        module, name = FRAMES[edition]
        if kind in DAY_II:
            inner_module, inner = DAY_II[kind]
            value = {"messageId": kind, "value": self.value(inner_module, {"type": inner})}
            return {"msgFrameExt": value}, self.wide_bits
        _, frame = self.schema.named(module, name)
        member = next(m for m, _ in members(frame) if m["name"] == kind)
        return {kind: self.value(module, member)}, self.wide_bits

    def value(self, module, spec):
        module, spec = self.schema.resolve(module, spec)
        self.budget -= 1
        return getattr(self, spec["type"].replace(" ", "_").lower())(module, spec)

    def integer(self, _module, spec):
        least, greatest = spec["restricted-to"][0]
        if None in spec["restricted-to"] and self.random.random() < 0.25:
            return self.random.choice([greatest + 1, least - 1, -(2**31), 2**40, 2**16 + greatest])
        edge = self.random.random()
        if edge < 0.2:
            return least
        if edge < 0.4:
            return greatest
        return self.random.randint(least, greatest)

    def boolean(self, _module, _spec):
        return self.random.random() < 0.5

    def enumerated(self, _module, spec):
        return self.random.choice([value[0] for value in spec["values"] if value is not None])

    def bit_string(self, _module, spec):
        root, _, extensible = sizes(spec)
        size = root
        if extensible and self.random.random() < 0.05:
            size = self.random.randint(root + 1, 64)
            self.wide_bits = True
        bits = self.random.choice([0, (1 << size) - 1, self.random.getrandbits(size)])
        digits = hex_of_bits(bits, size)
        return digits if size == root else {"value": digits, "length": size}

    def octet_string(self, _module, spec):
        least, greatest, extensible = sizes(spec)
        if extensible and self.random.random() < 0.2:
            return self.random.randbytes(greatest + self.random.choice([1, 90, 200])).hex()
        return self.random.randbytes(self.length(least, greatest, 1 / 8)).hex()

    def ia5string(self, _module, spec):
        least, greatest, _ = sizes(spec)
        # pycrate refuses 127 (DEL), which is a character of IA5 all the same.
        letters = self.random.choice([range(32, 127), range(0, 127)])
        return "".join(chr(self.random.choice(letters))
                       for _ in range(self.length(least, greatest, 1 / 8)))

    def sequence_of(self, module, spec):
        least, greatest, _ = sizes(spec)
        elements = []
        length = self.length(least, greatest, 1)
        while len(elements) < length and (len(elements) < least or self.budget > 0):
            elements.append(self.value(module, spec["element"]))
        return elements

    def length(self, least, greatest, cost):
        """How long a list or string is to be, within what the budget allows."""
        greatest = least + 8 if greatest is None else greatest
        draw = self.random.random()
        if draw < 0.1:
            wanted = greatest
        elif draw < 0.3:
            wanted = least
        else:
            wanted = least + int(self.random.expovariate(0.5))
        affordable = least + max(0, int(self.budget / cost))
        length = max(least, min(wanted, greatest, affordable))
        self.budget -= int(length * cost)
        return length

    def sequence(self, module, spec):
        share = self.random.choice([0.1, 0.5, 0.9])
        value = {}
        for member, added in members(spec):
            optional = member.get("optional") or added
            if optional and (self.budget <= 0 or self.random.random() > share):
                continue
            value[member["name"]] = self.value(module, member)
        return value

    def choice(self, module, spec):
        member = self.random.choice([member for member, _ in members(spec)])
        return {member["name"]: self.value(module, member)}


def hex_of_bits(bits, size):
    """First bit first, filled up with zeros to the octet."""
    octets = -(-size // 8)
    return (bits << (octets * 8 - size)).to_bytes(octets, "big").hex()
