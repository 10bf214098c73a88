//! Reference cases of traffic theory, as CSV: what our own drivers do where the answer is known.
//!
//! - [`platoon`]: followers behind a leader with a script, against SUMO's IDM
//! - [`ring`]: flow on a ring road, against the model's equilibrium
//! - [`satflow`]: a queue that discharges over a stop line
//! - [`fourarm`]: delay at a signal with permissive left turns, against SUMO's IDM
//! - [`grid`]: many such junctions, for what a step costs
//!
//! Figures of SUMO 1.28.0 that stand here were computed with it, once; the program is not needed.

pub mod fourarm;
pub mod grid;
pub mod platoon;
pub mod ring;
pub mod satflow;

/// What came of a case.
#[derive(Clone, Debug, Default)]
pub struct Findings {
    /// The case in numbers, as CSV with a line of titles.
    pub csv: String,
    /// Each figure against what it should be.
    pub figures: Vec<Figure>,
}

/// A figure and the range that it must be in.
#[derive(Clone, Debug, PartialEq)]
pub struct Figure {
    /// Of what.
    pub what: String,
    /// What came out.
    pub value: f64,
    /// From this
    pub least: f64,
    /// to this.
    pub most: f64,
}

impl Figure {
    /// Whether it is in its range.
    pub fn holds(&self) -> bool {
        (self.least..=self.most).contains(&self.value)
    }
}

impl Findings {
    /// Whether every figure is in its range.
    pub fn hold(&self) -> bool {
        self.figures.iter().all(Figure::holds)
    }

    fn figure(&mut self, what: impl Into<String>, value: f64, least: f64, most: f64) {
        self.figures.push(Figure {
            what: what.into(),
            value,
            least,
            most,
        });
    }
}
