//! Trains two students on random real images and two on all of them, and tests each.

#![expect(clippy::print_stdout, reason = "an example shows its result")]

use burn::tensor::Device;
use distil_data::clutter::ClutterConfig;
use distil_data::{DataConfig, DatasetName};
use distil_engine::Engine;
use distil_eval::{Evaluator, Protocol, Subject};
use distil_models::{ConvNet, Network};
use distil_progress::Progress;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let clutter = ClutterConfig { resolution: 16, train_per_class: 40, ..ClutterConfig::easy() };
    let config = DataConfig { clutter: Some(clutter), ..DataConfig::new(DatasetName::Clutter) };
    let dataset = &config.load(Progress::none())?;
    let net = &Network::from(ConvNet::new(3, 10, 16, 16).with_width(8).with_depth(1));
    let protocol = &Protocol { full_epochs: 20, batch: 64, ..Protocol::default().epochs(40).seeds(2) };
    let evaluator =
        Evaluator { net, dataset, protocol, teacher: None, seed: 0, engine: &Engine::new(Device::flex()) };
    for (name, subject) in [
        ("random real, 1 a class", Subject::RandomReal { per_class: &[1; 10] }),
        ("random real, 10 a class", Subject::RandomReal { per_class: &[10; 10] }),
        ("full data", Subject::FullData),
    ] {
        let row = evaluator.evaluate(name, subject, Progress::none())?;
        println!("{name}: {} images, {} %, students {:?}", row.images, row.percent(), row.accuracies);
    }
    Ok(())
}
