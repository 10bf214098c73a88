//! The recorder by hand, second by second: how files follow one another.

use std::path::Path;

use super::super::tap::Sizes;
use super::read::messages;
use super::*;
use crate::config;

const BEGAN: Now = Now {
    mono: Mono::from_nanos(1_000_000_000),
    utc: Utc::from_unix_ns(1_700_000_000_000_000_000),
};

fn recorder(folder: &Path, record: impl FnOnce(&mut Record)) -> Recorder {
    let text = "[station]\nname = 'unit'\nsite = 'sites/moyu-boyuan.toml'\n\
                [radio]\ntarget = 'udp://127.0.0.1:9'\n\
                [[input.gat1743]]\nname = 'signal'\nlisten = 'udp://127.0.0.1:9'\n";
    let file = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../configs/test.toml"));
    let checked = config::parse(text, file, &mut |path| fs::read_to_string(path));
    let config = checked.unwrap_or_else(|f| panic!("{f}")).config;
    let mut wish = Record::in_folder(folder.to_owned());
    wish.keep_free_bytes = 0;
    record(&mut wish);
    let reader = Reader::new(Sizes::RECORD);
    let (tally, stop) = (Arc::default(), Arc::default());
    Recorder::new(wish, &config, BEGAN, 1, reader, tally, stop)
}

/// So many seconds, with so many bytes each that compress badly.
fn run(recorder: &mut Recorder, seconds: u64, bytes: usize) {
    let mut noise = 1_u64;
    for second in 0..seconds {
        let after = Duration::from_secs(second);
        let at = Now {
            mono: BEGAN.mono + after,
            utc: BEGAN.utc + after,
        };
        for _ in 0..bytes / 1000 {
            let mut data = [0_u8; 1000];
            for byte in &mut data {
                noise = noise
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1);
                *byte = (noise >> 56) as u8;
            }
            let input = InputId(0);
            recorder.reader.tap.put(Mark::Arrived { input, at }, &data);
        }
        recorder.work(at);
    }
}

fn scratch(name: &str) -> PathBuf {
    let path = std::env::temp_dir().join(format!("rsu-record-{name}-{}", std::process::id()));
    let _ = fs::remove_dir_all(&path);
    path
}

/// Length, part and topics of each file, in their order.
fn files(folder: &Path) -> Vec<(u64, u32, Vec<String>)> {
    let entries = fs::read_dir(folder).unwrap();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let about = |path: &PathBuf| {
        let file = fs::File::open(path).unwrap();
        let (mut part, mut topics) = (u32::MAX, Vec::new());
        let read = messages(file, |topic, data| {
            if topic == "/start" {
                part = read::parse::<entry::Start>(topic, data)?.part;
            }
            topics.push(topic.to_owned());
            Ok(true)
        });
        read.unwrap();
        (fs::metadata(path).unwrap().len(), part, topics)
    };
    paths.iter().map(about).collect()
}

#[test]
fn files_follow_one_another_by_length_and_the_oldest_go() {
    let folder = scratch("length");
    let mut recorder = recorder(&folder, |wish| {
        wish.max_file_bytes = 200_000;
        wish.quota_bytes = 500_000;
    });
    run(&mut recorder, 40, 60_000);
    let files = files(&folder);
    let parts: Vec<u32> = files.iter().map(|(_, part, _)| *part).collect();
    assert!(parts[0] > 0, "{parts:?}");
    assert!(
        parts.windows(2).all(|pair| pair[0] + 1 == pair[1]),
        "{parts:?}"
    );
    let whole: u64 = files.iter().map(|(bytes, ..)| bytes).sum();
    assert!(whole <= 500_000, "{whole}");
    // A second more than it may be, as it is looked at once a second.
    let longest = files.iter().map(|(bytes, ..)| *bytes).max().unwrap();
    assert!((200_000..280_000).contains(&longest), "{longest}");
    for (_, _, topics) in &files {
        assert_eq!(topics[..2], ["/start", "/map"]);
    }
    assert_eq!(recorder.tally.failures.load(Ordering::Relaxed), 0);
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn files_follow_one_another_by_time() {
    let folder = scratch("time");
    let mut recorder = recorder(&folder, |wish| wish.max_file_age = Duration::from_secs(10));
    run(&mut recorder, 35, 1000);
    let files = files(&folder);
    assert_eq!(files.len(), 4);
    // Nothing that came is in none of them, but for the chunk that is still open.
    let arrivals = files.iter().flat_map(|(_, _, topics)| topics);
    let arrivals = arrivals.filter(|topic| *topic == "/input/signal").count();
    assert!((34..=35).contains(&arrivals), "{arrivals}");
    fs::remove_dir_all(folder).unwrap();
}
