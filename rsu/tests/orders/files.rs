//! A new file of the site, and recordings with orders.

use std::fs;
use std::path::Path;
use std::process::Output;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use v2x_msg::MessageKind;
use v2x_msg::kinds::Rsi;

use crate::unit::{LONG, SITE, TOKEN, Unit, bytes, heard, rsu, works};

#[test]
fn a_new_file_of_the_site_changes_signs_and_events_without_a_message_missed() {
    let mut unit = Unit::new("");
    unit.up();
    unit.hear(1, |_| true);
    let site = fs::read_to_string(SITE).unwrap();
    let with = |more: &str| fs::write(unit.folder.join("site.toml"), format!("{site}\n{more}"));
    with("[[event]]\nid = 1\ntype = 501\n").unwrap();
    unit.signal("HUP");
    unit.until_told("id 1 is that of line");
    unit.until_told("the old one goes on");
    with(
        "[[event]]\nid = 77\ntype = 407\ndescription = '路面积水'\n\
         on = { upstream = 11, downstream = 10, from-stop-line-m = 50 }\n",
    )
    .unwrap();
    unit.signal("HUP");
    unit.until_told("the site's signs and events are taken");
    // Of MAP and of RSI no count is missing, from before to after.
    unit.hear(77, |_| true);
    fs::copy(SITE, unit.folder.join("site.toml")).unwrap();
    let mut last = [None, None];
    let (mut gone, mut signalled) = (false, false);
    let mut buffer = [0; 2000];
    let start = Instant::now();
    while !gone || start.elapsed() < Duration::from_secs(4) {
        assert!(start.elapsed() < LONG);
        if !signalled && start.elapsed() > Duration::from_secs(1) {
            signalled = true;
            unit.signal("HUP");
        }
        let Ok(length) = unit.air.recv(&mut buffer) else {
            panic!("silence")
        };
        let (kind, message) = heard(&buffer[..length]).unwrap();
        let (place, count) = match kind {
            MessageKind::Map => {
                let map = v2x_msg::kinds::Map::read(&message).unwrap();
                (0, map.msg_cnt)
            }
            MessageKind::Rsi => {
                let rsi = Rsi::read(&message).unwrap();
                let of_77 = rsi.events().iter().find(|event| event.id == 77);
                gone |= of_77.is_some_and(|event| event.validity.end.is_some());
                (1, rsi.msg_cnt)
            }
            _ => continue,
        };
        if let Some(last) = last[place] {
            assert_eq!(v2x_msg::base::MsgCount::next(last), count, "{kind:?}");
        }
        last[place] = Some(count);
    }
    unit.signal("HUP");
    unit.until_told("nothing has changed");
}

#[test]
fn a_recording_with_orders_plays_back_byte_for_byte() {
    let mut unit = Unit::new("token-file = 'token'\n[record]\nfolder = 'rec'\nkeep-free-mb = 0");
    unit.up();
    unit.until("the recording", || unit.folder.join("rec").exists());
    let (_, told) = unit.order("POST", "/api/v1/events", &works());
    let path = format!("/api/v1/events/{}", told["number"]);
    unit.hear(told["rte_id"].as_u64().unwrap(), |_| true);
    assert_eq!(unit.order("PATCH", &path, &json!({ "level": 6 })).0, 200);
    let site = fs::read_to_string(SITE).unwrap();
    let more = "[[event]]\nid = 77\ntype = 407\neast-m = 5\nnorth-m = 5\n";
    fs::write(unit.folder.join("site.toml"), format!("{site}\n{more}")).unwrap();
    unit.signal("HUP");
    unit.hear(77, |_| true);
    assert_eq!(unit.order("DELETE", &path, &Value::Null).0, 200);
    thread::sleep(Duration::from_secs(1));
    unit.signal("TERM");
    let ended = unit.process.as_mut().unwrap().wait().unwrap();
    assert!(ended.success());
    let played = replay(&unit.folder.join("rec"));
    assert!(played.status.success(), "{played:?}");
    let said = String::from_utf8_lossy(&played.stdout).into_owned()
        + &String::from_utf8_lossy(&played.stderr);
    assert!(
        !said.contains("0 frames made") && !said.contains("missing"),
        "{said}"
    );
    let printed = rsu()
        .arg("replay")
        .arg(unit.folder.join("rec"))
        .arg("--print")
        .output()
        .unwrap();
    let lines = String::from_utf8(printed.stdout).unwrap();
    let digits = lines
        .lines()
        .filter_map(|line| line.split_whitespace().next());
    let frames = digits.filter_map(bytes);
    let ids: std::collections::BTreeSet<u8> = frames
        .filter_map(|frame| Rsi::read(&heard(&frame)?.1).ok())
        .flat_map(|rsi| {
            rsi.events()
                .iter()
                .map(|event| event.id)
                .collect::<Vec<_>>()
        })
        .collect();
    assert!(ids.contains(&77) && ids.len() >= 3, "{ids:?}");
}

#[test]
fn who_knows_the_word_has_the_files_read_again() {
    let mut unit = Unit::new("token-file = 'token'");
    unit.up();
    let token = format!("authorization: Bearer {TOKEN}");
    let reload = |unit: &Unit, token: &[&str]| unit.http("POST", "/api/v1/reload", token, "");
    assert_eq!(reload(&unit, &[]).0, 401);
    let (code, _, told) = reload(&unit, &[&token]);
    assert_eq!((code, told), (200, json!({ "changed": false })));
    let site = unit.folder.join("site.toml");
    let before = fs::read_to_string(&site).unwrap();
    fs::write(&site, format!("{before}\n[[event]]\nid = 77\ntype = 0\n")).unwrap();
    let (code, _, told) = reload(&unit, &[&token]);
    assert_eq!(code, 422, "{told}");
    assert!(
        told["error"].as_str().unwrap().contains("site.toml"),
        "{told}"
    );
    let more = "\n[[event]]\nid = 77\ntype = 407\neast-m = 5\nnorth-m = 5\n";
    fs::write(&site, format!("{before}{more}")).unwrap();
    let (code, _, told) = reload(&unit, &[&token]);
    assert_eq!((code, told), (200, json!({ "changed": true })));
    unit.until_told("the site's signs and events are taken");
    unit.hear(77, |event| event.event_type.0 == 407);
}

fn replay(folder: &Path) -> Output {
    rsu()
        .arg("replay")
        .arg(folder)
        .arg("--diff")
        .output()
        .unwrap()
}
