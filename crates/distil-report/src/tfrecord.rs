//! TensorFlow's framing of records: length, its checksum, the record, its checksum.

/// CRC-32C (Castagnoli), reflected.
const POLYNOMIAL: u32 = 0x82f6_3b78;
/// What TensorFlow adds so that a checksum of checksums is none.
const MASK: u32 = 0xa282_ead8;

const TABLE: [u32; 256] = table();

const fn table() -> [u32; 256] {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < table.len() {
        let mut value = byte as u32;
        let mut bit = 0;
        while bit < 8 {
            value = if value & 1 == 1 { (value >> 1) ^ POLYNOMIAL } else { value >> 1 };
            bit += 1;
        }
        table[byte] = value;
        byte += 1;
    }
    table
}

fn crc32c(bytes: &[u8]) -> u32 {
    let step = |crc: u32, byte: &u8| TABLE[usize::from(crc as u8 ^ byte)] ^ (crc >> 8);
    !bytes.iter().fold(u32::MAX, step)
}

fn masked(bytes: &[u8]) -> u32 {
    crc32c(bytes).rotate_right(15).wrapping_add(MASK)
}

/// One record with its frame.
pub(crate) fn framed(record: &[u8]) -> Vec<u8> {
    let length = (record.len() as u64).to_le_bytes();
    let mut framed = Vec::with_capacity(record.len() + 16);
    framed.extend(length);
    framed.extend(masked(&length).to_le_bytes());
    framed.extend(record);
    framed.extend(masked(record).to_le_bytes());
    framed
}

/// The records of a file; `None` when a length or a checksum is wrong.
#[cfg(test)]
pub(crate) fn unframed(mut file: &[u8]) -> Option<Vec<&[u8]>> {
    let mut records = Vec::new();
    while !file.is_empty() {
        let (length, rest) = file.split_first_chunk::<8>()?;
        let (check, rest) = rest.split_first_chunk::<4>()?;
        let (record, rest) = rest.split_at_checked(usize::try_from(u64::from_le_bytes(*length)).ok()?)?;
        let (end, rest) = rest.split_first_chunk::<4>()?;
        if u32::from_le_bytes(*check) != masked(length) || u32::from_le_bytes(*end) != masked(record) {
            return None;
        }
        records.push(record);
        file = rest;
    }
    Some(records)
}

#[cfg(test)]
mod tests {
    use super::{crc32c, framed, unframed};

    /// The check value of the algorithm and the vectors of RFC 3720, B.4.
    #[test]
    fn checksums_are_the_published_ones() {
        assert_eq!(crc32c(b"123456789"), 0xe306_9283);
        assert_eq!(crc32c(&[0; 32]), 0x8a91_36aa);
        assert_eq!(crc32c(&[0xff; 32]), 0x62a8_ab43);
        let ascending: Vec<u8> = (0..32).collect();
        assert_eq!(crc32c(&ascending), 0x46dd_794e);
    }

    #[test]
    fn every_altered_byte_is_noticed() {
        let file = [framed(b"first"), framed(b""), framed(&[7; 300])].concat();
        assert_eq!(unframed(&file).unwrap(), [&b"first"[..], b"", &[7; 300]]);
        for position in 0..file.len() {
            let mut altered = file.clone();
            altered[position] ^= 0x10;
            assert!(unframed(&altered).is_none(), "byte {position}");
        }
    }
}
