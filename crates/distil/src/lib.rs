//! Dataset distillation as a library.
//!
//! The crates below this one compute; this one knows what a user writes: configurations in layers, the published settings
//! of each method, the keys that exist. The program `distil` is a thin shell around it.
//!
//! ```
//! use distil::config::{Config, Layer};
//! let layers = vec![Layer::from_set("method=dm")?, Layer::from_set("distill.ipc=10")?];
//! let config = Config::resolve(layers, "example")?;
//! assert_eq!((config.distill.ipc, config.distill.iterations), (10, 20_000));
//! # Ok::<(), distil::config::ConfigError>(())
//! ```

#![forbid(unsafe_code)]
// The types of GPU backends nest deeper than the default.
#![recursion_limit = "256"]

pub mod config;
