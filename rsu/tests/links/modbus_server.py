"""A Modbus device that is not ours (library pymodbus): `server.py tcp` or `server.py serial PATH`.

Prints the port that it listens on, or the path that it opened. A line `FUNCTION ADDRESS VALUE` on its
input sets an entry, and is answered by `set`; function 2 reads bits, 3 holding and 4 input registers.
"""

import asyncio
import logging
import sys

from pymodbus.server import ModbusSerialServer, ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

logging.disable(logging.CRITICAL)
UNIT = 17


def entries(datatype, value):
    return [SimData(0, count=50, values=value, datatype=datatype)]


async def main():
    bits = [entries(DataType.BITS, False) for _ in range(2)]
    words = [entries(DataType.REGISTERS, 0) for _ in range(2)]
    context = SimDevice(UNIT, simdata=(*bits, *words))
    if sys.argv[1] == "tcp":
        server = ModbusTcpServer(context, address=("127.0.0.1", 0))
        await server.serve_forever(background=True)
        print(server.transport.sockets[0].getsockname()[1], flush=True)
    else:
        server = ModbusSerialServer(context, port=sys.argv[2], baudrate=19200, parity="N")
        await server.serve_forever(background=True)
        print(sys.argv[2], flush=True)
    loop = asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        function, address, value = map(int, line.split())
        values = [bool(value)] if function == 2 else [value]
        await server.async_setValues(UNIT, function, address, values)
        print("set", flush=True)


asyncio.run(main())
