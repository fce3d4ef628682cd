//! Folders, exports and downloads that appear whole or not at all.

use std::fs;
use std::path::Path;

use distil_damage::names;
use distil_files::WriteError;
use distil_files::atomic::{create_folder, rename, sweep, write, write_folder};

#[test]
fn folders_are_made_with_those_above_them() {
    let root = tempfile::tempdir().unwrap();
    let deep = root.path().join("a/b/c");
    create_folder(&deep).unwrap();
    create_folder(&deep).unwrap();
    assert!(deep.is_dir());
    fs::write(root.path().join("file"), "x").unwrap();
    for path in ["file", "file/below"] {
        let error = create_folder(root.path().join(path)).unwrap_err();
        assert!(matches!(error, WriteError::FileInTheWay { .. }), "{error}");
        assert!(error.to_string().ends_with("a file has this name; choose another path"), "{error}");
    }
}

#[test]
fn an_export_is_whole_or_not_there() {
    let root = tempfile::tempdir().unwrap();
    let out = root.path().join("sets/export");
    let fill = |made: &Path| {
        create_folder(made.join("train"))?;
        write(made.join("train/0.png"), "picture")
    };
    let failed = write_folder(&out, |made| {
        fill(made)?;
        Err(WriteError::NoSpace { path: made.join("labels.csv") })
    });
    assert!(matches!(failed, Err(WriteError::NoSpace { .. })));
    assert_eq!(names(&root.path().join("sets")), [""; 0]);
    write_folder(&out, fill).unwrap();
    assert_eq!(fs::read(out.join("train/0.png")).unwrap(), b"picture");
    assert_eq!(names(&root.path().join("sets")), ["export"]);
    // What is there is not replaced.
    assert!(write_folder(&out, |made| write(made.join("other"), "x")).is_err());
    assert_eq!(names(&out), ["train"]);
    assert_eq!(names(&root.path().join("sets")), ["export"]);
}

#[test]
fn folders_that_a_killed_export_left_are_swept_and_one_in_the_making_is_not() {
    let root = tempfile::tempdir().unwrap();
    let left = root.path().join(".distil-x.partial/made");
    fs::create_dir_all(&left).unwrap();
    fs::write(left.join("0.png"), "half").unwrap();
    write_folder(root.path().join("export"), |made| {
        assert_eq!(sweep(root.path())?, 1);
        write(made.join("0.png"), "whole")
    })
    .unwrap();
    assert_eq!(names(root.path()), ["export"]);
}

#[test]
fn a_download_gets_its_name_at_the_end() {
    let root = tempfile::tempdir().unwrap();
    let (part, whole) = (root.path().join("set.part"), root.path().join("set"));
    fs::write(&part, "new").unwrap();
    fs::write(&whole, "old").unwrap();
    rename(&part, &whole).unwrap();
    assert_eq!((fs::read(&whole).unwrap(), names(root.path())), (b"new".to_vec(), vec!["set".to_owned()]));
    let error = rename(&part, &whole).unwrap_err();
    assert!(error.to_string().contains("set"), "{error}");
}
