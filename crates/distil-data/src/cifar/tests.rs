use std::fs;

use super::*;
use crate::pickle::tests::{array, list, pickle_of};

fn records(which: Cifar, labels: &[u8]) -> Vec<u8> {
    let record = |&label: &u8| match which {
        Cifar::Ten => [vec![label], vec![label + 1; 3072]].concat(),
        Cifar::Hundred => [vec![label / 5, label], vec![label + 1; 3072]].concat(),
    };
    labels.iter().flat_map(record).collect()
}

#[test]
fn the_fine_label_counts_and_pixels_follow_the_labels() {
    for (which, fine) in [(Cifar::Ten, [9, 0]), (Cifar::Hundred, [99, 40])] {
        let (mut pixels, mut labels) = (Vec::new(), Vec::new());
        parse(which, Path::new("x"), &records(which, &fine), &mut pixels, &mut labels).unwrap();
        assert_eq!(labels, fine.map(u32::from));
        assert_eq!((pixels.len(), pixels[0], pixels[3072]), (2 * 3072, fine[0] + 1, fine[1] + 1));
    }
}

#[test]
fn an_impossible_label_names_file_record_and_label() {
    let mut bytes = records(Cifar::Ten, &[1, 2, 3]);
    bytes[2 * 3073] = 200;
    let error = parse(Cifar::Ten, Path::new("data_batch_2.bin"), &bytes, &mut Vec::new(), &mut Vec::new());
    let message = error.unwrap_err().to_string();
    for part in ["data_batch_2.bin", "record 2", "label 200", "below 10"] {
        assert!(message.contains(part), "{message}");
    }
}

#[test]
fn a_member_that_claims_too_much_is_refused() {
    let mut header = tar::Header::new_gnu();
    header.set_path("c/train.bin").unwrap();
    header.set_size(MOST_BYTES + 1);
    header.set_entry_type(tar::EntryType::Regular);
    header.set_cksum();
    let bytes = [header.as_bytes().to_vec(), vec![0; 4096]].concat();
    let error = read_archive(Cifar::Hundred, Path::new("a.tar"), &bytes[..]).unwrap_err().to_string();
    assert!(error.contains("far more"), "{error}");
}

/// The same images and labels in the files of both versions: two records in every file.
fn both_versions(which: Cifar) -> Vec<(&'static str, Vec<u8>)> {
    let [binary, python] = which.versions();
    let pairs = binary.files().zip(python.files()).enumerate();
    let files = pairs.flat_map(|(file, (bin, py))| {
        let fine = [file as u8, 9 - file as u8];
        let binary = records(which, &fine);
        let pixels: Vec<u8> = fine.iter().flat_map(|&label| [label + 1; 3072]).collect();
        let key = if which == Cifar::Ten { "labels" } else { "fine_labels" };
        let pickle = [("batch_label", list(&[])), (key, list(&fine)), ("data", array([2, 3072], &pixels))];
        [(bin, binary), (py, pickle_of(&pickle))]
    });
    files.collect()
}

fn is_binary(name: &str) -> bool {
    Path::new(name).extension() == Some("bin".as_ref())
}

#[test]
fn the_python_version_has_the_pixels_and_labels_of_the_binary_version() {
    for which in [Cifar::Ten, Cifar::Hundred] {
        let root = tempfile::tempdir().unwrap();
        let mut archive = tar::Builder::new(Vec::new());
        for (name, bytes) in both_versions(which) {
            let folder = root.path().join(if is_binary(name) { "bin" } else { "py" });
            fs::create_dir_all(&folder).unwrap();
            fs::write(folder.join(name), &bytes).unwrap();
            if !is_binary(name) {
                let mut header = tar::Header::new_gnu();
                header.set_size(bytes.len() as u64);
                archive.append_data(&mut header, format!("cifar/{name}"), &bytes[..]).unwrap();
            }
        }
        fs::write(root.path().join("py.tar"), archive.into_inner().unwrap()).unwrap();
        let binary = read_cifar(which, &root.path().join("bin")).unwrap();
        let all = binary.0.labels.len();
        assert_eq!((all, binary.1.len()), (if which == Cifar::Ten { 10 } else { 2 }, 2));
        for python in ["py", "py.tar"] {
            assert_eq!(read_cifar(which, &root.path().join(python)).unwrap(), binary);
        }
    }
}

#[test]
fn broken_batches_are_named_with_what_is_wrong() {
    let good = || vec![("labels", list(&[1, 2])), ("data", array([2, 3072], &[5; 6144]))];
    let mut label = good();
    label[0].1 = list(&[1, 10]);
    let mut few = good();
    few[0].1 = list(&[1]);
    let mut shape = good();
    shape[1].1 = array([2, 3], &[5; 6]);
    let without = vec![good().swap_remove(1)];
    let other = vec![("images", list(&[]))];
    for (entries, words) in [
        (label, "record 1 has label 10"),
        (few, "1 labels for 2 images"),
        (shape, "[2, 3], not of bytes [n, 3072]"),
        (without, "no whole numbers \"labels\", but the keys data"),
        (other, "no array \"data\", but the keys images"),
    ] {
        let bytes = pickle_of(&entries);
        let read =
            python::parse(Cifar::Ten, Path::new("data_batch_2"), &bytes, &mut Vec::new(), &mut Vec::new());
        let error = read.unwrap_err().to_string();
        assert!(error.contains("data_batch_2") && error.contains(words), "{error}");
    }
}
