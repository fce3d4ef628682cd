//! PNG and JPEG files.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let _ = distil_data::hostile::picture(bytes, 3) | distil_data::hostile::picture(bytes, 1);
});
