//! What the way in which a controller is run means for its times, and how SPAT calls it.
//!
//! Not here: which way that is; the inputs say.

use v2x_msg::kinds::spat::Status;

use crate::report::{ControlMode, Light};

/// Whether the plan, if known, may be believed.
pub(super) fn follows_a_plan(mode: Option<ControlMode>) -> bool {
    mode.is_none_or(|mode| matches!(mode, ControlMode::FixedTime | ControlMode::Coordinated))
}

/// Whether the plan, if known, is all there is: nobody lengthens or shortens it for anybody.
pub(super) fn is_fixed(mode: Option<ControlMode>) -> bool {
    mode.is_none_or(|mode| mode == ControlMode::FixedTime)
}

/// Whether nobody knows when lamps will change, whatever they display.
pub(super) fn is_untimed(mode: Option<ControlMode>) -> bool {
    use ControlMode::{AllRed, Emergency, Fault, FaultFlash, Flash, Manual, Off, Stopped};
    mode.is_some_and(|mode| {
        matches!(
            mode,
            Manual | Flash | Emergency | Fault | FaultFlash | AllRed | Stopped | Off
        )
    })
}

/// Whether a steady green cannot be, by the controller's own word: its lamps and its mode contradict each
/// other, and nobody drives by the lamps then.
pub(super) fn gives_nobody_green(mode: Option<ControlMode>) -> bool {
    use ControlMode::{AllRed, FaultFlash, Flash, Off};
    mode.is_some_and(|mode| matches!(mode, AllRed | FaultFlash | Flash | Off))
}

/// The bits of a controller that says how it is run.
pub(super) fn status_of(mode: ControlMode) -> Status {
    match mode {
        ControlMode::Flash => Status::STANDBY,
        ControlMode::FixedTime | ControlMode::Coordinated => Status::FIXED_TIME,
        ControlMode::Manual => Status::MANUAL_CONTROL,
        ControlMode::Actuated | ControlMode::Adaptive => Status::TRAFFIC_DEPENDENT,
        ControlMode::BusPriority => Status::SIGNAL_PRIORITY,
        ControlMode::Emergency => Status::PREEMPT,
        ControlMode::Fault => Status::FAILURE,
        ControlMode::FaultFlash => Status::FAILURE | Status::FAILURE_FLASH,
        ControlMode::AllRed | ControlMode::Stopped => Status::STOP_TIME,
        ControlMode::Off => Status::OFF,
        ControlMode::Other | ControlMode::Unknown => Status::NONE,
    }
}

/// The bits that the lamps alone tell, where they all show the same; `mode` as far as it is known.
pub(super) fn status_shown(
    mode: Option<ControlMode>,
    mut lights: impl Iterator<Item = Light>,
) -> Status {
    let Some(first) = lights.next() else {
        return Status::NONE;
    };
    let flashing = |light| matches!(light, Light::FlashingYellow | Light::FlashingRed);
    if flashing(first) {
        return match mode {
            _ if !lights.all(flashing) => Status::NONE,
            Some(ControlMode::Fault | ControlMode::FaultFlash) => Status::FAILURE_FLASH,
            _ => Status::STANDBY,
        };
    }
    if first == Light::Dark && lights.all(|light| light == Light::Dark) {
        return Status::OFF;
    }
    Status::NONE
}
