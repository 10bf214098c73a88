//! The configuration over HTTP: what holds, where it comes from, and whether the file on the disk is
//! still what was read and would still run. It is never changed from here; who knows the word may have
//! the files read again, as SIGHUP does.

use std::io;
use std::path::Path;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use tokio::task::spawn_blocking;

use super::Known;
use super::refusal::{ending, plain, wrong};
use crate::config::{self, Config, Effective, Findings, Reason, Severity, Written, effective};
use crate::daemon::load::{self, load};
use crate::daemon::outlook::outlook;

/// What the unit was told, worked out once.
#[derive(Debug)]
pub(super) struct Settings {
    values: Vec<Effective>,
    files: Vec<Written>,
}

impl Settings {
    pub(super) fn of(config: &Config) -> Self {
        let main = config.files.first();
        Self {
            values: main.map(effective).unwrap_or_default(),
            files: config.files.clone(),
        }
    }

    /// What a check says of what was read; `here` where it is of this machine.
    fn check(&self, here: bool) -> Findings {
        let Some(main) = self.files.first() else {
            return Findings::default();
        };
        let mut read = |path: &Path| {
            let path = path.display().to_string();
            let known = self.files.iter().find(|file| file.path == path);
            known
                .map(|file| file.text.clone())
                .ok_or_else(|| io::ErrorKind::NotFound.into())
        };
        match config::parse(&main.text, Path::new(&main.path), &mut read) {
            Ok(checked) if here => outlook(&checked),
            Ok(checked) => checked.warnings,
            Err(findings) => findings,
        }
    }
}

pub(super) async fn show(State(about): Known) -> Response {
    let looked = spawn_blocking(move || {
        let settings = &about.settings;
        let files = settings.files.iter().map(|file| {
            json!({
                "path": file.path,
                "lines": file.text.lines().count(),
                "on_disk": on_disk(file),
            })
        });
        let values = settings
            .values
            .iter()
            .map(|value| json!({ "key": value.key, "value": value.value, "line": value.line }));
        json!({
            "files": files.collect::<Vec<_>>(),
            "values": values.collect::<Vec<_>>(),
            "findings": findings(&settings.check(about.shared.playback.is_none())),
            "next": settings.files.first().and_then(next),
        })
    });
    match looked.await {
        Ok(told) => Json(told).into_response(),
        Err(_) => ending(),
    }
}

/// Has the files read again, unless they are wrong or as they were.
pub(super) async fn reload(State(about): Known, headers: HeaderMap) -> Response {
    if let Err((code, reason)) = about.keeper.admit(&headers).await {
        return wrong(code, reason);
    }
    let Some(reload) = about.shared.reload.clone() else {
        let told = "this program does not live by a configuration that could be read again";
        return wrong(StatusCode::CONFLICT, plain("no-reload", told));
    };
    let looked = spawn_blocking(move || {
        let files = &about.settings.files;
        let main = files.first().map_or("", |file| file.path.as_str());
        load(Path::new(main)).map(|checked| checked.config.files != *files)
    });
    match looked.await {
        Ok(Ok(changed)) => {
            if changed {
                tracing::info!("the configuration is read again, as asked for over the console");
                reload.notify_one();
            }
            Json(json!({ "changed": changed })).into_response()
        }
        Ok(Err(faults)) => {
            let told = faults.to_string();
            let reason = Reason::new("config-wrong", [faults.len().to_string()], told);
            wrong(StatusCode::UNPROCESSABLE_ENTITY, reason)
        }
        Err(_) => ending(),
    }
}

/// Whether a file is still what was read.
fn on_disk(file: &Written) -> &'static str {
    match load::read(Path::new(&file.path)) {
        Ok(text) if text == file.text => "same",
        Ok(_) => "changed",
        Err(_) => "unreadable",
    }
}

/// What a start with the file as it is now would come to; None where there is no such file.
fn next(main: &Written) -> Option<Value> {
    let path = Path::new(&main.path);
    path.exists().then(|| match load(path) {
        Ok(checked) => {
            let found = outlook(&checked);
            json!({ "runs": !found.any_wrong(), "findings": findings(&found) })
        }
        Err(wrong) => json!({ "runs": false, "findings": findings(&wrong) }),
    })
}

fn findings(all: &Findings) -> Vec<Value> {
    let told = all.iter().map(|finding| {
        json!({
            "wrong": finding.severity == Severity::Wrong, "file": finding.file,
            "line": finding.line, "key": finding.key, "reason": finding.reason.text,
            "code": finding.reason.code, "values": finding.reason.values,
        })
    });
    told.collect()
}
