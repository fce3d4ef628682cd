//! CIFAR's records, archives and pickles.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let _ = distil_data::hostile::cifar_records(bytes)
        | distil_data::hostile::cifar_tar(bytes)
        | distil_data::hostile::cifar_tar_gzip(bytes)
        | distil_data::hostile::cifar_python(bytes)
        | distil_data::hostile::pickle(bytes);
});
