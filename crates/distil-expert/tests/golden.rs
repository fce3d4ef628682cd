//! Every fixture of kind `gsam`, in f64 and in f32.

use burn::tensor::{DType, Device, Tensor, TensorData};
use distil_engine::{At, Engine, Loss, Targets};
use distil_expert::Gsam;
use distil_golden::{Fixture, Net, Precision, check_all};
use distil_models::{ConvNet, Network};
use serde::Deserialize;

#[test]
fn golden() {
    check_all(&["gsam"], check);
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "options that only repeat a shape are named so that unknown ones are refused")]
struct Options {
    net: Net,
    images: usize,
    rho: f64,
    alpha: f64,
    lr: f64,
}

fn check(fixture: &Fixture, precision: Precision) -> Result<(), String> {
    let Options { net, rho, alpha, lr, .. } = fixture.options()?;
    let dtype = match precision {
        Precision::F64 => DType::F64,
        Precision::F32 => DType::F32,
    };
    let device = Device::flex();
    let mut model = ConvNet::new(net.channels, net.classes, net.image_height, net.image_width)
        .with_width(net.width)
        .with_depth(net.depth);
    model.pad28 = net.pad28;
    let model = Network::from(model);
    assert_eq!(model.layout().params(), net.params);
    let labels: Vec<u32> = fixture.integer("labels")?.values.iter().map(|&l| l as u32).collect();
    let loss = Loss::from(Targets::from_classes(&labels, net.classes, &device, dtype));
    let x = fixture.float("x")?;
    let images: Tensor<4> =
        Tensor::from_data(TensorData::new(x.values.clone(), x.shape.clone()), (&device, dtype));
    let theta: Tensor<1> = Tensor::from_data(fixture.float("theta")?.values.as_slice(), (&device, dtype));

    let engine = Engine::new(device);
    let step = Gsam { rho, alpha }.direction(&theta, |theta| {
        let at = At::training(&model, theta);
        engine.gradient(at, &loss, labels.len(), usize::MAX, |rows| images.clone().slice([rows]))
    });
    let next = theta - step.descent.clone() * lr;
    let floats = |t: Tensor<1>| t.into_data().iter::<f64>().collect::<Vec<_>>();
    fixture.expect("loss", &floats(step.at.loss), precision)?;
    fixture.expect("grad", &floats(step.at.gradient), precision)?;
    fixture.expect("perturbation", &floats(step.perturbation), precision)?;
    fixture.expect("loss_perturbed", &floats(step.perturbed.loss), precision)?;
    fixture.expect("grad_perturbed", &floats(step.perturbed.gradient), precision)?;
    fixture.expect("grad_final", &floats(step.descent), precision)?;
    fixture.expect("theta_next", &floats(next), precision)
}
