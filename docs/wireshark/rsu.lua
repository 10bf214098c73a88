-- DSMP frames of China's C-V2X (YD/T 3707-2020) with a message of T/CSAE 53-2020 or YD/T 3709 in them,
-- for Wireshark and tshark. It shows the header, which message it is and its counter; `v2x decode` shows
-- the rest of a message.
--
-- Copy it to the folder of personal Lua plugins (Help > About > Folders), or start
-- wireshark -X lua_script:rsu.lua. It takes
--   - pcaps of `rsu run --pcap` and `rsu export --frames pcap`: link type USER0
--   - datagrams from or to the UDP port of the preferences, 4900 as in configs/rsu.toml
-- Any other port: Decode As... > DSMP.

local dsmp = Proto("dsmp", "DSMP of C-V2X (YD/T 3707)")

local aids = {
    [111] = "BSM", [112] = "BSM event", [113] = "BSM emergency vehicle",
    [114] = "BSM emergency vehicle event", [3617] = "BSM aftermarket",
    [3618] = "MAP", [3619] = "SPAT",
    [3620] = "RSI static", [3621] = "RSI semi-static", [3622] = "RSI dynamic",
    [3623] = "RSM",
    [3627] = "certificate management", [3628] = "certificate revocation",
    [3629] = "misbehaviour report",
}
-- Alternatives of MessageFrame in their order; and how many members of each may be left out, since as
-- many bits stand before the counter, behind the one that tells of additions.
local kinds = { [0] = "BSM", "MAP", "RSM", "SPAT", "RSI" }
local optional = { [0] = 7, 1, 0, 3, 3 }

local f = dsmp.fields
f.adaptation = ProtoField.uint8("dsmp.adaptation", "Adaptation type", base.DEC,
    { [0] = "IPv6", [4] = "DSMP", [5] = "IPv4" })
f.version = ProtoField.uint8("dsmp.version", "Version", base.DEC, nil, 0xe0)
f.option = ProtoField.bool("dsmp.option", "Extensions", 8, nil, 0x10)
f.aid = ProtoField.uint32("dsmp.aid", "AID", base.DEC, aids)
f.length = ProtoField.uint16("dsmp.length", "Length", base.DEC)
f.data = ProtoField.bytes("dsmp.data", "Data")
f.kind = ProtoField.string("dsmp.message", "Message")
f.count = ProtoField.uint8("dsmp.msgcnt", "msgCnt", base.DEC)

local e = dsmp.experts
e.short = ProtoExpert.new("dsmp.short", "ends too early", expert.group.MALFORMED, expert.severity.ERROR)
e.refused = ProtoExpert.new("dsmp.refused", "a receiver drops this", expert.group.PROTOCOL,
    expert.severity.WARN)

dsmp.prefs.port = Pref.uint("UDP port", 4900, "Where the radio, or whoever stands for it, takes frames")

-- AIDs take one to four bytes: as many as the first has ones in front, and one.
local function aid_at(tvb, at)
    local first = tvb(at, 1):uint()
    local bytes, least = 1, 0
    if first >= 0xf0 then return nil
    elseif first >= 0xe0 then bytes, least = 4, 0x204080
    elseif first >= 0xc0 then bytes, least = 3, 0x4080
    elseif first >= 0x80 then bytes, least = 2, 0x80
    end
    if at + bytes > tvb:len() then return nil end
    local marks = { 0, 0x8000, 0xc00000, 0xe0000000 }
    return tvb(at, bytes):uint() - marks[bytes] + least, bytes
end

-- Which message it is and its counter, out of the first bits of its UPER.
local function message(tvb, tree, from)
    if tvb:len() - from < 3 then return nil end
    local bits = tvb(from, 3):uint()
    local is_extension = bits >= 0x800000
    if is_extension then
        tree:add(f.kind, tvb(from, 1), "Day II")
        return "Day II"
    end
    local which = bit.band(bit.rshift(bits, 20), 7)
    local kind = kinds[which]
    if not kind then return nil end
    tree:add(f.kind, tvb(from, 1), kind)
    local before = 4 + 1 + optional[which]
    local count = bit.band(bit.rshift(bits, 24 - before - 7), 0x7f)
    tree:add(f.count, tvb(from, 3), count)
    return kind, count
end

function dsmp.dissector(tvb, pinfo, root)
    if tvb:len() < 1 or tvb(0, 1):uint() ~= 4 then return 0 end
    pinfo.cols.protocol = "DSMP"
    local tree = root:add(dsmp, tvb())
    local function short()
        tree:add_proto_expert_info(e.short)
        return tvb:len()
    end
    tree:add(f.adaptation, tvb(0, 1))
    if tvb:len() < 2 then return short() end
    local header = tvb(1, 1)
    tree:add(f.version, header)
    tree:add(f.option, header)
    if header:bitfield(0, 3) ~= 0 then
        tree:add_proto_expert_info(e.refused, "another version than 0")
        return tvb:len()
    end
    local at = 2
    if header:bitfield(3, 1) == 1 then
        if at >= tvb:len() then return short() end
        local left = tvb(at, 1):uint()
        at = at + 1
        for _ = 1, left do
            if at + 2 > tvb:len() then return short() end
            at = at + 2 + tvb(at + 1, 1):uint()
        end
    end
    if at >= tvb:len() then return short() end
    local aid, bytes = aid_at(tvb, at)
    if not aid then return short() end
    tree:add(f.aid, tvb(at, bytes), aid)
    at = at + bytes
    if at + 2 > tvb:len() then return short() end
    local stated = tvb(at, 2):uint()
    local length = tree:add(f.length, tvb(at, 2))
    at = at + 2
    if stated ~= tvb:len() - at or stated > 1400 then
        length:add_proto_expert_info(e.refused, "the length is not that of what follows, or above 1400")
    end
    local told = aids[aid] or ("AID " .. aid)
    if at < tvb:len() then
        local data = tree:add(f.data, tvb(at))
        local kind, count = message(tvb, data, at)
        -- That the AID and the message do not fit together is worth a look.
        if kind and told:sub(1, #kind) ~= kind then told = told .. " (" .. kind .. ")" end
        if count then told = told .. ", msgCnt " .. count end
    end
    pinfo.cols.info = told
    return tvb:len()
end

DissectorTable.get("wtap_encap"):add(wtap.USER0, dsmp)
local udp = DissectorTable.get("udp.port")
local port = 0
local function listen()
    if port ~= 0 then udp:remove(port, dsmp) end
    port = dsmp.prefs.port
    if port ~= 0 then udp:add(port, dsmp) end
end
dsmp.prefs_changed = listen
listen()
