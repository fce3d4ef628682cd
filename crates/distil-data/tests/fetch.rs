//! Downloads from a server on this machine that misbehaves in every way that servers do.

#![expect(clippy::unwrap_used, reason = "the helpers of tests unwrap like the tests")]

use distil_progress::{News, Progress};
use std::{
    fs,
    io::{BufRead, BufReader, Write},
    net::{TcpListener, TcpStream},
    ops::ControlFlow,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use distil_data::{DatasetName, Download, Error, Fetch, RemoteFile, download};
use sha2::{Digest, Sha256};

/// How the server treats a request for its one file.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Mood {
    /// Answers ranges.
    Good,
    /// Answers ranges, but closes the first connections after this many bytes of body.
    Cuts { first: usize, bytes: usize },
    /// Sends everything whatever was asked for.
    NoRanges,
    /// Refuses ranges.
    RangeRefused,
    /// Flips a bit.
    Corrupt,
    /// Has no such file.
    Missing,
    /// Is overloaded for the first requests.
    Busy { first: usize },
    /// Has a file of another length.
    Longer,
}

struct Server {
    url: String,
    requests: Arc<AtomicUsize>,
    sent: Arc<AtomicUsize>,
}

fn content() -> Vec<u8> {
    (0..300_000u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 13) as u8).collect()
}

/// Serves until the test process ends.
fn serve(mood: Mood) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (requests, sent) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let server = Server { url, requests: Arc::clone(&requests), sent: Arc::clone(&sent) };
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let number = requests.fetch_add(1, Ordering::SeqCst);
            // A client that hangs up early is part of the tests.
            let _ = answer(stream.unwrap(), mood, number, &sent);
        }
    });
    server
}

fn answer(mut stream: TcpStream, mood: Mood, number: usize, sent: &AtomicUsize) -> std::io::Result<()> {
    let mut range = None;
    for line in BufReader::new(stream.try_clone()?).lines() {
        let line = line?.to_ascii_lowercase();
        if let Some(value) = line.strip_prefix("range: bytes=") {
            range = value.trim_end_matches('-').parse::<usize>().ok();
        }
        if line.is_empty() {
            break;
        }
    }
    let mut body = content();
    match mood {
        Mood::Corrupt => body[1000] ^= 1,
        Mood::Longer => body.push(0),
        _ => {}
    }
    let total = body.len();
    let start = range.unwrap_or(0);
    let (status, extra) = match mood {
        Mood::Missing => ("404 Not Found", String::new()),
        Mood::Busy { first } if number < first => ("503 Service Unavailable", String::new()),
        Mood::RangeRefused if start > 0 => ("416 Range Not Satisfiable", String::new()),
        Mood::NoRanges => ("200 OK", String::new()),
        _ if start > 0 => {
            ("206 Partial Content", format!("Content-Range: bytes {start}-{}/{total}\r\n", total - 1))
        }
        _ => ("200 OK", String::new()),
    };
    let body = match &status[..3] {
        "206" => &body[start..],
        "200" => &body[..],
        _ => &[],
    };
    write!(
        stream,
        "HTTP/1.1 {status}\r\nContent-Length: {}\r\n{extra}Connection: close\r\n\r\n",
        body.len()
    )?;
    let kept = match mood {
        Mood::Cuts { first, bytes } if number < first => &body[..bytes.min(body.len())],
        _ => body,
    };
    sent.fetch_add(kept.len(), Ordering::SeqCst);
    stream.write_all(kept)
}

fn remote(server: &Server) -> RemoteFile {
    let content = content();
    let sha256 = Sha256::digest(&content).iter().fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"));
    RemoteFile {
        url: format!("{}/set.bin", server.url),
        name: "set.bin".into(),
        bytes: content.len() as u64,
        sha256,
    }
}

fn get(server: &Server, folder: &Path, attempts: u32) -> Result<std::path::PathBuf, Error> {
    let how = Download { attempts, patience: Duration::from_secs(20) };
    download(&remote(server), folder, how, Progress::none())
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        folder.read_dir().unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn a_cut_connection_is_continued_by_the_same_call() {
    let folder = tempfile::tempdir().unwrap();
    let server = serve(Mood::Cuts { first: 2, bytes: 100_000 });
    let path = get(&server, folder.path(), 4).unwrap();
    assert_eq!(fs::read(path).unwrap(), content());
    assert_eq!(names(folder.path()), ["set.bin"]);
    assert_eq!(server.requests.load(Ordering::SeqCst), 3);
    assert_eq!(server.sent.load(Ordering::SeqCst), 300_000, "nothing is sent twice");
}

#[test]
fn a_cut_connection_is_continued_by_the_next_call() {
    let folder = tempfile::tempdir().unwrap();
    let server = serve(Mood::Cuts { first: 1, bytes: 123_456 });
    let error = get(&server, folder.path(), 1).unwrap_err().to_string();
    assert!(error.contains("set.bin") && error.contains("continue"), "{error}");
    assert_eq!(names(folder.path()), ["set.bin.part"]);
    assert_eq!(fs::read(folder.path().join("set.bin.part")).unwrap(), content()[..123_456]);
    let path = get(&server, folder.path(), 1).unwrap();
    assert_eq!(fs::read(path).unwrap(), content());
    assert_eq!(server.sent.load(Ordering::SeqCst), 300_000);
}

#[test]
fn a_server_without_ranges_sends_everything_again() {
    for mood in [Mood::NoRanges, Mood::RangeRefused] {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("set.bin.part"), &content()[..50_000]).unwrap();
        let path = get(&serve(mood), folder.path(), 3).unwrap();
        assert_eq!(fs::read(path).unwrap(), content(), "{mood:?}");
        assert_eq!(names(folder.path()), ["set.bin"]);
    }
}

#[test]
fn a_corrupt_file_never_gets_its_name() {
    let folder = tempfile::tempdir().unwrap();
    let server = serve(Mood::Corrupt);
    let error = get(&server, folder.path(), 3).unwrap_err();
    assert!(matches!(error, Error::Checksum { .. }), "{error}");
    assert_eq!(names(folder.path()), [""; 0]);
    assert_eq!(server.requests.load(Ordering::SeqCst), 1, "a whole wrong file is not asked for again");
}

#[test]
fn a_bad_beginning_is_replaced() {
    for garbage in [vec![9; 1000], vec![9; 300_000], vec![9; 300_001]] {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("set.bin.part"), &garbage).unwrap();
        let path = get(&serve(Mood::Good), folder.path(), 2).unwrap();
        assert_eq!(fs::read(path).unwrap(), content(), "{} bytes", garbage.len());
    }
}

#[test]
fn a_complete_part_file_needs_no_server() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("set.bin.part"), content()).unwrap();
    let server = serve(Mood::Missing);
    assert_eq!(fs::read(get(&server, folder.path(), 1).unwrap()).unwrap(), content());
    assert_eq!(server.requests.load(Ordering::SeqCst), 0);
}

#[test]
fn refusals_are_clear_and_final() {
    for (mood, word) in [(Mood::Missing, "404"), (Mood::Longer, "300001 bytes")] {
        let (folder, server) = (tempfile::tempdir().unwrap(), serve(mood));
        let error = get(&server, folder.path(), 5).unwrap_err().to_string();
        assert!(error.contains(word) && error.contains(&server.url), "{error}");
        assert_eq!(server.requests.load(Ordering::SeqCst), 1, "{mood:?}");
        assert!(!folder.path().join("set.bin").exists());
    }
    let folder = tempfile::tempdir().unwrap();
    let path = get(&serve(Mood::Busy { first: 1 }), folder.path(), 2).unwrap();
    assert_eq!(fs::read(path).unwrap(), content(), "an overloaded server is asked again");
}

#[test]
fn nothing_is_left_behind_where_nothing_came() {
    let folder = tempfile::tempdir().unwrap();
    let below = folder.path().join("dtaa/mnist");
    get(&serve(Mood::Missing), &below, 2).unwrap_err();
    assert_eq!(names(folder.path()), [""; 0]);
    get(&serve(Mood::Cuts { first: 9, bytes: 1000 }), &below, 1).unwrap_err();
    assert_eq!(names(&below), ["set.bin.part"], "what came is kept");
}

#[test]
fn nobody_listening_is_an_error_not_a_hang() {
    let folder = tempfile::tempdir().unwrap();
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let server = Server { url: format!("http://{free}"), requests: Arc::default(), sent: Arc::default() };
    let error = get(&server, folder.path(), 1).unwrap_err().to_string();
    assert!(error.contains("check the connection"), "{error}");
}

#[test]
fn stopping_keeps_what_has_arrived() {
    let (folder, server) = (tempfile::tempdir().unwrap(), serve(Mood::Good));
    let how = Download { attempts: 3, patience: Duration::from_secs(20) };
    let stop = |news: &News<'_>| {
        let News::Step(step) = news else { panic!("{news:?}") };
        assert_eq!(step.total, Some(300_000));
        if step.done > 100_000 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    let error = download(&remote(&server), folder.path(), how, Progress::to(&stop)).unwrap_err();
    assert!(matches!(error, Error::Stopped));
    let part = fs::read(folder.path().join("set.bin.part")).unwrap();
    assert!(part.len() > 100_000 && part == content()[..part.len()]);
    assert_eq!(fs::read(get(&server, folder.path(), 1).unwrap()).unwrap(), content());
}

#[test]
fn a_file_that_is_there_is_verified_and_never_removed() {
    let (folder, server) = (tempfile::tempdir().unwrap(), serve(Mood::Good));
    let path = folder.path().join("set.bin");
    fs::write(&path, content()).unwrap();
    assert_eq!(get(&server, folder.path(), 1).unwrap(), path);
    fs::write(&path, b"mine").unwrap();
    let error = get(&server, folder.path(), 1).unwrap_err();
    assert!(matches!(error, Error::Checksum { .. }), "{error}");
    assert_eq!(fs::read(&path).unwrap(), b"mine");
    assert_eq!(server.requests.load(Ordering::SeqCst), 0);
}

#[test]
fn the_published_sets_are_asked_for_below_the_base() {
    let (folder, server) = (tempfile::tempdir().unwrap(), serve(Mood::Missing));
    let fetch = Fetch { base_url: Some(server.url), ..Fetch::default() };
    // Whether this machine has the set elsewhere must not matter: a set that nobody has under this name.
    let error = fetch.run(DatasetName::Cifar100, folder.path(), Progress::none());
    if std::env::var_os("DISTIL_DATA_DIR").is_none() {
        let error = error.unwrap_err().to_string();
        assert!(error.contains("/cifar-100-binary.tar.gz") && error.contains("404"), "{error}");
    }
}
