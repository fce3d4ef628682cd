//! Trains a small ConvNet on generated images, and ranks their classes by complexity.

#![expect(clippy::print_stdout, reason = "an example shows its result")]

use burn::tensor::{Device, Tensor};
use distil_compdd::{Category, Definition, Pass, PassOptions, Ranking, Source};
use distil_data::{DataConfig, Dataset, DatasetName};
use distil_engine::Engine;
use distil_eval::{Protocol, Training, TrainingSet};
use distil_gradcam::{Cam, CamModel, ClassMap};
use distil_models::{ConvNet, Network, NetworkState};
use distil_progress::Progress;
use serde_json::json;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let config = DataConfig { train_limit: Some(200), ..DataConfig::new(DatasetName::ClutterEasy) };
    let data = config.load(Progress::none())?;
    let Dataset { name: dataset, class_names, transform, digest, test, .. } = &data;
    let network = Network::from(ConvNet::new(3, 10, 32, 32).with_width(8).with_depth(2));
    let (net, protocol) = (&network, &Protocol { batch: 32, ..Protocol::default() });
    let (set, engine) = (TrainingSet::Real(&data.train), &Engine::new(Device::flex()));
    let training = Training { net, set, protocol, epochs: 10, lr: 0.03, seed: 0, engine };
    let trained = training.run(Progress::none())?;
    let floats = |tensor: Tensor<1>| tensor.into_data().iter::<f32>().collect();
    let state = NetworkState { theta: floats(trained.theta), buffers: floats(trained.buffers) };
    let card = json!({"architecture": net, "class_names": class_names, "preprocessing": data.preprocessing(),
        "dataset": dataset, "dataset_digest": digest, "recipe": "", "seed": 0, "distil_version": "",
        "command": ""});
    let model = &CamModel { card: serde_json::from_value(card)?, network, state };

    let source = &Source::Memory { split: test.clone(), digest: digest.clone() };
    let definition = &Definition { cam: Cam::GradCamPlusPlus, ..Definition::default() };
    let (class_map, options) = (&ClassMap::by_name(class_names, class_names)?, PassOptions::default());
    let p = Pass { source, dataset, class_names, model, class_map, transform, definition, engine, options };
    let measured = p.run(Progress::none())?;
    for ranked in Ranking::of(&measured, &Category::everything(&measured), 0)?.classes {
        let error = ranked.standard_error.unwrap_or(0.0);
        println!("{:<12} {:.3} ± {error:.3}", ranked.class, ranked.complexity);
    }
    Ok(())
}
