//! Lists that keep the bounds of the standard: [`Few`] inline for what is sent many times a second,
//! [`Many`] on the heap for what is built once.
//!
//! Not here: the lists of the generated types, which are recycled in place.

use std::ops::{Deref, DerefMut};

use arrayvec::ArrayVec;

/// A list with fewer or more entries than the standard allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a list must have {min} to {max} entries")]
pub struct WrongCount {
    /// Fewest entries.
    pub min: usize,
    /// Most entries.
    pub max: usize,
}

/// `MIN` to `MAX` entries, stored inline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Few<T, const MIN: usize, const MAX: usize>(ArrayVec<T, MAX>);

impl<T, const MIN: usize, const MAX: usize> Few<T, MIN, MAX> {
    /// Takes all of `entries`, or refuses their number.
    pub fn new(entries: impl IntoIterator<Item = T>) -> Result<Self, WrongCount> {
        let mut list = ArrayVec::new();
        for entry in entries {
            list.try_push(entry).map_err(|_| Self::WRONG)?;
        }
        if list.len() < MIN {
            Err(Self::WRONG)
        } else {
            Ok(Few(list))
        }
    }

    /// As many of one entry as it holds.
    pub(crate) fn filled(entry: T) -> Self
    where
        T: Clone,
    {
        Few(std::iter::repeat_n(entry, MAX).collect())
    }

    /// Adds one, if there is room.
    pub fn push(&mut self, entry: T) -> Result<(), WrongCount> {
        self.0.try_push(entry).map_err(|_| Self::WRONG)
    }

    const WRONG: WrongCount = WrongCount { min: MIN, max: MAX };
}

impl<T, const MAX: usize> Default for Few<T, 0, MAX> {
    fn default() -> Self {
        Few(ArrayVec::new())
    }
}

/// `MIN` to `MAX` entries, stored on the heap.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Many<T, const MIN: usize, const MAX: usize>(Vec<T>);

impl<T, const MIN: usize, const MAX: usize> Many<T, MIN, MAX> {
    /// Takes all of `entries`, or refuses their number; looks at no more than one beyond `MAX`.
    pub fn new(entries: impl IntoIterator<Item = T>) -> Result<Self, WrongCount> {
        let list: Vec<T> = entries.into_iter().take(MAX + 1).collect();
        if (MIN..=MAX).contains(&list.len()) {
            Ok(Many(list))
        } else {
            Err(Self::WRONG)
        }
    }

    /// Adds one, if there is room.
    pub fn push(&mut self, entry: T) -> Result<(), WrongCount> {
        if self.0.len() == MAX {
            return Err(Self::WRONG);
        }
        self.0.push(entry);
        Ok(())
    }

    const WRONG: WrongCount = WrongCount { min: MIN, max: MAX };
}

impl<T, const MAX: usize> Default for Many<T, 0, MAX> {
    fn default() -> Self {
        Many(Vec::new())
    }
}

/// Both lists are read, and their entries changed, as slices.
macro_rules! as_slice {
    ($list:ident) => {
        impl<T, const MIN: usize, const MAX: usize> Deref for $list<T, MIN, MAX> {
            type Target = [T];
            fn deref(&self) -> &[T] {
                &self.0
            }
        }

        impl<T, const MIN: usize, const MAX: usize> DerefMut for $list<T, MIN, MAX> {
            fn deref_mut(&mut self) -> &mut [T] {
                &mut self.0
            }
        }

        impl<'a, T, const MIN: usize, const MAX: usize> IntoIterator for &'a $list<T, MIN, MAX> {
            type Item = &'a T;
            type IntoIter = std::slice::Iter<'a, T>;
            fn into_iter(self) -> Self::IntoIter {
                self.0.iter()
            }
        }
    };
}
as_slice!(Few);
as_slice!(Many);

impl<T, const MIN: usize, const MAX: usize> IntoIterator for Few<T, MIN, MAX> {
    type Item = T;
    type IntoIter = arrayvec::IntoIter<T, MAX>;
    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl<T, const MIN: usize, const MAX: usize> IntoIterator for Many<T, MIN, MAX> {
    type Item = T;
    type IntoIter = std::vec::IntoIter<T>;
    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn too_few_and_too_many_are_refused() {
        assert!(Few::<u8, 1, 2>::new([]).is_err());
        assert!(Few::<u8, 1, 2>::new([1, 2, 3]).is_err());
        assert!(Many::<u8, 2, 3>::new([1]).is_err());
        assert!(Many::<u8, 2, 3>::new(1..).is_err());
        assert_eq!(Many::<u8, 2, 3>::new([1, 2, 3]).unwrap().len(), 3);
    }

    #[test]
    fn a_full_list_takes_no_more() {
        let mut few = Few::<u8, 0, 1>::default();
        assert!(few.push(1).is_ok());
        assert_eq!(few.push(2), Err(WrongCount { min: 0, max: 1 }));
        let mut many = Many::<u8, 0, 1>::default();
        assert!(many.push(1).is_ok());
        assert!(many.push(2).is_err());
        assert_eq!(&many[..], &[1]);
    }
}
