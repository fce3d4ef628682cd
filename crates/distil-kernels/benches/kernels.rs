//! Micro-benchmarks: `cargo bench -p distil-kernels`.

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use distil_kernels::{Batch, Network, Pair, Wanted, Weights, gradient, logits, products};

/// Images of a chunk: half of ten, as two threads share them.
const IMAGES: usize = 5;

fn network(width: usize) -> Network {
    Network { channels: 3, classes: 10, height: 32, image_width: 32, width, depth: 3, first_padding: 1 }
}

/// Numbers without a pattern that the kernels could profit from.
fn numbers(count: usize, scale: f32) -> Vec<f32> {
    (0..count).map(|i| scale * ((i * 7919 % 1000) as f32 / 500.0 - 1.0)).collect()
}

fn kernels(criterion: &mut Criterion) {
    for width in [32, 128] {
        let net = network(width);
        let (theta, v) = (numbers(net.params(), 0.05), numbers(net.params(), 0.01));
        let (images, targets) = (numbers(IMAGES * 3 * 32 * 32, 1.0), vec![0.1; IMAGES * 10]);
        let batch = Batch { images: &images, targets: &targets, total: IMAGES };
        let value = Weights::new(&net, &theta);
        let tangent = Weights::new(&net, &v);
        let at = Pair { value: &value, tangent: &tangent };
        let mut group = criterion.benchmark_group("width");
        group.bench_function(BenchmarkId::new("weights", width), |b| {
            b.iter(|| Weights::new(&net, black_box(&theta)));
        });
        group.bench_function(BenchmarkId::new("logits", width), |b| {
            b.iter(|| logits(&net, &value, black_box(&images)));
        });
        group.bench_function(BenchmarkId::new("gradient", width), |b| {
            b.iter(|| gradient(&net, &value, black_box(batch)));
        });
        for (name, wanted) in [("products", Wanted::Hessian), ("products-truncated", Wanted::Images)] {
            let run = || products(&net, at, black_box(batch), wanted);
            group.bench_function(BenchmarkId::new(name, width), |b| b.iter(run));
        }
        group.finish();
    }
}

criterion_group!(benches, kernels);
criterion_main!(benches);
