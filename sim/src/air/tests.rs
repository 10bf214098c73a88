//! The channel against what has been published of it, and against its own rules.

use std::path::Path;
use std::time::Duration;

use rsu::clock::Mono;

use super::physics::{block_error_rate, path_loss_db};
use super::*;
use crate::plane::Point;
use crate::random::{Purpose, Stream};

/// A road full of vehicles that all send alike.
struct Road {
    channel: Channel,
    radios: Vec<RadioId>,
    period_ms: u32,
    sent: u64,
}

impl Road {
    /// 3 km long, as dense as said; who stands in the middle listens.
    fn new(radios: Radios, vehicles_per_m: f64, rate_hz: u32, seed: u64) -> Self {
        let mut channel = Channel::new(radios, seed);
        let mut draw = Stream::new(seed, 0, Purpose::Arrival);
        let count = (LENGTH_M * vehicles_per_m) as u64;
        let ids = (0..count).map(|number| {
            // One in each stretch, so that the road is as dense as said everywhere.
            let at_m = (number as f64 + draw.uniform()) / vehicles_per_m;
            let lane_m = 3.5 * (number % 4) as f64;
            let middle = (at_m - LENGTH_M / 2.0).abs() < MIDDLE_M / 2.0;
            let listens = middle && number % 4 == 0;
            channel.join(Kind::Vehicle, number, Point::new(at_m, lane_m), listens)
        });
        let radios = ids.collect();
        Self {
            channel,
            radios,
            period_ms: 1000 / rate_hz,
            sent: 0,
        }
    }

    /// A tenth of a second at 70 km/h, two lanes one way and two the other.
    fn drive(&mut self) {
        for (number, &radio) in self.radios.iter().enumerate() {
            let at = self.channel.place(radio).unwrap();
            let step_m = if number % 4 < 2 { 1.944 } else { -1.944 };
            let moved = Point::new(at.east_m + step_m, at.north_m);
            self.channel.move_to(radio, moved);
        }
    }

    /// Everybody speaks every period, each at a moment of its own.
    fn run(&mut self, from_s: u64, until_s: u64) {
        let mut heard = Vec::new();
        let period = u64::from(self.period_ms);
        for ms in from_s * 1000..until_s * 1000 {
            let now = Mono::from_nanos(ms * 1_000_000);
            self.channel.handle_timeout(now, &mut heard);
            heard.clear();
            if ms % 100 == 0 {
                self.drive();
            }
            let first = (ms % period) as usize;
            for number in (first..self.radios.len()).step_by(period as usize) {
                self.sent += 1;
                let flow = (1, self.period_ms);
                self.channel
                    .send(now, self.radios[number], flow, 190, self.sent);
            }
        }
    }
}

const LENGTH_M: f64 = 3000.0;
const MIDDLE_M: f64 = 1200.0;

/// One published configuration and its points: distance and share delivered.
struct Published {
    density: f64,
    rate_hz: u32,
    power_dbm: f64,
    subchannels: u8,
    points: Vec<(f64, f64)>,
}

fn published() -> Option<Vec<Published>> {
    let file =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/scenes/channel/pdr_points.csv");
    let Ok(text) = std::fs::read_to_string(&file) else {
        println!("skipped: {} is not there", file.display());
        return None;
    };
    let mut all: Vec<Published> = Vec::new();
    for line in text.lines().skip(1) {
        let row: Vec<f64> = line.split(',').map(|cell| cell.parse().unwrap()).collect();
        let (density, rate_hz, power_dbm, subchannels) =
            (row[0], row[1] as u32, row[2], row[3] as u8);
        let same = |one: &&mut Published| {
            one.density.to_bits() == density.to_bits()
                && one.rate_hz == rate_hz
                && one.power_dbm.to_bits() == power_dbm.to_bits()
                && one.subchannels == subchannels
        };
        match all.iter_mut().find(same) {
            Some(one) => one.points.push((row[4], row[5])),
            None => all.push(Published {
                density,
                rate_hz,
                power_dbm,
                subchannels,
                points: vec![(row[4], row[5])],
            }),
        }
    }
    Some(all)
}

/// As the published simulation was set up.
fn their_radios(power_dbm: f64, subchannels: u8) -> Radios {
    Radios {
        carrier_ghz: 5.9,
        subchannels,
        vehicle_dbm: power_dbm,
        ..Radios::default()
    }
}

/// The road at rest after two seconds, then so many that count that chance counts little.
fn delivered(radios: Radios, density: f64, rate_hz: u32) -> Channel {
    let seconds = (2.4 / density).round() as u64;
    let mut road = Road::new(radios, density, rate_hz, 1);
    road.run(0, 2);
    road.channel.begin_anew();
    road.run(2, 2 + seconds);
    road.channel
}

/// The share delivered at a distance. The published simulation was counted up to 500 m, so the last of
/// its points has only one side.
fn share_at(channel: &Channel, at_m: f64, most_m: f64) -> f64 {
    let to_m = (at_m + 12.5).min(most_m);
    let bin = channel.score().vehicles.between(at_m - 12.5, to_m);
    bin.delivered().expect("a share")
}

fn hold_against_published(which: impl Fn(usize) -> bool) {
    let Some(all) = published() else {
        return;
    };
    assert_eq!(all.len(), 9);
    for (_, one) in all.iter().enumerate().filter(|(i, _)| which(*i)) {
        let radios = their_radios(one.power_dbm, one.subchannels);
        let channel = delivered(radios, one.density, one.rate_hz);
        let off = |(at_m, theirs): (f64, f64)| (share_at(&channel, at_m, 500.0) - theirs).abs();
        let all: Vec<f64> = one.points.iter().map(|&point| off(point)).collect();
        let worst = all.iter().copied().fold(0.0, f64::max);
        println!(
            "{} veh/m, {} Hz, {} dBm, {} subchannels: off by {:.3}, at most {worst:.3}; busy {:.2}",
            one.density,
            one.rate_hz,
            one.power_dbm,
            one.subchannels,
            all.iter().sum::<f64>() / all.len() as f64,
            channel.score().busy_ratio().expect("listeners")
        );
        assert!(worst <= 0.05, "{all:?}");
    }
}

// In two halves, for two cores.
#[test]
fn delivery_is_that_of_the_published_simulation() {
    hold_against_published(|i| i % 2 == 0);
}

#[test]
fn delivery_is_that_of_the_published_simulation_too() {
    hold_against_published(|i| i % 2 == 1);
}

#[test]
fn delivery_is_that_of_the_analytical_model() {
    // 0.2 vehicles a metre, 10 Hz, 20 dBm, four subchannels: worked out from the published equations.
    let model = [
        (50.0, 0.968),
        (100.0, 0.954),
        (200.0, 0.901),
        (300.0, 0.765),
        (400.0, 0.555),
        (500.0, 0.226),
    ];
    let channel = delivered(their_radios(20.0, 4), 0.2, 10);
    for (at_m, theirs) in model {
        let ours = share_at(&channel, at_m, f64::INFINITY);
        assert!((ours - theirs).abs() <= 0.05, "{at_m} m: {ours}");
    }
    let busy = channel.score().busy_ratio().expect("listeners");
    assert!((busy - 0.44).abs() < 0.06, "{busy}");
}

#[test]
fn the_loss_is_that_of_the_published_equations() {
    // The two antenna heights that are in use lie 16.5 dB apart at 300 m.
    assert!((path_loss_db(300.0, 1.5, 1.5, 5.9) - 102.6).abs() < 0.05);
    assert!((path_loss_db(300.0, 0.5, 0.5, 5.9) - 119.1).abs() < 0.05);
    // Near by it is never less than in free space.
    let free_db = 20.0 * libm::log10(5.0) + 32.45 + 20.0 * libm::log10(5.9);
    assert!((path_loss_db(5.0, 1.5, 1.5, 5.9) - free_db).abs() < 3.0);
    assert!((block_error_rate(9.0) - 0.0875).abs() < 1e-9);
    assert!(block_error_rate(-3.0) >= 1.0 && block_error_rate(40.0) < 0.002);
}

/// Sends one message after another and tells when each was heard.
fn arrivals(channel: &mut Channel, from: RadioId, to: RadioId, count: u64) -> Vec<Option<Mono>> {
    let mut heard = Vec::new();
    let begin = channel.passed_ms() + 1;
    for i in 0..count {
        let now = Mono::from_nanos((begin + i * 100) * 1_000_000);
        channel.handle_timeout(now, &mut heard);
        channel.send(now, from, (1, 100), 150, i);
    }
    channel.handle_timeout(
        Mono::from_nanos((begin + count * 100 + 200) * 1_000_000),
        &mut heard,
    );
    let of = |i| heard.iter().find(move |one| one.cargo == i && one.to == to);
    (0..count).map(|i| of(i).map(|one| one.at)).collect()
}

#[test]
fn a_message_waits_as_long_as_the_one_before_until_the_place_is_used_up() {
    let mut channel = Channel::new(Radios::default(), 3);
    let from = channel.join(Kind::Vehicle, 1, Point::new(0.0, 0.0), false);
    let to = channel.join(Kind::Vehicle, 2, Point::new(40.0, 0.0), true);
    let heard = arrivals(&mut channel, from, to, 200);
    let waits: Vec<u64> = heard
        .iter()
        .enumerate()
        .filter_map(|(i, at)| at.map(|at| at.nanos() / 1_000_000 - 1 - i as u64 * 100))
        .collect();
    assert!(waits.len() >= 198, "nobody else is there: {}", waits.len());
    assert!(
        waits.iter().all(|wait_ms| (5..=105).contains(wait_ms)),
        "{waits:?}"
    );
    let changes = waits.windows(2).filter(|pair| pair[0] != pair[1]).count();
    // Places last for 5 to 15 messages.
    assert!((200 / 15 - 1..=200 / 5).contains(&changes), "{changes}");
}

#[test]
fn what_comes_as_an_event_has_a_place_of_its_own_each_time() {
    let phases = |period_ms: u32| {
        let mut channel = Channel::new(Radios::default(), 1);
        let from = channel.join(Kind::Roadside, 1, Point::new(0.0, 0.0), false);
        let to = channel.join(Kind::Vehicle, 2, Point::new(20.0, 0.0), true);
        let mut heard = Vec::new();
        for message in 0..100u64 {
            let now = Mono::from_nanos(message * 100_000_000);
            channel.handle_timeout(now, &mut heard);
            channel.send(now, from, (1, period_ms), 150, message);
        }
        channel.handle_timeout(Mono::from_nanos(11_000_000_000), &mut heard);
        assert!(heard.iter().all(|one| one.to == to));
        // Which subframe of the grid each came in, and how often that changed from one to the next.
        let phase = |one: &Delivered| one.at.nanos() / 1_000_000 % 100;
        let changes = heard
            .windows(2)
            .filter(|two| phase(&two[0]) != phase(&two[1]));
        (heard.len(), changes.count())
    };
    let (booked, booked_changes) = phases(100);
    let (events, event_changes) = phases(channel::EVENT_MS);
    assert!(booked >= 95 && events >= 95, "{booked} {events}");
    assert!(booked_changes <= 20, "{booked_changes}");
    assert!(event_changes >= 80, "{event_changes}");
}

#[test]
fn two_who_have_booked_the_same_place_go_on_to_collide() {
    // Pair after pair begins at one moment, and neither hears the other while they send together.
    let radios = Radios {
        shadowing_db: 0.0,
        ..Radios::default()
    };
    let mut channel = Channel::new(radios, 4);
    let to = channel.join(Kind::Vehicle, 0, Point::new(0.0, 0.0), true);
    let mut runs = Vec::new();
    for pair in 1..1500_u64 {
        let begin = Mono::from_nanos(pair * 10_000_000_000);
        let [one, other] = [-100.0, 100.0].map(|east_m| {
            let number = 2 * pair + u64::from(east_m > 0.0);
            channel.join(Kind::Vehicle, number, Point::new(east_m, 0.0), false)
        });
        let mut heard = Vec::new();
        for i in 0..10_u64 {
            let now = begin + Duration::from_millis(i * 100);
            channel.handle_timeout(now, &mut heard);
            channel.send(now, one, (1, 100), 150, 2 * i);
            channel.send(now, other, (1, 100), 150, 2 * i + 1);
        }
        channel.handle_timeout(begin + Duration::from_secs(3), &mut heard);
        let mut run = 0;
        for i in 0..10 {
            let lost = !heard.iter().any(|one| one.to == to && one.cargo / 2 == i);
            run = if lost { run + 1 } else { 0 };
            runs.push(run);
        }
        channel.leave(one);
        channel.leave(other);
    }
    // Both at 100 m from the listener: neither is heard, and not once but for some messages.
    let longest = runs.iter().max().copied().unwrap_or(0);
    assert!(longest >= 4, "{longest}");
}

#[test]
fn who_sends_hears_nothing_in_that_subframe() {
    let mut lost = 0;
    let mut channel = Channel::new(Radios::default(), 1);
    for pair in 1..1500_u64 {
        let one = channel.join(Kind::Vehicle, 2 * pair, Point::new(0.0, 0.0), true);
        let other = channel.join(Kind::Vehicle, 2 * pair + 1, Point::new(50.0, 0.0), true);
        let now = Mono::from_nanos(pair * 1_000_000_000);
        channel.send(now, one, (1, 100), 150, 1);
        channel.send(now, other, (1, 100), 150, 2);
        let mut heard = Vec::new();
        channel.handle_timeout(now + Duration::from_millis(200), &mut heard);
        let by: Vec<_> = heard.iter().map(|one| one.to).collect();
        match by.len() {
            2 => {}
            0 => lost += 1,
            // Noise takes one in a thousand.
            found => assert_eq!(found, 1, "{heard:?}"),
        }
        channel.leave(one);
        channel.leave(other);
    }
    assert!((5..30).contains(&lost), "one in a hundred or so: {lost}");
}

#[test]
fn a_high_antenna_reaches_farther_and_a_long_message_less_far() {
    let far_m = 650.0;
    let heard = |kind, octets: usize| {
        let mut channel = Channel::new(Radios::default(), 5);
        let mut all = 0;
        for number in 0..200 {
            let from = channel.join(kind, 1000 + number, Point::new(0.0, 0.0), false);
            let to = channel.join(Kind::Vehicle, number, Point::new(far_m, 0.0), true);
            let now = Mono::from_nanos((number + 1) * 1_000_000_000);
            channel.send(now, from, (1, 100), octets, number);
            let mut heard = Vec::new();
            channel.handle_timeout(now + Duration::from_millis(300), &mut heard);
            all += heard.len();
            channel.leave(from);
            channel.leave(to);
        }
        all
    };
    let (low, high) = (heard(Kind::Vehicle, 150), heard(Kind::Roadside, 150));
    assert!(
        high > low + 40,
        "{high} of the roadside, {low} of a vehicle"
    );
    let long = heard(Kind::Roadside, 1400);
    assert!(long < high, "{long} of long ones, {high} of short ones");
}

#[test]
fn a_newer_message_takes_the_place_of_one_that_waits() {
    let mut channel = Channel::new(Radios::default(), 1);
    let from = channel.join(Kind::Vehicle, 1, Point::new(0.0, 0.0), false);
    let to = channel.join(Kind::Vehicle, 2, Point::new(10.0, 0.0), true);
    let now = Mono::from_nanos(1_000_000);
    channel.send(now, from, (1, 100), 150, 1);
    channel.send(now, from, (1, 100), 150, 2);
    let mut heard = Vec::new();
    channel.handle_timeout(now + Duration::from_millis(200), &mut heard);
    let what: Vec<u64> = heard.iter().map(|one| one.cargo).collect();
    assert_eq!((what, channel.score().replaced), (vec![2], 1));
    assert_eq!(heard[0].to, to);
    // Whoever has left is not heard any more, and what it wanted to say is forgotten.
    channel.send(heard[0].at, from, (1, 100), 150, 3);
    channel.leave(from);
    heard.clear();
    channel.handle_timeout(Mono::from_nanos(900_000_000), &mut heard);
    assert_eq!(heard, []);
}
