//! Looks at heads of requests for two lengths of one body.
//!
//! The HTTP library drops a `Content-Length` that stands after a `Transfer-Encoding`, so that nobody above it can refuse the pair. This stands
//! below it and follows the bytes of a connection from head to body to head (RFC 9112 sections 6 and 7.1), so that each head is seen from its
//! first byte, however requests come one behind the other.

use std::{
    collections::VecDeque,
    mem,
    sync::{Arc, Mutex, PoisonError},
};

/// What was found in a head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Found {
    One,
    Two,
}

/// What was found in the heads whose requests are not answered yet, in their order.
#[derive(Clone, Debug, Default)]
pub(super) struct Lengths(Arc<Mutex<VecDeque<Found>>>);

impl Lengths {
    /// Whether the next request, if it has a `Transfer-Encoding`, may have come with a `Content-Length` too; to be asked once for each request, in
    /// their order. Where the thread of the connection is lost nothing is trusted; the HTTP library refuses by itself what it is lost at.
    pub(super) fn may_be_two(&self) -> bool {
        let mut found = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        found.pop_front() != Some(Found::One)
    }

    fn add(&self, found: Found) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.push_back(found);
    }
}

/// A place in the bytes of a connection.
#[derive(Debug, PartialEq, Eq)]
enum Place {
    /// In a head.
    Head,
    /// In a body, or in a chunk with the line's end behind it: so many bytes are still to come.
    Body(u64),
    Chunk(u64),
    /// In the line that says how long the next chunk is.
    Size,
    /// Behind the last chunk.
    Trailer,
    /// Nobody knows: what came is not as it should be, or too long.
    Lost,
}

/// What stands in the head being read.
#[derive(Debug, Default)]
struct Head {
    /// Whether its first line came.
    begun: bool,
    chunked: bool,
    length: Option<Length>,
}

/// What `Content-Length` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Length {
    Bytes(u64),
    /// No number, or several.
    Unclear,
}

/// Follows the bytes of a connection.
#[derive(Debug)]
pub(super) struct HeadReader {
    place: Place,
    head: Head,
    /// The line being read, as far as it came.
    line: Vec<u8>,
    /// Bytes of the lines since the last body.
    taken: usize,
    lengths: Lengths,
}

impl HeadReader {
    pub(super) fn new(lengths: Lengths) -> Self {
        Self {
            place: Place::Head,
            head: Head::default(),
            line: Vec::new(),
            taken: 0,
            lengths,
        }
    }

    /// Takes bytes as they come; a head or trailer longer than `longest` is followed no further.
    pub(super) fn read(&mut self, mut bytes: &[u8], longest: usize) {
        while !bytes.is_empty() {
            match self.place {
                Place::Lost => return,
                Place::Body(left) => {
                    let left = skip(&mut bytes, left);
                    self.go(if left == 0 {
                        Place::Head
                    } else {
                        Place::Body(left)
                    });
                }
                Place::Chunk(left) => {
                    let left = skip(&mut bytes, left);
                    self.go(if left == 0 {
                        Place::Size
                    } else {
                        Place::Chunk(left)
                    });
                }
                Place::Head | Place::Size | Place::Trailer => self.take_line(&mut bytes, longest),
            }
        }
    }

    fn go(&mut self, place: Place) {
        self.place = place;
        self.taken = 0;
    }

    /// Takes the rest of the line, or as much of it as is there.
    fn take_line(&mut self, bytes: &mut &[u8], longest: usize) {
        let end = bytes.iter().position(|byte| *byte == b'\n');
        let (now, later) = bytes.split_at(end.map_or(bytes.len(), |end| end + 1));
        *bytes = later;
        self.taken += now.len();
        if self.taken > longest {
            self.line = Vec::new();
            self.place = Place::Lost;
            return;
        }
        self.line.extend_from_slice(now);
        if end.is_some() {
            let mut line = mem::take(&mut self.line);
            self.end_line(line.trim_ascii_end());
            line.clear();
            self.line = line;
        }
    }

    fn end_line(&mut self, line: &[u8]) {
        match self.place {
            Place::Head if !line.is_empty() => self.head.take(line),
            // The HTTP library passes over empty lines before a head.
            Place::Head if !self.head.begun => {}
            Place::Head => self.end_head(),
            Place::Size => self.go(match chunk_size(line) {
                Some(0) => Place::Trailer,
                // With the line's end behind it.
                Some(size) => size.checked_add(2).map_or(Place::Lost, Place::Chunk),
                None => Place::Lost,
            }),
            Place::Trailer if line.is_empty() => self.go(Place::Head),
            Place::Trailer | Place::Body(_) | Place::Chunk(_) | Place::Lost => {}
        }
    }

    fn end_head(&mut self) {
        let head = mem::take(&mut self.head);
        self.lengths.add(match head {
            Head {
                chunked: true,
                length: Some(_),
                ..
            } => Found::Two,
            _ => Found::One,
        });
        self.go(match (head.chunked, head.length) {
            (true, _) => Place::Size,
            (false, None | Some(Length::Bytes(0))) => Place::Head,
            (false, Some(Length::Bytes(length))) => Place::Body(length),
            (false, Some(Length::Unclear)) => Place::Lost,
        });
    }
}

impl Head {
    fn take(&mut self, line: &[u8]) {
        if !self.begun {
            self.begun = true;
            return;
        }
        let mut parts = line.splitn(2, |byte| *byte == b':');
        let name = parts.next().unwrap_or_default().trim_ascii();
        let value = parts.next().unwrap_or_default();
        if name.eq_ignore_ascii_case(b"transfer-encoding") {
            self.chunked = true;
        } else if name.eq_ignore_ascii_case(b"content-length") {
            let length = number(value.trim_ascii(), 10).map_or(Length::Unclear, Length::Bytes);
            self.length = Some(match self.length {
                Some(before) if before != length => Length::Unclear,
                _ => length,
            });
        }
    }
}

/// Passes over as many of these bytes as are there; returns how many are left to come.
fn skip(bytes: &mut &[u8], left: u64) -> u64 {
    let here = usize::try_from(left).map_or(bytes.len(), |left| left.min(bytes.len()));
    *bytes = bytes.get(here..).unwrap_or_default();
    left - here as u64
}

/// The length of a chunk, before whatever extensions.
fn chunk_size(line: &[u8]) -> Option<u64> {
    let digits = line.split(|byte| *byte == b';').next()?;
    number(digits.trim_ascii(), 16)
}

fn number(digits: &[u8], radix: u32) -> Option<u64> {
    let text = std::str::from_utf8(digits).ok()?;
    // A sign would be read as a part of the number.
    let unsigned = text.starts_with(|first: char| first.is_ascii_hexdigit());
    unsigned.then(|| u64::from_str_radix(text, radix).ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether two lengths may be in each of so many requests that came in these pieces.
    fn two<const N: usize>(pieces: &[&str]) -> [bool; N] {
        let lengths = Lengths::default();
        let mut reader = HeadReader::new(lengths.clone());
        for piece in pieces {
            reader.read(piece.as_bytes(), 1_000);
        }
        std::array::from_fn(|_| lengths.may_be_two())
    }

    #[test]
    fn both_names_in_one_head_are_found_in_any_order_and_spelling() {
        let both = [
            "A / B\r\nTransfer-Encoding: x\r\nCONTENT-LENGTH: 5\r\n\r\n",
            "A\r\ncontent-length: 1\r\ntransfer-encoding: x\r\n\r\n",
            "A\r\ncontent-length: x\r\ntransfer-encoding: x\r\n\r\n",
            "A\ntransfer-encoding: x\ncontent-length: 1\n\n",
        ];
        for head in both {
            assert_eq!(two(&[head]), [true], "{head}");
        }
        let one = [
            "A\r\ntransfer-encoding: x\r\n\r\ncontent-length: 1\r\n\r\n",
            "\r\n\r\nA\r\ncontent-length: 1\r\n\r\n",
        ];
        for head in one {
            assert_eq!(two(&[head]), [false], "{head}");
        }
    }

    const CHUNKED: &str = "A\r\ntransfer-encoding: chunked\r\n\r\n";

    #[test]
    fn every_request_is_followed_to_its_end() {
        // A body may hold what looks like a head.
        let sized = "A\r\ncontent-length: 9\r\n\r\nB\r\nC: 1\r\n\r\n";
        let chunks = "5;x=y\r\n\r\n\r\n\n\r\nA\r\n0123456789\r\n0\r\nsum: 1\r\n\r\n";
        let whole = format!("{sized}{CHUNKED}{chunks}A\r\n\r\n{CHUNKED}0\r\n\r\nA\r\n\r\n");
        let expected = [false, false, false, false, false, true];
        assert_eq!(two(&[&whole]), expected);
        let bytes: Vec<&str> = whole.split("").collect();
        assert_eq!(two(&bytes), expected);
    }

    #[test]
    fn a_head_that_begins_behind_another_and_ends_later_is_seen_whole() {
        let pieces = [
            "A\r\n\r\nB\r\ntransfer-encoding: chunked\r\n",
            "content-length: 5\r\n\r\n0\r\n\r\n",
        ];
        assert_eq!(two(&pieces), [false, true]);
    }

    #[test]
    fn what_was_not_seen_is_not_trusted() {
        assert_eq!(two(&["A\r\ntransfer-encoding: x\r\n"]), [true]);
        let long = "x".repeat(2_000);
        assert_eq!(two(&[&long, "\r\n\r\n"]), [true]);
        let lost = [
            "A\r\ncontent-length: +1\r\n\r\nA\r\n\r\n",
            "A\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nA\r\n\r\n",
            "A\r\ntransfer-encoding: chunked\r\n\r\nx\r\n\r\nA\r\n\r\n",
            "A\r\ntransfer-encoding: chunked\r\n\r\nffffffffffffffff\r\n\r\nA\r\n\r\n",
        ];
        for text in lost {
            assert_eq!(two(&[text]), [false, true], "{text}");
        }
    }
}
