//! Decoded images of a set that need not fit into memory.

use serde::{Deserialize, Serialize};

use distil_store::Resize;

use crate::{
    config::DataConfig,
    dataset::Split,
    error::Error,
    image_list::ImageList,
    images::{ImageShape, Images},
    parallel::on_all_cores,
    picture,
};

/// How images of a stream are decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StreamOptions {
    /// The size they are brought to.
    pub resize: Resize,
    /// 1 (grey) or 3 (red, green, blue; grey ones are repeated).
    pub channels: usize,
    /// Images that are decoded and handed out at once, at least 1. Memory holds one such shard,
    /// `shard · channels · height · width` bytes, and one encoded file a core.
    pub shard: usize,
}

/// Images handed out at once.
#[derive(Debug, Clone, PartialEq)]
pub struct Shard {
    /// Row of the first one in the list.
    pub start: usize,
    /// `[n]` names, as [`ImageList::name`] gives them.
    pub names: Vec<String>,
    /// `[n]` images and labels. Network input is pixels in `[0, 1]`; [`Images::with_mean_std`] changes that.
    pub split: Split,
}

/// How far a stream has come, to be stored and continued from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StreamPosition {
    /// [`ImageList::digest`] of the list.
    pub list: String,
    /// Row of the next image.
    pub next: usize,
}

/// Goes through a list of images, a shard at a time, decoded on all cores. After an error it ends; its position is then
/// that of the shard with the unreadable image.
///
/// ```no_run
/// use distil_data::{DataConfig, ImageStream};
/// use std::{ops::ControlFlow, path::PathBuf};
/// let config = DataConfig {
///     data_dir: Some(PathBuf::from("/data/imagenet")),
///     ..DataConfig::new("comp-dd/bird-hard".parse()?)
/// };
/// let list = config.list()?.train;
/// let options = config.stream_options(64)?;                       // 3x128x128, as the papers have it
/// let mut stream = ImageStream::new(list.clone(), options)?;
/// let first = stream.next().transpose()?;                        // names, labels, pixels of 64 images
/// let position = stream.position();                              // serde: store it with what was computed
/// let rest = ImageStream::resume(list, options, &position)?;     // refuses another list
/// # Ok::<(), distil_data::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct ImageStream {
    list: ImageList,
    digest: String,
    options: StreamOptions,
    next: usize,
    failed: bool,
}

impl ImageStream {
    /// A stream from the first image on.
    ///
    /// # Errors
    /// [`Error::Count`] when `options` asks for an empty shard, empty images, or neither 1 nor 3 channels.
    pub fn new(list: ImageList, options: StreamOptions) -> Result<Self, Error> {
        let count = |what: &str, found, expected| Error::Count { what: what.to_owned(), found, expected };
        if options.shard == 0 {
            return Err(count("images of a shard", 0, 1));
        }
        if !matches!(options.channels, 1 | 3) {
            return Err(count("channels of a stream", options.channels, 3));
        }
        if options.resize.height.min(options.resize.width) == 0 {
            return Err(count("pixels to a side of a stream's images", 0, 1));
        }
        let digest = list.digest();
        Ok(Self { list, digest, options, next: 0, failed: false })
    }

    /// A stream that continues where another over the same list stopped.
    ///
    /// # Errors
    /// As [`ImageStream::new`], and [`Error::Config`] when the position is one in another list.
    pub fn resume(list: ImageList, options: StreamOptions, from: &StreamPosition) -> Result<Self, Error> {
        let mut stream = Self::new(list, options)?;
        if stream.digest != from.list || from.next > stream.list.len() {
            let problem = "files were added, removed or renamed since the pass over the images began; restore \
                           them, or begin again";
            return Err(Error::config("path", problem));
        }
        stream.next = from.next;
        Ok(stream)
    }

    /// How far it has come: everything before this row was handed out.
    pub fn position(&self) -> StreamPosition {
        StreamPosition { list: self.digest.clone(), next: self.next }
    }

    /// Images in all.
    pub fn total(&self) -> usize {
        self.list.len()
    }

    fn shard(&self) -> Result<Shard, Error> {
        let StreamOptions { resize, channels, shard } = self.options;
        let end = self.list.len().min(self.next.saturating_add(shard));
        let rows: Vec<usize> = (self.next..end).collect();
        let shape = ImageShape { channels, height: resize.height, width: resize.width };
        let decoded = on_all_cores(&rows, |&row| {
            let file = &self.list.files[row];
            picture::decode(&file.path, &file.read()?, channels, Some(resize))
        });
        let mut pixels = Vec::with_capacity(rows.len() * shape.len());
        for picture in decoded {
            pixels.extend(picture?.bytes);
        }
        let names = rows.iter().map(|&row| self.list.name(row)).collect();
        let labels = self.list.labels[self.next..end].to_vec();
        Ok(Shard { start: self.next, names, split: Split::new(Images::from_u8(shape, pixels)?, labels)? })
    }
}

impl Iterator for ImageStream {
    type Item = Result<Shard, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.failed || self.next >= self.list.len() {
            return None;
        }
        let shard = self.shard();
        match &shard {
            Ok(shard) => self.next += shard.split.len(),
            Err(_) => self.failed = true,
        }
        Some(shard)
    }
}

impl DataConfig {
    /// Options of a stream that decodes as [`DataConfig::load`] does, in colour.
    ///
    /// # Errors
    /// [`Error::Config`] when the set has no fixed resolution and `resolution` is not set.
    pub fn stream_options(&self, shard: usize) -> Result<StreamOptions, Error> {
        let missing =
            || Error::config("resolution", "is missing; set the size that streamed images are brought to");
        let own = self.name.spec().shape.map(|shape| self.resize_to(shape.height));
        let resize = self.wanted_resize().or(own).ok_or_else(missing)?;
        Ok(StreamOptions { resize, channels: 3, shard })
    }
}
