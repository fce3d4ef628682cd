//! CIFAR's records and archives.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let _ = distil_data::hostile::cifar_records(bytes)
        | distil_data::hostile::cifar_tar(bytes)
        | distil_data::hostile::cifar_tar_gzip(bytes);
});
