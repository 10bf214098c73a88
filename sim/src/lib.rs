//! The world around the roadside unit: drives it, judges it.
