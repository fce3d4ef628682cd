//! Students of other protocols than MTT's.

mod common;

use distil_data::Transform;
use distil_progress::Progress;
use std::sync::Arc;

use burn::tensor::{Device, Tensor, TensorData};
use common::{SIDE, dataset, net, protocol, synthetic};
use distil_data::{Dataset, Normalisation, Preprocessing, Whitening, Zca};
use distil_engine::{At, Engine, Targets};
use distil_eval::{
    Arm, Distillation, EvaluateError, Evaluator, Input, LabelUse, Mix, Norms, Optimiser, Protocol,
    ProtocolData, ProtocolName, RankScores, Ranking, Student, StudentError, Subject, Teacher, Training,
    TrainingSet, accuracy,
};
use distil_models::{BatchNorms, NetworkState, Plain};
use distil_store::{LabelKind, Labels};

/// Real data again, as ZCA would have them.
fn whitened() -> Dataset {
    let mut data = dataset();
    let rows: Vec<usize> = (0..data.train.len()).collect();
    let pixels = data.train.images.pictures(&rows).expect("pixels");
    let pixels: Vec<f64> = pixels.into_iter().map(f64::from).collect();
    let zca = Zca::fit(&pixels, SIDE * SIDE, 0.1);
    let zca = Arc::new(zca.expect("a fit"));
    for split in [&mut data.train, &mut data.validation, &mut data.test] {
        let rows: Vec<usize> = (0..split.len()).collect();
        let values = zca.whiten_f32(&split.images.pictures(&rows).expect("pixels")).expect("whole images");
        split.images = split.images.clone().with_values(values).expect("as many");
    }
    let whitening = Whitening { eps: 0.1, fit_digest: "fit".to_owned() };
    let preprocessing = Preprocessing { resize: None, normalisation: Normalisation::Zca(whitening) };
    data.transform = Transform::with_matrices(preprocessing, zca);
    data
}

#[test]
fn sets_made_under_zca_are_unwhitened_and_normalised() {
    let data = whitened();
    let protocol = Protocol { input: Input::Plain, labels: LabelUse::Hard, ..protocol() };
    let grounds = ProtocolData::new(&protocol, &data).expect("pixels are known");
    let set = synthetic(&data);
    let seen = grounds.set(&set).expect("a set of these data");
    // The set holds the first images of the classes: what it becomes is what they become.
    let wanted = grounds.dataset().train.images.gather(&[0, 1]);
    let far = seen.images.iter().zip(&wanted).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    assert!(far < 2e-3, "{far}");
    assert!(matches!(grounds.dataset().preprocessing().normalisation, Normalisation::MeanStd { .. }));
    assert_eq!((&seen.labels, seen.card.label_kind), (&Labels::Hard(vec![0, 1]), LabelKind::Hard));
    let engine = Engine::new(Device::flex());
    let (net, dataset) = (net(), grounds.dataset());
    let evaluator =
        Evaluator { net: &net, dataset, protocol: &protocol, teacher: None, seed: 3, engine: &engine };
    let got = evaluator.evaluate("x", Subject::Synthetic(&seen), Progress::none()).expect("an evaluation");
    assert!(got.summary.mean > 0.8, "{:?}", got.accuracies);
    assert!(got.protocol.starts_with("mtt with augmentation = none, batch = 12"), "{}", got.protocol);
    // Unconverted, it is refused, and so is a set of other data.
    let error = evaluator.evaluate("x", Subject::Synthetic(&set), Progress::none()).expect_err("other input");
    assert!(matches!(error, EvaluateError::Preprocessing), "{error}");
    let error = grounds.set(&synthetic(&common::dataset())).expect_err("other input");
    assert!(matches!(error, EvaluateError::Preprocessing), "{error}");
}

#[test]
fn pixels_outside_the_range_survive_the_conversion() {
    let data = whitened();
    let protocol = Protocol { input: Input::Plain, ..protocol() };
    let grounds = ProtocolData::new(&protocol, &data).expect("pixels are known");
    let mut set = synthetic(&data);
    set.images.iter_mut().for_each(|pixel| *pixel *= 3.0);
    let seen = grounds.set(&set).expect("a set of these data");
    let shape = data.shape();
    let pixels = grounds.dataset().transform.invert(shape, &seen.images).expect("whole images");
    assert!(pixels.iter().any(|pixel| !(0.0..=1.0).contains(pixel)), "nothing is clamped");
    let back = data.transform.apply(shape, &pixels).expect("whole images");
    let far = back.iter().zip(&set.images).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    assert!(far < 2e-2, "{far}");
}

#[test]
fn hard_labels_are_the_classes_that_images_were_made_for() {
    let data = dataset();
    let protocol = Protocol { labels: LabelUse::Hard, ..protocol() };
    let grounds = ProtocolData::new(&protocol, &data).expect("nothing to convert");
    let mut set = synthetic(&data);
    // What the logits say does not matter: the challenge never sees them.
    set.labels = Labels::Soft { logits: vec![-3.0, 3.0, 3.0, -3.0], classes: 2 };
    assert_eq!(grounds.set(&set).expect("sorted").labels, Labels::Hard(vec![0, 1]));
    set.card.image_classes = Some(vec![1, 0]);
    let seen = grounds.set(&set).expect("in an order of its own");
    assert_eq!((&seen.labels, &seen.card.image_classes), (&Labels::Hard(vec![1, 0]), &None));
    set.card.image_classes = None;
    set.card.ipc = 3;
    let error = grounds.set(&set).expect_err("of unknown order").to_string();
    assert!(error.contains("2 images, not 3 of each of 2 classes"), "{error}");
    let given = ProtocolData::new(&Protocol::default(), &data).expect("nothing to convert").set(&set).is_ok();
    assert!(given, "soft labels need no order");
}

fn taught(mix: Mix) -> Protocol {
    let distillation = Distillation { temperature: 4.0, mix, mix_alpha: 1.0, teacher_norms: Norms::Running };
    Protocol {
        epochs: 60,
        synthetic_lr: Some(0.01),
        distillation: Some(distillation),
        resized_crop: Some(0.8),
        augmentation: "none".parse().expect("a strategy"),
        ..Protocol::named(ProtocolName::RdedKd)
    }
}

fn train(
    protocol: &Protocol,
    set: TrainingSet<'_>,
    teacher: Option<&Teacher>,
) -> Result<Student, StudentError> {
    let (net, engine) = (net(), Engine::new(Device::flex()));
    let training =
        Training { net: &net, set, protocol, epochs: protocol.epochs, lr: 0.01, seed: 1, engine: &engine };
    match teacher {
        Some(teacher) => training.run_with_teacher(teacher, Progress::none()),
        None => training.run(Progress::none()),
    }
}

/// A teacher trained on all real images.
fn teacher(data: &Dataset) -> Teacher {
    let (net, engine, protocol) = (net(), Engine::new(Device::flex()), protocol());
    let set = TrainingSet::Real(&data.train);
    let training =
        Training { net: &net, set, protocol: &protocol, epochs: 20, lr: 0.05, seed: 0, engine: &engine };
    let trained = training.run(Progress::none()).expect("a teacher");
    let at = At::evaluation(&net, &trained.theta, &trained.buffers);
    assert!(accuracy(&engine, at, &data.test) > 0.9);
    let theta = trained.theta.into_data().iter::<f32>().collect();
    Teacher::new(&engine, net, &NetworkState { theta, buffers: Vec::new() })
}

#[test]
fn a_student_learns_from_its_teacher_whatever_the_labels_say() {
    let data = dataset();
    let teacher = teacher(&data);
    let (net, engine) = (net(), Engine::new(Device::flex()));
    let mut wrong = data.train.clone();
    wrong.labels.iter_mut().for_each(|label| *label = 1 - *label);
    for mix in [Mix::None, Mix::CutMix, Mix::Mixup] {
        let student = train(&taught(mix), TrainingSet::Real(&wrong), Some(&teacher)).expect("a student");
        let at = At::evaluation(&net, &student.theta, &student.buffers);
        let right = accuracy(&engine, at, &data.test);
        assert!(right > 0.9, "{mix:?}: {right}");
        let again = train(&taught(mix), TrainingSet::Real(&wrong), Some(&teacher)).expect("a student");
        let values = |student: Student| student.theta.into_data().iter::<f32>().collect::<Vec<_>>();
        assert_eq!(values(student), values(again), "a seed decides everything");
    }
    let error = train(&taught(Mix::None), TrainingSet::Real(&wrong), None).expect_err("nobody to learn from");
    assert!(error.to_string().contains("--teacher"), "{error}");
}

/// One step of a taught student against the derivative of PyTorch's `kl_div(log_softmax(out / T), softmax(teacher / T),
/// reduction="batchmean")`, as autodiff takes it of that very expression.
#[test]
fn the_gradient_is_that_of_the_divergence_at_the_temperature() {
    let data = dataset();
    let (net, engine, teacher) = (net(), Engine::new(Device::flex()), teacher(&data));
    let temperature = 4.0;
    let distillation =
        Distillation { temperature, mix: Mix::None, mix_alpha: 1.0, teacher_norms: Norms::Running };
    // SGD without momentum, decay or augmentation, once: θ₁ = θ₀ − lr·g.
    let protocol = Protocol {
        batch: 100,
        momentum: 0.0,
        weight_decay: 0.0,
        distillation: Some(distillation),
        augmentation: "none".parse().expect("a strategy"),
        optimiser: Optimiser::Sgd,
        ..Protocol::default()
    };
    let lr = 0.5;
    let set = TrainingSet::Real(&data.train);
    let training = Training { net: &net, set, protocol: &protocol, epochs: 0, lr, seed: 1, engine: &engine };
    let after: Vec<f32> = training
        .run_with_teacher(&teacher, Progress::none())
        .expect("a student")
        .theta
        .into_data()
        .iter::<f32>()
        .collect();
    let mut rng = distil_random::stream(1, "student-init", 0);
    let before = net.init(&mut rng);
    let rows: Vec<usize> = (0..data.train.len()).collect();
    let shape = [rows.len(), 1, SIDE, SIDE];
    let images =
        Tensor::<4>::from_data(TensorData::new(data.train.images.gather(&rows), shape), engine.device());
    let target = Targets::Soft(teacher.logits(&images, Norms::Running) / temperature).probabilities();
    let theta = net.theta(&before, engine.device());
    let leaves: Vec<Tensor<1>> =
        net.layout().split(theta).into_iter().map(|part| part.autodiff().require_grad()).collect();
    let out = net.forward::<Plain>(&leaves, BatchNorms::Batch, images);
    let log = burn::tensor::activation::log_softmax(out / temperature, 1);
    let mut grads = ((target.autodiff() * log).sum() / -(rows.len() as f64)).backward();
    let gradient = leaves.into_iter().map(|leaf| leaf.grad_remove(&mut grads).expect("a gradient"));
    let wanted: Vec<f32> = Tensor::cat(gradient.collect(), 0).into_data().iter::<f32>().collect();
    assert!(wanted.iter().any(|g| g.abs() > 1e-2), "{wanted:?}");
    for (index, (after, before)) in after.iter().zip(&before).enumerate() {
        let got = f64::from(before - after) / lr;
        assert!((got - f64::from(wanted[index])).abs() < 2e-6, "{index}: {got} {}", wanted[index]);
    }
}

#[test]
fn tiles_are_shuffled_in_synthetic_images_only() {
    let data = dataset();
    let whole = Protocol { epochs: 2, ..protocol() };
    let shuffled = Protocol { shuffle_patches: Some(2), ..whole.clone() };
    let theta = |protocol: &Protocol, set: TrainingSet<'_>| -> Vec<f32> {
        train(protocol, set, None).expect("a student").theta.into_data().iter().collect()
    };
    let set = synthetic(&data);
    let tiled = TrainingSet::Synthetic(&set);
    assert_ne!(theta(&whole, tiled), theta(&shuffled, tiled));
    let real = TrainingSet::Real(&data.train);
    assert_eq!(theta(&whole, real), theta(&shuffled, real));
    assert!(Protocol { shuffle_patches: Some(0), ..whole }.check().is_err());
}

fn scores(data: &Dataset, teacher: Option<&Teacher>) -> RankScores {
    let (net, engine) = (net(), Engine::new(Device::flex()));
    let protocol = Protocol { seeds: 2, epochs: 30, ..protocol() };
    let ranking = Ranking {
        net: &net,
        dataset: data,
        protocol: &protocol,
        teacher,
        // At the first one students diverge.
        grid: &[1e30, 0.05],
        weight: 0.5,
        gamma: 0.5,
        seed: 3,
        engine: &engine,
    };
    ranking.scores(&synthetic(data), Progress::none()).expect("scores")
}

#[test]
fn step_sizes_of_a_ranking_are_chosen_without_the_test_split() {
    let data = dataset();
    let right = scores(&data, None);
    assert_eq!(right.arms.iter().map(|result| result.arm).collect::<Vec<_>>(), Arm::ALL);
    // Students that diverged score what networks score that take everything for the first class.
    let held_out = &data.validation.labels;
    let first = held_out.iter().filter(|&&label| label == 0).count() as f64 / held_out.len() as f64;
    assert!(right.arms.iter().all(|result| result.lr == 0.05 && result.validation[0] == first));
    let mut wrong = data;
    wrong.test.labels.iter_mut().for_each(|label| *label = 1 - *label);
    let wrong = scores(&wrong, None);
    for (right, wrong) in right.arms.iter().zip(&wrong.arms) {
        assert_eq!((right.lr, &right.validation), (wrong.lr, &wrong.validation), "{:?}", right.arm);
        let sum = right.evaluation.summary.mean + wrong.evaluation.summary.mean;
        assert!((sum - 1.0).abs() < 1e-12, "the same students, tested on other labels: {sum}");
    }
    let mean = |arm: Arm| right.arms.iter().find(|r| r.arm == arm).expect("an arm").evaluation.summary.mean;
    assert!((right.label.hlr - (mean(Arm::FullHard) - mean(Arm::SetHard))).abs() < 1e-12);
    assert!((right.label.ior - (mean(Arm::Set) - mean(Arm::Random))).abs() < 1e-12);
    assert!((0.0..=1.0).contains(&right.label.score) && (0.0..=1.0).contains(&right.augmentation.score));
}

#[test]
fn a_ranking_with_a_teacher_teaches_the_set_and_random_images() {
    let data = dataset();
    let teacher = teacher(&data);
    let taught = scores(&data, Some(&teacher));
    let protocol = |arm: Arm| {
        let found = taught.arms.iter().find(|result| result.arm == arm);
        found.expect("an arm").evaluation.protocol.clone()
    };
    for arm in [Arm::Set, Arm::Random, Arm::SetPlain, Arm::RandomPlain] {
        assert!(
            protocol(arm).contains("distillation") && protocol(arm).contains("adamw"),
            "{}",
            protocol(arm)
        );
    }
    for arm in [Arm::FullHard, Arm::SetHard] {
        assert!(!protocol(arm).contains("distillation"), "{}", protocol(arm));
    }
}

/// With one image a batch, `CutMix` mixes an image with itself: nothing changes but the random numbers drawn. With more it does,
/// and the students learn all the same.
#[test]
fn students_learn_from_mixed_images_and_labels() {
    let data = dataset();
    let engine = Engine::new(Device::flex());
    let (net, base) = (net(), protocol());
    let trained = |protocol: &Protocol, rows: &[usize]| {
        let few = data.train.subset(rows);
        let set = TrainingSet::Real(&few);
        let training = Training { net: &net, set, protocol, epochs: 30, lr: 0.05, seed: 2, engine: &engine };
        training.run(Progress::none()).expect("a student")
    };
    let values = |student: &Student| student.theta.clone().into_data().iter::<f32>().collect::<Vec<f32>>();
    let mixing = Protocol { cutmix: Some(1.0), ..base.clone() };
    let one = Protocol { batch: 1, ..base.clone() };
    let alone = Protocol { batch: 1, ..mixing.clone() };
    assert_eq!(values(&trained(&one, &[0])), values(&trained(&alone, &[0])));
    let rows: Vec<usize> = (0..24).collect();
    let (plain, mixed) = (trained(&base, &rows), trained(&mixing, &rows));
    assert_ne!(values(&plain), values(&mixed));
    let score = |student: &Student| {
        accuracy(&engine, At::evaluation(&net, &student.theta, &student.buffers), &data.test)
    };
    assert!(score(&mixed) > 0.8, "{} {}", score(&plain), score(&mixed));
    assert!(
        mixed.loss > plain.loss,
        "mixed labels cannot be learned by heart: {} {}",
        plain.loss,
        mixed.loss
    );
}
