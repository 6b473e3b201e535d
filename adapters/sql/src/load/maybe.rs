//! What may be staged: a Bloom filter, which says for certain what is not, so that the staging tables are asked for the rest alone. It takes the
//! same memory whatever the size of a load.

use std::{
    hash::{DefaultHasher, Hash, Hasher as _},
    sync::{Mutex, MutexGuard, PoisonError},
};

/// Words of 64 bits: 4 MiB. Of a million things, one absent thing in 6,000 is asked for in vain; of ten million every second.
const WORDS: usize = 512 * 1024;
/// Bits set for a thing.
const HASHES: u64 = 4;

/// A set that may hold more than was put in. Takes its memory when it first holds something.
#[derive(Debug, Default)]
pub(super) struct Maybe {
    words: Mutex<Vec<u64>>,
}

impl Maybe {
    fn words(&self) -> MutexGuard<'_, Vec<u64>> {
        self.words.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts things in.
    pub(super) fn add(&self, things: impl Iterator<Item = impl Hash>) {
        let mut words = self.words();
        for thing in things {
            if words.is_empty() {
                words.resize(WORDS, 0);
            }
            for (word, bit) in places(&thing) {
                if let Some(word) = words.get_mut(word) {
                    *word |= bit;
                }
            }
        }
    }

    /// Those that may be in.
    pub(super) fn among<T: Hash>(&self, things: impl Iterator<Item = T>) -> Vec<T> {
        let words = self.words();
        if words.is_empty() {
            return Vec::new();
        }
        let is_set =
            |(word, bit): (usize, u64)| words.get(word).is_some_and(|word| word & bit != 0);
        things.filter(|thing| places(thing).all(is_set)).collect()
    }
}

/// Where the bits of a thing are: two hashes make all (Kirsch and Mitzenmacher, 2006).
fn places<T: Hash>(thing: &T) -> impl Iterator<Item = (usize, u64)> + use<T> {
    let mut hasher = DefaultHasher::new();
    thing.hash(&mut hasher);
    let first = hasher.finish();
    hasher.write_u8(0);
    let second = hasher.finish() | 1;
    (0..HASHES).map(move |number| {
        let place = first.wrapping_add(number.wrapping_mul(second));
        let word = usize::try_from(place >> 6).unwrap_or_default() % WORDS;
        (word, 1 << (place & 63))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_put_in_is_found_and_little_else() {
        let maybe = Maybe::default();
        assert_eq!(maybe.among(0..10_u64), Vec::<u64>::new());
        maybe.add(0..200_000_u64);
        assert_eq!(maybe.among(0..200_000_u64).len(), 200_000);
        assert!(maybe.among(1_000_000..1_100_000_u64).len() < 10);
        maybe.add(std::iter::empty::<u64>());
    }
}
