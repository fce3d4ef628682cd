use std::fs;

use super::*;

fn tree(paths: &[&str]) -> tempfile::TempDir {
    let root = tempfile::tempdir().unwrap();
    for path in paths {
        let path = root.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "PAR1").unwrap();
    }
    root
}

/// The names of the files of each part, or what is wrong.
fn found(paths: &[&str]) -> Result<[Vec<String>; 3], String> {
    let root = tree(paths);
    let below = |path: PathBuf| path.strip_prefix(root.path()).unwrap().to_str().unwrap().to_owned();
    let parts = find(root.path()).map_err(|error| error.to_string())?;
    Ok(parts.map(|part| part.into_iter().map(below).collect()))
}

#[test]
fn parts_are_told_by_the_names_of_files_or_folders() {
    for (paths, parts) in [
        (&["train.parquet", "test.parquet"][..], [&["train.parquet"][..], &[], &["test.parquet"]]),
        (
            &[
                "README.md",
                "data/train-00000-of-00002-5a1b.parquet",
                "data/train-00001-of-00002-77ff.parquet",
                "data/validation-00000-of-00001.parquet",
            ],
            [
                &["data/train-00000-of-00002-5a1b.parquet", "data/train-00001-of-00002-77ff.parquet"],
                &["data/validation-00000-of-00001.parquet"],
                &[],
            ],
        ),
        (
            &["plain_text/train/0000.parquet", "plain_text/test/0000.parquet"],
            [&["plain_text/train/0000.parquet"], &[], &["plain_text/test/0000.parquet"]],
        ),
        (&["a.parquet", "b_1.PARQUET", ".c.parquet"], [&["a.parquet", "b_1.PARQUET"], &[], &[]]),
        (&["Train_0.parquet", "train_1.parquet"], [&["Train_0.parquet", "train_1.parquet"], &[], &[]]),
    ] {
        let parts = parts.map(|part| part.iter().map(|&name| name.to_owned()).collect());
        assert_eq!(found(paths), Ok(parts), "{paths:?}");
    }
}

#[test]
fn what_is_no_part_is_named() {
    for (paths, words) in [
        (&["train.parquet", "extra-00000-of-00001.parquet"][..], "extra-00000-of-00001.parquet"),
        (&["test.parquet"], "no training part"),
        (&["a/train.parquet", "b/train.parquet"], "several sets of Parquet files: a, b"),
        (&["notes.txt"], "no Parquet file"),
    ] {
        let error = found(paths).unwrap_err();
        assert!(error.contains(words), "{paths:?}: {error}");
    }
}

#[test]
fn one_of_several_files_is_known_by_its_name() {
    let is = |name: &str| is_shard(Path::new(name));
    assert!(is("train-00000-of-00002.parquet") && is("d/train-00003-of-00041-0a1b2c.parquet"));
    assert!(!is("train-00000-of-00001.parquet") && !is("best-of-breed.parquet") && !is("x.parquet"));
}
