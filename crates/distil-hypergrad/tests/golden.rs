//! Every fixture of the kinds that this crate owns, in f64 and in f32.

use burn::tensor::{Device, Tensor, TensorData};
use distil_augment::Augmentation;
use distil_engine::{At, Batch, Engine, Loss, Targets};
use distil_golden::{Fixture, Net, NetworkCase, Precision, check_all, floats};
use distil_hypergrad::{
    AdamState, AdamW, Differentiation, InnerLoop, InnerSet, InnerStep, Sgd, SgdState, adjoint, hvp, unroll,
};
use distil_match::{CommonPatternDropout, Draw, Granularity, trajectory_loss};
use distil_models::{Entry, Layout, Network};
use serde::Deserialize;

type Outcome = Result<(), String>;

#[test]
fn golden() {
    check_all(
        &["unroll", "unroll_network", "tesla", "hvp", "sgd_momentum", "adamw"],
        |fixture, precision| match fixture.kind.as_str() {
            "hvp" => check_hvp(fixture, precision),
            "sgd_momentum" => check_sgd(fixture, precision),
            "adamw" => check_adamw(fixture, precision),
            "unroll_network" => check_unroll_network(fixture, precision),
            _ => check_unroll(fixture, precision),
        },
    );
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Label {
    Hard,
    Soft,
}

fn targets(fixture: &Fixture, label: &Label, net: &Network, precision: Precision) -> Result<Targets, String> {
    Ok(match label {
        Label::Soft => Targets::Soft(fixture.tensor("y", precision)?),
        Label::Hard => {
            let labels = fixture.classes("labels")?;
            Targets::from_classes(&labels, net.classes(), &Device::flex(), precision.dtype())
        }
    })
}

#[derive(Deserialize)]
struct UnrollOptions {
    net: Net,
    #[serde(flatten)]
    inner: InnerOptions,
}

#[derive(Deserialize)]
struct UnrollNetworkOptions {
    network: NetworkCase,
    #[serde(flatten)]
    inner: InnerOptions,
}

#[derive(Deserialize)]
#[expect(dead_code, reason = "options that only repeat a shape are named")]
struct InnerOptions {
    steps: usize,
    batch: usize,
    images: usize,
    label: Label,
    drop_ratio: f64,
    granularity: Granularity,
    same_inputs_as: Option<String>,
}

fn check_unroll(fixture: &Fixture, precision: Precision) -> Outcome {
    let options: UnrollOptions = fixture.options()?;
    check_steps(fixture, &options.net.build(), &options.inner, precision)
}

fn check_unroll_network(fixture: &Fixture, precision: Precision) -> Outcome {
    let options: UnrollNetworkOptions = fixture.options()?;
    check_steps(fixture, &options.network.build(), &options.inner, precision)
}

fn check_steps(fixture: &Fixture, net: &Network, options: &InnerOptions, precision: Precision) -> Outcome {
    let engine = &Engine::new(Device::flex());
    let steps: Vec<InnerStep> = fixture
        .integer("idx")?
        .values
        .chunks(options.batch)
        .map(|row| InnerStep {
            rows: row.iter().filter(|&&i| i >= 0).map(|&i| i as usize).collect(),
            augmentation: Augmentation::None,
        })
        .collect();
    assert_eq!(steps.len(), options.steps);
    let labels = targets(fixture, &options.label, net, precision)?;
    let set = InnerSet::new(fixture.tensor("x", precision)?, labels);
    let syn_lr = fixture.float("lr")?.values[0];
    for micro_batch in [usize::MAX, 2] {
        let inner = InnerLoop { engine, net, set: &set, steps: &steps, syn_lr, momentum: 0.0, micro_batch };
        compare_unroll(fixture, options, &inner, precision)
            .map_err(|error| format!("micro_batch {micro_batch}: {error}"))?;
    }
    Ok(())
}

fn compare_unroll(
    fixture: &Fixture,
    options: &InnerOptions,
    inner: &InnerLoop<'_>,
    precision: Precision,
) -> Outcome {
    let theta_0: Tensor<1> = fixture.tensor("theta0", precision)?;
    let thetas = unroll(inner, theta_0.clone());
    let theta_n = floats(thetas[options.steps].clone());
    let (ratio, granularity) = (options.drop_ratio, options.granularity);
    let dropout = CommonPatternDropout { ratio, granularity, ..CommonPatternDropout::default() };
    let target = &fixture.float("target")?.values;
    let layout = inner.net.layout();
    let start = floats(theta_0.clone());
    let matched = trajectory_loss(layout, &theta_n, &start, target, Some(dropout), Draw::default());
    let lambda = TensorData::new(matched.lambda, theta_0.shape());
    let lambda = Tensor::from_data(lambda, (&Device::flex(), precision.dtype()));
    let differentiation =
        if fixture.kind == "tesla" { Differentiation::Truncated } else { Differentiation::Exact };
    let gradient = adjoint(inner, &thetas, lambda, differentiation);

    fixture.expect("theta_n", &theta_n, precision)?;
    fixture.expect("loss", &[matched.loss], precision)?;
    if fixture.has("expect.kept") {
        let kept = matched.kept.ok_or("dropout kept everything")?;
        fixture.expect_integers("kept", &kept.into_iter().map(i64::from).collect::<Vec<_>>())?;
    }
    fixture.expect("dx", &floats(gradient.images), precision)?;
    if let Some(labels) = gradient.labels {
        fixture.expect("dy", &floats(labels), precision)?;
    }
    fixture.expect("dlr", &[gradient.syn_lr], precision)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "options that only repeat a shape are named so that unknown ones are refused")]
struct HvpOptions {
    net: Net,
    images: usize,
    label: Label,
}

fn check_hvp(fixture: &Fixture, precision: Precision) -> Outcome {
    let options: HvpOptions = fixture.options()?;
    let net = options.net.build();
    let (theta, engine) = (fixture.tensor("theta", precision)?, Engine::new(Device::flex()));
    let images: Tensor<4> = fixture.tensor("x", precision)?;
    let loss = Loss::from(targets(fixture, &options.label, &net, precision)?);
    let batch = Batch { images: &images, loss: &loss, augmentation: &Augmentation::None };
    let v = fixture.tensor("v", precision)?;
    for micro_batch in [usize::MAX, 1] {
        let got = hvp(&engine, At::training(&net, &theta), &batch, &v, micro_batch);
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
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "options that only repeat a shape are named so that unknown ones are refused")]
struct SgdOptions {
    length: usize,
    steps: usize,
    momentum: f64,
    weight_decay: f64,
    reset_before: Vec<usize>,
}

fn check_sgd(fixture: &Fixture, precision: Precision) -> Outcome {
    let options: SgdOptions = fixture.options()?;
    let sgd = Sgd { momentum: options.momentum, weight_decay: options.weight_decay };
    let mut theta: Tensor<1> = fixture.tensor("theta0", precision)?;
    let gradients: Tensor<2> = fixture.tensor("grads", precision)?;
    let mut state = SgdState::default();
    let (mut thetas, mut buffers) = (Vec::new(), Vec::new());
    for (i, &lr) in fixture.float("lr")?.values.iter().enumerate() {
        if options.reset_before.contains(&i) {
            state = SgdState::default();
        }
        let gradient = gradients.clone().narrow(0, i, 1).squeeze_dim(0);
        (theta, state) = sgd.update(theta, gradient, lr, state);
        thetas.extend(floats(theta.clone()));
        buffers.extend(floats(state.buffer.clone().expect("a step fills the buffer")));
    }
    fixture.expect("thetas", &thetas, precision)?;
    fixture.expect("buffers", &buffers, precision)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "options that only repeat a shape are named so that unknown ones are refused")]
struct AdamOptions {
    shapes: Vec<Vec<usize>>,
    steps: usize,
    betas: (f64, f64),
    eps: f64,
    weight_decay: f64,
}

fn check_adamw(fixture: &Fixture, precision: Precision) -> Outcome {
    let AdamOptions { shapes, betas, eps, weight_decay, .. } = fixture.options()?;
    let adamw = AdamW { betas, eps, weight_decay };
    let entries = shapes.into_iter().map(|shape| Entry { name: String::new(), shape });
    let mask = Layout::new(entries.collect()).matrices();
    let place = (&Device::flex(), precision.dtype());
    let mask = Tensor::<1>::from_data(TensorData::from(&mask[..]), place);
    let mut theta: Tensor<1> = fixture.tensor("theta0", precision)?;
    let gradients: Tensor<2> = fixture.tensor("grads", precision)?;
    let mut state = AdamState::default();
    let (mut thetas, mut first, mut second) = (Vec::new(), Vec::new(), Vec::new());
    for (i, &lr) in fixture.float("lr")?.values.iter().enumerate() {
        let gradient = gradients.clone().narrow(0, i, 1).squeeze_dim(0);
        (theta, state) = adamw.update(theta, gradient, lr, Some(&mask), state);
        thetas.extend(floats(theta.clone()));
        let (m, v) = state.means.clone().expect("a step leaves means");
        first.extend(floats(m));
        second.extend(floats(v));
    }
    fixture.expect("thetas", &thetas, precision)?;
    fixture.expect("first_moments", &first, precision)?;
    fixture.expect("second_moments", &second, precision)
}
