//! Files are written whole or not at all.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::Command;

use distil_damage::{child, child_folder, names};
use distil_files::{WriteError, atomic};

#[test]
fn replaces_an_older_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.json");
    atomic::write(&path, "old and long").unwrap();
    atomic::write(&path, "new").unwrap();
    assert_eq!(fs::read(&path).unwrap(), b"new");
    assert_eq!(names(folder.path()), ["a.json"]);
}

#[test]
fn a_failure_keeps_the_older_file_and_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.json");
    atomic::write(&path, "old").unwrap();
    let error = atomic::write_with(&path, |file| {
        file.write_all(b"half of the new fi")?;
        Err(io::ErrorKind::StorageFull.into())
    });
    let error = error.unwrap_err();
    assert!(matches!(error, WriteError::NoSpace { .. }), "{error}");
    assert!(error.to_string().contains("a.json") && error.to_string().contains("free some space"), "{error}");
    assert_eq!(fs::read(&path).unwrap(), b"old");
    assert_eq!(names(folder.path()), ["a.json"]);
}

#[test]
fn unusable_paths_are_named_with_a_remedy() {
    let folder = tempfile::tempdir().unwrap();
    let missing = atomic::write(folder.path().join("no/such/a.json"), "x").unwrap_err();
    assert!(matches!(missing, WriteError::MissingFolder { .. }), "{missing}");
    assert!(missing.to_string().contains("no/such does not exist; create it"), "{missing}");
    let on_folder = atomic::write(folder.path(), "x").unwrap_err();
    assert!(matches!(on_folder, WriteError::NotAFile { .. }), "{on_folder}");
    fs::write(folder.path().join("file"), "x").unwrap();
    let below_file = atomic::write(folder.path().join("file/a.json"), "x").unwrap_err();
    assert!(matches!(below_file, WriteError::NotAFile { .. }), "{below_file}");
    assert_eq!(names(folder.path()), ["file"]);
}

#[test]
fn sweep_removes_what_a_killed_process_left_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    for name in [".distil-x1.partial", "a.partial", ".distil-notes", "b.json"] {
        fs::write(folder.path().join(name), "half").unwrap();
    }
    let path = folder.path().join("c.json");
    let mut removed = Vec::new();
    // While c.json is being written its temporary file must survive.
    atomic::write_with(&path, |file| {
        removed.push(atomic::sweep(folder.path()).unwrap());
        file.write_all(b"whole")
    })
    .unwrap();
    assert_eq!(removed, [1]);
    assert_eq!(fs::read(&path).unwrap(), b"whole");
    assert_eq!(names(folder.path()), [".distil-notes", "a.partial", "b.json", "c.json"]);
}

#[cfg(unix)]
#[test]
fn results_are_readable_as_the_umask_allows() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let (plain, atomic) = (folder.path().join("plain"), folder.path().join("atomic"));
    fs::write(&plain, "x").unwrap();
    atomic::write(&atomic, "x").unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode();
    assert_eq!(mode(&atomic), mode(&plain));
}

/// Megabytes of one letter: a mixture or a short file would show.
fn content(letter: u8) -> Vec<u8> {
    vec![letter; 1 << 20]
}

#[test]
fn a_process_killed_while_writing_leaves_a_whole_file() {
    if let Some(folder) = child_folder() {
        for letter in (b'a'..=b'z').cycle() {
            atomic::write(folder.join("big"), content(letter)).unwrap();
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("big");
    for round in 0..5 {
        let mut writer = child("a_process_killed_while_writing_leaves_a_whole_file", folder.path());
        while !path.exists() {
            assert!(writer.try_wait().unwrap().is_none(), "the writer ended by itself");
            std::thread::yield_now();
        }
        std::thread::sleep(std::time::Duration::from_millis(3 * round));
        writer.kill().unwrap();
        writer.wait().unwrap();
        let found = fs::read(&path).unwrap();
        assert_eq!(found, content(found[0]));
        atomic::sweep(folder.path()).unwrap();
        assert_eq!(names(folder.path()), ["big"]);
        fs::remove_file(&path).unwrap();
    }
}

/// A file system of 64 KiB in memory, unmounted when dropped.
struct TinyDisk(tempfile::TempDir);

impl TinyDisk {
    fn mount(options: &str, folder: &Path) -> bool {
        let mount = Command::new("mount").args(["-t", "tmpfs", "-o", options, "tmpfs"]).arg(folder).output();
        mount.is_ok_and(|output| output.status.success())
    }

    fn new() -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        Self::mount("size=64k", folder.path()).then(|| Self(folder))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }
}

impl Drop for TinyDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(self.0.path()).status();
    }
}

#[test]
fn a_full_and_a_read_only_disk_are_reported() {
    let Some(disk) = TinyDisk::new() else {
        println!("skipped: mounting a tiny file system needs root on Linux");
        return;
    };
    atomic::write(disk.path("a"), "old").unwrap();
    let full = atomic::write(disk.path("a"), content(b'x')).unwrap_err();
    assert!(matches!(full, WriteError::NoSpace { .. }), "{full}");
    assert_eq!(fs::read(disk.path("a")).unwrap(), b"old");
    assert_eq!(names(disk.0.path()), ["a"]);
    assert!(TinyDisk::mount("remount,ro", disk.0.path()));
    let read_only = atomic::write(disk.path("a"), "new").unwrap_err();
    assert!(matches!(read_only, WriteError::ReadOnly { .. }), "{read_only}");
    assert!(read_only.to_string().contains("change its permissions or choose another folder"), "{read_only}");
}

#[cfg(unix)]
#[test]
fn a_folder_without_write_permission_is_reported() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o555)).unwrap();
    if fs::write(folder.path().join("probe"), "x").is_ok() {
        println!("skipped: this user may write everywhere");
        return;
    }
    let error = atomic::write(folder.path().join("a"), "x").unwrap_err();
    assert!(matches!(error, WriteError::ReadOnly { .. }), "{error}");
}

#[cfg(target_os = "linux")]
#[test]
fn every_refusal_of_the_system_names_its_remedy() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a");
    atomic::write(&path, "old").unwrap();
    // ENOSPC, EDQUOT, EFBIG, EROFS, EACCES, EIO: few machines have them all at hand.
    for (code, remedy) in [
        (28, "free some space"),
        (122, "disk quota is used up; delete files"),
        (27, "`ulimit -f`"),
        (30, "choose another folder"),
        (13, "change its permissions"),
        (5, "check the disk"),
    ] {
        let half = |file: &mut fs::File| {
            file.write_all(b"half")?;
            Err(std::io::Error::from_raw_os_error(code))
        };
        let error = atomic::write_with(&path, half).unwrap_err().to_string();
        assert!(error.contains(remedy) && error.contains("; ") && !error.contains('\n'), "{error}");
        assert_eq!((fs::read(&path).unwrap(), names(folder.path())), (b"old".to_vec(), vec!["a".to_owned()]));
    }
}
