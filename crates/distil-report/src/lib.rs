//! Reports of distillation runs: one self-contained HTML page with results, curves, a gallery of the synthetic images,
//! settings and provenance, and the table of results as Markdown, CSV and LaTeX. [`Results`] are those of a run that still
//! hold, and [`comparison_markdown`]
//! sets two of them against each other.
//!
//! A page needs neither network nor scripts, follows the reader's light or dark theme, and prints. It is made from what
//! a run folder holds, so it can also be made while the run goes on; what is missing is said on the page.
//!
//! ```
//! use distil_report::{Gallery, write_report};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let folder = tempfile::tempdir()?;
//! # let run = folder.path();
//! # std::fs::write(run.join("run.toml"), "[distil]\nipc = 1\n")?;
//! let gallery = Gallery {
//!     shape: [2, 1, 4, 4], // two grey images of 4×4 pixels
//!     pixels_before: Some(vec![0.5; 32]),
//!     pixels_after: (0..32_u8).map(|i| f32::from(i) / 31.0).collect(),
//!     labels: vec![0, 1],
//!     captions: vec![],
//! };
//! let page = write_report(run, Some(gallery))?;
//! assert!(page.ends_with("report.html"));
//! # Ok(())
//! # }
//! ```

#![forbid(unsafe_code)]

mod axis;
mod chart;
mod comparison;
mod complexity_figure;
mod complexity_page;
mod conditions;
mod confusion;
mod curves;
mod error;
mod export;
mod gallery;
mod history;
mod html;
mod interval;
mod layers;
mod live;
mod methods;
mod per_class;
mod picture;
mod recovery;
mod recovery_table;
mod reliability;
mod report;
mod results;
mod scatter;
mod seen;
mod series;
mod several;
mod significance;
mod table;
mod tensorboard;
#[cfg(test)]
mod testing;
mod tfrecord;
mod tracker;
mod wording;

pub use comparison::{Contender, comparison_markdown};
pub use complexity_figure::{Distribution, EasyHard, EasyHardBars};
pub use complexity_page::ComplexityPage;
pub use conditions::{Incomparable, comparable};
pub use error::ReportError;
pub use export::{results_table_csv, results_table_latex};
pub use gallery::{Gallery, soft_label_captions};
pub use live::LiveRun;
pub use methods::{MethodRow, MethodsTable, Reference};
pub use recovery::{Recovery, RecoveryError};
pub use recovery_table::{recovery_table_csv, recovery_table_latex, recovery_table_markdown};
pub use report::{Report, write_report, write_reports};
pub use results::Results;
pub use table::{results_table_markdown, text_table};
pub use tensorboard::{tensorboard_header, tensorboard_record};
pub use tracker::Tracker;
