//! What is wrong with a road model, all of it.

use super::Refused;

/// A city's file can be wrong in every line; nobody reads more of it than this.
const MOST_TOLD: usize = 100;

/// Faults as they are found, told together.
#[derive(Default)]
pub(super) struct Faults {
    told: Vec<Refused>,
    /// Those beyond what is told.
    more: usize,
}

impl Faults {
    pub(super) fn add(&mut self, fault: Refused) {
        if self.told.len() < MOST_TOLD {
            self.told.push(fault);
        } else {
            self.more += 1;
        }
    }

    /// What was read, if it could be.
    pub(super) fn keep<T>(&mut self, read: Result<T, Refused>) -> Option<T> {
        read.map_err(|fault| self.add(fault)).ok()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.told.is_empty()
    }

    /// Refuses the file if there are any, in the order of its lines.
    pub(super) fn none(&mut self) -> Result<(), Refused> {
        let mut told = std::mem::take(&mut self.told);
        told.sort_by_key(|fault| match fault {
            Refused::Malformed { line, .. } => *line,
            _ => u32::MAX,
        });
        if self.more > 0 {
            told.push(Refused::unusable(format!("and {} faults more", self.more)));
        }
        match told.len() {
            0 => Ok(()),
            1 => Err(told.remove(0)),
            _ => Err(Refused::Several(told)),
        }
    }
}
