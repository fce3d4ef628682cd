use burn::tensor::{DType, Device, Tensor, TensorData};

/// Moves several host tables to the device in one transfer.
pub(crate) fn upload<const K: usize>(
    tables: &[Vec<f64>; K],
    device: &Device,
    dtype: DType,
) -> [Tensor<1>; K] {
    let lengths = tables.each_ref().map(Vec::len);
    let joined = tables.concat();
    let total = joined.len();
    let joined = Tensor::<1>::from_data(TensorData::new(joined, [total]), (device, dtype));
    let mut start = 0;
    lengths.map(|length| {
        let table = joined.clone().narrow(0, start, length);
        start += length;
        table
    })
}

/// The type coordinates and pixel numbers are computed in: at least f32, so that half-precision images
/// are still sampled at the right place (f32 counts pixels exactly up to 2²⁴).
pub(crate) fn precise(dtype: DType) -> DType {
    if dtype == DType::F64 { DType::F64 } else { DType::F32 }
}
