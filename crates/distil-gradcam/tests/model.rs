//! Model files: what is written is read, and what is not a model is refused.

use std::ops::ControlFlow;

use burn::tensor::Device;
use distil_data::{ImageShape, Images, Split};
use distil_gradcam::{
    CamModel, CamRecipe, ClassRule, ModelCard, ModelError, TrainError, accuracy, train_network,
};
use distil_models::{BackboneNorm, ConvNet, Network, NetworkState, ResNet18};
use distil_random::{below, stream};

const SIDE: usize = 8;

/// Two classes: the upper or the lower half is bright.
fn halves(n: usize) -> Split {
    let mut rng = stream(1, "halves", 0);
    let labels: Vec<u32> = (0..n).map(|i| (i % 2) as u32).collect();
    let bytes = (0..n * SIDE * SIDE)
        .map(|i| {
            let lower = usize::from(i / SIDE % SIDE >= SIDE / 2);
            let lit = lower == labels[i / (SIDE * SIDE)] as usize;
            (below(&mut rng, 90) + if lit { 120 } else { 0 }) as u8
        })
        .collect();
    let shape = ImageShape { channels: 1, height: SIDE, width: SIDE };
    Split::new(Images::from_u8(shape, bytes).unwrap(), labels).unwrap()
}

fn recipe() -> CamRecipe {
    let augmentation = "none".parse().unwrap();
    CamRecipe { epochs: 8, batch: 10, augmentation, ..CamRecipe::default() }
}

fn model(network: Network) -> CamModel {
    let state =
        NetworkState { theta: network.init(&mut stream(3, "model", 0)), buffers: network.init_buffers() };
    let card = ModelCard {
        network,
        class_names: vec!["upper".into(), "lower".into()],
        preprocessing: serde_json::json!({"resize": null}),
        dataset: "halves".into(),
        dataset_digest: "0123".into(),
        validation_accuracy: Some(0.1 + 0.2),
        recipe: recipe(),
        seed: 7,
        distil_version: "0".into(),
        command: "distil train-cam".into(),
    };
    CamModel { state, card }
}

fn batch_normed() -> Network {
    Network::ResNet18(ResNet18 {
        base_width: 2,
        norm: BackboneNorm::Batch,
        ..ResNet18::new(1, 2, SIDE, SIDE)
    })
}

#[test]
fn what_is_written_is_read() {
    let folder = tempfile::tempdir().unwrap();
    for network in [Network::ConvNet(ConvNet::new(1, 2, SIDE, SIDE).with_width(4)), batch_normed()] {
        let (path, again) = (folder.path().join("a.safetensors"), folder.path().join("b.safetensors"));
        let written = model(network);
        written.save(&path).unwrap();
        written.save(&again).unwrap();
        assert_eq!(CamModel::load(&path).unwrap(), written);
        assert_eq!(std::fs::read(&path).unwrap(), std::fs::read(&again).unwrap());
    }
}

#[test]
fn other_files_and_damaged_ones_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.safetensors");
    let refused = || CamModel::load(&path).expect_err("a refusal");
    assert!(matches!(refused(), ModelError::Read { .. }));
    model(batch_normed()).save(&path).unwrap();
    let bytes = std::fs::read(&path).unwrap();
    for at in [9, bytes.len() / 2, bytes.len() - 3] {
        let mut flipped = bytes.clone();
        flipped[at] ^= 1;
        std::fs::write(&path, flipped).unwrap();
        let error = refused().to_string();
        assert!(error.contains("model.safetensors") && error.contains("train-cam"), "{error}");
    }
    std::fs::write(&path, &bytes[..bytes.len() - 40]).unwrap();
    assert!(matches!(refused(), ModelError::NotModel { .. }));
    std::fs::write(&path, "a text").unwrap();
    assert!(matches!(refused(), ModelError::NotModel { .. }));
    let missing = folder.path().join("no/folder.safetensors");
    assert!(matches!(model(batch_normed()).save(missing), Err(ModelError::Write(_))));
}

/// A sound checksum does not make a card true.
#[test]
fn a_card_that_contradicts_its_tensors_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.safetensors");
    let mut other = model(batch_normed());
    other.card.class_names.pop();
    other.save(&path).unwrap();
    let error = CamModel::load(&path).expect_err("a refusal").to_string();
    assert!(error.contains("names 1 classes, its network has 2"), "{error}");
}

#[test]
fn labels_find_their_classes() {
    let model = model(batch_normed());
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    let map = |rule| model.class_map(rule, &names(&["lower"])).unwrap().classes(&[0]).unwrap();
    assert_eq!(map(ClassRule::Mapped), [1]);
    assert_eq!(map(ClassRule::PublicCode), [0]);
    let error = model.class_map(ClassRule::Mapped, &names(&["lower", "left"])).unwrap_err().to_string();
    assert!(error.contains("no class \"left\" (1 of 2"), "{error}");
}

#[test]
fn networks_learn_and_a_seed_decides_everything() {
    let (data, device) = (halves(60), Device::flex());
    for network in [Network::ConvNet(ConvNet::new(1, 2, SIDE, SIDE).with_width(4)), batch_normed()] {
        let train = |seed| {
            let mut steps = 0;
            let trained = train_network(&network, &data, &recipe(), seed, &device, &mut |progress| {
                steps += 1;
                assert_eq!((progress.step, progress.steps), (steps, 48));
                assert_eq!(progress.epoch_loss.is_some(), steps % 6 == 0);
                ControlFlow::Continue(())
            });
            trained.expect("a network")
        };
        let trained = train(1);
        let theta = network.theta(&trained.theta, &device);
        let buffers = network.buffers(&trained.buffers, &device);
        assert!(accuracy(&network, &theta, &buffers, &data) > 0.9, "{:?}", network.arch());
        assert_eq!(trained, train(1));
        assert_ne!(trained, train(2));
        assert_eq!(trained.buffers == network.init_buffers(), trained.buffers.is_empty());
    }
}

#[test]
fn trainings_that_cannot_be_are_refused() {
    let (data, device) = (halves(20), Device::flex());
    let train = |network: &Network, data: &Split, recipe: &CamRecipe| {
        train_network(network, data, recipe, 0, &device, &mut |_| ControlFlow::Continue(())).err()
    };
    let network = Network::ConvNet(ConvNet::new(1, 2, SIDE, SIDE).with_width(4));
    let empty = data.subset(&[]);
    assert_eq!(train(&network, &empty, &recipe()), Some(TrainError::NoData));
    let one_class = Network::ConvNet(ConvNet::new(1, 1, SIDE, SIDE).with_width(4));
    assert!(matches!(train(&one_class, &data, &recipe()), Some(TrainError::Misfit(_))));
    let larger = Network::ConvNet(ConvNet::new(1, 2, SIDE, 2 * SIDE).with_width(4));
    assert!(matches!(train(&larger, &data, &recipe()), Some(TrainError::Misfit(_))));
    let wild = CamRecipe { lr: 1e30, ..recipe() };
    assert!(matches!(train(&network, &data, &wild), Some(TrainError::Diverged { .. })));
    for recipe in [
        CamRecipe { epochs: 0, ..recipe() },
        CamRecipe { momentum: 1.0, ..recipe() },
        CamRecipe { lr: f64::NAN, ..recipe() },
    ] {
        assert!(matches!(train(&network, &data, &recipe), Some(TrainError::Recipe { .. })));
    }
    let stopped = train_network(&network, &data, &recipe(), 0, &device, &mut |_| ControlFlow::Break(()));
    assert_eq!(stopped, Err(TrainError::Stopped));
}
