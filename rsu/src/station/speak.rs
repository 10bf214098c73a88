//! What leaves in which order, and what is withheld.
//!
//! A service says that something of its kind is due; here it is given what it speaks of, and the
//! beginning and the end of its speaking become events.

use super::Station;
use crate::clock::{Mono, Now};
use crate::report::{InputId, Weather as Readings};
use crate::services::{Event, Frame, FrameKind, NotSent};
use crate::signals::Change;

impl Station {
    /// First in every wake-up: all grids keep step with the clocks.
    pub(super) fn follow(&mut self, now: Now) {
        self.now = now;
        self.spat.follow(now);
        self.rsm.follow(now);
        self.rsi.follow(now);
        self.map.follow(now);
        self.answers.follow(now);
    }

    /// Late reports wait until the next slot of RSM opens, so that several share one way through the past
    /// and none of it is left for the moment of sending.
    pub(super) fn catch_up(&mut self, now: Now) {
        if self.fusion.is_behind() && now.mono >= self.rsm.opens() {
            self.fusion.catch_up();
            self.stats.fusion = self.fusion.counts();
        }
    }

    /// Last in every wake-up: what is due becomes ready to be composed.
    pub(super) fn turn(&mut self, now: Now) {
        self.catch_up(now);
        let missed = self.spat.turn(now);
        self.count_missed(FrameKind::Spat, missed);
        let missed = self.rsm.turn_on_time(now);
        self.count_missed(FrameKind::Rsm, missed);
        let missed = self.map.turn(now);
        self.count_missed(FrameKind::Map, missed);
        let missed = self.answers.turn(now);
        self.count_missed(FrameKind::Rsc, missed);
        self.tend(now);
        let (stats, events) = (&mut self.stats, &mut self.events);
        let (said, waits) = ((&self.book, &self.board), self.standing.waits());
        self.rsi.turn(now, said, waits, |kind, count| {
            stats.count_missed(kind, count, events);
        });
    }

    /// The events of the site that hold at the start; that they do is no news.
    pub(super) fn begin_events(&mut self, now: Now) {
        self.reserve_ids();
        self.stand_events(now);
        while self.book.poll_change().is_some() {}
    }

    /// The ids that the file has given are kept for it.
    pub(super) fn reserve_ids(&mut self) {
        let (events, signs) = self.standing.ids();
        self.book.reserve(events);
        self.board.reserve(signs);
    }

    /// Events of the site and of the weather begin and end, and what is over is forgotten.
    pub(super) fn tend(&mut self, now: Now) {
        self.weather.follow(now, &mut self.book, &mut self.board);
        self.stand_events(now);
        self.tell_changes();
    }

    /// A weather or road sensor has spoken.
    pub(super) fn hear_weather(&mut self, now: Now, input: InputId, readings: &Readings) {
        let (book, board) = (&mut self.book, &mut self.board);
        self.weather.hear(now, input, readings, book, board);
    }

    fn stand_events(&mut self, now: Now) {
        let events = &mut self.events;
        let refused = |event, index, _| events.raise(Event::NotAnnounced { event, index });
        self.standing
            .follow(now, &mut self.book, &mut self.board, refused);
        self.book.follow(now);
        self.board.follow(now);
        self.stats.road_events_turned_away = self.book.left_out() + self.board.left_out();
    }

    fn tell_changes(&mut self) {
        while let Some(change) = self.book.poll_change() {
            self.events.raise(Event::OnTheRoad(change));
        }
    }

    /// After everything that was due has left: what does the picture show by itself? Nothing leaves
    /// now; what is found leaves in the next slot of its class.
    pub(super) fn look_for_events(&mut self) -> bool {
        if std::mem::take(&mut self.look) {
            self.detect.know_turned(self.fusion.turned());
            let picture = self.fusion.picture(self.now.mono);
            let forecast = self.signals.forecast(self.now);
            self.detect
                .look(self.now, picture, forecast, &mut self.book);
            self.warnings.look(self.now.mono, picture, forecast);
            while let Some(change) = self.warnings.poll_change() {
                self.events.raise(Event::Warning(change));
            }
            self.stats.warnings_left_out = self.warnings.left_out();
        }
        false
    }

    pub(super) fn count_missed(&mut self, kind: FrameKind, count: u64) {
        self.stats.count_missed(kind, count, &mut self.events);
    }

    /// A controller has spoken.
    pub(super) fn handle_change(&mut self, now: Now, arrived: Now, change: Change) {
        self.heard_signals = Some(arrived);
        if change == Change::Colour {
            self.spat.colour_changed(now);
        }
        let conflict = self.signals.conflict();
        if conflict != self.conflict
            && let Some((first, second)) = conflict
        {
            self.events
                .raise(Event::ConflictingGreens { first, second });
        }
        self.conflict = conflict;
        while let Some(phase) = self.signals.poll_not_mentioned(arrived.mono) {
            self.events.raise(Event::PhaseNotMentioned { phase });
        }
        self.stats.signals = self.signals.oddities();
    }

    pub(super) fn poll_spat(&mut self, frame: &mut Frame) -> bool {
        if !self.spat.is_ready() {
            return false;
        }
        if !self.clock.is_fit() {
            self.spat.skip();
            self.stats.withhold(FrameKind::Spat);
            return false;
        }
        let forecast = self.signals.say(self.now);
        let Some(forecast) = forecast.filter(|forecast| !forecast.phases.is_empty()) else {
            self.spat.skip();
            self.stats.withhold(FrameKind::Spat);
            if std::mem::take(&mut self.spat_speaks) {
                self.events.raise(Event::SpatStopped);
            }
            return false;
        };
        let composed = self.spat.compose(self.now, forecast, frame);
        if !self.left(FrameKind::Spat, composed, frame) {
            return false;
        }
        frame.cause = self.heard_signals;
        self.stats.sent_at_change += u64::from(frame.slot.is_none());
        if !std::mem::replace(&mut self.spat_speaks, true) {
            self.events.raise(Event::SpatStarted);
        }
        true
    }

    pub(super) fn poll_rsm(&mut self, frame: &mut Frame) -> bool {
        if !self.rsm.is_ready() {
            return false;
        }
        if self.rsm.wants_picture() {
            // Also where nothing will be sent: asking is how fusion learns that time goes on.
            let picture = self.fusion.picture(self.now.mono);
            let warned = |id| self.warnings.names(id);
            self.stats.tracks = self.rsm.take_picture(self.now, picture, warned);
            self.stats.tracks_left_out += self.rsm.left_out();
            self.look = true;
        }
        if !self.clock.is_fit() {
            self.rsm.skip();
            self.stats.withhold(FrameKind::Rsm);
            return false;
        }
        if !self.rsm.is_fresh(self.now) {
            self.rsm.skip();
            self.stats.withhold(FrameKind::Rsm);
            if std::mem::take(&mut self.rsm_speaks) {
                self.events.raise(Event::RsmStopped);
            }
            return false;
        }
        let composed = self.rsm.compose(self.now, frame);
        if !self.left(FrameKind::Rsm, composed, frame) {
            return false;
        }
        if !std::mem::replace(&mut self.rsm_speaks, true) {
            self.events.raise(Event::RsmStarted);
        }
        true
    }

    /// Vehicles that asked are answered: first what to do, then who is seen.
    pub(super) fn poll_answers(&mut self, frame: &mut Frame) -> bool {
        if let Some(slot) = self.answers.take_slot() {
            self.decide(slot);
        }
        if self.answers.advises() {
            let advice = self.desk.advice();
            let composed = self.answers.compose_advice(self.now, advice, frame);
            if self.left(FrameKind::Rsc, composed, frame) {
                return true;
            }
        }
        if !self.answers.shares() {
            return false;
        }
        let picture = self.fusion.picture(self.now.mono);
        let (now, rsm) = (self.now, &mut self.rsm);
        let own = rsm.own_entry(now);
        let places = self.desk.shared().into_iter().flatten();
        let tracks = places.filter_map(|place| picture.tracks.get(place));
        let seen = tracks.filter_map(|track| rsm.entry(now, track));
        let composed = self.answers.compose_shared(now, own, seen, frame);
        self.left(FrameKind::Ssm, composed, frame)
    }

    /// Decides what is asked at the slot in hand, where the picture and the clock allow to say anything.
    fn decide(&mut self, slot: Mono) {
        if !self.desk.is_asked(self.now.mono) {
            return;
        }
        let speaks = self.clock.is_fit() && self.rsm.is_fresh(self.now);
        if !speaks {
            self.stats.withhold(FrameKind::Rsc);
            return;
        }
        self.desk.decide(self.fusion.picture(self.now.mono));
        self.stats.answers = self.desk.counts();
        let (advises, shares) = (!self.desk.advice().is_empty(), self.desk.shared().is_some());
        self.answers.want(slot, advises, shares);
    }

    pub(super) fn poll_map(&mut self, frame: &mut Frame) -> bool {
        if !self.map.is_ready() {
            return false;
        }
        let composed = self.map.compose(self.now, self.clock.is_fit(), frame);
        self.left(FrameKind::Map, composed, frame)
    }

    pub(super) fn poll_rsi(&mut self, kind: FrameKind, frame: &mut Frame) -> bool {
        if !self.rsi.is_ready(kind) {
            return false;
        }
        let dated = self.clock.is_fit();
        let left_out = &mut self.stats.road_events_left_out;
        let said = (&self.book, &self.board);
        let composed = self
            .rsi
            .compose(kind, self.now, dated, said, frame, left_out);
        match composed {
            Ok(false) => false,
            Ok(true) => self.left(kind, Ok(()), frame),
            Err(reason) => self.left(kind, Err(reason), frame),
        }
    }

    /// Books a message that was composed, or that could not be.
    fn left(&mut self, kind: FrameKind, composed: Result<(), NotSent>, frame: &mut Frame) -> bool {
        let failing = &mut self.failing[kind.index()];
        match composed {
            Ok(()) => {
                frame.set_priority(self.priorities.of(kind));
                *failing = false;
                self.stats.sent[kind.index()] += 1;
                true
            }
            Err(reason) => {
                self.stats.not_sent[kind.index()] += 1;
                if !std::mem::replace(failing, true) {
                    self.events.raise(Event::NotSent { kind, reason });
                }
                false
            }
        }
    }
}
