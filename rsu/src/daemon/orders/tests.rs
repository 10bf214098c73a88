//! The clerk with a real station behind the mailbox and a journal on the disk.

use std::sync::mpsc::Receiver;
use std::thread::{self, JoinHandle};

use serde_json::{Value, json};

use super::journal::tests::Scratch;
use super::understand::MOST_OPERATOR;
use super::*;
use crate::daemon::mailbox::Woke;
use crate::events::{Stage, cloud};
use crate::report::InputId;
use crate::services::fixture::crossing;
use crate::site::Site;
use crate::station::{Config, Frame, Input, Station};
use v2x_msg::Message;
use v2x_msg::base::MsgCount;
use v2x_msg::kinds::rsm::Source;
use v2x_msg::kinds::{Rsi, rsi};

const OWN: StationId = StationId(*b"this-rsu");

/// A heart that beats until the mailbox is closed, and then says what is on the road.
fn heart(mailbox: &Arc<Mailbox>, site: &Site) -> JoinHandle<Vec<(u8, Stage)>> {
    let (mailbox, site) = (Arc::clone(mailbox), site.clone());
    let body = move || {
        mailbox.adopt();
        let now = clock::now();
        let config = Config {
            inputs: vec![Input {
                id: InputId(0),
                name: "controller".to_owned(),
                source: Source::Unknown,
            }],
            ..Config::default()
        };
        let mut station = Station::new(config, site, now, 1).unwrap();
        let mut frame = Frame::new();
        loop {
            let woke = mailbox.wait(station.poll_timeout(), Duration::ZERO);
            let now = clock::now();
            match woke {
                Woke::Order(mut letter) => {
                    letter.outcome = Some(station.handle_order(now, &mut letter.order));
                    mailbox.give_back(letter);
                }
                Woke::Report(_) | Woke::Timeout => station.handle_timeout(now),
                Woke::Closed => break,
            }
            while station.poll_transmit(&mut frame) {}
            while station.poll_event().is_some() {}
        }
        let shown = station.road_events();
        shown.map(|shown| (shown.event.id, shown.stage)).collect()
    };
    thread::Builder::new()
        .stack_size(8 << 20)
        .spawn(body)
        .unwrap()
}

struct Office {
    clerk: Clerk,
    heart: Option<JoinHandle<Vec<(u8, Stage)>>>,
    /// The desk's other end is not used here: orders are handed over by hand.
    _desk: Receiver<Filed>,
}

impl Office {
    fn open(scratch: &Scratch) -> Self {
        let site = Arc::new(crossing(2, 2));
        let mailbox = Arc::new(Mailbox::new(&[]));
        let heart = heart(&mailbox, &site);
        let (desk, wishes) = Desk::new();
        let (_, _desk) = Desk::new();
        let mut clerk = Clerk::new(
            (site, OWN, Some(scratch.path())),
            (desk, wishes),
            mailbox,
            Watchers::default(),
            Arc::default(),
        );
        clerk.mailbox.adopt_clerk();
        clerk.open_journal();
        Self {
            clerk,
            heart: Some(heart),
            _desk,
        }
    }

    /// Serves these together, and what has to wait for them after that.
    fn ask(
        &mut self,
        wishes: impl IntoIterator<Item = (What, Option<&'static str>)>,
    ) -> Vec<Answer> {
        let (mut filed, mut answers) = (Vec::new(), Vec::new());
        for (what, key) in wishes {
            let (answer, answered) = oneshot::channel();
            let key = key.map(str::to_owned);
            let wish = Wish { what, key };
            filed.push(Filed { wish, answer });
            answers.push(answered);
        }
        while !filed.is_empty() {
            filed = self.clerk.serve(filed);
        }
        let taken = answers.into_iter().map(|mut answer| answer.try_recv());
        taken.map(|answer| answer.unwrap()).collect()
    }

    fn one(&mut self, what: What) -> Answer {
        self.ask([(what, None)]).remove(0)
    }

    /// What is on the road at the end.
    fn close(mut self) -> Vec<(u8, Stage)> {
        self.clerk.mailbox.close();
        self.heart.take().unwrap().join().unwrap()
    }
}

fn works() -> Value {
    json!({ "type": 501, "position": { "east_m": 10, "north_m": -5 }, "level": 3 })
}

fn add() -> What {
    What::Add(works())
}

fn rte_id(answer: &Answer) -> u64 {
    assert_eq!(answer.code, 201, "{}", answer.body);
    answer.body["rte_id"].as_u64().unwrap()
}

#[test]
fn what_was_acknowledged_stands_again_with_its_id_and_what_ended_does_not() {
    let scratch = Scratch::new();
    let mut office = Office::open(&scratch);
    let answers = office.ask((0..5).map(|_| (add(), None)));
    let ids: Vec<u64> = answers.iter().map(rte_id).collect();
    assert_eq!(office.one(What::End(2)).code, 200);
    assert_eq!(office.one(What::End(2)).code, 404);
    let soon = json!({ "type": 501, "position": { "east_m": 1, "north_m": 1 }, "lasts_s": 1 });
    assert_eq!(office.one(What::Add(soon)).code, 201);
    office.close();
    thread::sleep(Duration::from_millis(1100));

    let mut office = Office::open(&scratch);
    let list = office.one(What::List).body;
    let standing: Vec<(u64, u64)> = list["events"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| {
            (
                one["number"].as_u64().unwrap(),
                one["rte_id"].as_u64().unwrap(),
            )
        })
        .collect();
    let expected = [(1, ids[0]), (3, ids[2]), (4, ids[3]), (5, ids[4])];
    assert_eq!(standing, expected);
    // Numbers are never given twice.
    assert_eq!(office.one(add()).body["number"], json!(7));
    let on_the_road = office.close();
    assert_eq!(on_the_road.len(), 5);
    let back: Vec<u64> = on_the_road.iter().map(|(id, _)| u64::from(*id)).collect();
    assert!(expected.iter().all(|(_, id)| back.contains(id)), "{back:?}");
}

#[test]
fn what_the_disk_refuses_is_taken_back_and_not_acknowledged() {
    let scratch = Scratch::new();
    let mut office = Office::open(&scratch);
    let kept = rte_id(&office.one(add()));
    let good = office.clerk.journal.as_mut().unwrap().refuse();
    let refused = office.one(add());
    assert_eq!(refused.code, 503, "{}", refused.body);
    let patch = json!({ "level": 7 });
    assert_eq!(office.one(What::Change(1, patch)).code, 503);
    // What cannot be written down as over goes on: it would come back.
    assert_eq!(office.one(What::End(1)).code, 503);
    let shown = office.one(What::Show(1)).body;
    assert_eq!(shown["asked"]["level"], json!(3));
    drop(good);
    let on_the_road = office.close();
    let stages: Vec<Stage> = on_the_road.iter().map(|(_, stage)| *stage).collect();
    assert_eq!(stages, [Stage::Holds, Stage::Cleared]);
    assert_eq!(u64::from(on_the_road[0].0), kept);
}

#[test]
fn a_change_keeps_number_id_beginning_and_end() {
    let scratch = Scratch::new();
    let mut office = Office::open(&scratch);
    let mut long = works();
    long["lasts_s"] = json!(600);
    let first = office.one(What::Add(long)).body;
    let patch = json!({ "level": 7, "position": null, "on": null, "path": {
        "radius_m": 4, "points": [{ "east_m": 0, "north_m": 0 }, { "east_m": 9, "north_m": 9 }] } });
    let second = office.one(What::Change(1, patch)).body;
    for key in ["number", "rte_id", "since_ms", "until_ms", "type"] {
        assert_eq!(first[key], second[key], "{key}");
    }
    assert_eq!(second["asked"]["level"], json!(7));
    assert!(second["asked"].get("position").is_none());
    let until = json!({ "until": "2099-01-01T00:00:00Z" });
    assert_eq!(office.one(What::Change(1, until)).code, 422);
    let longer = office.one(What::Change(1, json!({ "lasts_s": 6000 }))).body;
    assert!(longer["until_ms"].as_i64() > first["until_ms"].as_i64());
    assert_eq!(
        office.one(What::Change(1, json!({ "type": 401 }))).code,
        422
    );
    assert_eq!(office.one(What::Change(9, json!({}))).code, 404);
    assert_eq!(office.close().len(), 1);
}

#[test]
fn a_sign_is_put_up_changed_kept_over_a_restart_and_taken_down() {
    let scratch = Scratch::new();
    let mut office = Office::open(&scratch);
    let link = office.clerk.site.approaches().next().unwrap().clone();
    let body = json!({
        "kind": "sign", "type": 38, "code": "0000000000000038", "text": "正在施工", "lasts_s": 600,
        "links": [{ "upstream": format!("{}/{}", link.upstream.region.unwrap_or(0), link.upstream.id),
                    "downstream": link.downstream.id }],
    });
    let up = office.one(What::Add(body));
    assert_eq!(up.code, 201, "{}", up.body);
    assert_eq!(
        (&up.body["kind"], &up.body["type"]),
        (&json!("sign"), &json!(38))
    );
    assert!(up.body["rte_id"].is_null());
    let changed = office.one(What::Change(1, json!({ "text": "前方施工", "level": 6 })));
    assert_eq!(changed.code, 200, "{}", changed.body);
    for key in ["number", "rts_id", "since_ms", "until_ms", "type"] {
        assert_eq!(up.body[key], changed.body[key], "{key}");
    }
    for other in [
        json!({ "kind": "event" }),
        json!({ "type": 39 }),
        json!({ "kind": null }),
    ] {
        assert_eq!(office.one(What::Change(1, other)).code, 422);
    }
    // It does not stand in the way of an event, nor is it one.
    assert_eq!(office.one(add()).code, 201);
    assert_eq!(
        office.one(What::Change(2, json!({ "kind": "event" }))).code,
        200
    );
    assert_eq!(office.close().len(), 1);

    let mut office = Office::open(&scratch);
    let again = office.one(What::Show(1)).body;
    assert_eq!(again, changed.body);
    assert_eq!(office.one(What::End(1)).code, 200);
    assert_eq!(office.one(What::Show(1)).code, 404);
    office.close();
    let mut office = Office::open(&scratch);
    let list = office.one(What::List).body;
    assert_eq!(list["events"].as_array().unwrap().len(), 1);
    office.close();
}

#[test]
fn a_key_does_an_order_once_even_twice_in_a_batch_and_after_a_restart() {
    let scratch = Scratch::new();
    let mut office = Office::open(&scratch);
    let twice = office.ask([(add(), Some("k")), (add(), Some("k"))]);
    assert_eq!(twice[0].body, twice[1].body);
    assert!(!twice[0].again && twice[1].again);
    let other = office.ask([(What::End(1), Some("k"))]);
    assert_eq!(other[0].code, 422);
    office.close();
    let mut office = Office::open(&scratch);
    let again = office.ask([(add(), Some("k"))]);
    assert!(again[0].again);
    assert_eq!(again[0].body["number"], twice[0].body["number"]);
    assert_eq!(office.close().len(), 1);
}

#[test]
fn people_may_have_so_many_at_once_and_are_told() {
    let scratch = Scratch::new();
    let mut office = Office::open(&scratch);
    let wishes = (0..MOST_OPERATOR + 3).map(|_| (add(), None));
    let codes: Vec<u16> = office.ask(wishes).iter().map(|a| a.code).collect();
    assert_eq!(
        codes.iter().filter(|code| **code == 201).count(),
        MOST_OPERATOR
    );
    assert_eq!(codes.iter().filter(|code| **code == 503).count(), 3);
    assert_eq!(office.one(What::End(1)).code, 200);
    assert_eq!(office.one(add()).code, 201);
    office.close();
}

#[test]
fn a_journal_that_cannot_be_opened_refuses_all_and_is_tried_again() {
    let scratch = Scratch::new();
    std::fs::create_dir_all(scratch.path()).unwrap();
    let mut office = Office::open(&scratch);
    assert_eq!(office.one(add()).code, 503);
    std::fs::remove_dir(scratch.path()).unwrap();
    office.clerk.tried = None;
    office.clerk.open_journal();
    assert_eq!(office.one(add()).code, 201);
    office.close();
}

#[test]
fn the_units_own_rsi_is_not_told_again_when_it_comes_back() {
    let scratch = Scratch::new();
    let mut office = Office::open(&scratch);
    let site = Arc::clone(&office.clerk.site);
    let ready_made = |sender| {
        let mut event = rsi::Event::new(3, rsi::EventType::WORKS, rsi::EventSource::Police);
        event.pos = Some(site.origin);
        let count = MsgCount::new(1).unwrap();
        let rsi = Rsi::of_events(count, sender, site.origin, [event]).unwrap();
        let mut message = Message::default();
        rsi.fill(&mut message);
        let mut bytes = vec![0; 1400];
        let length = message.encode_into(&mut bytes).unwrap();
        let hour = Duration::from_secs(3600);
        let now = clock::now().utc;
        let told = cloud::parse_uper(&bytes[..length], hour, &site, now);
        What::Many {
            told: told.unwrap(),
            digits: String::new(),
        }
    };
    let back = office.one(ready_made(OWN));
    assert_eq!(back.code, 422, "{}", back.body);
    let other = office.one(ready_made(StationId(*b"neighbor")));
    assert_eq!(other.body["standing"].as_array().map(Vec::len), Some(1));
    assert_eq!(office.close().len(), 1);
}

#[test]
fn a_platform_begins_renews_and_ends_what_it_names() {
    let scratch = Scratch::new();
    let mut office = Office::open(&scratch);
    let site = Arc::clone(&office.clerk.site);
    let rules = cloud::Rules {
        dialect: cloud::Dialect::OpenV2x,
        longest: Duration::from_secs(60),
        duration_unit: None,
    };
    let said = |status: bool| {
        let text = json!({ "rsiDatas": [
            { "alertID": "a1", "eventStatus": status, "eventType": 707, "eventSource": 5,
              "eventPosition": { "lat": 31.287, "lon": 121.166 }, "eventRadius": 300 },
            { "alertID": "bad", "eventType": 0 },
        ]});
        let now = clock::now().utc;
        let bytes = text.to_string();
        What::Many {
            told: cloud::parse(bytes.as_bytes(), &rules, &site, now),
            digits: String::new(),
        }
    };
    let begun = office.one(said(true));
    assert_eq!(begun.code, 207, "{}", begun.body);
    let renewed = office.one(said(true));
    assert_eq!(
        begun.body["standing"][0]["rte_id"],
        renewed.body["standing"][0]["rte_id"]
    );
    assert_eq!(
        begun.body["standing"][0]["number"],
        renewed.body["standing"][0]["number"]
    );
    // A person may end it, and not change it.
    assert_eq!(office.one(What::Change(1, json!({ "level": 1 }))).code, 409);
    let over = office.one(said(false));
    assert_eq!(over.body["ended"], json!([1]), "{}", over.body);
    let on_the_road = office.close();
    assert_eq!(on_the_road.len(), 1);
    assert_eq!(on_the_road[0].1, Stage::Cleared);
}
