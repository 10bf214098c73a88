//! A stream that is up: bytes in, questions out, until it ends.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::{sleep_until, timeout};

use super::Inlet;
use crate::clock::Mono;
use crate::daemon::backoff::Backoff;
use crate::daemon::clock;

/// Bytes taken at a time: a burst of some hundred CAN frames.
const CHUNK: usize = 4096;
/// Longest that a device may take to take our question; one that reads nothing is gone.
const WRITE_WITHIN: Duration = Duration::from_secs(5);

/// Reads until the device closes the stream, which is no error, or it breaks.
///
/// What is pending in `inlet` when this is dropped is for the next stream to forget.
pub(super) async fn serve(
    inlet: &mut Inlet,
    stream: &mut (impl AsyncRead + AsyncWrite + Unpin),
    backoff: &mut Backoff,
) -> io::Result<()> {
    let mut chunk = vec![0; CHUNK];
    let mut query = Vec::with_capacity(256);
    loop {
        query.clear();
        while inlet.poll_query(clock::now(), &mut query) {}
        if !query.is_empty() {
            let written = timeout(WRITE_WITHIN, stream.write_all(&query)).await;
            written.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))??;
        }
        tokio::select! {
            got = stream.read(&mut chunk) => {
                let length = got?;
                if length == 0 {
                    return Ok(());
                }
                // A device that accepts and hangs up at once is not a success.
                backoff.reset();
                inlet.take(clock::now(), &chunk[..length]);
            }
            () = until(inlet.decoder.poll_timeout()) => inlet.show_counts(),
        }
    }
}

async fn until(moment: Mono) {
    if moment == Mono::NEVER {
        std::future::pending::<()>().await;
    } else {
        let rest = moment.since(clock::mono());
        sleep_until(tokio::time::Instant::now() + rest).await;
    }
}
