use thiserror::Error;

/// Why a session could not do what it was asked. Each message names what is wrong and what would do.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Error {
    /// A configuration cannot be used.
    #[error(transparent)]
    Config(#[from] crate::config::ConfigError),
    /// The data cannot be loaded.
    #[error(transparent)]
    Data(#[from] distil_data::Error),
    /// The network does not fit the data.
    #[error(transparent)]
    Network(#[from] distil_models::ConvNetError),
    /// The experts cannot be trained.
    #[error(transparent)]
    Expert(#[from] distil_expert::ExpertError),
    /// The method cannot run.
    #[error(transparent)]
    Method(#[from] distil_match::MethodError),
    /// The distillation ended early.
    #[error(transparent)]
    Run(#[from] distil_match::RunError),
    /// The protocol cannot be followed.
    #[error(transparent)]
    Protocol(#[from] distil_eval::ProtocolError),
    /// The set cannot be evaluated.
    #[error(transparent)]
    Evaluate(#[from] distil_eval::EvaluateError),
    /// A file cannot be read or written.
    #[error(transparent)]
    Store(#[from] distil_store::StoreError),
    /// There is no place for temporary files.
    #[error(
        "cannot create a temporary folder: {0}; free some space, or give the session a folder of its own"
    )]
    Temporary(std::io::Error),
}
