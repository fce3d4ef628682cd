//! Sizes of the architectures, and a small ConvNet that learns from eight images.

#![expect(clippy::print_stdout, reason = "an example shows its result")]

use burn::tensor::{DType, Device, Tensor, TensorData};
use distil_models::{Arch, ConvNet, ConvNetConfig, Entry, NetworkConfig, Plain, Targets, loss_and_gradient};
use distil_random::{stream, uniform};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    for arch in Arch::ALL {
        let network = NetworkConfig::published(arch).build(&ConvNetConfig::default(), 3, 10, 32, 32)?;
        println!("{:>16}: {:>10} parameters", arch.name(), network.layout().params());
    }

    let net = ConvNet::new(1, 2, 16, 16).with_width(8).with_depth(2);
    let layout = net.layout();
    let names: Vec<String> =
        layout.entries().iter().map(|Entry { name, shape }| format!("{name} {shape:?}")).collect();
    println!("a small ConvNet: {}", names.join(", "));

    // Bright upper halves are class 0, bright lower halves class 1.
    let (device, mut rng) = (Device::flex(), stream(0, "pixels", 0));
    let bright = |i: usize| i / 128 % 2 == i / 256 % 2;
    let pixels: Vec<f32> =
        (0..8 * 256).map(|i| uniform(&mut rng, 0.0, 0.5) + f32::from(u8::from(bright(i)))).collect();
    let images = Tensor::<4>::from_data(TensorData::new(pixels, [8, 1, 16, 16]), &device);
    let targets = Targets::from_classes(&[0, 1, 0, 1, 0, 1, 0, 1], 2, &device, DType::F32);
    let mut theta = net.theta(&net.init(&mut stream(0, "init", 0)), &device);
    for step in 0..20 {
        let found = loss_and_gradient(&net, &theta, &images, &targets, 8);
        if step % 5 == 0 {
            println!("step {step}: loss {:.4}", found.loss.into_scalar::<f32>());
        }
        theta = theta - found.gradient * 0.1;
    }
    println!("classes: {}", net.forward::<Plain>(&layout.split(theta), images).argmax(1).into_data());
    Ok(())
}
