//! EDF is DATM's loop with two more values: what they change, what they do not, and that interruptions change nothing.

mod common;

use distil_store::Normalisation;
use distil_store::Whitening;
use std::ops::ControlFlow;
use std::path::Path;

use common::{Bench, SIDE, bytes, method};
use distil_gradcam::{ClassMap, Maps, Threshold};
use distil_match::{
    Apply, AreaEnhancement, CommonPatternDropout, Criterion, EnhancementError, Event, Files, GateLoss,
    Granularity, Init, Inputs, MapOf, Method, PartEffect, Range, RunError, TrajectoryMatching, initial_rows,
    part_effects, run,
};
use distil_store::{RunFolder, SyntheticSet};
use serde_json::Value;

fn enhancement() -> AreaEnhancement {
    AreaEnhancement { refresh_every: 4, ..AreaEnhancement::default() }
}

fn dropping(method: Method, dropout: CommonPatternDropout) -> Method {
    method.with_trajectory(|trajectory| trajectory.dropout = Some(dropout))
}

fn enhancing(method: Method, enhancement: AreaEnhancement) -> Method {
    method.with_trajectory(|trajectory| trajectory.enhancement = Some(enhancement))
}

fn edf() -> Method {
    let method = Method { log_every: 2, ..method() };
    enhancing(dropping(method, CommonPatternDropout::default()), enhancement())
}

fn sets(files: &Files) -> Vec<Vec<u8>> {
    [&files.initial, &files.last, &files.best, &files.ema].map(|file| bytes(file)).to_vec()
}

fn events(bench: &Bench, run: &str) -> Vec<Value> {
    let text = String::from_utf8(bytes(&bench.folder.path().join(run).join("events.jsonl"))).expect("UTF-8");
    text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

fn of_kind<'a>(events: &'a [Value], kind: &str) -> Vec<&'a Value> {
    events.iter().filter(|event| event["kind"] == kind).collect()
}

fn images(path: &Path) -> Vec<f32> {
    SyntheticSet::load(path).expect("a set").images
}

#[test]
fn without_its_two_values_it_is_datm_to_the_last_byte() {
    let bench = Bench::with_cam();
    let datm = bench.run("datm", &method(), |_| false);
    let nothing = CommonPatternDropout { ratio: 0.0, ..CommonPatternDropout::default() };
    let observed = AreaEnhancement { apply: Apply::Observe, ..enhancement() };
    // EDF's own preset with the settings of the test and its two values off.
    let off = Method { objective: Method::edf().objective, ..method() }.with_trajectory(|trajectory| {
        let settings = method().trajectory().expect("DATM matches trajectories").clone();
        let (gradient, range) = (trajectory.gradient, trajectory.range);
        *trajectory = TrajectoryMatching { gradient, range, dropout: Some(nothing), ..settings };
    });
    let off = Method { init: Method::edf().init, labels: Method::edf().labels, ..off };
    for (name, method) in [("off", off), ("observed", enhancing(dropping(method(), nothing), observed))] {
        let files = bench.run(name, &method, |_| false);
        assert!(sets(&datm) == sets(&files), "{name}");
    }
    let areas = events(&bench, "observed");
    assert_eq!(of_kind(&areas, "discriminative-area").len(), 3);
    let (datm, off) = (events(&bench, "datm"), events(&bench, "off"));
    assert!(datm == off, "the logs of DATM and of EDF without its values");
    for (name, changed) in [
        ("dropout", dropping(method(), CommonPatternDropout::default())),
        ("enhancement", enhancing(method(), enhancement())),
    ] {
        let files = bench.run(name, &changed, |_| false);
        let datm =
            Files { last: bench.folder.path().join("datm/synthetic/last.safetensors"), ..files.clone() };
        assert_ne!(images(&files.last), images(&datm.last), "{name} changes the images");
    }
}

#[test]
fn interruptions_change_nothing_with_both_on() {
    let bench = Bench::with_cam();
    let random = CommonPatternDropout { criterion: Criterion::Random, ..CommonPatternDropout::default() };
    let method = dropping(edf(), random).with_trajectory(|trajectory| trajectory.range = Range::Auto);
    let whole = bench.run("whole", &method, |_| false);
    let torn = bench.run("torn", &method, |_| true);
    assert!(sets(&whole) == sets(&torn));
    let log = |name: &str| bytes(&bench.folder.path().join(name).join("events.jsonl"));
    assert_eq!(String::from_utf8_lossy(&log("whole")), String::from_utf8_lossy(&log("torn")));
    let events = events(&bench, "torn");
    let iterations = |kind| -> Vec<u64> {
        of_kind(&events, kind).iter().map(|event| event["iteration"].as_u64().expect("a number")).collect()
    };
    assert_eq!(iterations("range"), [0]);
    assert_eq!(iterations("discriminative-area"), [1, 5, 9]);
    assert_eq!(iterations("dropout"), [1, 3, 5, 7, 9]);
    assert_eq!(iterations("iteration"), (1..=9).collect::<Vec<_>>());
}

/// In the first iteration there is no momentum yet: EDF moves every pixel F(M, β) times as far as DATM.
#[test]
fn the_gradient_is_weighted_alike_in_all_channels() {
    let bench = Bench::with_cam();
    for threshold in [Threshold::Mean, Threshold::Fixed(0.6)] {
        let one = Method { iterations: 1, ..method() };
        let beta = 3.0;
        let enhanced = enhancing(one.clone(), AreaEnhancement { beta, threshold, ..enhancement() });
        let name = format!("{threshold:?}").replace(|c: char| !c.is_alphanumeric(), "");
        let datm = bench.run(&format!("datm-{name}"), &one, |_| false);
        let edf = bench.run(&format!("edf-{name}"), &enhanced, |_| false);
        let start = images(&datm.initial);
        let (plain, weighted) = (images(&datm.last), images(&edf.last));
        let (mut ones, mut more) = (0usize, 0usize);
        for i in 0..start.len() {
            let (a, b) = (f64::from(plain[i] - start[i]), f64::from(weighted[i] - start[i]));
            if a.abs() < 1e-4 {
                continue;
            }
            let factor = b / a;
            if (factor - 1.0).abs() < 0.02 {
                ones += 1;
            } else {
                assert!((beta - 0.02..beta + 1.02).contains(&factor), "pixel {i}: {factor}");
                more += 1;
            }
        }
        assert!(ones > SIDE && more > SIDE, "{threshold:?}: {ones} plain, {more} enhanced");
        let areas = events(&bench, &format!("edf-{name}"));
        let area = of_kind(&areas, "discriminative-area")[0]["area"].as_f64().expect("a share");
        let found = more as f64 / (ones + more) as f64;
        assert!((area - found).abs() < 0.1, "{threshold:?}: the log says {area}, the images {found}");
    }
}

#[test]
fn the_papers_update_has_no_momentum() {
    let bench = Bench::with_cam();
    let inputs = |apply, image_momentum| {
        enhancing(Method { image_momentum, ..method() }, AreaEnhancement { apply, ..enhancement() })
    };
    let last = |name: &str, method: &Method| images(&bench.run(name, method, |_| false).last);
    let plain = last("plain", &inputs(Apply::PlainUpdate, 0.5));
    assert_eq!(plain, last("zero", &inputs(Apply::BeforeMomentum, 0.0)));
    assert_ne!(plain, last("momentum", &inputs(Apply::BeforeMomentum, 0.5)));
}

#[test]
fn every_criterion_drops_its_share_and_says_where() {
    let bench = Bench::new();
    let layout = bench.net.layout();
    let mut ends = Vec::new();
    for criterion in [
        Criterion::Loss,
        Criterion::Largest,
        Criterion::Random,
        Criterion::Uniform,
        Criterion::First,
        Criterion::Middle,
        Criterion::Last,
    ] {
        let dropout = CommonPatternDropout {
            ratio: 0.4,
            granularity: Granularity::Scalar,
            criterion,
            ..CommonPatternDropout::default()
        };
        let method = dropping(Method { log_every: 3, iterations: 4, ..method() }, dropout);
        let name = format!("{criterion:?}");
        ends.push(images(&bench.run(&name, &method, |_| false).last));
        let events = events(&bench, &name);
        let drops = of_kind(&events, "dropout");
        assert_eq!(drops.len(), 2, "iterations 1 and 4");
        let counts = |event: &Value, key: &str| -> Vec<usize> {
            let counts = event[key].as_array().expect("counts").iter();
            counts.map(|count| count.as_u64().expect("a count") as usize).collect()
        };
        for event in drops {
            let (dropped, sizes) = (counts(event, "dropped"), counts(event, "sizes"));
            assert_eq!(dropped.iter().sum::<usize>(), (0.4 * layout.params() as f64).floor() as usize);
            assert_eq!(event["layers"].as_array().map(Vec::len), Some(sizes.len()));
            assert!(dropped.iter().zip(&sizes).all(|(dropped, size)| dropped <= size));
            match criterion {
                Criterion::First => assert_eq!(dropped[0], sizes[0]),
                Criterion::Last => assert_eq!(dropped.last(), sizes.last()),
                Criterion::Uniform => {
                    let fair = |(d, s): (&usize, &usize)| (*d as f64 - 0.4 * *s as f64).abs() < 1.0 + 1e-9;
                    assert!(dropped.iter().zip(&sizes).all(fair), "{dropped:?} {sizes:?}");
                }
                _ => {}
            }
        }
    }
    for (i, a) in ends.iter().enumerate() {
        assert!(ends[..i].iter().all(|b| a != b), "criteria {i} and an earlier one end alike");
    }
}

#[test]
fn the_experts_choose_the_window() {
    let bench = Bench::new();
    let method = method().with_trajectory(|trajectory| trajectory.range = Range::Auto);
    bench.run("auto", &method, |_| false);
    let events = events(&bench, "auto");
    let [chosen] = of_kind(&events, "range")[..] else { panic!("one choice: {events:?}") };
    let (min, max) = (chosen["min"].as_u64().expect("min"), chosen["max"].as_u64().expect("max"));
    assert!(min < max && max <= 3, "experts of 3 epochs, one ahead: {chosen}");
    assert_eq!(chosen["lengths"].as_array().map(Vec::len), Some(3));
    for event in of_kind(&events, "iteration") {
        let start = event["start_epoch"].as_u64().expect("an epoch");
        assert!((min..max).contains(&start), "{event}");
    }
}

fn refusal(bench: &Bench, name: &str, inputs: &Inputs<'_>) -> RunError {
    let path = bench.folder.path().join(name);
    let mut folder =
        RunFolder::create(&path, "a = 1").or_else(|_| RunFolder::resume(&path, "a = 1")).expect("a run");
    run(inputs, ("edf", "test"), &mut folder, &mut |_| Some(0.5), &mut |_| ControlFlow::Continue(()))
        .expect_err("a refusal")
}

#[test]
fn networks_that_do_not_fit_are_refused() {
    let mut bench = Bench::with_cam();
    let method = edf();
    let none = Inputs { maps: None, ..bench.inputs(&method) };
    let error = refusal(&bench, "none", &none);
    assert!(matches!(error, RunError::Enhancement(EnhancementError::NoModel)), "{error}");
    assert!(error.to_string().contains("distill.enhancement.model"), "{error}");
    // Another network than the one the run began with.
    let mut folder = RunFolder::create(bench.folder.path().join("other"), "a = 1").expect("a run");
    let mut stop = |event: &Event| match event {
        Event::Iteration { iteration: 2, .. } => ControlFlow::Break(()),
        _ => ControlFlow::Continue(()),
    };
    let stopped = run(&bench.inputs(&method), ("edf", "test"), &mut folder, &mut |_| Some(0.5), &mut stop);
    assert!(matches!(stopped, Err(RunError::Stopped { iteration: 2 })), "{stopped:?}");
    drop(folder);
    let classes = ClassMap::public_code(3, 3).expect("three classes");
    bench.cam = Some((bench.cam_model(1), classes.clone()));
    let error = refusal(&bench, "other", &bench.inputs(&method));
    assert!(matches!(error, RunError::Enhancement(EnhancementError::OtherModel)), "{error}");
    // Other pixels.
    let mut model = bench.cam_model(0);
    model.card.preprocessing.normalisation =
        Normalisation::Zca(Whitening { eps: 0.1, fit_digest: "other".to_owned() });
    bench.cam = Some((model, classes));
    let error = refusal(&bench, "pixels", &bench.inputs(&method));
    assert!(matches!(error, RunError::Enhancement(EnhancementError::Input { .. })), "{error}");
    // A layer that is not there.
    bench.cam = Bench::with_cam().cam;
    let method = enhancing(edf(), AreaEnhancement { layer: Some("layer9".to_owned()), ..enhancement() });
    let error = refusal(&bench, "layer", &bench.inputs(&method)).to_string();
    assert!(error.contains("layer9") && error.contains("distill.enhancement"), "{error}");
}

/// A map that is the same everywhere weighs everything alike: a step twice as long, whatever image the map is of.
#[test]
fn maps_from_a_file_take_the_place_of_a_networks() {
    let mut bench = Bench::new();
    let twice = Method { image_lr: 2.0 * method().image_lr, ..method() };
    let wanted = images(&bench.run("twice", &twice, |_| false).last);
    let n = wanted.len() / (SIDE * SIDE);
    bench.given = Some(Maps { height: SIDE, width: SIDE, values: vec![0.0; n * SIDE * SIDE] });
    let by_file = |maps| enhancing(method(), AreaEnhancement { beta: 2.0, maps, ..enhancement() });
    for maps in [MapOf::Own, MapOf::Permuted] {
        let got = images(&bench.run(&format!("{maps:?}"), &by_file(maps), |_| false).last);
        assert_eq!(got, wanted, "{maps:?}");
    }
    bench.given = Some(Maps { height: SIDE, width: SIDE, values: vec![0.0; SIDE * SIDE] });
    let own = by_file(MapOf::Own);
    let error = refusal(&bench, "few", &bench.inputs(&own)).to_string();
    assert!(error.contains("distill.enhancement.masks has 1 maps"), "{error}");
}

#[test]
fn a_set_knows_the_training_images_it_starts_from() {
    let bench = Bench::new();
    for init in [Init::Real, Init::Correct, Init::KCenter] {
        let method = Method { init, ..method() };
        let rows = initial_rows(&bench.inputs(&method)).expect("rows").expect("real images");
        let start = images(&bench.run(&format!("{init:?}"), &method, |_| false).initial);
        assert_eq!(bench.dataset.train.images.gather(&rows), start, "{init:?}");
    }
    let noise = Method { init: Init::Noise, ..method() };
    assert_eq!(initial_rows(&bench.inputs(&noise)).expect("none"), None);
}

#[test]
fn other_images_maps_and_other_classes_are_others() {
    let bench = Bench::with_cam();
    let last = |maps: MapOf| {
        let method = enhancing(method(), AreaEnhancement { maps, ..enhancement() });
        images(&bench.run(&format!("{maps:?}"), &method, |_| false).last)
    };
    let (own, wrong, permuted) = (last(MapOf::Own), last(MapOf::WrongClass), last(MapOf::Permuted));
    assert!(own != wrong && own != permuted && wrong != permuted);
}

/// The same gate, between the loss of all errors and that of those which dropout keeps.
#[test]
fn the_gate_may_look_at_all_errors_or_at_those_kept() {
    let bench = Bench::new();
    let losses = |method: &Method, name: &str| -> Vec<f64> {
        bench.run(name, method, |_| false);
        let events = events(&bench, name);
        of_kind(&events, "iteration").iter().map(|e| e["loss"].as_f64().expect("a loss")).collect()
    };
    let one = Method { iterations: 1, ..method() };
    let with = |gate, loss_gate| {
        let dropout = CommonPatternDropout { ratio: 0.5, gate, ..CommonPatternDropout::default() };
        dropping(Method { loss_gate, ..one.clone() }, dropout)
    };
    let all = losses(&one, "all")[0];
    let kept = losses(&with(GateLoss::All, f64::INFINITY), "kept")[0];
    assert!(kept > all * 1.01, "dropping the smallest errors raises the loss: {all} {kept}");
    for (gate, applied) in [(GateLoss::All, true), (GateLoss::Kept, false)] {
        let name = format!("{gate:?}");
        losses(&with(gate, f64::midpoint(all, kept)), &name);
        let events = events(&bench, &name);
        assert_eq!(of_kind(&events, "iteration")[0]["applied"], applied, "{gate:?}");
    }
}

#[test]
fn what_parts_change_about_a_step_is_measured() {
    let mut bench = Bench::with_cam();
    let dropout = CommonPatternDropout { ratio: 0.4, ..CommonPatternDropout::default() };
    let method = dropping(edf(), dropout);
    let files = bench.run("edf", &method, |_| false);
    let set = SyntheticSet::load(&files.initial).expect("a set");
    let of = |effects: &[PartEffect], part: &str| {
        effects.iter().find(|effect| effect.part == part).unwrap_or_else(|| panic!("{part}")).clone()
    };
    let effects = part_effects(&bench.inputs(&method), &set, 0).expect("effects");
    let dropped = of(&effects, "dropout");
    assert!(dropped.images.cosine > 0.9 && dropped.images.norm > 1.0 && dropped.loss > 1.0, "{dropped:?}");
    let both = of(&effects, "both");
    assert!(both.images.cosine < dropped.images.cosine && both.loss == dropped.loss, "{both:?}");
    let wrong = of(&effects, "map of a wrong class, to the own map");
    assert!(wrong.images.cosine < 1.0 && wrong.labels.is_none() && wrong.syn_lr == 1.0, "{wrong:?}");
    // A map that is the same everywhere.
    let n = set.shape[0];
    bench.given = Some(Maps { height: SIDE, width: SIDE, values: vec![0.0; n * SIDE * SIDE] });
    let flat = enhancing(method, AreaEnhancement { beta: 2.0, ..enhancement() });
    let effects = part_effects(&bench.inputs(&flat), &set, 0).expect("effects");
    let enhanced = of(&effects, "enhancement");
    assert!(
        (enhanced.images.cosine - 1.0).abs() < 1e-9 && (enhanced.images.norm - 2.0).abs() < 1e-9,
        "{enhanced:?}"
    );
    assert!((of(&effects, "both").images.norm - 2.0 * dropped.images.norm).abs() < 1e-6);
    assert!(effects.iter().all(|effect| !effect.part.contains("wrong class")), "a file knows no classes");
    // DATM has no part, and a method without trajectories none.
    let plain = common::method();
    assert_eq!(part_effects(&bench.inputs(&plain), &set, 0).expect("nothing").len(), 0);
}

/// CPU time of this process in seconds; unlike the time of day it does not count what other programs do.
fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").expect("Linux");
    let fields: Vec<&str> = stat.rsplit(')').next().expect("fields").split_whitespace().collect();
    let ticks = |at: usize| fields[at].parse::<f64>().expect("ticks");
    (ticks(11) + ticks(12)) / 100.0
}

/// What dropout costs at the size of the paper's network (0.6 million parameters); docs/benchmarks.md has figures.
#[test]
#[ignore = "prints CPU times"]
fn time_of_dropout() {
    const ROUNDS: u64 = 60;
    let net = distil_models::ConvNet::new(3, 10, 128, 128).with_width(128).with_depth(5);
    let net = distil_models::Network::from(net);
    let layout = net.layout();
    let values = |purpose| -> Vec<f64> {
        let mut rng = distil_random::stream(0, purpose, 0);
        (0..layout.params()).map(|_| f64::from(distil_random::normal(&mut rng)) * 0.01).collect()
    };
    let (theta_n, theta_0, target) = (values("n"), values("0"), values("target"));
    let time = |name: &str, dropout: Option<CommonPatternDropout>| {
        let started = cpu_seconds();
        for iteration in 0..ROUNDS {
            let draw = distil_match::Draw { seed: 0, iteration };
            let got = distil_match::trajectory_loss(layout, &theta_n, &theta_0, &target, dropout, draw);
            assert!(got.loss.is_finite());
        }
        let line = format!("{name}: {:.1} ms\n", (cpu_seconds() - started) * 1e3 / ROUNDS as f64);
        std::io::Write::write_all(&mut std::io::stdout(), line.as_bytes()).expect("standard output");
    };
    time(&format!("no dropout, {} parameters", layout.params()), None);
    for criterion in [Criterion::Loss, Criterion::Random, Criterion::Uniform, Criterion::First] {
        let dropout = CommonPatternDropout { criterion, ..CommonPatternDropout::default() };
        time(&format!("{criterion:?}"), Some(dropout));
    }
}
