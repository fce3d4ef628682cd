//! One Parquet file of pictures and labels.

use std::fmt;
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use distil_files::caught;
use parquet::basic::{Compression, Type};
use parquet::column::reader::ColumnReaderImpl;
use parquet::data_type::{BoolType, ByteArray, ByteArrayType, DataType, Int32Type, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::metadata::{ParquetMetaData, ParquetMetaDataReader};
use parquet::file::serialized_reader::SerializedPageReader;
use parquet::schema::types::ColumnDescPtr;

use super::{
    columns::{Columns, Labels},
    pages::{Checked, Pages},
};
use crate::{
    bounded::BAD_COPY,
    error::Error,
    source::{MOST_BYTES, check_size},
};

/// Values that are read at once.
const BATCH: usize = 1024;

/// A file whose footer was read.
pub(crate) struct Table {
    path: PathBuf,
    metadata: ParquetMetaData,
    columns: Columns,
    /// The first row of each group, and the number of rows.
    starts: Vec<u64>,
    /// Readers that stopped somewhere, the one used last at the end. A set is read in its own order by several threads:
    /// each goes on where it was, in a page that is unpacked already.
    readers: Mutex<Vec<Stopped>>,
}

/// A reader of pictures and where it is.
struct Stopped {
    group: usize,
    /// Row of the group that comes next.
    next: usize,
    reader: ColumnReaderImpl<ByteArrayType>,
}

impl fmt::Debug for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Table").field(&self.path).finish()
    }
}

/// A table is its file.
impl PartialEq for Table {
    fn eq(&self, other: &Self) -> bool {
        (&self.path, &self.columns) == (&other.path, &other.columns)
    }
}

impl Eq for Table {}

impl Table {
    pub(crate) fn open(path: &Path) -> Result<Self, Error> {
        let file = std::fs::File::open(path).map_err(Error::io(path, "open"))?;
        let length = file.metadata().map_err(Error::io(path, "read"))?.len();
        let metadata = guarded(path, || ParquetMetaDataReader::new().parse_and_finish(&file))?;
        let columns = Columns::find(path, &metadata)?;
        let mut starts = vec![0];
        for group in metadata.row_groups() {
            for column in [columns.picture, columns.label] {
                check_chunk(path, group.column(column), length)?;
            }
            let rows = u64::try_from(group.num_rows())
                .ok()
                .and_then(|rows| rows.checked_add(starts[starts.len() - 1]));
            // A picture needs a byte.
            starts.push(rows.filter(|&rows| rows <= length).ok_or_else(|| {
                let problem =
                    format!("announces {} rows, more than its {length} bytes can hold", group.num_rows());
                Error::format(path, problem, BAD_COPY)
            })?);
        }
        Ok(Self { path: path.to_owned(), metadata, columns, starts, readers: Mutex::default() })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn rows(&self) -> u64 {
        self.starts[self.starts.len() - 1]
    }

    /// The names of its classes, where it has them.
    pub(super) fn class_names(&self) -> Option<&Vec<String>> {
        self.columns.class_names.as_ref()
    }

    /// The label of every row.
    pub(crate) fn labels(&self) -> Result<Labels, Error> {
        let column = self.columns.label;
        let labels = match self.described(column).physical_type() {
            Type::INT32 => Labels::Numbers(self.all::<Int32Type, _>(column, |&number| Some(number.into()))?),
            Type::INT64 => Labels::Numbers(self.all::<Int64Type, _>(column, |&number| Some(number))?),
            Type::BOOLEAN => Labels::Numbers(self.all::<BoolType, _>(column, |&yes| Some(yes.into()))?),
            _ => Labels::Texts(
                self.all::<ByteArrayType, _>(column, |text| text.as_utf8().ok().map(str::to_owned))?,
            ),
        };
        if labels.len() as u64 == self.rows() {
            return Ok(labels);
        }
        let problem = format!("holds {} labels for {} rows", labels.len(), self.rows());
        Err(Error::format(&self.path, problem, BAD_COPY))
    }

    /// The encoded picture of a row.
    pub(crate) fn picture(&self, name: &Path, row: u64) -> Result<Vec<u8>, Error> {
        let group = self.starts.partition_point(|&start| start <= row) - 1;
        let at = (row - self.starts[group]) as usize;
        let found = guarded(&self.path, || self.cell(group, at))?;
        let bytes = found.filter(|bytes| !bytes.is_empty()).ok_or_else(|| {
            let problem = "holds no picture, but perhaps the name of a file that is not there";
            Error::format(name, problem, "write the set again with the pictures in it")
        })?;
        check_size(name, bytes.len() as u64, MOST_BYTES)?;
        Ok(bytes.data().to_vec())
    }

    /// The picture in a row of a group.
    fn cell(&self, group: usize, row: usize) -> Result<Option<ByteArray>, ParquetError> {
        let mut from = match self.stopped_before(group, row) {
            Some(stopped) => stopped,
            None => Stopped { group, next: 0, reader: self.reader(group, self.columns.picture)? },
        };
        let missing = || ParquetError::EOF(format!("row {row} is missing"));
        if from.reader.skip_records(row - from.next)? != row - from.next {
            return Err(missing());
        }
        let (mut levels, mut values) = (Vec::new(), Vec::new());
        let (read, ..) = from.reader.read_records(1, Some(&mut levels), None, &mut values)?;
        if read == 0 {
            return Err(missing());
        }
        from.next = row + 1;
        self.keep(from);
        Ok(values.pop())
    }

    /// The reader that has the shortest way to a row.
    fn stopped_before(&self, group: usize, row: usize) -> Option<Stopped> {
        let mut readers = self.readers.lock().unwrap_or_else(PoisonError::into_inner);
        let fits = |stopped: &Stopped| stopped.group == group && stopped.next <= row;
        let nearest = (0..readers.len()).filter(|&i| fits(&readers[i])).max_by_key(|&i| readers[i].next)?;
        Some(readers.remove(nearest))
    }

    fn keep(&self, reader: Stopped) {
        let mut readers = self.readers.lock().unwrap_or_else(PoisonError::into_inner);
        // One a thread; the one that was not used for longest goes.
        if readers.len() >= std::thread::available_parallelism().map_or(1, NonZero::get) {
            readers.remove(0);
        }
        readers.push(reader);
    }

    /// The values of a whole column; `None` where one is missing, or where `value` says so.
    fn all<T: DataType, V>(
        &self,
        column: usize,
        value: impl Fn(&T::T) -> Option<V>,
    ) -> Result<Vec<Option<V>>, Error> {
        guarded(&self.path, || {
            let mut all = Vec::new();
            for group in 0..self.metadata.num_row_groups() {
                let mut reader = self.reader::<T>(group, column)?;
                let end = self.starts[group + 1] as usize;
                while all.len() < end {
                    let (mut levels, mut values) = (Vec::new(), Vec::new());
                    let wanted = BATCH.min(end - all.len());
                    let (rows, ..) = reader.read_records(wanted, Some(&mut levels), None, &mut values)?;
                    if rows == 0 {
                        break;
                    }
                    let mut values = values.iter();
                    let full = self.described(column).max_def_level();
                    // A column in which nothing can be missing has no levels.
                    let there = (0..rows).map(|row| levels.get(row).is_none_or(|&level| level == full));
                    all.extend(there.map(|there| if there { value(values.next()?) } else { None }));
                }
            }
            Ok(all)
        })
    }

    fn described(&self, column: usize) -> ColumnDescPtr {
        self.metadata.file_metadata().schema_descr().column(column)
    }

    fn reader<T: DataType>(&self, group: usize, column: usize) -> Result<ColumnReaderImpl<T>, ParquetError> {
        let pages = Pages::open(&self.path)?.into();
        let group = self.metadata.row_group(group);
        let rows = usize::try_from(group.num_rows())?;
        let pages = SerializedPageReader::new(pages, group.column(column), rows, None)?;
        Ok(ColumnReaderImpl::new(self.described(column), Box::new(Checked(pages))))
    }
}

/// Refuses a column that lies outside of the file, or is packed in a way that is not read.
fn check_chunk(
    path: &Path,
    column: &parquet::file::metadata::ColumnChunkMetaData,
    length: u64,
) -> Result<(), Error> {
    let start = column.dictionary_page_offset().unwrap_or(column.data_page_offset());
    let end = start.checked_add(column.compressed_size());
    let inside = start >= 0 && column.compressed_size() >= 0;
    if !inside || end.is_none_or(|end| end as u64 > length) {
        return Err(Error::format(path, "has a column that lies outside of it", BAD_COPY));
    }
    match column.compression() {
        Compression::UNCOMPRESSED | Compression::SNAPPY | Compression::GZIP(_) | Compression::ZSTD(_) => {
            Ok(())
        }
        other => {
            let problem = format!("is packed with {other}, and Snappy, gzip and Zstandard are what is read");
            Err(Error::format(path, problem, "write it again with compression=\"snappy\""))
        }
    }
}

/// Reads something of a file; the library panics at some damage.
fn guarded<T>(path: &Path, read: impl FnOnce() -> Result<T, ParquetError>) -> Result<T, Error> {
    let problem = match caught(read) {
        Ok(Ok(value)) => return Ok(value),
        Ok(Err(error)) => format!("cannot be read as Parquet ({error})"),
        Err(_) => "cannot be read as Parquet".to_owned(),
    };
    Err(Error::format(path, problem, BAD_COPY))
}
