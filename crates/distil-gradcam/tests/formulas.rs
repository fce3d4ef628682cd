//! The maps against formulas that are written out again, with derivatives from finite differences.

use burn::tensor::{DType, Device, Tensor, TensorData};
use distil_engine::Engine;
use distil_gradcam::{Cam, Explainer, Noise, SmoothForm, Smoothing, Target};
use distil_models::{BatchNorms, ConvNet, Network};
use distil_random::{normal, stream, uniform};

const NOISE: Noise = Noise { seed: 5, round: 3, first_image: 7 };
const CLASSES: [u32; 3] = [2, 0, 2];

/// One channel, odd and unequal sides, f64; the layers after the first map are not linear.
struct Toy {
    engine: Engine,
    network: Network,
    theta: Tensor<1>,
    buffers: Tensor<1>,
    images: Tensor<4>,
}

fn toy() -> Toy {
    let network = Network::from(ConvNet::new(1, 3, 9, 7).with_width(3).with_depth(2));
    let params = network.init(&mut stream(1, "toy", 0));
    let mut rng = stream(2, "toy", 0);
    let pixels: Vec<f32> = (0..3 * 63).map(|_| uniform(&mut rng, -1.0, 1.0)).collect();
    Toy {
        engine: Engine::new(Device::flex()),
        theta: tensor(&params, [params.len()]),
        buffers: Tensor::empty([0], &Device::flex()),
        images: tensor(&pixels, [3, 1, 9, 7]),
        network,
    }
}

fn tensor<const D: usize>(values: &[f32], shape: [usize; D]) -> Tensor<D> {
    Tensor::from_data(TensorData::new(values.to_vec(), shape), (&Device::flex(), DType::F64))
}

fn floats<const D: usize>(tensor: Tensor<D>) -> Vec<f64> {
    tensor.into_data().iter::<f64>().collect()
}

/// A feature map of one image, `[c][h·w]`, and the derivative of a class score by it.
struct Pass {
    map: Vec<Vec<f64>>,
    gradient: Vec<Vec<f64>>,
}

impl Toy {
    fn explain(&self, cam: Cam, micro_batch: usize) -> (Vec<f64>, Vec<f64>) {
        let Self { engine, network, theta, buffers, images } = self;
        let explainer = Explainer { engine, network, theta, buffers, layer: 0, cam, micro_batch };
        let got = explainer.explain(images, Target::Classes(&CLASSES), NOISE).expect("maps");
        (got.channel_weights, got.raw.values)
    }

    fn pass(&self, image: Tensor<4>, class: usize) -> Pass {
        let Self { network, theta, buffers, .. } = self;
        let (params, norms) = (network.layout().split(theta.clone()), BatchNorms::Running(buffers));
        let map = network.activation(&params, norms, image, 0);
        let [_, c, h, w] = map.dims();
        let values = floats(map);
        let score = |at: usize, step: f64| {
            let mut moved = values.clone();
            moved[at] += step;
            let data = TensorData::new(moved, [1, c, h, w]);
            let moved = Tensor::from_data(data, (&Device::flex(), DType::F64));
            floats(network.logits_from(&params, norms, moved, 0))[class]
        };
        let step = 1e-5;
        let gradient: Vec<f64> =
            (0..values.len()).map(|at| (score(at, step) - score(at, -step)) / (2.0 * step)).collect();
        let split = |values: &[f64]| values.chunks(h * w).map(<[f64]>::to_vec).collect();
        Pass { map: split(&values), gradient: split(&gradient) }
    }

    fn image(&self, index: usize) -> Tensor<4> {
        self.images.clone().narrow(0, index, 1)
    }

    /// A copy of an image with the noise that is documented for it.
    fn noisy(&self, index: usize, sample: usize, sigma: f64) -> Tensor<4> {
        let mut rng = stream(5, &format!("smooth-grad-cam 3 {sample}"), 7 + index as u64);
        let noise: Vec<f32> = (0..63).map(|_| normal(&mut rng)).collect();
        self.image(index) + tensor(&noise, [1, 1, 9, 7]) * sigma
    }
}

/// Grad-CAM++'s channel weight of one channel from pixels of g, g² and what g³ adds to the denominator.
fn plus_plus(g: &[f64], g2: &[f64], third: impl Fn(usize) -> f64) -> f64 {
    (0..g.len()).map(|at| g2[at] / (2.0 * g2[at] + third(at) + 1e-8) * g[at].max(0.0)).sum()
}

fn sum(values: &[f64]) -> f64 {
    values.iter().sum()
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn powers(g: &[f64], exponent: i32) -> Vec<f64> {
    g.iter().map(|g| g.powi(exponent)).collect()
}

fn mean(rows: &[Vec<f64>]) -> Vec<f64> {
    (0..rows[0].len()).map(|at| rows.iter().map(|row| row[at]).sum::<f64>() / rows.len() as f64).collect()
}

fn combined(weights: &[f64], map: &[Vec<f64>]) -> Vec<f64> {
    (0..map[0].len())
        .map(|at| weights.iter().zip(map).map(|(weight, a)| weight * a[at]).sum::<f64>().max(0.0))
        .collect()
}

#[track_caller]
fn close(got: &[f64], expected: &[f64]) {
    assert_eq!(got.len(), expected.len());
    let scale = expected.iter().fold(0.0f64, |max, e| max.max(e.abs()));
    assert!(scale > 1e-4, "the toy's maps are not empty");
    let error = got.iter().zip(expected).fold(0.0f64, |max, (g, e)| max.max((g - e).abs()));
    assert!(error <= 1e-5 * scale, "error {error:e} at scale {scale:e}");
}

#[test]
fn grad_cam() {
    let toy = toy();
    let (mut weights, mut maps) = (Vec::new(), Vec::new());
    for (index, class) in CLASSES.iter().enumerate() {
        let pass = toy.pass(toy.image(index), *class as usize);
        let alpha: Vec<f64> = pass.gradient.iter().map(|g| g.iter().sum::<f64>() / g.len() as f64).collect();
        maps.extend(combined(&alpha, &pass.map));
        weights.extend(alpha);
    }
    let (got_weights, got_maps) = toy.explain(Cam::GradCam, 2);
    close(&got_weights, &weights);
    close(&got_maps, &maps);
}

#[test]
fn grad_cam_plus_plus() {
    let toy = toy();
    let (mut weights, mut maps) = (Vec::new(), Vec::new());
    for (index, class) in CLASSES.iter().enumerate() {
        let Pass { map, gradient } = toy.pass(toy.image(index), *class as usize);
        let of_channel =
            |(g, a): (&Vec<f64>, &Vec<f64>)| plus_plus(g, &powers(g, 2), |at| powers(g, 3)[at] * sum(a));
        let alpha: Vec<f64> = gradient.iter().zip(&map).map(of_channel).collect();
        maps.extend(combined(&alpha, &map));
        weights.extend(alpha);
    }
    for micro_batch in [1, 2, 100] {
        let (got_weights, got_maps) = toy.explain(Cam::GradCamPlusPlus, micro_batch);
        close(&got_weights, &weights);
        close(&got_maps, &maps);
    }
}

#[test]
fn smooth_grad_cam_plus_plus() {
    let toy = toy();
    let (samples, sigma) = (3, 0.2);
    for form in [SmoothForm::Averaged, SmoothForm::PublicCode] {
        let (mut weights, mut maps) = (Vec::new(), Vec::new());
        for (index, class) in CLASSES.iter().enumerate() {
            let class = *class as usize;
            let clean = toy.pass(toy.image(index), class).map;
            let noisy: Vec<Pass> =
                (0..samples).map(|sample| toy.pass(toy.noisy(index, sample, sigma), class)).collect();
            let last = &noisy[samples - 1];
            let alpha: Vec<f64> = (0..clean.len())
                .map(|c| {
                    let average = |exponent| {
                        mean(&noisy.iter().map(|p| powers(&p.gradient[c], exponent)).collect::<Vec<_>>())
                    };
                    let (g2, g3) = (average(2), average(3));
                    match form {
                        SmoothForm::Averaged => plus_plus(&average(1), &g2, |at| g3[at] * sum(&clean[c])),
                        SmoothForm::PublicCode => plus_plus(&last.gradient[c], &g2, |_| dot(&g3, &clean[c])),
                    }
                })
                .collect();
            let summed = match form {
                SmoothForm::Averaged => &clean,
                SmoothForm::PublicCode => &last.map,
            };
            maps.extend(combined(&alpha, summed));
            weights.extend(alpha);
        }
        for micro_batch in [1, 2, 100] {
            let cam = Cam::SmoothGradCamPlusPlus(Smoothing { samples, sigma, form });
            let (got_weights, got_maps) = toy.explain(cam, micro_batch);
            close(&got_weights, &weights);
            close(&got_maps, &maps);
        }
    }
}

#[test]
fn without_noise_the_smooth_map_is_the_plain_one() {
    let toy = toy();
    let plain = toy.explain(Cam::GradCamPlusPlus, 100);
    let cam = Cam::SmoothGradCamPlusPlus(Smoothing { samples: 2, sigma: 0.0, form: SmoothForm::Averaged });
    let smooth = toy.explain(cam, 100);
    close(&smooth.0, &plain.0);
    close(&smooth.1, &plain.1);
}
