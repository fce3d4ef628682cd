//! Sizes of the architectures, and a small ConvNet that learns from eight images.

#![expect(clippy::print_stdout, reason = "an example shows its result")]

use burn::tensor::{DType, Device, Tensor, TensorData};
use distil_engine::{At, Engine, Loss, Targets};
use distil_models::{Arch, ConvNet, Entry, Network, NetworkConfig};
use distil_random::{stream, uniform};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    for arch in Arch::NAMED {
        let network = NetworkConfig::published(arch).build([3, 32, 32], 10)?;
        println!("{:>16}: {:>10} parameters", arch.name(), network.layout().params());
    }

    let net = Network::from(ConvNet::new(1, 2, 16, 16).with_width(8).with_depth(2));
    let layout = net.layout();
    let names: Vec<String> =
        layout.entries().iter().map(|Entry { name, shape }| format!("{name} {shape:?}")).collect();
    println!("a small ConvNet: {}", names.join(", "));

    // Bright upper halves are class 0, bright lower halves class 1.
    let (engine, device, mut rng) = (Engine::new(Device::flex()), Device::flex(), stream(0, "pixels", 0));
    let bright = |i: usize| i / 128 % 2 == i / 256 % 2;
    let pixels: Vec<f32> =
        (0..8 * 256).map(|i| uniform(&mut rng, 0.0, 0.5) + f32::from(u8::from(bright(i)))).collect();
    let images = Tensor::<4>::from_data(TensorData::new(pixels, [8, 1, 16, 16]), &device);
    let loss = Loss::from(Targets::from_classes(&[0, 1, 0, 1, 0, 1, 0, 1], 2, &device, DType::F32));
    let buffers = net.buffers(&net.init_buffers(), &device);
    let mut theta = net.theta(&net.init(&mut stream(0, "init", 0)), &device);
    for step in 0..20 {
        let found =
            engine.gradient(At::training(&net, &theta), &loss, 8, 8, |rows| images.clone().slice([rows]));
        if step % 5 == 0 {
            println!("step {step}: loss {:.4}", found.loss.into_scalar::<f32>());
        }
        theta = theta - found.gradient * 0.1;
    }
    let logits = engine.logits(At::evaluation(&net, &theta, &buffers), &images);
    println!("classes: {}", logits.argmax(1).into_data());
    Ok(())
}
