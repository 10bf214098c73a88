//! A replay on the page: the same console as a unit's, shown what the player does, and saying that
//! all of it is past. In a process of its own, so that nothing of it is near a unit at work.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};

use super::player::Onlooker;
use crate::clock::{Mono, Now};
use crate::config::{Config, Console, Password};
use crate::daemon::console::{Audience, Server, Unit};
use crate::daemon::mailbox::Mailbox;
use crate::daemon::orders::Desk;
use crate::daemon::shared::{InputView, Playback, Shared};
use crate::daemon::tally::{HeartTally, LinkState};
use crate::daemon::tap::Sizes;
use crate::daemon::threads::{Net, start_server};
use crate::daemon::watchers::{Reader, Watchers, Window};
use crate::daemon::{StartError, clock};
use crate::inputs::Counts;
use crate::report::Report;
use crate::station::{Frame, Station};

/// Where it is shown.
pub(super) enum Place {
    Address(SocketAddr),
    /// One that listens already.
    Socket(TcpListener),
}

/// What is shown, and the thread that shows it.
pub(super) struct Show {
    window: Window,
    shared: Arc<Shared>,
    playback: Arc<Playback>,
    net: Option<Net>,
    /// When what is being made was begun, by our own clock.
    began: Mono,
}

impl Show {
    /// Serves what the unit of `config`, which began at `start`, is about to do again.
    pub(super) fn start(
        config: &Config,
        place: Place,
        start: Now,
        what: String,
    ) -> Result<(Self, Audience), StartError> {
        let reader = Reader::new(Sizes::PAGE);
        let watchers = Watchers {
            page: Some(reader.clone()),
            ..Watchers::default()
        };
        let playback = Arc::new(Playback::new(what, start));
        let shared = Arc::new(Shared {
            started: start.mono,
            stop: Arc::default(),
            mailbox: Arc::new(Mailbox::new(&[])),
            heart: Arc::new(HeartTally::new()),
            inputs: config
                .inputs
                .iter()
                .map(|input| InputView::new(input, &config.site))
                .collect(),
            outlets: Vec::new(),
            recording: None,
            pcap: None,
            watchers: watchers.clone(),
            desk: Desk::new().0,
            orders: None,
            cloud: None,
            site: Arc::new(config.site.clone()),
            notices: Default::default(),
            reload: None,
            playback: Some(Arc::clone(&playback)),
            refused: Mutex::default(),
        });
        for view in &shared.inputs {
            view.tally.set_link(LinkState::Up);
        }
        let simulated = config.console.as_ref().is_some_and(|wish| wish.simulated);
        let (listen, socket) = match place {
            Place::Address(listen) => (listen, None),
            Place::Socket(socket) => (SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), Some(socket)),
        };
        let wish = Console {
            listen,
            simulated,
            token: Password::None,
        };
        let mut server = Server::new(wish, Unit::of(config), Arc::clone(&shared), reader);
        if let Some(socket) = socket {
            server = server.on(socket);
        }
        let audience = server.audience();
        let show = Self {
            window: Window::new(watchers),
            net: Some(start_server(server)?),
            shared,
            playback,
            began: clock::mono(),
        };
        Ok((show, audience))
    }

    /// Where in the recording it is, of which so much of one has been played.
    pub(super) fn playback(&self) -> Arc<Playback> {
        Arc::clone(&self.playback)
    }
}

impl Onlooker for Show {
    fn heard(&mut self, input: u8, arrived: Now, bytes: usize, counts: &Counts) {
        let Some(view) = self.shared.inputs.get(usize::from(input)) else {
            return;
        };
        view.tally.arrivals.fetch_add(1, Ordering::Relaxed);
        view.tally.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
        view.tally.show_counts(counts);
        self.playback.set(arrived);
    }

    fn begins(&mut self) {
        self.began = clock::mono();
    }

    fn report(&mut self, now: Now, report: &Report, lane: u8, nth: u64) {
        if let Some(view) = self.shared.inputs.get(usize::from(report.input.0)) {
            view.tally.note_report(report.arrived.mono);
        }
        self.window.report(now, report, lane, nth);
    }

    fn frame(&mut self, now: Now, frame: &Frame) {
        let made = clock::mono();
        self.shared.heart.note_frame(frame, None, now.mono);
        self.window.frame(now, frame, self.began, made);
        self.began = made;
    }

    fn view(&mut self, now: Now, station: &mut Station) {
        self.window.show(now, station);
    }

    fn ends(&mut self, now: Now, station: &Station) {
        self.playback.set(now);
        self.shared.heart.show_stats(station.stats());
        self.shared.heart.show_sensors(station, now.mono);
    }
}

impl Drop for Show {
    fn drop(&mut self) {
        if let Some(net) = self.net.take() {
            net.stop();
        }
    }
}
