//! Experts on a set small enough to learn in a second.

use distil_progress::{News, Progress};
use std::ops::ControlFlow;

use burn::tensor::Device;
use distil_data::{Dataset, ImageShape, Images, Normalisation, Preprocessing, Split};
use distil_engine::Engine;
use distil_expert::{ExpertError, Gsam, Recipe, RecipeError, header, train_expert, train_store};
use distil_models::{ConvNet, Network};
use distil_random::{below, stream};
use distil_store::TrajectoryStore;

const SIDE: usize = 8;

/// Two classes: the upper or the lower half is bright.
fn split(purpose: &str, n: usize) -> Split {
    let mut rng = stream(1, purpose, 0);
    let labels: Vec<u32> = (0..n).map(|i| (i % 2) as u32).collect();
    let bytes = (0..n * SIDE * SIDE)
        .map(|i| {
            let lower = usize::from(i / SIDE % SIDE >= SIDE / 2);
            let lit = lower == labels[i / (SIDE * SIDE)] as usize;
            (below(&mut rng, 90) + if lit { 120 } else { 0 }) as u8
        })
        .collect();
    let shape = ImageShape { channels: 1, height: SIDE, width: SIDE };
    Split::new(Images::from_u8(shape, bytes).expect("whole images"), labels).expect("one label each")
}

fn dataset() -> Dataset {
    let normalisation = Normalisation::MeanStd { mean: vec![0.4], std: vec![0.25] };
    let preprocessing = Preprocessing { resize: None, normalisation };
    let parts = [split("train", 24), split("validation", 2), split("test", 2)];
    Dataset::from_parts("halves", vec!["upper".into(), "lower".into()], parts, preprocessing)
        .expect("parts fit")
}

fn net() -> Network {
    ConvNet::new(1, 2, SIDE, SIDE).with_width(4).with_depth(1).into()
}

fn recipe() -> Recipe {
    let augmentation = "none".parse().expect("a valid strategy");
    Recipe { experts: 3, epochs: 4, batch: 10, lr: 0.1, augmentation, ..Recipe::default() }
}

#[test]
fn an_expert_learns_and_is_a_function_of_its_key() {
    let (net, data, engine) = (net(), dataset(), Engine::new(Device::flex()));
    let train = |seed, expert| {
        train_expert(&engine, &net, &data.train, &recipe(), seed, expert, Progress::none())
            .expect("an expert")
    };
    let expert = train(0, 1);
    assert_eq!(expert.trajectory.len(), 5);
    assert!(expert.losses[3] < expert.losses[0], "{:?}", expert.losses);
    assert_eq!(expert, train(0, 1));
    assert_ne!(expert.trajectory[0], train(0, 2).trajectory[0]);
    assert_ne!(expert.trajectory[0], train(1, 1).trajectory[0]);
    assert_ne!(expert.trajectory[0], expert.trajectory[1], "every snapshot is a separate copy");
}

#[test]
fn gsam_and_augmentation_change_the_trajectory() {
    let (net, data, engine) = (net(), dataset(), Engine::new(Device::flex()));
    let last = |recipe: &Recipe| {
        let trained =
            train_expert(&engine, &net, &data.train, recipe, 0, 0, Progress::none()).expect("an expert");
        trained.trajectory[4].clone()
    };
    let plain = last(&recipe());
    assert_ne!(plain, last(&Recipe { gsam: Some(Gsam { rho: 0.05, alpha: 0.3 }), ..recipe() }));
    assert_ne!(plain, last(&Recipe { augmentation: "crop_flip".parse().expect("valid"), ..recipe() }));
}

#[test]
fn a_store_that_was_interrupted_continues_to_the_same_bytes() {
    let (net, data, engine) = (net(), dataset(), Engine::new(Device::flex()));
    let header = header(&net, &data, &recipe(), 7);
    let folder = tempfile::tempdir().expect("a temporary folder");
    let fill = |name: &str, stop_in: Option<usize>| {
        let store = TrajectoryStore::create_or_open(folder.path().join(name), &header).expect("a store");
        // An expert takes three steps an epoch, for four epochs.
        let stop = |news: &News<'_>| match news {
            News::Step(step) if stop_in.is_some_and(|expert| step.done > 12 * expert as u64) => {
                ControlFlow::Break(())
            }
            _ => ControlFlow::Continue(()),
        };
        train_store(&store, &engine, &net, &data, &recipe(), Progress::to(&stop))
    };
    assert!(matches!(fill("torn", Some(2)), Err(ExpertError::Stopped { expert: 2 })));
    let outcome = fill("torn", None).expect("the rest");
    assert_eq!((outcome.trained, outcome.found), (1, 2));
    fill("whole", None).expect("all at once");
    for i in 0..3 {
        let bytes = |name: &str| {
            let path = folder.path().join(name).join(format!("expert-000{i}.safetensors"));
            std::fs::read(path).expect("a shard")
        };
        assert_eq!(bytes("torn"), bytes("whole"));
    }
}

#[test]
fn divergence_names_its_epoch() {
    let (net, data, engine) = (net(), dataset(), Engine::new(Device::flex()));
    let wild = Recipe { lr: 1e30, ..recipe() };
    let error =
        train_expert(&engine, &net, &data.train, &wild, 0, 4, Progress::none()).expect_err("it diverges");
    assert!(matches!(error, ExpertError::Diverged { expert: 4, .. }), "{error}");
}

#[test]
fn impossible_recipes_name_their_key() {
    assert_eq!(Recipe { batch: 0, ..recipe() }.check(), Err(RecipeError::Zero { key: "batch" }));
    let error = Recipe { lr: f64::NAN, ..recipe() }.check().expect_err("not a number");
    assert!(error.to_string().starts_with("expert.lr = NaN"), "{error}");
}
