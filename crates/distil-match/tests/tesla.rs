//! TESLA's truncation and its teacher labels in a run.

mod common;

use burn::tensor::{DType, Tensor, TensorData};
use common::{Bench, bytes, method};
use distil_engine::At;
use distil_match::{Gradient, Method, MethodError, SoftLabels};
use distil_store::{LabelKind, Labels, SyntheticSet};

fn teacher() -> Method {
    method().with_trajectory(|trajectory| {
        trajectory.gradient = Gradient::Tesla;
        trajectory.soft_labels = SoftLabels::Teacher;
    })
}

fn load(path: &std::path::Path) -> SyntheticSet {
    SyntheticSet::load(path).expect("a set")
}

#[test]
fn the_preset_is_mtt_but_for_the_gradient() {
    let tesla = Method::tesla();
    assert_eq!(tesla.trajectory().map(|t| (t.gradient, t.syn_steps)), Some((Gradient::Tesla, 50)));
    let exact = tesla.with_trajectory(|trajectory| {
        trajectory.gradient = Gradient::Exact;
        trajectory.window.max = 2;
    });
    assert_eq!(Method { image_lr: 100.0, ..exact }, Method::mtt());
}

#[test]
fn truncation_moves_images_elsewhere() {
    let bench = Bench::new();
    let truncated = method().with_trajectory(|trajectory| trajectory.gradient = Gradient::Tesla);
    let [exact, truncated] = [("exact", method()), ("truncated", truncated)]
        .map(|(name, method)| bench.run(name, &method, |_| false));
    assert_eq!(load(&exact.initial).images, load(&truncated.initial).images);
    assert_ne!(load(&exact.last).images, load(&truncated.last).images);
}

#[test]
fn a_set_holds_the_labels_of_its_last_teacher() {
    let bench = Bench::new();
    let files = bench.run("taught", &Method { iterations: 1, ..teacher() }, |_| false);
    let (first, last) = (load(&files.initial), load(&files.last));
    let log = String::from_utf8(bytes(&bench.folder.path().join("taught/events.jsonl"))).expect("JSON");
    let step = log.lines().find(|line| line.contains("\"start_epoch\"")).expect("an iteration");
    let step: serde_json::Value = serde_json::from_str(step).expect("JSON");
    let number = |key: &str| step[key].as_u64().expect("a number") as usize;
    let expert = bench.store.expert(number("expert")).expect("an expert");
    let (epoch, device) = (number("start_epoch") + 1, bench.engine.device());
    let theta = bench.net.theta(expert.snapshot(epoch), device);
    let buffers = bench.net.buffers(expert.buffers(epoch), device);
    let at = At::evaluation(&bench.net, &theta, &buffers);
    let images = TensorData::new(first.images.clone(), first.shape);
    let images: Tensor<4> = Tensor::from_data(images, (device, DType::F32));
    let expected: Vec<f32> = bench.engine.logits(at, &images).into_data().iter::<f32>().collect();
    let Labels::Soft { logits, .. } = last.labels else { panic!("a teacher's labels are soft") };
    assert_eq!(logits, expected);
    assert_ne!(first.images, last.images);
}

#[test]
fn taught_runs_resume_and_gated_steps_keep_their_labels() {
    let bench = Bench::new();
    let whole = bench.run("whole", &teacher(), |_| false);
    let torn = bench.run("torn", &teacher(), |_| true);
    assert_eq!(bytes(&whole.last), bytes(&torn.last));
    let gated = bench.run("gated", &Method { loss_gate: 1e-9, ..teacher() }, |_| false);
    assert_eq!(load(&gated.initial).labels, load(&gated.last).labels);
    let hard = Method { labels: LabelKind::Hard, ..teacher() };
    assert_eq!(hard.check(3), Err(MethodError::HardTeacher));
}
