#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod gsam;
mod recipe;
mod store;
mod train;

pub use gsam::{Gsam, GsamStep};
pub use recipe::{Recipe, RecipeError};
pub use store::{StoreOutcome, header, train_store};
pub use train::{ExpertError, Trained, train_expert};
