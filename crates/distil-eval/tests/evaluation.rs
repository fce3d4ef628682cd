//! Students on a set small enough to learn in a second.

mod common;

use distil_progress::Progress;

use burn::tensor::Device;
use common::{SIDE, dataset, net, protocol, synthetic};
use distil_data::Split;
use distil_engine::{At, Engine};
use distil_eval::{
    EvaluateError, Evaluator, Protocol, Subject, Training, TrainingSet, accuracy, random_real,
};
use distil_models::{AlexNet, Network, Norm, ResNet18};

#[test]
fn every_subject_is_evaluated_by_the_same_code() {
    let (net, data, engine, protocol) = (net(), dataset(), Engine::new(Device::flex()), protocol());
    let set = synthetic(&data);
    let evaluator =
        Evaluator { net: &net, dataset: &data, protocol: &protocol, teacher: None, seed: 3, engine: &engine };
    let subjects = [
        (Subject::Synthetic(&set), 2, 20),
        (Subject::RandomReal { per_class: &[1, 1] }, 2, 20),
        (Subject::FullData, 24, 10),
    ];
    for (subject, images, epochs) in subjects {
        let got = evaluator.evaluate("subject", subject, Progress::none()).expect("an evaluation");
        assert_eq!((got.images, got.epochs, got.accuracies.len()), (images, epochs, 3));
        assert!(got.summary.mean > 0.8, "{subject:?}: {:?}", got.accuracies);
        let again = evaluator.evaluate("subject", subject, Progress::none()).expect("an evaluation");
        assert_eq!(got.accuracies, again.accuracies, "a seed decides everything");
        let scores = got.scores.expect("scores of the students");
        assert_eq!((scores.pooled.rows, scores.top5.as_slice()), (3 * 40, &[1.0; 3][..]), "two classes");
        assert!((scores.pooled.top1 - got.summary.mean).abs() < 1e-12);
        assert!(scores.macro_f1.iter().all(|f1| *f1 > 0.7), "{scores:?}");
    }
}

#[test]
fn accuracy_counts_what_the_network_says() {
    let (net, data, engine, protocol) = (net(), dataset(), Engine::new(Device::flex()), protocol());
    let set = TrainingSet::Real(&data.train);
    let training =
        Training { net: &net, set, protocol: &protocol, epochs: 10, lr: 0.05, seed: 0, engine: &engine };
    let student = training.run(Progress::none()).expect("a student");
    let at = At::evaluation(&net, &student.theta, &student.buffers);
    let right = accuracy(&engine, at, &data.test);
    let flipped = data.test.labels.iter().map(|label| 1 - label).collect();
    let flipped = Split::new(data.test.images.clone(), flipped).expect("one label each");
    let wrong = accuracy(&engine, at, &flipped);
    assert!((right + wrong - 1.0).abs() < 1e-12, "two classes: {right} + {wrong}");
}

#[test]
fn random_images_are_balanced_distinct_and_drawn_by_seed() {
    let data = dataset();
    let draw = |seed| random_real(&data.train, &[5, 5], seed);
    let drawn = draw(0);
    assert_eq!(drawn.labels, [0, 0, 0, 0, 0, 1, 1, 1, 1, 1]);
    assert_eq!(drawn, draw(0));
    assert_ne!(drawn.images, draw(1).images);
    let all = random_real(&data.train, &[13, 13], 0);
    assert_eq!(all.class_counts(2), [12, 12], "all images of a class that has fewer");
}

#[test]
fn a_diverged_student_scores_what_its_network_does_and_ends_nothing() {
    let (net, data, engine) = (net(), dataset(), Engine::new(Device::flex()));
    let protocol = Protocol { synthetic_lr: Some(1e30), ..protocol() };
    let set = synthetic(&data);
    let evaluator =
        Evaluator { net: &net, dataset: &data, protocol: &protocol, teacher: None, seed: 3, engine: &engine };
    let got = evaluator.evaluate("x", Subject::Synthetic(&set), Progress::none()).expect("an evaluation");
    // Its outputs are no numbers, of which PyTorch takes the first for the highest.
    let first = data.test.labels.iter().filter(|&&label| label == 0).count();
    assert_eq!(got.accuracies, [first as f64 / data.test.len() as f64; 3]);
    assert_eq!(got.diverged, 3);
}

#[test]
fn a_set_with_other_preprocessing_or_shape_is_refused() {
    let (net, data, engine, protocol) = (net(), dataset(), Engine::new(Device::flex()), protocol());
    let evaluator =
        Evaluator { net: &net, dataset: &data, protocol: &protocol, teacher: None, seed: 3, engine: &engine };
    let mut set = synthetic(&data);
    set.card.preprocessing.normalisation = distil_store::Normalisation::Identity;
    let error =
        evaluator.evaluate("x", Subject::Synthetic(&set), Progress::none()).expect_err("other preprocessing");
    assert!(matches!(error, EvaluateError::Preprocessing), "{error}");
    let mut set = synthetic(&data);
    set.card.class_names.push("a third".into());
    let error =
        evaluator.evaluate("x", Subject::Synthetic(&set), Progress::none()).expect_err("other classes");
    assert!(matches!(error, EvaluateError::Classes { .. }), "{error}");
    let mut set = synthetic(&data);
    set.shape = [2, 1, SIDE, SIDE / 2];
    let error =
        evaluator.evaluate("x", Subject::Synthetic(&set), Progress::none()).expect_err("another shape");
    assert!(matches!(error, EvaluateError::Shape { .. }), "{error}");
}

#[test]
fn other_architectures_learn_from_the_same_sets() {
    let (data, engine) = (dataset(), Engine::new(Device::flex()));
    let protocol = Protocol { seeds: 1, epochs: 100, full_epochs: 50, real_lr: 0.1, ..protocol() };
    let set = synthetic(&data);
    let resnet = ResNet18 { base_width: 4, norm: Norm::Batch, ..ResNet18::new(1, 2, SIDE, SIDE) };
    let alexnet = AlexNet { base_width: 4, ..AlexNet::new(1, 2, SIDE, SIDE) };
    for net in [Network::from(resnet), Network::from(alexnet)] {
        let evaluator = Evaluator {
            net: &net,
            dataset: &data,
            protocol: &protocol,
            teacher: None,
            seed: 3,
            engine: &engine,
        };
        for (subject, enough) in [(Subject::Synthetic(&set), 0.6), (Subject::FullData, 0.8)] {
            let got = evaluator.evaluate("subject", subject, Progress::none()).expect("an evaluation");
            assert_eq!(got.arch, net.arch().to_string());
            assert!(got.summary.mean > enough, "{} {enough}: {:?}", got.arch, got.accuracies);
        }
    }
}

#[test]
fn a_student_with_batch_norms_is_tested_with_its_running_statistics() {
    let (data, engine, protocol) = (dataset(), Engine::new(Device::flex()), protocol());
    let resnet = ResNet18 { base_width: 4, norm: Norm::Batch, ..ResNet18::new(1, 2, SIDE, SIDE) };
    let net = Network::from(resnet);
    let set = TrainingSet::Real(&data.train);
    let training =
        Training { net: &net, set, protocol: &protocol, epochs: 10, lr: 0.05, seed: 0, engine: &engine };
    let student = training.run(Progress::none()).expect("a student");
    let trained: Vec<f32> = student.buffers.into_data().iter::<f32>().collect();
    let initial = net.init_buffers();
    assert_eq!(trained.len(), initial.len());
    assert!(trained.iter().zip(&initial).all(|(after, before)| after != before));
}
