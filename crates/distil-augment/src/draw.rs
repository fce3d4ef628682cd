use std::f32::consts::PI;

use distil_random::{Stream, below, uniform, unit};

use crate::strategy::Draws;
use crate::{Augmentation, Operation, Strategy};

/// Largest shift of a crop, as a share of the side.
const SHIFT: f32 = 0.125;
/// Side of the hole, as a share of the side.
const HOLE: f32 = 0.5;
/// Largest scale; the smallest is its inverse.
const SCALE: f32 = 1.2;
/// Largest angle, in radians.
const ANGLE: f32 = 15.0 / 180.0 * PI;

impl Strategy {
    /// Draws one operation for the batch, each equally likely (DSA's `aug_mode S`), or those that come together, and their
    /// parameters for each of `images` images of `height` × `width` pixels.
    ///
    /// Draw from a separate stream for every batch, `stream(seed, "…", iteration)`: how many numbers
    /// are consumed depends on the operation.
    pub fn draw(&self, images: usize, height: usize, width: usize, rng: &mut Stream) -> Augmentation {
        if self.is_none() {
            return Augmentation::None;
        }
        let operations = self.operations();
        let mut parameters = Parameters { images, sides: [height, width], rng };
        match self.draws() {
            Draws::One => {
                let operation = operations[below(parameters.rng, operations.len())];
                parameters.of(operation)
            }
            Draws::Together => parameters.together(operations),
        }
    }

    /// Draws one operation and one set of parameters, and repeats it for every image (DSA: real
    /// and synthetic images under one transformation). For batches of different sizes,
    /// [`Augmentation::repeat`] the same draw.
    pub fn draw_siamese(&self, images: usize, height: usize, width: usize, rng: &mut Stream) -> Augmentation {
        self.draw(1, height, width, rng).repeat(images)
    }
}

struct Parameters<'a> {
    images: usize,
    sides: [usize; 2],
    rng: &'a mut Stream,
}

impl Parameters<'_> {
    fn of(&mut self, operation: Operation) -> Augmentation {
        match operation {
            Operation::Color => self.color(),
            Operation::Crop => self.crop(),
            Operation::Cutout => self.cutout(),
            Operation::Flip => Augmentation::Flip(self.each(|rng| unit(rng) < 0.5)),
            Operation::Scale => Augmentation::Scale(self.each(scale)),
            Operation::Rotate => Augmentation::Rotate(self.each(|rng| uniform(rng, -ANGLE, ANGLE))),
        }
    }

    /// Flip, colour, one of those that move pixels, cutout: those that are named.
    fn together(&mut self, operations: &[Operation]) -> Augmentation {
        let moves = [Operation::Crop, Operation::Scale, Operation::Rotate];
        let moves: Vec<Operation> = operations.iter().copied().filter(|each| moves.contains(each)).collect();
        let named = |operation: Operation| operations.contains(&operation).then_some(operation);
        let moving = (!moves.is_empty()).then(|| moves[below(self.rng, moves.len())]);
        let order = [named(Operation::Flip), named(Operation::Color), moving, named(Operation::Cutout)];
        Augmentation::Sequence(order.into_iter().flatten().map(|operation| self.of(operation)).collect())
    }

    fn each<T>(&mut self, mut draw: impl FnMut(&mut Stream) -> T) -> Vec<T> {
        (0..self.images).map(|_| draw(self.rng)).collect()
    }

    fn color(&mut self) -> Augmentation {
        Augmentation::Color {
            brightness: self.each(|rng| uniform(rng, -0.5, 0.5)),
            saturation: self.each(|rng| uniform(rng, 0.0, 2.0)),
            contrast: self.each(|rng| uniform(rng, 0.5, 1.5)),
        }
    }

    fn crop(&mut self) -> Augmentation {
        let most = self.sides.map(|side| rounded(SHIFT, side));
        let shift = |rng: &mut Stream| most.map(|most| below(rng, 2 * most + 1) as i64 - most as i64);
        Augmentation::Crop(self.each(shift))
    }

    fn cutout(&mut self) -> Augmentation {
        let size = self.sides.map(|side| rounded(HOLE, side));
        // An even hole has its centre between pixels and may lie one further out.
        let [rows, columns] = [0, 1].map(|axis| self.sides[axis] + (1 - size[axis] % 2));
        let offset = self.each(|rng| [below(rng, rows) as i64, below(rng, columns) as i64]);
        Augmentation::Cutout { size, offset }
    }
}

fn scale(rng: &mut Stream) -> [f32; 2] {
    [(); 2].map(|()| uniform(rng, 1.0 / SCALE, SCALE))
}

fn rounded(share: f32, side: usize) -> usize {
    (share * side as f32 + 0.5) as usize
}

#[cfg(test)]
mod tests {
    use distil_random::stream;

    use super::*;

    fn draws(side: [usize; 2]) -> impl Iterator<Item = Augmentation> {
        let strategy = Strategy::dsa();
        (0..600).map(move |index| strategy.draw(3, side[0], side[1], &mut stream(5, "test", index)))
    }

    /// Smallest and largest of `values`.
    fn extent<T: PartialOrd + Copy>(values: impl Iterator<Item = T>) -> (T, T) {
        values
            .map(|v| (v, v))
            .reduce(|(a, b), (v, _)| (if v < a { v } else { a }, if v > b { v } else { b }))
            .unwrap()
    }

    #[test]
    fn whole_pixel_draws_fill_their_published_ranges() {
        // (side, largest shift, side of the hole, largest offset of its centre)
        for (side, shift, hole, centre) in
            [(28, 4, 14, 28), (32, 4, 16, 32), (64, 8, 32, 64), (128, 16, 64, 128), (9, 1, 5, 8)]
        {
            let all: Vec<_> = draws([side, side]).collect();
            let shifts =
                all.iter().filter_map(|a| if let Augmentation::Crop(s) = a { Some(s) } else { None });
            assert_eq!(extent(shifts.flatten().flatten().copied()), (-shift, shift), "{side}");
            let mut offsets = Vec::new();
            for each in &all {
                if let Augmentation::Cutout { size, offset } = each {
                    assert_eq!(*size, [hole, hole], "{side}");
                    offsets.extend(offset.iter().flatten().copied());
                }
            }
            let (least, most) = extent(offsets.into_iter());
            assert!(
                least >= 0 && most <= centre && least <= centre / 20 && most >= centre - centre / 20 - 1,
                "{side}: {least} {most}"
            );
        }
    }

    #[test]
    fn sides_are_drawn_each_in_its_own_range() {
        let largest = draws([64, 16])
            .filter_map(|a| if let Augmentation::Crop(s) = a { Some(s) } else { None })
            .flatten()
            .fold([0, 0], |most, s| [most[0].max(s[0]), most[1].max(s[1])]);
        assert_eq!(largest, [8, 2]);
    }

    #[test]
    fn real_valued_draws_fill_their_published_ranges() {
        let (mut values, mut mirrored) = (vec![Vec::new(); 6], Vec::new());
        for each in draws([32, 32]) {
            match each {
                Augmentation::Color { brightness, saturation, contrast } => {
                    values[0].extend(brightness);
                    values[1].extend(saturation);
                    values[2].extend(contrast);
                }
                Augmentation::Scale(scale) => scale.iter().for_each(|s| {
                    values[3].push(s[0]);
                    values[4].push(s[1]);
                }),
                Augmentation::Rotate(angle) => values[5].extend(angle.iter().map(|a| a.to_degrees())),
                Augmentation::Flip(each) => mirrored.extend(each),
                _ => {}
            }
        }
        let ranges = [(-0.5, 0.5), (0.0, 2.0), (0.5, 1.5), (0.8333, 1.2), (0.8333, 1.2), (-15.0, 15.0)];
        for (values, (low, high)) in values.iter().zip(ranges) {
            let (least, most) = extent(values.iter().copied());
            let slack = (high - low) / 20.0;
            assert!(least >= low - 1e-4 && least < low + slack, "{least} {low}");
            assert!(most <= high + 1e-4 && most > high - slack, "{most} {high}");
        }
        assert_ne!(values[3], values[4], "the axes are scaled independently");
        let share = mirrored.iter().filter(|&&m| m).count() as f64 / mirrored.len() as f64;
        assert!((0.4..0.6).contains(&share), "{share}");
    }

    #[test]
    fn operations_are_equally_likely() {
        let mut seen = [0; 6];
        for each in draws([32, 32]) {
            let operation = match each {
                Augmentation::Color { .. } => 0,
                Augmentation::Crop(_) => 1,
                Augmentation::Cutout { .. } => 2,
                Augmentation::Flip(_) => 3,
                Augmentation::Scale(_) => 4,
                Augmentation::Rotate(_) => 5,
                other => panic!("not in the strategy: {other:?}"),
            };
            seen[operation] += 1;
        }
        assert!(seen.iter().all(|&count| (70..130).contains(&count)), "{seen:?}");
    }

    #[test]
    fn siamese_parameters_are_those_of_one_image_repeated() {
        let strategy = Strategy::dsa();
        for index in 0..40 {
            let siamese = strategy.draw_siamese(5, 32, 32, &mut stream(1, "test", index));
            let one = strategy.draw(1, 32, 32, &mut stream(1, "test", index));
            for image in 0..5 {
                assert_eq!(siamese.slice(image..image + 1), one);
            }
            assert_eq!(one.repeat(5), siamese);
        }
    }

    #[test]
    fn what_comes_together_is_one_move_between_the_others() {
        let strategy: Strategy = "color+crop+cutout+scale+flip".parse().unwrap();
        let mut moves = [0; 2];
        for index in 0..200 {
            let drawn = strategy.draw(3, 32, 32, &mut stream(9, "test", index));
            let Augmentation::Sequence(parts) = &drawn else { panic!("{drawn:?}") };
            let [Augmentation::Flip(_), Augmentation::Color { .. }, moved, Augmentation::Cutout { .. }] =
                &parts[..]
            else {
                panic!("{parts:?}")
            };
            match moved {
                Augmentation::Crop(_) => moves[0] += 1,
                Augmentation::Scale(_) => moves[1] += 1,
                other => panic!("{other:?}"),
            }
            assert_eq!(drawn.repeat(2).slice(1..2), drawn.slice(0..1));
        }
        assert!(moves.iter().all(|count| *count > 70), "{moves:?}");
        assert_eq!(Strategy::idc().to_string(), "color+crop+cutout");
    }

    #[test]
    fn no_strategy_draws_no_augmentation() {
        let mut rng = stream(1, "test", 0);
        assert_eq!(Strategy::none().draw(2, 8, 8, &mut rng), Augmentation::None);
        assert_eq!(Strategy::none().draw_siamese(2, 8, 8, &mut rng), Augmentation::None);
    }
}
