//! The kernels against a plain f64 network: values directly, derivatives by central differences of its loss.

mod reference;

use distil_kernels::{Batch, Network, Pair, Wanted, Weights, features, gradient, logits, products};
use reference::{Case, dot};

/// Sizes that leave tiles, panels and pools incomplete, and the published ones in small.
const NETWORKS: [Network; 7] = [
    network(3, 8, 8, 4, 2, 1),
    network(1, 12, 12, 33, 2, 3),
    network(3, 9, 13, 7, 2, 1),
    network(4, 16, 8, 32, 1, 1),
    network(5, 14, 14, 40, 3, 1),
    network(3, 16, 16, 64, 3, 1),
    network(1, 28, 28, 16, 3, 3),
];

const fn network(
    channels: usize,
    height: usize,
    image_width: usize,
    width: usize,
    depth: usize,
    first_padding: usize,
) -> Network {
    Network { channels, classes: 5, height, image_width, width, depth, first_padding }
}

fn close(what: &str, net: &Network, got: f64, expected: f64, scale: f64, tolerance: f64) {
    let error = (got - expected).abs() / scale.max(1e-9);
    assert!(error <= tolerance, "{what} of {net:?}: {got} instead of {expected}, error {error:.1e}");
}

#[test]
fn logits_are_those_of_the_plain_network() {
    for net in NETWORKS {
        let case = Case::random(net, 3);
        let got = logits(&net, &Weights::new(&net, &case.theta32()), &case.images32());
        let expected = case.logits(&case.theta, &case.images);
        let scale = expected.iter().fold(0.0, |most: f64, x| most.max(x.abs()));
        for (got, expected) in got.iter().zip(&expected) {
            close("a logit", &net, f64::from(*got), *expected, scale, 2e-5);
        }
    }
}

/// In the order of the classifier's columns: the classifier makes the plain network's logits of them.
#[test]
fn features_are_what_the_classifier_sees() {
    for net in NETWORKS {
        let case = Case::random(net, 3);
        let got = features(&net, &Weights::new(&net, &case.theta32()), &case.images32());
        let columns = got.len() / 3;
        let (weight, bias) =
            case.theta[net.params() - net.classes * (columns + 1)..].split_at(net.classes * columns);
        let expected = case.logits(&case.theta, &case.images);
        let scale = expected.iter().fold(0.0, |most: f64, x| most.max(x.abs()));
        for (features, expected) in got.chunks(columns).zip(expected.chunks(net.classes)) {
            for (class, expected) in expected.iter().enumerate() {
                let logit = dot(features, &weight[class * columns..][..columns]) + bias[class];
                close("a logit of features", &net, logit, *expected, scale, 2e-5);
            }
        }
    }
}

#[test]
fn gradients_are_slopes_of_the_loss() {
    for net in NETWORKS {
        let case = Case::random(net, 3);
        let (images, targets) = (case.images32(), case.targets32());
        let batch = Batch { images: &images, targets: &targets, total: 3 };
        let got = gradient(&net, &Weights::new(&net, &case.theta32()), batch);
        close(
            "the loss",
            &net,
            f64::from(got.loss),
            case.loss(&case.theta, &case.images, &case.targets),
            1.0,
            1e-5,
        );
        for seed in 0..4 {
            let v = case.direction(seed);
            let expected = case.slope(&v);
            let norm = dot(&got.theta, &got.theta).sqrt() * v.iter().map(|x| x * x).sum::<f64>().sqrt();
            close("a slope", &net, dot(&got.theta, &v), expected, norm, 1e-5);
        }
    }
}

#[test]
fn products_are_slopes_of_slopes() {
    for net in NETWORKS {
        let case = Case::random(net, 2);
        let (images, targets) = (case.images32(), case.targets32());
        let batch = Batch { images: &images, targets: &targets, total: 2 };
        let v = case.direction(9);
        let v32: Vec<f32> = v.iter().map(|&x| x as f32).collect();
        let value = Weights::new(&net, &case.theta32());
        let tangent = Weights::new(&net, &v32);
        let at = Pair { value: &value, tangent: &tangent };
        let got = products(&net, at, batch, Wanted::HessianAndGradient);
        let plain = gradient(&net, &value, batch);
        let (hv, own) = (got.hv.expect("wanted"), got.gradient.expect("wanted"));
        let size = |x: &[f32]| dot(x, x).sqrt();
        let difference: Vec<f32> = own.iter().zip(&plain.theta).map(|(a, b)| a - b).collect();
        close("the gradient", &net, size(&difference), 0.0, size(&own), 1e-5);
        close("the loss", &net, f64::from(got.loss), f64::from(plain.loss), 1.0, 1e-6);
        close("the slope", &net, f64::from(got.slope), dot(&own, &v), size(&own) * size(&v32), 1e-5);
        for seed in 0..3 {
            let w = case.direction(seed);
            let length = w.iter().map(|x| x * x).sum::<f64>().sqrt();
            close("Hv", &net, dot(&hv, &w), case.curvature(&v, &w), size(&hv) * length, 3e-5);
            let pixels = case.pixels(seed);
            let length = pixels.iter().map(|x| x * x).sum::<f64>().sqrt();
            let scale = size(&got.images) * length;
            close("the images", &net, dot(&got.images, &pixels), case.mixed(&v, &pixels), scale, 3e-5);
        }
        let only_images = products(&net, at, batch, Wanted::Images);
        assert_eq!(only_images.images, got.images);
        assert!(only_images.hv.is_none() && only_images.gradient.is_none());
        // Targets move the slope by −moved logits: check against moving one target.
        for row in 0..case.targets.len() {
            let expected = case.target_slope(&v, row);
            close("a target", &net, f64::from(got.targets[row]), expected, size(&got.targets), 1e-4);
        }
    }
}

#[test]
fn chunks_add_up_to_the_batch() {
    let net = NETWORKS[0];
    let case = Case::random(net, 5);
    let (images, targets) = (case.images32(), case.targets32());
    let weights = Weights::new(&net, &case.theta32());
    let pixels = images.len() / 5;
    let part = |from: usize, to: usize| {
        let (images, targets) = (&images[from * pixels..to * pixels], &targets[from * 5..to * 5]);
        gradient(&net, &weights, Batch { images, targets, total: 5 })
    };
    let (whole, first, rest) = (part(0, 5), part(0, 2), part(2, 5));
    assert!((whole.loss - first.loss - rest.loss).abs() < 1e-6);
    for ((whole, first), rest) in whole.theta.iter().zip(&first.theta).zip(&rest.theta) {
        assert!((whole - first - rest).abs() < 1e-5, "{whole} instead of {first} + {rest}");
    }
}
