//! What a thing is and how big, from evidence that comes bit by bit and is sometimes wrong.
//!
//! A class is believed by the odds of how often sensors mistake one class for another; old evidence
//! fades, so that a run of wrong labels does not hold for ever. Sizes are smoothed. Where nothing
//! was measured, nothing is published; [`SizeBelief::assumed`] gives what is usual, for gates only.

use crate::report::{Class, Size};

/// Animals are not among them: see `Target::animal`.
const CLASSES: [Class; 6] = [
    Class::Car,
    Class::Truck,
    Class::Bus,
    Class::Motorcycle,
    Class::Bicycle,
    Class::Pedestrian,
];

/// Probabilities over the classes.
#[derive(Clone, Copy, Debug, PartialEq)]
#[repr(C)]
pub(crate) struct ClassBelief {
    /// Kept, for it is asked for far more often than it changes.
    best: (Class, f32),
    p: [f64; CLASSES.len()],
}

/// Kinds of road users that a sensor seldom confuses with each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Family {
    Vehicle,
    Rider,
    Walker,
}

impl Default for ClassBelief {
    fn default() -> Self {
        Self::new()
    }
}

impl ClassBelief {
    pub(crate) const fn new() -> Self {
        Self {
            p: [1.0 / CLASSES.len() as f64; CLASSES.len()],
            best: (Class::Unknown, 0.0),
        }
    }

    /// Takes one more label.
    pub(crate) fn observe(&mut self, class: Class) {
        let Some(label) = index(class) else { return };
        let mut p = self.p;
        let mut sum = 0.0;
        for (p, named) in p.iter_mut().zip(&NAMED[label]) {
            *p = (*p + FORGETTING) * named;
            sum += *p;
        }
        let p = p.map(|p| p / sum);
        let (mut best, mut most) = (Class::Car, p[0]);
        for (class, p) in CLASSES.into_iter().zip(p) {
            if p > most {
                (best, most) = (class, p);
            }
        }
        self.p = p;
        self.best = (best, most as f32);
    }

    /// How much likelier a label is for this thing than for any thing; 1 for no label.
    pub(crate) fn likelihood(&self, class: Class) -> f64 {
        let Some(label) = index(class) else {
            return 1.0;
        };
        let each = self.p.iter().zip(&NAMED[label]);
        let own: f64 = each.map(|(p, named)| p * named).sum();
        own * CLASSES.len() as f64
    }

    /// The likeliest class and its probability; Unknown where no sensor has named one.
    pub(crate) fn best(&self) -> (Class, f32) {
        self.best
    }
}

/// The family of a class, where there is one.
pub(crate) fn family(class: Class) -> Option<Family> {
    match class {
        Class::Unknown | Class::Animal => None,
        Class::Car | Class::Truck | Class::Bus => Some(Family::Vehicle),
        Class::Motorcycle | Class::Bicycle => Some(Family::Rider),
        Class::Pedestrian => Some(Family::Walker),
    }
}

/// How a class moves: spectral density of its acceleration, (m/s²)² s.
pub(crate) fn agility(class: Class) -> f64 {
    match class {
        Class::Unknown | Class::Animal | Class::Car | Class::Motorcycle => 2.0,
        Class::Truck | Class::Bus => 1.2,
        Class::Bicycle => 1.0,
        Class::Pedestrian => 0.4,
    }
}

/// Usual speed of a class, as a standard deviation about standing still, m/s.
pub(crate) fn usual_speed_mps(class: Class) -> f64 {
    match class {
        Class::Unknown | Class::Car | Class::Truck | Class::Bus | Class::Motorcycle => 10.0,
        Class::Bicycle | Class::Animal => 5.0,
        Class::Pedestrian => 1.6,
    }
}

/// Smoothed outer dimensions.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct SizeBelief {
    length_m: f32,
    width_m: f32,
    height_m: Option<f32>,
    count: u16,
}

impl SizeBelief {
    /// Takes one more measurement.
    pub(crate) fn observe(&mut self, size: &Size) {
        self.count = (self.count + 1).min(SIZE_MEMORY);
        let gain = 1.0 / f32::from(self.count);
        self.length_m += gain * (size.length_m - self.length_m);
        self.width_m += gain * (size.width_m - self.width_m);
        if let Some(height) = size.height_m {
            let old = self.height_m.unwrap_or(height);
            self.height_m = Some(old + gain * (height - old));
        }
    }

    /// As measured; None if never.
    pub(crate) fn measured(&self) -> Option<Size> {
        (self.count > 0).then_some(Size {
            length_m: self.length_m,
            width_m: self.width_m,
            height_m: self.height_m,
        })
    }

    /// Length and width by which the place of an echo is judged: as measured, else the root of the mean
    /// square over what it may be. What only a radar has seen may well be a bus.
    pub(crate) fn spread(&self, class: &ClassBelief) -> (f64, f64) {
        if self.count > 0 {
            return (f64::from(self.length_m), f64::from(self.width_m));
        }
        let (mut length_m2, mut width_m2) = (0.0, 0.0);
        for (class, p) in CLASSES.iter().zip(&class.p) {
            let usual = usual_extent(*class);
            length_m2 += p * usual.length_m * usual.length_m;
            width_m2 += p * usual.width_m * usual.width_m;
        }
        (length_m2.sqrt(), width_m2.sqrt())
    }

    /// As measured, or as usual for the class.
    pub(crate) fn assumed(&self, class: Class) -> Extent {
        let usual = usual_extent(class);
        if self.count == 0 {
            return usual;
        }
        Extent {
            length_m: f64::from(self.length_m),
            width_m: f64::from(self.width_m),
            height_m: self.height_m.map_or(usual.height_m, f64::from),
        }
    }
}

/// How much room a thing takes, known or supposed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Extent {
    pub(crate) length_m: f64,
    pub(crate) width_m: f64,
    pub(crate) height_m: f64,
}

fn usual_extent(class: Class) -> Extent {
    let (length_m, width_m, height_m) = match class {
        Class::Unknown => (3.5, 1.6, 1.5),
        Class::Car => (4.6, 1.8, 1.5),
        Class::Truck => (8.5, 2.5, 3.2),
        Class::Bus => (11.5, 2.5, 3.2),
        Class::Motorcycle => (2.0, 0.8, 1.6),
        Class::Bicycle => (1.8, 0.6, 1.7),
        Class::Pedestrian => (0.5, 0.5, 1.7),
        Class::Animal => (1.0, 0.5, 0.8),
    };
    Extent {
        length_m,
        width_m,
        height_m,
    }
}

/// The place of a class in `CLASSES`.
fn index(class: Class) -> Option<usize> {
    match class {
        Class::Unknown | Class::Animal => None,
        Class::Car => Some(0),
        Class::Truck => Some(1),
        Class::Bus => Some(2),
        Class::Motorcycle => Some(3),
        Class::Bicycle => Some(4),
        Class::Pedestrian => Some(5),
    }
}

/// Probability that a sensor gives a label (row) to a thing that is of a class: mostly right, else mostly
/// within the family.
const NAMED: [[f64; CLASSES.len()]; CLASSES.len()] = [
    [0.80, 0.08, 0.08, 0.03, 0.03, 0.03],
    [0.08, 0.80, 0.08, 0.03, 0.03, 0.03],
    [0.08, 0.08, 0.80, 0.03, 0.03, 0.03],
    [0.03, 0.03, 0.03, 0.80, 0.08, 0.03],
    [0.03, 0.03, 0.03, 0.08, 0.80, 0.03],
    [0.03, 0.03, 0.03, 0.03, 0.03, 0.80],
];

/// What every class gets back before a label is taken: no run of labels settles it for ever.
const FORGETTING: f64 = 0.002;
/// Measurements over which a size is averaged.
const SIZE_MEMORY: u16 = 30;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_single_wrong_label_does_not_change_the_class() {
        let mut belief = ClassBelief::new();
        for _ in 0..5 {
            belief.observe(Class::Bus);
        }
        belief.observe(Class::Pedestrian);
        assert_eq!(belief.best().0, Class::Bus);
    }

    #[test]
    fn wrong_labels_are_forgotten_once_right_ones_come() {
        let mut belief = ClassBelief::new();
        for _ in 0..200 {
            belief.observe(Class::Truck);
        }
        for _ in 0..40 {
            belief.observe(Class::Bus);
        }
        assert_eq!(belief.best().0, Class::Bus);
    }

    #[test]
    fn without_a_label_the_class_is_unknown_and_any_label_is_as_likely() {
        let mut belief = ClassBelief::new();
        belief.observe(Class::Unknown);
        assert_eq!(belief.best(), (Class::Unknown, 0.0));
        for class in CLASSES {
            let likelihood = belief.likelihood(class);
            assert!((0.8..1.2).contains(&likelihood), "{class:?} {likelihood}");
        }
    }

    #[test]
    fn a_size_that_nobody_measured_is_not_published() {
        let mut size = SizeBelief::default();
        assert_eq!(size.measured(), None);
        size.observe(&Size {
            length_m: 4.0,
            width_m: 2.0,
            height_m: None,
        });
        size.observe(&Size {
            length_m: 5.0,
            width_m: 2.0,
            height_m: None,
        });
        let measured = size.measured().unwrap();
        assert!((measured.length_m - 4.5).abs() < 1e-6);
        assert_eq!(measured.height_m, None);
    }
}
