//! Model files: what is written is read, and what is not a model is refused.

use distil_gradcam::{CamModel, ClassRule, ModelCard};
use distil_models::{ConvNet, EfficientNetLite, LiteSize, Network, NetworkState, Norm, ResNet18, StateDict};
use distil_random::stream;
use distil_store::Normalisation;
use distil_store::Preprocessing;
use safetensors::Dtype;
use safetensors::tensor::TensorView;

const SIDE: usize = 8;

fn model(network: Network) -> CamModel {
    let state =
        NetworkState { theta: network.init(&mut stream(3, "model", 0)), buffers: network.init_buffers() };
    let card = ModelCard {
        architecture: serde_json::to_value(&network).expect("plain JSON"),
        class_names: vec!["upper".into(), "lower".into()],
        preprocessing: Preprocessing { resize: None, normalisation: Normalisation::Identity },
        dataset: "halves".into(),
        dataset_digest: "0123".into(),
        validation_accuracy: Some(0.1 + 0.2),
        recipe: serde_json::json!({"epochs": 8}),
        seed: 7,
        distil_version: "0".into(),
        command: "distil train".into(),
    };
    CamModel { network, state, card }
}

fn batch_normed() -> Network {
    Network::from(ResNet18 { base_width: 2, norm: Norm::Batch, ..ResNet18::new(1, 2, SIDE, SIDE) })
}

#[test]
fn what_is_written_is_read() {
    let folder = tempfile::tempdir().unwrap();
    for network in [Network::from(ConvNet::new(1, 2, SIDE, SIDE).with_width(4)), batch_normed()] {
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
    model(batch_normed()).save(&path).unwrap();
    let mut bytes = std::fs::read(&path).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    std::fs::write(&path, &bytes).unwrap();
    let refused = || CamModel::load(&path).expect_err("a refusal").to_string();
    assert!(refused().contains("model.safetensors is damaged") && refused().contains("train"));
    std::fs::write(&path, "a text, and no tensors").unwrap();
    assert!(refused().contains("is a text file, not a trained model saved by distil"), "{}", refused());
}

/// What a network computes has a name; how it came to be does not change it.
#[test]
fn a_digest_is_of_what_the_network_computes() {
    let known = model(batch_normed());
    let mut other = known.clone();
    other.card.seed += 1;
    other.card.command.clear();
    assert_eq!(other.digest(), known.digest());
    other.state.buffers[0] += 1.0;
    assert_ne!(other.digest(), known.digest());
    let mut swapped = known.clone();
    swapped.card.class_names.reverse();
    assert_ne!(swapped.digest(), known.digest());
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
        norm: Norm::Batch,
        stem: distil_models::Stem::Imagenet,
        ..ResNet18::new(3, 5, 64, 64)
    };
    let network = Network::from(network);
    let theta = network.init(&mut stream(3, "weights", 0));
    let state = NetworkState { theta, buffers: network.init_buffers() };
    write_weights(&path, &network.to_state_dict(&state));
    let model = CamModel::open(&path, [64, 64]).unwrap();
    assert_eq!((model.state, model.network), (state.clone(), network.clone()));
    assert_eq!(model.card.class_names, ["0", "1", "2", "3", "4"]);
    let mut fewer = network.to_state_dict(&state);
    fewer.remove("layer3.0.bn1.running_var");
    write_weights(&path, &fewer);
    let error = CamModel::open(&path, [64, 64]).unwrap_err().to_string();
    assert!(error.contains("resnet18.safetensors") && error.contains("layer3.0.bn1.running_var"), "{error}");
    write_weights(&path, &model_of_convnet());
    let error = CamModel::open(&path, [64, 64]).unwrap_err().to_string();
    assert!(error.contains("not a model of distil") && error.contains("resnet18"), "{error}");
    std::fs::write(&path, "a text, and no tensors").unwrap();
    let error = CamModel::open(&path, [64, 64]).unwrap_err().to_string();
    assert!(error.contains("is a text file, not a trained model") && error.contains("train"), "{error}");
}

/// A 3×3 convolution at the start is the stem for CIFAR, under torchvision's names and under those copied most.
#[test]
fn weights_for_cifar_are_known_by_their_stem() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("resnet18.safetensors");
    let network = |channels, classes| {
        let published = ResNet18::new(channels, classes, 32, 32);
        Network::from(ResNet18 {
            base_width: 2,
            norm: Norm::Batch,
            stem: distil_models::Stem::Cifar,
            ..published
        })
    };
    let tensors = |network: &Network| {
        let theta = network.init(&mut stream(3, "weights", 0));
        network.to_state_dict(&NetworkState { theta, buffers: network.init_buffers() })
    };
    let (own, grey) = (network(3, 10), network(1, 10));
    let renamed = |name: String| {
        format!("module.{}", name.replace("fc.", "linear.").replace(".downsample.", ".shortcut."))
    };
    let copied = tensors(&own).into_iter().map(|(name, tensor)| (renamed(name), tensor)).collect();
    for weights in [tensors(&own), copied] {
        write_weights(&path, &weights);
        let model = CamModel::open(&path, None).unwrap();
        assert_eq!((model.network.image_shape(), &model.network), ([3, 32, 32], &own));
        let names: Vec<String> = (0..10).map(|class| format!("class {class}")).collect();
        assert_eq!(model.clone().with_class_names(names.clone()).unwrap().card.class_names, names);
        let error = model.with_class_names(names[1..].to_vec()).unwrap_err().to_string();
        assert!(error.contains("9 names were given for the 10 outputs"), "{error}");
    }
    write_weights(&path, &tensors(&grey));
    let model = CamModel::open(&path, [48, 32]).unwrap();
    assert_eq!(model.network.image_shape(), [1, 48, 32]);
    assert!(model.card.preprocessing.to_string().contains("0.449"), "{}", model.card.preprocessing);
    write_weights(&path, &tensors(&network(3, 1)));
    let error = CamModel::open(&path, None).unwrap_err().to_string();
    assert!(error.contains("resnet18.safetensors is a network of one output"), "{error}");
}

/// Weights of any size of EfficientNet-Lite are known by their tensors.
#[test]
fn efficientnet_lite_weights_are_a_model() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("lite.safetensors");
    for size in LiteSize::ALL {
        let network = EfficientNetLite { size, base_width: 4, ..EfficientNetLite::new(3, 5, 64, 48) };
        let network = Network::from(network);
        let theta = network.init(&mut stream(3, "weights", 0));
        let state = NetworkState { theta, buffers: network.init_buffers() };
        let tensors = network.to_state_dict(&state);
        write_weights(&path, &tensors);
        let model = CamModel::open(&path, [64, 48]).unwrap();
        assert_eq!((&model.state, &model.network), (&state, &network));
        assert_eq!(model, CamModel::efficientnet_lite(&path, [64, 48]).unwrap());
        let normalisation = &model.card.preprocessing.normalisation;
        assert!(matches!(normalisation, Normalisation::MeanStd { std, .. } if std[0] == 128.0 / 255.0));
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
    let network = Network::from(ConvNet::new(3, 2, SIDE, SIDE).with_width(4));
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
