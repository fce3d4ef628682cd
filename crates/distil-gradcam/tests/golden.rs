//! Every fixture of kind `gradcam`, in f64 and in f32.

use burn::tensor::{DType, Device, Tensor, TensorData};
use distil_engine::Engine;
use distil_golden::{Fixture, Net, Precision, check_all};
use distil_gradcam::{Cam, Enhancement, Explainer, Noise, Target, Threshold, last_layer};
use distil_models::{ConvNet, Network};
use serde::Deserialize;

#[test]
fn golden() {
    check_all(&["gradcam"], check);
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "options that only repeat a shape are named so that unknown ones are refused")]
struct Options {
    net: Net,
    images: usize,
    beta: f64,
}

fn build(options: &Net) -> Network {
    let mut net = ConvNet::new(options.channels, options.classes, options.image_height, options.image_width)
        .with_width(options.width)
        .with_depth(options.depth);
    net.pad28 = options.pad28;
    let net = Network::from(net);
    assert_eq!(net.layout().params(), options.params, "the layout has as many scalars as the fixture");
    net
}

fn tensor<const D: usize>(fixture: &Fixture, name: &str, precision: Precision) -> Result<Tensor<D>, String> {
    let array = fixture.float(name)?;
    let data = TensorData::new(array.values.clone(), array.shape.clone());
    let dtype = match precision {
        Precision::F64 => DType::F64,
        Precision::F32 => DType::F32,
    };
    Ok(Tensor::from_data(data, (&Device::flex(), dtype)))
}

fn check(fixture: &Fixture, precision: Precision) -> Result<(), String> {
    let options: Options = fixture.options()?;
    let network = build(&options.net);
    let theta = tensor(fixture, "theta", precision)?;
    let engine = &Engine::new(Device::flex());
    let buffers = Tensor::empty([0], engine.device());
    let images: Tensor<4> = tensor(fixture, "x", precision)?;
    let classes: Vec<u32> = fixture.integer("classes")?.values.iter().map(|&class| class as u32).collect();
    let layer = last_layer(&network).map_err(|error| error.to_string())?;
    for micro_batch in [usize::MAX, 1, 3] {
        let (network, theta, buffers) = (&network, &theta, &buffers);
        let explainer = Explainer { engine, network, theta, buffers, layer, cam: Cam::GradCam, micro_batch };
        let got = explainer.explain(&images, Target::Classes(&classes), Noise::default());
        let got = got.map_err(|error| error.to_string())?;
        let unit = got.raw.unit();
        let map = unit.resize(options.net.image_height, options.net.image_width);
        let enhancement = Enhancement { beta: options.beta, threshold: Threshold::Mean };
        fixture.expect("alpha", &got.channel_weights, precision)?;
        fixture.expect("raw", &got.raw.values, precision)?;
        fixture.expect("unit", &unit.values, precision)?;
        fixture.expect("map", &map.values, precision)?;
        fixture.expect("weights", &enhancement.weights(&map), precision)?;
    }
    Ok(())
}
