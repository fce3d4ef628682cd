//! Trains a small ConvNet on generated images, and draws where it sees the class of one of them.

#![expect(clippy::print_stdout, reason = "an example shows its result")]

use burn::tensor::{Device, Tensor, TensorData};
use distil_data::{DataConfig, DatasetName};
use distil_engine::Engine;
use distil_eval::{Protocol, Training, TrainingSet};
use distil_gradcam::{Cam, Explainer, Noise, Target, layer};
use distil_models::{ConvNet, Network};
use distil_progress::Progress;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let config = DataConfig { train_limit: Some(300), ..DataConfig::new(DatasetName::ClutterEasy) };
    let data = config.load(Progress::none())?;
    let network = &Network::from(ConvNet::new(3, 10, 32, 32).with_width(8).with_depth(3));
    let (set, engine) = (TrainingSet::Real(&data.train), &Engine::new(Device::flex()));
    let protocol = &Protocol { batch: 32, ..Protocol::default() };
    let training = Training { net: network, set, protocol, epochs: 12, lr: 0.03, seed: 0, engine };
    let trained = training.run(Progress::none())?;

    let image = data.test.rows_of_class(0)[0];
    let pixels = TensorData::new(data.test.images.gather(&[image]), [1, 3, 32, 32]);
    let images = Tensor::from_data(pixels, engine.device());
    let (theta, buffers) = (&trained.theta, &trained.buffers);
    let (layer, cam) = (layer(network, "blocks.1")?, Cam::GradCamPlusPlus);
    let explainer = Explainer { engine, network, theta, buffers, layer, cam, micro_batch: 16 };
    let found = explainer.explain(&images, Target::Classes(&[0]), Noise::default())?;
    let maps = found.raw.unit();
    println!("probability of {}: {:.2}", data.class_names[0], found.confidences()[0]);
    println!("share of the map that is at least 0.5: {:.2}", maps.areas(&[0.5])[0][0]);
    for row in maps.resize(16, 32).map(0).chunks(32) {
        let shades = row.iter().map(|value| char::from(b" .:-=+*#%@"[(value * 9.99) as usize]));
        println!("{}", shades.collect::<String>());
    }
    Ok(())
}
