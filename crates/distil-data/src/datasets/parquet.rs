//! Your own images in Parquet files, as Hugging Face keeps image sets: a column of encoded pictures (`image` or `img`, with
//! their `bytes`) and one of labels (`label`, `fine_label`…).

use super::spec::{DatasetSpec, Origin, OwnFiles, Reader};

pub(super) const ROW: DatasetSpec = DatasetSpec {
    keys: &["classes", "skip", "test_share"],
    ..DatasetSpec::new(
        "parquet",
        "your images in Parquet files",
        Origin::Own(OwnFiles {
            what: "the Parquet file, or the folder of train-00000-of-00001.parquet and others",
        }),
        Reader::ImageFiles(list),
    )
};

#[cfg(feature = "parquet")]
use crate::parquet_images::list;

#[cfg(not(feature = "parquet"))]
fn list(
    _: &crate::config::DataConfig,
    path: &std::path::Path,
) -> Result<crate::folder::Found, crate::error::Error> {
    // Nobody should build it anew for a folder that has none.
    crate::shards::find(path)?;
    let problem = "is a set in Parquet files, which this build of distil does not read";
    let remedy = "build it with --features parquet, or write the pictures into class folders (CLASS/IMAGE)";
    Err(crate::error::Error::format(path, problem, remedy))
}
