//! Generated images in place of a dataset that is not there.

use std::fs;
use std::path::{Path, PathBuf};

use distil_data::DatasetSpec;
use image::{Rgb, RgbImage};
use thiserror::Error;
use toml::{Table, Value};

use super::smoke::{TRAIN, VALIDATION};

/// A generated image cannot be written.
#[derive(Debug, Error)]
#[error("cannot write {place}: {reason}; make room there, or make the folder writable", place = place.display())]
pub struct StandInError {
    place: PathBuf,
    reason: String,
}

impl StandInError {
    fn new(place: &Path, reason: &dyn std::error::Error) -> Self {
        Self { place: place.to_owned(), reason: reason.to_string() }
    }
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
    pub(super) fn new(spec: &DatasetSpec, side: usize, scratch: &Path) -> Self {
        let classes = spec.classes.unwrap_or(10);
        let channels = spec.shape.map_or(3, |shape| shape.channels);
        let folder = scratch.join(format!("{classes}-classes-{channels}x{side}x{side}"));
        Self { folder, classes, channels, side }
    }

    /// Reads the folder instead of the dataset.
    pub(super) fn replace(&self, data: &mut Table) {
        let path = self.folder.to_string_lossy().into_owned();
        data.insert("name".to_owned(), Value::String("folder".to_owned()));
        data.insert("path".to_owned(), Value::String(path));
        data.remove("counts");
    }

    /// Writes the images, unless they are there.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn write(&self) -> Result<(), StandInError> {
        if self.folder.is_dir() {
            return Ok(());
        }
        let part = self.folder.with_extension("part");
        for (split, images) in [("train", TRAIN + VALIDATION), ("test", 4)] {
            for class in 0..self.classes {
                let folder = part.join(split).join(format!("generated-{class:03}"));
                fs::create_dir_all(&folder).map_err(|error| StandInError::new(&folder, &error))?;
                for index in 0..images {
                    let file = folder.join(format!("{index}.png"));
                    let salt = index + if split == "test" { 1000 } else { 0 };
                    self.save(class, salt, &file).map_err(|error| StandInError::new(&file, &error))?;
                }
            }
        }
        fs::rename(&part, &self.folder).map_err(|error| StandInError::new(&self.folder, &error))
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
