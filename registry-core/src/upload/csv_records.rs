//! Cutting a CSV file (RFC 4180) into records, and records into cells.
//!
//! Own code where a crate could read CSV, since the report needs what readers do not tell: the physical line on which a record begins,
//! the record as it came in, a quote that is never closed, text after a closing quote, and a bound on what is held in memory.

use std::io::BufRead;

use crate::{Problem, limits::UPLOAD_ROW_BYTES};

use super::source::{FileFault, Record, Records};

/// Where the reader stands within a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum At {
    CellStart,
    Bare,
    Quoted,
    /// After a quote inside a quoted cell: its end, or half of an escaped quote.
    Quote,
}

impl At {
    fn next(self, byte: u8, delimiter: u8) -> Self {
        match (self, byte) {
            (Self::Quoted, b'"') => Self::Quote,
            (Self::CellStart | Self::Quote, b'"') | (Self::Quoted, _) => Self::Quoted,
            (_, byte) if byte == delimiter => Self::CellStart,
            (Self::CellStart | Self::Bare | Self::Quote, _) => Self::Bare,
        }
    }
}

/// Records of a CSV file; lines without a byte are passed over.
pub(super) struct CsvRecords<R> {
    input: R,
    delimiter: u8,
    /// The line of the next byte.
    line: u64,
    /// Whether the last byte was a carriage return that ended a line: a line feed after it ends nothing.
    after_return: bool,
}

impl<R: BufRead + Send> CsvRecords<R> {
    pub(super) fn new(input: R, delimiter: u8) -> Self {
        Self {
            input,
            delimiter,
            line: 1,
            after_return: false,
        }
    }
}

impl<R: BufRead + Send> Records for CsvRecords<R> {
    fn next(&mut self) -> Result<Option<Record>, FileFault> {
        let mut bytes = Vec::new();
        let mut at = At::CellStart;
        let mut line = self.line;
        let mut too_large = false;
        loop {
            let chunk = self.input.fill_buf()?;
            if chunk.is_empty() {
                if at == At::Quoted {
                    return Err(FileFault::line(
                        line,
                        "unterminated_quote",
                        "the file ends inside the quotes of a record that begins on this line",
                    ));
                }
                if too_large {
                    return Err(FileFault::too_large(line));
                }
                return Ok((!bytes.is_empty()).then_some(Record { line, bytes }));
            }
            let mut used = 0;
            let mut ended = false;
            for &byte in chunk {
                used += 1;
                let second_half = byte == b'\n' && self.after_return;
                self.after_return = byte == b'\r';
                let breaks = matches!(byte, b'\r' | b'\n');
                if breaks && !second_half {
                    self.line += 1;
                }
                if breaks && at != At::Quoted {
                    if bytes.is_empty() && !too_large {
                        line = self.line;
                        continue;
                    }
                    ended = true;
                    break;
                }
                at = at.next(byte, self.delimiter);
                if bytes.len() < UPLOAD_ROW_BYTES {
                    bytes.push(byte);
                } else {
                    // Read on without keeping: a quote that is never closed is the likelier cause, and the better answer.
                    too_large = true;
                }
            }
            self.input.consume(used);
            if ended {
                if too_large {
                    return Err(FileFault::too_large(line));
                }
                return Ok(Some(Record { line, bytes }));
            }
        }
    }
}

/// One cell of a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Cell {
    pub(super) text: String,
    /// Where it begins in the record.
    pub(super) start: usize,
}

/// Cuts a record into its cells, quotes taken off.
///
/// # Errors
/// `malformed_csv` for the row: a quote inside a bare cell, or text after a closing quote.
pub(super) fn cells(record: &str, delimiter: u8) -> Result<Vec<Cell>, Problem> {
    let mut cells = Vec::new();
    let mut rest = record;
    let mut start = 0;
    loop {
        let (text, length) = if rest.starts_with('"') {
            quoted(rest)?
        } else {
            bare(rest, delimiter)?
        };
        cells.push(Cell { text, start });
        rest = rest.get(length..).unwrap_or_default();
        match rest.as_bytes().first() {
            None => return Ok(cells),
            Some(byte) if *byte == delimiter => {
                rest = rest.get(1..).unwrap_or_default();
                start += length + 1;
            }
            Some(_) => {
                return Err(Problem::whole(
                    "malformed_csv",
                    format!("cell {} goes on after its closing quote", cells.len()),
                ));
            }
        }
    }
}

fn quoted(text: &str) -> Result<(String, usize), Problem> {
    let mut cell = String::new();
    let mut at = 1;
    loop {
        let rest = text.get(at..).unwrap_or_default();
        let Some(end) = rest.find('"') else {
            return Err(Problem::whole(
                "unterminated_quote",
                "the record ends inside quotes",
            ));
        };
        cell.push_str(rest.get(..end).unwrap_or_default());
        at += end + 1;
        if text.as_bytes().get(at) == Some(&b'"') {
            cell.push('"');
            at += 1;
        } else {
            return Ok((cell, at));
        }
    }
}

fn bare(text: &str, delimiter: u8) -> Result<(String, usize), Problem> {
    let end = text
        .bytes()
        .position(|byte| byte == delimiter)
        .unwrap_or(text.len());
    let cell = text.get(..end).unwrap_or_default();
    if cell.contains('"') {
        return Err(Problem::whole(
            "malformed_csv",
            "a quote stands inside a cell that does not begin with one",
        )
        .with_value(shorten(cell)));
    }
    Ok((cell.to_owned(), end))
}

/// The first 200 characters: what is shown of a value at fault.
pub(super) fn shorten(text: &str) -> String {
    text.chars().take(200).collect()
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn records(text: &[u8]) -> Result<Vec<(u64, String)>, String> {
        let mut reader = CsvRecords::new(std::io::BufReader::with_capacity(3, text), b',');
        let mut all = Vec::new();
        loop {
            match reader.next() {
                Ok(Some(record)) => {
                    all.push((record.line, String::from_utf8(record.bytes).unwrap()));
                }
                Ok(None) => return Ok(all),
                Err(FileFault::Refused { problems, .. }) => return Err(format!("{problems:?}")),
                Err(FileFault::Io(error)) => return Err(error.to_string()),
            }
        }
    }

    #[test]
    fn lines_are_physical_whatever_ends_them() {
        let expected = |lines: [u64; 3]| {
            Ok(lines
                .into_iter()
                .zip(["a,b", "\"x\ny\",1", "c"].map(str::to_owned))
                .collect::<Vec<_>>())
        };
        assert_eq!(records(b"a,b\n\"x\ny\",1\nc\n"), expected([1, 2, 4]));
        assert_eq!(records(b"a,b\r\n\r\n\"x\ny\",1\r\nc"), expected([1, 3, 5]));
        assert_eq!(records(b"\ra,b\r\"x\ny\",1\rc\r\r"), expected([2, 3, 5]));
    }

    #[test]
    fn a_quote_never_closed_names_the_line_of_its_record() {
        let fault = records(b"a\nb\n\"c\nd\ne").unwrap_err();
        assert!(
            fault.contains("Line(3)") && fault.contains("unterminated_quote"),
            "{fault}"
        );
        let mut long = b"a\n\"".to_vec();
        long.resize(3 * UPLOAD_ROW_BYTES, b'x');
        let fault = records(&long).unwrap_err();
        assert!(
            fault.contains("Line(2)") && fault.contains("unterminated_quote"),
            "{fault}"
        );
    }

    #[test]
    fn a_record_has_a_bound() {
        let mut fits = vec![b'x'; UPLOAD_ROW_BYTES];
        fits.push(b'\n');
        assert_eq!(records(&fits).unwrap().len(), 1);
        fits.insert(0, b'x');
        let fault = records(&fits).unwrap_err();
        assert!(fault.contains("row_too_large"), "{fault}");
    }

    #[test]
    fn cells_keep_every_character() {
        let texts = |record: &str| {
            cells(record, b',')
                .map(|cells| cells.into_iter().map(|cell| cell.text).collect::<Vec<_>>())
                .map_err(|problem| problem.code)
        };
        assert_eq!(
            texts("a, b ,\"c,\"\"d\"\"\n\",,"),
            Ok(["a", " b ", "c,\"d\"\n", "", ""]
                .map(str::to_owned)
                .to_vec())
        );
        assert_eq!(texts("\"a\"b"), Err("malformed_csv"));
        assert_eq!(texts("5\" pipe,b"), Err("malformed_csv"));
        assert_eq!(texts(""), Ok(vec![String::new()]));
    }
}
