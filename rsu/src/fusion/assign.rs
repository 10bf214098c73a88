//! The cheapest way to give each row a column of its own: the assignment problem, exactly.
//!
//! The Hungarian method with shortest augmenting paths and potentials, O(rows² columns), in buffers
//! that are made once. Rows are detections; the caller gives each a column of its own for "belongs
//! to nothing", so that every row has somewhere to go. Which edges exist is decided elsewhere.

/// Most rows of one problem.
pub(crate) const MAX_ROWS: usize = 48;
/// Most columns of one problem.
pub(crate) const MAX_COLUMNS: usize = MAX_ROWS * 7;
/// The cost of a pair that must not be.
pub(crate) const FORBIDDEN: f64 = 1e9;

/// Buffers of the solver.
#[derive(Clone, Debug)]
pub(crate) struct Solver {
    cost: Vec<f64>,
    columns: usize,
    row_potential: Vec<f64>,
    column_potential: Vec<f64>,
    row_of: Vec<usize>,
    way: Vec<usize>,
    slack: Vec<f64>,
    used: Vec<bool>,
}

impl Solver {
    /// With room for the largest problem.
    pub(crate) fn new() -> Self {
        Self {
            cost: vec![FORBIDDEN; MAX_ROWS * MAX_COLUMNS],
            columns: 0,
            row_potential: vec![0.0; MAX_ROWS + 1],
            column_potential: vec![0.0; MAX_COLUMNS + 1],
            row_of: vec![0; MAX_COLUMNS + 1],
            way: vec![0; MAX_COLUMNS + 1],
            slack: vec![0.0; MAX_COLUMNS + 1],
            used: vec![false; MAX_COLUMNS + 1],
        }
    }

    /// A new problem in which every pair is forbidden. Needs `rows <= columns`, both within the
    /// limits above.
    pub(crate) fn begin(&mut self, rows: usize, columns: usize) {
        debug_assert!(rows <= MAX_ROWS && columns <= MAX_COLUMNS && rows <= columns);
        self.columns = columns;
        self.cost[..rows * columns].fill(FORBIDDEN);
    }

    /// Allows a pair at a cost.
    pub(crate) fn allow(&mut self, row: usize, column: usize, cost: f64) {
        self.cost[row * self.columns + column] = cost;
    }

    /// Solves for the first `rows` rows; calls `pair(row, column)` for each.
    pub(crate) fn solve(&mut self, rows: usize, mut pair: impl FnMut(usize, usize)) {
        let columns = self.columns;
        self.row_potential[..=rows].fill(0.0);
        self.column_potential[..=columns].fill(0.0);
        self.row_of[..=columns].fill(0);
        for row in 1..=rows {
            self.augment(row);
        }
        for column in 1..=columns {
            if self.row_of[column] > 0 {
                pair(self.row_of[column] - 1, column - 1);
            }
        }
    }

    /// Finds the shortest augmenting path from `row` (counted from 1; column 0 is its seat while
    /// it has none) and shifts the pairs along it.
    fn augment(&mut self, row: usize) {
        let columns = self.columns;
        self.row_of[0] = row;
        self.slack[..=columns].fill(f64::INFINITY);
        self.used[..=columns].fill(false);
        let mut column = 0;
        while self.row_of[column] != 0 {
            self.used[column] = true;
            let (next, delta) = self.relax(column);
            for j in 0..=columns {
                if self.used[j] {
                    self.row_potential[self.row_of[j]] += delta;
                    self.column_potential[j] -= delta;
                } else {
                    self.slack[j] -= delta;
                }
            }
            column = next;
        }
        while column != 0 {
            let previous = self.way[column];
            self.row_of[column] = self.row_of[previous];
            column = previous;
        }
    }

    /// Lets the row seated at `column` bid for every free column; the nearest one and how near.
    fn relax(&mut self, column: usize) -> (usize, f64) {
        let row = self.row_of[column];
        let costs = &self.cost[(row - 1) * self.columns..row * self.columns];
        let (mut next, mut delta) = (0, f64::INFINITY);
        for (j, cost) in (1..).zip(costs) {
            if self.used[j] {
                continue;
            }
            let reduced = cost - self.row_potential[row] - self.column_potential[j];
            if reduced < self.slack[j] {
                self.slack[j] = reduced;
                self.way[j] = column;
            }
            if self.slack[j] < delta {
                delta = self.slack[j];
                next = j;
            }
        }
        (next, delta)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_cheapest_whole_beats_the_cheapest_first_pair() {
        let mut solver = Solver::new();
        solver.begin(2, 2);
        for (row, column, cost) in [(0, 0, 1.0), (0, 1, 2.0), (1, 0, 2.0), (1, 1, 9.0)] {
            solver.allow(row, column, cost);
        }
        let mut pairs = Vec::new();
        solver.solve(2, |row, column| pairs.push((row, column)));
        pairs.sort_unstable();
        assert_eq!(pairs, [(0, 1), (1, 0)]);
    }

    proptest! {
        #[test]
        fn no_other_assignment_is_cheaper(
            rows in 1..5usize, extra in 0..3usize,
            costs in prop::collection::vec(-10.0..10.0f64, 35),
        ) {
            let columns = rows + extra;
            let cost = |row: usize, column: usize| costs[row * 7 + column];
            let mut solver = Solver::new();
            solver.begin(rows, columns);
            for row in 0..rows {
                for column in 0..columns {
                    solver.allow(row, column, cost(row, column));
                }
            }
            let (mut sum, mut count) = (0.0, 0);
            solver.solve(rows, |row, column| { sum += cost(row, column); count += 1; });
            prop_assert_eq!(count, rows);
            let best = cheapest(&cost, 0, rows, columns, 0);
            prop_assert!((sum - best).abs() < 1e-9, "{} against {}", sum, best);
        }
    }

    fn cheapest(
        cost: &impl Fn(usize, usize) -> f64,
        row: usize,
        rows: usize,
        columns: usize,
        taken: u32,
    ) -> f64 {
        if row == rows {
            return 0.0;
        }
        (0..columns)
            .filter(|column| taken & (1 << column) == 0)
            .map(|column| {
                cost(row, column) + cheapest(cost, row + 1, rows, columns, taken | (1 << column))
            })
            .fold(f64::INFINITY, f64::min)
    }
}
