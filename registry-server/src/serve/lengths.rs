//! Looks at heads of requests for two lengths of one body.
//!
//! The HTTP library drops a `Content-Length` that stands after a `Transfer-Encoding`, so that nobody above it can refuse the pair. This stands
//! below it and reads each head as it comes.

use std::sync::{
    Arc,
    atomic::{AtomicU8, Ordering},
};

const UNSEEN: u8 = 0;
const PLAIN: u8 = 1;
const TWO: u8 = 2;

/// What was found in the head that came last.
#[derive(Clone, Debug, Default)]
pub(super) struct Lengths(Arc<AtomicU8>);

impl Lengths {
    /// Whether the head of a request with a `Transfer-Encoding` may have held a `Content-Length` too; to be asked once for each request. One that came
    /// in on the heels of another was not seen, and what was not seen is not trusted.
    pub(super) fn may_be_two(&self) -> bool {
        self.0.swap(UNSEEN, Ordering::Relaxed) != PLAIN
    }
}

/// Reads the bytes of a connection up to the end of a head.
#[derive(Debug, Default)]
pub(super) struct HeadReader {
    head: Vec<u8>,
    done: bool,
    lengths: Lengths,
}

impl HeadReader {
    pub(super) fn new(lengths: Lengths) -> Self {
        Self {
            lengths,
            ..Self::default()
        }
    }

    /// What comes next is the head of a request.
    pub(super) fn begin(&mut self) {
        self.head.clear();
        self.done = false;
    }

    /// Takes bytes as they come.
    pub(super) fn read(&mut self, bytes: &[u8], longest: usize) {
        if self.done {
            return;
        }
        let from = self.head.len().saturating_sub(3);
        self.head.extend_from_slice(bytes);
        let rest = self.head.get(from..).unwrap_or_default();
        let end = rest.windows(4).position(|four| four == b"\r\n\r\n");
        if let Some(end) = end {
            let head = self.head.get(..from + end).unwrap_or_default();
            let found = if has_two(head) { TWO } else { PLAIN };
            self.lengths.0.store(found, Ordering::Relaxed);
        }
        if end.is_some() || self.head.len() > longest {
            self.done = true;
            self.head = Vec::new();
        }
    }
}

fn has_two(head: &[u8]) -> bool {
    let names = |wanted: &[u8]| {
        head.split(|byte| *byte == b'\n')
            .filter_map(|line| line.split(|byte| *byte == b':').next())
            .any(|name| name.trim_ascii().eq_ignore_ascii_case(wanted))
    };
    names(b"transfer-encoding") && names(b"content-length")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether two lengths may be in what came in these pieces.
    fn two(pieces: &[&str]) -> bool {
        let lengths = Lengths::default();
        let mut reader = HeadReader::new(lengths.clone());
        for piece in pieces {
            reader.read(piece.as_bytes(), 1_000);
        }
        lengths.may_be_two()
    }

    #[test]
    fn both_names_in_one_head_are_found_in_any_order_and_spelling() {
        assert!(two(&[
            "A / B\r\nTransfer-Encoding: x\r\nCONTENT-LENGTH: 5\r\n\r\n"
        ]));
        assert!(two(&[
            "A\r\ncontent-length: 1\r\ntransfer-encoding: x\r\n\r\n"
        ]));
        assert!(!two(&[
            "A\r\ntransfer-encoding: x\r\n\r\ncontent-length: 1\r\n\r\n"
        ]));
        assert!(!two(&["A\r\ncontent-length: 1\r\n\r\n"]));
    }

    #[test]
    fn a_head_may_come_in_pieces() {
        let pieces = [
            "A\r\ntransfer-enco",
            "ding: x\r\ncontent-length: 1\r",
            "\n\r",
            "\n",
        ];
        assert!(two(&pieces));
        let pieces = ["A\r\ntransfer-encoding: x\r", "\n\r", "\n"];
        assert!(!two(&pieces));
    }

    #[test]
    fn what_was_not_seen_is_not_trusted() {
        assert!(two(&["A\r\ntransfer-encoding: x\r\n"]));
        let long = "x".repeat(2_000);
        assert!(two(&[&long, "\r\n\r\n"]));
        let lengths = Lengths::default();
        let mut reader = HeadReader::new(lengths.clone());
        reader.read(b"A\r\n\r\nB\r\n\r\n", 1_000);
        assert!(!lengths.may_be_two());
        assert!(
            lengths.may_be_two(),
            "the second came on the heels of the first"
        );
        reader.begin();
        reader.read(b"C\r\n\r\n", 1_000);
        assert!(!lengths.may_be_two());
    }
}
