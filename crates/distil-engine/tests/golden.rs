//! Every fixture of the kinds that this crate owns, in f64 and in f32.

use burn::tensor::{Device, Tensor};
use distil_augment::Augmentation;
use distil_engine::{At, Batch, Cotangents, Engine, Loss, Targets, Wanted};
use distil_golden::{Fixture, NetworkCase, Precision, check_all, floats};
use distil_models::{Moments, Network, Plain};
use serde::Deserialize;

type Outcome = Result<(), String>;

#[test]
fn golden() {
    check_all(&["network", "bn_statistics"], |fixture, precision| match fixture.kind.as_str() {
        "network" => check_network(fixture, precision),
        _ => check_statistics(fixture, precision),
    });
}

fn hard(fixture: &Fixture, net: &Network, precision: Precision) -> Result<Targets, String> {
    let labels = fixture.classes("labels")?;
    Ok(Targets::from_classes(&labels, net.classes(), &Device::flex(), precision.dtype()))
}

#[derive(Deserialize)]
struct NetworkOptions {
    network: NetworkCase,
    label: String,
}

fn check_network(fixture: &Fixture, precision: Precision) -> Outcome {
    let options: NetworkOptions = fixture.options()?;
    let (net, engine) = (options.network.build(), Engine::new(Device::flex()));
    let (theta, images): (Tensor<1>, Tensor<4>) =
        (fixture.tensor("theta", precision)?, fixture.tensor("x", precision)?);
    let targets = match options.label.as_str() {
        "soft" => Targets::Soft(fixture.tensor("y", precision)?),
        _ => hard(fixture, &net, precision)?,
    };
    let (at, loss) = (At::training(&net, &theta), Loss::from(targets));
    let batch = Batch { images: &images, loss: &loss, augmentation: &Augmentation::None };
    let v = fixture.tensor("v", precision)?;
    fixture.expect("logits", &floats(engine.logits(at, &images)), precision)?;
    let n = images.dims()[0];
    for micro_batch in [usize::MAX, 1] {
        let plain = engine.gradient(at, &loss, n, micro_batch, |rows| images.clone().slice([rows]));
        fixture.expect("loss", &floats(plain.loss), precision)?;
        fixture.expect("grad", &floats(plain.gradient), precision)?;
        let got = engine.products(at, &batch, &v, micro_batch, Wanted::HessianAndGradient);
        fixture.expect("loss", &floats(got.loss), precision)?;
        fixture.expect("grad", &floats(got.gradient.ok_or("no gradient")?), precision)?;
        fixture.expect("hv", &floats(got.hv.ok_or("no product")?), precision)?;
        fixture.expect("dx", &floats(got.images), precision)?;
        if let Some(labels) = got.labels {
            fixture.expect("dy", &floats(labels), precision)?;
        }
    }
    Ok(())
}

#[derive(Deserialize)]
struct StatisticsOptions {
    network: NetworkCase,
    r_bn: f64,
    first: f64,
}

/// In two passes: moments first, then their derivatives as cotangents.
fn check_statistics(fixture: &Fixture, precision: Precision) -> Outcome {
    let options: StatisticsOptions = fixture.options()?;
    let (net, engine) = (options.network.build(), Engine::new(Device::flex()));
    let (theta, images): (Tensor<1>, Tensor<4>) =
        (fixture.tensor("theta", precision)?, fixture.tensor("x", precision)?);
    let sizes = net.buffers_layout().entries().iter().step_by(2).map(distil_models::Entry::len);
    let sizes: Vec<usize> = sizes.collect();
    let split = |name| -> Result<Vec<Tensor<1>>, String> {
        Ok(fixture.tensor::<1>(name, precision)?.split_with_sizes(sizes.clone(), 0))
    };
    let running: Vec<[Tensor<1>; 2]> = split("running_mean")?
        .into_iter()
        .zip(split("running_var")?)
        .map(|(mean, var)| [mean, var])
        .collect();
    let buffers = Tensor::cat(running.iter().flatten().cloned().collect(), 0);
    let at = At::evaluation(&net, &theta, &buffers);
    fixture.expect("logits", &floats(engine.logits(at, &images)), precision)?;
    let norm = |difference: Tensor<1>| (difference.clone() * difference).sum().sqrt();
    let (mut per_layer, mut cotangents, mut statistics) = (Vec::new(), Vec::new(), 0.0);
    for (layer, (found, [mean, var])) in
        engine.moments(at, images.clone()).into_iter().zip(running).enumerate()
    {
        let weight = if layer == 0 { options.first } else { 1.0 };
        let (mean, variance) = (found.mean - mean, found.variance - var);
        let [of_mean, of_variance] = [norm(mean.clone()), norm(variance.clone())];
        let value = floats(of_mean.clone())[0] + floats(of_variance.clone())[0];
        per_layer.push(value);
        statistics += weight * value;
        let scale = options.r_bn * weight;
        cotangents.push(Moments::<Plain> {
            mean: mean / of_mean * scale,
            variance: variance / of_variance * scale,
        });
    }
    fixture.expect("per_layer", &per_layer, precision)?;
    fixture.expect("statistics", &[statistics], precision)?;
    let entropy = Loss::from(hard(fixture, &net, precision)?);
    let n = images.dims()[0];
    let ce = floats(engine.gradient(at, &entropy, n, n, |rows| images.clone().slice([rows])).loss)[0];
    fixture.expect("ce", &[ce], precision)?;
    fixture.expect("loss", &[ce + options.r_bn * statistics], precision)?;
    let moments = Loss::from(Cotangents { moments: Some(cotangents), ..Cotangents::default() });
    let loss = Loss::Sum(vec![entropy, moments]);
    let batch = Batch { images: &images, loss: &loss, augmentation: &Augmentation::None };
    fixture.expect("dx", &floats(engine.image_gradient(at, &batch, 1)), precision)
}
