//! Inputs from a seed: random bytes, and good inputs made bad.

/// The longest input.
const LEN_MAX: usize = 64 * 1024;
/// The longest input that is random altogether.
const RANDOM_LEN_MAX: usize = 600;
/// The most changes to one good input.
const CHANGES_MAX: usize = 6;
/// Bytes at which formats change their mind.
const ODD_BYTES: &[u8] = b"\0\x01\x02\n\r =#[]{}/.,:;-+@%\"'\\0179AFMZz\x7f\x80\xff";

/// Makes inputs. The same seed makes the same ones.
#[derive(Debug)]
pub struct Mutator<'a> {
    corpus: &'a [Vec<u8>],
    random: fastrand::Rng,
}

impl<'a> Mutator<'a> {
    /// Inputs from `seed` and from good inputs, which may be none.
    #[must_use]
    pub fn new(corpus: &'a [Vec<u8>], seed: u64) -> Self {
        Self { corpus, random: fastrand::Rng::with_seed(seed) }
    }

    /// The next input: one in eight is random, one in eight good as it is, the others are good ones that were changed.
    pub fn input(&mut self) -> Vec<u8> {
        let kind = self.random.u8(..8);
        if kind == 0 || self.corpus.is_empty() {
            let len = self.random.usize(..RANDOM_LEN_MAX);
            return std::iter::repeat_with(|| self.random.u8(..)).take(len).collect();
        }
        let mut input = self.pick().to_vec();
        if kind > 1 {
            for _ in 0..self.random.usize(1..=CHANGES_MAX) {
                self.change(&mut input);
            }
        }
        input.truncate(LEN_MAX);
        input
    }

    fn pick(&mut self) -> &'a [u8] {
        &self.corpus[self.random.usize(..self.corpus.len())]
    }

    fn range(&mut self, len: usize) -> std::ops::Range<usize> {
        let start = self.random.usize(..=len);
        // Mostly short, as fields are.
        let most = if self.random.bool() { 16 } else { len };
        start..(start + self.random.usize(..=most)).min(len)
    }

    fn change(&mut self, input: &mut Vec<u8>) {
        let at = self.random.usize(..=input.len());
        match self.random.u8(..8) {
            0 => {
                if let Some(byte) = input.get_mut(at) {
                    *byte ^= 1 << self.random.u8(..8);
                }
            }
            1 => {
                let odd = ODD_BYTES[self.random.usize(..ODD_BYTES.len())];
                if let Some(byte) = input.get_mut(at) {
                    *byte = odd;
                }
            }
            2 => input.insert(at, ODD_BYTES[self.random.usize(..ODD_BYTES.len())]),
            3 => input.truncate(at),
            4 => {
                let range = self.range(input.len());
                input.drain(range);
            }
            5 => {
                let other = self.pick();
                let range = self.range(other.len());
                input.splice(at..at, other[range].iter().copied());
            }
            6 => {
                let range = self.range(input.len());
                let copy = input[range].to_vec();
                input.splice(at..at, copy);
            }
            _ => {
                let (byte, count) = (self.random.u8(..), self.random.usize(..300));
                input.splice(at..at, std::iter::repeat_n(byte, count));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_makes_the_same_inputs_and_another_does_not() {
        let corpus = [b"hello world".to_vec(), b"key = value\n".to_vec()];
        let inputs = |seed| {
            let mut mutator = Mutator::new(&corpus, seed);
            (0..200).map(|_| mutator.input()).collect::<Vec<_>>()
        };
        assert_eq!(inputs(1), inputs(1));
        assert_ne!(inputs(1), inputs(2));
        assert!(inputs(1).contains(&corpus[0]), "good inputs come as they are, too");
    }

    #[test]
    fn without_good_inputs_there_are_random_ones() {
        let mut mutator = Mutator::new(&[], 7);
        assert!((0..50).any(|_| !mutator.input().is_empty()));
    }
}
