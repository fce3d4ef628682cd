//! Students of a configuration's protocol: the data as they see them, their networks, and their teacher.

use std::borrow::Cow;
use std::path::Path;

use distil_data::Preprocessing;
use distil_eval::{EvaluateError, Evaluator, Protocol, ProtocolData, Teacher};
use distil_gradcam::{CamModel, ClassRule};
use distil_models::{Arch, Network, NetworkConfig};
use distil_store::SyntheticSet;
use serde::Deserialize;
use serde_json::{Value, json};

use super::cam_network;
use crate::failure::Failure;
use crate::session::Session;

/// Everything that training and testing a student takes.
#[derive(Debug)]
pub(crate) struct Students<'a> {
    pub(crate) session: &'a Session<'a>,
    grounds: ProtocolData<'a>,
    teacher: Option<Taught>,
}

/// A teacher, and what tells it from others.
#[derive(Debug)]
struct Taught {
    teacher: Teacher,
    digest: String,
}

impl<'a> Students<'a> {
    /// The students of a configuration.
    ///
    /// # Errors
    /// [`Failure`] when the data cannot be turned into the protocol's input, or its teacher is missing or does not fit.
    pub(crate) fn of(session: &'a Session<'a>) -> Result<Self, Failure> {
        let protocol = &session.config.eval;
        if protocol.distillation.is_some() && protocol.teacher.is_none() {
            return Err(Failure::new(
                format_args!(
                    "students of protocol {} learn from a teacher, and none is named",
                    protocol.name()
                ),
                "name one with --teacher FILE: a model of `distil train-cam` on these data, or torchvision's resnet18",
            ));
        }
        Self::taught_by(session, protocol.teacher.as_deref())
    }

    /// The same with a teacher, whether the protocol has one or not.
    ///
    /// # Errors
    /// As [`Students::of`].
    pub(crate) fn taught_by(session: &'a Session<'a>, teacher: Option<&Path>) -> Result<Self, Failure> {
        let grounds = ProtocolData::new(&session.config.eval, &session.dataset)?;
        let teacher = teacher.map(|path| taught(session, &grounds, path)).transpose()?;
        Ok(Self { session, grounds, teacher })
    }

    pub(crate) fn protocol(&self) -> &'a Protocol {
        &self.session.config.eval
    }

    /// The data as the protocol sees them.
    pub(crate) fn dataset(&self) -> &distil_data::Dataset {
        self.grounds.dataset()
    }

    pub(crate) fn teacher(&self) -> Option<&Teacher> {
        self.teacher.as_ref().map(|taught| &taught.teacher)
    }

    /// A set as the protocol sees it.
    ///
    /// # Errors
    /// [`EvaluateError`] when it is not one of these data.
    pub(crate) fn set<'s>(&self, set: &'s SyntheticSet) -> Result<Cow<'s, SyntheticSet>, EvaluateError> {
        self.grounds.set(set)
    }

    /// The students' network of an architecture: the configuration's ConvNet, and the published form of others.
    ///
    /// # Errors
    /// [`Failure`] when it does not fit the images.
    pub(crate) fn network(&self, arch: Arch) -> Result<Network, Failure> {
        let Session { config, dataset, .. } = self.session;
        let (shape, classes) = (dataset.shape(), dataset.classes());
        let convnet = config.eval.convnet(&config.model);
        let published = NetworkConfig::published(arch);
        Ok(published.build(&convnet, shape.channels, classes, shape.height, shape.width)?)
    }

    pub(crate) fn evaluator<'s>(&'s self, net: &'s Network) -> Evaluator<'s> {
        let Session { config, device, .. } = self.session;
        let dataset = self.dataset();
        Evaluator { net, dataset, protocol: &config.eval, teacher: self.teacher(), seed: config.seed, device }
    }

    /// What decides what a student achieves, besides its network and the data.
    pub(crate) fn values(&self) -> Value {
        let mut values = self.protocol().values();
        if let (Some(taught), Value::Object(map)) = (&self.teacher, &mut values) {
            map.insert("teacher".to_owned(), json!(taught.digest));
        }
        values
    }
}

/// A teacher, ready to see what the students see.
fn taught(session: &Session<'_>, grounds: &ProtocolData<'_>, path: &Path) -> Result<Taught, Failure> {
    let shape = session.dataset.shape();
    let model = CamModel::open(path, [shape.height, shape.width])?;
    let classes = cam_network::mapped(session, ClassRule::Mapped, &model)?;
    let labels: Vec<u32> = (0..session.dataset.classes() as u32).collect();
    let teacher = Teacher::new(model.network.clone(), &model.state, &session.device)
        .with_classes(&classes.classes(&labels)?)
        .with_input(
            &preprocessing(path, &model)?.normalisation,
            &grounds.dataset().preprocessing.normalisation,
            [shape.channels, shape.height, shape.width],
        )?;
    Ok(Taught { teacher, digest: model.digest() })
}

fn preprocessing(path: &Path, model: &CamModel) -> Result<Preprocessing, Failure> {
    Preprocessing::deserialize(&model.card.preprocessing).map_err(|error| {
        Failure::new(
            format_args!("the card of {} has no preprocessing that is known ({error})", path.display()),
            "train the teacher with this version of `distil train-cam`",
        )
    })
}
