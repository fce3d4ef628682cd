//! Fitted ZCA matrices on disk, named by the digest of what they were fitted on.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use distil_zca::Zca;
use safetensors::{Dtype, SafeTensors, tensor::TensorView};
use sha2::{Digest, Sha256};

use crate::{digest::hex, error::Error};

fn file(cache_dir: &Path, digest: &str) -> PathBuf {
    cache_dir.join(format!("zca-{digest}.safetensors"))
}

/// Stores a fit.
pub(crate) fn write(cache_dir: &Path, digest: &str, zca: &Zca) -> Result<(), Error> {
    let path = file(cache_dir, digest);
    let d = zca.d();
    let parts = [
        ("mean", vec![d], little_endian(&zca.mean)),
        ("matrix", vec![d, d], little_endian(&zca.matrix)),
        ("inverse", vec![d, d], little_endian(&zca.inverse)),
    ];
    let views = parts.iter().map(|(name, shape, bytes)| {
        (*name, TensorView::new(Dtype::F64, shape.clone(), bytes).expect("the shape holds these values"))
    });
    let metadata =
        HashMap::from([("fit".to_owned(), digest.to_owned()), ("sha256".to_owned(), checksum(digest, zca))]);
    let bytes = safetensors::serialize(views, Some(metadata)).expect("three small names serialise");
    distil_atomic::create_folder(cache_dir)?;
    distil_atomic::sweep(cache_dir)?;
    Ok(distil_atomic::write(&path, bytes)?)
}

/// Reads a fit; `None` when there is none, or the file is not one (it will be fitted and written anew).
pub(crate) fn read(cache_dir: &Path, digest: &str) -> Result<Option<Zca>, Error> {
    let path = file(cache_dir, digest);
    let bytes = match std::fs::read(&path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(Error::io(&path, "read")(error)),
    };
    let zca = parse(&bytes, digest);
    if zca.is_none() {
        tracing::warn!(path = %path.display(), "not a ZCA fit of this dataset; it is ignored");
    }
    Ok(zca)
}

fn parse(bytes: &[u8], digest: &str) -> Option<Zca> {
    let (_, header) = SafeTensors::read_metadata(bytes).ok()?;
    if header.metadata().as_ref()?.get("fit")? != digest {
        return None;
    }
    let tensors = SafeTensors::deserialize(bytes).ok()?;
    let values = |name: &str| {
        let view = tensors.tensor(name).ok().filter(|view| view.dtype() == Dtype::F64)?;
        Some(view.data().as_chunks::<8>().0.iter().map(|word| f64::from_le_bytes(*word)).collect::<Vec<_>>())
    };
    let zca = Zca { mean: values("mean")?, matrix: values("matrix")?, inverse: values("inverse")? };
    let square = zca.d() * zca.d();
    let whole = zca.matrix.len() == square && zca.inverse.len() == square;
    (whole && header.metadata().as_ref()?.get("sha256")? == &checksum(digest, &zca)).then_some(zca)
}

/// SHA-256 of everything that counts, in hex.
fn checksum(digest: &str, zca: &Zca) -> String {
    let mut hash = Sha256::new();
    hash.update(digest);
    for values in [&zca.mean, &zca.matrix, &zca.inverse] {
        hash.update((values.len() as u64).to_le_bytes());
        hash.update(little_endian(values));
    }
    hex(&hash.finalize())
}

fn little_endian(values: &[f64]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
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
        let bytes = std::fs::read(&path).unwrap();
        std::fs::write(&path, &bytes[..bytes.len() - 1]).unwrap();
        assert!(read(folder.path(), "abc").unwrap().is_none(), "a truncated file");
        for (position, mask) in [0x01, 0x20, 0x80].into_iter().cycle().enumerate().take(bytes.len()) {
            let mut altered = bytes.clone();
            altered[position] ^= mask;
            std::fs::write(&path, altered).unwrap();
            assert!(read(folder.path(), "abc").unwrap().is_none(), "byte {position} flipped with {mask:#x}");
        }
    }
}
