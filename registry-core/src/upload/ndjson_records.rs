//! Cutting newline-delimited JSON into lines.

use std::io::BufRead;

use crate::limits::UPLOAD_ROW_BYTES;

use super::source::{FileFault, Record, Records};

/// Lines of an NDJSON file; blank ones are passed over.
pub(super) struct NdjsonRecords<R> {
    input: R,
    line: u64,
    first: bool,
}

impl<R: BufRead + Send> NdjsonRecords<R> {
    pub(super) fn new(input: R) -> Self {
        Self {
            input,
            line: 0,
            first: true,
        }
    }

    /// Reads to the end of the line; `None` at the end of the file. A line over the bound is an error before it is all read.
    fn read_line(&mut self) -> Result<Option<Vec<u8>>, FileFault> {
        self.line += 1;
        let mut bytes = Vec::new();
        loop {
            let chunk = self.input.fill_buf()?;
            if chunk.is_empty() {
                return Ok((!bytes.is_empty()).then_some(bytes));
            }
            let end = chunk.iter().position(|byte| *byte == b'\n');
            let part = chunk.get(..end.unwrap_or(chunk.len())).unwrap_or_default();
            // One more than allowed: a carriage return may end the line.
            if bytes.len() + part.len() > UPLOAD_ROW_BYTES + 1 {
                return Err(FileFault::too_large(self.line));
            }
            bytes.extend_from_slice(part);
            let used = part.len() + usize::from(end.is_some());
            self.input.consume(used);
            if end.is_some() {
                return Ok(Some(bytes));
            }
        }
    }
}

impl<R: BufRead + Send> Records for NdjsonRecords<R> {
    fn next(&mut self) -> Result<Option<Record>, FileFault> {
        while let Some(mut bytes) = self.read_line()? {
            if bytes.last() == Some(&b'\r') {
                bytes.pop();
            }
            if bytes.len() > UPLOAD_ROW_BYTES {
                return Err(FileFault::too_large(self.line));
            }
            if bytes.trim_ascii().is_empty() {
                continue;
            }
            if self.first {
                self.first = false;
                check_first(self.line, &bytes)?;
            }
            return Ok(Some(Record {
                line: self.line,
                bytes,
            }));
        }
        Ok(None)
    }
}

/// Tells the two usual mistakes once, not once per line.
fn check_first(line: u64, bytes: &[u8]) -> Result<(), FileFault> {
    let message = match bytes.trim_ascii() {
        [b'[', ..] => "this is a JSON array: send it as application/json",
        [b'{'] => "an item goes over several lines: NDJSON has one whole item on each line",
        _ => return Ok(()),
    };
    Err(FileFault::line(line, "not_ndjson", message))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn lines(text: &[u8]) -> Result<Vec<(u64, String)>, String> {
        let mut reader = NdjsonRecords::new(text);
        let mut all = Vec::new();
        loop {
            match reader.next() {
                Ok(Some(record)) => {
                    all.push((record.line, String::from_utf8(record.bytes).unwrap()));
                }
                Ok(None) => return Ok(all),
                Err(fault) => return Err(format!("{fault:?}")),
            }
        }
    }

    #[test]
    fn blank_lines_count_and_are_passed_over() {
        assert_eq!(
            lines(b"\n{\"a\":1}\r\n  \n{}"),
            Ok(vec![(2, "{\"a\":1}".to_owned()), (4, "{}".to_owned())])
        );
    }

    #[test]
    fn an_array_and_pretty_printed_items_are_told_once() {
        assert!(lines(b"[{}]").unwrap_err().contains("not_ndjson"));
        let fault = lines(b"\n{\n  \"fields\": {}\n}").unwrap_err();
        assert!(
            fault.contains("not_ndjson") && fault.contains("Line(2)"),
            "{fault}"
        );
    }

    #[test]
    fn a_line_has_a_bound() {
        let fits = vec![b'1'; UPLOAD_ROW_BYTES];
        assert_eq!(lines(&fits).unwrap().len(), 1);
        let endless = vec![b'1'; UPLOAD_ROW_BYTES + 1];
        assert!(lines(&endless).unwrap_err().contains("row_too_large"));
    }
}
