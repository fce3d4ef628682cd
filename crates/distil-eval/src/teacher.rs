use burn::tensor::{Tensor, TensorData};
use distil_data::Normalisation;
use distil_engine::{At, Engine};
use distil_models::{Network, NetworkState};
use thiserror::Error;

use crate::Norms;

/// The most images of one forward pass; bounds memory only.
pub const TEACHER_BATCH: usize = 250;

/// A trained network whose outputs students learn.
#[derive(Debug, Clone)]
pub struct Teacher {
    engine: Engine,
    net: Network,
    theta: Tensor<1>,
    buffers: Tensor<1>,
    /// The network's class of each label, where they are not the same.
    classes: Option<Tensor<1, burn::tensor::Int>>,
    /// Factor and summand of each channel that make the students' input its own.
    input: Option<[Tensor<4>; 2]>,
}

/// A teacher that cannot teach.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum TeacherError {
    /// It was trained on input that the students' cannot be turned into.
    #[error(
        "the teacher was trained on other input ({teacher}) than the students get ({students}); train one on the same with \
         `distil train`, or set eval.input = \"plain\" so that ZCA is undone"
    )]
    Input {
        /// Kind of the teacher's input.
        teacher: &'static str,
        /// Kind of the students' input.
        students: &'static str,
    },
    /// It is for images of another shape.
    #[error(
        "the teacher takes images of {teacher:?} (channels, height, width), the students {students:?}; train one on such images"
    )]
    Shape {
        /// Its images.
        teacher: [usize; 3],
        /// The students'.
        students: [usize; 3],
    },
}

impl Teacher {
    /// A network for the students' labels on the students' input.
    ///
    /// # Panics
    /// When the state is not of the network.
    pub fn new(engine: &Engine, net: Network, state: &NetworkState) -> Self {
        let device = engine.device();
        let (theta, buffers) = (net.theta(&state.theta, device), net.buffers(&state.buffers, device));
        Self { engine: engine.clone(), net, theta, buffers, classes: None, input: None }
    }

    /// The same, when the network's class of label k is `classes[k]`.
    #[must_use]
    pub fn with_classes(self, classes: &[u32]) -> Self {
        let same =
            classes.len() == self.net.classes() && (0..).zip(classes).all(|(label, class)| label == *class);
        let columns: Vec<i64> = classes.iter().map(|&class| i64::from(class)).collect();
        let columns = Tensor::from_data(TensorData::from(&columns[..]), &self.theta.device());
        Self { classes: (!same).then_some(columns), ..self }
    }

    /// The same, when it was trained on images of `shape` normalised as `own`, and students get them as `students`.
    ///
    /// # Errors
    /// [`TeacherError`] when one is not the other by channel, or the shapes differ.
    pub fn with_input(
        self,
        own: &Normalisation,
        students: &Normalisation,
        shape: [usize; 3],
    ) -> Result<Self, TeacherError> {
        if self.net.image_shape() != shape {
            return Err(TeacherError::Shape { teacher: self.net.image_shape(), students: shape });
        }
        let channels = shape[0];
        let refused = || TeacherError::Input { teacher: own.kind(), students: students.kind() };
        let map = distil_data::ChannelMap::between(students, own, channels).ok_or_else(refused)?;
        let device = self.theta.device();
        let column = |values| Tensor::from_data(TensorData::new(values, [1, channels, 1, 1]), &device);
        let input = (!map.is_identity()).then(|| [column(map.factors), column(map.summands)]);
        Ok(Self { input, ..self })
    }

    /// Logits `[n, labels]` of the students' images `[n, c, h, w]`.
    pub fn logits(&self, images: &Tensor<4>, norms: Norms) -> Tensor<2> {
        let all = match norms {
            Norms::Running => {
                let at = At::evaluation(&self.net, &self.theta, &self.buffers);
                let parts = images.clone().split(TEACHER_BATCH, 0).into_iter();
                Tensor::cat(parts.map(|part| self.engine.logits(at, &self.as_own(part))).collect(), 0)
            }
            // Its running statistics stay as they are.
            Norms::Batch => {
                self.engine.logits(At::training(&self.net, &self.theta), &self.as_own(images.clone()))
            }
        };
        match &self.classes {
            Some(columns) => all.select(1, columns.clone()),
            None => all,
        }
    }

    /// The students' images as its own input.
    fn as_own(&self, images: Tensor<4>) -> Tensor<4> {
        match &self.input {
            Some([factor, summand]) => images * factor.clone() + summand.clone(),
            None => images,
        }
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;
    use distil_data::{ImageShape, Preprocessing, Whitening};
    use distil_models::{ConvNet, Norm};
    use distil_random::stream;

    use super::*;

    fn teacher() -> Teacher {
        let net = Network::from(ConvNet::new(2, 3, 8, 8).with_width(4).with_depth(1));
        let state = NetworkState { theta: net.init(&mut stream(0, "test", 0)), buffers: Vec::new() };
        Teacher::new(&Engine::new(Device::flex()), net, &state)
    }

    fn mean_std(mean: [f32; 2], std: [f32; 2]) -> Normalisation {
        Normalisation::MeanStd { mean: mean.to_vec(), std: std.to_vec() }
    }

    fn images(normalisation: &Normalisation) -> Tensor<4> {
        let pixels: Vec<f32> = (0..3 * 128).map(|i| (i as f32 * 1.3).sin() * 0.5 + 0.5).collect();
        let shape = ImageShape { channels: 2, height: 8, width: 8 };
        let preprocessing = Preprocessing { resize: None, normalisation: normalisation.clone() };
        let values = distil_data::Transform::from(preprocessing).apply(shape, &pixels).expect("whole images");
        Tensor::from_data(TensorData::new(values, [3, 2, 8, 8]), &Device::flex())
    }

    fn values(x: Tensor<2>) -> Vec<f32> {
        x.into_data().iter::<f32>().collect()
    }

    #[test]
    fn it_sees_its_own_input_and_answers_for_the_students_labels() {
        let (own, theirs) = (mean_std([0.4, 0.5], [0.2, 0.3]), mean_std([0.1, 0.6], [0.5, 0.25]));
        let wanted = values(teacher().logits(&images(&own), Norms::Running));
        let translated = teacher().with_input(&own, &theirs, [2, 8, 8]).unwrap();
        let got = values(translated.logits(&images(&theirs), Norms::Running));
        assert!(got.iter().zip(&wanted).all(|(a, b)| (a - b).abs() < 1e-5), "{got:?} {wanted:?}");
        let columns = values(teacher().with_classes(&[2, 0]).logits(&images(&own), Norms::Running));
        let chosen: Vec<f32> = wanted.chunks(3).flat_map(|row| [row[2], row[0]]).collect();
        assert_eq!(columns, chosen);
        assert_eq!(values(teacher().with_classes(&[0, 1, 2]).logits(&images(&own), Norms::Running)), wanted);
    }

    #[test]
    fn batch_norms_may_take_the_batch_instead_of_what_was_kept() {
        let net = ConvNet { norm: Norm::Batch, ..ConvNet::new(2, 3, 8, 8).with_width(4).with_depth(1) };
        let net = Network::from(net);
        let theta = net.init(&mut stream(0, "test", 0));
        let with = |buffers| {
            Teacher::new(
                &Engine::new(Device::flex()),
                net.clone(),
                &NetworkState { theta: theta.clone(), buffers },
            )
        };
        let kept = net.init_buffers();
        let (fresh, other) = (with(kept.clone()), with(kept.iter().map(|value| value * 2.0 + 0.5).collect()));
        let images = images(&mean_std([0.4, 0.5], [0.2, 0.3]));
        let of = |teacher: &Teacher, norms| values(teacher.logits(&images, norms));
        assert_ne!(of(&fresh, Norms::Running), of(&other, Norms::Running));
        assert_eq!(of(&fresh, Norms::Batch), of(&other, Norms::Batch));
        let alone = values(fresh.logits(&images.clone().narrow(0, 0, 1), Norms::Batch));
        assert_ne!(alone, of(&fresh, Norms::Batch)[..3], "an image depends on those beside it");
        let plain = teacher();
        assert_eq!(of(&plain, Norms::Batch), of(&plain, Norms::Running), "without batch norms");
    }

    #[test]
    fn input_that_cannot_be_translated_is_refused() {
        let zca = |digest: &str| Normalisation::Zca(Whitening { eps: 0.1, fit_digest: digest.to_owned() });
        assert!(teacher().with_input(&zca("a"), &zca("a"), [2, 8, 8]).is_ok());
        for (own, theirs) in [(zca("a"), zca("b")), (zca("a"), Normalisation::Identity)] {
            let error = teacher().with_input(&own, &theirs, [2, 8, 8]).unwrap_err();
            assert!(error.to_string().contains("eval.input"), "{error}");
        }
        let error = teacher().with_input(&zca("a"), &zca("a"), [2, 16, 16]).unwrap_err();
        assert!(matches!(error, TeacherError::Shape { .. }), "{error}");
    }
}
