//! Whole commands under strace: every file that lasts was on the disk before it got its name, and its name before anything
//! else happened in that folder.
//!
//! Looks at what the system calls say, so a place that writes in another way is found wherever it is.
#![cfg(target_os = "linux")]
#![expect(clippy::print_stdout, reason = "a test that is skipped says so")]

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use common::{TINY, distil, folder};
use distil_require::{Need, skipped};

const CALLS: &str = "trace=openat,open,creat,write,pwrite64,writev,ftruncate,fsync,fdatasync,rename,renameat,renameat2,\
                     link,linkat,mkdir,mkdirat";

/// What a command does to the disk.
#[derive(Debug, PartialEq, Eq)]
enum Call<'a> {
    /// Opens a file that is there, or makes it.
    Write(&'a str),
    Sync(&'a str),
    Rename(&'a str, &'a str),
    Folder(&'a str),
}

/// A line of `strace -f -y`; `None` for what failed and what only reads.
fn call(line: &str) -> Option<Call<'_>> {
    let line = line.split_once(' ')?.1.trim_start();
    let (name, rest) = line.split_once('(')?;
    let (arguments, result) = rest.rsplit_once(" = ")?;
    if result.starts_with('-') {
        return None;
    }
    let quoted = || arguments.split('"').skip(1).step_by(2);
    // Of a file that is open, `-y` says the path behind its number.
    let file = || {
        let (path, _) = arguments.split_once('<')?.1.split_once('>')?;
        path.starts_with('/').then_some(path)
    };
    match name {
        "openat" | "open" if arguments.contains("O_CREAT") => Some(Call::Write(quoted().next()?)),
        "creat" => Some(Call::Write(quoted().next()?)),
        "write" | "pwrite64" | "writev" | "ftruncate" => Some(Call::Write(file()?)),
        "fsync" | "fdatasync" => Some(Call::Sync(file()?)),
        "rename" | "renameat" | "renameat2" | "link" | "linkat" => {
            let mut paths = quoted();
            Some(Call::Rename(paths.next()?, paths.next()?))
        }
        "mkdir" | "mkdirat" => Some(Call::Folder(quoted().next()?)),
        _ => None,
    }
}

/// Whether a file or folder has no name yet that anybody looks for.
fn unfinished(path: &str) -> bool {
    path.split('/').any(|part| part.starts_with(".distil-") && part.ends_with(".partial"))
}

/// What has to reach the disk yet, and what was done in another order than it must be.
#[derive(Debug, Default)]
struct Disk {
    /// Files with bytes that are not on the disk.
    dirty: BTreeSet<String>,
    /// Folders with a name in them that is not on the disk, and that name.
    unnamed: BTreeMap<String, String>,
    /// How many files and folders got their name.
    named: usize,
    wrong: Vec<String>,
}

impl Disk {
    fn see(&mut self, call: &Call<'_>) {
        match *call {
            Call::Write(path) => {
                // Locks are empty, and the log of a run is appended to.
                if !unfinished(path) && !path.ends_with("lock") && !path.ends_with("/events.jsonl") {
                    self.wrong.push(format!("{path} is written in place"));
                }
                self.dirty.insert(path.to_owned());
            }
            Call::Sync(path) => {
                self.dirty.remove(path);
                self.unnamed.remove(path);
            }
            Call::Rename(from, to) => self.rename(from, to),
            Call::Folder(path) => self.name(path),
        }
    }

    fn rename(&mut self, from: &str, to: &str) {
        let below = |path: &String| Path::new(path).starts_with(from);
        if self.dirty.iter().chain(self.unnamed.keys()).any(below) {
            self.wrong.push(format!("{to} gets its name before what is in it is on the disk"));
        }
        let unsynced_log = self.dirty.iter().any(|path| path.ends_with("/events.jsonl"));
        if to.contains("/checkpoints/") && unsynced_log {
            self.wrong.push(format!("{to} knows more than the log on the disk"));
        }
        self.name(to);
        self.named += 1;
    }

    fn name(&mut self, path: &str) {
        let (folder, _) = path.rsplit_once('/').expect("an absolute path");
        let before = self.unnamed.insert(folder.to_owned(), path.to_owned());
        if let Some(before) = before.filter(|_| !unfinished(path)) {
            self.wrong.push(format!("{path} follows {before}, whose folder is not on the disk"));
        }
        // Nobody looks for the scratch folder itself.
        if unfinished(path) && !unfinished(folder) {
            self.unnamed.remove(folder);
        }
    }
}

/// The calls of a command that concern files below `at`.
fn traced(at: &Path, args: &str) -> Option<String> {
    // One thread, so that no call is told in two halves.
    let args = format!("{args} --threads 1");
    let plain = distil(at, &args.split_whitespace().collect::<Vec<_>>());
    let trace = at.join("trace");
    let mut command = Command::new("strace");
    command.args(["-f", "-y", "-qq", "-s", "4096", "-e", CALLS, "-e", "signal=none", "-o"]).arg(&trace);
    command.arg(plain.get_program()).args(plain.get_args()).current_dir(at);
    command.env("DISTIL_CACHE_DIR", at.join("cache")).env_remove("DISTIL_DATA_DIR");
    let Ok(ended) = command.stdin(Stdio::null()).output() else {
        skipped(Need::Strace, "there is no strace");
        return None;
    };
    let trace = fs::read_to_string(trace).unwrap_or_default();
    if trace.is_empty() {
        skipped(Need::Strace, format!("strace may not look: {}", String::from_utf8_lossy(&ended.stderr)));
        return None;
    }
    assert!(ended.status.success(), "{args}: {}", String::from_utf8_lossy(&ended.stderr));
    Some(trace)
}

/// Checks all that `args` writes below `at` and returns how many files and folders it gave a name; `None` where nobody can
/// look.
fn checked(at: &Path, args: &str) -> Option<usize> {
    let trace = traced(at, args)?;
    let root = at.canonicalize().expect("a folder");
    // Its components say it without `.` and without a slash at the end.
    let absolute = |path: &str| root.join(path).components().collect::<PathBuf>().display().to_string();
    let inside = |path: &str| Path::new(&absolute(path)).starts_with(&root);
    let mut disk = Disk::default();
    for call in trace.lines().filter_map(call) {
        match call {
            Call::Write(path) if inside(path) => disk.see(&Call::Write(&absolute(path))),
            Call::Sync(path) if inside(path) => disk.see(&Call::Sync(&absolute(path))),
            Call::Rename(from, to) if inside(to) => disk.see(&Call::Rename(&absolute(from), &absolute(to))),
            Call::Folder(path) if inside(path) => disk.see(&Call::Folder(&absolute(path))),
            _ => {}
        }
    }
    assert!(disk.wrong.is_empty(), "{args}: {:#?}", disk.wrong);
    disk.unnamed.retain(|folder, _| !unfinished(folder));
    assert!(disk.unnamed.is_empty(), "{args}: {:?} may be lost", disk.unnamed);
    println!("{args}: {} names", disk.named);
    Some(disk.named)
}

#[test]
fn names_come_after_bytes() {
    let folder = folder();
    let at = folder.path();
    let grid = TINY.replace("method = \"datm\"\n", "").replace("syn_steps = 3\n", "");
    fs::write(at.join("grid.toml"), grid).expect("a configuration");
    let short = "--config tiny.toml --set distill.iterations=16 --set data.zca=true";
    for (args, least) in [
        (format!("reproduce {short}"), 15),
        (format!("run {short} --out runs/again"), 10),
        ("sweep dm --config grid.toml --ipc 1 --seeds 1 --out grid".to_owned(), 8),
        ("train --config tiny.toml --epochs 1 --out models/cam.safetensors".to_owned(), 1),
        ("compdd measure --config tiny.toml --set data.train_limit=20 --model models/cam.safetensors --layer blocks.0 --out m --save-every 0".to_owned(), 5),
        ("export runs/tiny --to imagefolder --out sets/pictures".to_owned(), 1),
        ("inspect runs/tiny".to_owned(), 1),
    ] {
        let Some(named) = checked(at, &args) else { return };
        assert!(named >= least, "{args}: only {named} files");
    }
}

/// The checks themselves, on logs of what must not be.
#[test]
fn another_order_is_found() {
    let wrong = |log: &str| {
        let mut disk = Disk::default();
        log.lines().filter_map(call).for_each(|call| disk.see(&call));
        (disk.wrong.len(), disk.unnamed.len())
    };
    let open =
        "1 openat(AT_FDCWD</t>, \"/t/.distil-a.partial\", O_RDWR|O_CREAT, 0666) = 3</t/.distil-a.partial>\n";
    let write = "1 write(3</t/.distil-a.partial>, \"< = \", 4) = 4\n";
    let sync = "1 fsync(3</t/.distil-a.partial>)           = 0\n";
    let rename = "1 renameat(AT_FDCWD</t>, \"/t/.distil-a.partial\", AT_FDCWD</t>, \"/t/a\") = 0\n";
    let folder = "1 fsync(4</t>) = 0\n";
    assert_eq!(wrong(&[open, write, sync, rename, folder].concat()), (0, 0));
    assert_eq!(wrong(&[open, write, rename, folder].concat()), (1, 0));
    assert_eq!(wrong(&[open, sync, write, rename, folder].concat()), (1, 0));
    assert_eq!(wrong(&[open, write, sync, rename].concat()), (0, 1));
    assert_eq!(wrong(&[open, sync, rename, "1 mkdir(\"/t/b\", 0777) = 0\n", folder].concat()), (1, 0));
    assert_eq!(wrong("1 openat(AT_FDCWD</t>, \"/t/a\", O_WRONLY|O_CREAT|O_TRUNC, 0666) = 3</t/a>\n"), (1, 0));
    let log = "1 write(5</t/events.jsonl>, \"{}\", 2) = 2\n";
    let checkpoint = rename.replace("/t/a\"", "/t/checkpoints/a\"");
    assert_eq!(wrong(&[log, open, sync, &checkpoint].concat()), (1, 1));
    assert_eq!(wrong("1 mkdir(\"/t/b\", 0777) = -1 EEXIST (File exists)\n"), (0, 0));
}
