#![doc = include_str!("../README.md")]
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
pub use methods::{MethodRow, MethodsTable, Reference, StuckRun};
pub use recovery::{Recovery, RecoveryError};
pub use recovery_table::{recovery_table_csv, recovery_table_latex, recovery_table_markdown};
pub use report::{Report, write_report, write_reports};
pub use results::Results;
pub use table::{results_table_markdown, text_table};
pub use tensorboard::{tensorboard_header, tensorboard_record};
pub use tracker::Tracker;
