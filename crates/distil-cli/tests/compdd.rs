//! `distil compdd` on a folder of small photos: from measuring to a selection that holds, and what is refused.

mod common;

use std::fs;
use std::path::Path;

use common::{Said, folder, run, succeed};
use image::{Rgb, RgbImage};
use serde_json::Value;

const CLASSES: usize = 6;
const EACH: u32 = 8;
const OPTIONS: [&str; 6] = ["--thresholds", "0.5,0.1,0.9", "--cam", "grad-cam++", "--layer", "blocks.0"];
const CONFIG: &str = "[data]\nname = \"folder\"\npath = \"photos\"\n[model]\nwidth = 4\ndepth = 2\n\
                      [eval]\nbatch = 16\nfull_epochs = 1\n";

/// Discs of another size for each class, on gratings; and a model of them.
fn photos() -> tempfile::TempDir {
    let folder = folder();
    let at = folder.path();
    for class in 0..CLASSES {
        let photos = at.join(format!("photos/c{class}"));
        fs::create_dir_all(&photos).expect("a folder");
        for image in 0..EACH {
            disc(2 + class as u32, image).save(photos.join(format!("{image}.png"))).expect("a photo");
        }
    }
    fs::write(at.join("photos.toml"), CONFIG).expect("a configuration");
    succeed(at, &["train", "--config", "photos.toml", "--epochs", "2", "--out", "cam.safetensors"]);
    folder
}

fn disc(radius: u32, image: u32) -> RgbImage {
    RgbImage::from_fn(16, 16, |x, y| {
        let inside = x.abs_diff(6 + image % 4).pow(2) + y.abs_diff(8).pow(2) <= radius * radius;
        let grating = (x * (image + 1) + 3 * y) % 7 * 12;
        if inside { Rgb([220, 60 + 20 * radius as u8, 40]) } else { Rgb([30, 90, grating as u8]) }
    })
}

fn measure(folder: &Path, more: &[&str]) -> Said {
    let given = ["compdd", "measure", "--data", "photos", "--model", "cam.safetensors"];
    run(folder, &[&given, &OPTIONS[..], more].concat())
}

#[track_caller]
fn done(said: &Said) {
    assert_eq!(said.code, Some(0), "{}", said.err);
}

#[track_caller]
fn refused(said: &Said, pieces: &[&str]) {
    assert_eq!((said.code, said.out.as_str()), (Some(2), ""), "{}", said.err);
    for piece in pieces {
        assert!(said.err.contains(piece), "{piece:?} is missing in: {}", said.err);
    }
}

fn json(file: &Path) -> Value {
    serde_json::from_slice(&fs::read(file).expect("a file")).expect("JSON")
}

/// Names in the third column of `ranking.csv`, and the complexities.
fn ranking(folder: &Path) -> (Vec<String>, Vec<f64>) {
    let text = fs::read_to_string(folder.join("ranking.csv")).expect("a ranking");
    let cells = text.lines().skip(1).map(|line| line.split(',').collect::<Vec<_>>());
    cells
        .map(|cells| (cells[2].trim_matches('"').to_owned(), cells[5].parse::<f64>().expect("a number")))
        .unzip()
}

#[test]
fn from_photos_to_a_selection_that_holds() {
    let folder = photos();
    let (at, out) = (folder.path(), folder.path().join("m"));
    let said = measure(at, &["--out", "m"]);
    done(&said);
    assert_eq!(said.out.lines().count(), CLASSES + 2, "{}", said.out);
    let csv = fs::read_to_string(out.join("classes.csv")).expect("a table");
    assert!(csv.starts_with("class,images,complexity_0.5,standard_error_0.5,complexity_0.1,"), "{csv}");
    assert_eq!(csv.lines().count(), CLASSES + 1);
    assert!(csv.lines().skip(1).all(|line| line.split(',').nth(1) == Some("8")), "{csv}");

    succeed(at, &["compdd", "rank", "--measured", "m"]);
    let (names, complexities) = ranking(&out);
    assert_eq!(names.len(), CLASSES);
    assert!(
        complexities.is_sorted_by(|a, b| a >= b) && complexities[0] > complexities[5],
        "{complexities:?}"
    );
    fs::write(at.join("mine.toml"), "odd = [\"c1\", \"c3\", \"c5\"]\neven = [\"c0\", \"c2\"]\n")
        .expect("a file");
    let said =
        succeed(at, &["compdd", "rank", "--measured", "m/complexity.json", "--categories", "mine.toml"]);
    assert_eq!(said.lines().filter(|line| line.starts_with("| odd |")).count(), 3, "{said}");

    let said = succeed(at, &["compdd", "select", "--measured", "m", "--count", "2"]);
    assert!(said.contains(&format!("{}, {}", names[0], names[1])), "{names:?}: {said}");
    let said = succeed(at, &["compdd", "verify", "--measured", "m", "--selection", "m/selection.toml"]);
    assert!(said.contains("| 2 of 2 | 100 % |"), "{said}");
    let said = succeed(at, &["compdd", "select", "--measured", "m", "--count", "1", "--categories", "auto"]);
    assert!(said.lines().count() >= 4 && said.contains("around c"), "{said}");

    let said = succeed(at, &["compdd", "agree", "m", "m/complexity.json"]);
    let first = said.lines().nth(2).expect("a class");
    assert!(first.starts_with(&format!("| {} |", names[0])), "{names:?}: {said}");
    assert!(said.ends_with("Kendall's τ = 1.00, p = 0.003, n = 6 classes\n"), "{said}");
    let refusal = run(at, &["compdd", "agree", "m", "m", "--threshold", "0.7"]);
    refused(&refusal, &["no threshold 0.7", "[0.5, 0.1, 0.9]"]);

    let said = succeed(at, &["report", "m"]);
    assert!(said.contains("wrote m/report.html"), "{said}");
    let page = fs::read_to_string(out.join("report.html")).expect("a page");
    assert_eq!(page.matches("<svg ").count(), 5, "three thresholds, easy next to hard, map values");
    refused(&run(at, &["report", "m", "--table", "csv"]), &["--table is for runs", "classes.csv"]);
}

#[test]
fn parts_and_interruptions_leave_the_same_bytes() {
    let folder = photos();
    let at = folder.path();
    done(&measure(at, &["--out", "whole"]));
    for part in ["1/3", "2/3", "3/3"] {
        done(&measure(at, &["--out", &part[..1], "--shard", part, "--batch", "5"]));
    }
    refused(&run(at, &["compdd", "rank", "--measured", "2"]), &["16 of 48 images", "merge all parts"]);
    let parts = ["3/complexity.json", "1/complexity.json", "2/complexity.json"];
    succeed(at, &[&["compdd", "merge"], &parts[..], &["--out", "merged"]].concat());
    for file in ["complexity.json", "classes.csv", "activation.svg", "distribution-0.9.svg"] {
        let read = |folder: &str| fs::read(at.join(folder).join(file)).expect("a file");
        assert!(read("merged") == read("whole"), "{file}");
    }
    refused(&measure(at, &["--out", "whole", "--seed", "1"]), &["the map that is measured", "another --out"]);
    refused(&measure(at, &["--shard", "4/3"]), &["1/4 for the first of four parts"]);
}

/// Death without notice, then Ctrl-C, then the rest. Noise makes a pass long enough to be stopped in.
#[cfg(unix)]
#[test]
fn a_killed_pass_goes_on_to_the_same_bytes() {
    let folder = photos();
    let at = folder.path();
    let args = |out: &'static str| {
        let given = ["compdd", "measure", "--data", "photos", "--model", "cam.safetensors", "--out", out];
        [&given[..], &["--cam", "smooth-grad-cam++", "--batch", "1", "--save-every", "0"]].concat()
    };
    succeed(at, &args("whole"));
    let state = at.join("parts/complexity.json");
    let next = |state: &Path| {
        let text = fs::read(state).unwrap_or_default();
        serde_json::from_slice(&text)
            .map_or(0, |found: Value| found["parts"][0]["next"].as_u64().unwrap_or(0))
    };
    for (signal, code, images) in [("-KILL", None, 5), ("-INT", Some(130), 20), ("-KILL", None, 30)] {
        let mut child = common::distil(at, &args("parts")).spawn().expect("distil starts");
        while next(&state) < images {
            assert!(
                child.try_wait().expect("a status").is_none(),
                "the pass ended before it could be stopped"
            );
            std::thread::sleep(std::time::Duration::from_millis(2));
        }
        let kill = [signal, &child.id().to_string()].map(str::to_owned);
        assert!(std::process::Command::new("kill").args(kill).status().expect("kill runs").success());
        let said = Said::from(child.wait_with_output().expect("an end"));
        assert_eq!(said.code, code, "{}", said.err);
    }
    succeed(at, &args("parts"));
    let read = |folder: &str| fs::read(at.join(folder).join("complexity.json")).expect("a measurement");
    assert!(read("parts") == read("whole"));
}

#[test]
fn bad_images_are_listed_and_skipped_only_when_asked() {
    let folder = photos();
    let at = folder.path();
    fs::write(at.join("photos/c2/3.png"), "no picture").expect("a file");
    refused(&measure(at, &["--out", "m"]), &["c2/3.png", "--skip-bad"]);
    let said = measure(at, &["--out", "m", "--skip-bad"]);
    done(&said);
    assert!(said.err.contains("left out c2/3.png"), "{}", said.err);
    let found = json(&at.join("m/complexity.json"));
    assert_eq!(found["skipped"][0]["name"], "c2/3.png");
    assert_eq!(found["classes"][2]["images"], 7);
}

#[test]
fn what_does_not_fit_is_refused() {
    let folder = photos();
    let at = folder.path();
    done(&measure(at, &["--out", "m"]));
    let select = |more: &[&str]| run(at, &[&["compdd", "select", "--measured", "m"], more].concat());
    refused(&select(&["--count", "4"]), &["has 6 classes", "4 easy and 4 hard", "need 8"]);
    refused(&select(&["--threshold", "0.7"]), &["no threshold 0.7", "[0.5, 0.1, 0.9]"]);
    refused(&select(&["--categories", "birds"]), &["birds", "all, auto, published"]);
    refused(&select(&["--categories", "published"]), &["no category of Comp-DD was measured whole"]);
    refused(&run(at, &["compdd", "rank"]), &["no images were named", "--measured"]);
    refused(&run(at, &["compdd", "rank", "--measured", "photos.toml"]), &["not a measurement of complexity"]);
    refused(&run(at, &["compdd", "recovery", "m"]), &["m has not been evaluated", "distil eval m"]);

    fs::create_dir(at.join("photos/empty")).expect("a folder");
    refused(&measure(at, &["--out", "n"]), &["photos/empty", "holds no PNG or JPEG"]);
    fs::copy(at.join("photos/c0/0.png"), at.join("photos/empty/0.png")).expect("a copy");
    refused(
        &measure(at, &["--out", "n"]),
        &["cam.safetensors was trained on other classes", "\"empty\"", "distil train"],
    );
}

/// The whole way without a model, categories from what the trained network takes for each other.
#[test]
fn a_network_is_trained_where_none_is_given() {
    let folder = photos();
    let at = folder.path();
    fs::write(at.join("photos/c4/1.png"), "no picture").expect("a file");
    fs::write(at.join("short.toml"), CONFIG.replace("full_epochs = 1", "full_epochs = 0")).expect("a file");
    let args = ["compdd", "select", "--dataset", "photos", "--categories", "auto", "--count", "1"];
    let select = |more: &[&str]| run(at, &[&args[..], &["--config", "short.toml"], more].concat());
    refused(&select(&[]), &["c4/1.png", "--skip-bad"]);
    let said = select(&["--skip-bad"]);
    done(&said);
    assert!(
        said.err.contains("training a ResNet-18") && said.err.contains("left out c4/1.png"),
        "{}",
        said.err
    );
    assert!(said.out.contains("| easy |") && said.out.contains("| hard |"), "{}", said.out);
    let recipe = fs::read_to_string(at.join("compdd/photos/cam.toml")).expect("a recipe");
    assert!(recipe.contains("full_epochs = 0") && recipe.contains("c4/1.png"), "{recipe}");
    // The network and the measurement are there: nothing is done again.
    let before = fs::read(at.join("compdd/photos/complexity.json")).expect("a measurement");
    let again = select(&["--skip-bad"]);
    assert!(again.code == Some(0) && again.err.contains("trained before"), "{}", again.err);
    assert!(fs::read(at.join("compdd/photos/complexity.json")).expect("a measurement") == before);
}

/// Table 3b out of stored runs: easy next to hard, with the complexity of each.
#[test]
fn recovery_ratios_come_out_of_runs() {
    let folder = folder();
    let at = folder.path();
    let larger = common::TINY.replace("resolution = 16", "resolution = 32");
    fs::write(at.join("tiny.toml"), larger).expect("a configuration");
    succeed(at, &["train", "--config", "tiny.toml", "--epochs", "1", "--out", "cam.safetensors"]);
    for level in ["easy", "hard"] {
        let set = format!("data.name=clutter-{level}");
        let named = ["--config", "tiny.toml", "--set", &set, "--out", level];
        succeed(at, &[&["reproduce", "--set", "distill.iterations=2"], &named[..]].concat());
        let named = ["--config", "tiny.toml", "--set", &set, "--out"];
        let out = format!("m-{level}");
        succeed(at, &[&["compdd", "measure", "--model", "cam.safetensors"], &named[..], &[&out]].concat());
    }
    let recovery = |more: &[&str]| run(at, &[&["compdd", "recovery", "easy", "hard"], more].concat());
    let said = recovery(&["--measured", "m-easy", "--measured", "m-hard"]);
    done(&said);
    let rows = said.out.lines().filter(|line| line.starts_with("| clutter-")).count();
    assert_eq!(rows, 4, "random images and a distilled set each: {}", said.out);
    assert_eq!(said.out.lines().filter(|line| line.starts_with("| clutter ")).count(), 2, "{}", said.out);
    let evaluation = json(&at.join("easy/evaluation.json"));
    let mean = |name: &str| {
        let rows = evaluation["rows"].as_array().expect("rows");
        let row = rows.iter().find(|row| row["name"] == name).expect("a row");
        row["summary"]["mean"].as_f64().expect("a number")
    };
    let csv = recovery(&["--table", "csv"]).out;
    let first: Vec<&str> = csv.lines().nth(1).expect("a row").split(',').collect();
    assert_eq!(first[..3], ["clutter-easy", "random real", "1"]);
    let ratio: f64 = first[11].parse().expect("a number");
    assert!((ratio - mean("random real") / mean("full data")).abs() < 1e-12, "{csv}");
    assert!(recovery(&["--table", "latex"]).out.starts_with("\\begin{tabular}"));
    let three = ["--measured", "m-easy", "--measured", "m-easy", "--measured", "m-hard"];
    refused(&recovery(&three), &["3 measurements for 2 runs", "once for each"]);
    fs::remove_file(at.join("hard/synthetic/last.safetensors")).expect("a set");
    refused(&recovery(&[]), &["hard has changed since it was evaluated", "distil eval hard"]);
}
