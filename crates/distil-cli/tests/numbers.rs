//! Numbers that leave the range of what can be computed: a run says where that began, and keeps what was right before.

mod common;

use std::path::Path;

use common::{Said, folder, run, succeed};

#[track_caller]
fn refused(said: &Said, pieces: &[&str]) {
    assert_eq!(said.code, Some(2), "{}", said.err);
    assert!(said.err.starts_with("error: ") && said.err.lines().count() <= 2, "{}", said.err);
    for piece in pieces {
        assert!(said.err.contains(piece), "{piece:?} is missing in: {}", said.err);
    }
}

#[test]
fn experts_that_diverge_leave_nothing_half_trained() {
    let folder = folder();
    let said = run(folder.path(), &["expert", "--config", "tiny.toml", "--quiet", "--set", "expert.lr=1e30"]);
    refused(&said, &["expert 0 diverged in epoch 1", "experts before it are kept", "lower expert.lr"]);
    let store = folder.path().join("runs/experts");
    let store = store.read_dir().expect("a folder").next().expect("a store").expect("a store").path();
    let names = store.read_dir().expect("a store").map(|entry| entry.expect("an entry").file_name());
    assert!(names.into_iter().all(|name| !name.to_string_lossy().starts_with("expert-")));
}

fn images(at: &Path, part: &str) -> Vec<f32> {
    let file = at.join(format!("runs/tiny/synthetic/{part}.safetensors"));
    distil_store::SyntheticSet::load(file).expect("a set").images
}

#[test]
fn a_run_that_diverges_says_where_and_keeps_the_last_finite_set() {
    let folder = folder();
    let at = |args: &[&str]| run(folder.path(), args);
    succeed(folder.path(), &["expert", "--config", "tiny.toml", "--quiet"]);
    let mut args = vec!["run", "--config", "tiny.toml", "--quiet", "--set", "distill.image_lr=1e30"];
    args.extend(["--set", "distill.iterations=250", "--set", "distill.validate_every=250"]);
    let said = at(&args);
    refused(
        &said,
        &["after iteration 0", "200 not finite", "synthetic/last.safetensors", "lower distill.image_lr"],
    );
    assert_eq!(images(folder.path(), "last"), images(folder.path(), "initial"));
    // It stands at the same place when it is continued, and what it kept can be inspected.
    args.push("--resume");
    refused(&at(&args), &["after iteration 0"]);
    assert!(
        succeed(folder.path(), &["eval", "runs/tiny", "--seeds", "1", "--quiet"]).contains("distilled, last")
    );
    succeed(folder.path(), &["report", "runs/tiny", "--quiet"]);
    let page = std::fs::read_to_string(folder.path().join("runs/tiny/report.html")).expect("a page");
    assert!(page.contains("because a value was not finite"));
}

#[test]
fn a_short_run_of_which_nothing_counts_is_no_success() {
    let folder = folder();
    succeed(folder.path(), &["expert", "--config", "tiny.toml", "--quiet"]);
    for (set, why) in
        [("distill.image_lr=1e30", "4 not finite"), ("distill.loss_gate=1e-9", "4 in all were above")]
    {
        let args = ["run", "--config", "tiny.toml", "--quiet", "--out", why, "--set", "distill.iterations=4"];
        let said = run(folder.path(), &[&args, &["--set", set][..]].concat());
        refused(&said, &["none of the 4 iterations after iteration 0", why, "synthetic/last.safetensors"]);
        let again = run(folder.path(), &[&args, &["--set", set, "--resume"][..]].concat());
        refused(&again, &["none of the 4 iterations"]);
        assert!(folder.path().join(why).join("synthetic/last.safetensors").is_file());
    }
}

#[test]
fn a_thousandfold_step_size_ends_in_finite_sets() {
    let folder = folder();
    succeed(folder.path(), &["expert", "--config", "tiny.toml", "--quiet"]);
    for (out, key) in [("images", "distill.image_lr=10000"), ("step", "distill.syn_lr_lr=0.01")] {
        let set = ["--set", key, "--set", "distill.iterations=20"];
        succeed(
            folder.path(),
            &[&["run", "--config", "tiny.toml", "--quiet", "--out", out], &set[..]].concat(),
        );
        let last = folder.path().join(out).join("synthetic/last.safetensors");
        let set = distil_store::SyntheticSet::load(last).expect("a set is finite or not saved");
        assert!(set.syn_lr > 0.0);
        let log = std::fs::read_to_string(folder.path().join(out).join("events.jsonl")).expect("a log");
        assert_eq!(log.lines().filter(|line| line.contains("\"kind\":\"iteration\"")).count(), 20);
    }
}

#[test]
fn settings_that_are_no_numbers_are_refused() {
    let folder = folder();
    for set in [
        "expert.lr=nan",
        "distill.image_lr=inf",
        "distill.syn_lr=nan",
        "eval.real_lr=-inf",
        "distill.ema=nan",
    ] {
        let said = run(folder.path(), &["run", "--config", "tiny.toml", "--set", set]);
        refused(&said, &[set.split('=').next().expect("a key"), "give"]);
    }
    assert!(!folder.path().join("runs").exists());
}

/// Two classes of `count` pictures of `side`² pixels each, made by `paint`.
fn pictures(at: &Path, side: u32, count: u8, paint: impl Fn(u8, u8) -> [u8; 3]) {
    for class in 0..2 {
        let place = at.join("photos").join(["a", "b"][usize::from(class)]);
        std::fs::create_dir_all(&place).expect("a folder");
        for i in 0..count {
            let picture = image::RgbImage::from_pixel(side, side, image::Rgb(paint(class, i)));
            picture.save(place.join(format!("{i}.png"))).expect("a picture");
        }
    }
}

const PHOTOS: [&str; 8] = [
    "--set",
    "data={name=\"folder\",path=\"photos\",validation=0.2}",
    "--set",
    "eval.seeds=1",
    "--set",
    "distill.iterations=4",
    "--set",
    "distill.init=noise",
];

fn reproduce(at: &Path, sets: &[&str]) -> Said {
    let text = std::fs::read_to_string(at.join("tiny.toml")).expect("a configuration");
    let without: String = text.split_inclusive('\n').filter(|line| !line.contains("train_limit")).collect();
    let start = without.find("[data]").expect("data");
    let end = without.find("[model]").expect("a model");
    std::fs::write(at.join("photos.toml"), [&without[..start], &without[end..]].concat()).expect("a file");
    run(at, &[&["reproduce", "--config", "photos.toml", "--quiet"], &PHOTOS[..], sets].concat())
}

#[test]
fn black_images_go_through_everything() {
    let folder = folder();
    pictures(folder.path(), 8, 12, |_, _| [0; 3]);
    let said = reproduce(folder.path(), &[]);
    assert_eq!(said.code, Some(0), "{}", said.err);
    assert!(said.out.contains("distilled, last") && !said.out.contains("NaN"), "{}", said.out);
}

#[test]
fn pictures_of_one_pixel_need_a_resolution() {
    let folder = folder();
    pictures(folder.path(), 1, 12, |class, i| [100 * class, i, 7]);
    refused(&reproduce(folder.path(), &[]), &["1×1", "data.resolution"]);
    let said = reproduce(folder.path(), &["--set", "data.resolution=4"]);
    assert_eq!(said.code, Some(0), "{}", said.err);
}

#[test]
fn data_of_an_image_or_two_are_refused_with_what_to_do() {
    let folder = folder();
    pictures(folder.path(), 8, 1, |class, _| [100 * class, 0, 7]);
    refused(&reproduce(folder.path(), &[]), &["no validation images", "add images to the classes"]);
    std::fs::remove_dir_all(folder.path().join("photos/b")).expect("a class");
    refused(&reproduce(folder.path(), &[]), &["holds one class (a)", "needs two"]);
    let none = run(folder.path(), &["run", "--config", "tiny.toml", "--set", "distill.ipc=0"]);
    refused(&none, &["distill.ipc is 0", "give at least 1"]);
}

#[test]
fn where_nothing_is_held_out_the_last_set_is_the_result() {
    let folder = folder();
    pictures(folder.path(), 8, 12, |class, i| [100 * class, 10 * i, 7]);
    let said = reproduce(folder.path(), &["--set", "data.validation=0", "--set", "eval.full_seeds=0"]);
    assert_eq!(said.code, Some(0), "{}", said.err);
    assert!(said.out.contains("distilled, last") && !said.out.contains("distilled, best"), "{}", said.out);
    assert!(!said.out.contains("full data"), "{}", said.out);
    // Rows that were left out are measured when they are asked for, and the others stay.
    let again = run(folder.path(), &["eval", "runs/photos", "--set", "eval.full_seeds=2"]);
    assert_eq!(again.code, Some(0), "{}", again.err);
    let lines: Vec<&str> = again.out.lines().filter(|line| line.starts_with("| full data")).collect();
    assert!(lines.len() == 1 && lines[0].contains("2 seeds"), "{}", again.out);
    assert!(again.out.contains("distilled, last"), "{}", again.out);
}
