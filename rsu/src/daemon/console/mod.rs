//! The console: the page, its API and the metrics, over HTTP on a thread of its own.
//!
//! - `page`: what is shown, gathered from what the heart copies for it
//! - `metrics`: what Prometheus is given
//! - `messages`: the last that were sent, and what somebody pastes
//! - `orders`: what people order, with a token
//! - `stages`: how long each stage of the straight path takes
//! - `settings`: the configuration, where each value comes from, and reading it again
//! - `forecasts`: how far off forecasts have been
//! - `recordings`: their list, and the recorder's switch
//! - `replays`: one of them played back, in a program of its own
//! - `status`: the state of the unit, in one piece
//! - `keeper`: who may change something; `refusal`: how it says no
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
mod messages;
mod metrics;
mod orders;
mod page;
mod recordings;
mod refusal;
mod replays;
mod settings;
mod stages;
mod status;
#[cfg(test)]
mod tests;

use std::io;
use std::net::{SocketAddr, TcpListener as StdTcpListener};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::extract::{DefaultBodyLimit, Path, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use futures_util::{Stream, stream};
use prometheus_client::registry::Registry;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::oneshot;
use tokio::time::{MissedTickBehavior, interval, sleep, timeout};

use super::backoff::Backoff;
use super::clock;
use super::record::Folder;
use super::shared::Shared;
use super::stop::lock;
use super::watchers::Reader;
use crate::config::{Config, Console, Password};
use crate::station::FrameKind;
use keeper::Keeper;
use page::Page;
use recordings::Recordings;
use refusal::{plain, wrong};
use replays::Replays;
use settings::Settings;
use stages::Trend;
use status::{about_site, disk_of};

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
    /// One that listens already.
    socket: Option<StdTcpListener>,
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
                FrameKind::Rsc | FrameKind::Ssm => station.answers.period,
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
    replays: Replays,
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
            socket: None,
            registry: metrics::registry(Arc::clone(&shared), Arc::clone(&page)),
            state: Arc::new(About {
                shared,
                page,
                name: unit.name,
                site: unit.site,
                periods: unit.periods,
                settings: unit.settings,
                disk: unit.disk,
                replays: Replays::new(unit.folder.clone()),
                recordings: Recordings::new(unit.folder),
                trend: Trend::default(),
                keeper: Keeper(wish.token),
                simulated: wish.simulated,
                trouble: Mutex::default(),
            }),
        }
    }

    /// The same, on a socket that listens already.
    pub(super) fn on(self, socket: StdTcpListener) -> Self {
        Self {
            socket: Some(socket),
            ..self
        }
    }

    /// Who listens, for as long as it is of interest.
    pub(super) fn audience(&self) -> Audience {
        Audience(Arc::clone(&self.state.page))
    }

    /// Serves until `ended` says so, or its other end is gone.
    pub(super) async fn run(self, ended: oneshot::Receiver<()>) {
        self.state.keeper.look();
        let registry = Arc::new(self.registry);
        let router = router(Arc::clone(&self.state), registry);
        let served = async {
            if let Some(socket) = self.socket {
                serve_on(socket, &self.state, &router).await;
            }
            serve(self.listen, &self.state, router).await;
        };
        tokio::select! {
            () = gather(&self.state) => {}
            () = served => {}
            _ = ended => {}
        }
        // What it plays ends with it.
        self.state.replays.end();
    }
}

/// Whether the word that lets people change something could be used.
pub(super) fn look_at_token(place: &Password) -> io::Result<()> {
    keeper::read(place).map(|_| ())
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

/// Pages that listen.
pub(super) struct Audience(Arc<Page>);

impl Audience {
    pub(super) fn is_there(&self) -> bool {
        self.0.readers() > 0
    }
}

/// On a socket that listens already; returns only where it cannot be used.
async fn serve_on(socket: StdTcpListener, about: &About, router: &Router) {
    let listener = socket.set_nonblocking(true);
    match listener.and_then(|()| TcpListener::from_std(socket)) {
        Ok(listener) => door::serve(listener, router, &about.page).await,
        Err(error) => tracing::warn!("console: the socket cannot be used: {error}"),
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
        .route("/api/v1/messages", get(messages::list))
        .route("/api/v1/messages/{number}", get(messages::show))
        .route("/api/v1/decode", post(messages::decode_hex))
        .route("/api/v1/latency", get(latency))
        .route("/api/v1/notices", get(notices))
        .route("/api/v1/config", get(settings::show))
        .route("/api/v1/reload", post(settings::reload))
        .route("/api/v1/recordings", get(recordings::list))
        .route("/api/v1/recordings/{name}", get(recordings::fetch))
        .route("/api/v1/recording", post(recordings::switch))
        .route("/api/v1/replay", get(replays::show).post(replays::switch))
        .route("/replay/", get(replays::pass))
        .route("/replay/{*path}", get(replays::pass).post(replays::pass))
        .route(
            "/",
            get(|headers: HeaderMap| async move { assets::file("index.html", &headers) }),
        )
        .route("/{file}", get(asset))
        .fallback(|| async {
            let told = plain("no-such-name", "there is nothing of that name");
            wrong(StatusCode::NOT_FOUND, told)
        })
        .method_not_allowed_fallback(|| async {
            wrong(
                StatusCode::METHOD_NOT_ALLOWED,
                plain(
                    "no-such-method",
                    "this does not answer that method; see /api/v1/openapi.json",
                ),
            )
        })
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
            plain("too-slow", "the request did not come to its end in time"),
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
}
