//! Properties of the fit and of the transform; the oracle's figures are in distil-data's tests/golden.rs.

use distil_random::{Stream, normal, stream};
use distil_zca::{Zca, ZcaError};

fn draws(rng: &mut Stream, n: usize) -> Vec<f64> {
    (0..n).map(|_| f64::from(normal(rng))).collect()
}

/// With n ≫ D the covariance of white images is S/(S + eps) in U's basis: near 1 for a tiny eps.
#[test]
fn whitened_images_are_uncorrelated_with_unit_variance() {
    let mut rng = stream(1, "zca test", 0);
    let mix = draws(&mut rng, 16);
    let raw = draws(&mut rng, 4 * 3000);
    let x: Vec<f64> = raw
        .chunks(4)
        .flat_map(|r| (0..4).map(|j| (0..4).map(|i| r[i] * mix[i * 4 + j]).sum::<f64>()))
        .collect();
    let white = Zca::fit(&x, 4, 1e-12).unwrap().whiten(&x).unwrap();
    for (i, j) in (0..16).map(|k| (k / 4, k % 4)) {
        let c: f64 = white.chunks(4).map(|r| r[i] * r[j]).sum::<f64>() / 2999.0;
        assert!((c - f64::from(u8::from(i == j))).abs() < 1e-6, "{i} {j} {c}");
    }
}

#[test]
fn fewer_images_than_values_round_trip_and_one_image_is_enough() {
    let mut rng = stream(2, "zca test", 0);
    for n in [1, 2, 5] {
        let x = draws(&mut rng, n * 12);
        let zca = Zca::fit(&x, 12, 0.1).unwrap();
        let back = zca.unwhiten(&zca.whiten(&x).unwrap()).unwrap();
        assert!(back.iter().zip(&x).all(|(b, x)| (b - x).abs() < 1e-12));
    }
}

/// More images than the fit takes at a time: inverse² is the covariance of all of them, with eps on its diagonal.
#[test]
fn blocks_of_rows_add_up() {
    let mut rng = stream(3, "zca test", 0);
    let x = draws(&mut rng, 3 * 2065);
    let zca = Zca::fit(&x, 3, 0.1).unwrap();
    let n = x.len() / 3;
    for (i, j) in (0..9).map(|k| (k / 3, k % 3)) {
        let centred = |row: &[f64]| (row[i] - zca.mean[i]) * (row[j] - zca.mean[j]);
        let direct = x.chunks(3).map(centred).sum::<f64>() / (n - 1) as f64;
        let squared: f64 = (0..3).map(|k| zca.inverse[i * 3 + k] * zca.inverse[k * 3 + j]).sum();
        let eps = if i == j { 0.1 } else { 0.0 };
        assert!((squared - eps - direct).abs() < 1e-12, "{i} {j}");
    }
}

#[test]
fn impossible_fits_are_refused() {
    assert_eq!(Zca::fit(&[], 4, 0.1).unwrap_err(), ZcaError::NoImages);
    assert_eq!(Zca::fit(&[0.0; 7], 4, 0.1).unwrap_err(), ZcaError::Count { values: 7, d: 4 });
    assert_eq!(Zca::fit(&[0.0; 8], 4, 0.0).unwrap_err(), ZcaError::Eps(0.0));
    assert!(Zca::fit(&[0.0; 8], 4, f64::NAN).is_err());
    assert_eq!(Zca::fit(&[0.0, f64::NAN], 1, 0.1).unwrap_err(), ZcaError::NotFinite);
    assert!(Zca::fit(&[0.0; 8], 4, 0.1).unwrap().whiten_f32(&[0.0; 3]).is_err());
}
