//! How something went over a run, to be drawn: points at even distances, however long the run is.
//!
//! All are kept until there are [`MOST`]; then every other goes, and of what comes only every other is
//! taken, again and again.

/// Points in order of time.
#[derive(Clone, Debug, Default)]
pub struct Trace<T> {
    points: Vec<T>,
    offered: u64,
    halvings: u32,
}

impl<T> Trace<T> {
    /// One more.
    pub fn push(&mut self, point: T) {
        let place = self.offered;
        self.offered += 1;
        if !place.is_multiple_of(1 << self.halvings) {
            return;
        }
        if self.points.len() == MOST {
            let mut stays = false;
            self.points.retain(|_| {
                stays = !stays;
                stays
            });
            // As many again have gone as stay, so this one is at an even distance too.
            self.halvings += 1;
        }
        self.points.push(point);
    }

    /// Those that are kept.
    pub fn points(&self) -> &[T] {
        &self.points
    }
}

/// So many points are kept: more than a drawing has room for.
const MOST: usize = 1 << 14;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_stay_at_even_distances() {
        let mut trace = Trace::default();
        let all = 5 * MOST;
        for i in 0..all {
            trace.push(i);
        }
        let points = trace.points();
        assert!(points.len() <= MOST && points.len() > MOST / 2);
        let apart = points[1];
        assert!(
            points
                .iter()
                .enumerate()
                .all(|(i, point)| *point == i * apart)
        );
        assert!(all - points[points.len() - 1] <= apart);
        let mut short = Trace::default();
        (0..MOST).for_each(|i| short.push(i));
        assert_eq!(short.points().len(), MOST);
    }
}
