//! Every fixture of kind `gradcam`, in f64 and in f32.

use burn::tensor::{Device, Tensor};
use distil_engine::Engine;
use distil_golden::{Fixture, Net, Precision, check_all};
use distil_gradcam::{Cam, Enhancement, Explainer, Noise, Target, Threshold, last_layer};
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

fn check(fixture: &Fixture, precision: Precision) -> Result<(), String> {
    let options: Options = fixture.options()?;
    let network = options.net.build();
    let theta = fixture.tensor("theta", precision)?;
    let engine = &Engine::new(Device::flex());
    let buffers = Tensor::empty([0], engine.device());
    let images: Tensor<4> = fixture.tensor("x", precision)?;
    let classes = fixture.classes("classes")?;
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
