//! A SEQUENCE OF: a list that keeps its elements when it is emptied, so that what they hold is
//! used again.

use std::fmt;
use std::ops::{Deref, DerefMut};

use super::{
    DecodeErrorKind, EncodeErrorKind, Path, Reader, Run, Wire, Writer, check_count, encode_brief,
};

/// At most `MAX` elements; at least `MIN` when it is encoded.
///
/// Emptying it ([`clear`](Self::clear), [`truncate`](Self::truncate)) only moves a mark: the
/// elements behind the mark stay, and come back through [`next_slot`](Self::next_slot) and on
/// decoding with the memory that they own. So a message that is filled again and again stops
/// allocating once it has been as large as it gets. It never shrinks; `MAX` bounds it.
///
/// Grows by what is asked for, never by what a frame merely claims.
#[derive(Default)]
pub struct List<T, const MIN: usize, const MAX: usize> {
    /// All elements ever made; those behind `len` wait to be used again.
    stored: Vec<T>,
    len: usize,
}

/// Where there is less room before an element, it stays unused: what stands before the list seldom
/// fits, and the loop has nothing to carry.
const LITTLE: u32 = 16;

/// The list holds as many elements as its type allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the list is full")]
pub struct Full;

impl<T, const MIN: usize, const MAX: usize> List<T, MIN, MAX> {
    /// Fewest elements that can be encoded.
    pub const MIN: usize = MIN;
    /// Most elements that it holds.
    pub const MAX: usize = MAX;

    /// An empty list. Does not allocate.
    pub const fn new() -> Self {
        Self {
            stored: Vec::new(),
            len: 0,
        }
    }

    /// Appends an element, dropping the one that waited in its place.
    ///
    /// # Errors
    /// The list is full; `element` is dropped.
    pub fn push(&mut self, element: T) -> Result<(), Full> {
        if self.is_full() {
            return Err(Full);
        }
        match self.stored.get_mut(self.len) {
            Some(waiting) => *waiting = element,
            None => self.stored.push(element),
        }
        self.len += 1;
        Ok(())
    }

    /// Appends an element in place and hands it out to be overwritten: one that waited, with
    /// whatever it last held, or a new default one. None when the list is full.
    pub fn next_slot(&mut self) -> Option<&mut T>
    where
        T: Default,
    {
        if self.is_full() {
            return None;
        }
        if self.len == self.stored.len() {
            self.stored.push(T::default());
        }
        self.len += 1;
        self.stored.get_mut(self.len - 1)
    }

    /// Empties the list; its elements wait to be used again.
    pub fn clear(&mut self) {
        self.len = 0;
    }

    /// Keeps the first `len` elements; the others wait to be used again.
    pub fn truncate(&mut self, len: usize) {
        self.len = self.len.min(len);
    }

    /// Whether no further element fits.
    pub fn is_full(&self) -> bool {
        self.len >= MAX
    }

    /// Collects elements into a list.
    ///
    /// # Errors
    /// More than `MAX` elements.
    pub fn try_from_iter(elements: impl IntoIterator<Item = T>) -> Result<Self, Full> {
        let mut list = Self::new();
        for element in elements {
            list.push(element)?;
        }
        Ok(list)
    }

    /// How many elements must be made for the list to be `len` long.
    fn missing(&self, len: usize) -> usize {
        len.saturating_sub(self.stored.len())
    }

    /// Makes the list `len` long, the elements being whatever waited, or defaults.
    fn resize(&mut self, len: usize)
    where
        T: Default,
    {
        self.len = len;
        let missing = self.missing(len);
        if missing > 0 {
            // Exactly: doubling would let a frame claim twice the memory that its bits justify.
            self.stored.reserve_exact(missing);
            self.stored.resize_with(len, T::default);
        }
    }
}

impl<T: Wire + Default, const MIN: usize, const MAX: usize> Wire for List<T, MIN, MAX> {
    const MIN_BITS: usize = super::count_bits(MIN, MAX) as usize + MIN * T::MIN_BITS;
    const ROOM: u32 = Run::BESIDE_LENGTH;

    fn encode<const AGAIN: bool>(&self, run: Run, writer: &mut Writer<'_, AGAIN>) {
        let run = run.draft().counted::<MIN, MAX>(self.len);
        if self.is_empty() {
            return writer.put(run);
        }
        let mut run = if T::ROOM < LITTLE || run.count > T::ROOM as usize {
            writer.put(run);
            Run::NONE
        } else {
            writer.pass(run)
        };
        for element in self {
            if T::BRIEF {
                encode_brief(element, run, writer);
            } else {
                element.encode(run, writer);
            }
            run = Run::NONE;
        }
    }

    fn check(&self, path: &mut Path) -> Result<(), EncodeErrorKind> {
        check_count::<MIN, MAX>(self.len)?;
        for (index, element) in self.iter().enumerate() {
            element
                .check(path)
                .inspect_err(|_| path.within_element(index))?;
        }
        Ok(())
    }

    fn decode_into(&mut self, reader: &mut Reader<'_>) -> Result<(), DecodeErrorKind> {
        let count = reader.count::<MIN, MAX>(T::MIN_BITS)?;
        reader.grow(count, self.missing(count), size_of::<T>())?;
        self.resize(count);
        for (index, element) in self.iter_mut().enumerate() {
            element
                .decode_into(reader)
                .map_err(|kind| reader.blame_element(index, kind))?;
        }
        Ok(())
    }
}

impl<T, const MIN: usize, const MAX: usize> Deref for List<T, MIN, MAX> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.stored[..self.len]
    }
}

impl<T, const MIN: usize, const MAX: usize> DerefMut for List<T, MIN, MAX> {
    fn deref_mut(&mut self) -> &mut [T] {
        &mut self.stored[..self.len]
    }
}

impl<T, const MIN: usize, const MAX: usize> IntoIterator for List<T, MIN, MAX> {
    type Item = T;
    type IntoIter = std::iter::Take<std::vec::IntoIter<T>>;

    fn into_iter(self) -> Self::IntoIter {
        self.stored.into_iter().take(self.len)
    }
}

impl<'a, T, const MIN: usize, const MAX: usize> IntoIterator for &'a List<T, MIN, MAX> {
    type Item = &'a T;
    type IntoIter = std::slice::Iter<'a, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl<'a, T, const MIN: usize, const MAX: usize> IntoIterator for &'a mut List<T, MIN, MAX> {
    type Item = &'a mut T;
    type IntoIter = std::slice::IterMut<'a, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter_mut()
    }
}

impl<T, const MIN: usize, const MAX: usize> TryFrom<Vec<T>> for List<T, MIN, MAX> {
    type Error = Full;

    fn try_from(elements: Vec<T>) -> Result<Self, Full> {
        let len = elements.len();
        if len > MAX {
            Err(Full)
        } else {
            Ok(Self {
                stored: elements,
                len,
            })
        }
    }
}

/// Copies the elements in use; those that wait stay behind.
impl<T: Clone, const MIN: usize, const MAX: usize> Clone for List<T, MIN, MAX> {
    fn clone(&self) -> Self {
        Self {
            stored: self.to_vec(),
            len: self.len,
        }
    }
}

impl<T: PartialEq, const MIN: usize, const MAX: usize> PartialEq for List<T, MIN, MAX> {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl<T: Eq, const MIN: usize, const MAX: usize> Eq for List<T, MIN, MAX> {}

impl<T: fmt::Debug, const MIN: usize, const MAX: usize> fmt::Debug for List<T, MIN, MAX> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_list_takes_no_more() {
        let mut list = List::<u8, 1, 2>::new();
        assert_eq!(list.push(1), Ok(()));
        assert!(list.next_slot().is_some());
        assert_eq!(list.push(3), Err(Full));
        assert!(list.next_slot().is_none());
        assert_eq!(list.len(), 2);
    }

    #[test]
    fn an_emptied_list_hands_its_elements_out_again_with_their_memory() {
        let mut list = List::<Vec<u8>, 1, 4>::new();
        list.next_slot().unwrap().extend([1, 2, 3]);
        let before = list[0].as_ptr();
        list.clear();
        assert!(list.is_empty());
        let slot = list.next_slot().unwrap();
        assert_eq!(slot.as_ptr(), before);
    }

    #[test]
    fn elements_behind_the_mark_neither_compare_nor_clone() {
        let mut left = List::<u8, 1, 4>::try_from(vec![1, 2, 3]).unwrap();
        left.truncate(2);
        let right = List::<u8, 1, 4>::try_from_iter([1, 2]).unwrap();
        assert_eq!(left, right);
        assert_eq!(left.clone().stored, [1, 2]);
    }
}
