//! Following a log while it is written, cut and rewritten.

use std::fs::{self, OpenOptions};
use std::io::Write;

use distil_store::{EventTail, RunPaths};

#[test]
fn whole_lines_are_told_once_and_a_cut_log_from_its_start() {
    let folder = tempfile::tempdir().unwrap();
    let paths = RunPaths::new(folder.path());
    let mut tail = EventTail::new(&paths);
    let iterations = |tail: &mut EventTail| {
        let news = tail.read().unwrap();
        let all: Vec<u64> = news.events.iter().map(|event| event["iteration"].as_u64().unwrap()).collect();
        (news.restarted, all)
    };
    let append = |text: &str| {
        let file = OpenOptions::new().create(true).append(true).open(paths.events());
        file.unwrap().write_all(text.as_bytes()).unwrap();
    };
    assert_eq!(iterations(&mut tail), (false, vec![]), "there is no log yet");
    append("{\"iteration\": 1}\n{\"iteration\": 2}\n{\"itera");
    assert_eq!(iterations(&mut tail), (false, vec![1, 2]));
    assert_eq!(iterations(&mut tail), (false, vec![]));
    append("tion\": 3}\n");
    assert_eq!(iterations(&mut tail), (false, vec![3]));
    // A resumed run drops what was not saved; its log may be as long again by the time it is read.
    fs::write(paths.events(), "{\"iteration\": 1}\n").unwrap();
    assert_eq!(iterations(&mut tail), (true, vec![1]));
    let other = "{\"iteration\": 1, \"a\": 0}\n{\"iteration\": 2}\n";
    fs::write(paths.events(), other).unwrap();
    assert_eq!(iterations(&mut tail), (true, vec![1, 2]));
    append("no event\n");
    assert!(tail.read().unwrap_err().to_string().contains("events.jsonl"));
}
