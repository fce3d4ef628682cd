//! The computations of a configuration: each operation of its network, then passes over the whole of it.

use std::sync::Arc;

use burn::tensor::{DType, Device, Tensor, TensorData};
use distil_augment::Augmentation;
use distil_engine::{At, Batch, Engine, Targets};
use distil_hypergrad::{Differentiation, InnerLoop, InnerSet, InnerStep, adjoint, hvp, unroll};
use distil_models::{
    Architecture, Arithmetic, BatchNorms, ConvNet, Convolution, Network, Norm, Plain, Pool, Window,
};
use distil_random::{normal, stream};

use super::check::{Check, Outputs, Work};

/// Keys the random inputs.
const SEED: u64 = 0;
/// Step size and steps of the inner training that is checked.
const SYN_LR: f64 = 0.01;
const STEPS: usize = 2;

/// Every check of a network on batches of `images`: each operation of a ConvNet, and the maps of other networks layer by layer;
/// then passes over the whole of it.
pub(super) fn of_network(net: &Network, images: usize) -> Vec<Check> {
    let net = Arc::new(net.clone());
    let mut checks = match net.architecture() {
        Architecture::ConvNet(convnet) => of_convnet(convnet, images),
        _ => of_maps(&net, images),
    };
    checks.push(classifier(images, net.features(), net.classes()));
    let mut pass = |name, compute| checks.push(whole(name, &net, images, compute));
    pass("network: loss and gradient", Student::gradient);
    pass("network on duals: Hessian-vector product", Student::hessian_products);
    pass("two inner steps and the adjoint through them", Student::hypergradient);
    checks
}

fn of_convnet(net: &ConvNet, images: usize) -> Vec<Check> {
    let mut checks = Vec::new();
    let (mut channels, [mut height, mut width]) = (net.channels, [net.height, net.image_width]);
    let mut padding = net.first_padding();
    for _ in 0..net.depth {
        checks.push(convolution([images, channels, height, width], net.width, padding));
        (height, width) = (height + 2 * padding - 2, width + 2 * padding - 2);
        (channels, padding) = (net.width, 1);
        let dims = [images, channels, height, width];
        match net.norm {
            Norm::Instance => checks.push(norm(dims, channels)),
            Norm::Group => checks.push(norm(dims, 4)),
            // The passes over the whole network cover them.
            Norm::Batch | Norm::Layer | Norm::None => {}
        }
        checks.push(pool(dims, net.pool));
        (height, width) = (height / 2, width / 2);
    }
    checks
}

/// The activation maps of a network, one after the other.
fn of_maps(net: &Arc<Network>, images: usize) -> Vec<Check> {
    let named = net.cam_layers().into_iter().enumerate();
    let check = |(layer, name): (usize, String)| {
        let net = Arc::clone(net);
        let prepare = move |device: &Device, dtype| -> Work {
            let (net, student) = (Arc::clone(&net), Student::new(&net, images, Inputs { device, dtype }));
            Box::new(move || {
                let params = net.layout().split(student.theta.clone());
                let map = net.activation(&params, BatchNorms::Batch, student.set.images.clone(), layer);
                vec![("map", flat(map))]
            })
        };
        operation(format!("map of {name}"), prepare)
    };
    named.map(check).collect()
}

/// Inputs of one check: the same numbers on every device, in any precision.
#[derive(Debug, Clone, Copy)]
struct Inputs<'a> {
    device: &'a Device,
    dtype: DType,
}

impl Inputs<'_> {
    /// Standard normal numbers.
    fn normal<const D: usize>(&self, name: &str, shape: [usize; D]) -> Tensor<D> {
        self.scaled(name, shape, 1.0)
    }

    fn scaled<const D: usize>(&self, name: &str, shape: [usize; D], scale: f32) -> Tensor<D> {
        let mut rng = stream(SEED, name, 0);
        let values: Vec<f32> = (0..shape.iter().product()).map(|_| scale * normal(&mut rng)).collect();
        Tensor::from_data(TensorData::new(values, shape), (self.device, self.dtype))
    }
}

/// An operation of three inputs, and the gradients of ⟨its value, `direction`⟩ to each of them.
fn derived<const D: usize, const A: usize, const B: usize, const C: usize>(
    (a, b, c): (Tensor<A>, Tensor<B>, Tensor<C>),
    direction: Tensor<D>,
    operation: impl Fn(Tensor<A>, Tensor<B>, Tensor<C>) -> Tensor<D> + 'static,
) -> Work {
    Box::new(move || differentiated((a.clone(), b.clone(), c.clone()), direction.clone(), &operation))
}

fn differentiated<const D: usize, const A: usize, const B: usize, const C: usize>(
    (a, b, c): (Tensor<A>, Tensor<B>, Tensor<C>),
    direction: Tensor<D>,
    operation: impl Fn(Tensor<A>, Tensor<B>, Tensor<C>) -> Tensor<D>,
) -> Outputs {
    let (a, b, c) = (a.autodiff().require_grad(), b.autodiff().require_grad(), c.autodiff().require_grad());
    let value = operation(a.clone(), b.clone(), c.clone());
    let mut grads = (value.clone() * Tensor::from_inner(direction)).sum().backward();
    let mut outputs = vec![("value", flat(value.inner()))];
    outputs.extend(a.grad_remove(&mut grads).map(|grad| ("gradient to the input", flat(grad))));
    outputs.extend(b.grad_remove(&mut grads).map(|grad| ("gradient to the weight", flat(grad))));
    outputs.extend(c.grad_remove(&mut grads).map(|grad| ("gradient to the bias", flat(grad))));
    outputs
}

fn flat<const D: usize>(tensor: Tensor<D>) -> Tensor<1> {
    tensor.flatten(0, D - 1)
}

fn convolution(dims: [usize; 4], out: usize, padding: usize) -> Check {
    let [_, channels, height, width] = dims;
    let scale = ((channels * 9) as f32).sqrt().recip();
    let prepare = move |device: &Device, dtype| {
        let inputs = Inputs { device, dtype };
        let x = inputs.normal("doctor-x", dims);
        let weight = inputs.scaled("doctor-weight", [out, channels, 3, 3], scale);
        let bias = inputs.normal("doctor-bias", [out]);
        let [n, _, h, w] = dims;
        let direction = inputs.normal("doctor-direction", [n, out, h + 2 * padding - 2, w + 2 * padding - 2]);
        derived((x, weight, bias), direction, move |x, weight, bias| {
            let convolution = Convolution { stride: [1, 1], padding: [padding; 2], groups: 1 };
            Plain::conv2d(x, weight, Some(bias), convolution)
        })
    };
    operation(format!("convolution {channels} to {out}, {height}×{width}"), prepare)
}

fn norm(dims: [usize; 4], groups: usize) -> Check {
    let [_, channels, height, width] = dims;
    let prepare = move |device: &Device, dtype| {
        let inputs = Inputs { device, dtype };
        let x = inputs.normal("doctor-x", dims);
        let weight = inputs.normal("doctor-weight", [channels]);
        let bias = inputs.normal("doctor-bias", [channels]);
        let direction = inputs.normal("doctor-direction", dims);
        derived((x, weight, bias), direction, move |x, weight, bias| {
            Plain::group_norm(x, weight, bias, groups)
        })
    };
    operation(format!("norm of {groups} groups, {height}×{width}"), prepare)
}

/// ReLU and pooling; scale and shift in front of them give every input a gradient.
fn pool(dims: [usize; 4], pool: Pool) -> Check {
    let [_, channels, height, width] = dims;
    let prepare = move |device: &Device, dtype| {
        let inputs = Inputs { device, dtype };
        let x = inputs.normal("doctor-x", dims);
        let scale = inputs.normal("doctor-weight", [1, channels, 1, 1]);
        let shift = inputs.normal("doctor-bias", [1, channels, 1, 1]);
        let direction = inputs.normal("doctor-direction", [dims[0], channels, height / 2, width / 2]);
        derived((x, scale, shift), direction, move |x, scale, shift| {
            let x = Plain::relu(x * scale + shift);
            let window = Window { size: [2, 2], stride: [2, 2], padding: [0, 0] };
            match pool {
                Pool::Avg => Plain::avg_pool(x, window),
                Pool::Max => Plain::max_pool(x, window),
            }
        })
    };
    let kind = match pool {
        Pool::Avg => "average",
        Pool::Max => "maximum",
    };
    operation(format!("ReLU and {kind} pool, {height}×{width}"), prepare)
}

fn classifier(images: usize, features: usize, classes: usize) -> Check {
    let scale = (features as f32).sqrt().recip();
    let prepare = move |device: &Device, dtype| {
        let inputs = Inputs { device, dtype };
        let x = inputs.normal("doctor-x", [images, features]);
        let weight = inputs.scaled("doctor-weight", [classes, features], scale);
        let bias = inputs.normal("doctor-bias", [classes]);
        let targets = Targets::Soft(inputs.normal("doctor-labels", [images, classes])).probabilities();
        derived((x, weight, bias), inputs.normal("doctor-direction", [1]), move |x, weight, bias| {
            let out = Plain::linear(x, weight, Some(bias));
            Plain::cross_entropy(out, Tensor::from_inner(targets.clone()))
        })
    };
    operation(format!("classifier {features} to {classes} and its loss"), prepare)
}

/// Parameters, images, soft labels and a direction for a network, on a device.
struct Student {
    engine: Engine,
    net: Arc<Network>,
    theta: Tensor<1>,
    set: InnerSet,
    direction: Tensor<1>,
}

impl Student {
    fn new(net: &Arc<Network>, images: usize, inputs: Inputs<'_>) -> Self {
        let params = net.init(&mut stream(SEED, "doctor-init", 0));
        let [channels, height, width] = net.image_shape();
        let labels = Targets::Soft(inputs.normal("doctor-labels", [images, net.classes()]));
        Self {
            engine: Engine::new(inputs.device.clone()),
            net: Arc::clone(net),
            direction: inputs.normal("doctor-direction", [params.len()]),
            theta: Tensor::from_data(params.as_slice(), (inputs.device, inputs.dtype)),
            set: InnerSet::new(inputs.normal("doctor-x", [images, channels, height, width]), labels),
        }
    }

    fn gradient(&self) -> Outputs {
        let Self { engine, net, theta, set, .. } = self;
        let n = set.images.dims()[0];
        let images = |rows| set.images.clone().slice([rows]);
        let found = engine.gradient(At::training(net, theta), &set.loss, n, n, images);
        vec![("loss", found.loss), ("gradient", found.gradient)]
    }

    fn hessian_products(&self) -> Outputs {
        let Self { engine, net, theta, set, direction } = self;
        let batch = Batch { images: &set.images, loss: &set.loss, augmentation: &Augmentation::None };
        let n = set.images.dims()[0];
        let found = hvp(engine, At::training(net, theta), &batch, direction, n);
        let mut outputs = vec![("loss", found.loss), ("slope", found.slope), ("images", flat(found.images))];
        outputs.extend(found.gradient.map(|gradient| ("gradient", gradient)));
        outputs.extend(found.hv.map(|hv| ("Hessian-vector product", hv)));
        outputs.extend(found.labels.map(|labels| ("labels", flat(labels))));
        outputs
    }

    fn hypergradient(&self) -> Outputs {
        let Self { engine, net, theta, set, direction } = self;
        let n = set.images.dims()[0];
        let steps = vec![InnerStep { rows: (0..n).collect(), augmentation: Augmentation::None }; STEPS];
        let inner =
            InnerLoop { engine, net, set, steps: &steps, syn_lr: SYN_LR, momentum: 0.0, micro_batch: n };
        let thetas = unroll(&inner, theta.clone());
        let found = adjoint(&inner, &thetas, direction.clone(), Differentiation::Exact);
        let syn_lr = Tensor::from_data([found.syn_lr], (&theta.device(), theta.dtype()));
        let mut outputs =
            vec![("θ_N", thetas[STEPS].clone()), ("images", flat(found.images)), ("step size", syn_lr)];
        outputs.extend(found.labels.map(|labels| ("labels", flat(labels))));
        outputs.extend(found.theta.map(|theta| ("θ_0", theta)));
        outputs
    }
}

fn operation(name: String, prepare: impl Fn(&Device, DType) -> Work + 'static) -> Check {
    Check { name, is_whole: false, prepare: Box::new(prepare) }
}

fn whole(name: &str, net: &Arc<Network>, images: usize, compute: fn(&Student) -> Outputs) -> Check {
    let net = Arc::clone(net);
    let prepare = move |device: &Device, dtype| -> Work {
        let student = Student::new(&net, images, Inputs { device, dtype });
        Box::new(move || compute(&student))
    };
    Check { name: name.to_owned(), is_whole: true, prepare: Box::new(prepare) }
}
