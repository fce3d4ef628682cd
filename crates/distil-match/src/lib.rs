#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod area_weights;
mod chosen;
mod clusters;
mod distiller;
mod distribution;
mod dropout;
mod effect;
mod effect_loss;
mod enhancement;
mod erased;
mod event;
mod gradient;
mod gradient_distance;
mod init;
mod ipc;
mod method;
mod methods;
mod objective;
mod outer;
mod own_state;
mod part_effects;
mod pixels;
mod range;
mod real;
mod real_training;
mod registry;
mod run;
mod schedule;
mod seen;
mod selection;
mod state;
mod switch;
mod trajectory;
mod trajectory_loss;
mod unrolled;
mod view;

pub use area_weights::AreaWeights;
/// What the second-order products of an iteration are: exact, or without Hessians.
pub use distil_hypergrad::Differentiation as Products;
pub use distil_hypergrad::Hypergradient;
pub use distiller::{Distiller, Experts, Inputs, NoExperts, StepError, StepOutcome, StepStatus};
pub use distribution::{DistributionMatching, EmbeddingMatch, match_embeddings};
pub use dropout::{CommonPatternDropout, Criterion, Draw, GateLoss, Granularity};
pub use effect::{Coefficient, EffectAlignment};
pub use effect_loss::{Effect, EffectBatch, EffectLoss};
pub use enhancement::{
    Apply, AreaEnhancement, AreaStatistics, CamNetwork, EnhancementError, MapOf, MapSource,
};
pub use erased::AnyObjective;
pub use event::Event;
pub use gradient::{GradientMatch, GradientMatching, match_gradients};
pub use gradient_distance::{Distance, GradientDistance};
pub use init::{Init, InitError, check_images, initial_rows};
pub use ipc::Ipc;
pub use method::{Bounds, Method, MethodError, refuse_out_of_range, refuse_zero};
pub use objective::{Cost, NormMode, Objective, Passes, Small};
pub use own_state::{Kept, OwnState, Saved};
pub use part_effects::{Change, PartEffect, part_effects};
pub use pixels::{NotPixels, Pixels};
pub use range::{Profile, Range};
pub use real_training::RealTraining;
pub use registry::{
    Family, MethodName, MethodRow, NameTaken, SettingsError, UnknownMethod, method, methods, register,
};
pub use run::{Files, OnEvent, Outcome, RunError, Validate, run, run_unvalidated};
pub use schedule::Window;
pub use selection::Selection;
pub use trajectory::{Gradient, SoftLabels, TrajectoryMatching};
pub use trajectory_loss::{TrajectoryLoss, trajectory_loss};
pub use unrolled::Unrolled;
pub use view::View;
