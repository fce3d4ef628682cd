//! Trajectory matching and its kin.
//!
//! A [`Method`] is a value that says what is learned and how; [`Distiller`] is the state between two
//! iterations, and [`run`] drives it to the end, writing events, checkpoints and synthetic sets into
//! a [`RunFolder`](distil_store::RunFolder). MTT, FTD, DATM and M-DATM are four values of one type.
//!
//! ```
//! use distil_match::Method;
//! let ftd = Method::ftd();
//! assert_eq!(Method { ema: 0.0, ..ftd }, Method::mtt());
//! assert!(Method::datm().check(50).is_ok());
//! ```

mod distiller;
mod init;
mod method;
mod outer;
mod run;
mod schedule;
mod state;
mod trajectory;

pub use distiller::{Distiller, Ingredients, StepOutcome, Verdict};
pub use init::{Init, InitError};
pub use method::{Gradient, Method, MethodError};
pub use run::{Event, Files, Outcome, RunError, Told, Validate, run};
pub use schedule::Window;
pub use trajectory::{CommonPatternDropout, Granularity, TrajectoryLoss, trajectory_loss};
