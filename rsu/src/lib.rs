//! The roadside unit: device bytes in, frames out.
