//! How long something lasted, the last so many times, the newer ones counting more.
//!
//! How sure a time left is depends on what sort of length it is. A yellow, the red between the lights
//! of two stages, the light that follows a cue are set in the controller: they come true to a tenth,
//! nearly always. A green that detectors extend varies by some ten seconds. Which of the two it is the
//! past tells soon: of a length that varies hardly three in a row agree to a second. So both are
//! weighed by how likely they make the past, with even odds before anything was seen ([`Voice::set`]).
//!
//! Lengths are kept in order with their weights beside them, so that a question about what is still
//! to come is one pass. Nothing is allocated. Not here: what the lengths are of.

/// What the weight of a length is worth after each newer one: half after 23.
const FORGET: f32 = 0.97;
/// Added to a time left before it is divided by, in seconds: nobody acts on less.
const NEAR_S: f32 = 1.0;
/// Fewer lengths have no usual one.
const FEW: usize = 5;
/// A told end within this of the real one has come true, in seconds.
pub(super) const TRUE_WITHIN_S: f32 = 1.0;
/// Of lengths that are set, one in so many and one is expected to differ, as of bounds: a stage left out, a
/// report lost.
const SET: f64 = 100.0;
/// Of lengths that vary, one in so many and one is expected to lie within a second of another: two seconds
/// out of some ten.
const VARIES: u8 = 4;

/// The last `N` lengths, shortest first.
#[derive(Clone, Debug)]
pub(super) struct Samples<const N: usize> {
    length_s: [f32; N],
    weight: [f32; N],
    len: usize,
}

impl<const N: usize> Samples<N> {
    pub(super) const EMPTY: Self = Self {
        length_s: [0.0; N],
        weight: [0.0; N],
        len: 0,
    };

    /// Adds a length; the one that weighs least, the oldest, gives way when there is no room.
    pub(super) fn add(&mut self, length_s: f32) {
        for weight in &mut self.weight[..self.len] {
            *weight *= FORGET;
        }
        if self.len == N {
            self.drop_oldest();
        }
        let place = self.lengths().partition_point(|known| *known <= length_s);
        self.length_s.copy_within(place..self.len, place + 1);
        self.weight.copy_within(place..self.len, place + 1);
        self.length_s[place] = length_s;
        self.weight[place] = 1.0;
        self.len += 1;
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Shortest first.
    pub(super) fn lengths(&self) -> &[f32] {
        &self.length_s[..self.len]
    }

    /// The middle length, where eight in ten are within a second of it and there are a few.
    pub(super) fn mostly(&self) -> Option<f32> {
        let lengths = self.lengths();
        if lengths.len() < FEW {
            return None;
        }
        let middle = lengths[lengths.len() / 2];
        let from = lengths.partition_point(|length| *length < middle - TRUE_WITHIN_S);
        let to = lengths.partition_point(|length| *length <= middle + TRUE_WITHIN_S);
        ((to - from) * 10 >= lengths.len() * 8).then_some(middle)
    }

    fn drop_oldest(&mut self) {
        let weights = self.weight[..self.len].iter().enumerate();
        let Some((oldest, _)) = weights.min_by(|(_, a), (_, b)| a.total_cmp(b)) else {
            return;
        };
        self.length_s.copy_within(oldest + 1..self.len, oldest);
        self.weight.copy_within(oldest + 1..self.len, oldest);
        self.len -= 1;
    }

    fn total(&self) -> f32 {
        in_lanes(
            &self.weight[..self.len],
            &self.weight[..self.len],
            |weight, _| weight,
        )
    }
}

/// Lengths of which a part has passed, as one voice among several about the time left.
pub(super) struct Voice<'a> {
    length_s: &'a [f32],
    weight: &'a [f32],
    passed_s: f32,
    /// Of all lengths, also those that it has outlasted; the newest has 1.
    total: f32,
    /// What a weight counts.
    scale: f32,
}

impl<'a> Voice<'a> {
    /// `passed_s` of the length have passed; all lengths together, also those that it has outlasted,
    /// weigh `share`.
    pub(super) fn new<const N: usize>(samples: &'a Samples<N>, passed_s: f32, share: f32) -> Self {
        let total = samples.total();
        Self {
            length_s: samples.lengths(),
            weight: &samples.weight[..samples.len],
            passed_s,
            total,
            scale: if total > 0.0 { share / total } else { 0.0 },
        }
    }

    /// Only what has not been outlasted.
    fn outlasting(&self) -> Self {
        let from = self
            .length_s
            .partition_point(|length| *length <= self.passed_s);
        Self {
            length_s: &self.length_s[from..],
            weight: &self.weight[from..],
            ..*self
        }
    }

    fn left_s(&self, place: usize) -> f32 {
        self.length_s[place] - self.passed_s
    }

    /// What counts against the relative error.
    fn pull(&self) -> f32 {
        let near_s = NEAR_S - self.passed_s;
        let pull = |weight, length_s| weight / (length_s + near_s);
        in_lanes(self.weight, self.length_s, pull) * self.scale
    }

    fn mass(&self) -> f32 {
        in_lanes(self.weight, self.weight, |weight, _| weight) * self.scale
    }

    /// Probability that its lengths are set to end in `left_s`, give or take a second, and how often the
    /// next then does too.
    ///
    /// The share that comes true is believed to be Beta(`SET`, 1) where the length is set and
    /// Beta(1, `VARIES`) where it varies. The length that was chosen only says where; of all others,
    /// those that were outlasted included, is counted how many agree.
    fn set(&self, left_s: f32) -> (f32, f32) {
        let others = self.total - 1.0;
        if others <= 0.0 {
            return (0.0, 0.0);
        }
        let within = self.mass_within(left_s - TRUE_WITHIN_S, left_s + TRUE_WITHIN_S);
        let agree = (within / self.scale - 1.0).clamp(0.0, others);
        if agree < others / 4.0 {
            // Of three and more set in less than one in a hundred, and most are so: not worth the logarithms.
            return (0.0, 0.0);
        }
        let (agree, others) = (f64::from(agree), f64::from(others));
        let differ = others - agree;
        // The ratio of the two Beta functions, of whose gamma functions some are the same.
        let rising: f64 = (1..VARIES).map(|step| differ + f64::from(step)).product();
        let varies = f64::from(VARIES);
        let ratio = ln_gamma(agree + 1.0) - ln_gamma(agree + SET) + ln_gamma(others + SET + 1.0)
            - ln_gamma(others + varies + 1.0);
        let odds_against = varies / SET * rising * ratio.exp();
        // What is expected of a set length, and no more than the past itself has shown.
        let kept = (agree + SET) / (others + SET + 1.0);
        let kept = kept.min((agree + 1.0) / (others + 1.0));
        (1.0 / (1.0 + odds_against) as f32, kept as f32)
    }

    fn mass_within(&self, from_s: f32, to_s: f32) -> f32 {
        let from = self
            .length_s
            .partition_point(|length| length - self.passed_s < from_s);
        let to = self
            .length_s
            .partition_point(|length| length - self.passed_s <= to_s);
        self.weight[from..to.max(from)].iter().sum::<f32>() * self.scale
    }
}

/// The time left on which two voices agree best, in seconds, and how sure it is to a second: as sure as
/// the one that is more likely set, else by the share of their weight that lies so near, which few lengths
/// say little of. None if both have been outlasted.
///
/// Best means the least expected error relative to the time left: ten seconds off is bad when the
/// change is near and harmless when it is far.
pub(super) fn time_left(a: &Voice<'_>, b: &Voice<'_>) -> Option<(f32, f32)> {
    let (a, b) = (a.outlasting(), b.outlasting());
    let half = (a.pull() + b.pull()) / 2.0;
    let mut left_s = None;
    let (mut at_a, mut at_b, mut pulled, mut chosen) = (0, 0, 0.0, 0.0);
    while pulled < half || left_s.is_none() {
        let from_a = at_a < a.length_s.len()
            && (at_b >= b.length_s.len() || a.left_s(at_a) <= b.left_s(at_b));
        let (voice, at) = if from_a {
            (&a, &mut at_a)
        } else if at_b < b.length_s.len() {
            (&b, &mut at_b)
        } else {
            break;
        };
        let here_s = voice.left_s(*at);
        pulled += voice.weight[*at] * voice.scale / (here_s + NEAR_S);
        left_s = Some(here_s);
        chosen = voice.scale;
        *at += 1;
    }
    let left_s = left_s?;
    let (from_s, to_s) = (left_s - TRUE_WITHIN_S, left_s + TRUE_WITHIN_S);
    let within = a.mass_within(from_s, to_s) + b.mass_within(from_s, to_s);
    // Beta(1, `VARIES`), by the others of those that are left: of two that are, one is no witness yet.
    let one = a.scale + b.scale;
    let (agree, others) = (within - chosen, a.mass() + b.mass() - chosen);
    let share = (agree + one) / (others + one * f32::from(1 + VARIES));
    let sets = [a.set(left_s), b.set(left_s)];
    let (set, kept) = if sets[0].0 >= sets[1].0 {
        sets[0]
    } else {
        sets[1]
    };
    Some((left_s, set * kept + (1.0 - set) * share.max(0.0)))
}

/// The sum of what `of` makes of each pair: eight sums side by side, so that the processor need not
/// wait for one addition before the next.
fn in_lanes(a: &[f32], b: &[f32], of: impl Fn(f32, f32) -> f32) -> f32 {
    const LANES: usize = 8;
    let mut sums = [0.0; LANES];
    let (a_lanes, b_lanes) = (a.chunks_exact(LANES), b.chunks_exact(LANES));
    let rest = a_lanes.remainder().iter().zip(b_lanes.remainder());
    let rest: f32 = rest.map(|(a, b)| of(*a, *b)).sum();
    for (a, b) in a_lanes.zip(b_lanes) {
        for lane in 0..LANES {
            sums[lane] += of(a[lane], b[lane]);
        }
    }
    sums.iter().sum::<f32>() + rest
}

/// The logarithm of the gamma function, from 1 on: Stirling's series from 8 on, below that one step after
/// another up to there. Right to nine digits.
fn ln_gamma(x: f64) -> f64 {
    let (mut up, mut below) = (x, 1.0);
    while up < 8.0 {
        below *= up;
        up += 1.0;
    }
    let inverse = 1.0 / up;
    let square = inverse * inverse;
    let series = inverse * (1.0 / 12.0 - square * (1.0 / 360.0 - square / 1260.0));
    (up - 0.5) * up.ln() - up + 0.5 * std::f64::consts::TAU.ln() + series - below.ln()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOBODY: &Samples<1> = &Samples::EMPTY;

    fn of(lengths_s: &[f32]) -> Samples<64> {
        let mut samples = Samples::EMPTY;
        for length_s in lengths_s {
            samples.add(*length_s);
        }
        samples
    }

    fn left(samples: &Samples<64>, passed_s: f32) -> Option<(f32, f32)> {
        let voice = Voice::new(samples, passed_s, 1.0);
        time_left(&voice, &Voice::new(NOBODY, 0.0, 0.0))
    }

    #[test]
    fn lengths_are_in_order_and_the_oldest_gives_way() {
        let mut samples = of(&[5.0, 3.0, 9.0]);
        assert_eq!(samples.lengths(), [3.0, 5.0, 9.0]);
        for _ in 0..62 {
            samples.add(4.0);
        }
        assert_eq!(samples.len(), 64);
        assert!(!samples.lengths().contains(&5.0), "it came first");
        assert!(samples.lengths().contains(&3.0));
    }

    #[test]
    fn what_is_outlasted_does_not_count() {
        let samples = of(&[10.0, 30.0, 30.0, 30.0]);
        assert_eq!(left(&samples, 0.0).map(|(left_s, _)| left_s), Some(30.0));
        assert_eq!(left(&samples, 12.0).map(|(left_s, _)| left_s), Some(18.0));
        assert_eq!(left(&samples, 30.0), None);
    }

    #[test]
    fn a_change_that_may_be_near_weighs_more_than_one_that_may_be_far() {
        // One in three ends within 2 s: ten seconds too many would be five times too much.
        let samples = of(&[10.0, 40.0, 42.0]);
        assert_eq!(left(&samples, 8.0).map(|(left_s, _)| left_s), Some(2.0));
    }

    #[test]
    fn the_more_agree_the_surer() {
        let sure = |count| left(&of(&vec![20.0; count]), 5.0).expect("some").1;
        assert!(sure(1) < sure(3) && sure(3) < sure(10) && sure(10) < sure(60));
        assert!(sure(60) > 0.93 && sure(60) < 1.0, "{}", sure(60));
    }

    #[test]
    fn few_that_agree_are_a_length_that_is_set() {
        let sure = |lengths_s: &[f32]| left(&of(lengths_s), 0.0).expect("some").1;
        assert!(sure(&[3.0]) < 0.5, "once says nothing");
        assert!(sure(&[3.0; 3]) > 0.9 && sure(&[3.0; 6]) > 0.96);
        let with_one_other = sure(&[3.0, 3.0, 9.0, 3.0, 3.0, 3.0, 3.0, 3.0, 3.0]);
        assert!(
            (0.6..0.93).contains(&with_one_other),
            "{with_one_other}: it may still be set"
        );
        // Greens of 12 to 30 s: about as many lie within a second as chance has it.
        let varied: Vec<f32> = (0..30_u8).map(|n| 12.0 + f32::from(n * 7 % 19)).collect();
        assert!(sure(&varied) < 0.2, "{}", sure(&varied));
    }

    #[test]
    fn who_outlasts_some_is_not_of_a_set_length() {
        // All that are left agree, and five were shorter.
        let lengths_s = [10.0, 12.0, 15.0, 17.0, 19.0, 30.0, 30.0];
        let (left_s, sure) = left(&of(&lengths_s), 20.0).expect("some");
        assert!((left_s - 10.0).abs() < 1e-3, "{left_s}");
        assert!(sure < 0.5, "{sure}");
    }

    #[test]
    fn a_cue_that_is_always_followed_is_sure_however_the_length_varies() {
        let varied: Vec<f32> = (0..30_u8).map(|n| 12.0 + f32::from(n * 7 % 19)).collect();
        let (lengths, cues) = (of(&varied), of(&[4.0; 8]));
        let (by_length, by_cue) = (Voice::new(&lengths, 20.0, 1.0), Voice::new(&cues, 1.0, 4.0));
        let (left_s, sure) = time_left(&by_length, &by_cue).expect("some");
        assert!((left_s - 3.0).abs() < 1e-3, "{left_s}");
        assert!(sure > 0.93, "{sure}");
    }

    #[test]
    fn the_gamma_function_is_the_factorial() {
        let mut factorial = 1.0_f64;
        for n in 1..=130_u8 {
            assert!((ln_gamma(n.into()) - factorial.ln()).abs() < 1e-9, "{n}");
            factorial *= f64::from(n);
        }
        // Of one half and a whole: the square root of pi over two.
        let of_half = (std::f64::consts::PI.sqrt() / 2.0).ln();
        assert!((ln_gamma(1.5) - of_half).abs() < 1e-9);
    }

    #[test]
    fn the_sum_in_lanes_is_the_sum() {
        let numbers: Vec<f32> = (0..61_u8).map(f32::from).collect();
        assert!((in_lanes(&numbers, &numbers, |a, _| a) - 1830.0).abs() < 1e-3);
    }
}
