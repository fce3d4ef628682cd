//! Published images, where this machine has them.

use distil_progress::Progress;
use std::path::PathBuf;

use distil_data::{
    Counts, DataConfig, Dataset, DatasetName, Error, Fetch, HoldOut, ImageShape, ImageStream, ResizePolicy,
};
use distil_require::{Need, skipped};

fn data_dir() -> PathBuf {
    let beside = || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data"));
    std::env::var_os("DISTIL_DATA_DIR").map_or_else(beside, PathBuf::from)
}

/// `None`, with a line that says so, where the set is not there.
fn load(config: DataConfig) -> Option<Dataset> {
    let name = config.name;
    match (DataConfig { data_dir: Some(data_dir()), ..config }).load(Progress::none()) {
        Ok(data) => Some(data),
        Err(Error::Missing { .. }) => {
            skipped(Need::Data, format!("{name} is not in {}", data_dir().display()));
            None
        }
        Err(error) => panic!("{error}"),
    }
}

#[test]
fn mnist_and_fashion_mnist() {
    for (name, mean) in [(DatasetName::Mnist, 0.1307f32), (DatasetName::FashionMnist, 0.2861)] {
        let config = DataConfig { validation: Some(HoldOut::Count(5000)), ..DataConfig::new(name) };
        let Some(data) = load(config) else { continue };
        assert_eq!([data.train.len(), data.validation.len(), data.test.len()], [55_000, 5000, 10_000]);
        assert_eq!(data.validation.class_counts(10), [500; 10]);
        let rows: Vec<usize> = (0..data.train.len()).collect();
        let pixels = data.train.images.pictures(&rows).unwrap();
        let measured = pixels.iter().map(|&x| f64::from(x)).sum::<f64>() / pixels.len() as f64;
        assert!((measured - f64::from(mean)).abs() < 1e-3, "{name}: {measured}");
    }
}

#[test]
fn fashion_mnist_that_is_there_is_not_downloaded() {
    let place = data_dir().join("fashion-mnist");
    if !place.is_dir() {
        return skipped(Need::Data, format!("no {}", place.display()));
    }
    let fetch = Fetch { base_url: Some("http://127.0.0.1:9".to_owned()), ..Fetch::default() };
    let found = fetch.run(DatasetName::FashionMnist, &data_dir(), Progress::none());
    assert_eq!(found.unwrap(), place);
}

#[test]
fn cifar10() {
    let Some(data) = load(DataConfig::new(DatasetName::Cifar10)) else { return };
    assert_eq!([data.train.len(), data.validation.len(), data.test.len()], [45_000, 5000, 10_000]);
    assert_eq!(data.test.class_counts(10), [1000; 10]);
}

#[test]
fn imagenette_slice() {
    let root = data_dir().join("imagenette2-224");
    if !root.is_dir() {
        return skipped(Need::Data, format!("no {}", root.display()));
    }
    let config =
        DataConfig { path: Some(root), resolution: Some(64), ..DataConfig::new(DatasetName::Folder) };
    let data = config.load(Progress::none()).unwrap();
    assert_eq!([data.train.len(), data.validation.len(), data.test.len()], [540, 60, 300]);
    assert_eq!((data.shape().channels, data.shape().height), (3, 64));
}

/// The slice has 30 validation images a class: it is refused as ImageNet's Imagenette, and read when that is accepted.
#[test]
fn imagenette_by_name() {
    let root = data_dir().join("imagenette2-224");
    if !root.is_dir() {
        return skipped(Need::Data, format!("no {}", root.display()));
    }
    let config = DataConfig {
        data_dir: Some(data_dir()),
        resize: ResizePolicy::CentreCrop,
        ..DataConfig::new("imagenette".parse().unwrap())
    };
    let error = config.list().unwrap_err().to_string();
    assert!(error.contains("30 validation images of n01440764") && error.contains("data.counts"), "{error}");
    let config = DataConfig { counts: Counts::Any, ..config };
    let everything = config.list().unwrap().everything();
    assert_eq!(everything.class_counts(10), [90; 10]);
    for side in [64, 128, 224] {
        let config = DataConfig { resolution: Some(side), ..config.clone() };
        let few = everything.subset(&(0..900).step_by(9).collect::<Vec<_>>());
        let shards: Result<Vec<_>, Error> =
            ImageStream::new(few, config.stream_options(30).unwrap()).unwrap().collect();
        let shards = shards.unwrap();
        assert_eq!(shards.iter().map(|shard| shard.split.len()).collect::<Vec<_>>(), [30, 30, 30, 10]);
        assert_eq!(shards[0].split.images.shape(), ImageShape { channels: 3, height: side, width: side });
    }
    let data = config.load(Progress::none()).unwrap();
    assert_eq!((data.shape().height, data.class_names[0].as_str()), (128, "n01440764 tench"));
    let rows: Vec<usize> = (0..data.train.len()).collect();
    let inputs = data.train.images.gather(&rows);
    let mean = inputs.iter().sum::<f32>() / inputs.len() as f32;
    assert!(mean.abs() < 0.2, "ImageNet's mean and std nearly fit: {mean}");
}

#[test]
#[ignore = "fits ZCA to CIFAR-10, which takes minutes on two cores"]
fn cifar10_whitened() {
    let cache = tempfile::tempdir().unwrap();
    let cache_dir = Some(cache.path().to_owned());
    let Some(data) = load(DataConfig { zca: true, cache_dir, ..DataConfig::new(DatasetName::Cifar10) })
    else {
        return;
    };
    let rows: Vec<usize> = (0..100).collect();
    let undone = data.transform.undo(data.shape(), &data.test.images.gather(&rows)).unwrap();
    let pictures = data.test.images.pictures(&rows).unwrap();
    let worst = undone.iter().zip(&pictures).map(|(a, b)| (a - b).abs()).fold(0f32, f32::max);
    assert!(worst < 1e-3, "{worst}");
}
