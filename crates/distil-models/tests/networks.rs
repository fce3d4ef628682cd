//! Every network: sizes, cuts at activation maps, training, batch statistics.

use burn::tensor::{DType, Device, Tensor};
use distil_engine::{At, Engine, Loss, LossGradient, Targets};
use distil_models::{
    AlexNet, Arch, BatchNorms, ConvNet, EfficientNetLite, LiteSize, Mlp, Network, NetworkConfig,
    NetworkError, Norm, Plain, Pool, ResNet18, Sequence, Stem, Vgg11,
};
use distil_random::{normal, stream, uniform};

fn small() -> Vec<Network> {
    let mut nets = vec![
        Network::from(ConvNet::new(3, 5, 8, 8).with_width(4).with_depth(2)),
        Network::from(ConvNet {
            norm: Norm::None,
            pool: Pool::Max,
            ..ConvNet::new(1, 5, 7, 9).with_width(4)
        }),
        Network::from(AlexNet { base_width: 4, ..AlexNet::new(3, 5, 16, 17) }),
        Network::from(AlexNet { base_width: 4, stem: Stem::Tiny, ..AlexNet::new(1, 5, 28, 28) }),
        Network::from(EfficientNetLite { base_width: 2, ..EfficientNetLite::new(3, 5, 32, 37) }),
    ];
    nets.push(Network::from(Sequence { width: 4, ..Sequence::new(2, 5, 1, 24) }));
    for norm in [Norm::Batch, Norm::Group, Norm::Layer] {
        nets.push(Network::from(ConvNet { norm, ..ConvNet::new(3, 5, 8, 8).with_width(4).with_depth(2) }));
    }
    for norm in [Norm::Instance, Norm::Batch] {
        for (stem, side) in [(Stem::Cifar, 16), (Stem::Tiny, 32), (Stem::Imagenet, 48)] {
            let net = ResNet18 { base_width: 4, norm, stem, ..ResNet18::new(3, 5, side, side) };
            nets.push(Network::from(net));
        }
        nets.push(Network::from(Vgg11 { base_width: 4, norm, ..Vgg11::new(1, 5, 28, 28) }));
    }
    nets
}

/// Parameters, and running statistics that are not the initial ones.
fn state(net: &Network, device: &Device) -> (Tensor<1>, Tensor<1>) {
    let mut rng = stream(3, "test-buffers", 0);
    let layout = net.buffers_layout();
    let buffers: Vec<f32> = layout
        .entries()
        .iter()
        .flat_map(|entry| {
            let low = if entry.name.ends_with("running_var") { 0.5 } else { -0.5 };
            (0..entry.len()).map(|_| uniform(&mut rng, low, low + 1.0)).collect::<Vec<f32>>()
        })
        .collect();
    let params = net.init(&mut stream(3, "init", 0));
    (net.theta(&params, device), net.buffers(&buffers, device))
}

/// An activation map in evaluation.
fn map(
    net: &Network,
    (theta, buffers): (&Tensor<1>, &Tensor<1>),
    images: Tensor<4>,
    layer: usize,
) -> Tensor<4> {
    let params = net.layout().split(theta.clone());
    net.activation(&params, BatchNorms::Running(buffers), images, layer)
}

fn images(net: &Network, n: usize, device: &Device) -> Tensor<4> {
    let [c, h, w] = net.image_shape();
    let mut rng = stream(5, "test-images", 0);
    let values: Vec<f32> = (0..n * c * h * w).map(|_| normal(&mut rng)).collect();
    Tensor::<1>::from_data(values.as_slice(), device).reshape([n, c, h, w])
}

fn values<const D: usize>(x: Tensor<D>) -> Vec<f64> {
    x.into_data().iter::<f64>().collect()
}

fn distance(a: &[f64], b: &[f64]) -> f64 {
    let top = |values: &mut dyn Iterator<Item = f64>| values.fold(0.0, |top: f64, v| top.max(v.abs()));
    assert_eq!(a.len(), b.len());
    top(&mut a.iter().zip(b).map(|(a, b)| a - b)) / top(&mut b.iter().copied()).max(1e-30)
}

#[test]
fn no_map_is_larger_than_the_largest() {
    let device = Device::flex();
    for net in small() {
        let (theta, buffers) = state(&net, &device);
        let sizes = (0..net.cam_layers().len()).map(|layer| {
            map(&net, (&theta, &buffers), images(&net, 1, &device), layer).shape().num_elements()
        });
        assert!(sizes.max() <= Some(net.largest_map()), "{net:?}");
    }
    // Padded by 2 on each side; the stem; sixfold channels of the second stage, padded for its stride.
    assert_eq!(Network::from(ConvNet::new(1, 10, 28, 28)).largest_map(), 128 * 32 * 32);
    assert_eq!(Network::from(ResNet18::new(3, 10, 224, 224)).largest_map(), 64 * 112 * 112);
    let lite = EfficientNetLite::new(3, 1000, 224, 224);
    assert_eq!(Network::from(lite).largest_map(), 96 * 113 * 113);
}

#[test]
fn a_perceptron_has_no_maps_and_learns() {
    let net = Network::from(Mlp { hidden: vec![8, 6], ..Mlp::new(9, 4, 1, 1) });
    assert_eq!((net.layout().params(), net.cam_layers().len(), net.features()), (162, 0, 6));
    let linear = Network::from(Mlp { hidden: vec![], ..Mlp::new(9, 4, 1, 1) });
    assert_eq!((linear.layout().params(), linear.features()), (40, 9));
}

#[test]
fn parameter_counts_are_the_published_ones() {
    let params = |net: Network| net.layout().params();
    let batch = Norm::Batch;
    let torchvision = Network::from(ResNet18 { norm: batch, ..ResNet18::new(3, 1000, 224, 224) });
    assert_eq!(torchvision.buffers_layout().params(), 9600);
    assert_eq!(params(torchvision), 11_689_512);
    assert_eq!(params(Network::from(ResNet18::new(3, 10, 32, 32))), 11_173_962);
    assert_eq!(params(Network::from(Vgg11::new(3, 10, 32, 32))), 9_231_114);
    assert_eq!(params(Network::from(AlexNet::new(3, 10, 32, 32))), 1_872_202);
    let lite = |size| EfficientNetLite { size, ..EfficientNetLite::new(3, 1000, 224, 224) };
    let counts = LiteSize::ALL.map(|size| params(Network::from(lite(size))));
    assert_eq!(counts[..2], [4_652_008, 5_416_680]);
    assert!(counts.is_sorted(), "{counts:?}");
    assert_eq!(LiteSize::ALL.map(|size| lite(size).blocks()), [16, 21, 21, 24, 30]);
}

#[test]
fn published_networks_fit_all_published_resolutions() {
    for arch in Arch::NAMED {
        for (channels, side) in [(1, 28), (3, 32), (3, 64), (3, 96), (3, 128), (3, 224)] {
            let net = NetworkConfig::published(arch)
                .build([channels, side, side], 10)
                .unwrap_or_else(|error| panic!("{arch} at {side}: {error}"));
            assert_eq!((net.arch(), net.image_shape(), net.classes()), (arch, [channels, side, side], 10));
        }
    }
    let features = |net: Network| net.features();
    assert_eq!(features(Network::from(AlexNet::new(1, 10, 28, 28))), 192 * 4 * 4);
    assert_eq!(features(Network::from(AlexNet::new(3, 10, 64, 64))), 192 * 4 * 4);
    assert_eq!(features(Network::from(AlexNet::new(3, 10, 128, 128))), 192 * 16 * 16);
    assert_eq!(features(Network::from(Vgg11::new(1, 10, 28, 28))), 512);
    assert_eq!(features(Network::from(Vgg11::new(3, 10, 64, 64))), 512);
    assert_eq!(features(Network::from(ResNet18::new(3, 10, 128, 128))), 512);
}

#[test]
fn resnet_has_torchvisions_names_in_its_order() {
    let net = Network::from(ResNet18::new(3, 10, 32, 32));
    let layout = net.layout();
    let names: Vec<&str> = layout.entries().iter().map(|entry| entry.name.as_str()).collect();
    assert_eq!(names.len(), 62);
    assert_eq!(names[..4], ["conv1.weight", "bn1.weight", "bn1.bias", "layer1.0.conv1.weight"]);
    let second = names.iter().position(|name| name.starts_with("layer2.0")).expect("a second stage");
    assert_eq!(
        names[second..second + 9],
        [
            "layer2.0.conv1.weight",
            "layer2.0.bn1.weight",
            "layer2.0.bn1.bias",
            "layer2.0.conv2.weight",
            "layer2.0.bn2.weight",
            "layer2.0.bn2.bias",
            "layer2.0.downsample.0.weight",
            "layer2.0.downsample.1.weight",
            "layer2.0.downsample.1.bias"
        ]
    );
    assert_eq!(names[60..], ["fc.weight", "fc.bias"]);
}

#[test]
fn networks_that_cannot_work_are_refused() {
    let build = |config: &NetworkConfig, side| config.build([3, side, side], 10).map(|_| ());
    let vgg = NetworkConfig::published(Arch::Vgg11);
    let error = build(&vgg, 28).expect_err("28 pixels are halved five times");
    assert_eq!(error, NetworkError::TooSmall { arch: Arch::Vgg11, height: 28, width: 28, stem: Stem::Cifar });
    assert_eq!(error.to_string(), "vgg11 shrinks 28×28 images to nothing; use larger images");
    let resnet = NetworkConfig { stem: Some(Stem::Imagenet), ..NetworkConfig::published(Arch::ResNet18) };
    let error = build(&resnet, 32).expect_err("instance norm of one pixel");
    assert_eq!(
        error,
        NetworkError::OnePixel { arch: Arch::ResNet18, height: 32, width: 32, stem: Stem::Imagenet }
    );
    assert_eq!(build(&resnet.norm(Norm::Batch), 32), Ok(()));
    let alexnet = NetworkConfig { norm: Some(Norm::Batch), ..NetworkConfig::published(Arch::AlexNet) };
    let error = build(&alexnet, 32).expect_err("no norm");
    assert_eq!(error, NetworkError::NotThere { arch: Arch::AlexNet, key: "norm" });
    assert_eq!(build(&vgg.width(0), 32), Err(NetworkError::Zero { arch: Arch::Vgg11, key: "width" }));
    assert!("resnet50".parse::<Arch>().is_err());
}

#[test]
fn logits_continue_from_every_activation_map() {
    let engine = Engine::new(Device::flex());
    let device = Device::flex();
    for net in small() {
        let (theta, buffers) = state(&net, &device);
        // In f32, whole ConvNets run on kernels that round differently.
        for (dtype, tolerance) in [(DType::F64, 0.0), (DType::F32, 1e-5)] {
            let (theta, buffers) = (theta.clone().cast(dtype), buffers.clone().cast(dtype));
            let images = images(&net, 3, &device).cast(dtype);
            let expected = values(engine.logits(At::evaluation(&net, &theta, &buffers), &images));
            let layers = net.cam_layers();
            assert!(layers.len() > 1, "{net:?}");
            let params = net.layout().split(theta.clone());
            for (layer, name) in layers.iter().enumerate() {
                let map = map(&net, (&theta, &buffers), images.clone(), layer);
                let seen = values(map.clone());
                // Stages of EfficientNet-Lite end without a ReLU.
                let below = name.starts_with("stage") || seen.iter().all(|&v| v >= 0.0);
                assert!(below && seen.iter().any(|&v| v != 0.0), "{net:?} {name}");
                let got = values(net.logits_from(&params, BatchNorms::Running(&buffers), map, layer));
                assert!(distance(&got, &expected) <= tolerance, "{net:?} {name}");
            }
        }
    }
}

#[test]
fn maps_are_taken_before_pools() {
    let device = Device::flex();
    let sides = |net: &Network| -> Vec<usize> {
        let (theta, buffers) = state(net, &device);
        let side = |layer| map(net, (&theta, &buffers), images(net, 1, &device), layer).dims()[3];
        (0..net.cam_layers().len()).map(side).collect()
    };
    let convnet = Network::from(ConvNet::new(3, 5, 16, 16).with_width(4));
    assert_eq!(sides(&convnet), [16, 8, 4]);
    let vgg = Network::from(Vgg11 { base_width: 4, ..Vgg11::new(3, 5, 32, 32) });
    assert_eq!(sides(&vgg), [32, 16, 8, 8, 4, 4, 2, 2]);
    let alexnet = Network::from(AlexNet { base_width: 4, ..AlexNet::new(3, 5, 32, 32) });
    assert_eq!(sides(&alexnet), [32, 16, 8, 8, 8]);
    let resnet = Network::from(ResNet18 { base_width: 4, ..ResNet18::new(3, 5, 128, 128) });
    assert_eq!(sides(&resnet), [32, 16, 8, 4]);
}

#[test]
fn gradients_agree_with_finite_differences() {
    let (engine, device) = (Engine::new(Device::flex()), Device::flex());
    for net in small() {
        let (theta, _) = state(&net, &device);
        let theta = theta.cast(DType::F64);
        let images = images(&net, 4, &device).cast(DType::F64);
        let loss = Loss::from(Targets::from_classes(&[0, 1, 4, 2], 5, &device, DType::F64));
        let step = |theta: &Tensor<1>| {
            engine.gradient(At::training(&net, theta), &loss, 4, 4, |rows| images.clone().slice([rows]))
        };
        let gradient = step(&theta).gradient;
        // One random direction sees every parameter; kinks are too rare to matter at this step size.
        let mut rng = stream(7, "direction", 0);
        let direction: Vec<f32> = (0..theta.dims()[0]).map(|_| normal(&mut rng)).collect();
        let direction = Tensor::<1>::from_data(direction.as_slice(), &device).cast(DType::F64);
        let slope = values((gradient * direction.clone()).sum())[0];
        let h = 1e-7;
        let ahead = values(step(&(theta.clone() + direction.clone() * h)).loss)[0];
        let behind = values(step(&(theta - direction * h)).loss)[0];
        let measured = (ahead - behind) / (2.0 * h);
        assert!((slope - measured).abs() < 1e-4 * slope.abs().max(1.0), "{net:?}: {slope} {measured}");
    }
}

#[test]
fn micro_batches_change_rounding_only() {
    let (engine, device) = (Engine::new(Device::flex()), Device::flex());
    for net in small() {
        let (theta, buffers) = state(&net, &device);
        let images = images(&net, 5, &device);
        let loss = Loss::from(Targets::from_classes(&[0, 1, 4, 2, 3], 5, &device, DType::F32));
        let step = |micro_batch| {
            let rows = |rows| images.clone().slice([rows]);
            engine.gradient(At::training(&net, &theta), &loss, 5, micro_batch, rows)
        };
        let (whole, parts) = (step(5), step(2));
        assert!(distance(&values(parts.gradient.clone()), &values(whole.gradient.clone())) < 1e-4, "{net:?}");
        let moved = |step: LossGradient| values(net.running(&buffers, &step.batch, 5));
        assert_eq!(moved(parts), moved(whole));
    }
}

#[test]
fn running_statistics_move_towards_the_batch() {
    let engine = Engine::new(Device::flex());
    let device = Device::flex();
    let net = Network::from(ResNet18 { base_width: 4, norm: Norm::Batch, ..ResNet18::new(3, 5, 16, 16) });
    let theta = net.theta(&net.init(&mut stream(0, "init", 0)), &device);
    let initial = net.buffers(&net.init_buffers(), &device);
    let batch = images(&net, 6, &device);
    let params = net.layout().split(theta.clone());
    // Fed the same batch for long, evaluation agrees with training but for the unbiased variance.
    let mut buffers = initial.clone();
    let training = values(net.forward::<Plain>(&params, BatchNorms::Batch, batch.clone()));
    for _ in 0..150 {
        buffers =
            net.running(&buffers, &engine.batch_statistics(At::training(&net, &theta), batch.clone()), 6);
    }
    let before = values(engine.logits(At::evaluation(&net, &theta, &initial), &batch));
    let after = values(engine.logits(At::evaluation(&net, &theta, &buffers), &batch));
    let (before, after) = (distance(&before, &training), distance(&after, &training));
    assert!(after < 0.1 && before > 3.0 * after, "{before} {after}");
}
