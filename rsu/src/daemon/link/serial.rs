//! A stream over a serial line, as a task on the asynchronous thread.

use std::io;
use std::path::{Path, PathBuf};

use tokio::time::sleep;
use tokio_serial::{DataBits, FlowControl, SerialPortBuilderExt, SerialStream, StopBits};

use super::Inlet;
use super::stream::serve;
use crate::config::{Parity, SerialLine};
use crate::daemon::backoff::Backoff;
use crate::daemon::tally::LinkState;

/// One input on a serial line.
pub(crate) struct SerialLink {
    pub(crate) inlet: Inlet,
    pub(crate) path: PathBuf,
    pub(crate) line: SerialLine,
}

impl SerialLink {
    /// Opens and reads, again after every failure: a converter that was pulled out may come back.
    pub(crate) async fn run(mut self) {
        let mut backoff = Backoff::default();
        loop {
            let reason = match open(&self.path, self.line) {
                Ok(mut port) => {
                    self.inlet.tally.set_link(LinkState::Up);
                    match serve(&mut self.inlet, &mut port, &mut backoff).await {
                        Ok(()) => "gone".to_owned(),
                        Err(e) => format!("lost: {e}"),
                    }
                }
                Err(e) => format!("cannot open {}: {e}", self.path.display()),
            };
            self.inlet.went_down(reason);
            sleep(backoff.pause()).await;
        }
    }
}

/// Opens a line for us alone; eight bits a byte, no flow control.
pub(crate) fn open(path: &Path, line: SerialLine) -> io::Result<SerialStream> {
    let path = path
        .to_str()
        .ok_or_else(|| io::Error::from(io::ErrorKind::InvalidInput))?;
    let parity = match line.parity {
        Parity::None => tokio_serial::Parity::None,
        Parity::Odd => tokio_serial::Parity::Odd,
        Parity::Even => tokio_serial::Parity::Even,
    };
    let stop_bits = match line.stop_bits {
        2 => StopBits::Two,
        _ => StopBits::One,
    };
    let port = tokio_serial::new(path, line.baud)
        .data_bits(DataBits::Eight)
        .parity(parity)
        .stop_bits(stop_bits)
        .flow_control(FlowControl::None)
        .open_native_async();
    port.map_err(io::Error::from)
}
