use burn::tensor::Tensor;
use distil_augment::Augmentation;
use distil_engine::Targets;
use distil_golden::{Fixture, Net, Precision, floats};
use distil_match::{Effect, EffectBatch};
use serde::Deserialize;

use super::{classes, engine};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "options that only repeat a shape are named so that unknown ones are refused")]
struct Options {
    net: Net,
    checkpoints: usize,
    probe: usize,
    real: usize,
    synthetic: usize,
}

pub(crate) fn check(fixture: &Fixture, precision: Precision) -> Result<(), String> {
    let options: Options = fixture.options()?;
    let (engine, net) = (&engine(), options.net.build());
    let images = |name| fixture.tensor(name, precision);
    let batch = |images, targets: Targets| EffectBatch {
        images,
        loss: targets.into(),
        augmentation: Augmentation::None,
    };
    let probe = batch(images("x_p")?, classes(fixture, "labels_p", &options.net, precision)?);
    let real = batch(images("x_d")?, classes(fixture, "labels_d", &options.net, precision)?);
    let synthetic = batch(images("x_s")?, Targets::Soft(fixture.tensor("y_s", precision)?));
    let thetas: Tensor<2> = fixture.tensor("thetas", precision)?;
    for micro_batch in [usize::MAX, 2] {
        let (net, probe, real, synthetic) = (&net, &probe, &real, &synthetic);
        let effect = Effect { engine, net, probe, real, synthetic, coefficient: 1.0, micro_batch };
        let theta = |t| (thetas.clone().narrow(0, t, 1).squeeze_dim(0), 1.0);
        let found = effect.loss((0..options.checkpoints).map(theta));
        fixture.expect("terms", &found.terms, precision)?;
        fixture.expect("loss", &[found.loss], precision)?;
        fixture.expect("dx_s", &floats(found.images), precision)?;
        fixture.expect("dy_s", &floats(found.labels.ok_or("no gradient of the labels")?), precision)?;
    }
    Ok(())
}
