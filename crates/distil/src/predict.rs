//! What a trained network says about pictures.

use std::path::PathBuf;

use burn::tensor::activation::softmax;
use burn::tensor::{DType, Tensor, TensorData};
use distil_engine::At;
use distil_gradcam::CamModel;
use distil_progress::{Progress, Step};

use crate::pictures::{pixels_of, shape_of};
use crate::sets::transform_of;
use crate::{Device, Error};

/// Pictures of one forward pass; bounds memory only.
const BATCH: usize = 64;

/// What a model says about pictures, in the order in which they were named.
#[derive(Debug)]
pub struct Predictions {
    /// Names of the model's classes.
    pub class_names: Vec<String>,
    /// One row a picture that could be read.
    pub rows: Vec<Prediction>,
    /// Why others could not.
    pub unread: Vec<distil_data::Error>,
}

/// What a model says about one picture.
#[derive(Debug, Clone, PartialEq)]
pub struct Prediction {
    /// The picture.
    pub file: PathBuf,
    /// A probability for each class.
    pub probabilities: Vec<f32>,
}

impl Prediction {
    /// The most probable class.
    pub fn class(&self) -> usize {
        let by_probability = |a: &(usize, &f32), b: &(usize, &f32)| a.1.total_cmp(b.1);
        self.probabilities.iter().enumerate().max_by(by_probability).map_or(0, |(class, _)| class)
    }
}

impl Predictions {
    /// A line for each picture: file, class, its probability, and those of all classes under their names.
    pub fn csv(&self) -> String {
        let mut table = csv::Writer::from_writer(Vec::new());
        let columns = ["file", "class", "probability"].into_iter().map(str::to_owned);
        let mut lines = vec![columns.chain(self.class_names.iter().cloned()).collect::<Vec<_>>()];
        for row in &self.rows {
            let (file, class) = (row.file.display().to_string(), row.class());
            // Every digit that tells it from its neighbours: programs read it.
            let shown = |probability: &f32| format!("{probability:?}");
            let cells = [file, self.class_names[class].clone(), shown(&row.probabilities[class])];
            lines.push(cells.into_iter().chain(row.probabilities.iter().map(shown)).collect());
        }
        for line in lines {
            table.write_record(line).expect("memory takes every line, and all have as many cells");
        }
        String::from_utf8(table.into_inner().expect("memory takes every line")).expect("text stays text")
    }

    /// Of the pictures that lie in a folder with the name of a class, how many the model puts there, and how many there are.
    pub fn in_their_folders(&self) -> [usize; 2] {
        let mut counts = [0, 0];
        for row in &self.rows {
            let folder = row.file.parent().and_then(|folder| folder.file_name());
            let own =
                self.class_names.iter().position(|name| folder.is_some_and(|folder| folder == name.as_str()));
            if let Some(own) = own {
                counts[0] += usize::from(row.class() == own);
                counts[1] += 1;
            }
        }
        counts
    }
}

/// Classes of picture files by a model. A file that cannot be read ends nothing: it is in [`Predictions::unread`].
///
/// # Errors
/// [`Error::Data`] when the matrices of the model's ZCA are not there; [`Error::Stopped`] when the listener asked to stop.
pub fn predict(
    model: &CamModel,
    files: &[PathBuf],
    device: &Device,
    progress: Progress<'_>,
) -> Result<Predictions, Error> {
    let transform = transform_of(&model.card.preprocessing)?;
    let (theta, buffers) = model.tensors(device.burn());
    let at = At::evaluation(&model.network, &theta, &buffers);
    let (mut rows, mut unread) = (Vec::new(), Vec::new());
    let mut done = 0;
    for batch in files.chunks(BATCH) {
        let (mut read, mut pixels) = (Vec::new(), Vec::new());
        for file in batch {
            match pixels_of(file, model) {
                Ok(of_file) => {
                    pixels.extend(of_file);
                    read.push(file.clone());
                }
                Err(error) => unread.push(error),
            }
        }
        if !read.is_empty() {
            let input = transform.apply(shape_of(model), &pixels)?;
            let found = probabilities(at, device, input, read.len());
            rows.extend(
                read.into_iter().zip(found).map(|(file, probabilities)| Prediction { file, probabilities }),
            );
        }
        done += batch.len() as u64;
        if progress.at(Step::of("predict", done, files.len() as u64, "pictures")).is_break() {
            return Err(Error::stopped(Error::AGAIN));
        }
    }
    Ok(Predictions { class_names: model.card.class_names.clone(), rows, unread })
}

/// Of `n` images as the network takes them.
fn probabilities(at: At<'_>, device: &Device, input: Vec<f32>, n: usize) -> Vec<Vec<f32>> {
    let [channels, height, width] = at.net.image_shape();
    let data = TensorData::new(input, [n, channels, height, width]);
    let logits = device.engine().logits(at, &Tensor::from_data(data, (device.burn(), DType::F32)));
    let all: Vec<f32> = softmax(logits, 1).into_data().iter::<f32>().collect();
    all.chunks(at.net.classes()).map(<[f32]>::to_vec).collect()
}
