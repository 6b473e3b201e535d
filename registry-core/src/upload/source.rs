//! An uploaded file: bytes that can be read more than once, cut into records.

use std::{
    fmt::Debug,
    io::{self, BufReader, Read},
    sync::Arc,
};

use crate::{
    Error, Problem,
    port::{StoreError, StoreErrorKind},
    problem::Refusal,
};

/// A whole file, spooled before anything is applied. It must give the same bytes each time it is opened.
pub trait Source: Debug + Send + Sync + 'static {
    /// Opens it at its first byte.
    fn open(&self) -> io::Result<Box<dyn Read + Send>>;
}

/// Bytes in memory.
impl Source for Arc<[u8]> {
    fn open(&self) -> io::Result<Box<dyn Read + Send>> {
        Ok(Box::new(io::Cursor::new(Self::clone(self))))
    }
}

/// One record of a file, as it came in, without what ends it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Record {
    /// The line on which it begins; of a JSON array its index from 1.
    pub(super) line: u64,
    pub(super) bytes: Vec<u8>,
}

/// Why a file as a whole cannot be read: nothing of it is applied.
#[derive(Debug)]
pub(super) enum FileFault {
    /// The file is at fault.
    Refused {
        class: Refusal,
        problems: Vec<Problem>,
    },
    /// The spooled file could not be read.
    Io(io::Error),
}

impl FileFault {
    /// A fault on one line.
    pub(super) fn line(line: u64, code: &'static str, message: impl Into<String>) -> Self {
        Self::Refused {
            class: Refusal::Malformed,
            problems: vec![Problem::line(line, code, message)],
        }
    }

    /// A record larger than allowed, which begins on this line.
    pub(super) fn too_large(line: u64) -> Self {
        Self::Refused {
            class: Refusal::TooLarge,
            problems: vec![Problem::line(
                line,
                "row_too_large",
                format!(
                    "the record is larger than {} bytes",
                    crate::limits::UPLOAD_ROW_BYTES
                ),
            )],
        }
    }
}

impl From<io::Error> for FileFault {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl From<FileFault> for Error {
    fn from(fault: FileFault) -> Self {
        match fault {
            FileFault::Refused { class, problems } => {
                Self::problems(class, "unreadable_file", problems)
            }
            FileFault::Io(error) => Self::Store(unreadable(error)),
        }
    }
}

/// The spooled file broke while it was read.
pub(super) fn unreadable(error: io::Error) -> StoreError {
    StoreError::new(StoreErrorKind::Internal, "read the uploaded file", error)
}

/// The records of a file, in order. Ends after an error.
pub(super) trait Records: Send {
    /// The next record; `None` at the end of the file.
    fn next(&mut self) -> Result<Option<Record>, FileFault>;
}

/// The bytes of a text file, its byte order mark taken off.
///
/// # Errors
/// `invalid_encoding` for a file in UTF-16 or UTF-32.
pub(super) fn text(source: &dyn Source) -> Result<Text, FileFault> {
    let mut input = source.open()?;
    // Decoders may give a byte at a time: the first four are asked for until they are there.
    let mut head = Vec::with_capacity(4);
    input.by_ref().take(4).read_to_end(&mut head)?;
    match head.as_slice() {
        [0xEF, 0xBB, 0xBF, ..] => {
            head.drain(..3);
        }
        [0xFF, 0xFE, ..] | [0xFE, 0xFF, ..] | [0, _, ..] | [_, 0, ..] => {
            return Err(FileFault::line(
                1,
                "invalid_encoding",
                "the file is in UTF-16 or UTF-32, it must be in UTF-8",
            ));
        }
        _ => {}
    }
    let input = io::Cursor::new(head).chain(input);
    Ok(BufReader::with_capacity(64 * 1024, input))
}

/// The bytes of a file from where its text begins.
type Text = BufReader<io::Chain<io::Cursor<Vec<u8>>, Box<dyn Read + Send>>>;

/// The text of a record.
///
/// # Errors
/// `invalid_encoding` for the row, when it is not UTF-8.
pub(super) fn utf8(record: &Record) -> Result<&str, Problem> {
    str::from_utf8(&record.bytes).map_err(|error| {
        Problem::whole(
            "invalid_encoding",
            format!(
                "byte {} of the record is not UTF-8; is the file in Latin-1?",
                error.valid_up_to() + 1
            ),
        )
    })
}
