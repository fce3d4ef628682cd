use burn::tensor::Tensor;
use distil_augment::Augmentation;
use distil_engine::{At, Loss};
use distil_golden::{Fixture, Net, Precision, floats};
use distil_hypergrad::InnerSet;
use distil_match::{Distance, View, match_gradients};
use serde::Deserialize;

use super::{classes, engine};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "options that only repeat a shape are named so that unknown ones are refused")]
struct Options {
    net: Net,
    one_class: Option<u32>,
    real: usize,
    synthetic: usize,
}

pub(crate) fn check(fixture: &Fixture, precision: Precision) -> Result<(), String> {
    let options: Options = fixture.options()?;
    let (engine, net) = (&engine(), options.net.build());
    let theta = fixture.tensor("theta", precision)?;
    let images: Tensor<4> = fixture.tensor("x_real", precision)?;
    let loss = Loss::from(classes(fixture, "labels_real", &options.net, precision)?);
    let synthetic = InnerSet::new(
        fixture.tensor("x_syn", precision)?,
        classes(fixture, "labels_syn", &options.net, precision)?,
    );
    let (at, n) = (At::training(&net, &theta), images.dims()[0]);
    for micro_batch in [usize::MAX, 1] {
        let view = View { engine, at, augmentation: &Augmentation::None, micro_batch };
        let chunk = |range| images.clone().slice([range]);
        let real = engine.gradient(at, &loss, n, micro_batch, chunk).gradient;
        let found = match_gradients(view, &real, &synthetic, Distance::Ours);
        let parts = floats(found.parts);
        fixture.expect("per_tensor", &parts, precision)?;
        fixture.expect("distance", &[parts.iter().sum()], precision)?;
        fixture.expect("dx_syn", &floats(found.images), precision)?;
    }
    Ok(())
}
