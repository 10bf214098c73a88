//! The listening socket of the console: how many may be inside, and for how long who says nothing.
//!
//! A bound on connections keeps file descriptors and memory for the straight path. Where it is
//! reached, the oldest guest that has not asked for anything yet goes; so many idle connections cost
//! an honest page nothing. Not here: what is answered.

use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, Semaphore};
use tokio::time::{Instant, Sleep, sleep, timeout};

use super::page::Page;
use crate::daemon::stop::lock;

/// Connections at once: twenty pages with a few connections each, and room.
const MOST: usize = 256;
/// For the head of a request, whole, and between two requests.
const HEAD: Duration = Duration::from_secs(5);
/// Without a byte either way; news come each second, and a sign of life each fifteen.
const QUIET: Duration = Duration::from_secs(40);
/// For a place, where all inside are honest.
const PATIENCE: Duration = Duration::from_secs(1);
/// After an error that is not the guest's, such as too many open files.
const BREATH: Duration = Duration::from_millis(100);
/// What one connection may hold of a request.
const MOST_HEAD: usize = 16 * 1024;

/// Who came in, and who did not.
#[derive(Debug, Default)]
pub(crate) struct DoorTally {
    pub(super) inside: AtomicU64,
    pub(super) turned_away: AtomicU64,
}

/// Guests that have not asked for anything yet, the oldest first.
#[derive(Default)]
struct Hall {
    waiting: Mutex<VecDeque<(u64, Arc<Notify>)>>,
}

impl Hall {
    fn enter(&self, guest: u64) -> Arc<Notify> {
        let leave = Arc::new(Notify::new());
        lock(&self.waiting).push_back((guest, Arc::clone(&leave)));
        leave
    }

    fn leave(&self, guest: u64) {
        lock(&self.waiting).retain(|(known, _)| *known != guest);
    }

    fn turn_out_oldest(&self) {
        if let Some((_, leave)) = lock(&self.waiting).pop_front() {
            leave.notify_one();
        }
    }
}

/// Lets guests in for as long as the runtime lives.
pub(super) async fn serve(listener: TcpListener, router: &Router, page: &Arc<Page>) {
    let places = Arc::new(Semaphore::new(MOST));
    let hall = Arc::new(Hall::default());
    for guest in 0.. {
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(_) => {
                sleep(BREATH).await;
                continue;
            }
        };
        let place = match Arc::clone(&places).try_acquire_owned() {
            Ok(place) => place,
            Err(_) => {
                page.door.turned_away.fetch_add(1, Ordering::Relaxed);
                hall.turn_out_oldest();
                match timeout(PATIENCE, Arc::clone(&places).acquire_owned()).await {
                    Ok(Ok(place)) => place,
                    _ => continue,
                }
            }
        };
        // Small pieces of news; one that is gone already fails by itself.
        let _ = stream.set_nodelay(true);
        let (hall, page, router) = (Arc::clone(&hall), Arc::clone(page), router.clone());
        tokio::spawn(async move {
            page.door.inside.fetch_add(1, Ordering::Relaxed);
            attend(stream, guest, &hall, router).await;
            page.door.inside.fetch_sub(1, Ordering::Relaxed);
            drop(place);
        });
    }
}

async fn attend(stream: TcpStream, guest: u64, hall: &Arc<Hall>, router: Router) {
    let leave = hall.enter(guest);
    let answers = TowerToHyperService::new(router);
    let asked = Arc::clone(hall);
    let service = service_fn(move |request| {
        asked.leave(guest);
        answers.call(request)
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD)
        .max_buf_size(MOST_HEAD)
        .serve_connection(TokioIo::new(Guest::new(stream)), service);
    tokio::select! {
        // How it ended is the guest's own matter.
        _ = connection => {}
        () = leave.notified() => {}
    }
    hall.leave(guest);
}

/// A connection that ends when nothing has moved for a while.
struct Guest {
    stream: TcpStream,
    quiet: Pin<Box<Sleep>>,
}

impl Guest {
    fn new(stream: TcpStream) -> Self {
        Self {
            stream,
            quiet: Box::pin(sleep(QUIET)),
        }
    }

    /// After a step: news of it, or the end where there was none for too long.
    fn judge<T>(&mut self, cx: &mut Context<'_>, step: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if step.is_ready() {
            self.quiet.as_mut().reset(Instant::now() + QUIET);
            return step;
        }
        match self.quiet.as_mut().poll(cx) {
            Poll::Ready(()) => Poll::Ready(Err(io::ErrorKind::TimedOut.into())),
            Poll::Pending => Poll::Pending,
        }
    }
}

impl AsyncRead for Guest {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let step = Pin::new(&mut self.stream).poll_read(cx, buf);
        self.judge(cx, step)
    }
}

impl AsyncWrite for Guest {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let step = Pin::new(&mut self.stream).poll_write(cx, buf);
        self.judge(cx, step)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
