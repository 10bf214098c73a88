//! Words for what inputs and tracks are, wherever they leave as JSON.

use crate::report::{ControlMode, Light};

pub(crate) fn light_name(light: Light) -> &'static str {
    match light {
        Light::Unknown => "unknown",
        Light::Dark => "dark",
        Light::Red => "red",
        Light::FlashingRed => "flashing-red",
        Light::RedYellow => "red-yellow",
        Light::Green => "green",
        Light::FlashingGreen => "flashing-green",
        Light::Yellow => "yellow",
        Light::FlashingYellow => "flashing-yellow",
    }
}

pub(crate) fn mode_name(mode: ControlMode) -> &'static str {
    match mode {
        ControlMode::Unknown => "unknown",
        ControlMode::Flash => "flash",
        ControlMode::FixedTime => "fixed-time",
        ControlMode::Manual => "manual",
        ControlMode::Actuated => "actuated",
        ControlMode::Coordinated => "coordinated",
        ControlMode::Adaptive => "adaptive",
        ControlMode::BusPriority => "bus-priority",
        ControlMode::Emergency => "emergency",
        ControlMode::Fault => "fault",
        ControlMode::FaultFlash => "fault-flash",
        ControlMode::AllRed => "all-red",
        ControlMode::Stopped => "stopped",
        ControlMode::Off => "off",
        ControlMode::Other => "other",
    }
}
