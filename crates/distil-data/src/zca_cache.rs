//! Fitted ZCA matrices on disk, named by the digest of what they were fitted on.

use std::path::{Path, PathBuf};

use distil_files::FileError;
use distil_files::atomic;
use distil_files::container::{self, Container, Format, Tensor, Values};
use distil_zca::Zca;

use crate::error::Error;

const FIT: Format =
    Format { kind: "distil.zca.1", expected: "a ZCA fit", origin: "remove it", remedy: "remove it" };

fn file(cache_dir: &Path, digest: &str) -> PathBuf {
    cache_dir.join(format!("zca-{digest}.safetensors"))
}

/// Stores a fit; its card is the digest of what it was fitted on.
pub(crate) fn write(cache_dir: &Path, digest: &str, zca: &Zca) -> Result<(), Error> {
    let d = zca.d();
    let tensor = |name, shape, values| Tensor { name, shape, values: Values::F64(values) };
    let tensors = vec![
        tensor("mean", vec![d], &zca.mean),
        tensor("matrix", vec![d, d], &zca.matrix),
        tensor("inverse", vec![d, d], &zca.inverse),
    ];
    atomic::create_folder(cache_dir)?;
    atomic::sweep(cache_dir)?;
    Ok(container::write(file(cache_dir, digest), &FIT, &digest, tensors)?)
}

/// Reads a fit; `None` when there is none, or the file is not one (it is fitted and written again).
pub(crate) fn read(cache_dir: &Path, digest: &str) -> Result<Option<Zca>, Error> {
    let path = file(cache_dir, digest);
    let bytes = match std::fs::read(&path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(Error::io(&path, "read")(error)),
    };
    let zca = parse(&path, &bytes, digest);
    if let Err(error) = &zca {
        tracing::warn!("{error}; it is ignored");
    }
    Ok(zca.ok())
}

fn parse(path: &Path, bytes: &[u8], digest: &str) -> Result<Zca, FileError> {
    let file = Container::open(path, &FIT, bytes)?;
    if file.card::<String>()? != digest {
        return Err(file.damaged("it was fitted on other images"));
    }
    let values = |name: &str| file.f64(name).map(|(_, values)| values);
    let zca = Zca { mean: values("mean")?, matrix: values("matrix")?, inverse: values("inverse")? };
    let square = zca.d() * zca.d();
    if zca.matrix.len() != square || zca.inverse.len() != square {
        return Err(file.damaged("its matrices are not square"));
    }
    Ok(zca)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fit_comes_back_and_a_damaged_file_does_not() {
        let folder = tempfile::tempdir().unwrap();
        let zca = Zca::fit(&[0.0, 0.5, 1.0, 0.25, 0.1, 0.9], 2, 0.1).unwrap();
        assert!(read(folder.path(), "abc").unwrap().is_none());
        write(folder.path(), "abc", &zca).unwrap();
        assert_eq!(read(folder.path(), "abc").unwrap().unwrap(), zca);
        let path = file(folder.path(), "abc");
        std::fs::copy(&path, file(folder.path(), "def")).unwrap();
        assert!(read(folder.path(), "def").unwrap().is_none(), "a fit under another digest's name");
        let mut bytes = std::fs::read(&path).unwrap();
        *bytes.last_mut().unwrap() ^= 1;
        std::fs::write(&path, bytes).unwrap();
        assert!(read(folder.path(), "abc").unwrap().is_none(), "a damaged file");
    }
}
