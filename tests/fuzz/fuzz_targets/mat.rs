//! MATLAB files, as SVHN's and any other.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let _ = distil_data::hostile::svhn(bytes) | distil_data::hostile::mat(bytes);
});
