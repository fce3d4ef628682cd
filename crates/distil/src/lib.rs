#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]
// The types of GPU backends nest deeper than the default.
#![recursion_limit = "256"]

pub mod bench;
mod campaign;
mod choice;
pub mod citations;
pub mod complexity;
pub mod config;
mod device;
pub mod doctor;
mod duration;
mod error;
mod evaluation;
mod experts;
mod inspection;
pub mod machine;
mod maps_network;
pub mod pictures;
mod place;
pub mod plan;
mod predict;
mod public_sets;
mod rank;
pub mod rows;
mod run;
mod session;
pub mod sets;
pub mod starter;
mod students;
mod sweep;
mod training;
mod tune;

pub use campaign::{Campaign, CampaignEntry, Finished, Quote, State, Verdict};
pub use choice::{DeviceChoice, DeviceError, devices};
pub use device::Device;
pub use distil_eval::Protocol;
pub use distil_files::panic_is_expected;
pub use distil_match::Method;
pub use distil_progress::{News, Progress, Step};
pub use distil_store::SyntheticSet;
pub use duration::duration;
pub use error::Error;
pub use evaluation::{Which, untested_classes};
pub use experts::MissingExperts;
pub use inspection::{GradientEffects, GradientsError, inspection_table};
pub use maps_network::MapsError;
pub use place::{RUNS, run_folder};
pub use plan::{Bound, Durations, Limit, Plan, PlanError, Times, size};
pub use predict::{Prediction, Predictions, predict};
pub use public_sets::{Prepared, PublicSet, PublicSetError};
pub use rank::RankSettings;
pub use run::{Existing, NoValidation, RunPlace};
pub use session::{Score, Session, SessionBuilder};
pub use sets::{SetError, SetSource};
pub use students::{NoTeacher, Students};
pub use sweep::{Cell, Sweep, SweepError, SweepPlan};
pub use training::train_on;
pub use tune::{Key, Tune, TuneError, Tuned};

/// The crates that compute, whole: what a longer program needs without naming each of them as a dependency.
pub mod crates {
    pub use {
        distil_augment as augment, distil_compdd as compdd, distil_data as data, distil_engine as engine,
        distil_eval as eval, distil_expert as expert, distil_gradcam as gradcam,
        distil_hypergrad as hypergrad, distil_match as matching, distil_models as models,
        distil_random as random, distil_report as report, distil_stats as stats, distil_store as store,
    };
}

/// The published ConvNet: width 128, instance norm, average pools, and a depth that fits the images.
pub fn convnet() -> distil_models::NetworkConfig {
    distil_models::NetworkConfig::default()
}

/// Datasets.
pub mod data {
    pub use distil_data::{DataConfig, Dataset, DatasetName};

    /// Generated images of large glyphs with few distractors, which need no files.
    pub fn clutter_easy() -> DataConfig {
        DataConfig::new(DatasetName::ClutterEasy)
    }

    /// Images of your own: a folder with a subfolder for each class.
    pub fn folder(path: impl Into<std::path::PathBuf>) -> DataConfig {
        DataConfig { path: Some(path.into()), ..DataConfig::new(DatasetName::Folder) }
    }
}

pub mod methods;

/// How sets are evaluated.
pub mod protocols {
    pub use distil_eval::ProtocolName;

    use crate::Protocol;

    /// That of MTT, FTD and TESLA: five students of 1,000 epochs.
    pub fn mtt() -> Protocol {
        Protocol::default()
    }

    /// A protocol of the literature.
    pub fn named(name: ProtocolName) -> Protocol {
        Protocol::named(name)
    }
}
