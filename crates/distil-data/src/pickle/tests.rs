use super::*;

/// The operations of protocol 2 for a text.
fn text(text: &str) -> Vec<u8> {
    [&[b'U', text.len() as u8][..], text.as_bytes()].concat()
}

/// A pickle of protocol 2 of a dictionary.
pub(crate) fn pickle_of(entries: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let entries = entries.iter().flat_map(|(key, value)| [text(key), value.clone()].concat());
    [&b"\x80\x02}("[..], &entries.collect::<Vec<u8>>(), b"u."].concat()
}

/// A list of numbers below 256.
pub(crate) fn list(numbers: &[u8]) -> Vec<u8> {
    let items = numbers.iter().flat_map(|&number| [b'K', number]);
    [&b"]("[..], &items.collect::<Vec<u8>>(), b"e"].concat()
}

fn int(number: usize) -> Vec<u8> {
    [&b"J"[..], &(number as u32).to_le_bytes()].concat()
}

/// An array of bytes, as Python 2 writes it.
pub(crate) fn array(shape: [usize; 2], bytes: &[u8]) -> Vec<u8> {
    [
        &b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\0\x85U\x01b\x87R(K\x01"[..],
        &int(shape[0]),
        &int(shape[1]),
        b"\x86cnumpy\ndtype\nU\x02u1K\0K\x01\x87R(K\x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\0tb\x89T",
        &(bytes.len() as u32).to_le_bytes(),
        bytes,
        b"tb",
    ]
    .concat()
}

fn read(bytes: &[u8]) -> Result<Pickle<'_>, String> {
    parse(Path::new("batch"), bytes).map_err(|error| error.to_string())
}

#[test]
fn python_2_writes_texts_lists_and_arrays() {
    let bytes = pickle_of(&[("labels", list(&[3, 250])), ("data", array([2, 3], &[1, 2, 3, 4, 5, 6]))]);
    let pickle = read(&bytes).unwrap();
    assert_eq!(pickle.keys(), ["labels", "data"]);
    assert_eq!(pickle.numbers(pickle.entry("labels").unwrap()), Some(vec![3, 250]));
    let Some(Value::Array(data)) = pickle.entry("data") else { panic!("{pickle:?}") };
    assert_eq!((&data.shape[..], data.bytes()), (&[2, 3][..], Some(&[1, 2, 3, 4, 5, 6][..])));
    assert_eq!(pickle.entry("filenames"), None);
}

/// `pickle.dumps({b"data": np.array([[0, 200]], np.uint8), b"labels": np.array([1, -2])}, protocol)` of Python 3 and NumPy 2.
#[test]
fn python_3_writes_the_same_in_other_ways() {
    let two = b"\x80\x02}(c_codecs\nencode\nq\0X\x04\0\0\0dataX\x06\0\0\0latin1q\x01\x86Rcnumpy._core.multiarray\n\
        _reconstruct\ncnumpy\nndarray\nK\0\x85h\0X\x01\0\0\0bh\x01\x86R\x87R(K\x01K\x01K\x02\x86cnumpy\ndtype\nX\x02\0\0\0u1\
        \x89\x88\x87R(K\x03X\x01\0\0\0|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\0tb\x89h\0X\x03\0\0\0\0\xc3\x88h\x01\x86Rtbh\0\
        X\x06\0\0\0labelsh\x01\x86R](K\x01J\xfe\xff\xff\xffeu.";
    let five = b"\x80\x05\x95\x10\0\0\0\0\0\0\0}(C\x04data\x8c\x13numpy._core.numeric\x8c\x0b_frombuffer\x93(\x96\x02\0\0\0\
        \0\0\0\0\0\xc8\x8c\x05numpy\x8c\x05dtype\x93\x94\x8c\x02u1\x89\x88\x87R(K\x03\x8c\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\
        \xff\xffK\0tbK\x01K\x02\x86\x8c\x01CtRC\x06labels\x8c\x13numpy._core.numeric\x8c\x0b_frombuffer\x93(\x96\x04\0\0\0\0\
        \0\0\0\0\x01\xff\xfeh\0\x8c\x02i2\x89\x88\x87R(K\x03\x8c\x01>NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\0tbK\x02\x85\x8c\
        \x01CtRu.";
    for bytes in [&two[..], &five[..]] {
        let pickle = read(bytes).unwrap();
        let Some(Value::Array(data)) = pickle.entry("data") else { panic!("{pickle:?}") };
        assert_eq!((&data.shape[..], data.bytes()), (&[1, 2][..], Some(&[0, 200][..])));
        assert_eq!(pickle.numbers(pickle.entry("labels").unwrap()), Some(vec![1, -2]));
    }
}

#[test]
fn nothing_is_run_and_the_name_is_told() {
    for (bytes, words) in [
        (&b"\x80\x02cos\nsystem\nU\x02ls\x85R."[..], "names os.system"),
        (b"\x80\x04\x8c\x08builtins\x8c\x04eval\x93\x8c\x011\x85R.", "names builtins.eval"),
        (b"\x80\x02cnumpy\nndarray\n)\x81.", "operation 0x81"),
        (b"(dp0\nS'data'\n.", "protocol 2"),
        (b"\x80\x02}(U\x04da", "cut off"),
        (b"\x80\x02}(K\x01K\x02K\x03u.", "damaged"),
        (b"\x80\x02h\x07.", "recalls"),
    ] {
        let error = read(bytes).unwrap_err();
        assert!(error.contains(words) && error.contains("pickle.dump"), "{error}");
    }
}

#[test]
fn an_array_holds_what_it_announces() {
    let error = read(&pickle_of(&[("data", array([1 << 30, 3072], &[0; 9]))])).unwrap_err();
    assert!(error.contains("stores 9 bytes"), "{error}");
}

/// A text of a thousand bytes that is made into bytes a thousand times.
#[test]
fn a_pickle_makes_no_more_than_it_holds() {
    let made = b"c_codecs\nencode\nq\0X\xe8\x03\0\0".to_vec();
    let first = [&made[..], &[b'a'; 1000], b"q\x01X\x06\0\0\0latin1q\x02\x86R0"].concat();
    let bytes = [&b"\x80\x02"[..], &first, &b"h\0h\x01h\x02\x86R0".repeat(1000), b"N."].concat();
    let error = read(&bytes).unwrap_err();
    assert!(error.contains("more bytes than it holds"), "{error}");
}
