//! Every fixture of the kinds that this crate owns, in f64 and in f32.

use burn::tensor::{DType, Device, Tensor, TensorData};
use distil_engine::{Engine, Targets};
use distil_golden::{Fixture, Net, Precision, check_all};
use distil_models::{ConvNet, Network};

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

fn build(options: &Net) -> Network {
    let mut net = ConvNet::new(options.channels, options.classes, options.image_height, options.image_width)
        .with_width(options.width)
        .with_depth(options.depth);
    net.pad28 = options.pad28;
    let net = Network::from(net);
    assert_eq!(net.layout().params(), options.params, "the layout has as many scalars as the fixture");
    net
}

fn dtype(precision: Precision) -> DType {
    match precision {
        Precision::F64 => DType::F64,
        Precision::F32 => DType::F32,
    }
}

fn tensor<const D: usize>(fixture: &Fixture, name: &str, precision: Precision) -> Result<Tensor<D>, String> {
    let array = fixture.float(name)?;
    let data = TensorData::new(array.values.clone(), array.shape.clone());
    Ok(Tensor::from_data(data, (&Device::flex(), dtype(precision))))
}

/// Hard targets of the integer tensor `name`.
fn classes(fixture: &Fixture, name: &str, net: &Net, precision: Precision) -> Result<Targets, String> {
    let labels: Vec<u32> = fixture.integer(name)?.values.iter().map(|&label| label as u32).collect();
    Ok(Targets::from_classes(&labels, net.classes, &Device::flex(), dtype(precision)))
}

fn floats<const D: usize>(tensor: Tensor<D>) -> Vec<f64> {
    tensor.into_data().iter::<f64>().collect()
}
