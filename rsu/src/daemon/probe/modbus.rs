//! `rsu probe modbus`: a device says nothing unless it is asked, and nobody knows for what but who has
//! its manual. Registers are written as in the configuration, so that what works can be copied there.
//!
//! Not here: the questions themselves ([`crate::inputs::modbus`]), and how registers are read
//! ([`crate::config`]).

use crate::config;
use crate::inputs::Decoder;
use crate::inputs::modbus::{self, Form, Register};
use crate::report::MAX_READINGS;

use super::{Failure, ProbeArgs, ProbeProtocol, Source, USAGE};

/// What only Modbus needs.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct ModbusArgs {
    /// A register of a modbus device as the configuration has it, such as `quantity = "road-c",
    /// table = "input", address = 7, type = "i16", scale = 0.1`; may be given several times.
    #[arg(long, value_name = "KEYS", value_parser = config::modbus_register)]
    pub register: Vec<Register>,
    /// The number of a modbus device.
    #[arg(long, default_value_t = 1)]
    pub unit: u8,
    /// The modbus device stands behind a converter that passes on what is on its serial line.
    #[arg(long)]
    pub rtu: bool,
}

/// Whether a modbus device can be asked like this; other protocols always pass.
pub(super) fn check(args: &ProbeArgs, source: &Source) -> Result<(), Failure> {
    if args.protocol != ProbeProtocol::Modbus {
        return Ok(());
    }
    let refuse = |reason: &str| Err(Failure::new(USAGE, reason));
    match source {
        Source::Tcp(_) | Source::Serial(..) => {}
        Source::File(_) => {
            return refuse("answers do not say to what: give tcp://HOST:PORT or serial://...");
        }
        Source::Udp(_) | Source::Mqtt(_) => {
            return refuse("a modbus device is asked over tcp://HOST:PORT or serial://...");
        }
        #[cfg(feature = "socketcan")]
        Source::Can(_) => return refuse("a modbus device is no CAN interface"),
    }
    let registers = &args.modbus.register;
    if registers.is_empty() {
        return refuse("give what to read: --register 'quantity = \"visibility-m\", address = 0'");
    }
    if registers.len() > MAX_READINGS {
        return refuse("too many registers at once");
    }
    let mut seen = Vec::new();
    for register in registers {
        if seen.contains(&register.quantity) {
            let name = register.quantity.name();
            return refuse(&format!("{name} is measured by two registers"));
        }
        seen.push(register.quantity);
    }
    Ok(())
}

/// A decoder that asks for what was given.
pub(super) fn decoder(args: &ProbeArgs) -> Decoder {
    let ModbusArgs {
        register,
        unit,
        rtu,
    } = &args.modbus;
    let on_line = *rtu || args.source.starts_with("serial:");
    let config = modbus::Config {
        form: if on_line { Form::Rtu } else { Form::Tcp },
        unit: *unit,
        registers: register.clone(),
        ..modbus::Config::default()
    };
    Decoder::Modbus(Box::new(modbus::Decoder::new(config)))
}
