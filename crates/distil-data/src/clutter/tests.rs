use distil_random::stream;
use sha2::{Digest, Sha256};

use super::{
    CLASS_NAMES, ClutterConfig, ClutterError, ClutterImages, Part,
    canvas::luma,
    draw, generate,
    scene::{CONTRAST, Palette, background, scatter},
};

fn small(config: ClutterConfig, per_class: usize) -> ClutterConfig {
    ClutterConfig { train_per_class: per_class, test_per_class: per_class, ..config }
}

fn presets() -> [(&'static str, ClutterConfig); 2] {
    [("easy", small(ClutterConfig::easy(), 20)), ("hard", small(ClutterConfig::hard(), 20))]
}

/// Luma of every pixel of one image, in `[0, 1]`.
fn lumas(images: &ClutterImages, index: usize) -> Vec<f32> {
    let area = images.shape[2] * images.shape[3];
    let pixels = &images.pixels[index * 3 * area..(index + 1) * 3 * area];
    (0..area).map(|i| luma([0, 1, 2].map(|channel| f32::from(pixels[channel * area + i]) / 255.0))).collect()
}

/// Whether a pixel and all its neighbours inside the image agree in the mask.
fn away_from_the_border(mask: &[bool], side: usize, i: usize) -> bool {
    let near = |at: usize| at.saturating_sub(1)..(at + 2).min(side);
    near(i / side).all(|y| near(i % side).all(|x| mask[y * side + x] == mask[i]))
}

/// Pins the pictures: a change of this digest changes every clutter run ever published.
#[test]
fn images_never_change() {
    let digest = |config: ClutterConfig, part| {
        let images = generate(&small(config, 3), 42, part).unwrap();
        let mut hash = Sha256::new();
        hash.update(&images.pixels);
        hash.update(images.masks.iter().map(|&object| u8::from(object)).collect::<Vec<_>>());
        let digest: [u8; 32] = hash.finalize().into();
        digest[..8].iter().fold(0_u64, |number, &byte| number << 8 | u64::from(byte))
    };
    assert_eq!(digest(ClutterConfig::easy(), Part::Train), 0xb88a_1ba7_7aad_39af);
    assert_eq!(digest(ClutterConfig::hard(), Part::Test), 0xcc58_b544_990c_cec6);
}

#[test]
fn one_image_is_what_the_whole_part_holds() {
    for (name, config) in presets() {
        let images = generate(&config, 5, Part::Test).unwrap();
        let [n, channels, height, width] = images.shape;
        assert_eq!((n, channels, height, width), (200, 3, 32, 32));
        let (area, volume) = (height * width, channels * height * width);
        for index in [0, 17, 199] {
            let alone = draw(&config, 5, Part::Test, index).unwrap();
            assert_eq!(alone.pixels, images.pixels[index * volume..(index + 1) * volume], "{name} {index}");
            assert_eq!(alone.mask, images.masks[index * area..(index + 1) * area]);
            assert_eq!(alone.label, images.labels[index]);
        }
        for class in 0..10 {
            assert_eq!(images.labels.iter().filter(|&&label| label == class).count(), 20);
        }
    }
}

#[test]
fn seed_and_part_change_every_image() {
    let config = ClutterConfig::easy();
    let image = |seed, part| draw(&config, seed, part, 3).unwrap().pixels;
    assert_ne!(image(0, Part::Train), image(1, Part::Train));
    assert_ne!(image(0, Part::Train), image(0, Part::Test));
}

#[test]
fn hard_images_have_more_background_in_every_class() {
    let [easy, hard] = presets().map(|(_, config)| generate(&config, 1, Part::Train).unwrap());
    for (class, name) in CLASS_NAMES.iter().enumerate() {
        let mean = |images: &ClutterImages| {
            (0..20).map(|i| images.background_share(10 * i + class)).sum::<f32>() / 20.0
        };
        let (easy, hard) = (mean(&easy), mean(&hard));
        assert!(hard > easy + 0.05, "{name}: {easy} and {hard}");
        assert!(easy > 0.6 && hard < 0.97, "{name}: {easy} and {hard}");
    }
}

/// The masks found from the pixels alone (the glyph has one colour, and nothing else comes near its luma) are
/// the masks handed out.
#[test]
fn masks_lie_on_the_drawn_glyphs() {
    for (name, config) in presets() {
        let images = generate(&config, 2, Part::Train).unwrap();
        let (side, mut checked) = (config.resolution, 0);
        for index in 0..images.shape[0] {
            let (mask, lumas) = (images.mask(index), lumas(&images, index));
            let sure: Vec<usize> =
                (0..side * side).filter(|&i| away_from_the_border(mask, side, i)).collect();
            let inner: Vec<f32> = sure.iter().filter(|&&i| mask[i]).map(|&i| lumas[i]).collect();
            // A thin, small glyph may consist of border alone.
            let Some(&glyph) = inner.first() else { continue };
            checked += 1;
            for i in sure {
                let alike = (lumas[i] - glyph).abs() < CONTRAST / 2.0;
                assert_eq!(alike, mask[i], "{name} image {index} pixel {} {}", i % side, i / side);
            }
        }
        assert!(checked > 180, "{name}: only {checked} of 200 glyphs have an inner pixel");
    }
}

#[test]
fn background_keeps_its_distance_from_the_glyphs_colour() {
    let config = ClutterConfig { clutter: 1.0, texture: 1.0, ..ClutterConfig::hard() };
    for index in 0..200 {
        let draws = |aspect| stream(9, aspect, index);
        let palette = Palette::draw(&mut draws("palette"));
        let mut canvas = background(&config, &palette, &mut draws("texture"));
        scatter(&config, &palette, &mut canvas, &mut draws("distractors"));
        let glyph = luma(palette.glyph);
        for &pixel in canvas.pixels() {
            let shown = luma(pixel.map(|channel| channel.clamp(0.0, 1.0)));
            assert!((shown - glyph).abs() > CONTRAST - 1e-3, "image {index}: {shown} against {glyph}");
        }
    }
}

#[test]
fn distractors_and_texture_change_nothing_but_the_background() {
    let plain = small(ClutterConfig { clutter: 0.0, texture: 0.0, ..ClutterConfig::hard() }, 5);
    let cluttered = ClutterConfig { clutter: 1.0, ..plain };
    let textured = ClutterConfig { texture: 1.0, ..plain };
    let draw_all = |config| generate(&config, 3, Part::Train).unwrap();
    let (plain, area) = (draw_all(plain), 32 * 32);
    for (name, busy) in [("clutter", draw_all(cluttered)), ("texture", draw_all(textured))] {
        assert_eq!(plain.masks, busy.masks, "{name}");
        for index in 0..50 {
            let mask = plain.mask(index);
            let value = |images: &ClutterImages, i: usize| images.pixels[index * 3 * area + i];
            let changed: Vec<usize> =
                (0..3 * area).filter(|&i| value(&plain, i) != value(&busy, i)).map(|i| i % area).collect();
            assert!(changed.len() > area / 2, "{name} {index}: only {} values differ", changed.len());
            let inside = |i: &usize| mask[*i] && away_from_the_border(mask, 32, *i);
            assert_eq!(changed.iter().find(|i| inside(i)), None, "{name} {index}");
        }
    }
}

/// Colour carries no class: the class with the nearest mean colour is right one time in ten.
#[test]
fn mean_colour_does_not_tell_the_class() {
    let mean_colour = |images: &ClutterImages, index: usize| {
        let area = images.shape[2] * images.shape[3];
        [0, 1, 2].map(|channel| {
            let from = (index * 3 + channel) * area;
            images.pixels[from..from + area].iter().map(|&value| f32::from(value)).sum::<f32>() / area as f32
        })
    };
    for (name, config) in [("easy", ClutterConfig::easy()), ("hard", ClutterConfig::hard())] {
        let config = small(config, 100);
        let [train, test] = [Part::Train, Part::Test].map(|part| generate(&config, 4, part).unwrap());
        let mut centres = [[0.0; 3]; 10];
        for index in 0..1000 {
            let colour = mean_colour(&train, index);
            (0..3).for_each(|channel| centres[index % 10][channel] += colour[channel] / 100.0);
        }
        let distance = |a: [f32; 3], b: [f32; 3]| (0..3).map(|i| (a[i] - b[i]).powi(2)).sum::<f32>();
        let right = (0..1000).filter(|&index| {
            let colour = mean_colour(&test, index);
            let nearer = |&a: &usize, &b: &usize| {
                distance(colour, centres[a]).total_cmp(&distance(colour, centres[b]))
            };
            (0..10).min_by(nearer) == Some(index % 10)
        });
        let accuracy = right.count() as f32 / 1000.0;
        // Five standard deviations above a tenth.
        assert!(accuracy < 0.148, "{name}: mean colour tells the class in {accuracy} of the cases");
    }
}

/// The mask shifted so that its centre of mass is the image's middle.
fn centred(mask: &[bool], side: usize) -> Vec<bool> {
    let object = || (0..side * side).filter(|&i| mask[i]);
    let middle = |at: fn(usize, usize) -> usize| {
        let (sum, count) = object().fold((0, 0), |(sum, count), i| (sum + at(i, side), count + 1));
        (sum as f32 / count as f32).round() as isize - side as isize / 2
    };
    let (dx, dy) = (middle(|i, side| i % side), middle(|i, side| i / side));
    let mut moved = vec![false; side * side];
    for i in object() {
        let (x, y) = ((i % side) as isize - dx, (i / side) as isize - dy);
        if (0..side as isize).contains(&x) && (0..side as isize).contains(&y) {
            moved[y as usize * side + x as usize] = true;
        }
    }
    moved
}

#[test]
fn the_nearest_mask_has_the_same_class() {
    for (name, config) in presets() {
        let [train, test] = [Part::Train, Part::Test].map(|part| {
            let images = generate(&config, 6, part).unwrap();
            (0..200).map(|index| centred(images.mask(index), config.resolution)).collect::<Vec<_>>()
        });
        let differing = |a: &[bool], b: &[bool]| a.iter().zip(b).filter(|(a, b)| a != b).count();
        let right = (0..200).filter(|&index| {
            let nearest = (0..200).min_by_key(|&other| differing(&test[index], &train[other]));
            nearest.map(|other| other % 10) == Some(index % 10)
        });
        let accuracy = right.count() as f32 / 200.0;
        assert!(accuracy > 0.9, "{name}: only {accuracy} of the masks are nearest to their own class");
    }
}

#[test]
fn impossible_configs_are_named() {
    let refused = |change: fn(&mut ClutterConfig)| {
        let mut config = ClutterConfig::easy();
        change(&mut config);
        let error = config.check().unwrap_err().to_string();
        assert_eq!(generate(&config, 0, Part::Train).unwrap_err().to_string(), error);
        assert_eq!(draw(&config, 0, Part::Train, 0).unwrap_err().to_string(), error);
        error
    };
    assert!(refused(|c| c.resolution = 15).contains("resolution is 15"));
    assert!(refused(|c| c.resolution = 5000).contains("resolution is 5000"));
    assert!(refused(|c| c.object_size = f32::NAN).contains("object_size is NaN"));
    assert!(refused(|c| c.object_size = -0.1).contains("object_size is -0.1"));
    assert!(refused(|c| c.size_jitter = 0.6).contains("size_jitter is 0.6"));
    assert!(refused(|c| c.clutter = 1.5).contains("clutter is 1.5"));
    assert!(refused(|c| c.texture = -1.0).contains("texture is -1"));
    assert!(refused(|c| c.train_per_class = 0).contains("train_per_class is 0"));
    assert!(refused(|c| c.test_per_class = 0).contains("test_per_class is 0"));
    assert!(refused(|c| c.object_size = 0.2).contains("raise object_size or resolution"));
    assert!(refused(|c| c.object_size = 0.95).contains("lower object_size"));
    let past = draw(&ClutterConfig::easy(), 0, Part::Test, 1000).unwrap_err();
    assert_eq!(past, ClutterError::Index { index: 1000, images: 1000 });
}

#[test]
fn every_extreme_of_the_ranges_can_be_drawn() {
    for (resolution, object_size, size_jitter) in [(16, 0.6, 0.0), (17, 1.0, 0.0), (40, 0.5, 0.5)] {
        for density in [0.0, 1.0] {
            let config = ClutterConfig {
                resolution,
                object_size,
                size_jitter,
                clutter: density,
                texture: density,
                train_per_class: 3,
                test_per_class: 1,
            };
            let images = generate(&config, 8, Part::Train).unwrap();
            assert!((0..30).all(|index| images.mask(index).contains(&true)), "{config:?}");
        }
    }
}

#[test]
fn configs_are_read_strictly() {
    let read = |text| serde_json::from_str::<ClutterConfig>(text);
    assert_eq!(read(r#"{"clutter": 0.5}"#).unwrap(), ClutterConfig { clutter: 0.5, ..ClutterConfig::easy() });
    assert!(read(r#"{"cluter": 0.5}"#).unwrap_err().to_string().contains("cluter"));
}
