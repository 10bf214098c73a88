//! Reports as JSON lines, for people and scripts: keys carry their unit, and come in this order.

use std::collections::BTreeMap;
use std::io::{self, Write};

use serde::Serialize;

use crate::clock::Now;
use crate::daemon::names::{light_name, mode_name};
use crate::report::{
    Content, Covariance, Detection, Fix, LampPlan, LampSpan, LampState, Objects, PlanStep,
    Receiver, Request, Wish,
};

/// Writes one line. `arrived` is None where the source does not say.
pub(super) fn write(
    out: &mut dyn Write,
    protocol: &str,
    arrived: Option<Now>,
    content: &Content,
) -> io::Result<()> {
    let line = LineView {
        protocol,
        arrived: arrived.map(|arrived| arrived.utc.to_string()),
        content: view(arrived, content),
    };
    serde_json::to_writer(&mut *out, &line)?;
    out.write_all(b"\n")
}

/// What a report says, as members of an object.
pub(in crate::daemon) fn content_view(arrived: Option<Now>, content: &Content) -> impl Serialize {
    view(arrived, content)
}

fn view(arrived: Option<Now>, content: &Content) -> ContentView {
    match content {
        Content::Lamps(states) => ContentView::Lamps {
            lamps: (states.lamps.iter())
                .map(|state| LampView::new(state, states.span(state.lamp)))
                .collect(),
        },
        Content::Plan(plan) => ContentView::Plan {
            lamps: plan.lamps.iter().map(LampPlanView::from).collect(),
        },
        Content::NextPlan(plan) => ContentView::NextPlan {
            lamps: plan.lamps.iter().map(LampPlanView::from).collect(),
        },
        Content::Mode(mode) => ContentView::Mode {
            mode: mode_name(*mode),
        },
        Content::Objects(objects) => objects_view(arrived, objects),
        Content::Receiver(receiver) => ContentView::Receiver(ReceiverView::from(receiver)),
        Content::Weather(weather) => ContentView::Weather {
            readings: (weather.readings.iter())
                .map(|reading| (reading.quantity.name(), tidy(reading.value)))
                .collect(),
        },
        Content::Request(request) => ContentView::Request(RequestView::from(request)),
    }
}

#[derive(Serialize)]
struct LineView<'a> {
    protocol: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    arrived: Option<String>,
    #[serde(flatten)]
    content: ContentView,
}

#[derive(Serialize)]
#[serde(tag = "content", rename_all = "kebab-case")]
enum ContentView {
    Lamps {
        lamps: Vec<LampView>,
    },
    Plan {
        lamps: Vec<LampPlanView>,
    },
    NextPlan {
        lamps: Vec<LampPlanView>,
    },
    Mode {
        mode: &'static str,
    },
    Receiver(ReceiverView),
    Weather {
        readings: BTreeMap<&'static str, f64>,
    },
    Request(RequestView),
    Objects {
        #[serde(skip_serializing_if = "Option::is_none")]
        seen_at: Option<String>,
        detections: Vec<DetectionView>,
    },
}

#[derive(Serialize)]
struct RequestView {
    vehicle: String,
    number: u8,
    unit: Option<String>,
    lasts_s: Option<f64>,
    wish: &'static str,
    lane: Option<String>,
    paths: Option<usize>,
}

impl From<&Request> for RequestView {
    fn from(request: &Request) -> Self {
        let (wish, lane, paths) = match &request.wish {
            Wish::Nothing => ("nothing", None, None),
            Wish::Lane {
                upstream,
                downstream,
                lane,
            } => (
                "lane",
                Some(format!("{upstream}-{downstream}:{lane}")),
                None,
            ),
            Wish::Share(area) => ("share", None, Some(area.paths.len())),
        };
        Self {
            vehicle: request.vehicle.to_string(),
            number: request.number,
            unit: request.unit.map(|unit| unit.to_string()),
            lasts_s: request.lasts.map(|lasts| tidy(lasts.as_secs_f64())),
            wish,
            lane,
            paths,
        }
    }
}

#[derive(Serialize)]
struct ReceiverView {
    fix: &'static str,
    utc: Option<String>,
    lat_deg: Option<f64>,
    lon_deg: Option<f64>,
    offset_m: Option<f64>,
    clock_ahead_s: Option<f64>,
    satellites_used: Option<u8>,
    satellites_in_view: Option<u8>,
    hdop: Option<f64>,
}

impl From<&Receiver> for ReceiverView {
    fn from(receiver: &Receiver) -> Self {
        let degrees = |degrees: f64| (degrees * 1e9).round() / 1e9;
        Self {
            fix: match receiver.fix {
                Fix::None => "none",
                Fix::Alone => "alone",
                Fix::Differential => "differential",
                Fix::RtkFloat => "rtk-float",
                Fix::Rtk => "rtk",
            },
            utc: receiver.utc.map(|utc| utc.to_string()),
            lat_deg: receiver.place_deg.map(|(lat, _)| degrees(lat)),
            lon_deg: receiver.place_deg.map(|(_, lon)| degrees(lon)),
            offset_m: receiver.offset_m.map(tidy),
            clock_ahead_s: receiver.clock_ahead_s.map(tidy),
            satellites_used: receiver.satellites_used,
            satellites_in_view: receiver.satellites_in_view,
            hdop: receiver.hdop,
        }
    }
}

#[derive(Serialize)]
struct LampView {
    lamp: u16,
    light: &'static str,
    countdown_s: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    left_ms: Option<SpanView>,
}

/// What a controller says in finer steps or as bounds.
#[derive(Serialize)]
struct SpanView {
    min: Option<u32>,
    max: Option<u32>,
    likely: Option<u32>,
}

impl LampView {
    fn new(state: &LampState, span: Option<&LampSpan>) -> Self {
        Self {
            lamp: state.lamp,
            light: light_name(state.light),
            countdown_s: state.countdown_s,
            left_ms: span.map(|span| SpanView {
                min: span.min_ms,
                max: span.max_ms,
                likely: span.likely_ms,
            }),
        }
    }
}

#[derive(Serialize)]
struct LampPlanView {
    lamp: u16,
    cycle_s: u64,
    steps: Vec<StepView>,
}

#[derive(Serialize)]
struct StepView {
    light: &'static str,
    duration_s: u16,
}

impl From<&LampPlan> for LampPlanView {
    fn from(plan: &LampPlan) -> Self {
        let step = |step: &PlanStep| StepView {
            light: light_name(step.light),
            duration_s: step.duration_s,
        };
        Self {
            lamp: plan.lamp,
            cycle_s: plan.cycle().as_secs(),
            steps: plan.steps.iter().map(step).collect(),
        }
    }
}

fn objects_view(arrived: Option<Now>, objects: &Objects) -> ContentView {
    ContentView::Objects {
        seen_at: arrived.map(|arrived| arrived.utc_at(objects.seen_at).to_string()),
        detections: objects.detections.iter().map(DetectionView::from).collect(),
    }
}

#[derive(Serialize)]
struct DetectionView {
    device_id: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    own_id: Option<String>,
    class: &'static str,
    existence: f64,
    east_m: f64,
    north_m: f64,
    cov_m2: CovarianceView,
    velocity: Option<VelocityView>,
    yaw_rad: Option<f64>,
    size: Option<SizeView>,
}

#[derive(Serialize)]
struct VelocityView {
    east_mps: f64,
    north_mps: f64,
    cov_m2ps2: CovarianceView,
}

#[derive(Serialize)]
struct SizeView {
    length_m: f64,
    width_m: f64,
    height_m: Option<f64>,
}

#[derive(Serialize)]
struct CovarianceView {
    ee: f64,
    en: f64,
    nn: f64,
}

impl From<&Detection> for DetectionView {
    fn from(detection: &Detection) -> Self {
        Self {
            device_id: detection.device_id,
            own_id: detection.own_id.map(|id| id.to_string()),
            class: detection.class.word(),
            existence: tidy(detection.existence.into()),
            east_m: tidy(detection.east_m),
            north_m: tidy(detection.north_m),
            cov_m2: CovarianceView::from(&detection.position_cov),
            velocity: detection.velocity.map(|velocity| VelocityView {
                east_mps: tidy(velocity.east_mps),
                north_mps: tidy(velocity.north_mps),
                cov_m2ps2: CovarianceView::from(&velocity.cov),
            }),
            yaw_rad: detection.yaw_rad.map(tidy),
            size: detection.size.map(|size| SizeView {
                length_m: tidy(size.length_m.into()),
                width_m: tidy(size.width_m.into()),
                height_m: size.height_m.map(|height_m| tidy(height_m.into())),
            }),
        }
    }
}

impl From<&Covariance> for CovarianceView {
    fn from(cov: &Covariance) -> Self {
        Self {
            ee: tidy(cov.ee),
            en: tidy(cov.en),
            nn: tidy(cov.nn),
        }
    }
}

/// To a tenth of a millimetre and its like: what is behind it is rounding of ours. No minus zero.
fn tidy(value: f64) -> f64 {
    (value * 1e4).round() / 1e4 + 0.0
}
