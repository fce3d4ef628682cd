use std::collections::BTreeSet;

use super::*;

#[test]
fn names_are_written_as_they_are_parsed() {
    for name in DatasetName::all() {
        assert_eq!(name.as_str().parse::<DatasetName>().unwrap(), name);
        assert_eq!(serde_json::to_string(&name).unwrap(), format!("{:?}", name.as_str()));
    }
    let error = "cifar-10".parse::<DatasetName>().unwrap_err().to_string();
    assert!(error.contains("cifar10"), "{error}");
}

#[test]
fn sums_are_whole_and_the_base_can_be_replaced() {
    for name in DatasetName::all() {
        let Origin::Published(_, published) = name.spec().origin else { continue };
        for file in published.files(Some("http://127.0.0.1:9/x/")) {
            assert_eq!((file.sha256.len(), file.url), (64, format!("http://127.0.0.1:9/x/{}", file.name)));
        }
        assert!(published.members.iter().all(|(_, sum)| sum.len() == 64));
    }
}

#[test]
fn rows_agree_with_themselves() {
    let mut names = BTreeSet::new();
    for row in DatasetName::all().map(DatasetName::spec) {
        assert!(names.insert(row.name) && !row.title.is_empty(), "{}", row.name);
        let known = [row.shape.is_some(), row.classes.is_some(), row.counts.is_some()];
        assert_eq!(known, [row.own_files().is_none(); 3], "{}: known but for your own files", row.name);
        for MeanStd { mean, std } in [row.mean_std, row.mean_std_of_dc].into_iter().flatten() {
            let channels = row.shape.unwrap().channels;
            assert_eq!([mean.len(), std.len()], [channels; 2], "{}", row.name);
        }
        assert_eq!(row.bibtex.is_empty(), row.places().is_none(), "{}: what is published is cited", row.name);
    }
}

/// CIFAR-100's labels are numbered in alphabetical order.
#[test]
fn cifar100_names_are_sorted_and_distinct() {
    assert!(cifar100::CLASS_NAMES.windows(2).all(|pair| pair[0] < pair[1]));
}

#[test]
fn bibtex_entries_are_whole() {
    let entries: BTreeSet<&str> =
        DatasetName::all().flat_map(|name| name.spec().bibtex).map(|entry| entry.trim()).collect();
    let mut keys = BTreeSet::new();
    for entry in entries {
        let depth = entry.chars().try_fold(0i32, |depth, c| match c {
            '{' => Some(depth + 1),
            '}' => (depth > 0).then(|| depth - 1),
            _ => Some(depth),
        });
        assert!(entry.starts_with('@') && depth == Some(0), "{entry}");
        let key = entry.split(['{', ',']).nth(1).expect("a key");
        assert!(keys.insert(key), "{key} is there twice");
    }
}
