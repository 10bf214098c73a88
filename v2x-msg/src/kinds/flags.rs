//! Sets of named bits, as the standard's BIT STRINGs have them.

/// `$name { NAME = bit, }`: bit numbers are those of the standard, bit 0 the first on the air.
macro_rules! flags {
    (
        $(#[$doc:meta])*
        $name:ident, $width:literal bits {
            $($(#[$bit_doc:meta])* $bit:ident = $number:literal,)*
        }
    ) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
        pub struct $name(u16);

        impl $name {
            /// No bit is set.
            pub const NONE: Self = Self(0);
            $($(#[$bit_doc])* pub const $bit: Self = Self(1 << $number);)*

            #[doc = concat!("From a number whose bit n is the standard's bit n; only the lowest ",
                stringify!($width), " count.")]
            pub const fn from_bits(bits: u16) -> Self {
                Self(bits & (u16::MAX >> (16 - $width)))
            }

            /// As a number whose bit n is the standard's bit n.
            pub const fn bits(self) -> u16 {
                self.0
            }

            /// Whether all of `other`'s bits are set here.
            pub const fn contains(self, other: Self) -> bool {
                self.0 & other.0 == other.0
            }
        }

        impl std::ops::BitOr for $name {
            type Output = Self;
            fn bitor(self, other: Self) -> Self {
                Self(self.0 | other.0)
            }
        }

        impl std::ops::BitOrAssign for $name {
            fn bitor_assign(&mut self, other: Self) {
                self.0 |= other.0;
            }
        }
    };
}
pub(crate) use flags;

#[cfg(test)]
mod tests {
    use crate::kinds::map::VehicleLane;

    #[test]
    fn bits_beyond_the_width_are_not_kept() {
        assert_eq!(VehicleLane::from_bits(0xff01), VehicleLane::REVOCABLE);
        let both = VehicleLane::BUS_ONLY | VehicleLane::TAXI_ONLY;
        assert_eq!(both.bits(), 0b1_1000);
        assert!(both.contains(VehicleLane::BUS_ONLY));
        assert!(!VehicleLane::BUS_ONLY.contains(both));
    }
}
