//! Synthetic sets as `.npz`, which `numpy.load` opens without distil: a ZIP archive, not compressed, of one `.npy` an array.

use crate::preprocessing::Normalisation;
use std::io::{BufWriter, Write};
use std::path::Path;

use distil_files::atomic;
use zip::ZipWriter;

use crate::error::StoreError;
use crate::synthetic::{Labels, SyntheticSet};
use crate::torch_file::stored;

/// Headers of `.npy` files are padded so that the values after them are aligned.
const ALIGNMENT: usize = 64;
/// Magic number and version 1.0.
const MAGIC: &[u8] = b"\x93NUMPY\x01\x00";

/// An array with its type as NumPy writes it.
struct Array {
    name: &'static str,
    descr: String,
    shape: Vec<usize>,
    bytes: Vec<u8>,
}

impl SyntheticSet {
    /// Writes the set for NumPy, decoded:
    ///
    /// | array | type | shape | |
    /// |---|---|---|---|
    /// | `images` | float32 | `[n, c, h, w]` | network input, as the card's preprocessing makes it |
    /// | `labels` | int64 | `[n]` | class each image was made for |
    /// | `label_logits` | float32 | `[n, classes]` | of soft labels only; students train on their softmax |
    /// | `syn_lr` | float32 | `[]` | step size |
    /// | `mean`, `std` | float32 | `[c]` | where the preprocessing is pixels' mean and standard deviation |
    /// | `class_names` | text | `[classes]` | |
    /// | `preprocessing`, `card` | text | `[]` | JSON |
    ///
    /// # Errors
    /// [`StoreError::File`] when the file cannot be written.
    pub fn write_npz(&self, path: impl AsRef<Path>) -> Result<(), StoreError> {
        let arrays = self.decoded().arrays();
        atomic::write_with(path, |file| {
            let mut zip = ZipWriter::new(BufWriter::new(file));
            for array in &arrays {
                zip.start_file(format!("{}.npy", array.name), stored(array.bytes.len()))?;
                zip.write_all(&array.header())?;
                zip.write_all(&array.bytes)?;
            }
            zip.finish()?.flush()
        })?;
        Ok(())
    }

    fn arrays(&self) -> Vec<Array> {
        let mut arrays = vec![Array::f32("images", self.shape.to_vec(), &self.images)];
        let classes = self.image_classes();
        let bytes = classes.iter().flat_map(|label| i64::from(*label).to_le_bytes()).collect();
        arrays.push(Array { name: "labels", descr: "<i8".to_owned(), shape: vec![classes.len()], bytes });
        if let Labels::Soft { logits, classes } = &self.labels {
            arrays.push(Array::f32("label_logits", vec![self.shape[0], *classes], logits));
        }
        arrays.push(Array::f32("syn_lr", Vec::new(), &[self.syn_lr]));
        if let Normalisation::MeanStd { mean, std } = &self.card.preprocessing.normalisation {
            let named = [("mean", mean), ("std", std)];
            arrays.extend(named.map(|(name, values)| Array::f32(name, vec![values.len()], values)));
        }
        arrays.push(Array::text("class_names", vec![self.classes()], &self.card.class_names));
        // As text at once: a JSON value has only 64-bit numbers, and the set's file has these.
        let plain = "a card is plain JSON";
        let preprocessing = serde_json::to_string(&self.card.preprocessing).expect(plain);
        let card = serde_json::to_string(&self.card).expect(plain);
        for (name, text) in [("preprocessing", preprocessing), ("card", card)] {
            arrays.push(Array::text(name, Vec::new(), &[text]));
        }
        arrays
    }
}

impl Array {
    fn f32(name: &'static str, shape: Vec<usize>, values: &[f32]) -> Self {
        let bytes = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        Self { name, descr: "<f4".to_owned(), shape, bytes }
    }

    /// NumPy's text: every string as long as the longest, one UTF-32 unit a character.
    fn text(name: &'static str, shape: Vec<usize>, texts: &[String]) -> Self {
        let longest = texts.iter().map(|text| text.chars().count()).max().unwrap_or(0).max(1);
        let padded = |text: &String| {
            let units: Vec<u32> =
                text.chars().map(u32::from).chain(std::iter::repeat(0)).take(longest).collect();
            units.into_iter().flat_map(u32::to_le_bytes).collect::<Vec<u8>>()
        };
        Self { name, descr: format!("<U{longest}"), shape, bytes: texts.iter().flat_map(padded).collect() }
    }

    /// Magic number, length and the dictionary that NumPy evaluates, padded to [`ALIGNMENT`].
    fn header(&self) -> Vec<u8> {
        let sizes = self.shape.iter().map(|size| format!("{size},")).collect::<Vec<_>>().concat();
        let mut text = format!("{{'descr': '{}', 'fortran_order': False, 'shape': ({sizes}), }}", self.descr);
        let before = MAGIC.len() + 2;
        let padded = (before + text.len() + 1).next_multiple_of(ALIGNMENT);
        text.extend(std::iter::repeat_n(' ', padded - before - text.len() - 1));
        text.push('\n');
        let length = u16::try_from(text.len()).expect("a header of a few numbers");
        [MAGIC, &length.to_le_bytes(), text.as_bytes()].concat()
    }
}
