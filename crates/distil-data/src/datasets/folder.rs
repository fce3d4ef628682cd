//! Your own images in folders by class.

use super::spec::{DatasetSpec, Origin, OwnFiles, Reader};
use crate::{folder, skip::Skip};

pub(super) const ROW: DatasetSpec = DatasetSpec {
    keys: &["classes", "skip", "test_share"],
    ..DatasetSpec::new(
        "folder",
        "your images in folders by class",
        Origin::Own(OwnFiles { what: "the folder, zip, tar or tar.gz that holds the class folders" }),
        Reader::ImageFiles(|data, root| folder::list(root, data.classes.as_deref(), &Skip::of(data, root))),
    )
};
