//! Trajectory matching and its kin.
//!
//! A [`Method`] is a value that says what is learned and how; [`Distiller`] is the state between two
//! iterations, and [`run`] drives it to the end, writing events, checkpoints and synthetic sets into
//! a [`RunFolder`](distil_store::RunFolder). MTT, FTD, DATM, M-DATM and EDF are values of one type.
//!
//! ```
//! use distil_match::Method;
//! let ftd = Method::ftd();
//! assert_eq!(Method { ema: 0.0, ..ftd }, Method::mtt());
//! assert!(Method::datm().check(50).is_ok());
//! // EDF is DATM's loop with two more values.
//! let edf = Method::edf();
//! let plain = Method { dropout: None, enhancement: None, ..edf.clone() };
//! assert!(edf.dropout.is_some() && edf.enhancement.is_some());
//! assert_eq!(plain.labels, Method::datm().labels);
//! ```

mod distiller;
mod dropout;
mod enhancement;
mod event;
mod init;
mod method;
mod outer;
pub mod plan;
mod range;
mod run;
mod schedule;
mod state;
mod switch;
mod trajectory;

pub use distiller::{Distiller, Ingredients, StepError, StepOutcome, Verdict};
pub use dropout::{CommonPatternDropout, Criterion, Draw, Granularity};
pub use enhancement::{Apply, AreaEnhancement, AreaStatistics, CamNetwork, EnhancementError};
pub use event::Event;
pub use init::{Init, InitError};
pub use method::{Gradient, Method, MethodError};
pub use range::{Profile, Range};
pub use run::{Files, Outcome, RunError, Told, Validate, run};
pub use schedule::Window;
pub use trajectory::{TrajectoryLoss, trajectory_loss};
