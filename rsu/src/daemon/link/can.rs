//! A CAN interface of Linux, on a thread of its own. Several radars may speak on its bus; then each is
//! told by its own number, and each hears all of it.
//!
//! As with datagrams, the kernel's stamp of a frame's arrival makes ages independent of how late the
//! thread woke, and what radars must be told leaves by the same socket. Somebody else has given the
//! interface its bit rate and set it up; while it is down or gone, the link is down.

use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, UNIX_EPOCH};

use nix::sys::time::{TimeSpec, TimeValLike};
use socketcan::{
    CanDataFrame, CanFrame as Kernels, CanRemoteFrame, CanSocket, EmbeddedFrame, ExtendedId, Id,
    ShouldRetry, Socket, SocketOptions, StandardId,
};

use super::{Inlet, PATIENCE, patience};
use crate::clock::Now;
use crate::daemon::backoff::Backoff;
use crate::daemon::clock;
use crate::daemon::stop::Stop;
use crate::daemon::tally::LinkState;
use crate::inputs::can::{CanFrame, socketcan as wire};

/// Controller in trouble, bus off: a cable that is cut, a bit rate that is wrong. Not each bad bit.
const TOLD_TROUBLE: u32 = 0x004 | 0x040;
/// How much the kernel may hold for us while we are away: frames of some seconds.
const KERNEL_BUFFER: usize = 1 << 20;
/// A bus on which nobody answers takes no more frames.
const WRITE_WITHIN: Duration = Duration::from_millis(50);

/// Inputs that hear one bus.
pub(crate) struct CanLink {
    pub(crate) inlets: Vec<Inlet>,
    pub(crate) interface: String,
    pub(crate) stop: Arc<Stop>,
}

impl CanLink {
    /// Listens until the wish to end, and again after every failure.
    pub(crate) fn run(mut self) {
        let mut backoff = Backoff::default();
        while !self.stop.is_raised() {
            let failed = match open(&self.interface) {
                Ok(socket) => {
                    for inlet in &self.inlets {
                        inlet.tally.set_link(LinkState::Up);
                    }
                    let failed = self.receive(&socket, &mut backoff).err();
                    failed.map(|e| format!("lost: {e}"))
                }
                Err(e) => Some(format!("cannot open can://{}: {e}", self.interface)),
            };
            if let Some(reason) = failed {
                for inlet in &mut self.inlets {
                    inlet.went_down(reason.clone());
                }
                self.stop.wait(backoff.pause());
            }
        }
    }

    /// Returns without error only when the wish to end was raised.
    fn receive(&mut self, socket: &CanSocket, backoff: &mut Backoff) -> io::Result<()> {
        let mut query = Vec::with_capacity(256);
        let mut granted = PATIENCE;
        while !self.stop.is_raised() {
            for inlet in &mut self.inlets {
                tell(inlet, socket, &mut query);
            }
            let due = self.inlets.iter().map(|i| i.decoder.poll_timeout());
            let wanted = patience(due);
            if wanted != granted {
                socket.set_read_timeout(wanted)?;
                granted = wanted;
            }
            match socket.read_frame_with_timestamps() {
                Ok((frame, stamps)) => {
                    // An interface that is set up and at once down again is not a success.
                    backoff.reset();
                    let now = clock::now();
                    let arrived = stamps.socket.map_or(now, |stamp| {
                        let since = stamp.duration_since(UNIX_EPOCH).unwrap_or_default();
                        let nanos = i64::try_from(since.as_nanos()).unwrap_or(0);
                        clock::arrival(TimeSpec::nanoseconds(nanos), now)
                    });
                    self.take(arrived, &record(&frame));
                }
                Err(e) if e.should_retry() || e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(e),
            }
        }
        Ok(())
    }

    fn take(&mut self, arrived: Now, record: &[u8]) {
        for inlet in &mut self.inlets {
            inlet.take(arrived, record);
        }
    }
}

/// Sends a radar what it must be told now.
fn tell(inlet: &mut Inlet, socket: &CanSocket, query: &mut Vec<u8>) {
    loop {
        query.clear();
        if !inlet.poll_query(clock::now(), query) {
            return;
        }
        send(socket, query, || {
            inlet.tally.unsent.fetch_add(1, Ordering::Relaxed);
        });
        inlet.show_counts();
    }
}

/// Writes the frames of whole records; what the bus does not take is told one by one.
pub(crate) fn send(socket: &CanSocket, records: &[u8], mut unsent: impl FnMut()) {
    wire::read(records, |frame| {
        let taken = frame.ok().and_then(|frame| kernels(&frame));
        if taken.is_none_or(|frame| socket.write_frame(&frame).is_err()) {
            unsent();
        }
    });
}

/// Opens an interface for classic frames, stamped as they arrive.
pub(crate) fn open(interface: &str) -> io::Result<CanSocket> {
    let socket = CanSocket::open(interface)?;
    // The kernel may grant less; that is its business.
    let _ = socket.as_raw_socket().set_recv_buffer_size(KERNEL_BUFFER);
    socket.set_recv_timestamp(true)?;
    socket.set_error_filter(TOLD_TROUBLE)?;
    socket.set_read_timeout(PATIENCE)?;
    socket.set_write_timeout(WRITE_WITHIN)?;
    Ok(socket)
}

/// What the kernel says, as decoders and recordings have it.
pub(crate) fn record(frame: &Kernels) -> [u8; wire::RECORD] {
    let ours = |id: Id, data: &[u8]| match id {
        Id::Standard(id) => CanFrame::standard(id.as_raw().into(), data),
        Id::Extended(id) => CanFrame::extended(id.as_raw(), data),
    };
    let frame = match frame {
        Kernels::Data(frame) => ours(frame.id(), frame.data()),
        Kernels::Remote(frame) => {
            let asked = [0; 8]
                .get(..frame.dlc())
                .and_then(|size| ours(frame.id(), size));
            asked.map(CanFrame::as_remote)
        }
        Kernels::Error(_) => None,
    };
    frame.map_or(wire::TROUBLE, |frame| wire::record(&frame))
}

fn kernels(frame: &CanFrame) -> Option<Kernels> {
    let id: Id = if frame.is_extended() {
        ExtendedId::new(frame.id())?.into()
    } else {
        StandardId::new(u16::try_from(frame.id()).ok()?)?.into()
    };
    Some(if frame.is_remote() {
        Kernels::Remote(CanRemoteFrame::new_remote(id, frame.size().into())?)
    } else {
        Kernels::Data(CanDataFrame::new(id, frame.data())?)
    })
}
