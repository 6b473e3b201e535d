//! Cutting a JSON array into its items without reading it whole.

use std::io::BufRead;

use crate::{Problem, limits::UPLOAD_ROW_BYTES, problem::Refusal};

use super::source::{FileFault, Record, Records};

/// Items of a JSON array, numbered from 1. Only what holds the array together is looked at here: each item is read strictly later.
pub(super) struct ArrayRecords<R> {
    input: R,
    index: u64,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Start,
    Items,
    End,
}

impl<R: BufRead + Send> ArrayRecords<R> {
    pub(super) fn new(input: R) -> Self {
        Self {
            input,
            index: 0,
            state: State::Start,
        }
    }

    /// The next byte that is not white space, left in the input.
    fn peek(&mut self) -> Result<Option<u8>, FileFault> {
        loop {
            let chunk = self.input.fill_buf()?;
            if chunk.is_empty() {
                return Ok(None);
            }
            let at = chunk
                .iter()
                .position(|byte| !matches!(byte, b' ' | b'\t' | b'\r' | b'\n'));
            let found = at.and_then(|at| chunk.get(at).copied());
            let skip = at.unwrap_or(chunk.len());
            self.input.consume(skip);
            if found.is_some() {
                return Ok(found);
            }
        }
    }

    fn malformed(&self, message: &str) -> FileFault {
        FileFault::Refused {
            class: Refusal::Malformed,
            problems: vec![match self.index {
                0 => Problem::whole("malformed_json", message),
                index => Problem::line(index, "malformed_json", message),
            }],
        }
    }

    /// Reads one item: up to the comma or bracket that ends it, which stays in the input.
    fn item(&mut self) -> Result<Vec<u8>, FileFault> {
        let mut bytes = Vec::new();
        let mut open: Vec<u8> = Vec::new();
        let mut text = false;
        let mut escaped = false;
        loop {
            let chunk = self.input.fill_buf()?;
            if chunk.is_empty() {
                return Err(self.malformed("the file ends inside this item of the array"));
            }
            let mut used = 0;
            let mut ended = false;
            let mut mismatch = false;
            for &byte in chunk {
                if text {
                    match byte {
                        _ if escaped => escaped = false,
                        b'\\' => escaped = true,
                        b'"' => text = false,
                        _ => {}
                    }
                } else {
                    match byte {
                        b'"' => text = true,
                        b'{' => open.push(b'}'),
                        b'[' => open.push(b']'),
                        b',' | b']' if open.is_empty() => {
                            ended = true;
                            break;
                        }
                        b'}' | b']' if open.pop() != Some(byte) => {
                            mismatch = true;
                            break;
                        }
                        _ => {}
                    }
                }
                used += 1;
            }
            if bytes.len() + used > UPLOAD_ROW_BYTES {
                return Err(FileFault::too_large(self.index));
            }
            bytes.extend_from_slice(chunk.get(..used).unwrap_or_default());
            self.input.consume(used);
            if mismatch {
                return Err(self.malformed("a bracket closes what another kind of bracket opened"));
            }
            if ended {
                return Ok(bytes.trim_ascii_end().to_vec());
            }
        }
    }
}

impl<R: BufRead + Send> Records for ArrayRecords<R> {
    fn next(&mut self) -> Result<Option<Record>, FileFault> {
        match self.state {
            State::Start => {
                match self.peek()? {
                    Some(b'[') => self.input.consume(1),
                    Some(_) => {
                        return Err(self.malformed(
                            "the file is not a JSON array; one item per line is application/x-ndjson",
                        ));
                    }
                    None => return Err(self.malformed("the file is empty: a JSON array is wanted")),
                }
                self.state = State::Items;
                if self.peek()? == Some(b']') {
                    self.input.consume(1);
                    return self.end();
                }
            }
            State::Items => match self.peek()? {
                Some(b',') => self.input.consume(1),
                Some(b']') => {
                    self.input.consume(1);
                    return self.end();
                }
                _ => return Err(self.malformed("the array is not closed after this item")),
            },
            State::End => return Ok(None),
        }
        self.index += 1;
        match self.peek()? {
            None => return Err(self.malformed("the file ends where this item should be")),
            Some(b',' | b']') => {
                return Err(self.malformed("a comma stands where this item should be"));
            }
            Some(_) => {}
        }
        let bytes = self.item()?;
        Ok(Some(Record {
            line: self.index,
            bytes,
        }))
    }
}

impl<R: BufRead + Send> ArrayRecords<R> {
    fn end(&mut self) -> Result<Option<Record>, FileFault> {
        self.state = State::End;
        match self.peek()? {
            None => Ok(None),
            Some(_) => Err(self.malformed("something follows the array")),
        }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn items(text: &[u8]) -> Result<Vec<(u64, String)>, String> {
        let mut reader = ArrayRecords::new(std::io::BufReader::with_capacity(3, text));
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
    fn items_come_one_by_one() {
        assert_eq!(
            items(b" [ {\"a\": [1, \"]\\\"},\"]} ,2\n, {} ] \n"),
            Ok(vec![
                (1, "{\"a\": [1, \"]\\\"},\"]}".to_owned()),
                (2, "2".to_owned()),
                (3, "{}".to_owned())
            ])
        );
        assert_eq!(items(b"[]"), Ok(vec![]));
    }

    #[test]
    fn what_is_no_array_is_told_with_the_item() {
        for (text, index, word) in [
            (&b""[..], 0, "empty"),
            (b"{}", 0, "not a JSON array"),
            (b"{}\n{}", 0, "x-ndjson"),
            (b"[{}", 1, "ends inside"),
            (b"[{},", 2, "ends where"),
            (b"[{},]", 2, "comma"),
            (b"[,{}]", 1, "comma"),
            (b"[{}, {\"a\": ", 2, "ends inside"),
            (b"[{]}", 1, "bracket"),
            (b"[{}] [{}]", 1, "follows"),
        ] {
            let fault = items(text).unwrap_err();
            let place = match index {
                0 => "Whole".to_owned(),
                index => format!("Line({index})"),
            };
            assert!(
                fault.contains(&place) && fault.contains(word),
                "{text:?}: {fault}"
            );
        }
    }

    #[test]
    fn an_item_has_a_bound() {
        let mut endless = b"[\"".to_vec();
        endless.resize(2 * UPLOAD_ROW_BYTES, b'x');
        assert!(items(&endless).unwrap_err().contains("row_too_large"));
    }
}
