//! Model files: what is written is read, and what is not a model is refused.

use distil_gradcam::{CamModel, ClassRule, ModelCard, ModelError};
use distil_models::{
    BackboneNorm, ConvNet, EfficientNetLite, LiteSize, Network, NetworkState, ResNet18, StateDict,
};
use distil_random::stream;
use safetensors::Dtype;
use safetensors::tensor::TensorView;

const SIDE: usize = 8;

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
        recipe: serde_json::json!({"epochs": 8}),
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

/// Weights without a card, as torchvision has them: names, shapes and the counters it keeps.
#[test]
fn torchvision_weights_are_a_model() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("resnet18.safetensors");
    let network = ResNet18 {
        base_width: 2,
        norm: BackboneNorm::Batch,
        stem: distil_models::Stem::Imagenet,
        ..ResNet18::new(3, 5, 64, 64)
    };
    let network = Network::ResNet18(network);
    let theta = network.init(&mut stream(3, "weights", 0));
    let state = NetworkState { theta, buffers: network.init_buffers() };
    write_weights(&path, &network.to_state_dict(&state));
    let model = CamModel::open(&path, [64, 64]).unwrap();
    assert_eq!((model.state, model.card.network), (state.clone(), network.clone()));
    assert_eq!(model.card.class_names, ["0", "1", "2", "3", "4"]);
    let mut fewer = network.to_state_dict(&state);
    fewer.remove("layer3.0.bn1.running_var");
    write_weights(&path, &fewer);
    let error = CamModel::open(&path, [64, 64]).unwrap_err().to_string();
    assert!(error.contains("resnet18.safetensors") && error.contains("layer3.0.bn1.running_var"), "{error}");
    write_weights(&path, &model_of_convnet());
    let error = CamModel::open(&path, [64, 64]).unwrap_err().to_string();
    assert!(error.contains("not a model of distil") && error.contains("resnet18"), "{error}");
    std::fs::write(&path, "a text").unwrap();
    assert!(matches!(CamModel::open(&path, [64, 64]), Err(ModelError::NotModel { .. })));
}

/// Weights of any size of EfficientNet-Lite are known by their tensors.
#[test]
fn efficientnet_lite_weights_are_a_model() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("lite.safetensors");
    for size in LiteSize::ALL {
        let network = EfficientNetLite { size, base_width: 4, ..EfficientNetLite::new(3, 5, 64, 48) };
        let network = Network::EfficientNetLite(network);
        let theta = network.init(&mut stream(3, "weights", 0));
        let state = NetworkState { theta, buffers: network.init_buffers() };
        let tensors = network.to_state_dict(&state);
        write_weights(&path, &tensors);
        let model = CamModel::open(&path, [64, 48]).unwrap();
        assert_eq!((&model.state, &model.card.network), (&state, &network));
        assert_eq!(model, CamModel::efficientnet_lite(&path, [64, 48]).unwrap());
        assert_eq!(model.card.preprocessing["normalisation"]["std"][0], 128.0 / 255.0);
        let mut fewer = tensors;
        fewer.remove("_blocks.3._bn1.running_var");
        write_weights(&path, &fewer);
        let error = CamModel::open(&path, [64, 48]).unwrap_err().to_string();
        assert!(
            error.contains("lite.safetensors") && error.contains("_blocks.3._bn1.running_var"),
            "{error}"
        );
    }
}

fn model_of_convnet() -> StateDict {
    let network = Network::ConvNet(ConvNet::new(3, 2, SIDE, SIDE).with_width(4));
    let theta = network.init(&mut stream(3, "weights", 0));
    network.to_state_dict(&NetworkState { theta, buffers: Vec::new() })
}

fn write_weights(path: &std::path::Path, tensors: &StateDict) {
    let bytes: Vec<(&String, &Vec<usize>, Vec<u8>)> = tensors
        .iter()
        .map(|(name, (shape, values))| (name, shape, values.iter().flat_map(|v| v.to_le_bytes()).collect()))
        .collect();
    let views = bytes.iter().map(|(name, shape, bytes)| {
        (name.as_str(), TensorView::new(Dtype::F32, (*shape).clone(), bytes).expect("four bytes a value"))
    });
    let file = safetensors::serialize(views, None).expect("weights");
    std::fs::write(path, file).expect("a file");
}

#[test]
fn every_damaged_byte_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.safetensors");
    model(Network::ConvNet(ConvNet::new(1, 2, SIDE, SIDE).with_width(1))).save(&path).unwrap();
    distil_damage::every_damage_is_found(&path, || CamModel::load(&path));
}
