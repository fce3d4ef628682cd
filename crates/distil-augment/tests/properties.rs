//! What every augmentation must do, on shapes the golden fixtures do not cover.

use burn::tensor::{DType, Device, Tensor, TensorData};
use distil_augment::{Augmentation, CropBox, PatchOrder, Strategy};
use distil_random::{normal, stream};

const SHAPES: [[usize; 4]; 6] =
    [[1, 1, 1, 1], [2, 3, 5, 1], [2, 1, 1, 7], [3, 2, 9, 6], [4, 3, 8, 13], [1, 1, 28, 28]];

fn images(shape: [usize; 4], dtype: DType, device: &Device, index: u64) -> Tensor<4> {
    let mut rng = stream(3, "images", index);
    let values: Vec<f64> = (0..shape.iter().product()).map(|_| f64::from(normal(&mut rng))).collect();
    Tensor::from_data(TensorData::new(values, shape), (device, dtype))
}

fn values(tensor: Tensor<4>) -> Vec<f64> {
    tensor.try_into_vec_as::<f64>().expect("the CPU device reads back")
}

fn close(a: &[f64], b: &[f64], tolerance: f64) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| (a - b).abs() <= tolerance)
}

/// Each operation, also with parameters far outside what is ever drawn.
fn operations(images: usize) -> Vec<Augmentation> {
    let ramp = |low: f32, high: f32| -> Vec<f32> {
        (0..images).map(|i| low + (high - low) * (i as f32 + 0.3) / images as f32).collect()
    };
    let ints =
        |a: i64, b: i64| (0..images as i64).map(|i| [(i * 5 + a) % 7 - 3, (i * 3 + b) % 5 - 2]).collect();
    vec![
        Augmentation::None,
        Augmentation::Brightness(ramp(-0.5, 0.5)),
        Augmentation::Saturation(ramp(0.0, 2.0)),
        Augmentation::Contrast(ramp(0.5, 1.5)),
        Augmentation::Color {
            brightness: ramp(-0.5, 0.5),
            saturation: ramp(0.0, 2.0),
            contrast: ramp(0.5, 1.5),
        },
        Augmentation::Crop(ints(0, 1)),
        Augmentation::Crop(vec![[50, -50]; images]),
        Augmentation::Cutout { size: [3, 4], offset: ints(3, 3) },
        Augmentation::Flip((0..images).map(|i| i % 2 == 0).collect()),
        Augmentation::Scale(ramp(0.8, 1.2).into_iter().zip(ramp(1.3, 0.7)).map(|(x, y)| [x, y]).collect()),
        Augmentation::Scale(vec![[1.0, 1.0]; images]),
        Augmentation::Scale(vec![[2.5, 0.1]; images]),
        Augmentation::Rotate(ramp(-0.27, 0.26)),
        Augmentation::Rotate(vec![0.0; images]),
        Augmentation::Rotate(ramp(-3.0, 3.0)),
        Augmentation::ResizedCrop(vec![CropBox { top: 0, left: 0, height: 1, width: 1 }; images]),
        Augmentation::ShufflePatches(vec![PatchOrder { rows: vec![1, 0], columns: vec![0, 1] }; images]),
    ]
}

fn is_linear(augmentation: &Augmentation) -> bool {
    use Augmentation::{Brightness, Color};
    !matches!(augmentation, Brightness(_) | Color { .. })
}

/// The format's sentences, one pixel at a time; `None` for operations that do not move pixels.
fn moved(augmentation: &Augmentation, x: &[f64], shape: [usize; 4]) -> Option<Vec<f64>> {
    let [_, c, h, w] = shape;
    let normalised = |k: usize, length: usize| {
        if length == 1 { 0.0 } else { 2.0 * k as f64 / (length - 1) as f64 - 1.0 }
    };
    let pixel = |u: f64, length: usize| f64::midpoint(u, 1.0) * (length - 1) as f64;
    let matrix = |image: usize| match augmentation {
        Augmentation::Scale(scale) => {
            Some([[f64::from(scale[image][0]), 0.0], [0.0, f64::from(scale[image][1])]])
        }
        Augmentation::Rotate(angle) => {
            let (sin, cos) = f64::from(angle[image]).sin_cos();
            Some([[cos, -sin], [sin, cos]])
        }
        _ => None,
    };
    matrix(0)?;
    let mut out = Vec::new();
    for at in 0..x.len() {
        let (image, plane, i, j) = (at / (c * h * w), at / (h * w), at / w % h, at % w);
        let m = matrix(image)?;
        let (u, v) = (normalised(j, w), normalised(i, h));
        let (column, row) = (pixel(m[0][0] * u + m[0][1] * v, w), pixel(m[1][0] * u + m[1][1] * v, h));
        let mut sum = 0.0;
        for r in 0..h {
            for s in 0..w {
                let share =
                    (1.0 - (row - r as f64).abs()).max(0.0) * (1.0 - (column - s as f64).abs()).max(0.0);
                sum += share * x[plane * h * w + r * w + s];
            }
        }
        out.push(sum);
    }
    Some(out)
}

#[test]
fn scale_and_rotate_are_bilinear_sampling_on_every_shape() {
    for shape in SHAPES {
        let x = images(shape, DType::F64, &Device::flex(), 0);
        for augmentation in operations(shape[0]) {
            if let Some(expected) = moved(&augmentation, &values(x.clone()), shape) {
                let got = values(augmentation.apply(x.clone()));
                assert!(close(&got, &expected, 1e-9), "{augmentation:?} {shape:?}");
            }
        }
    }
}

#[test]
#[expect(clippy::float_cmp, reason = "moved pixels are the same bits")]
fn crop_and_flip_move_pixels_bit_for_bit() {
    let shape = [2, 2, 5, 4];
    let x = values(images(shape, DType::F32, &Device::flex(), 0));
    let at = |n: usize, c: usize, i: usize, j: usize| x[((n * 2 + c) * 5 + i) * 4 + j];
    let crop =
        Augmentation::Crop(vec![[1, -2], [-1, 0]]).apply(images(shape, DType::F32, &Device::flex(), 0));
    let crop = values(crop);
    // Image 0 reads one row below and two columns to the left, image 1 one row above.
    assert_eq!(crop[0], 0.0);
    assert_eq!(crop[2], at(0, 0, 1, 0));
    assert_eq!(crop[20 + 3 * 4 + 3], at(0, 1, 4, 1));
    assert_eq!(crop[40..44], [0.0; 4]);
    assert_eq!(crop[44..48], [at(1, 0, 0, 0), at(1, 0, 0, 1), at(1, 0, 0, 2), at(1, 0, 0, 3)]);
    let flip =
        values(Augmentation::Flip(vec![false, true]).apply(images(shape, DType::F32, &Device::flex(), 0)));
    assert_eq!(flip[..40], x[..40]);
    assert_eq!(flip[40..44], [at(1, 0, 0, 3), at(1, 0, 0, 2), at(1, 0, 0, 1), at(1, 0, 0, 0)]);
}

#[test]
fn operations_without_an_offset_are_linear() {
    for shape in SHAPES {
        let (a, b) =
            (images(shape, DType::F64, &Device::flex(), 0), images(shape, DType::F64, &Device::flex(), 1));
        for augmentation in operations(shape[0]) {
            let together = values(augmentation.apply(a.clone() * 3.0 - b.clone()));
            let apart = values(augmentation.apply(a.clone()) * 3.0 - augmentation.apply(b.clone()));
            // An offset of b counts once on the left and 3 − 1 = 2 times on the right.
            assert_eq!(
                close(&together, &apart, 1e-12),
                is_linear(&augmentation),
                "{augmentation:?} {shape:?}"
            );
        }
    }
}

/// ⟨A·x, g⟩ − ⟨A·0, g⟩ = ⟨x, Aᵀ·g⟩ for every affine map, whatever its parameters.
#[test]
fn the_gradient_is_the_adjoint() {
    let device = Device::flex().autodiff();
    for shape in SHAPES {
        let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
        let g = images(shape, DType::F64, &device, 1);
        for augmentation in operations(shape[0]) {
            let x = images(shape, DType::F64, &device, 0).require_grad();
            let out = augmentation.apply(x.clone());
            let at_zero = values(augmentation.apply(x.zeros_like()));
            let change: Vec<f64> = values(out.clone()).iter().zip(&at_zero).map(|(o, z)| o - z).collect();
            let gradients = (out * g.clone()).sum().backward();
            let dx = values(x.grad(&gradients).unwrap());
            let (left, right) = (dot(&change, &values(g.clone())), dot(&values(x), &dx));
            assert!((left - right).abs() < 1e-9, "{augmentation:?} {shape:?}: {left} {right}");
        }
    }
}

#[test]
fn slices_of_the_batch_give_the_same_bits_as_the_whole() {
    let shape = [7, 3, 10, 12];
    for dtype in [DType::F32, DType::F64] {
        let x = images(shape, dtype, &Device::flex(), 0);
        for augmentation in operations(7) {
            let whole = values(augmentation.apply(x.clone()));
            let parts = [0..3, 3..4, 4..7]
                .map(|range| values(augmentation.slice(range.clone()).apply(x.clone().slice([range]))));
            assert_eq!(parts.concat(), whole, "{augmentation:?}");
        }
    }
}

#[test]
fn dtype_and_shape_are_kept_and_both_precisions_agree() {
    for shape in SHAPES {
        for augmentation in operations(shape[0]) {
            let [single, double] = [DType::F32, DType::F64].map(|dtype| {
                let out = augmentation.apply(images(shape, dtype, &Device::flex(), 0));
                assert_eq!((out.dtype(), out.dims()), (dtype, shape), "{augmentation:?}");
                values(out)
            });
            assert!(close(&single, &double, 1e-4), "{augmentation:?} {shape:?}");
        }
    }
}

/// The claim behind replay on GPUs (see `src/sample.rs`): no pixel of the gradient of a single tap has more
/// than two terms. It is about the geometry, recomputed here, for angles as they are drawn.
#[test]
fn no_more_than_two_outputs_of_a_rotation_share_a_tap() {
    for (h, w) in [(28_u32, 28_u32), (32, 32), (24, 96), (128, 128), (9, 6)] {
        for step in 0..60 {
            let angle = (f64::from(step) - 29.7) / 30.0 * 15_f64.to_radians();
            let (sin, cos) = angle.sin_cos();
            let (cy, cx) = ((f64::from(h) - 1.0) / 2.0, (f64::from(w) - 1.0) / 2.0);
            let aspect = cx / cy;
            let mut readers = std::collections::BTreeMap::new();
            for (i, j) in (0..h).flat_map(|i| (0..w).map(move |j| (f64::from(i) - cy, f64::from(j) - cx))) {
                let cell = (
                    (cos * j - sin * aspect * i + cx).floor() as i64,
                    (sin / aspect * j + cos * i + cy).floor() as i64,
                );
                *readers.entry(cell).or_insert(0) += 1;
            }
            assert!(readers.values().all(|&count| count <= 2), "{h} {w} {angle}");
        }
    }
}

#[test]
fn a_drawn_augmentation_fits_its_batch() {
    for index in 0..20 {
        let augmentation = Strategy::dsa().draw(3, 9, 6, &mut stream(1, "fit", index));
        let out = values(augmentation.apply(images([3, 2, 9, 6], DType::F32, &Device::flex(), 0)));
        assert!(out.iter().all(|v| v.is_finite()));
    }
}

/// A mistake of calling code, caught before a shape error deep in the tensor library hides its cause.
#[test]
fn parameters_for_another_batch_are_refused() {
    for augmentation in operations(3).into_iter().skip(1) {
        let x = images([2, 1, 8, 8], DType::F32, &Device::flex(), 0);
        let refused = std::panic::catch_unwind(|| augmentation.apply(x)).unwrap_err();
        let message = refused.downcast_ref::<String>().unwrap();
        assert!(message.contains("applied to a batch of 2"), "{message}");
    }
}

/// The tiles ab/cd with 4 × 5 pixels: columns in the order b, a, rows in the order c, a.
#[test]
fn shuffled_patches_are_the_same_pixels_elsewhere() {
    let device = Device::flex();
    let pixels: Vec<f64> = (0..20).map(f64::from).collect();
    let x = Tensor::<4>::from_data(TensorData::new(pixels, [1, 1, 4, 5]), (&device, DType::F64));
    let order = PatchOrder { rows: vec![1, 0], columns: vec![1, 0] };
    let got = values(Augmentation::ShufflePatches(vec![order]).apply(x));
    let wanted = [
        12.0, 13.0, 14.0, 10.0, 11.0, 17.0, 18.0, 19.0, 15.0, 16.0, 2.0, 3.0, 4.0, 0.0, 1.0, 7.0, 8.0, 9.0,
        5.0, 6.0,
    ];
    assert_eq!(got, wanted);
}

/// `F.interpolate(x[:, :, 1:3, 1:4], size=(4, 5), mode="bilinear", align_corners=False)` of PyTorch 2.15.
#[test]
fn a_resized_crop_is_pytorchs() {
    let device = Device::flex();
    let squares: Vec<f64> = (0..20).map(|i| f64::from(i * i) / 10.0).collect();
    let x = Tensor::<4>::from_data(TensorData::new(squares, [1, 1, 4, 5]), (&device, DType::F64));
    let part = CropBox { top: 1, left: 1, height: 2, width: 3 };
    let got = values(Augmentation::ResizedCrop(vec![part]).apply(x.clone()));
    let wanted = [
        3.6, 4.12, 4.9, 5.8, 6.4, 5.725, 6.345, 7.275, 8.325, 9.025, 9.975, 10.795, 12.025, 13.375, 14.275,
        12.1, 13.02, 14.4, 15.9, 16.9,
    ];
    assert!(close(&got, &wanted, 1e-9), "{got:?}");
    let whole = CropBox { top: 0, left: 0, height: 4, width: 5 };
    assert_eq!(values(Augmentation::ResizedCrop(vec![whole]).apply(x.clone())), values(x));
}
