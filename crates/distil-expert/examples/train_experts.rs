//! Trains two experts of three epochs, and says how far each moved from where it started.

#![expect(clippy::print_stdout, reason = "an example shows its result")]

use burn::tensor::Device;
use distil_data::clutter::ClutterConfig;
use distil_data::{DataConfig, DatasetName};
use distil_engine::Engine;
use distil_expert::{Recipe, header, train_store};
use distil_models::{ConvNet, Network};
use distil_progress::Progress;
use distil_store::TrajectoryStore;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let clutter = ClutterConfig { resolution: 16, train_per_class: 40, ..ClutterConfig::easy() };
    let config = DataConfig { clutter: Some(clutter), ..DataConfig::new(DatasetName::Clutter) };
    let data = config.load(Progress::none())?;
    let net = Network::from(ConvNet::new(3, 10, 16, 16).with_width(4).with_depth(1));
    let engine = Engine::new(Device::flex());
    let recipe = Recipe { experts: 2, epochs: 3, batch: 64, ..Recipe::default() };

    let folder = tempfile::tempdir()?;
    let store = TrajectoryStore::create_or_open(folder.path(), &header(&net, &data, &recipe, 0))?;
    let first = train_store(&store, &engine, &net, &data, &recipe, Progress::none())?;
    // A store that was interrupted continues; a complete one is left as it is.
    let again = train_store(&store, &engine, &net, &data, &recipe, Progress::none())?;
    println!("{} experts trained; the second call found {}", first.trained, again.found);
    for number in store.complete() {
        let expert = store.expert(number)?;
        let from_start = |epoch| {
            let steps = expert.snapshot(epoch).iter().zip(expert.snapshot(0));
            steps.map(|(end, start)| (end - start).powi(2)).sum::<f32>().sqrt()
        };
        let distances: Vec<String> =
            (1..=recipe.epochs).map(|epoch| format!("{:.3}", from_start(epoch))).collect();
        println!("expert {number}: {} from the start after each epoch", distances.join(", "));
    }
    Ok(())
}
