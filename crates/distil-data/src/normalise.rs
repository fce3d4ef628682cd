//! The last step of loading: bytes to network input.

use std::sync::Arc;

use distil_files::hex;
use distil_zca::Zca;
use sha2::{Digest, Sha256};

use distil_store::{Normalisation, Preprocessing, Whitening};

use crate::{
    config::DataConfig,
    dataset::{Dataset, Split},
    error::Error,
    images::Images,
    load::Parts,
    preprocessing::Transform,
    progress::{Progress, Stage, report},
    zca_cache,
};

/// kornia's default as the trajectory-matching papers call it.
const ZCA_EPS: f64 = 0.1;
/// Images whitened between two reports of progress.
const WHITEN_ROWS: usize = 4096;
/// The largest image that ZCA is fitted to: 64×64 in colour. Its matrices take 2.4 GB, four times that while fitting.
const LARGEST_ZCA: usize = 3 * 64 * 64;

pub(crate) fn normalise(config: &DataConfig, parts: Parts, progress: Progress<'_>) -> Result<Dataset, Error> {
    let Parts { name, class_names, splits, resize } = parts;
    let train = &splits[0];
    if train.is_empty() {
        return Err(Error::config("validation", "leaves no training image; hold fewer out"));
    }
    let mut matrices = None;
    let normalisation = if config.zca {
        let (whitening, zca) = fit(config, &train.images, progress)?;
        matrices = Some(zca);
        Normalisation::Zca(whitening)
    } else if let Some(published) = config.name.spec().mean_std {
        published.normalisation()
    } else {
        let (mean, std) = mean_std(train);
        Normalisation::MeanStd { mean, std }
    };
    let mut dataset =
        Dataset::from_parts(name, class_names, splits, Preprocessing { resize, normalisation })?;
    if let Some(zca) = matrices {
        for (part, split) in [
            ("train", &mut dataset.train),
            ("validation", &mut dataset.validation),
            ("test", &mut dataset.test),
        ] {
            split.images = whiten(&zca, &split.images, part, progress)?;
        }
        dataset.transform = Transform::with_matrices(dataset.preprocessing().clone(), zca);
    }
    Ok(dataset)
}

/// Per channel over all pixels of a part. A channel without spread gets 1, not a division by zero.
pub(crate) fn mean_std(split: &Split) -> (Vec<f32>, Vec<f32>) {
    let shape = split.images.shape();
    let mut histograms = vec![[0u64; 256]; shape.channels];
    let planes = split.images.bytes().unwrap_or_default().chunks_exact(shape.height * shape.width);
    for (index, plane) in planes.enumerate() {
        for &byte in plane {
            histograms[index % shape.channels][usize::from(byte)] += 1;
        }
    }
    let moments = |histogram: &[u64; 256]| {
        let average = |value: &dyn Fn(f64) -> f64| {
            let weighted =
                histogram.iter().enumerate().map(|(byte, &count)| count as f64 * value(byte as f64 / 255.0));
            weighted.sum::<f64>() / histogram.iter().sum::<u64>() as f64
        };
        let mean = average(&|x| x);
        let std = average(&|x| (x - mean).powi(2)).sqrt();
        (mean as f32, if std > 1e-6 { std as f32 } else { 1.0 })
    };
    histograms.iter().map(moments).unzip()
}

/// Fits ZCA to the training images, or takes the fit from the cache.
fn fit(config: &DataConfig, images: &Images, progress: Progress<'_>) -> Result<(Whitening, Arc<Zca>), Error> {
    let size = images.shape().len();
    if size > LARGEST_ZCA {
        let problem = format!(
            "{} images have {size} values, ZCA takes at most {LARGEST_ZCA}; lower resolution or set zca = false",
            images.shape()
        );
        return Err(Error::config("zca", problem));
    }
    let bytes = images.bytes().unwrap_or_default();
    let digest = fit_digest(images, bytes);
    let cache = config.cache_folder();
    let cached = zca_cache::read(&cache, &digest)?;
    let zca = if let Some(zca) = cached.filter(|zca| zca.d() == size) {
        zca
    } else {
        report(progress, Stage::FitZca, config.name.as_str(), 0, 1)?;
        let zca = Zca::fit_rows(images.len(), size, ZCA_EPS, &|row, out| {
            let image = &bytes[row * size..(row + 1) * size];
            out.iter_mut().zip(image).for_each(|(x, &byte)| *x = f64::from(byte) / 255.0);
        })?;
        zca_cache::write(&cache, &digest, &zca)?;
        report(progress, Stage::FitZca, config.name.as_str(), 1, 1)?;
        zca
    };
    Ok((Whitening { eps: ZCA_EPS, fit_digest: digest }, Arc::new(zca)))
}

fn fit_digest(images: &Images, bytes: &[u8]) -> String {
    let mut hash = Sha256::new();
    hash.update(format!("distil zca 1, eps {ZCA_EPS}, {} images of {}\n", images.len(), images.shape()));
    hash.update(bytes);
    hex(&hash.finalize())
}

fn whiten(zca: &Zca, images: &Images, part: &str, progress: Progress<'_>) -> Result<Images, Error> {
    let mut values = Vec::with_capacity(images.len() * zca.d());
    let rows: Vec<usize> = (0..images.len()).collect();
    for block in rows.chunks(WHITEN_ROWS) {
        report(progress, Stage::Whiten, part, block[0], images.len())?;
        let pixels = images.pictures(block).unwrap_or_default();
        values.extend(zca.whiten_f32(&pixels)?);
    }
    images.clone().with_values(values)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::images::ImageShape;

    #[test]
    fn mean_and_std_are_per_channel_and_never_zero() {
        let shape = ImageShape { channels: 2, height: 1, width: 2 };
        let images = Images::from_u8(shape, vec![0, 255, 51, 51, 255, 0, 51, 51]).unwrap();
        let (mean, std) = mean_std(&Split::new(images, vec![0, 0]).unwrap());
        assert!((mean[0] - 0.5).abs() < 1e-6 && (std[0] - 0.5).abs() < 1e-6);
        assert!((mean[1] - 0.2).abs() < 1e-6 && (std[1] - 1.0).abs() < 1e-6);
    }
}
