//! Brightness, saturation and contrast: elementwise, with one number per image.

use burn::tensor::Tensor;

use crate::upload::upload;

pub(crate) fn brightness(x: Tensor<4>, shift: &[f32]) -> Tensor<4> {
    let [shift] = per_image(&x, [shift]);
    x + shift
}

pub(crate) fn saturation(x: Tensor<4>, factor: &[f32]) -> Tensor<4> {
    let [factor] = per_image(&x, [factor]);
    let mean = x.clone().mean_dim(1);
    around(x, mean, factor)
}

pub(crate) fn contrast(x: Tensor<4>, factor: &[f32]) -> Tensor<4> {
    let [factor] = per_image(&x, [factor]);
    contrast_by(x, factor)
}

pub(crate) fn all(x: Tensor<4>, parameters: [&[f32]; 3]) -> Tensor<4> {
    let [shift, saturation, contrast] = per_image(&x, parameters);
    let x = x + shift;
    let mean = x.clone().mean_dim(1);
    contrast_by(around(x, mean, saturation), contrast)
}

fn contrast_by(x: Tensor<4>, factor: Tensor<4>) -> Tensor<4> {
    let [n, c, h, w] = x.dims();
    let mean = x.clone().reshape([n, c * h * w]).mean_dim(1).reshape([n, 1, 1, 1]);
    around(x, mean, factor)
}

fn around(x: Tensor<4>, mean: Tensor<4>, factor: Tensor<4>) -> Tensor<4> {
    (x - mean.clone()) * factor + mean
}

fn per_image<const K: usize>(x: &Tensor<4>, parameters: [&[f32]; K]) -> [Tensor<4>; K] {
    let tables: [Vec<f64>; K] = parameters.map(|each| each.iter().map(|&value| f64::from(value)).collect());
    upload(&tables, &x.device(), x.dtype()).map(|each: Tensor<1>| each.reshape([-1, 1, 1, 1]))
}
