//! zip files; every member is unpacked.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let _ = distil_data::hostile::zip(bytes);
});
