use distil_augment::Augmentation;
use distil_golden::{Fixture, Net, Precision};
use distil_hypergrad::InnerSet;
use distil_match::{Distance, View, match_gradients};
use distil_models::loss_and_gradient;
use serde::Deserialize;

use super::{build, classes, floats, tensor};

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
    let net = build(&options.net);
    let theta = tensor(fixture, "theta", precision)?;
    let images = tensor(fixture, "x_real", precision)?;
    let targets = classes(fixture, "labels_real", &options.net, precision)?;
    let synthetic = InnerSet {
        images: tensor(fixture, "x_syn", precision)?,
        targets: classes(fixture, "labels_syn", &options.net, precision)?,
    };
    for micro_batch in [usize::MAX, 1] {
        let view = View { net: &net, theta: &theta, augmentation: &Augmentation::None, micro_batch };
        let real = loss_and_gradient(&net, &theta, &images, &targets, micro_batch).gradient;
        let found = match_gradients(view, &real, &synthetic, Distance::Ours);
        let parts = floats(found.parts);
        fixture.expect("per_tensor", &parts, precision)?;
        fixture.expect("distance", &[parts.iter().sum()], precision)?;
        fixture.expect("dx_syn", &floats(found.images), precision)?;
    }
    Ok(())
}
