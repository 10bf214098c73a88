"""An SNMP agent that is not ours (library pysnmp), with the phase status groups of NTCIP 1202.

Prints the port that it listens on. Phases 2 and 6 are green, 4 and 8 red, 10 yellow; phases 2 and 6
show "walk", all others "don't walk". Group 2 of phaseStatusGroupYellows says phase 10.
"""

import asyncio
import socket
import sys

from pysnmp.carrier.asyncio.dgram import udp
from pysnmp.entity import config, engine
from pysnmp.entity.rfc3413 import cmdrsp, context
from pysnmp.proto import rfc1902
from pysnmp.smi import exval, instrum

ENTRY = (1, 3, 6, 1, 4, 1, 1206, 4, 2, 1, 1, 4, 1)
VALUES = {
    (2, 1): 0b10001000, (3, 1): 0, (4, 1): 0b00100010,
    (5, 1): 0b11011101, (6, 1): 0, (7, 1): 0b00100010,
    (2, 2): 0, (3, 2): 0b10, (4, 2): 0,
    (5, 2): 0xFF, (6, 2): 0, (7, 2): 0,
}


class Groups(instrum.AbstractMibInstrumController):
    def read_variables(self, *bindings, **_):
        def value(name):
            name = tuple(name)
            known = VALUES.get(name[-2:]) if name[:-2] == ENTRY else None
            return exval.noSuchObject if known is None else rfc1902.Integer32(known)

        return [(name, value(name)) for name, _ in bindings]


def main():
    asyncio.set_event_loop(asyncio.new_event_loop())
    probe = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    probe.bind(("127.0.0.1", 0))
    port = probe.getsockname()[1]
    probe.close()
    snmp = engine.SnmpEngine()
    transport = udp.UdpTransport().open_server_mode(("127.0.0.1", port))
    config.add_transport(snmp, udp.DOMAIN_NAME, transport)
    config.add_v1_system(snmp, "area", "public")
    for model in (1, 2):
        config.add_vacm_user(snmp, model, "area", "noAuthNoPriv", (1, 3, 6), ())
    names = context.SnmpContext(snmp)
    names.unregister_context_name(b"")
    names.register_context_name(b"", Groups())
    cmdrsp.GetCommandResponder(snmp, names)
    snmp.transport_dispatcher.job_started(1)
    print(port, flush=True)
    snmp.transport_dispatcher.run_dispatcher()


if __name__ == "__main__":
    sys.exit(main())
