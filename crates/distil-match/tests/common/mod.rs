//! A set small enough to see through, with experts, a network for activation maps and runs that are stopped anywhere.

use distil_progress::Progress;
use std::ops::ControlFlow;
use std::path::Path;

use burn::tensor::Device;
use distil_data::{Dataset, ImageShape, Images, Normalisation, Preprocessing, Split};
use distil_engine::Engine;
use distil_eval::{Protocol, Training, TrainingSet};
use distil_expert::{Recipe, header, train_store};
use distil_gradcam::{CamModel, ClassMap, Maps, ModelCard};
use distil_match::{
    CamNetwork, Event, Experts, Files, Inputs, Ipc, MapSource, Method, RunError, Window, run,
};
use distil_models::{ConvNet, Network, NetworkState};
use distil_random::{below, stream};
use distil_store::{RunFolder, SyntheticSet, TrajectoryStore};

pub(crate) const SIDE: usize = 8;
pub(crate) const CLASSES: usize = 3;

/// Images whose class is the third of the rows that is bright.
fn split(purpose: &str, per_class: usize) -> Split {
    let mut rng = stream(3, purpose, 0);
    let n = per_class * CLASSES;
    let labels: Vec<u32> = (0..n).map(|i| (i % CLASSES) as u32).collect();
    let pixel = |i: usize, rng: &mut _| {
        let (label, row) = (labels[i / (SIDE * SIDE)] as usize, i / SIDE % SIDE);
        (below(rng, 60) + if row * CLASSES / SIDE == label { 150 } else { 0 }) as u8
    };
    let bytes = (0..n * SIDE * SIDE).map(|i| pixel(i, &mut rng)).collect();
    let shape = ImageShape { channels: 1, height: SIDE, width: SIDE };
    Split::new(Images::from_u8(shape, bytes).expect("whole images"), labels).expect("one label each")
}

fn dataset() -> Dataset {
    let preprocessing = Preprocessing {
        resize: None,
        normalisation: Normalisation::MeanStd { mean: vec![0.3], std: vec![0.25] },
    };
    let parts = [split("train", 20), split("validation", 4), split("test", 4)];
    let names = (0..CLASSES).map(|c| format!("class {c}")).collect();
    Dataset::from_parts("bands", names, parts, preprocessing).expect("parts of one shape")
}

#[allow(dead_code, reason = "not every test file needs it")]
pub(crate) fn method() -> Method {
    let method = Method {
        ipc: Ipc::Each(2),
        iterations: 9,
        image_lr: 1.0,
        syn_lr: 0.05,
        syn_lr_lr: 1e-4,
        loss_gate: 100.0,
        ema: 0.9,
        validate_every: 4,
        checkpoint_every: 3,
        ..Method::datm()
    };
    method.with_trajectory(|trajectory| {
        trajectory.syn_steps = 3;
        trajectory.expert_epochs = 1;
        trajectory.window = Window { min: 0, max: 2, initial_max: Some(1), expand_until: 4 };
        trajectory.batch_syn = Some(4);
    })
}

pub(crate) struct Bench {
    pub(crate) net: Network,
    pub(crate) dataset: Dataset,
    pub(crate) store: TrajectoryStore,
    pub(crate) engine: Engine,
    pub(crate) folder: tempfile::TempDir,
    /// The network of activation maps and its classes.
    pub(crate) cam: Option<(CamModel, ClassMap)>,
    /// Maps in place of that network's.
    pub(crate) given: Option<Maps>,
}

impl Bench {
    pub(crate) fn new() -> Self {
        let net = Network::from(ConvNet::new(1, CLASSES, SIDE, SIDE).with_width(4).with_depth(2));
        let (dataset, engine) = (dataset(), Engine::new(Device::flex()));
        let folder = tempfile::tempdir().expect("a temporary folder");
        let recipe = Recipe { experts: 2, epochs: 3, batch: 10, ..Recipe::default() };
        let header = header(&net, &dataset, &recipe, 5);
        let store = TrajectoryStore::create_or_open(folder.path().join("experts"), &header).expect("a store");
        train_store(&store, &engine, &net, &dataset, &recipe, Progress::none()).expect("experts");
        Self { net, dataset, store, engine, folder, cam: None, given: None }
    }

    /// With a network of activation maps, trained on the same images.
    #[allow(dead_code, reason = "not every test file needs it")]
    pub(crate) fn with_cam() -> Self {
        let bench = Self::new();
        let model = bench.cam_model(0);
        let classes = model.class_map(distil_gradcam::ClassRule::Mapped, &bench.dataset.class_names);
        Self { cam: Some((model, classes.expect("the same classes"))), ..bench }
    }

    /// A network that knows the classes.
    #[allow(dead_code, reason = "not every test file needs it")]
    pub(crate) fn cam_model(&self, seed: u64) -> CamModel {
        let network = self.net.clone();
        let protocol =
            Protocol { batch: 10, augmentation: "none".parse().expect("a strategy"), ..Protocol::default() };
        let training = Training {
            net: &network,
            set: TrainingSet::Real(&self.dataset.train),
            protocol: &protocol,
            epochs: 6,
            lr: 0.05,
            seed,
            engine: &self.engine,
        };
        let trained = training.run(Progress::none()).expect("a network");
        let floats = |tensor: burn::tensor::Tensor<1>| tensor.into_data().iter::<f32>().collect();
        let state = NetworkState { theta: floats(trained.theta), buffers: floats(trained.buffers) };
        let card = ModelCard {
            architecture: serde_json::to_value(&network).expect("plain JSON"),
            class_names: self.dataset.class_names.clone(),
            preprocessing: self.dataset.preprocessing().clone(),
            dataset: self.dataset.name.clone(),
            dataset_digest: self.dataset.digest.clone(),
            validation_accuracy: None,
            recipe: serde_json::Value::Null,
            seed,
            distil_version: String::new(),
            command: String::new(),
        };
        CamModel { network, state, card }
    }

    pub(crate) fn inputs<'a>(&'a self, method: &'a Method) -> Inputs<'a> {
        Inputs {
            method,
            net: &self.net,
            dataset: &self.dataset,
            experts: method
                .needs_experts()
                .then(|| Experts { store: &self.store, numbers: self.store.complete() }),
            seed: 11,
            engine: &self.engine,
            maps: self.given.as_ref().map(MapSource::Given).or_else(|| {
                let (model, classes) = self.cam.as_ref()?;
                Some(MapSource::Network(CamNetwork { engine: &self.engine, model, classes }))
            }),
        }
    }

    /// Runs in `name`, stopping (and resuming) wherever `stop` says so.
    pub(crate) fn run(&self, name: &str, method: &Method, stop: impl Fn(&Event) -> bool) -> Files {
        let path = self.folder.path().join(name);
        let mut stops = Vec::new();
        loop {
            let mut folder = if stops.is_empty() {
                RunFolder::create(&path, "a = 1").expect("a new run")
            } else {
                RunFolder::resume(&path, "a = 1").expect("the same run")
            };
            let mut on_event = |event: &Event| {
                if stop(event) && !stops.contains(event) {
                    stops.push(event.clone());
                    return ControlFlow::Break(());
                }
                ControlFlow::Continue(())
            };
            let inputs = self.inputs(method);
            let mut validate = |set: &SyntheticSet| Some(f64::from(set.images[0].abs().fract()));
            match run(&inputs, ("datm", "test"), &mut folder, &mut validate, &mut on_event) {
                Ok(_) => return Files::of(folder.paths()),
                Err(RunError::Stopped { .. }) => {}
                Err(error) => panic!("{error}"),
            }
        }
    }
}

pub(crate) fn bytes(path: &Path) -> Vec<u8> {
    std::fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
