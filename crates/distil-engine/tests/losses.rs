//! Losses against each other and against central differences, in f64.

use burn::tensor::activation::softmax;
use burn::tensor::{DType, Device, Tensor, TensorData};
use distil_augment::Augmentation;
use distil_engine::{At, Batch, Cotangents, Engine, Loss, Products, Targets, Wanted};
use distil_models::{ConvNet, Network, Norm};
use distil_random::{normal, stream};

const EPS: f64 = 1e-5;

fn random<const D: usize>(name: &str, shape: [usize; D]) -> Tensor<D> {
    let mut rng = stream(0, name, 0);
    let values: Vec<f64> = (0..shape.iter().product()).map(|_| f64::from(normal(&mut rng))).collect();
    Tensor::from_data(TensorData::new(values, shape), (&Device::flex(), DType::F64))
}

fn floats<const D: usize>(tensor: Tensor<D>) -> Vec<f64> {
    tensor.into_data().iter::<f64>().collect()
}

fn close<const D: usize>(what: &str, got: Tensor<D>, expected: Tensor<D>) {
    let (got, expected) = (floats(got), floats(expected));
    let scale = expected.iter().fold(1e-9f64, |max, e| max.max(e.abs()));
    let error = got.iter().zip(&expected).fold(0f64, |max, (g, e)| max.max((g - e).abs()));
    assert!(got.len() == expected.len() && error <= 1e-6 * scale, "{what}: {error:.1e} of {scale:.1e}");
}

/// Four images and a small network at random parameters.
struct Bench {
    engine: Engine,
    net: Network,
    theta: Tensor<1>,
    images: Tensor<4>,
}

impl Bench {
    fn new(norm: Norm) -> Self {
        let net = Network::from(ConvNet { norm, ..ConvNet::new(2, 3, 8, 8).with_width(4).with_depth(2) });
        let theta = random("theta", [net.layout().params()]) * 0.3;
        Self { engine: Engine::new(Device::flex()), net, theta, images: random("x", [4, 2, 8, 8]) }
    }

    fn at(&self) -> At<'_> {
        At::training(&self.net, &self.theta)
    }

    fn gradient(&self, theta: &Tensor<1>, loss: &Loss) -> Tensor<1> {
        let rows = |rows| self.images.clone().slice([rows]);
        self.engine.gradient(At::training(&self.net, theta), loss, 4, 2, rows).gradient
    }

    fn products(&self, loss: &Loss, v: &Tensor<1>) -> Products {
        let batch = Batch { images: &self.images, loss, augmentation: &Augmentation::None };
        self.engine.products(self.at(), &batch, v, 3, Wanted::HessianAndGradient)
    }

    fn image_gradient(&self, loss: &Loss) -> Tensor<4> {
        let batch = Batch { images: &self.images, loss, augmentation: &Augmentation::None };
        self.engine.image_gradient(self.at(), &batch, 3)
    }
}

fn linear(logits: Option<Tensor<2>>, features: Option<Tensor<2>>) -> Loss {
    Loss::from(Cotangents { logits, features, moments: None })
}

/// To first order every loss is the linear one whose cotangents are its derivative by the logits: the two passes of any loss.
#[test]
fn losses_are_linear_in_two_passes() {
    for norm in [Norm::Instance, Norm::Batch] {
        let bench = Bench::new(norm);
        let logits = bench.engine.logits(bench.at(), &bench.images);
        let (labels, values) = (random("y", [4, 3]), random("values", [4, 3]));
        let entropy = (softmax(logits.clone(), 1) - softmax(labels.clone(), 1)) / 4.0;
        let squared = (logits - values.clone()) / 4.0;
        let pairs = [(Loss::from(Targets::Soft(labels)), entropy), (Loss::SquaredError(values), squared)];
        for (loss, cotangent) in pairs {
            let same = linear(Some(cotangent), None);
            close("θ", bench.gradient(&bench.theta, &same), bench.gradient(&bench.theta, &loss));
            close("images", bench.image_gradient(&same), bench.image_gradient(&loss));
        }
    }
}

#[test]
fn sums_are_sums() {
    let bench = Bench::new(Norm::Instance);
    let parts = [
        Loss::from(Targets::Soft(random("y", [4, 3]))),
        linear(None, Some(random("features", [4, bench.net.features()]))),
    ];
    let v = random("v", bench.theta.dims());
    let sum = bench.products(&Loss::Sum(parts.to_vec()), &v);
    let [a, b] = parts.each_ref().map(|part| bench.products(part, &v));
    close("loss", sum.loss, a.loss + b.loss);
    close("images", sum.images, a.images + b.images);
    close("Hv", sum.hv.expect("wanted"), a.hv.expect("wanted") + b.hv.expect("wanted"));
    close("labels", sum.labels.expect("soft"), a.labels.expect("soft"));
    assert!(b.labels.is_none());
}

/// Hessian-vector products and mixed products of every loss, through instance norm and through batch statistics.
#[test]
fn products_of_every_loss() {
    for norm in [Norm::Instance, Norm::Batch] {
        let bench = Bench::new(norm);
        let features = bench.net.features();
        let v = random("v", bench.theta.dims());
        for loss in [
            Loss::SquaredError(random("values", [4, 3])),
            linear(Some(random("logits", [4, 3])), None),
            linear(None, Some(random("shared", [1, features]))),
        ] {
            let got = bench.products(&loss, &v);
            close("gradient", got.gradient.expect("wanted"), bench.gradient(&bench.theta, &loss));
            let moved = |sign: f64| bench.gradient(&(bench.theta.clone() + v.clone() * (sign * EPS)), &loss);
            close("Hv", got.hv.expect("wanted"), (moved(1.0) - moved(-1.0)) / (2.0 * EPS));
            let u = random("u", bench.images.dims());
            let along = |sign: f64| {
                let images = bench.images.clone() + u.clone() * (sign * EPS);
                let rows = |rows| images.clone().slice([rows]);
                let found = bench.engine.gradient(bench.at(), &loss, 4, 4, rows);
                (found.gradient * v.clone()).sum()
            };
            close("dx", (got.images * u.clone()).sum(), (along(1.0) - along(-1.0)) / (2.0 * EPS));
        }
    }
}

/// What the kernels compute in f32 is what Burn's operations compute in f64.
#[test]
fn a_shared_pull_is_the_same_on_the_kernels() {
    let bench = Bench::new(Norm::Instance);
    let pull = random("shared", [1, bench.net.features()]);
    let exact = bench.image_gradient(&linear(None, Some(pull.clone())));
    let (theta, images) = (bench.theta.clone().cast(DType::F32), bench.images.clone().cast(DType::F32));
    assert!(bench.engine.kernels(&bench.net, DType::F32).is_some());
    let loss = linear(None, Some(pull.cast(DType::F32)));
    let batch = Batch { images: &images, loss: &loss, augmentation: &Augmentation::None };
    let fast = floats(bench.engine.image_gradient(At::training(&bench.net, &theta), &batch, 3));
    let exact = floats(exact);
    let scale = exact.iter().fold(0f64, |max, value| max.max(value.abs()));
    assert!(fast.iter().zip(&exact).all(|(a, b)| (a - b).abs() < 1e-4 * scale));
}
