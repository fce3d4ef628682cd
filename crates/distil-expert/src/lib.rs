//! Experts: networks trained on the real data, a snapshot of their parameters after every epoch.
//!
//! [`Recipe`] says how; [`train_expert`] trains one, and [`train_store`] fills a
//! [`TrajectoryStore`](distil_store::TrajectoryStore) with those that are missing. Expert `i` draws
//! its initial weights, batches and augmentation from streams keyed by `(seed, purpose, i)`, so it
//! does not matter which experts were trained before it, or in which process.

#![forbid(unsafe_code)]

mod gsam;
mod recipe;
mod store;
mod train;

pub use gsam::{Gsam, GsamStep};
pub use recipe::{Recipe, RecipeError};
pub use store::{StoreOutcome, header, train_store};
pub use train::{ExpertError, Trained, train_expert};
