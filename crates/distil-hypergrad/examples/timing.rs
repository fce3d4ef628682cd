use std::time::Instant;
use burn::tensor::{DType, Device, Tensor, TensorData};
use distil_augment::Augmentation;
use distil_hypergrad::*;
use distil_models::{ConvNet, Targets, loss_and_gradient};
use distil_random::{normal, stream};
fn main() {
    let a: Vec<usize> = std::env::args().skip(1).map(|s| s.parse().unwrap()).collect();
    let (width, c, hw, n, steps, batch) = (a[0], a[1], a[2], a[3], a[4], a[5]);
    let device = Device::flex();
    let net = ConvNet::new(c, 10, hw, hw).with_width(width).with_depth(3);
    let theta = net.theta(&net.init(&mut stream(0, "init", 0)), &device);
    let mut rng = stream(0, "x", 0);
    let mut img = |n: usize| Tensor::<4>::from_data(TensorData::new((0..n * c * hw * hw).map(|_| normal(&mut rng)).collect::<Vec<f32>>(), [n, c, hw, hw]), &device);
    let labels: Vec<u32> = (0..n as u32).map(|i| i % 10).collect();
    let set = InnerSet { images: img(n), targets: Targets::Soft(match Targets::from_classes(&labels, 10, &device, DType::F32) { Targets::Hard(t) => t, Targets::Soft(t) => t }) };
    let st: Vec<_> = (0..steps).map(|_| InnerStep { rows: (0..n).collect(), augmentation: Augmentation::None }).collect();
    let inner = InnerLoop { net: &net, set: &set, steps: &st, syn_lr: 0.01, micro_batch: 256 };
    for _ in 0..3 {
        let t = Instant::now();
        let th = unroll(&inner, theta.clone());
        let f = t.elapsed();
        let g = adjoint(&inner, &th, th[steps].clone(), Differentiation::Exact);
        println!("unroll {f:?} adjoint {:?} lr {}", t.elapsed() - f, g.syn_lr);
    }
    let b = img(batch);
    let l: Vec<u32> = (0..batch as u32).map(|i| i % 10).collect();
    let t = Targets::from_classes(&l, 10, &device, DType::F32);
    for _ in 0..3 {
        let s = Instant::now();
        let g = loss_and_gradient(&net, &theta, &b, &t, 256);
        println!("train step batch {batch} {:?} {:?}", s.elapsed(), g.loss.into_data().iter::<f32>().next());
    }
    for mb in [64, 32, 16, 8] {
        let s = Instant::now();
        let g = loss_and_gradient(&net, &theta, &b, &t, mb);
        println!("micro {mb} {:?} {:?}", s.elapsed(), g.loss.into_data().iter::<f32>().next());
    }
}
