//! Products of every layer variant against central differences of ordinary gradients, in f64. The golden
//! fixtures cover instance norm and average pooling; this covers the rest, augmentation and repeated rows.

use burn::tensor::{DType, Device, Tensor, TensorData};
use distil_augment::Augmentation;
use distil_engine::{At, Batch, Engine, Loss, Targets};
use distil_hypergrad::{Differentiation, InnerLoop, InnerSet, InnerStep, adjoint, hvp, unroll};
use distil_models::{ConvNet, Layer, LayerList, Network, Norm, Pool, ResNet18, Sequence};
use distil_random::{normal, stream};

const EPS: f64 = 1e-6;

fn random<const D: usize>(name: &str, shape: [usize; D]) -> Tensor<D> {
    let mut rng = stream(0, name, 0);
    let values: Vec<f64> = (0..shape.iter().product()).map(|_| f64::from(normal(&mut rng))).collect();
    Tensor::from_data(TensorData::new(values, shape), (&Device::flex(), DType::F64))
}

fn theta(net: &Network) -> Tensor<1> {
    let params = net.init(&mut stream(0, "init", 0));
    let params: Vec<f64> = params.into_iter().map(f64::from).collect();
    // Away from the initial norm weights of exactly 1 and biases of exactly 0.
    Tensor::<1>::from_data(params.as_slice(), (&Device::flex(), DType::F64))
        + random("jitter", [params.len()]) * 0.05
}

fn floats<const D: usize>(tensor: Tensor<D>) -> Vec<f64> {
    tensor.into_data().iter::<f64>().collect()
}

fn close(what: &str, got: impl AsRef<[f64]>, expected: impl AsRef<[f64]>) {
    let (got, expected) = (got.as_ref(), expected.as_ref());
    let scale = expected.iter().fold(1e-12f64, |max, e| max.max(e.abs()));
    let error = got.iter().zip(expected).fold(0f64, |max, (g, e)| max.max((g - e).abs()));
    assert_eq!(got.len(), expected.len(), "{what}");
    assert!(error <= 1e-6 * scale, "{what}: error {error:.1e} of {scale:.1e}");
}

fn nets() -> Vec<Network> {
    let base = ConvNet::new(2, 3, 9, 8).with_width(4).with_depth(2);
    let mut nets: Vec<Network> = Vec::new();
    for norm in [Norm::Instance, Norm::Batch, Norm::Group, Norm::Layer, Norm::None] {
        for pool in [Pool::Avg, Pool::Max] {
            nets.push(ConvNet { norm, pool, ..base.clone() }.into());
        }
    }
    let wide = base.clone().with_width(8);
    nets.extend([
        ConvNet { norm: Norm::Group, ..wide }.into(),
        base.with_depth(1).into(),
        ConvNet::new(1, 2, 6, 7).with_width(3).with_depth(3).into(),
        ResNet18 { base_width: 2, norm: Norm::Batch, ..ResNet18::new(2, 3, 9, 8) }.into(),
        Sequence { width: 4, depth: 2, ..Sequence::new(2, 3, 1, 11) }.into(),
        every_layer(),
    ]);
    nets
}

/// The layers that no architecture of the literature has here.
fn every_layer() -> Network {
    let conv = |out, kernel, stride, padding, groups| Layer::Conv {
        out,
        kernel,
        stride,
        padding,
        groups,
        bias: true,
    };
    let layers = vec![
        conv(4, [3, 2], [2, 1], [1, 0], 2),
        Layer::BatchNorm,
        Layer::Gelu,
        Layer::MaxPool { window: [3, 3], stride: Some([1, 1]), padding: [1, 1] },
        Layer::Skip { main: vec![conv(4, [1, 3], [1, 1], [0, 1], 4), Layer::Softplus] },
        Layer::Residual {
            main: vec![conv(6, [3, 3], [1, 1], [1, 1], 1), Layer::LayerNorm],
            shortcut: vec![conv(6, [1, 1], [1, 1], [0, 0], 1)],
        },
        Layer::Relu6,
        Layer::AvgPool { window: [2, 3], stride: Some([1, 2]), padding: [0, 0] },
        Layer::Linear { out: 5, bias: false },
        Layer::GroupNorm { groups: 1 },
        Layer::Softplus,
        Layer::Linear { out: 3, bias: true },
    ];
    LayerList { channels: 2, height: 9, image_width: 8, layers }.network()
}

/// Shape of three images.
fn shape(net: &Network) -> [usize; 4] {
    let [c, h, w] = net.image_shape();
    [3, c, h, w]
}

#[test]
fn products_of_every_layer_variant() {
    for net in nets() {
        net.check().expect("a network that can be built");
        let (theta, images) = (theta(&net), random("x", shape(&net)));
        let logits = random("y", [3, net.classes()]);
        let v = random("v", theta.dims());
        let engine = Engine::new(Device::flex());
        let gradient = |theta: &Tensor<1>, images: &Tensor<4>, logits: &Tensor<2>| {
            let loss = Targets::Soft(logits.clone()).into();
            let rows = |rows| images.clone().slice([rows]);
            engine.gradient(At::training(&net, theta), &loss, 3, usize::MAX, rows).gradient
        };
        let loss = Loss::from(Targets::Soft(logits.clone()));
        let batch = Batch { images: &images, loss: &loss, augmentation: &Augmentation::None };
        let got = hvp(&engine, At::training(&net, &theta), &batch, &v, 2);
        let name = format!("{net:?}");
        close(
            &format!("{name}: gradient"),
            floats(got.gradient.expect("wanted")),
            floats(gradient(&theta, &images, &logits)),
        );
        let ahead = gradient(&(theta.clone() + v.clone() * EPS), &images, &logits);
        let behind = gradient(&(theta.clone() - v.clone() * EPS), &images, &logits);
        close(
            &format!("{name}: Hv"),
            floats(got.hv.expect("wanted")),
            floats((ahead - behind) / (2.0 * EPS)),
        );
        // ⟨d⟨∇ℓ,v⟩/dx, u⟩ along one random direction u, and likewise for the labels.
        let (ux, uy) = (random("ux", images.dims()), random("uy", logits.dims()));
        let along = |images: &Tensor<4>, logits: &Tensor<2>| {
            floats((gradient(&theta, images, logits) * v.clone()).sum())[0]
        };
        let shift = |sign: f64| images.clone() + ux.clone() * (sign * EPS);
        let slope = (along(&shift(1.0), &logits) - along(&shift(-1.0), &logits)) / (2.0 * EPS);
        close(&format!("{name}: dx"), floats((got.images * ux.clone()).sum()), [slope]);
        let shift = |sign: f64| logits.clone() + uy.clone() * (sign * EPS);
        let slope = (along(&images, &shift(1.0)) - along(&images, &shift(-1.0))) / (2.0 * EPS);
        close(&format!("{name}: dy"), floats((got.labels.expect("soft") * uy.clone()).sum()), [slope]);
    }
}

#[test]
fn unrolled_gradient_through_augmentation_and_repeated_rows() {
    unrolled_gradient(0.0);
}

/// Momentum carries every gradient into all later steps.
#[test]
fn unrolled_gradient_through_momentum() {
    unrolled_gradient(0.9);
}

fn unrolled_gradient(momentum: f64) {
    let (net, engine) =
        (&ConvNet::new(2, 3, 8, 8).with_width(4).with_depth(2).into(), &Engine::new(Device::flex()));
    let start = theta(net);
    let weights = random("outer", start.dims());
    let steps = [
        InnerStep { rows: vec![0, 2, 0], augmentation: Augmentation::Crop(vec![[1, 0], [0, -1], [0, 2]]) },
        InnerStep { rows: vec![1, 2], augmentation: Augmentation::Flip(vec![true, false]) },
        InnerStep { rows: vec![2, 1, 0], augmentation: Augmentation::Brightness(vec![0.1, -0.2, 0.3]) },
    ];
    let labels = random("y", [3, 3]);
    let unrolled = |images: &Tensor<4>, labels: &Tensor<2>, syn_lr: f64, theta: &Tensor<1>| {
        let set = InnerSet::new(images.clone(), Targets::Soft(labels.clone()));
        let inner = InnerLoop { engine, net, set: &set, steps: &steps, syn_lr, momentum, micro_batch: 2 };
        let thetas = unroll(&inner, theta.clone());
        let loss = floats((thetas[3].clone() * weights.clone()).sum())[0];
        (loss, adjoint(&inner, &thetas, weights.clone(), Differentiation::Exact))
    };
    let outer = |images: &Tensor<4>, syn_lr: f64, theta: &Tensor<1>| unrolled(images, &labels, syn_lr, theta);
    let (images, syn_lr) = (random("x", [3, 2, 8, 8]), 0.3);
    let (_, got) = outer(&images, syn_lr, &start);
    let u = random("u", images.dims());
    let shifted = |sign: f64| outer(&(images.clone() + u.clone() * (sign * EPS)), syn_lr, &start).0;
    close("images", floats((got.images * u.clone()).sum()), [(shifted(1.0) - shifted(-1.0)) / (2.0 * EPS)]);
    let u = random("uy", labels.dims());
    let shifted =
        |sign: f64| unrolled(&images, &(labels.clone() + u.clone() * (sign * EPS)), syn_lr, &start).0;
    let slope = floats((got.labels.expect("soft") * u.clone()).sum());
    close("labels", slope, [(shifted(1.0) - shifted(-1.0)) / (2.0 * EPS)]);
    let shifted = |sign: f64| outer(&images, syn_lr + sign * EPS, &start).0;
    close("syn_lr", [got.syn_lr], [(shifted(1.0) - shifted(-1.0)) / (2.0 * EPS)]);
    let u = random("ut", start.dims());
    let shifted = |sign: f64| outer(&images, syn_lr, &(start.clone() + u.clone() * (sign * EPS))).0;
    let slope = floats((got.theta.expect("exact") * u.clone()).sum());
    close("theta", slope, [(shifted(1.0) - shifted(-1.0)) / (2.0 * EPS)]);
}

#[test]
fn threads_do_not_change_a_bit() {
    let net = Network::from(ConvNet::new(3, 4, 16, 16).with_width(16).with_depth(2));
    let params = net.init(&mut stream(0, "init", 0));
    let engine = Engine::new(Device::flex());
    let images: Tensor<4> = random("x", [24, 3, 16, 16]).cast(DType::F32);
    let loss = Loss::from(Targets::Soft(random("y", [24, 4]).cast(DType::F32)));
    let compute = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool");
        pool.install(|| {
            let theta = net.theta(&params, engine.device());
            let at = At::training(&net, &theta);
            let first = engine.gradient(at, &loss, 24, 5, |rows| images.clone().slice([rows])).gradient;
            let batch = Batch { images: &images, loss: &loss, augmentation: &Augmentation::None };
            let second = hvp(&engine, at, &batch, &first, 7);
            let bits = |t: Tensor<1>| t.into_data().iter::<f32>().map(f32::to_bits).collect::<Vec<_>>();
            (bits(first), bits(second.hv.expect("wanted")))
        })
    };
    let one = compute(1);
    assert!(one == compute(2) && one == compute(3));
}
