//! Signals in CAN data, most significant bit first ("Motorola" in DBC files).

/// Where an unsigned number stands in the eight data bytes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Signal {
    shift: u32,
    mask: u64,
}

impl Signal {
    /// As a DBC file says it: `start` is the number of the most significant bit, where bit 7 is the
    /// first on the wire, bit 0 the eighth, bit 15 the ninth.
    pub(super) const fn new(start: u32, size: u32) -> Self {
        let from_the_left = start / 8 * 8 + 7 - start % 8;
        Self {
            shift: 64 - from_the_left - size,
            mask: (1 << size) - 1,
        }
    }

    /// The number in the data as one big-endian word.
    pub(super) const fn read(self, word: u64) -> u16 {
        (word >> self.shift & self.mask) as u16
    }

    /// Sets the number, which stops at the largest that fits.
    pub(super) const fn write(self, word: &mut u64, value: u16) {
        let value = if value as u64 > self.mask {
            self.mask
        } else {
            value as u64
        };
        *word = *word & !(self.mask << self.shift) | value << self.shift;
    }
}

/// A signal that stands for a physical quantity.
#[derive(Clone, Copy, Debug)]
pub(super) struct Quantity {
    signal: Signal,
    step: f64,
    offset: f64,
}

impl Quantity {
    /// Quantity = number * step + offset.
    pub(super) const fn new(signal: Signal, step: f64, offset: f64) -> Self {
        Self {
            signal,
            step,
            offset,
        }
    }

    /// The quantity in the data as one big-endian word.
    pub(super) fn read(self, word: u64) -> f64 {
        f64::from(self.signal.read(word)) * self.step + self.offset
    }

    /// Sets the quantity to the nearest step; one beyond the range stops at its end, one that is not
    /// a number at its start.
    pub(super) fn write(self, word: &mut u64, quantity: f64) {
        let number = ((quantity - self.offset) / self.step).round();
        self.signal.write(word, number as u16);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signal_runs_from_its_start_bit_towards_later_bytes() {
        let word = u64::from_be_bytes([0x20, 0x4F, 0xEC, 0, 0x80, 0x20, 1, 0xB4]);
        assert_eq!(Signal::new(7, 8).read(word), 0x20);
        assert_eq!(Signal::new(15, 13).read(word), 0b0_1001_1111_1101);
        assert_eq!(Signal::new(18, 11).read(word), 0b100_0000_0000);
        assert_eq!(Signal::new(63, 8).read(word), 0xB4);
    }

    #[test]
    fn writing_touches_nothing_else() {
        for background in [0, u64::MAX] {
            let mut word = background;
            Signal::new(18, 11).write(&mut word, 0x2A5);
            assert_eq!(Signal::new(18, 11).read(word), 0x2A5);
            Signal::new(18, 11).write(&mut word, background as u16);
            assert_eq!(word, background);
        }
    }

    #[test]
    fn a_quantity_beyond_its_range_stops_at_the_end() {
        let distance = Quantity::new(Signal::new(15, 13), 0.2, -500.0);
        let mut word = 0;
        for (asked, said) in [
            (1e9, 1138.2),
            (-1e9, -500.0),
            (f64::NAN, -500.0),
            (11.46, 11.4),
        ] {
            distance.write(&mut word, asked);
            assert!((distance.read(word) - said).abs() < 1e-9, "{asked}");
        }
    }
}
