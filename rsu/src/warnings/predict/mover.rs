//! One road user, and what is known of it at this look.
//!
//! Not here: where it will be.

use super::super::RED_FROM;
use super::clear::Stage;
use crate::report::Class;

/// One road user and what is predicted of it.
#[derive(Clone, Copy, Debug)]
pub(in crate::warnings) struct Mover {
    /// Its place in the picture.
    pub(in crate::warnings) place: usize,
    pub(in crate::warnings) id: u8,
    pub(in crate::warnings) class: Class,
    pub(in crate::warnings) speed_mps: f64,
    pub(in crate::warnings) direction: (f64, f64),
    pub(in crate::warnings) east_m: f64,
    pub(in crate::warnings) north_m: f64,
    /// It has been seen for long enough not to be a false echo.
    pub(in crate::warnings) established: bool,
    /// What it is about to do is believed from so long before on.
    pub(in crate::warnings) least_lead_s: f64,
    /// And for so long that those behind are held against it.
    pub(super) leads: bool,
    /// It comes to the carriageway, and too little has been seen of it to say whether it brakes.
    pub(in crate::warnings) undecided: bool,
    /// Its predictions: from, and how many.
    pub(in crate::warnings) first: usize,
    pub(in crate::warnings) count: usize,
    /// Whether it clears the junction, or sets off.
    pub(super) stage: Stage,
    /// It comes to the carriageway: by the first of its predictions it goes on, by the second it stops.
    pub(in crate::warnings) may_stop: bool,
    /// Who drives before it on the likeliest of its ways.
    pub(in crate::warnings) follows: Option<u8>,
    /// How likely it will pass the stop line at red, and when it is there.
    pub(in crate::warnings) runs_red: Option<(f64, f64)>,
    /// How likely it cannot avoid the one before it by braking, which one, and when they touch.
    pub(in crate::warnings) runs_into: Option<(f64, u8, f64)>,
}

impl Mover {
    /// On foot, on paws or on two wheels.
    pub(in crate::warnings) fn is_soft(&self) -> bool {
        is_soft(self.class)
    }

    /// It is about to pass a red light, or has done so and is still on the junction.
    pub(in crate::warnings) fn is_against_its_light(&self) -> bool {
        let about_to = self.runs_red.is_some_and(|(likely, _)| likely >= RED_FROM);
        about_to || self.stage.by_red
    }
}

pub(super) fn is_soft(class: Class) -> bool {
    matches!(
        class,
        Class::Pedestrian | Class::Animal | Class::Bicycle | Class::Motorcycle
    )
}
