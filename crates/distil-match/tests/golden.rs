//! Every fixture of the kinds that this crate owns, in f64 and in f32.

use burn::tensor::Device;
use distil_engine::{Engine, Targets};
use distil_golden::{Fixture, Net, Precision, check_all};

#[path = "golden/distribution_match.rs"]
mod distribution_match;
#[path = "golden/effect_match.rs"]
mod effect_match;
#[path = "golden/gradient_match.rs"]
mod gradient_match;

#[test]
fn golden() {
    let kinds = ["effect_match", "gradient_match", "distribution_match"];
    check_all(&kinds, |fixture, precision| match fixture.kind.as_str() {
        "effect_match" => effect_match::check(fixture, precision),
        "gradient_match" => gradient_match::check(fixture, precision),
        "distribution_match" => distribution_match::check(fixture, precision),
        other => panic!("no check for {other}"),
    });
}

fn engine() -> Engine {
    Engine::new(Device::flex())
}

/// Hard targets of the integer tensor `name`.
fn classes(fixture: &Fixture, name: &str, net: &Net, precision: Precision) -> Result<Targets, String> {
    let labels = fixture.classes(name)?;
    Ok(Targets::from_classes(&labels, net.classes, &Device::flex(), precision.dtype()))
}
