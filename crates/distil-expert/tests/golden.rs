//! Every fixture of kind `gsam`, in f64 and in f32.

use burn::tensor::{Device, Tensor};
use distil_engine::{At, Engine, Loss, Targets};
use distil_expert::Gsam;
use distil_golden::{Fixture, Net, Precision, check_all, floats};
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
    let (device, model) = (Device::flex(), net.build());
    let labels = fixture.classes("labels")?;
    let loss = Loss::from(Targets::from_classes(&labels, net.classes, &device, precision.dtype()));
    let images: Tensor<4> = fixture.tensor("x", precision)?;
    let theta: Tensor<1> = fixture.tensor("theta", precision)?;

    let engine = Engine::new(device);
    let step = Gsam { rho, alpha }.direction(&theta, |theta| {
        let at = At::training(&model, theta);
        engine.gradient(at, &loss, labels.len(), usize::MAX, |rows| images.clone().slice([rows]))
    });
    let next = theta - step.descent.clone() * lr;
    fixture.expect("loss", &floats(step.at.loss), precision)?;
    fixture.expect("grad", &floats(step.at.gradient), precision)?;
    fixture.expect("perturbation", &floats(step.perturbation), precision)?;
    fixture.expect("loss_perturbed", &floats(step.perturbed.loss), precision)?;
    fixture.expect("grad_perturbed", &floats(step.perturbed.gradient), precision)?;
    fixture.expect("grad_final", &floats(step.descent), precision)?;
    fixture.expect("theta_next", &floats(next), precision)
}
