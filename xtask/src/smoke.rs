//! Any row in minutes: the same method on the same classes, with everything made small.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use image::{Rgb, RgbImage};
use toml::{Table, Value};

use crate::rows::{DataNeed, Resolved};

/// Epochs of an expert; published ones have 100.
const EPOCHS: i64 = 6;
const PUBLISHED_EPOCHS: i64 = 100;
const ITERATIONS: i64 = 12;
const SYN_STEPS: i64 = 4;
/// The most images a class that are distilled.
const IPC: i64 = 2;
/// Real images of each batch of effect alignment.
const REAL: i64 = 32;
/// Training images of a class, validation images of a class.
const TRAIN: usize = 24;
const VALIDATION: usize = 4;
/// Iterations between maps, validations and checkpoints.
const EVERY: i64 = 6;

/// A row made small.
#[derive(Debug)]
pub struct Reduction {
    /// Its configuration; the name of the run says that it is reduced.
    pub resolved: Resolved,
    /// Generated images in place of a dataset that is not there.
    pub stand_in: Option<StandIn>,
    /// What was made small, in one sentence.
    pub said: String,
}

impl Reduction {
    /// Shrinks a row. `there` tells whether its data are; images are generated below `scratch` where they are not.
    pub fn of(row: Resolved, there: bool, scratch: &Path) -> Self {
        let name = row.get("data.name").and_then(Value::as_str).unwrap_or("clutter-easy").to_owned();
        let need = DataNeed::of(&name);
        let side = if need.is_some_and(|need| need.side > 32) { 32 } else { 16 };
        let mut config = row.config.clone();
        let classes = need.map_or(10, |need| need.classes);
        data(section(&mut config, "data"), need, side, classes);
        let stand_in = need.filter(|_| !there).map(|need| StandIn::new(need, side, scratch));
        if let Some(stand_in) = &stand_in {
            stand_in.replace(section(&mut config, "data"));
        }
        put(section(&mut config, "model"), &[("width", 8), ("depth", if side == 16 { 2 } else { 3 })]);
        let experts = section(&mut config, "expert");
        put(experts, &[("experts", 2), ("epochs", EPOCHS), ("batch", 32)]);
        let follows = follows_trajectories(&config);
        let aligns = method(&config) == "ead";
        distill(section(&mut config, "distill"), classes as i64);
        if aligns {
            align(section(&mut config, "distill"));
        }
        if follows {
            follow(section(&mut config, "distill"));
        }
        let students =
            [("seeds", 1), ("validation_seeds", 1), ("epochs", 30), ("full_epochs", 2), ("batch", 64)];
        put(section(&mut config, "eval"), &students);
        let said = said(&name, side, stand_in.is_some(), follows);
        let run = format!("smoke-REDUCED-{}", row.run);
        Self { resolved: row.renamed(run, config, "reduced by --scale smoke"), stand_in, said }
    }
}

/// Whether the row's method matches trajectories, and has their keys.
fn follows_trajectories(config: &Table) -> bool {
    ["mtt", "ftd", "tesla", "datm", "m-datm", "edf"].contains(&method(config))
}

fn method(config: &Table) -> &str {
    config.get("method").and_then(Value::as_str).unwrap_or("mtt")
}

fn said(name: &str, side: usize, generated: bool, follows: bool) -> String {
    let images = if generated {
        format!("GENERATED images in place of {name}")
    } else {
        format!("few images of {name}")
    };
    let steps = if follows {
        format!(
            "2 experts of {EPOCHS} epochs, begun from any real images, {ITERATIONS} iterations of {SYN_STEPS} steps"
        )
    } else {
        format!("{ITERATIONS} iterations")
    };
    format!("{images}, {side}×{side} pixels, width 8, at most {IPC} images a class, {steps}, one seed")
}

fn section<'a>(table: &'a mut Table, key: &str) -> &'a mut Table {
    let value = table.entry(key).or_insert_with(|| Value::Table(Table::new()));
    if !value.is_table() {
        *value = Value::Table(Table::new());
    }
    value.as_table_mut().expect("it was just made one")
}

fn put(table: &mut Table, values: &[(&str, i64)]) {
    for (key, value) in values {
        table.insert((*key).to_owned(), Value::Integer(*value));
    }
}

fn whole(table: &Table, key: &str) -> Option<i64> {
    table.get(key).and_then(Value::as_integer)
}

fn data(data: &mut Table, need: Option<&DataNeed>, side: usize, classes: usize) {
    data.remove("clutter");
    put(data, &[("resolution", side as i64), ("train_limit", (TRAIN * classes) as i64)]);
    put(data, &[("validation", (VALIDATION * classes) as i64)]);
    if need.is_some_and(|need| need.side > 32) {
        data.insert("counts".to_owned(), Value::String("any".to_owned()));
    }
}

fn distill(distill: &mut Table, classes: i64) {
    let ipc = whole(distill, "ipc").unwrap_or(1);
    let small = ipc.min(IPC);
    if let Some(batch) = whole(distill, "batch_syn") {
        // The same share of the set.
        put(distill, &[("batch_syn", (batch * small / ipc).clamp(1, small * classes))]);
    }
    put(distill, &[("ipc", small), ("iterations", ITERATIONS)]);
    put(distill, &[("validate_every", EVERY), ("checkpoint_every", EVERY)]);
}

/// What only trajectory matching has.
fn follow(distill: &mut Table) {
    let ahead = whole(distill, "expert_epochs").unwrap_or(2).min(2);
    put(distill, &[("syn_steps", SYN_STEPS), ("expert_epochs", ahead)]);
    window(section(distill, "window"), EPOCHS - ahead + 1);
    if let Some(Value::Table(maps)) = distill.get_mut("enhancement")
        && let Some(every) = whole(maps, "refresh_every")
    {
        put(maps, &[("refresh_every", every.min(EVERY))]);
    }
    // Experts of a few epochs classify too few images correctly.
    distill.insert("init".to_owned(), Value::String("real".to_owned()));
}

/// What only effect alignment has.
fn align(distill: &mut Table) {
    put(distill, &[("checkpoints", 1), ("batch_probe", REAL), ("batch_real", REAL)]);
    distill.remove("weights");
    window(section(distill, "window"), EPOCHS + 1);
}

/// The window in the same part of a shorter expert; `most` is the largest bound that it has room for.
fn window(window: &mut Table, most: i64) {
    let scaled = |epoch: i64| epoch * EPOCHS / PUBLISHED_EPOCHS;
    let max = scaled(whole(window, "max").unwrap_or(PUBLISHED_EPOCHS)).clamp(1, most);
    let min = scaled(whole(window, "min").unwrap_or(0)).clamp(0, max - 1);
    let initial = whole(window, "initial_max").map_or(max, scaled).clamp(min + 1, max);
    put(window, &[("min", min), ("max", max), ("initial_max", initial), ("expand_until", ITERATIONS / 2)]);
}

/// Generated images of as many classes and channels as a dataset has, as a folder of PNG files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StandIn {
    /// Where they are, or will be.
    pub folder: PathBuf,
    classes: usize,
    channels: usize,
    side: usize,
}

impl StandIn {
    fn new(need: &DataNeed, side: usize, scratch: &Path) -> Self {
        let DataNeed { classes, channels, .. } = *need;
        let folder = scratch.join(format!("{classes}-classes-{channels}x{side}x{side}"));
        Self { folder, classes, channels, side }
    }

    /// Reads the folder instead of the dataset.
    fn replace(&self, data: &mut Table) {
        let path = self.folder.to_string_lossy().into_owned();
        data.insert("name".to_owned(), Value::String("folder".to_owned()));
        data.insert("path".to_owned(), Value::String(path));
        data.remove("counts");
    }

    /// Writes the images, unless they are there.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn write(&self) -> Result<()> {
        if self.folder.is_dir() {
            return Ok(());
        }
        let part = self.folder.with_extension("part");
        for (split, images) in [("train", TRAIN + VALIDATION), ("test", 4)] {
            for class in 0..self.classes {
                let folder = part.join(split).join(format!("generated-{class:03}"));
                fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
                for index in 0..images {
                    let file = folder.join(format!("{index}.png"));
                    let salt = index + if split == "test" { 1000 } else { 0 };
                    self.save(class, salt, &file)
                        .with_context(|| format!("cannot write {}", file.display()))?;
                }
            }
        }
        fs::rename(&part, &self.folder).with_context(|| format!("cannot create {}", self.folder.display()))
    }

    fn save(&self, class: usize, salt: usize, file: &Path) -> Result<(), image::ImageError> {
        let side = self.side as u32;
        let picture =
            RgbImage::from_fn(side, side, |x, y| self.pixel(class, salt, f64::from(x), f64::from(y)));
        if self.channels == 1 {
            image::DynamicImage::ImageRgb8(picture).to_luma8().save(file)
        } else {
            picture.save(file)
        }
    }

    /// A class is a hue and the direction and spacing of stripes; an image moves the stripes and adds grain.
    fn pixel(&self, class: usize, salt: usize, x: f64, y: f64) -> Rgb<u8> {
        let share = class as f64 / self.classes as f64;
        let (sin, cos) = (std::f64::consts::PI * share * 7.0).sin_cos();
        let spacing = 3.0 + (class % 4) as f64;
        let moved = grain(salt as f64, 0.5) * std::f64::consts::TAU;
        let stripe = ((x * cos + y * sin) * std::f64::consts::TAU / spacing + moved).sin();
        let noise = grain(x + 131.0 * salt as f64, y + 17.0 * class as f64) - 0.5;
        let channel = |third: f64| {
            let hue = (std::f64::consts::TAU * (share + third / 3.0)).cos();
            (128.0 + 45.0 * hue + 45.0 * stripe + 50.0 * noise).clamp(0.0, 255.0) as u8
        };
        Rgb([channel(0.0), channel(1.0), channel(2.0)])
    }
}

/// Always the same number in [0, 1) for the same two.
fn grain(a: f64, b: f64) -> f64 {
    ((a * 12.9898 + b * 78.233).sin() * 43_758.547).rem_euclid(1.0)
}
