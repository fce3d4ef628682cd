//! Distils generated images with DM for a few iterations, and reads the set that the run left.

#![expect(clippy::print_stdout, reason = "an example shows its result")]

use std::ops::ControlFlow;

use burn::tensor::Device;
use distil_data::clutter::ClutterConfig;
use distil_data::{DataConfig, DatasetName};
use distil_engine::Engine;
use distil_match::{Event, Files, Inputs, Method, run_unvalidated};
use distil_models::{ConvNet, Network};
use distil_progress::Progress;
use distil_store::{RunFolder, SyntheticSet};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let clutter = ClutterConfig { resolution: 16, train_per_class: 40, ..ClutterConfig::easy() };
    let config = DataConfig { clutter: Some(clutter), ..DataConfig::new(DatasetName::Clutter) };
    let (dataset, engine) = (config.load(Progress::none())?, Engine::new(Device::flex()));
    let net = Network::from(ConvNet::new(3, 10, 16, 16).with_width(4).with_depth(1));
    let method = Method::dm().ipc(1).iterations(20);
    let (method, net, dataset, engine) = (&method, &net, &dataset, &engine);
    let inputs = Inputs { method, net, dataset, experts: None, seed: 0, engine, maps: None };

    let folder = tempfile::tempdir()?;
    let mut run = RunFolder::create(folder.path().join("dm"), "method = \"dm\"")?;
    let mut on_event = |event: &Event| {
        if let Event::Iteration { iteration: iteration @ (1 | 5 | 10 | 20), loss, .. } = event {
            println!("iteration {iteration}: loss {loss:.3}");
        }
        ControlFlow::Continue(())
    };
    let outcome = run_unvalidated(&inputs, ("dm", "distil_dm"), &mut run, &mut on_event)?;
    let set = SyntheticSet::load(Files::of(run.paths()).last)?;
    println!("{} iterations; images {:?}, syn_lr {}", outcome.iterations, set.shape, set.syn_lr);
    Ok(())
}
