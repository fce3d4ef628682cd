//! Every architecture with every family of methods, end to end; and a network with batch norms that is stopped and continued.

use std::ops::ControlFlow;
use std::path::Path;

use distil::crates::{data::HoldOut, expert::Recipe, matching, models};
use distil::{Device, Method, News, Session, SyntheticSet, data, methods, protocols};
use models::{Arch, Layer, NetworkConfig, Norm};

/// Two real images a class are enough to see that everything fits together.
fn session(network: NetworkConfig, folder: Option<&Path>) -> Session {
    let recipe = Recipe { experts: 1, epochs: 2, batch: 20, ..Recipe::default() };
    let data = data::DataConfig {
        train_limit: Some(20),
        validation: Some(HoldOut::Count(10)),
        ..data::clutter_easy()
    };
    let builder = Session::new(data).network(network).experts(recipe).seed(3);
    let builder = match folder {
        Some(folder) => builder.in_folder(folder),
        None => builder,
    };
    builder.on(Device::cpu()).expect("a session")
}

/// The seven architectures of the literature, narrow; the usual norm, and batch norm where there is a choice; and a list.
fn networks() -> Vec<NetworkConfig> {
    let of = NetworkConfig::published;
    let layers = vec![
        Layer::Conv { out: 4, kernel: [5, 3], stride: [2, 2], padding: [2, 1], groups: 1, bias: true },
        Layer::BatchNorm,
        Layer::Gelu,
        Layer::MaxPool { window: [2, 2], stride: None, padding: [0, 0] },
        Layer::Linear { out: 10, bias: true },
    ];
    vec![
        of(Arch::ConvNet).width(4),
        of(Arch::ConvNet).width(4).norm(Norm::Batch),
        of(Arch::ConvNet).width(4).norm(Norm::Layer),
        of(Arch::ResNet18).width(2),
        of(Arch::ResNet18).width(2).norm(Norm::Batch),
        of(Arch::Vgg11).width(2).norm(Norm::Batch),
        of(Arch::AlexNet).width(2),
        of(Arch::EfficientNetLite).width(2),
        NetworkConfig { hidden: Some(vec![16]), ..of(Arch::Mlp) },
        of(Arch::Sequence).width(4),
        NetworkConfig { layers: Some(layers), ..of(Arch::Layers) },
    ]
}

/// With other settings of its objective.
fn changed<O: matching::Objective>(mut method: Method, change: impl FnOnce(&mut O)) -> Method {
    method.change(change);
    method
}

/// One method of each family, as small as it works.
fn families() -> Vec<(&'static str, Method)> {
    let named = |name: &str| methods::named(name).expect("a built-in method").ipc(1).iterations(2);
    let trajectory = methods::mtt().ipc(1).iterations(2).with_trajectory(|trajectory| {
        (trajectory.syn_steps, trajectory.expert_epochs, trajectory.window.max) = (2, 1, 1);
    });
    let unrolled = changed(named("dd"), |dd: &mut matching::Unrolled| {
        (dd.syn_steps, dd.batch_real) = (2, 20);
    });
    let effect = changed(named("ead"), |ead: &mut matching::EffectAlignment| {
        (ead.checkpoints, ead.batch_probe, ead.batch_real) = (1, 10, 10);
        (ead.window.min, ead.window.max, ead.window.initial_max) = (0, 2, None);
    });
    let gradient = changed(named("dsa"), |dsa: &mut matching::GradientMatching| {
        (dsa.outer_loop, dsa.inner_loop, dsa.batch_real) = (Some(2), Some(1), 2);
    });
    let distribution = changed(named("dm"), |dm: &mut matching::DistributionMatching| dm.batch_real = 2);
    let selection = named("herding");
    vec![
        ("trajectory", trajectory),
        ("unrolled", unrolled),
        ("effect", effect),
        ("gradient", gradient),
        ("distribution", distribution),
        ("selection", selection),
    ]
}

#[test]
fn every_architecture_distils_by_every_family() {
    for network in networks() {
        let session = session(network, None);
        for (family, method) in families() {
            let what = format!("{} by {family}", session.net().architecture());
            let learns = family != "selection";
            let set = session.distil(method).unwrap_or_else(|error| panic!("{what}: {error}"));
            assert_eq!(set.shape, [10, 3, 32, 32], "{what}");
            assert!(set.images.iter().all(|pixel| pixel.is_finite()), "{what}");
            let initial = session.distil(methods::random().ipc(1)).expect("real images");
            assert!(!learns || set.images != initial.images, "{what}: nothing moved");
        }
        let set = session.distil(methods::random().ipc(1)).expect("real images");
        let score = session.evaluate(&set, protocols::mtt().epochs(1).seeds(1)).expect("a score");
        assert!(score.to_string().contains("1 students"), "{score}");
    }
}

fn tensors(set: &SyntheticSet) -> (Vec<u32>, u32) {
    (set.images.iter().map(|pixel| pixel.to_bits()).collect(), set.syn_lr.to_bits())
}

/// On ResNet-18 with batch norm: experts with running statistics, a run that is stopped, and one that is not.
#[test]
fn batch_norms_resume_to_the_same_bytes() {
    resumes_to_the_same_bytes(&methods::mtt());
    // Its soft labels start as logits by the experts' running statistics.
    resumes_to_the_same_bytes(&Method { init: matching::Init::Real, ..methods::datm() });
}

fn resumes_to_the_same_bytes(preset: &Method) {
    let network = || NetworkConfig::published(Arch::ResNet18).width(2).norm(Norm::Batch);
    let method = || {
        let small = Method { checkpoint_every: 1, ..preset.clone() };
        small.ipc(1).iterations(3).with_trajectory(|trajectory| {
            (trajectory.syn_steps, trajectory.expert_epochs) = (2, 1);
            (trajectory.window.min, trajectory.window.max, trajectory.window.initial_max) = (0, 1, None);
        })
    };
    let whole = session(network(), None).distil(method()).expect("a set");
    let folder = tempfile::tempdir().expect("a folder");
    let recipe = Recipe { experts: 1, epochs: 2, batch: 20, ..Recipe::default() };
    let data = data::DataConfig {
        train_limit: Some(20),
        validation: Some(HoldOut::Count(10)),
        ..data::clutter_easy()
    };
    let stop = |news: &News<'_>| match news {
        News::Step(step) if step.task == "distil" && step.done == 2 => ControlFlow::Break(()),
        _ => ControlFlow::Continue(()),
    };
    let builder = Session::new(data).network(network()).experts(recipe).seed(3);
    let stopped = builder.in_folder(folder.path()).told_to(stop).on(Device::cpu()).expect("a session");
    let error = stopped.distil(method()).expect_err("it was asked to stop");
    assert!(error.to_string().contains("iteration 2"), "{error}");
    drop(stopped);
    let continued = session(network(), Some(folder.path())).distil(method()).expect("a set");
    assert_eq!(tensors(&continued), tensors(&whole));
}
