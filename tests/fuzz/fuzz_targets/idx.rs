//! IDX files, plain and gzipped.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let _ = distil_data::hostile::idx(bytes) | distil_data::hostile::idx_gzip(bytes);
});
