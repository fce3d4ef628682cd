//! Pictures as a folder of PNG files, for whatever reads images by class.

use std::collections::HashSet;
use std::io::Cursor;
use std::path::{Path, PathBuf};

use image::{DynamicImage, GrayImage, ImageFormat, RgbImage};

use crate::{contact_sheet::Pictures, error::Error, images::ImageShape};

/// How the pictures lie in their folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FolderLayout {
    /// `00007-coat.png`, all in one folder.
    Flat,
    /// `train/04-coat/00007.png`, as torchvision's `ImageFolder` and Hugging Face's `imagefolder` read them. The
    /// number of the class makes their sorted order that of the labels.
    ByClass,
}

/// Pictures, what their labels stand for, and learned label logits.
#[derive(Debug, Clone, Copy)]
pub struct PictureFolder<'a> {
    /// Pixels in `[0, 1]`; values outside are clipped, and rounded to 256 levels.
    pub pictures: Pictures<'a>,
    /// `[classes]`
    pub class_names: &'a [String],
    /// `[n, classes]` row-major, for labels that are learned; they go into `labels.csv`.
    pub logits: Option<&'a [f32]>,
}

impl PictureFolder<'_> {
    /// Writes the folder, whole or not at all: the pictures, and `labels.csv` with a line for each: `file`, `label`
    /// (index), `class` (name), and `logit_0` to `logit_k` where labels are learned. Only an empty folder is replaced.
    ///
    /// # Errors
    /// [`Error::Format`] when the folder holds something, when pictures have neither one nor three channels, or when
    /// [`FolderLayout::ByClass`] lacks pictures of a class, which would shift the labels after it. [`Error::Count`] when the parts
    /// do not fit each other. [`Error::Io`].
    pub fn write(&self, folder: &Path, layout: FolderLayout) -> Result<(), Error> {
        self.check(folder, layout)?;
        distil_files::atomic::write_folder(folder, |made| self.fill(made, layout))
    }

    fn check(&self, folder: &Path, layout: FolderLayout) -> Result<(), Error> {
        let Pictures { pixels, shape, labels } = self.pictures;
        if distil_files::atomic::is_filled(folder) {
            return Err(Error::format(folder, "the folder is not empty", "choose another one, or remove it"));
        }
        if !matches!(shape.channels, 1 | 3) {
            let problem = format!("pictures have 1 or 3 channels, these have {}", shape.channels);
            return Err(Error::format(folder, problem, "export them as npz"));
        }
        let classes = self.class_names.len();
        for (what, found, expected) in [
            ("values of pictures", pixels.len(), labels.len() * shape.len()),
            (
                "label logits",
                self.logits.map_or(0, <[f32]>::len),
                self.logits.map_or(0, |_| labels.len() * classes),
            ),
        ] {
            if found != expected {
                return Err(Error::Count { what: what.to_owned(), found, expected });
            }
        }
        if let Some(record) = labels.iter().position(|label| *label as usize >= classes) {
            return Err(Error::Label { path: folder.to_owned(), record, label: labels[record], classes });
        }
        let present: HashSet<u32> = labels.iter().copied().collect();
        let missing = (0..classes as u32).find(|class| !present.contains(class));
        match missing.filter(|_| layout == FolderLayout::ByClass) {
            Some(class) => {
                let problem = format!("there is no picture of class {class}, and labels would shift");
                Err(Error::format(folder, problem, "export them as png, whose labels.csv has the labels"))
            }
            None => Ok(()),
        }
    }

    fn fill(&self, folder: &Path, layout: FolderLayout) -> Result<(), Error> {
        let Pictures { pixels, shape, labels } = self.pictures;
        let path = folder.join("labels.csv");
        let mut table = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
        let failed = |error: csv::Error| Error::io(&path, "write")(error.into());
        table.write_record(self.header()).map_err(failed)?;
        for (index, (picture, &label)) in pixels.chunks_exact(shape.len()).zip(labels).enumerate() {
            let file = self.place(index, label, layout);
            let picture_path = folder.join(&file);
            let parent = picture_path.parent().expect("a file below the folder");
            // `write_folder` brings all of it to the disk before it gets its name.
            std::fs::create_dir_all(parent).map_err(Error::io(parent, "create"))?;
            std::fs::write(&picture_path, png(picture, shape)).map_err(Error::io(&picture_path, "write"))?;
            table.write_record(self.line(index, &file)).map_err(failed)?;
        }
        let table = table.into_inner().expect("memory takes every line");
        std::fs::write(&path, table).map_err(Error::io(&path, "write"))
    }

    fn place(&self, index: usize, label: u32, layout: FolderLayout) -> PathBuf {
        let class = plain(&self.class_names[label as usize]);
        match layout {
            FolderLayout::Flat => PathBuf::from(format!("{index:05}-{class}.png")),
            FolderLayout::ByClass => {
                let digits = self.class_names.len().saturating_sub(1).to_string().len();
                Path::new("train").join(format!("{label:0digits$}-{class}")).join(format!("{index:05}.png"))
            }
        }
    }

    fn header(&self) -> Vec<String> {
        let logits = 0..self.logits.map_or(0, |_| self.class_names.len());
        let columns = ["file", "label", "class"].map(str::to_owned).into_iter();
        columns.chain(logits.map(|class| format!("logit_{class}"))).collect()
    }

    fn line(&self, index: usize, file: &Path) -> Vec<String> {
        let label = self.pictures.labels[index] as usize;
        let classes = self.class_names.len();
        let logits = self.logits.map_or(&[][..], |logits| &logits[index * classes..][..classes]);
        let file = file.display().to_string().replace('\\', "/");
        let cells = [file, label.to_string(), self.class_names[label].clone()].into_iter();
        cells.chain(logits.iter().map(f32::to_string)).collect()
    }
}

/// A name that every file system takes.
fn plain(name: &str) -> String {
    let kept = |c: char| if c.is_alphanumeric() || matches!(c, '-' | '_') { c } else { '_' };
    name.chars().map(kept).take(60).collect()
}

/// One picture `[c, h, w]` with one or three channels as a PNG.
fn png(picture: &[f32], shape: ImageShape) -> Vec<u8> {
    let plane = shape.height * shape.width;
    let level = |value: f32| (value.clamp(0.0, 1.0) * 255.0).round() as u8;
    let (width, height) = (shape.width as u32, shape.height as u32);
    let bytes = (0..plane).flat_map(|at| (0..shape.channels).map(move |c| level(picture[c * plane + at])));
    let fits = "one byte a value";
    let image = if shape.channels == 3 {
        DynamicImage::from(RgbImage::from_raw(width, height, bytes.collect()).expect(fits))
    } else {
        DynamicImage::from(GrayImage::from_raw(width, height, bytes.collect()).expect(fits))
    };
    let mut file = Cursor::new(Vec::new());
    image.write_to(&mut file, ImageFormat::Png).expect("memory takes any image that fits into memory");
    file.into_inner()
}

#[cfg(test)]
mod tests {
    use distil_progress::Progress;
    use std::fs;

    use super::*;
    use crate::{DataConfig, DatasetName, HoldOut};

    const SHAPE: ImageShape = ImageShape { channels: 3, height: 1, width: 1 };

    /// Four pictures of two classes, sorted by name in another order than by label.
    fn pixels() -> Vec<f32> {
        [0.0, 0.2, 0.4, 0.6].iter().flat_map(|v| [*v, 1.0, -1.0]).collect()
    }

    fn names() -> Vec<String> {
        vec!["zebra, plain".to_owned(), "a/b".to_owned()]
    }

    #[test]
    fn the_own_reader_finds_pictures_and_labels_again() {
        let folder = tempfile::tempdir().unwrap();
        let (place, pixels, names) = (folder.path().join("out"), pixels(), names());
        let pictures = Pictures { pixels: &pixels, shape: SHAPE, labels: &[0, 0, 1, 1] };
        let set = PictureFolder { pictures, class_names: &names, logits: None };
        set.write(&place, FolderLayout::ByClass).unwrap();
        let config = DataConfig {
            path: Some(place.clone()),
            validation: Some(HoldOut::Count(0)),
            test_share: Some(0.1),
            ..DataConfig::new(DatasetName::Folder)
        };
        let read = config.load(Progress::none()).unwrap();
        assert_eq!(read.class_names, ["0-zebra__plain", "1-a_b"]);
        let mut all: Vec<(u32, [u8; 3])> = Vec::new();
        for split in [&read.train, &read.test] {
            let bytes = split.images.bytes().unwrap().as_chunks::<3>().0;
            all.extend(split.labels.iter().copied().zip(bytes.iter().copied()));
        }
        all.sort_unstable();
        assert_eq!(all, [(0, [0, 255, 0]), (0, [51, 255, 0]), (1, [102, 255, 0]), (1, [153, 255, 0])]);
        let error = set.write(&place, FolderLayout::Flat).unwrap_err().to_string();
        assert!(error.contains("not empty"), "{error}");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "no scratch folder is left");
    }

    #[test]
    fn the_table_has_every_logit_and_quotes_names() {
        let folder = tempfile::tempdir().unwrap();
        let (place, pixels, names) = (folder.path().join("out"), pixels(), names());
        let pictures = Pictures { pixels: &pixels[..6], shape: SHAPE, labels: &[1, 0] };
        let set = PictureFolder { pictures, class_names: &names, logits: Some(&[0.5, 1.0, -2.0, 1e-7]) };
        set.write(&place, FolderLayout::Flat).unwrap();
        let table = fs::read_to_string(place.join("labels.csv")).unwrap();
        assert_eq!(
            table,
            "file,label,class,logit_0,logit_1\r\n00000-a_b.png,1,a/b,0.5,1\r\n\
             00001-zebra__plain.png,0,\"zebra, plain\",-2,0.0000001\r\n"
        );
    }

    #[test]
    fn what_cannot_be_written_is_refused_before_anything_is() {
        let folder = tempfile::tempdir().unwrap();
        let (place, pixels, names) = (folder.path().join("out"), pixels(), names());
        let refused = |shape, labels: &[u32], logits, layout| {
            let pictures = Pictures { pixels: &pixels, shape, labels };
            let set = PictureFolder { pictures, class_names: &names, logits };
            assert!(set.write(&place, layout).is_err() && !place.exists());
        };
        refused(SHAPE, &[0, 0, 0, 0], None, FolderLayout::ByClass);
        refused(SHAPE, &[0, 1], None, FolderLayout::Flat);
        refused(SHAPE, &[0, 0, 0, 2], None, FolderLayout::Flat);
        refused(SHAPE, &[0, 1, 0, 1], Some(&[0.0; 7][..]), FolderLayout::Flat);
        refused(ImageShape { channels: 2, height: 1, width: 1 }, &[0; 6], None, FolderLayout::Flat);
    }
}
