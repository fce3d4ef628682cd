use std::ops::Range;

use distil_data::{Error, ImageList, ImageStream, Resize, ResizeFilter, ResizePolicy, Split, StreamOptions};
use serde::{Deserialize, Serialize};

use crate::CompddError;

/// Images that [`Source::unreadable`] decodes at once, and the side it brings them to: the smaller the faster.
const TRIED_AT_ONCE: usize = 64;
const TRIED_SIDE: usize = 8;

/// The images of a pass: listed or in memory.
#[derive(Debug, Clone)]
pub enum Source {
    /// Image files, decoded when they are needed: of any number.
    Files(ImageList),
    /// Images in memory that still have their pixels, and the digest of the data they are from.
    Memory {
        /// The images and their labels.
        split: Split,
        /// Digest of the data.
        digest: String,
    },
}

/// What is done when an image cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum BadImages {
    /// The pass ends there.
    #[default]
    Refuse,
    /// They are listed and left out.
    Skip,
}

/// An image that was left out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Skipped {
    /// Its name below the data's folder.
    pub name: String,
    /// Why.
    pub problem: String,
}

/// Decoded images.
pub(crate) struct Batch {
    /// Rows that were gone through, also those left out.
    pub(crate) rows: Range<usize>,
    /// Row of each decoded image, `[n]`.
    pub(crate) at: Vec<usize>,
    /// `[n]`
    pub(crate) labels: Vec<u32>,
    /// `[n, c, h, w]` in `[0, 1]`.
    pub(crate) pixels: Vec<f32>,
    pub(crate) skipped: Vec<Skipped>,
}

impl Source {
    /// Number of images.
    pub fn len(&self) -> usize {
        match self {
            Self::Files(list) => list.len(),
            Self::Memory { split, .. } => split.len(),
        }
    }

    /// Whether there is no image.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// `[n]` class indices.
    pub fn labels(&self) -> &[u32] {
        match self {
            Self::Files(list) => list.labels(),
            Self::Memory { split, .. } => &split.labels,
        }
    }

    /// The images at `rows`, in that order.
    ///
    /// # Panics
    /// When there is no such row.
    #[must_use]
    pub fn subset(&self, rows: &[usize]) -> Self {
        match self {
            Self::Files(list) => Self::Files(list.subset(rows)),
            Self::Memory { split, digest } => {
                Self::Memory { split: split.subset(rows), digest: digest.clone() }
            }
        }
    }

    /// The images that cannot be decoded, after trying every one: what a training on them has to leave out.
    ///
    /// # Errors
    /// [`CompddError::Unreadable`] for the first one with [`BadImages::Refuse`], [`CompddError::NothingReadable`] when so
    /// many in a row cannot be read that it cannot be chance.
    pub fn unreadable(&self, bad: BadImages) -> Result<Vec<Skipped>, CompddError> {
        let Self::Files(list) = self else { return Ok(Vec::new()) };
        let resize = Resize {
            policy: ResizePolicy::Squash,
            filter: ResizeFilter::Bilinear,
            height: TRIED_SIDE,
            width: TRIED_SIDE,
        };
        let mut found = Vec::new();
        for start in (0..list.len()).step_by(TRIED_AT_ONCE) {
            let rows = start..list.len().min(start + TRIED_AT_ONCE);
            found.extend(files(list, rows, Wanted { channels: 3, resize }, bad)?.skipped);
        }
        Ok(found)
    }

    /// Digest of the images' names or pixels and labels.
    pub(crate) fn digest(&self) -> String {
        match self {
            Self::Files(list) => list.digest(),
            Self::Memory { digest, split } => format!("{digest} {}", split.len()),
        }
    }

    pub(crate) fn read(
        &self,
        rows: Range<usize>,
        wanted: Wanted,
        bad: BadImages,
    ) -> Result<Batch, CompddError> {
        match self {
            Self::Files(list) => files(list, rows, wanted, bad),
            Self::Memory { split, .. } => memory(split, rows),
        }
    }
}

/// The shape that images are brought to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wanted {
    pub(crate) channels: usize,
    pub(crate) resize: Resize,
}

fn memory(split: &Split, rows: Range<usize>) -> Result<Batch, CompddError> {
    let at: Vec<usize> = rows.clone().collect();
    let pixels = split.images.pictures(&at).ok_or(CompddError::NoPixels)?;
    Ok(Batch { labels: split.gather_labels(&at), at, rows, pixels, skipped: Vec::new() })
}

fn files(list: &ImageList, rows: Range<usize>, wanted: Wanted, bad: BadImages) -> Result<Batch, CompddError> {
    let at: Vec<usize> = rows.clone().collect();
    match decode(list, &at, wanted) {
        Ok(split) => Ok(batch(rows, at, &split, Vec::new())),
        Err(error) if bad == BadImages::Refuse => Err(CompddError::Unreadable(error)),
        Err(_) => readable(list, rows, wanted),
    }
}

/// One by one, the images that can be read.
fn readable(list: &ImageList, rows: Range<usize>, wanted: Wanted) -> Result<Batch, CompddError> {
    let (mut at, mut skipped, mut first_problem) = (Vec::new(), Vec::new(), None);
    for row in rows.clone() {
        match decode(list, &[row], wanted) {
            Ok(_) => at.push(row),
            Err(source) => {
                skipped.push(Skipped { name: list.name(row), problem: source.to_string() });
                first_problem.get_or_insert(source);
            }
        }
    }
    match first_problem {
        Some(source) if at.is_empty() && rows.len() > 1 => {
            Err(CompddError::NothingReadable { first: rows.start, images: rows.len(), source })
        }
        _ if at.is_empty() => Ok(Batch { rows, at, labels: Vec::new(), pixels: Vec::new(), skipped }),
        _ => {
            let split = decode(list, &at, wanted).map_err(CompddError::Unreadable)?;
            Ok(batch(rows, at, &split, skipped))
        }
    }
}

fn batch(rows: Range<usize>, at: Vec<usize>, split: &Split, skipped: Vec<Skipped>) -> Batch {
    let all: Vec<usize> = (0..split.len()).collect();
    Batch { rows, at, labels: split.labels.clone(), pixels: split.images.gather(&all), skipped }
}

fn decode(list: &ImageList, rows: &[usize], Wanted { channels, resize }: Wanted) -> Result<Split, Error> {
    let options = StreamOptions { resize, channels, shard: rows.len().max(1) };
    let shard = ImageStream::new(list.subset(rows), options)?.next().transpose()?;
    Ok(shard.expect("a list with images has a shard").split)
}
