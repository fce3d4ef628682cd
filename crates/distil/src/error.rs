use std::fmt::Display;

use thiserror::Error;

/// Why something could not be done. Each message names what is wrong and the remedy, in one line.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Error {
    /// The listener asked to stop; everything worth keeping is saved.
    #[error("interrupted; {how_on}")]
    Stopped {
        /// How to go on.
        how_on: String,
    },
    /// A configuration cannot be used.
    #[error(transparent)]
    Config(#[from] crate::config::ConfigError),
    /// There is no such device, or it does not compute.
    #[error(transparent)]
    Device(#[from] crate::DeviceError),
    /// The data cannot be loaded.
    #[error(transparent)]
    Data(distil_data::Error),
    /// The network does not fit the data.
    #[error(transparent)]
    Network(#[from] distil_models::NetworkError),
    /// Experts that are needed are not there.
    #[error(transparent)]
    MissingExperts(#[from] crate::MissingExperts),
    /// The experts cannot be trained.
    #[error(transparent)]
    Expert(#[from] distil_expert::ExpertError),
    /// The method cannot run.
    #[error(transparent)]
    Method(#[from] distil_match::MethodError),
    /// The distillation ended early.
    #[error(transparent)]
    Run(#[from] distil_match::RunError),
    /// There is nothing to choose the best set, or a step size, on.
    #[error(transparent)]
    NoValidation(#[from] crate::NoValidation),
    /// Pictures that a model cannot see.
    #[error(transparent)]
    Pictures(#[from] crate::pictures::PicturesError),
    /// A public set that is not one of these data.
    #[error(transparent)]
    PublicSet(#[from] crate::PublicSetError),
    /// No list of names.
    #[error(transparent)]
    ClassNames(#[from] crate::pictures::ClassNamesError),
    /// There is no first configuration for the data.
    #[error(transparent)]
    Starter(#[from] crate::starter::StarterError),
    /// The set cannot begin as its method wants it to.
    #[error(transparent)]
    Init(#[from] distil_match::InitError),
    /// A reduced run has no place.
    #[error(transparent)]
    Reduced(#[from] crate::rows::ReducedError),
    /// Settings cannot be tuned.
    #[error(transparent)]
    Tune(#[from] crate::TuneError),
    /// Gradients of no part can be compared.
    #[error(transparent)]
    Gradients(#[from] crate::GradientsError),
    /// There are no maps for area enhancement.
    #[error(transparent)]
    Maps(#[from] crate::MapsError),
    /// A trained network cannot be used.
    #[error(transparent)]
    Model(#[from] distil_gradcam::ModelError),
    /// Classes of a trained network are not those of the data.
    #[error(transparent)]
    ClassMap(#[from] distil_gradcam::ClassMapError),
    /// A map cannot be computed.
    #[error(transparent)]
    Cam(#[from] distil_gradcam::CamError),
    /// The protocol cannot be followed.
    #[error(transparent)]
    Protocol(#[from] distil_eval::ProtocolError),
    /// The protocol needs a teacher.
    #[error(transparent)]
    NoTeacher(#[from] crate::NoTeacher),
    /// The teacher cannot be used.
    #[error(transparent)]
    Teacher(#[from] distil_eval::TeacherError),
    /// A network cannot be trained.
    #[error(transparent)]
    Student(#[from] distil_eval::StudentError),
    /// The set cannot be evaluated.
    #[error(transparent)]
    Evaluate(#[from] distil_eval::EvaluateError),
    /// There is no set, or it cannot be shown.
    #[error(transparent)]
    Set(#[from] crate::SetError),
    /// Statistics cannot be computed.
    #[error(transparent)]
    Stats(#[from] distil_stats::StatsError),
    /// The run does not fit into memory.
    #[error(transparent)]
    Plan(#[from] crate::PlanError),
    /// The file of a sweep cannot be used.
    #[error(transparent)]
    Sweep(#[from] crate::SweepError),
    /// Complexity cannot be shown.
    #[error(transparent)]
    Complexity(#[from] distil_compdd::CompddError),
    /// A device failed at work.
    #[error("the device failed: {0}; update its driver, or use another --device")]
    Execution(String),
    /// A file cannot be read or written.
    #[error(transparent)]
    Store(#[from] distil_store::StoreError),
    /// There is no place for temporary files.
    #[error("cannot create a temporary folder: {0}; free some space, or give the session a folder")]
    Temporary(std::io::Error),
}

impl Error {
    /// How to go on where nothing else is to be said.
    pub(crate) const AGAIN: &str = "run the same command again to continue";

    pub(crate) fn stopped(how_on: impl Display) -> Self {
        Self::Stopped { how_on: how_on.to_string() }
    }
}

impl From<distil_data::Error> for Error {
    fn from(error: distil_data::Error) -> Self {
        match error {
            distil_data::Error::Stopped => Self::stopped(Self::AGAIN),
            error => Self::Data(error),
        }
    }
}

impl From<distil_store::FileError> for Error {
    fn from(error: distil_store::FileError) -> Self {
        Self::Store(error.into())
    }
}

impl From<distil_store::WriteError> for Error {
    fn from(error: distil_store::WriteError) -> Self {
        Self::Store(error.into())
    }
}
