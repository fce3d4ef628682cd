//! Numbers as other programs store them, as those that are used here.

use half::{bf16, f16};
use pytorch_reader::DType;

/// Floats of any precision, in single precision; `None` for integers.
pub(crate) fn floats(kind: DType, bytes: &[u8]) -> Option<Vec<f32>> {
    Some(match kind {
        DType::F32 => each(bytes, f32::from_le_bytes),
        DType::F64 => each(bytes, |bytes| f64::from_le_bytes(bytes) as f32),
        DType::F16 => each(bytes, |bytes| f16::from_le_bytes(bytes).to_f32()),
        DType::BF16 => each(bytes, |bytes| bf16::from_le_bytes(bytes).to_f32()),
        _ => return None,
    })
}

/// Integers of any width; `None` for floats, and where one is too large.
pub(crate) fn integers(kind: DType, bytes: &[u8]) -> Option<Vec<i64>> {
    Some(match kind {
        DType::I64 => each(bytes, i64::from_le_bytes),
        DType::I32 => each(bytes, |bytes| i32::from_le_bytes(bytes).into()),
        DType::I16 => each(bytes, |bytes| i16::from_le_bytes(bytes).into()),
        DType::I8 => each(bytes, |bytes| i8::from_le_bytes(bytes).into()),
        DType::U64 => {
            return each(bytes, |bytes| i64::try_from(u64::from_le_bytes(bytes)).ok()).into_iter().collect();
        }
        DType::U32 => each(bytes, |bytes| u32::from_le_bytes(bytes).into()),
        DType::U16 => each(bytes, |bytes| u16::from_le_bytes(bytes).into()),
        DType::U8 | DType::Bool => each(bytes, |[byte]| byte.into()),
        DType::F64 | DType::F32 | DType::F16 | DType::BF16 => return None,
    })
}

/// What [`floats`] does to such numbers, if anything.
pub(crate) fn conversion(kind: DType) -> Option<&'static str> {
    match kind {
        DType::F64 => Some("float64 narrowed to float32"),
        DType::F16 => Some("float16 widened to float32"),
        DType::BF16 => Some("bfloat16 widened to float32"),
        _ => None,
    }
}

fn each<const N: usize, T>(bytes: &[u8], number: impl Fn([u8; N]) -> T) -> Vec<T> {
    bytes.as_chunks::<N>().0.iter().map(|bytes| number(*bytes)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_width_is_read() {
        assert_eq!(floats(DType::F16, &[0x00, 0xc1, 0x00, 0x3c]), Some(vec![-2.5, 1.0]));
        assert_eq!(floats(DType::BF16, &[0x20, 0xc0, 0x80, 0x3f]), Some(vec![-2.5, 1.0]));
        assert_eq!(floats(DType::F64, &(-2.5_f64).to_le_bytes()), Some(vec![-2.5]));
        assert_eq!(floats(DType::F64, &1e300_f64.to_le_bytes()), Some(vec![f32::INFINITY]));
        assert_eq!(floats(DType::U8, &[1]), None);
        assert_eq!(integers(DType::I32, &(-7_i32).to_le_bytes()), Some(vec![-7]));
        assert_eq!(integers(DType::I8, &[0xff]), Some(vec![-1]));
        assert_eq!(integers(DType::U8, &[0xff]), Some(vec![255]));
        assert_eq!(integers(DType::U64, &[0xff; 8]), None);
        assert_eq!(integers(DType::F32, &[0; 4]), None);
    }
}
