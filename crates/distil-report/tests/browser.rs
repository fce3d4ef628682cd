//! The page as a browser paints it. Without `chromium` on the path there is nothing to see, and a printed line says so.
#![expect(clippy::unwrap_used, reason = "helpers of tests may panic like tests")]

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use distil_report::write_report;
use distil_require::{Need, skipped};
use distil_store::{Inspection, RunPaths};
use image::RgbImage;
use serde_json::{Value, json};

const BROWSERS: [&str; 3] = ["chromium", "chromium-browser", "google-chrome"];

fn browser() -> Option<&'static str> {
    let answers = |name: &&str| {
        let version =
            Command::new(name).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
        version.is_ok_and(|status| status.success())
    };
    BROWSERS.into_iter().find(answers)
}

/// A run with everything that can be too wide: long names, many classes, long settings.
fn page(folder: &Path) {
    let k = 12;
    let counts: Vec<Vec<usize>> =
        (0..k).map(|i| (0..k).map(|j| if i == j { 80 } else { (i * j) % 5 }).collect()).collect();
    let shares: Vec<f64> = (0..k).map(|class| 0.5 + 0.03 * class as f64).collect();
    let row = |name: &str, mean: f64| {
        json!({
            "kind": if name == "random real" { json!("random") } else { json!({"set": "best"}) },
            "name": name, "arch": "convnet", "protocol": "", "seconds": 1.0, "images": 50_000, "epochs": 1000, "lr": 0.012_345, "accuracies": [mean, mean + 0.01],
            "summary": {"n": 2, "mean": mean, "std": 0.01, "ci95": [mean - 0.1, mean + 0.1]},
            "scores": {"top5": [0.9, 0.9], "macro_f1": [0.5, 0.6], "pooled": {
                "rows": 1000, "undecided": 0, "top1": mean, "top5": 0.9, "macro_f1": 0.5, "precision": shares,
                "recall": shares, "f1": shares, "confusion": counts,
                "calibration": {"ece": 0.1, "nll": 0.7, "brier": 0.5}}},
        })
    };
    let rows = json!({"rows": [row("random real", 0.4), row("distilled, best on validation", 0.7)]});
    let paths = RunPaths::new(folder);
    fs::write(paths.config(), format!("command = \"{}\"\n", "very-long-word".repeat(20))).unwrap();
    fs::write(paths.evaluation(), rows.to_string()).unwrap();
    let events: Vec<Value> = (0..40)
        .map(|i| json!({"kind": "iteration", "iteration": i, "loss": 1.0 / f64::from(i + 1), "syn_lr": 0.01}))
        .collect();
    let layers: Vec<String> = (0..10).map(|i| format!("blocks.{i}.{}", "long".repeat(9))).collect();
    let dropout = json!({"kind": "dropout", "iteration": 9, "layers": layers, "dropped": vec![1; 10], "sizes": vec![9; 10]});
    let area = json!({"kind": "discriminative-area", "iteration": 9, "area": 0.4, "smallest_area": 0.1, "largest_area": 0.7, "area_half": 0.3});
    let lines: Vec<String> = events.iter().chain([&dropout, &area]).map(Value::to_string).collect();
    fs::write(Inspection::path(&paths), inspection().to_string()).unwrap();
    fs::write(paths.events(), lines.join("\n") + "\n").unwrap();
    write_report(folder, None).unwrap();
}

/// Three clouds of points, charts and two maps, which have the form of real ones.
fn inspection() -> Value {
    let point = |i: u32| {
        let angle = f64::from(i % 3) * 2.1 + f64::from(i % 7) * 0.1;
        let kind = if i < 50 { "real" } else { "synthetic" };
        json!({"at": [9.0 * angle.cos() + f64::from(i % 5), 9.0 * angle.sin()], "class": i % 3, "kind": kind})
    };
    let mut png = std::io::Cursor::new(Vec::new());
    let picture = RgbImage::from_fn(196, 96, |x, y| image::Rgb([x as u8, 2 * y as u8, 90]));
    picture.write_to(&mut png, image::ImageFormat::Png).unwrap();
    let drawn = json!({"png": STANDARD.encode(png.into_inner()), "area": 0.4});
    let map = |class: u32| json!({"number": class, "class": class, "before": drawn, "after": drawn});
    json!({
        "network": "expert 0", "set": {"part": "last", "digest": ""},
        "embedding": {"perplexity": 30.0, "seed": 0, "points": (0..60).map(point).collect::<Vec<_>>()},
        "distances": [{"iteration": 0, "distance": 4.0}, {"iteration": 40, "distance": 5.0}], "real_distance": 6.0,
        "activations": [{"name": "real", "shares": [0.25, 0.5, 0.25], "mean": 0.6, "above_half": 0.75}],
        "maps": [map(0), map(1)],
    })
}

fn screenshot(browser: &str, folder: &Path, width: u32, more: &[&str]) -> RgbImage {
    let file = folder.join("shot.png");
    let status = Command::new(browser)
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"])
        .args(["--disable-background-networking", "--disable-component-update", "--disable-sync"])
        .args(["--hide-scrollbars", &format!("--user-data-dir={}", folder.join("profile").display())])
        .args([&format!("--screenshot={}", file.display()), &format!("--window-size={width},1600")])
        .args(more)
        .arg(format!("file://{}", RunPaths::new(folder).report().display()))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .unwrap();
    assert!(status.success());
    image::open(file).unwrap().into_rgb8()
}

/// Whether the columns of pixels at the right edge hold nothing but paper.
fn has_right_margin(shot: &RgbImage) -> bool {
    let paper = shot.get_pixel(0, 0);
    let right = shot.width() - 6..shot.width();
    right.into_iter().all(|x| (0..shot.height()).all(|y| shot.get_pixel(x, y) == paper))
}

#[test]
fn pages_follow_the_theme_and_fit_the_window() {
    let Some(browser) = browser() else {
        return skipped(Need::Chromium, "no chromium on the path");
    };
    let folder = tempfile::tempdir().unwrap();
    page(folder.path());
    let light = screenshot(browser, folder.path(), 1200, &["--blink-settings=preferredColorScheme=1"]);
    let dark = screenshot(browser, folder.path(), 1200, &["--blink-settings=preferredColorScheme=0"]);
    assert_eq!(light.get_pixel(0, 0).0, [0xff; 3]);
    assert_eq!(dark.get_pixel(0, 0).0, [0x14, 0x17, 0x1b]);
    // Headless windows have at least 500 pixels; the narrow layout begins at 46 rem.
    let narrow = screenshot(browser, folder.path(), 500, &[]);
    for (name, shot) in [("light", &light), ("dark", &dark), ("narrow", &narrow)] {
        assert!(has_right_margin(shot), "{name}: something is wider than the window");
        let mut colours: Vec<[u8; 3]> = shot.pixels().map(|pixel| pixel.0).collect();
        colours.sort_unstable();
        colours.dedup();
        assert!(colours.len() > 100, "{name}: only {} colours were painted", colours.len());
    }
}
