//! Students of a protocol: the data as they see them, their networks, and their teacher.

use std::borrow::Cow;
use std::path::Path;

use distil_data::Dataset;
use distil_eval::{EvaluateError, Evaluator, Protocol, ProtocolData, Teacher};
use distil_gradcam::{CamModel, ClassRule};
use distil_models::{Arch, Network, NetworkConfig};
use distil_store::SyntheticSet;
use serde_json::{Value, json};
use thiserror::Error;

use crate::{Error, Session};

/// Everything that training and testing a student takes.
#[derive(Debug)]
pub struct Students<'a> {
    pub(crate) session: &'a Session,
    protocol: &'a Protocol,
    data: ProtocolData<'a>,
    teacher: Option<NamedTeacher>,
}

/// A teacher, and what tells it from others.
#[derive(Debug)]
struct NamedTeacher {
    teacher: Teacher,
    digest: String,
}

/// A protocol whose students need a teacher, and none is named.
#[derive(Debug, Error)]
#[error(
    "students of protocol {protocol} learn from a teacher, and none is named; name one with --teacher FILE: a model of `distil train` on these data, or torchvision's resnet18"
)]
pub struct NoTeacher {
    /// Name of the protocol.
    protocol: String,
}

impl<'a> Students<'a> {
    /// The students of the configuration.
    ///
    /// # Errors
    /// [`enum@Error`] when the data cannot be turned into the protocol's input, or its teacher is missing or does not fit.
    pub fn of(session: &'a Session) -> Result<Self, Error> {
        Self::by(session, &session.config.eval)
    }

    /// The students of a protocol.
    ///
    /// # Errors
    /// As [`Students::of`].
    pub fn by(session: &'a Session, protocol: &'a Protocol) -> Result<Self, Error> {
        if protocol.distillation.is_some() && protocol.teacher.is_none() {
            return Err(NoTeacher { protocol: protocol.name().to_string() }.into());
        }
        Self::taught_by(session, protocol, protocol.teacher.as_deref())
    }

    /// The students of a protocol with a teacher, whether the protocol has one or not.
    ///
    /// # Errors
    /// As [`Students::of`].
    pub fn taught_by(
        session: &'a Session,
        protocol: &'a Protocol,
        teacher: Option<&Path>,
    ) -> Result<Self, Error> {
        let data = ProtocolData::new(protocol, &session.dataset)?;
        let teacher = teacher.map(|path| NamedTeacher::open(session, &data, path)).transpose()?;
        Ok(Self { session, protocol, data, teacher })
    }

    /// How they are trained.
    pub fn protocol(&self) -> &'a Protocol {
        self.protocol
    }

    /// The data as the protocol sees them.
    pub fn dataset(&self) -> &Dataset {
        self.data.dataset()
    }

    /// Their teacher.
    pub fn teacher(&self) -> Option<&Teacher> {
        self.teacher.as_ref().map(|named| &named.teacher)
    }

    /// A set as the protocol sees it.
    ///
    /// # Errors
    /// [`EvaluateError`] when it is not one of these data.
    pub fn set<'s>(&self, set: &'s SyntheticSet) -> Result<Cow<'s, SyntheticSet>, EvaluateError> {
        self.data.set(set)
    }

    /// The students' network: that of the experts.
    ///
    /// # Errors
    /// [`enum@Error`] when it does not fit the images.
    pub fn own_network(&self) -> Result<Network, Error> {
        self.network(self.own_arch())
    }

    /// Its architecture.
    pub fn own_arch(&self) -> Arch {
        self.session.config.model.arch
    }

    /// The students' network of an architecture: the configuration's own, and the published form of others.
    ///
    /// # Errors
    /// [`enum@Error`] when it does not fit the images.
    pub fn network(&self, arch: Arch) -> Result<Network, Error> {
        let Session { config, dataset, .. } = self.session;
        let (shape, classes) = (dataset.shape(), dataset.classes());
        let own = self.protocol.network(&config.model);
        let wanted = if arch == own.arch { own } else { NetworkConfig::published(arch) };
        Ok(wanted.build([shape.channels, shape.height, shape.width], classes)?)
    }

    /// The networks of the architectures asked for, each once; the experts' where none is asked for.
    ///
    /// # Errors
    /// As [`Students::network`].
    pub fn networks(&self, archs: &[Arch]) -> Result<Vec<Network>, Error> {
        if archs.is_empty() {
            return Ok(vec![self.own_network()?]);
        }
        let asked = self.known_archs().into_iter().filter(|arch| archs.contains(arch));
        asked.map(|arch| self.network(arch)).collect()
    }

    /// The architectures that students can have: the configuration's own first.
    pub(crate) fn known_archs(&self) -> Vec<Arch> {
        let own = self.own_arch();
        std::iter::once(own).chain(Arch::NAMED.into_iter().filter(|arch| *arch != own)).collect()
    }

    /// Trains and tests them with a network.
    pub fn evaluator<'s>(&'s self, net: &'s Network) -> Evaluator<'s> {
        let Session { config, device, .. } = self.session;
        Evaluator {
            net,
            dataset: self.dataset(),
            protocol: self.protocol,
            teacher: self.teacher(),
            seed: config.seed,
            engine: device.engine(),
        }
    }

    /// What decides what a student that is trained so achieves, besides its network and the data.
    pub(crate) fn values(&self, protocol: &Protocol) -> Value {
        let mut values = protocol.values();
        if let (Some(named), Value::Object(map)) = (&self.teacher, &mut values) {
            map.insert("teacher".to_owned(), json!(named.digest));
        }
        values
    }
}

impl NamedTeacher {
    /// A teacher, ready to see what the students see.
    fn open(session: &Session, data: &ProtocolData<'_>, path: &Path) -> Result<Self, Error> {
        let shape = session.dataset.shape();
        let model = CamModel::open(path, [shape.height, shape.width])?;
        let classes = session.class_map(ClassRule::Mapped, &model)?;
        let labels: Vec<u32> = (0..session.dataset.classes() as u32).collect();
        let teacher = Teacher::new(session.device.engine(), model.network.clone(), &model.state)
            .with_classes(&classes.classes(&labels)?)
            .with_input(
                &model.card.preprocessing.normalisation,
                &data.dataset().preprocessing().normalisation,
                [shape.channels, shape.height, shape.width],
            )?;
        Ok(Self { teacher, digest: model.digest() })
    }
}
