//! The console: the page, its API and the metrics, over HTTP on a thread of its own.
//!
//! - `page`: what is shown, gathered from what the heart copies for it
//! - `metrics`: what Prometheus is given
//! - `orders`: what people order, with a token
//! - `stages`: how long each stage of the straight path takes
//! - `settings`: the configuration, where each value comes from, and reading it again
//! - `forecasts`: how far off forecasts have been
//! - `recordings`: their list, and the recorder's switch
//! - `keeper`: who may change something
//! - `door`: how many may come in, and for how long who says nothing
//! - `assets`: the page's files
//! - `openapi.json`: what is asked and answered, for other programs; a test holds it against the routes
//!
//! Beside orders and the recorder's switch it only shows. Readers that are slow skip news; the straight
//! path knows nothing of them. Not here: TLS and users, which are for whatever stands before it where
//! it is served beyond this machine.

mod assets;
mod door;
mod forecasts;
mod keeper;
mod metrics;
mod orders;
mod page;
mod recordings;
mod settings;
mod stages;
#[cfg(test)]
mod tests;

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::extract::rejection::{JsonRejection, PathRejection, QueryRejection};
use axum::extract::{DefaultBodyLimit, Path, Query, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use futures_util::{Stream, stream};
use prometheus_client::registry::Registry;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::oneshot;
use tokio::time::{MissedTickBehavior, interval, sleep, timeout};

use super::backoff::Backoff;
use super::record::Folder;
use super::shared::Shared;
use super::snapshot::{InputSnapshot, Snapshot, suspicion_name};
use super::stop::lock;
use super::tally::LinkState;
use super::watchers::Reader;
use super::{clock, hex, machine};
use crate::config::{Config, Console};
use crate::report::Fix;
use crate::site::Site;
use crate::station::FrameKind;
use keeper::Keeper;
use page::{LAST, Page, decode};
use recordings::Recordings;
use settings::Settings;
use stages::{Trend, percentiles_json as percentiles};

/// How often what came is gathered: twice as often as there are views.
const GATHER_EVERY: Duration = Duration::from_millis(50);
/// How often the state of the unit is told.
const STATUS_EVERY: Duration = Duration::from_secs(1);
/// A MAP is due each second at the latest; without one for so long the unit is not on the air.
const ON_TIME: Duration = Duration::from_millis(2_500);
/// Longest body of a request: hex of the longest frame, and room.
const LONGEST_BODY: usize = 16 * 1024;
/// Longest that a request may take to come and be answered; news and files then go on as they must.
const LONGEST_ANSWER: Duration = Duration::from_secs(10);

/// What the console's thread needs.
pub(super) struct Server {
    listen: SocketAddr,
    state: Arc<About>,
    registry: Registry,
}

/// What the configuration says of the unit, as far as it is shown.
pub(super) struct Unit {
    name: String,
    site: Value,
    /// Between two messages, by [`FrameKind::index`].
    periods: [Duration; FrameKind::ALL.len()],
    settings: Settings,
    folder: Option<Folder>,
    /// On which disk it keeps things.
    disk: PathBuf,
}

impl Unit {
    pub(super) fn of(config: &Config) -> Self {
        let station = &config.station;
        Self {
            name: config.name.clone(),
            site: about_site(&config.site),
            periods: FrameKind::ALL.map(|kind| match kind {
                FrameKind::Spat => station.spat.period,
                FrameKind::Rsm => station.rsm.period,
                FrameKind::Map => station.map.period,
                FrameKind::RsiDynamic => station.rsi.dynamic_period,
                FrameKind::RsiSemiStatic => station.rsi.semi_static_period,
                FrameKind::RsiStatic => station.rsi.static_period,
            }),
            settings: Settings::of(config),
            disk: disk_of(config),
            folder: (config.record.clone()).map(|wish| Folder::new(wish, &config.name)),
        }
    }
}

/// What the console knows.
struct About {
    shared: Arc<Shared>,
    page: Arc<Page>,
    name: String,
    site: Value,
    periods: [Duration; FrameKind::ALL.len()],
    settings: Settings,
    disk: PathBuf,
    recordings: Recordings,
    trend: Trend,
    keeper: Keeper,
    simulated: bool,
    /// Why it cannot listen, as last told.
    trouble: Mutex<Option<String>>,
}

type Known = State<Arc<About>>;

impl Server {
    pub(super) fn new(wish: Console, unit: Unit, shared: Arc<Shared>, reader: Reader) -> Self {
        let inputs = shared.inputs.iter().map(|view| view.name.clone()).collect();
        let page = Arc::new(Page::new(inputs, reader));
        Self {
            listen: wish.listen,
            registry: metrics::registry(Arc::clone(&shared), Arc::clone(&page)),
            state: Arc::new(About {
                shared,
                page,
                name: unit.name,
                site: unit.site,
                periods: unit.periods,
                settings: unit.settings,
                disk: unit.disk,
                recordings: Recordings::new(unit.folder),
                trend: Trend::default(),
                keeper: Keeper(wish.token),
                simulated: wish.simulated,
                trouble: Mutex::default(),
            }),
        }
    }

    /// Serves until `ended` says so, or its other end is gone.
    pub(super) async fn run(self, ended: oneshot::Receiver<()>) {
        let registry = Arc::new(self.registry);
        let router = router(Arc::clone(&self.state), registry);
        tokio::select! {
            () = gather(&self.state) => {}
            () = serve(self.listen, &self.state, router) => {}
            _ = ended => {}
        }
    }
}

/// Takes what the heart left and tells the readers.
async fn gather(about: &About) {
    let mut beat = interval(GATHER_EVERY);
    beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut told = clock::mono();
    loop {
        beat.tick().await;
        about.page.gather();
        let now = clock::now();
        about.trend.follow(now, &about.shared);
        if now.mono.since(told) >= STATUS_EVERY {
            told = now.mono;
            if about.page.readers() > 0 {
                about.page.tell("status", about.status().to_string());
            }
        }
    }
}

/// Listens, again after every failure.
async fn serve(listen: SocketAddr, about: &About, router: Router) {
    let mut backoff = Backoff::default();
    loop {
        match TcpListener::bind(listen).await {
            Ok(listener) => {
                tracing::info!(url = %format!("http://{listen}"), "console: serving");
                *lock(&about.trouble) = None;
                backoff.reset();
                door::serve(listener, &router, &about.page).await;
            }
            Err(error) => about.tell_trouble(listen, &error),
        }
        sleep(backoff.pause()).await;
    }
}

fn router(about: Arc<About>, registry: Arc<Registry>) -> Router {
    let metrics = get(move || {
        let text = exposition(&registry);
        async move { text }
    });
    Router::new()
        .route("/metrics", metrics)
        .route("/healthz", get(|| async { "alive\n" }))
        .route("/readyz", get(ready))
        .route("/version", get(version))
        .route("/events", get(events))
        .route("/api/v1/openapi.json", get(openapi))
        .route("/api/v1/status", get(status))
        .route("/api/v1/site", get(site))
        .route("/api/v1/map", get(map))
        .route("/api/v1/events", get(road_events).post(orders::add))
        .route(
            "/api/v1/events/{number}",
            get(orders::show).patch(orders::change).delete(orders::end),
        )
        .route("/api/v1/events/rsi", post(orders::rsi))
        .route("/api/v1/orders", get(orders::list))
        .route("/api/v1/tracks", get(tracks))
        .route("/api/v1/signals", get(signals))
        .route("/api/v1/messages", get(messages))
        .route("/api/v1/messages/{number}", get(message))
        .route("/api/v1/decode", post(decode_hex))
        .route("/api/v1/latency", get(latency))
        .route("/api/v1/notices", get(notices))
        .route("/api/v1/config", get(settings::show))
        .route("/api/v1/reload", post(settings::reload))
        .route("/api/v1/recordings", get(recordings::list))
        .route("/api/v1/recordings/{name}", get(recordings::fetch))
        .route("/api/v1/recording", post(recordings::switch))
        .route(
            "/",
            get(|headers: HeaderMap| async move { assets::file("index.html", &headers) }),
        )
        .route("/{file}", get(asset))
        .layer(middleware::from_fn(guard))
        .layer(DefaultBodyLimit::max(LONGEST_BODY))
        .with_state(about)
}

/// Every answer keeps to itself: nothing from elsewhere, nothing in frames of others, nothing kept.
async fn guard(request: Request, next: Next) -> Response {
    let answered = timeout(LONGEST_ANSWER, next.run(request)).await;
    let mut response = answered.unwrap_or_else(|_| {
        wrong(
            StatusCode::REQUEST_TIMEOUT,
            "the request did not come to its end in time",
        )
    });
    let headers = response.headers_mut();
    let mut set = |name, value| headers.insert(name, HeaderValue::from_static(value));
    set(
        header::CONTENT_SECURITY_POLICY,
        "default-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    );
    set(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    set(header::REFERRER_POLICY, "no-referrer");
    set(header::CACHE_CONTROL, "no-store");
    response
}

fn exposition(registry: &Registry) -> Response {
    let mut text = String::new();
    if prometheus_client::encoding::text::encode(&mut text, registry).is_err() {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    }
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    ([(header::CONTENT_TYPE, kind)], text).into_response()
}

async fn ready(State(about): Known) -> Response {
    let wrong = about.not_ready();
    let code = match wrong.is_empty() {
        true => StatusCode::OK,
        false => StatusCode::SERVICE_UNAVAILABLE,
    };
    (
        code,
        Json(json!({ "ready": wrong.is_empty(), "wrong": wrong })),
    )
        .into_response()
}

async fn version() -> Json<Value> {
    Json(json!({ "name": "rsu", "version": env!("CARGO_PKG_VERSION") }))
}

async fn openapi() -> Response {
    ready_made(include_str!("openapi.json"))
}

async fn status(State(about): Known) -> Json<Value> {
    Json(about.status())
}

async fn site(State(about): Known) -> Json<Value> {
    Json(about.site.clone())
}

async fn latency(State(about): Known) -> Json<Value> {
    Json(about.trend.told(&about.shared))
}

/// The last warnings, the newest first.
async fn notices(State(about): Known) -> Json<Value> {
    let last = about.shared.notices.last().into_iter().map(|notice| {
        json!({
            "utc_ms": notice.utc_ms, "code": notice.code,
            "subject": notice.subject, "text": notice.text,
        })
    });
    Json(last.collect())
}

/// The MAP as it is broadcast, in as many parts as it has.
async fn map(State(about): Known) -> Response {
    Json(about.page.newest(&[FrameKind::Map], about.shared.now())).into_response()
}

/// The RSI as it is broadcast: signs and events on the road.
async fn road_events(State(about): Known) -> Response {
    let kinds = [
        FrameKind::RsiDynamic,
        FrameKind::RsiSemiStatic,
        FrameKind::RsiStatic,
    ];
    Json(about.page.newest(&kinds, about.shared.now())).into_response()
}

async fn tracks(State(about): Known) -> Response {
    ready_made(about.page.tracks())
}

async fn signals(State(about): Known) -> Response {
    ready_made(about.page.signals())
}

fn ready_made(json: impl IntoResponse) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], json).into_response()
}

#[derive(Deserialize)]
struct Wanted {
    kind: Option<String>,
    limit: Option<usize>,
}

async fn messages(State(about): Known, wanted: Result<Query<Wanted>, QueryRejection>) -> Response {
    let wanted = match wanted {
        Ok(Query(wanted)) => wanted,
        Err(refusal) => return wrong(refusal.status(), &refusal.body_text()),
    };
    let kind = wanted.kind.as_deref();
    if kind.is_some_and(|name| FrameKind::ALL.iter().all(|kind| kind.name() != name)) {
        return wrong(StatusCode::BAD_REQUEST, "no such kind of message");
    }
    let most = wanted.limit.unwrap_or(100);
    if !(1..=LAST).contains(&most) {
        return wrong(StatusCode::BAD_REQUEST, "`limit` must be 1 to 500");
    }
    Json(about.page.headlines(kind, most)).into_response()
}

async fn message(State(about): Known, number: Result<Path<u64>, PathRejection>) -> Response {
    let number = match number {
        Ok(Path(number)) => number,
        Err(refusal) => return wrong(refusal.status(), &refusal.body_text()),
    };
    match about.page.message(number) {
        Some(message) => Json(message).into_response(),
        None => wrong(
            StatusCode::NOT_FOUND,
            "no longer, or not yet, among the last",
        ),
    }
}

#[derive(Deserialize)]
struct ToDecode {
    hex: String,
}

async fn decode_hex(asked: Result<Json<ToDecode>, JsonRejection>) -> Response {
    let asked = match asked {
        Ok(Json(asked)) => asked,
        Err(refusal) => return wrong(refusal.status(), &refusal.body_text()),
    };
    let digits: String = asked.hex.split_whitespace().collect();
    let Some(bytes) = hex::decode(&digits) else {
        return wrong(StatusCode::BAD_REQUEST, "not pairs of hexadecimal digits");
    };
    match decode(&bytes) {
        Ok(message) => Json(json!({ "message": message })).into_response(),
        Err(reason) => wrong(StatusCode::BAD_REQUEST, &reason),
    }
}

fn wrong(code: StatusCode, reason: &str) -> Response {
    let mut response = (code, Json(json!({ "error": reason }))).into_response();
    if code == StatusCode::UNAUTHORIZED {
        let challenge = HeaderValue::from_static("Bearer");
        let headers = response.headers_mut();
        headers.insert(header::WWW_AUTHENTICATE, challenge);
    }
    response
}

async fn asset(Path(file): Path<String>, headers: HeaderMap) -> Response {
    assets::file(&file, &headers)
}

/// News as it comes: `tracks`, `signals`, `messages`, `status`.
async fn events(State(about): Known) -> Sse<impl Stream<Item = Result<Event, io::Error>>> {
    let receiver = about.page.listen();
    let first = Event::default().event("status");
    let first = first.data(about.status().to_string());
    let news = stream::unfold(
        (Some(first), receiver, about),
        |(first, mut receiver, about)| async move {
            if let Some(first) = first {
                return Some((Ok(first), (None, receiver, about)));
            }
            loop {
                match receiver.recv().await {
                    Ok(news) => {
                        let event = Event::default().event(news.event).data(&news.data);
                        return Some((Ok(event), (None, receiver, about)));
                    }
                    Err(RecvError::Lagged(count)) => about.page.note_skipped(count),
                    Err(RecvError::Closed) => return None,
                }
            }
        },
    );
    Sse::new(news).keep_alive(KeepAlive::default())
}

impl About {
    /// What keeps the unit from being on the air in time.
    fn not_ready(&self) -> Vec<String> {
        let mut wrong = Vec::new();
        if let Some(playback) = &self.shared.playback {
            wrong.push(format!(
                "nothing is on the air: {} is played back",
                playback.what
            ));
            return wrong;
        }
        let map = self.page.last_sent(FrameKind::Map);
        if map.is_none_or(|at| clock::mono().since(at) > ON_TIME) {
            wrong.push("no MAP was sent lately".to_owned());
        }
        let radio = self.shared.snapshot().radio;
        if radio.iter().all(|target| target.trouble.is_some()) {
            wrong.push("no target of the radio takes frames".to_owned());
        }
        wrong
    }

    fn tell_trouble(&self, listen: SocketAddr, error: &io::Error) {
        let reason = error.to_string();
        let mut told = lock(&self.trouble);
        if told.as_ref() != Some(&reason) {
            tracing::warn!(
                "console: cannot listen on {}: {reason}; trying again",
                listen
            );
            *told = Some(reason);
        }
    }

    fn status(&self) -> Value {
        let now: Snapshot = self.shared.snapshot();
        let wrong = self.not_ready();
        let sent = now.sent.iter().map(|sent| {
            let kind = sent.kind;
            json!({
                "kind": kind.name(), "period_ms": self.periods[kind.index()].as_secs_f64() * 1e3,
                "frames": sent.frames, "bytes": sent.bytes,
                "missed": now.station.missed[kind.index()],
                "withheld": now.station.withheld[kind.index()],
                "not_composed": now.station.not_sent[kind.index()],
            })
        });
        let latency = &now.latency;
        json!({
            "unit": self.name,
            "simulated": self.simulated,
            "may_change": self.keeper.is_there(),
            "version": env!("CARGO_PKG_VERSION"),
            "replay": self.shared.playback.as_ref().map(|playback| &playback.what),
            "utc_ms": self.shared.now().utc.unix_ms(),
            "uptime_s": now.uptime.as_secs_f64(),
            "ready": wrong.is_empty(),
            "wrong": wrong,
            "sent": sent.collect::<Vec<_>>(),
            "tracks": now.station.tracks,
            "radio": now.radio.iter().map(|radio| json!({
                "target": radio.target, "frames": radio.frames, "bytes": radio.bytes,
                "lost": radio.lost, "trouble": radio.trouble,
            })).collect::<Vec<_>>(),
            "inputs": now.inputs.iter().zip(&self.shared.inputs).map(|(input, view)| {
                about_input(input, view.silent_after)
            }).collect::<Vec<_>>(),
            "clock": now.clock.map(|clock| json!({
                "synchronised": clock.synchronised,
                "max_error_ms": clock.max_error.as_secs_f64() * 1e3,
            })),
            "latency": {
                "to_heart": percentiles(&latency.to_heart),
                "work": percentiles(&latency.work),
                "lateness": percentiles(&latency.lateness),
                "reaction": percentiles(&latency.reaction),
                "age": percentiles(&latency.age),
            },
            "machine": machine::taken().map(|taken| json!({
                "processor_s": taken.processor.as_secs_f64(),
                "resident_bytes": taken.resident_bytes, "threads": taken.threads,
            })),
            "temperature_c": machine::temperature_c(),
            "disk": json!({
                "path": self.disk.display().to_string(),
                "free_bytes": machine::free_bytes(&self.disk),
            }),
            "recording": now.recording.map(|recording| json!({
                "on": recording.on,
                "file": recording.file.map(|file| file.display().to_string()),
                "trouble": recording.trouble,
                "messages": recording.messages, "bytes": recording.bytes,
                "files": recording.files, "dropped": recording.dropped,
            })),
            "refused": now.refused,
            "orders": json!({
                "standing": now.orders.standing, "done": now.orders.done,
                "refused": now.orders.refused, "turned_away": now.orders.turned_away,
                "journal_failures": now.orders.journal_failures,
                "journal_damaged": now.orders.journal_damaged,
            }),
        })
    }
}

/// Where recordings are kept, else the journal of orders, else nothing of ours.
fn disk_of(config: &Config) -> PathBuf {
    let record = config.record.as_ref().map(|wish| wish.folder.clone());
    let journal = config.orders.as_ref();
    let journal = journal.and_then(|orders| Some(orders.journal.parent()?.to_owned()));
    record.or(journal).unwrap_or_else(|| PathBuf::from("/"))
}

fn fix_name(fix: Fix) -> &'static str {
    match fix {
        Fix::None => "none",
        Fix::Alone => "alone",
        Fix::Differential => "differential",
        Fix::RtkFloat => "rtk-float",
        Fix::Rtk => "rtk",
    }
}

fn about_site(site: &Site) -> Value {
    json!({
        "name": site.name,
        "node": site.node.id,
        "synthetic": site.synthetic,
        "lat_deg": f64::from(site.origin.lat_e7()) / 1e7,
        "lon_deg": f64::from(site.origin.lon_e7()) / 1e7,
    })
}

fn about_input(input: &InputSnapshot, silent_after: Duration) -> Value {
    let (link, why) = match &input.link {
        LinkState::Starting => ("starting", None),
        LinkState::Up => ("up", None),
        LinkState::Down(why) => ("down", Some(why)),
        LinkState::Ended => ("ended", None),
    };
    let kinds = |tally: &[(&'static str, u64)]| {
        let seen = tally.iter().filter(|(_, count)| *count > 0);
        seen.map(|(kind, count)| ((*kind).to_owned(), json!(count)))
            .collect::<serde_json::Map<_, _>>()
    };
    json!({
        "name": input.name, "protocol": input.protocol, "source": input.source,
        "link": link, "why": why,
        "silent": input.age.is_none_or(|age| age > silent_after),
        "age_s": input.age.map(|age| age.as_secs_f64()),
        "arrivals": input.arrivals, "bytes": input.bytes, "reports": input.reports,
        "displaced": input.displaced, "reconnects": input.reconnects, "foreign": input.foreign, "overlong": input.overlong,
        "clock_ahead_s": input.receiver.map_or_else(
            || input.counts.clock_ahead_ms().map(|ms| ms as f64 / 1e3),
            |receiver| receiver.clock_ahead_s,
        ),
        "receiver": input.receiver.map(|receiver| json!({
            "fix": fix_name(receiver.fix), "satellites_used": receiver.satellites_used,
            "hdop": receiver.hdop, "clock_ahead_s": receiver.clock_ahead_s,
            "offset_m": receiver.offset_m,
        })),
        "clock_behind_s": input.clock_behind_s,
        "sensor": input.sensor.map(|health| json!({
            "rate_hz": health.rate_hz, "age_s": health.age_s,
            "range_offset_m": health.range_offset_m,
            "heading_offset_deg": -health.yaw_offset_rad.to_degrees(),
            "noise_along": health.noise_along, "noise_across": health.noise_across,
            "repeats": health.repeats, "later_s": health.later_s,
            "false_per_m2": health.false_per_m2,
            "suspicion": health.suspicion.map(suspicion_name),
        })),
        "rejected": kinds(input.counts.rejected()),
        "ignored": kinds(input.counts.ignored()),
        "tolerated": kinds(input.counts.tolerated()),
    })
}
