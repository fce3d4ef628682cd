//! Synthetic sets of public code, which record neither preprocessing nor classes: made into sets of these data.

use std::fmt;

use distil_data::{ImageShape, Normalisation, Preprocessing, Transform};
use distil_store::{Card, Decoding, LabelKind, Labels, PublicImages, SyntheticSet};
use serde_json::json;
use thiserror::Error;

use crate::{Error, Session};

/// A set as its files have it, and what is known of it besides.
#[derive(Debug)]
pub struct PublicSet {
    /// Its images.
    pub images: PublicImages,
    /// Its labels.
    pub labels: Labels,
    /// The class each image was made for, where labels are learned; that of the highest label without it. Other programs save
    /// images in any order, so the place says nothing.
    pub image_classes: Option<Vec<u32>>,
    /// Its step size.
    pub syn_lr: f32,
    /// How its pixels were prepared.
    pub prepared: Prepared,
}

/// How pixels in `[0, 1]` became those of the file.
#[derive(Debug, Clone, PartialEq)]
pub enum Prepared {
    /// By mean and standard deviation of each channel: these, or those of the session's data.
    MeanStd(Option<[Vec<f32>; 2]>),
    /// By ZCA, with the matrices of the session's data.
    Zca,
    /// Not at all.
    Identity,
}

impl fmt::Display for Prepared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::MeanStd(_) => "mean-std",
            Self::Zca => "zca",
            Self::Identity => "none",
        })
    }
}

/// A public set that is not one of the session's data.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum PublicSetError {
    /// Its images have another shape.
    #[error(
        "the set holds images of {}, the data have {wanted}; name the configuration of the data it was distilled from, or \
         set data.resolution",
        found.map(|side| side.to_string()).join("x")
    )]
    Shape {
        /// Channels, height and width of the set.
        found: [usize; 3],
        /// Shape of the data.
        wanted: ImageShape,
    },
    /// The session's data are prepared otherwise.
    #[error(
        "the set is said to be prepared by {stated}, but the data of the configuration by {own}; import it for data that \
         are prepared alike: --set data.zca={zca}"
    )]
    Prepared {
        /// What the user said.
        stated: Prepared,
        /// What the data are.
        own: Box<Preprocessing>,
        /// Whether ZCA would be alike.
        zca: bool,
    },
    /// Classes were given besides hard labels.
    #[error(
        "the labels are the classes of the images already; leave out --image-classes, which is for learned labels"
    )]
    ClassesTwice,
    /// Not one class for each image.
    #[error(
        "there are the classes of {given} images, and the set has {images}; give one class index an image, in their order"
    )]
    ClassCount {
        /// Classes given.
        given: usize,
        /// Images of the set.
        images: usize,
    },
}

impl Session {
    /// A public set as one of these data.
    ///
    /// # Errors
    /// [`PublicSetError`] says what does not fit.
    pub fn import_set(&self, public: PublicSet) -> Result<SyntheticSet, Error> {
        let PublicSet { images, labels, image_classes, syn_lr, prepared } = public;
        let [count, channels, height, width] = images.shape;
        let wanted = self.dataset.shape();
        if [channels, height, width] != [wanted.channels, wanted.height, wanted.width] {
            return Err(PublicSetError::Shape { found: [channels, height, width], wanted }.into());
        }
        let pixels = self.own_pixels(&prepared, images.pixels)?;
        let card = self.card_of(count, &labels);
        let mut set = SyntheticSet { images: pixels, shape: images.shape, labels, syn_lr, card };
        let classes = match image_classes {
            None => set.hard_labels(),
            Some(_) if set.labels.kind() == LabelKind::Hard => {
                return Err(PublicSetError::ClassesTwice.into());
            }
            Some(given) if given.len() != count => {
                return Err(PublicSetError::ClassCount { given: given.len(), images: count }.into());
            }
            Some(given) => given,
        };
        if set.known_classes().as_ref() != Some(&classes) {
            set.card.image_classes = Some(classes);
        }
        self.tell_counts(&set);
        Ok(set)
    }

    /// Pixels as the session's data are prepared.
    fn own_pixels(&self, prepared: &Prepared, pixels: Vec<f32>) -> Result<Vec<f32>, Error> {
        let (own, shape) = (&self.dataset.transform, self.dataset.shape());
        let stated = match prepared {
            Prepared::MeanStd(Some([mean, std])) => {
                Some(Normalisation::MeanStd { mean: mean.clone(), std: std.clone() })
            }
            Prepared::Identity => Some(Normalisation::Identity),
            Prepared::MeanStd(None) | Prepared::Zca => None,
        };
        if let Some(normalisation) = stated {
            let resize = own.preprocessing().resize;
            let stated = Transform::from(Preprocessing { resize, normalisation });
            return Ok(own.apply(shape, &stated.invert(shape, &pixels)?)?);
        }
        let progress = self.progress();
        match (prepared, &own.preprocessing().normalisation) {
            (Prepared::MeanStd(_), Normalisation::MeanStd { mean, std }) => progress.note(format_args!(
                "taking the configuration's mean {mean:.4?} and std {std:.4?}; give --mean and --std if it had others"
            )),
            (Prepared::Zca, Normalisation::Zca(_)) => progress.note(format_args!(
                "taking the ZCA matrices of the configuration's training images; the public code fits them on all of them"
            )),
            (stated, _) => {
                let (stated, own) = (stated.clone(), Box::new(own.preprocessing().clone()));
                let zca = stated == Prepared::Zca;
                return Err(PublicSetError::Prepared { stated, own, zca }.into());
            }
        }
        Ok(pixels)
    }

    fn card_of(&self, images: usize, labels: &Labels) -> Card {
        let Self { config, dataset, net, .. } = self;
        Card {
            dataset: dataset.name.clone(),
            dataset_digest: dataset.digest.clone(),
            class_names: dataset.class_names.clone(),
            preprocessing: dataset.preprocessing().clone(),
            decoding: Decoding::Pixels,
            label_kind: labels.kind(),
            ipc: images.div_ceil(dataset.classes().max(1)),
            image_classes: None,
            augmentation: config.distill.augmentation.to_string(),
            architecture: json!(net),
            method: format!("{} (imported)", config.method.as_str()),
            iteration: 0,
            seed: config.seed,
            distil_version: env!("CARGO_PKG_VERSION").to_owned(),
            command: "distil import".to_owned(),
        }
    }

    /// Says where classes do not have as many images each.
    fn tell_counts(&self, set: &SyntheticSet) {
        let mut counts = vec![0_usize; set.classes()];
        set.image_classes().into_iter().for_each(|class| counts[class as usize] += 1);
        let (least, most) = (counts.iter().min().copied(), counts.iter().max().copied());
        let (Some(least), Some(most)) = (least, most) else { return };
        let progress = self.progress();
        if least != most {
            progress.note(format_args!("its classes have {least} to {most} images"));
        }
        let without = counts.iter().zip(&set.card.class_names).filter(|(count, _)| **count == 0);
        let without: Vec<&str> = without.map(|(_, name)| name.as_str()).collect();
        match without[..] {
            [] => {}
            [only] => progress.warn(format_args!("there is no image of the class {only}")),
            [first, ..] => progress.warn(format_args!(
                "there is no image of {} of the {} classes, {first} among them",
                without.len(),
                counts.len()
            )),
        }
    }
}
