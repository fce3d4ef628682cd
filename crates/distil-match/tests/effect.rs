//! Effect alignment on a set small enough to see through.

mod common;

use burn::tensor::{DType, Tensor, TensorData};
use common::{Bench, CLASSES, SIDE, bytes};
use distil_augment::{Augmentation, Strategy};
use distil_engine::Targets;
use distil_match::{
    Coefficient, Effect, EffectAlignment, EffectBatch, EffectLoss, Files, Ipc, Method, Window,
};
use distil_store::{Labels, SyntheticSet};

/// EAD with settings for three experts' epochs and sixty images.
fn method(change: impl FnOnce(&mut EffectAlignment)) -> Method {
    let mut method = Method {
        ipc: Ipc::Each(2),
        iterations: 9,
        image_lr: 1.0,
        label_lr: 0.5,
        validate_every: 4,
        checkpoint_every: 3,
        ..Method::ead()
    };
    method.change(|effect: &mut EffectAlignment| {
        effect.checkpoints = 2;
        effect.window = Window { min: 0, max: 4, initial_max: Some(2), expand_until: 5 };
        (effect.batch_syn, effect.batch_probe, effect.batch_real) = (Some(4), 12, 20);
        change(effect);
    });
    method
}

fn sets(files: &Files) -> [SyntheticSet; 2] {
    [&files.initial, &files.last].map(|path| SyntheticSet::load(path).expect("a set"))
}

#[test]
fn interrupted_equals_uninterrupted() {
    let bench = Bench::new();
    let method = method(|_| {});
    let whole = bench.run("whole", &method, |_| false);
    let torn = bench.run("torn", &method, |_| true);
    for (a, b) in [(&whole.initial, &torn.initial), (&whole.last, &torn.last), (&whole.best, &torn.best)] {
        assert_eq!(bytes(a), bytes(b), "{} differs", b.display());
    }
    let log = |name: &str| bytes(&bench.folder.path().join(name).join("events.jsonl"));
    assert_eq!(log("whole"), log("torn"));
}

#[test]
fn images_and_labels_move_and_the_step_size_does_not() {
    let bench = Bench::new();
    let [first, last] = sets(&bench.run("moves", &method(|_| {}), |_| false));
    assert_ne!(first.images, last.images);
    assert_ne!(first.labels, last.labels);
    assert!(matches!(last.labels, Labels::Soft { .. }));
    assert_eq!(first.syn_lr.to_bits(), last.syn_lr.to_bits());
}

#[test]
fn one_iteration_moves_the_images_of_its_batch_alone() {
    let bench = Bench::new();
    let one = Method { iterations: 1, augmentation: Strategy::none(), ..method(|e| e.batch_syn = Some(4)) };
    let [first, last] = sets(&bench.run("one", &one, |_| false));
    let pixels = SIDE * SIDE;
    let pairs = first.images.chunks(pixels).zip(last.images.chunks(pixels));
    assert_eq!(pairs.filter(|(before, after)| before != after).count(), 4);
}

#[test]
fn gated_and_non_finite_steps_touch_nothing() {
    let bench = Bench::new();
    let gated = Method { loss_gate: 1e-30, ..method(|_| {}) };
    let [first, last] = sets(&bench.run("gated", &gated, |_| false));
    assert_eq!(first.images, last.images);
    assert_eq!(first.labels, last.labels);
    // The first step throws the images out of what f32 can hold; none after it counts.
    let diverging = Method { image_lr: 1e38, image_momentum: 0.0, ..method(|e| e.batch_syn = None) };
    bench.run("diverging", &diverging, |_| false);
    for (name, reason, least) in [("gated", "gate", 9), ("diverging", "non-finite", 5)] {
        let log = bytes(&bench.folder.path().join(name).join("events.jsonl"));
        let log = String::from_utf8(log).expect("JSON is UTF-8");
        let count = log.matches(&format!("\"reason\":\"{reason}\"")).count();
        assert!(count >= least, "{log}");
    }
}

#[test]
fn settings_that_cannot_work_are_named() {
    let refusal =
        |change: fn(&mut EffectAlignment)| method(change).check(3).expect_err("refused").to_string();
    assert!(refusal(|e| e.checkpoints = 0).contains("distill.checkpoints is 0"));
    assert!(refusal(|e| e.batch_real = 0).contains("distill.batch_real is 0"));
    // The window is two epochs wide at first.
    assert!(refusal(|e| e.checkpoints = 3).contains("distill.checkpoints = 3 are more than the 2 epochs"));
    assert!(refusal(|e| e.window.max = 5).contains("needs experts of 4 epochs, but they have 3"));
    assert!(refusal(|e| e.window.min = 4).contains("distill.window allows no"));
    assert!(
        refusal(|e| e.weights = vec![1.0, 0.5])
            .contains("distill.weights has 2 numbers; give one for each of the 4")
    );
    assert!(refusal(|e| e.weights = vec![1.0, 1.0, -1.0, 1.0]).contains("distill.weights = -1"));
    assert!(method(|e| e.weights = vec![0.1, 0.1, 0.01, 0.01]).check(3).is_ok());
}

/// Rows of the bench's training images, unaugmented, with their classes as hard targets.
fn real(bench: &Bench, rows: &[usize]) -> EffectBatch {
    let train = &bench.dataset.train;
    let device = bench.engine.device();
    let data = TensorData::new(train.images.gather(rows), [rows.len(), 1, SIDE, SIDE]);
    EffectBatch {
        images: Tensor::from_data(data, (device, DType::F32)),
        loss: Targets::from_classes(&train.gather_labels(rows), CLASSES, device, DType::F32).into(),
        augmentation: Augmentation::None,
    }
}

/// The effect of replacing `real` by `synthetic` on all training images, over the first expert's checkpoints.
fn effect(
    bench: &Bench,
    real_batch: &EffectBatch,
    synthetic: &EffectBatch,
    coefficient: f64,
    weights: &[f64],
) -> EffectLoss {
    let probe = real(bench, &(0..60).collect::<Vec<_>>());
    let expert = bench.store.expert(0).expect("an expert");
    let (engine, net, probe) = (&bench.engine, &bench.net, &probe);
    let checkpoint = |epoch: usize| (net.theta(expert.snapshot(epoch), engine.device()), weights[epoch]);
    let effect = Effect { engine, net, probe, real: real_batch, synthetic, coefficient, micro_batch: 64 };
    effect.loss((0..weights.len()).map(checkpoint))
}

#[test]
fn weights_weigh_terms_and_gradient() {
    let bench = Bench::new();
    let (d, s) = (real(&bench, &[0, 1, 2, 3, 4, 5, 6]), real(&bench, &[7, 8, 9]));
    let each = effect(&bench, &d, &s, 1.0, &[1.0, 1.0]).terms;
    let weighted = effect(&bench, &d, &s, 1.0, &[0.5, 3.0]);
    let expected = [0.5 * each[0], 3.0 * each[1]];
    assert!(weighted.terms.iter().zip(expected).all(|(got, want)| (got - want).abs() <= 1e-6 * want.abs()));
    assert!((weighted.loss - (expected[0] + expected[1]).abs()).abs() < 1e-6);
    let only = effect(&bench, &d, &s, 1.0, &[0.0, 3.0]).images.into_data();
    let first = effect(&bench, &d, &s, 1.0, &[0.0, 1.0]).images * 3.0;
    only.assert_approx_eq::<f32>(&first.into_data(), burn::tensor::Tolerance::default());
}

/// Ten copies of a set are as good as the set: what replaces them loses nothing. With coefficient 1 that effect is zero. With
/// the printed one it is nine times the effect of all training, in favour of sets that undo it.
#[test]
fn the_printed_coefficient_punishes_a_perfect_replacement() {
    let bench = Bench::new();
    let rows: Vec<usize> = (0..6).collect();
    let set = real(&bench, &rows);
    let copies = real(&bench, &rows.repeat(10));
    let ones = [1.0; 4];
    let printed = Coefficient::Printed.value(copies.images.dims()[0], set.images.dims()[0]);
    assert_eq!((Coefficient::One.value(60, 6), printed), (1.0, -8.0));
    let training = effect(&bench, &copies, &set, 0.0, &ones).loss;
    assert!(effect(&bench, &copies, &set, 1.0, &ones).loss < 1e-5 * training);
    let found = effect(&bench, &copies, &set, printed, &ones);
    assert!((found.loss / training - 9.0).abs() < 1e-4, "{} {training}", found.loss);
}

/// Learned with coefficient 1, a set's gradients point where real ones do; with the printed one, the other way: training on
/// the set raises the loss of real images.
#[test]
fn the_printed_coefficient_learns_a_set_that_does_harm() {
    let bench = Bench::new();
    let learned = |name: &str, coefficient| {
        let method = Method {
            iterations: 60,
            augmentation: Strategy::none(),
            ..method(|e| e.coefficient = coefficient)
        };
        let method = Method { validate_every: 60, ..method };
        let [first, last] = sets(&bench.run(name, &method, |_| false));
        [first, last].map(|set| help(&bench, &set))
    };
    let [before, after] = learned("one", Coefficient::One);
    assert!(before > 0.0 && after > 0.5 * before, "{before} {after}");
    let [before, after] = learned("printed", Coefficient::Printed);
    assert!(before > 0.0 && after < -before, "{before} {after}");
}

/// By how much a step on the set lowers the loss of all training images, to first order and up to the step size, summed
/// over checkpoints.
fn help(bench: &Bench, set: &SyntheticSet) -> f64 {
    let Labels::Soft { logits, classes } = &set.labels else { panic!("EAD has soft labels") };
    let logits = TensorData::new(logits.clone(), [set.shape[0], *classes]);
    let images = TensorData::new(set.images.clone(), set.shape);
    let device = bench.engine.device();
    let batch = EffectBatch {
        images: Tensor::from_data(images, (device, DType::F32)),
        loss: Targets::Soft(Tensor::from_data(logits, (device, DType::F32))).into(),
        augmentation: Augmentation::None,
    };
    let found = effect(bench, &real(bench, &[0]), &batch, 0.0, &[1.0; 4]);
    -found.terms.iter().sum::<f64>()
}
