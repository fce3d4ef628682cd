use std::fs;

use super::*;

fn tree(paths: &[&str]) -> tempfile::TempDir {
    let root = tempfile::tempdir().unwrap();
    for path in paths {
        let path = root.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let csv = path.extension().is_some_and(|end| end == "csv");
        fs::write(path, if csv { &b"file,label\n1.png,a\n"[..] } else { b"" }).unwrap();
    }
    root
}

/// Name and place below the folder.
fn found(root: &Path, path: &str) -> Result<(String, String), String> {
    let config = recognise(&root.join(path)).map_err(|error| error.to_string())?.config;
    let place = config.path.unwrap();
    let below = place.strip_prefix(root).unwrap_or(&place);
    Ok((config.name.to_string(), below.to_str().unwrap().to_owned()))
}

#[test]
fn folders_are_told_by_what_is_in_them() {
    for (paths, name, place) in [
        (&["a/1.png", "b/1.png"][..], "folder", ""),
        (&["train/a/1.png", "train/b/1.png", "val/a/1.png", "labels.csv"], "folder", ""),
        (&["1.png", "2.png", "metadata.csv"], "csv", "metadata.csv"),
        (&["images/1.png", "labels.csv"], "csv", "labels.csv"),
        (&["data_batch_1.bin"], "cifar10", ""),
        (&["data_batch_1", "batches.meta"], "cifar10", ""),
        (&["cifar-10-batches-py/data_batch_1"], "cifar10", "cifar-10-batches-py"),
        (&["cifar-10-batches-py/data_batch_1", "cats/1.png", "dogs/1.png"], "cifar10", "cifar-10-batches-py"),
        (&["train", "test", "meta"], "cifar100", ""),
        (&["train_32x32.mat", "test_32x32.mat"], "svhn", ""),
        (&["train-images-idx3-ubyte.gz"], "mnist", ""),
        (&["FashionMNIST/raw/train-images-idx3-ubyte"], "fashion-mnist", "FashionMNIST/raw"),
        (&["train/n01443537/images/1.JPEG", "val/val_annotations.txt"], "tiny-imagenet", ""),
        (&["train/n01440764/1.JPEG", "train/n01443537/1.JPEG", "val/1.JPEG"], "imagenet", ""),
        (&["train/n01440764.tar", "train/n01443537.tar", "val/n01440764/1.JPEG"], "imagenet", ""),
        (&["train/n01440764/1.JPEG", "train/n01443537/1.JPEG", "val/n01440764/1.JPEG"], "folder", ""),
        (&["ILSVRC2012_img_train.tar"], "imagenet", ""),
        (&["README.md", "data/train-00000-of-00001.parquet"], "parquet", ""),
        (&["plain_text/train/0000.parquet", "plain_text/test/0000.parquet"], "parquet", ""),
    ] {
        let root = tree(paths);
        assert_eq!(found(root.path(), ""), Ok((name.to_owned(), place.to_owned())), "{paths:?}");
    }
}

#[test]
fn a_file_of_a_set_stands_for_the_set() {
    let root = tree(&[
        "py/data_batch_1",
        "SVHN/train_32x32.mat",
        "fashion/train-images-idx3-ubyte.gz",
        "x/labels.csv",
        "hf/data/train-00001-of-00002.parquet",
        "hf/data/test-00000-of-00001.parquet",
    ]);
    for (path, name, place) in [
        ("py/data_batch_1", "cifar10", "py"),
        ("SVHN/train_32x32.mat", "svhn", "SVHN"),
        ("fashion/train-images-idx3-ubyte.gz", "fashion-mnist", "fashion"),
        ("x/labels.csv", "csv", "x/labels.csv"),
        ("hf/data/train-00001-of-00002.parquet", "parquet", "hf/data"),
        ("hf/data/test-00000-of-00001.parquet", "parquet", "hf/data/test-00000-of-00001.parquet"),
    ] {
        assert_eq!(found(root.path(), path), Ok((name.to_owned(), place.to_owned())));
    }
}

#[test]
fn archives_are_told_by_their_members() {
    use crate::datasets::tiny_imagenet::tests::zip_of;
    let root = tempfile::tempdir().unwrap();
    for (file, member, name) in [
        ("p.zip", "photos/a/1.png", "folder"),
        ("x.npz", "x_train.npy", "npz"),
        ("mnist.npz", "x_train.npy", "mnist"),
        ("t.zip", "tiny-imagenet-200/wnids.txt", "tiny-imagenet"),
    ] {
        fs::write(root.path().join(file), zip_of(&[(member.to_owned(), vec![1])])).unwrap();
        assert_eq!(found(root.path(), file), Ok((name.to_owned(), file.to_owned())));
    }
    for (member, name) in [
        ("photos/a/1.png", "folder"),
        ("cifar-10-batches-py/data_batch_1", "cifar10"),
        ("cifar-100-python/train", "cifar100"),
        ("cifar-100-binary/train.bin", "cifar100"),
    ] {
        let mut tar = tar::Builder::new(Vec::new());
        let mut header = tar::Header::new_gnu();
        header.set_size(1);
        tar.append_data(&mut header, member, &[1][..]).unwrap();
        fs::write(root.path().join("x.tar"), tar.into_inner().unwrap()).unwrap();
        assert_eq!(found(root.path(), "x.tar"), Ok((name.to_owned(), "x.tar".to_owned())));
    }
}

#[test]
fn what_is_unknown_is_refused_with_what_is_known() {
    let root = tree(&["notes.txt", "a/1.png", "empty/.keep"]);
    for (path, words) in [
        ("notes.txt", "is no set that is known; give class folders"),
        ("a/1.png", "single picture"),
        ("empty", "without pictures; give class folders"),
    ] {
        let error = found(root.path(), path).unwrap_err();
        assert!(error.contains(words), "{error}");
    }
    let root = tree(&["mnist/train-images-idx3-ubyte", "cifar-10-batches-py/data_batch_1"]);
    let error = found(root.path(), "").unwrap_err();
    assert!(
        error.contains("mnist in ") && error.contains("cifar10 in ") && error.contains("path of one"),
        "{error}"
    );
}

#[test]
fn lines_of_a_configuration_are_printed_as_toml_reads_them() {
    let recognised = Recognised::new(DatasetName::Csv, Path::new("a \"b\"\\c.csv"), "a table");
    let value: toml::Table = recognised.to_string().parse().unwrap();
    assert_eq!(value["data"]["name"].as_str(), Some("csv"));
    assert_eq!(value["data"]["path"].as_str(), Some("a \"b\"\\c.csv"));
}
