//! The same network in f64, written for reading instead of speed.

use distil_kernels::Network;

/// A network with parameters, images and targets.
pub(crate) struct Case {
    pub(crate) net: Network,
    pub(crate) theta: Vec<f64>,
    pub(crate) images: Vec<f64>,
    pub(crate) targets: Vec<f64>,
}

/// ⟨a, b⟩ of an f32 and an f64 or f32 vector.
pub(crate) fn dot<T: Copy + Into<f64>>(a: &[f32], b: &[T]) -> f64 {
    assert_eq!(a.len(), b.len());
    a.iter().zip(b).map(|(&a, &b)| f64::from(a) * b.into()).sum()
}

/// Reproducible numbers in [−1, 1) (an xorshift generator; good enough to fill a test).
fn numbers(seed: u64, count: usize) -> Vec<f64> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        // Rounded to f32, so that both networks see the same number.
        f64::from((state >> 40) as f32 / 8_388_608.0 - 1.0)
    };
    (0..count).map(|_| next()).collect()
}

fn to_f32(x: &[f64]) -> Vec<f32> {
    x.iter().map(|&x| x as f32).collect()
}

fn moved(x: &[f64], by: &[f64], step: f64) -> Vec<f64> {
    x.iter().zip(by).map(|(x, d)| x + step * d).collect()
}

/// Steps of the differences: the second derivative needs a longer one.
const STEP: f64 = 1e-5;
const LONG_STEP: f64 = 1e-4;

impl Case {
    pub(crate) fn random(net: Network, images: usize) -> Self {
        let theta = numbers(1, net.params()).into_iter().map(|x| f64::from((0.4 * x) as f32)).collect();
        let pixels = images * net.channels * net.height * net.image_width;
        let mut targets = vec![0.0; images * net.classes];
        for (i, row) in targets.chunks_mut(net.classes).enumerate() {
            row[i % net.classes] = 0.75;
            row[(i + 2) % net.classes] = 0.25;
        }
        Self { net, theta, images: numbers(2, pixels), targets }
    }

    pub(crate) fn theta32(&self) -> Vec<f32> {
        to_f32(&self.theta)
    }

    pub(crate) fn images32(&self) -> Vec<f32> {
        to_f32(&self.images)
    }

    pub(crate) fn targets32(&self) -> Vec<f32> {
        to_f32(&self.targets)
    }

    /// A direction of length about one: longer ones would step over the kinks of ReLUs.
    pub(crate) fn direction(&self, seed: u64) -> Vec<f64> {
        let scale = (3.0 / self.theta.len() as f64).sqrt();
        let scaled = |x| f64::from((x * scale) as f32);
        numbers(100 + seed, self.theta.len()).into_iter().map(scaled).collect()
    }

    pub(crate) fn pixels(&self, seed: u64) -> Vec<f64> {
        numbers(200 + seed, self.images.len()).into_iter().map(|x| 0.1 * x).collect()
    }

    /// ⟨∇ℓ, v⟩.
    pub(crate) fn slope(&self, v: &[f64]) -> f64 {
        self.slope_at(&self.theta, &self.images, &self.targets, v)
    }

    /// wᵀ∇²ℓ v.
    pub(crate) fn curvature(&self, v: &[f64], w: &[f64]) -> f64 {
        let slope = |step| self.slope_at(&moved(&self.theta, w, step), &self.images, &self.targets, v);
        (slope(LONG_STEP) - slope(-LONG_STEP)) / (2.0 * LONG_STEP)
    }

    /// The slope of ⟨∇ℓ, v⟩ when the images move along `pixels`.
    pub(crate) fn mixed(&self, v: &[f64], pixels: &[f64]) -> f64 {
        let slope = |step| self.slope_at(&self.theta, &moved(&self.images, pixels, step), &self.targets, v);
        (slope(LONG_STEP) - slope(-LONG_STEP)) / (2.0 * LONG_STEP)
    }

    /// −(d logit / dε) of one logit along `v`, per image.
    pub(crate) fn target_slope(&self, v: &[f64], index: usize) -> f64 {
        let logit = |step| self.logits(&moved(&self.theta, v, step), &self.images)[index];
        let images = self.targets.len() / self.net.classes;
        -(logit(STEP) - logit(-STEP)) / (2.0 * STEP) / images as f64
    }

    fn slope_at(&self, theta: &[f64], images: &[f64], targets: &[f64], v: &[f64]) -> f64 {
        let loss = |step| self.loss(&moved(theta, v, step), images, targets);
        (loss(STEP) - loss(-STEP)) / (2.0 * STEP)
    }

    /// Mean cross-entropy.
    pub(crate) fn loss(&self, theta: &[f64], images: &[f64], targets: &[f64]) -> f64 {
        let k = self.net.classes;
        let logits = self.logits(theta, images);
        let rows = logits.chunks(k).zip(targets.chunks(k));
        let loss = |(out, targets): (&[f64], &[f64])| {
            let log_sum = out.iter().map(|x| x.exp()).sum::<f64>().ln();
            out.iter().zip(targets).map(|(x, t)| t * (log_sum - x)).sum::<f64>()
        };
        rows.map(loss).sum::<f64>() / (targets.len() / k) as f64
    }

    /// Logits `[n, k]`.
    pub(crate) fn logits(&self, theta: &[f64], images: &[f64]) -> Vec<f64> {
        let net = self.net;
        let plane = net.channels * net.height * net.image_width;
        images.chunks(plane).flat_map(|image| self.logits_of_one(theta, image)).collect()
    }

    fn logits_of_one(&self, theta: &[f64], image: &[f64]) -> Vec<f64> {
        let net = self.net;
        let mut theta = theta;
        let mut take = |count: usize| {
            let (taken, rest) = theta.split_at(count);
            theta = rest;
            taken
        };
        let (mut x, mut channels) = (image.to_vec(), net.channels);
        let (mut h, mut w) = (net.height, net.image_width);
        for block in 0..net.depth {
            let padding = if block == 0 { net.first_padding } else { 1 };
            let (weight, bias) = (take(net.width * channels * 9), take(net.width));
            let (y, sides) = convolve(&x, [channels, h, w], weight, bias, padding);
            [h, w] = sides;
            let y = normalise(y, h * w, take(net.width), take(net.width));
            x = relu_and_pool(&y, h, w);
            [h, w] = [h / 2, w / 2];
            channels = net.width;
        }
        let (weight, bias) = (take(net.classes * x.len()), take(net.classes));
        weight
            .chunks(x.len())
            .zip(bias)
            .map(|(row, bias)| row.iter().zip(&x).map(|(w, x)| w * x).sum::<f64>() + bias)
            .collect()
    }
}

fn convolve(
    x: &[f64],
    [channels, h, w]: [usize; 3],
    weight: &[f64],
    bias: &[f64],
    padding: usize,
) -> (Vec<f64>, [usize; 2]) {
    let (out_h, out_w) = (h + 2 * padding - 2, w + 2 * padding - 2);
    let pixel = |c: usize, y: usize, x_: usize| -> f64 {
        let inside = y >= padding && x_ >= padding && y - padding < h && x_ - padding < w;
        if inside { x[(c * h + y - padding) * w + x_ - padding] } else { 0.0 }
    };
    let mut out = Vec::new();
    for (filter, bias) in weight.chunks(channels * 9).zip(bias) {
        for top in 0..out_h {
            for left in 0..out_w {
                let mut sum = *bias;
                for (tap, weight) in filter.iter().enumerate() {
                    sum += weight * pixel(tap / 9, top + tap % 9 / 3, left + tap % 3);
                }
                out.push(sum);
            }
        }
    }
    (out, [out_h, out_w])
}

fn normalise(mut y: Vec<f64>, pixels: usize, scale: &[f64], shift: &[f64]) -> Vec<f64> {
    for (map, (scale, shift)) in y.chunks_mut(pixels).zip(scale.iter().zip(shift)) {
        let mean = map.iter().sum::<f64>() / pixels as f64;
        let variance = map.iter().map(|y| (y - mean) * (y - mean)).sum::<f64>() / pixels as f64;
        for y in map {
            *y = (*y - mean) / (variance + 1e-5).sqrt() * scale + shift;
        }
    }
    y
}

fn relu_and_pool(y: &[f64], h: usize, w: usize) -> Vec<f64> {
    let mut out = Vec::new();
    for map in y.chunks(h * w) {
        for top in 0..h / 2 {
            for left in 0..w / 2 {
                let at = 2 * top * w + 2 * left;
                let under = [at, at + 1, at + w, at + w + 1];
                out.push(under.iter().map(|&i| map[i].max(0.0)).sum::<f64>() / 4.0);
            }
        }
    }
    out
}
