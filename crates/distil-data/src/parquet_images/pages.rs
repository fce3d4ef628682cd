//! The bytes of a Parquet file, with a bound on what they are unpacked to.
//!
//! The reader of pages allocates what a page's header announces. Headers pass through here on their way to it: what one
//! announces is held against what so many packed bytes can hold.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use parquet::basic::{Encoding, PageType};
use parquet::column::page::{Page, PageMetadata, PageReader};
use parquet::errors::{ParquetError, Result};
use parquet::file::reader::{ChunkReader, Length};

use crate::{bounded::MOST_EXPANSION, source::MOST_BYTES};

/// An open file. Its place is shared by all readers, as the reader of pages knows.
pub(super) struct Pages {
    file: File,
    /// Unpacked and packed size in the headers that were looked at, by where they are.
    announced: Mutex<BTreeMap<u64, [u64; 2]>>,
}

impl Pages {
    pub(super) fn open(path: &Path) -> std::io::Result<Self> {
        Ok(Self { file: File::open(path)?, announced: Mutex::default() })
    }
}

impl Length for Pages {
    fn len(&self) -> u64 {
        self.file.len()
    }
}

impl ChunkReader for Pages {
    type T = BufReader<File>;

    fn get_read(&self, start: u64) -> Result<Self::T> {
        let mut reader = self.file.get_read(start)?;
        if let Some(sizes) = page_sizes(reader.fill_buf()?) {
            self.announced.lock().unwrap_or_else(PoisonError::into_inner).insert(start, sizes);
        }
        Ok(reader)
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes> {
        let packed = length as u64;
        let announced = self.announced.lock().unwrap_or_else(PoisonError::into_inner);
        // A page itself is looked at, too, and may happen to begin like a header: its own lies before it.
        let before = announced.range(..=start).rev().filter(|(_, sizes)| sizes[1] == packed);
        let unpacked = before.take(2).map(|(_, sizes)| sizes[0]).max();
        let most = packed.saturating_mul(MOST_EXPANSION).min(2 * MOST_BYTES);
        if packed > self.len() || unpacked.is_none_or(|unpacked| unpacked > most) {
            return Err(ParquetError::General(format!(
                "a page of {packed} bytes announces {} when it is unpacked",
                unpacked.map_or_else(|| "nothing".to_owned(), |bytes| bytes.to_string())
            )));
        }
        self.file.get_bytes(start, length)
    }
}

/// A reader of pages that holds back what would be taken apart into more than it has.
pub(super) struct Checked<P>(pub(super) P);

impl<P: PageReader> PageReader for Checked<P> {
    fn get_next_page(&mut self) -> Result<Option<Page>> {
        let page = self.0.get_next_page()?;
        page.map(checked).transpose()
    }

    fn peek_next_page(&mut self) -> Result<Option<PageMetadata>> {
        self.0.peek_next_page()
    }

    fn skip_next_page(&mut self) -> Result<()> {
        self.0.skip_next_page()
    }

    fn supports_deferred_dictionary(&self) -> bool {
        self.0.supports_deferred_dictionary()
    }

    fn take_deferred_dictionary(&mut self) -> Result<Option<Page>> {
        let page = self.0.take_deferred_dictionary()?;
        page.map(checked).transpose()
    }

    fn at_record_boundary(&mut self) -> Result<bool> {
        self.0.at_record_boundary()
    }
}

impl<P: PageReader> Iterator for Checked<P> {
    type Item = Result<Page>;

    fn next(&mut self) -> Option<Self::Item> {
        self.get_next_page().transpose()
    }
}

fn checked(page: Page) -> Result<Page> {
    let length = page.buffer().len();
    match (page.page_type(), page.encoding()) {
        // Room is made for as many values as are announced, and each needs a byte.
        (PageType::DICTIONARY_PAGE, _) if page.num_values() as usize > length => Err(ParquetError::General(
            format!("a dictionary of {length} bytes announces {} values", page.num_values()),
        )),
        // Theirs are announced a second time, within the page.
        (_, encoding @ (Encoding::DELTA_LENGTH_BYTE_ARRAY | Encoding::DELTA_BYTE_ARRAY)) => {
            Err(ParquetError::NYI(format!("pages in the encoding {encoding}; write them plain")))
        }
        _ => Ok(page),
    }
}

/// Unpacked and packed size in the header of a page, which begins with three numbers in Thrift's compact form: the kind of
/// page and these.
fn page_sizes(bytes: &[u8]) -> Option<[u64; 2]> {
    /// The field after the last one, of 32 bits.
    const NEXT_I32: u8 = 0x15;
    let mut bytes = bytes.iter().copied();
    let mut number = || {
        (bytes.next()? == NEXT_I32).then_some(())?;
        let mut value = 0;
        for shift in (0..35).step_by(7) {
            let byte = bytes.next()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                // A sign in the last bit; negative sizes are refused where they are read.
                return Some(value >> 1);
            }
        }
        None
    };
    number()?;
    Some([number()?, number()?])
}
