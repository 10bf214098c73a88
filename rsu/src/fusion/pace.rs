//! How far things get in a span of time, and how likely they change their way of moving in it: what is the same
//! for all that move on by it, made once.

use super::filter::Noise;
use super::motion::MODES;

/// How far things get in a span of time, made once for all that move on by it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace {
    pub(crate) dt_s: f64,
    pub(crate) noise: Noise,
    pub(crate) changes: AnyChanges,
}

/// Probabilities of change after a time without: mostly the same for everybody, so that the last are kept.
#[derive(Clone, Copy, Debug)]
pub(crate) struct AnyChanges {
    unmixed_s: f64,
    changes: Changes,
}

/// Probabilities of going over from one mode (row) to another.
pub(crate) type Changes = [[f64; MODES]; MODES];

impl Pace {
    /// Of `dt_s`, which may be negative.
    pub(crate) fn new(dt_s: f64) -> Self {
        Self {
            dt_s,
            noise: Noise::over(dt_s),
            changes: AnyChanges {
                unmixed_s: dt_s.abs(),
                changes: changes(dt_s.abs()),
            },
        }
    }
}

impl AnyChanges {
    pub(crate) fn after(&mut self, unmixed_s: f64) -> &Changes {
        if self.unmixed_s.to_bits() != unmixed_s.to_bits() {
            (self.unmixed_s, self.changes) = (unmixed_s, changes(unmixed_s));
        }
        &self.changes
    }
}

/// How likely it is that a mode is left for another: the longer the time, the likelier.
fn changes(dt_s: f64) -> Changes {
    let leave = 1.0 - (-dt_s / CHANGE_AFTER_S).exp();
    [
        [1.0 - leave, 0.6 * leave, 0.3 * leave, 0.1 * leave],
        [0.6 * leave, 1.0 - leave, 0.2 * leave, 0.2 * leave],
        [0.5 * leave, 0.5 * leave, 1.0 - leave, 0.0],
        [0.1 * leave, 0.9 * leave, 0.0, 1.0 - leave],
    ]
}

/// What may come after standing, of somebody who has stood for so long: who has stood for a while mostly waits for
/// something, so that the longer it has stood the longer it is likely to go on. Half of all who have stood for
/// `t` seconds stand for about `t` more.
#[inline(always)]
pub(crate) fn after_standing(usual: &[f64; MODES], stood_s: f64) -> [f64; MODES] {
    let share = CHANGE_AFTER_S / (CHANGE_AFTER_S + stood_s.min(STANDS_LONG_S));
    let leaves = usual.map(|chance| chance * share);
    let [steady, brisk, turning, _] = leaves;
    [steady, brisk, turning, 1.0 - (steady + brisk + turning)]
}

/// For how long a road user keeps to one way of moving, on average.
const CHANGE_AFTER_S: f64 = 3.0;
/// Whoever has stood for longer is no likelier to go on standing: as long as a red light.
const STANDS_LONG_S: f64 = 60.0;
