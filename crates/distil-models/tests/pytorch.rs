//! Networks against PyTorch, layer by layer: names and shapes of the state, activation maps and logits in evaluation, and
//! one training step with its running statistics and gradient.
//!
//! The fixtures hold a randomly initialised `state_dict`, an input, and what PyTorch computed in f64 from them (torchvision's
//! `ResNet` with a smaller width, the literature's VGG-11 and AlexNet, and EfficientNet-Lite0 by fixtures/efficientnet_lite.py). `DISTIL_NETWORK_FIXTURES` names a folder with more
//! of them, such as one of torchvision's `resnet18` at full width.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use burn::tensor::{DType, Device, Tensor};
use distil_engine::{At, Engine, Loss, Targets};
use distil_models::{
    Arch, Architecture, BatchNorms, Network, NetworkConfig, NetworkState, Plain, ResNet18, StateDict,
    StateDictError,
};
use safetensors::{Dtype, SafeTensors};
use serde_json::json;

struct Fixture {
    name: String,
    net: Network,
    tensors: StateDict,
}

impl Fixture {
    fn read(path: &Path) -> Self {
        let bytes = std::fs::read(path).expect("a readable fixture");
        let (_, header) = SafeTensors::read_metadata(&bytes).expect("a safetensors file");
        let meta: BTreeMap<_, _> = header.metadata().clone().expect("metadata").into_iter().collect();
        let number = |key: &str| meta[key].parse::<usize>().expect("a number");
        let mut config = json!({"arch": meta["arch"], "width": number("base_width")});
        for key in ["stem", "norm"] {
            if let Some(value) = meta.get(key) {
                config[key] = json!(value);
            }
        }
        let file = SafeTensors::deserialize(&bytes).expect("a safetensors file");
        let floats = |view: safetensors::tensor::TensorView<'_>| -> Vec<f32> {
            view.data().chunks(4).map(|b| f32::from_le_bytes(b.try_into().expect("four bytes"))).collect()
        };
        let tensors: StateDict = file
            .tensors()
            .into_iter()
            .filter(|(_, view)| view.dtype() == Dtype::F32)
            .map(|(name, view)| (name, (view.shape().to_vec(), floats(view))))
            .collect();
        let [_, channels, height, width] = tensors["input"].0[..] else { panic!("the input has four sides") };
        let config: NetworkConfig = serde_json::from_value(config).expect("a network");
        let net = config.build([channels, height, width], number("classes")).expect("a network that works");
        let name = path.file_stem().expect("a file").to_string_lossy().into_owned();
        Self { name, net, tensors }
    }

    /// The tensors whose names begin with `prefix`, without it.
    fn part(&self, prefix: &str) -> StateDict {
        let strip = |name: &String| name.strip_prefix(prefix).map(str::to_owned);
        self.tensors.iter().filter_map(|(name, tensor)| Some((strip(name)?, tensor.clone()))).collect()
    }

    fn state(&self) -> NetworkState {
        self.net
            .from_state_dict(&self.part("state."))
            .unwrap_or_else(|error| panic!("{}: {error}", self.name))
    }

    fn input(&self, device: &Device, dtype: DType) -> Tensor<4> {
        let (shape, values) = &self.tensors["input"];
        let shape: [usize; 4] = shape.as_slice().try_into().expect("four sides");
        Tensor::<1>::from_data(values.as_slice(), device).reshape(shape).cast(dtype)
    }

    fn compare<const D: usize>(&self, name: &str, got: Tensor<D>, tolerance: f64) {
        assert_eq!(got.dims().to_vec(), self.tensors[name].0, "{}: {name}", self.name);
        self.compare_values(name, got, tolerance);
    }

    fn compare_values<const D: usize>(&self, name: &str, got: Tensor<D>, tolerance: f64) {
        let expected = &self.tensors[name].1;
        let got: Vec<f64> = got.into_data().iter::<f64>().collect();
        assert_eq!(got.len(), expected.len(), "{}: {name}", self.name);
        // A bias before a norm has no influence: its gradient is nothing but rounding.
        let scale = expected.iter().fold(0f64, |top, v| top.max(f64::from(v.abs())));
        let scale = if scale < 1e-12 { 1.0 } else { scale };
        let off = got.iter().zip(expected).fold(0f64, |top, (a, b)| top.max((a - f64::from(*b)).abs()));
        assert!(off <= tolerance * scale, "{}: {name} is off by {:.2e}", self.name, off / scale);
    }
}

fn fixtures() -> Vec<Fixture> {
    let mut folders = vec![PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures"))];
    folders.extend(std::env::var_os("DISTIL_NETWORK_FIXTURES").map(PathBuf::from));
    let files = folders.iter().flat_map(|folder| std::fs::read_dir(folder).expect("a folder"));
    let mut paths: Vec<PathBuf> = files.map(|entry| entry.expect("an entry").path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "safetensors"));
    paths.sort();
    assert!(paths.len() >= 5, "no fixtures in {folders:?}");
    paths.iter().map(|path| Fixture::read(path)).collect()
}

/// Evaluation and one training step in one precision. The fixture's values are rounded to f32.
fn check(fixture: &Fixture, dtype: DType, tolerance: f64) {
    let (net, engine) = (&fixture.net, Engine::new(Device::flex()));
    let device = engine.device();
    let NetworkState { theta, buffers } = fixture.state();
    let theta = net.theta(&theta, device).cast(dtype);
    let buffers = net.buffers(&buffers, device).cast(dtype);
    let input = fixture.input(device, dtype);
    let params = net.layout().split(theta.clone());
    for (layer, name) in net.cam_layers().iter().enumerate() {
        let map = net.activation(&params, BatchNorms::Running(&buffers), input.clone(), layer);
        fixture.compare(&format!("eval.{name}"), map, tolerance);
    }
    fixture.compare("eval.logits", engine.logits(At::evaluation(net, &theta, &buffers), &input), tolerance);

    let n = input.dims()[0];
    let labels: Vec<u32> = (0..n).map(|row| (row % net.classes()) as u32).collect();
    let loss = Loss::from(Targets::from_classes(&labels, net.classes(), device, dtype));
    let training = net.forward::<Plain>(&params, BatchNorms::Batch, input.clone());
    fixture.compare("train.logits", training, tolerance);
    let step = engine.gradient(At::training(net, &theta), &loss, n, n, |rows| input.clone().slice([rows]));
    fixture.compare("train.loss", step.loss, tolerance);
    let moved = net.running(&buffers, &step.batch, n);
    compare_flat(fixture, "train.buffer.", net.buffers_layout(), moved, tolerance);
    // In f32 a pixel may fall on the other side of a ReLU or a max pool, and PyTorch's own f32 gradient of a wide network
    // is then percents off, too.
    if dtype == DType::F64 {
        compare_flat(fixture, "grad.", net.layout(), step.gradient, 10.0 * tolerance);
    }
}

fn compare_flat(
    fixture: &Fixture,
    prefix: &str,
    layout: &distil_models::Layout,
    flat: Tensor<1>,
    tolerance: f64,
) {
    let entries = layout.entries();
    let parts = if entries.is_empty() { Vec::new() } else { layout.split(flat) };
    for (entry, part) in entries.iter().zip(parts) {
        fixture.compare_values(&format!("{prefix}{}", entry.name), part, tolerance);
    }
}

#[test]
fn networks_compute_what_pytorch_computes_in_f64() {
    for fixture in fixtures() {
        check(&fixture, DType::F64, 3e-7);
    }
}

#[test]
fn networks_compute_what_pytorch_computes_in_f32() {
    for fixture in fixtures() {
        // Fifty layers collect rounding.
        let deep = fixture.net.arch() == Arch::EfficientNetLite;
        check(&fixture, DType::F32, if deep { 3e-5 } else { 1e-5 });
    }
}

#[test]
fn states_survive_the_way_through_names() {
    for fixture in fixtures() {
        let state = fixture.state();
        let mut expected = fixture.part("state.");
        assert_eq!(fixture.net.to_state_dict(&state), expected);
        expected.insert("bn1.num_batches_tracked".into(), (vec![], vec![7.0]));
        assert_eq!(fixture.net.from_state_dict(&expected), Ok(state));
    }
}

#[test]
fn other_states_are_refused_by_name() {
    let fixture = fixtures().into_iter().find(|f| f.name == "resnet18-imagenet-batch").expect("a fixture");
    let Architecture::ResNet18(net) = fixture.net.architecture() else { panic!("a ResNet-18") };
    assert_eq!(fixture.net.arch(), Arch::ResNet18);
    let state = fixture.part("state.");
    let refusal = |net: &ResNet18, state: &StateDict| net.from_state_dict(state).expect_err("a refusal");

    let mut missing = state.clone();
    missing.remove("layer3.1.bn2.running_var");
    let name = "layer3.1.bn2.running_var".to_owned();
    assert_eq!(refusal(net, &missing), StateDictError::Missing { name });

    let mut unexpected = state.clone();
    unexpected.insert("layer5.weight".into(), (vec![1], vec![0.0]));
    let name = "layer5.weight".to_owned();
    assert_eq!(refusal(net, &unexpected), StateDictError::Unexpected { name });

    let other = ResNet18 { classes: 10, ..net.clone() };
    let (name, found, expected) = ("fc.weight".to_owned(), vec![3, 16], vec![10, 16]);
    assert_eq!(refusal(&other, &state), StateDictError::Shape { name, found, expected });

    let mut short = state;
    short.get_mut("fc.bias").expect("a bias").1.pop();
    assert!(matches!(refusal(net, &short), StateDictError::Values { values: 2, .. }));
}
