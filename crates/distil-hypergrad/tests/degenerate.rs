//! Inputs at which something is zero: black and constant images through instance norm, and networks that are constant.

use burn::tensor::{DType, Device, Tensor, TensorData};
use distil_augment::Augmentation;
use distil_engine::{At, Batch, Engine, Loss, LossGradient, Products, Targets};
use distil_hypergrad::{Differentiation, InnerLoop, InnerSet, InnerStep, adjoint, hvp, unroll};
use distil_models::{ConvNet, Network, Norm, Pool};
use distil_random::{normal, stream};

const STEP: f64 = 1e-6;

/// Of the published form, for which there are fused kernels in f32.
fn convnet() -> ConvNet {
    ConvNet::new(3, 4, 16, 16).with_width(8).with_depth(2)
}

fn net() -> Network {
    convnet().into()
}

fn gradient_of(
    net: &Network,
    theta: &Tensor<1>,
    images: &Tensor<4>,
    loss: &Loss,
    micro_batch: usize,
) -> LossGradient {
    let rows = |rows| images.clone().slice([rows]);
    let n = images.dims()[0];
    Engine::new(Device::flex()).gradient(At::training(net, theta), loss, n, micro_batch, rows)
}

fn products_of(net: &Network, theta: &Tensor<1>, images: &Tensor<4>, loss: &Loss, v: &Tensor<1>) -> Products {
    let batch = Batch { images, loss, augmentation: &Augmentation::None };
    hvp(&Engine::new(Device::flex()), At::training(net, theta), &batch, v, 2)
}

fn random<const D: usize>(name: &str, shape: [usize; D]) -> Tensor<D> {
    let mut rng = stream(0, name, 0);
    let values: Vec<f64> = (0..shape.iter().product()).map(|_| f64::from(normal(&mut rng))).collect();
    Tensor::from_data(TensorData::new(values, shape), (&Device::flex(), DType::F64))
}

/// Away from norms' biases of exactly 0, where a black image would sit on the corner of every ReLU.
fn theta(net: &Network) -> Tensor<1> {
    let params: Vec<f64> = net.init(&mut stream(0, "init", 0)).into_iter().map(f64::from).collect();
    Tensor::<1>::from_data(params.as_slice(), (&Device::flex(), DType::F64))
        + random("jitter", [params.len()]) * 0.05
}

fn floats<const D: usize>(tensor: Tensor<D>) -> Vec<f64> {
    tensor.into_data().iter::<f64>().collect()
}

fn close(what: &str, got: &[f64], expected: &[f64], tolerance: f64) {
    let scale = expected.iter().fold(1e-9f64, |max, e| max.max(e.abs()));
    let error = got.iter().zip(expected).fold(0f64, |max, (g, e)| max.max((g - e).abs()));
    assert!(got.len() == expected.len() && got.iter().all(|value| value.is_finite()), "{what}");
    assert!(error <= tolerance * scale, "{what}: error {error:.1e} of {scale:.1e}");
}

/// Shape of `n` images.
fn shape(net: &Network, n: usize) -> [usize; 4] {
    let [c, h, w] = net.image_shape();
    [n, c, h, w]
}

/// Every pixel is 0 (black before normalisation is another constant, so that too).
fn constants(net: &Network) -> [(&'static str, Tensor<4>); 2] {
    let black = Tensor::<4>::zeros(shape(net, 3), (&Device::flex(), DType::F64));
    [("black", black.clone()), ("grey", black - 1.7)]
}

#[test]
fn constant_images_have_exact_products() {
    let net = net();
    let (theta, logits) = (theta(&net), random("y", [3, net.classes()]));
    let (v, loss) = (random("v", theta.dims()), Loss::from(Targets::Soft(logits)));
    for (name, images) in constants(&net) {
        let gradient = |theta: &Tensor<1>, images: &Tensor<4>| {
            gradient_of(&net, theta, images, &loss, usize::MAX).gradient
        };
        let got = products_of(&net, &theta, &images, &loss, &v);
        let [ahead, behind] =
            [STEP, -STEP].map(|step| gradient(&(theta.clone() + v.clone() * step), &images));
        let slope = floats((ahead - behind) / (2.0 * STEP));
        close(&format!("{name}: Hv"), &floats(got.hv.expect("wanted")), &slope, 1e-4);
        let u = random("u", images.dims());
        let along = |step: f64| {
            let moved = images.clone() + u.clone() * step;
            floats((gradient(&theta, &moved) * v.clone()).sum())[0]
        };
        // Instance norm multiplies a step by 1/√ε: a smaller one stays where it is straight.
        let slope = (along(STEP / 10.0) - along(-STEP / 10.0)) / (STEP / 5.0);
        close(&format!("{name}: dx"), &floats((got.images * u.clone()).sum()), &[slope], 1e-3);
    }
}

/// The fused kernels and the plain passes on duals agree where every variance is zero.
#[test]
fn constant_images_are_the_same_in_both_precisions() {
    let net = net();
    let (theta, v) = (theta(&net), random("v", [net.layout().params()]));
    let labels = random("y", [3, net.classes()]);
    for (name, images) in constants(&net) {
        let products = |dtype: DType| {
            let loss = Loss::from(Targets::Soft(labels.clone().cast(dtype)));
            let [theta, v] = [&theta, &v].map(|vector| vector.clone().cast(dtype));
            let got = products_of(&net, &theta, &images.clone().cast(dtype), &loss, &v);
            [floats(got.gradient.expect("wanted")), floats(got.hv.expect("wanted")), floats(got.images)]
        };
        let (exact, fast) = (products(DType::F64), products(DType::F32));
        for ((what, fast), exact) in ["gradient", "Hv", "dx"].iter().zip(fast).zip(exact) {
            close(&format!("{name}: {what}"), &fast, &exact, 2e-3);
        }
    }
}

/// With all parameters zero, logits are zero whatever the image: only the classifier's bias has a gradient.
#[test]
fn a_constant_network_has_the_gradient_of_its_bias() {
    for (norm, pool) in [(Norm::Instance, Pool::Avg), (Norm::Instance, Pool::Max), (Norm::None, Pool::Avg)] {
        let net = Network::from(ConvNet { norm, pool, ..convnet() });
        let params = net.layout().params();
        for dtype in [DType::F64, DType::F32] {
            let zero = Tensor::<1>::zeros([params], (&Device::flex(), dtype));
            let images = random("x", shape(&net, 3)).cast(dtype);
            let loss = Targets::from_classes(&[0, 1, 1], net.classes(), &Device::flex(), dtype).into();
            let found = gradient_of(&net, &zero, &images, &loss, 2);
            close("loss", &floats(found.loss), &[(net.classes() as f64).ln()], 1e-6);
            let mut expected = vec![0.0; params - net.classes()];
            expected.extend([0.25 - 1.0 / 3.0, 0.25 - 2.0 / 3.0, 0.25, 0.25]);
            close(&format!("{norm:?} {pool:?}"), &floats(found.gradient), &expected, 1e-6);
        }
    }
}

/// A constant network that trains on black images: the gradient of what comes out is finite, and zero in the images.
#[test]
fn a_hypergradient_through_nothing_is_zero() {
    let net = net();
    let (device, params) = (Device::flex(), net.layout().params());
    for dtype in [DType::F64, DType::F32] {
        let images = Tensor::<4>::zeros(shape(&net, 2), (&device, dtype));
        let targets = Targets::from_classes(&[0, 1], net.classes(), &device, dtype);
        let (set, engine) = (InnerSet::new(images, targets), Engine::new(Device::flex()));
        let step = || InnerStep { rows: vec![0, 1], augmentation: Augmentation::Flip(vec![true, false]) };
        let steps = [step(), step()];
        let inner = InnerLoop {
            engine: &engine,
            net: &net,
            set: &set,
            steps: &steps,
            syn_lr: 0.1,
            momentum: 0.0,
            micro_batch: 1,
        };
        let thetas = unroll(&inner, Tensor::zeros([params], (&device, dtype)));
        let weights = random("outer", [params]).cast(dtype);
        let found = adjoint(&inner, &thetas, weights, Differentiation::Exact);
        assert!(floats(found.images).iter().all(|slope| *slope == 0.0));
        assert!(
            found.syn_lr.is_finite()
                && floats(found.theta.expect("exact")).iter().all(|slope| slope.is_finite())
        );
    }
}
