//! `openapi.json` against the routes in the sources and the answers of a running console.
//!
//! A new route is written into `openapi.json` with an `example` of each parameter and of its body;
//! everything here then follows by itself, and so does `./tests/openapi/run`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::time::Instant;

use serde_json::{Value, json};

use super::{Answer, LONG, Rig};
use crate::daemon::schema;

/// The page itself, which is for people, and that of a replay.
const PAGE: [&str; 4] = ["/", "/{file}", "/replay/", "/replay/{*path}"];

fn document() -> Value {
    serde_json::from_str(include_str!("../openapi.json")).unwrap()
}

/// Methods of an operation as OpenAPI has them.
const METHODS: [&str; 5] = ["get", "post", "put", "patch", "delete"];

/// Path, method and operation of each.
fn operations(document: &Value) -> Vec<(&str, &str, &Value)> {
    let paths = document["paths"].as_object().unwrap().iter();
    let operations = paths.flat_map(|(path, item)| {
        let item = item.as_object().unwrap().iter();
        item.map(move |(method, operation)| (path.as_str(), method.as_str(), operation))
    });
    operations.collect()
}

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            found.push(path);
        }
    }
}

/// All `.route("...` in the sources of the console.
fn routes() -> BTreeSet<String> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/daemon/console");
    let mut files = Vec::new();
    sources(Path::new(folder), &mut files);
    let test = Path::new(folder).join("tests");
    files.retain(|path| !path.starts_with(&test) && !path.ends_with("tests.rs"));
    let mut routes = BTreeSet::new();
    for file in files {
        let text = fs::read_to_string(file).unwrap();
        for call in text.split(".route(").skip(1) {
            let path = call.trim_start().strip_prefix('"');
            let path = path.expect("the path of a route stands where it is made");
            routes.insert(path.split('"').next().unwrap().to_owned());
        }
    }
    routes
}

#[test]
fn every_route_is_in_the_document_and_no_other() {
    let mut routes = routes();
    for path in PAGE {
        assert!(routes.remove(path), "{path}");
    }
    let document = document();
    let documented = document["paths"].as_object().unwrap().keys();
    assert_eq!(routes, documented.cloned().collect());
    assert_eq!(document["info"]["version"], env!("CARGO_PKG_VERSION"));
    let mut names = BTreeSet::new();
    for (path, _, operation) in operations(&document) {
        let name = operation["operationId"].as_str().unwrap();
        assert!(names.insert(name), "{path}: two are called {name}");
    }
}

/// `{name}` of the path and what is required of the query, from the examples.
fn example_of(path: &str, operation: &Value) -> String {
    let (mut path, mut query) = (path.to_owned(), Vec::new());
    for parameter in operation["parameters"].as_array().into_iter().flatten() {
        let (name, example) = (parameter["name"].as_str().unwrap(), &parameter["example"]);
        if parameter["in"] == "header" {
            continue;
        }
        let text = example.as_str().map_or(example.to_string(), str::to_owned);
        assert!(!example.is_null(), "{path}: {name} has no example");
        match parameter["in"].as_str() {
            Some("path") => path = path.replace(&format!("{{{name}}}"), &text),
            Some("query") => query.push(format!("{name}={}", text.replace(' ', "%20"))),
            other => panic!("{path}: a parameter in {other:?}"),
        }
    }
    assert!(!path.contains('{'), "{path}: a parameter is missing");
    match query.is_empty() {
        true => path,
        false => format!("{path}?{}", query.join("&")),
    }
}

/// Faults of an answer against what an operation says of it.
fn check(document: &Value, operation: &Value, answer: &Answer) -> Vec<String> {
    let mut told = &operation["responses"][answer.code.to_string()];
    if let Some(path) = told["$ref"].as_str() {
        told = document.pointer(path.trim_start_matches('#')).unwrap();
    }
    let head = answer.head.to_lowercase();
    let kind = head.lines().find_map(|l| l.strip_prefix("content-type: "));
    let kind = kind.map_or("", |kind| kind.split(';').next().unwrap());
    let schema = &told["content"][kind]["schema"];
    if schema.is_null() {
        return vec![format!(
            "{} as {kind} is not documented: {}",
            answer.code, answer.body
        )];
    }
    let value = match kind {
        "application/json" => serde_json::from_str(&answer.body).unwrap(),
        _ => json!(answer.body),
    };
    schema::faults(document, schema, &value)
}

#[test]
fn every_answer_is_as_the_document_has_it() {
    let rig = Rig::start_from_its_file();
    rig.until_ready();
    let document = document();
    let mut methods: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for (path, method, operation) in operations(&document) {
        assert!(METHODS.contains(&method), "{path}: {method}");
        methods.entry(path).or_default().insert(method.to_owned());
        let content = &operation["responses"]["200"]["content"];
        let has = |kind: &str| content[kind].is_object();
        if has("text/event-stream") || has("application/octet-stream") {
            continue;
        }
        let body = &operation["requestBody"]["content"]["application/json"]["example"];
        let body = match body {
            Value::Null => String::new(),
            example => example.to_string(),
        };
        let asked = example_of(path, operation);
        let answer = rig.ask(&format!("{} {asked}", method.to_uppercase()), &body);
        assert!(
            answer.code < 300,
            "{asked}: {} {}",
            answer.code,
            answer.body
        );
        let faults = check(&document, operation, &answer);
        assert!(faults.is_empty(), "{method} {asked}: {faults:#?}");
    }
    // A method that nobody knows is answered with those that there are.
    for (path, documented) in methods {
        let plain = path.split('{').next().unwrap();
        let refused = rig.ask(&format!("PROBE {}", path.replace(['{', '}'], "")), "");
        assert_eq!(refused.code, 405, "{plain}");
        let head = refused.head.to_lowercase();
        let allowed = head
            .lines()
            .find_map(|l| l.strip_prefix("allow: "))
            .unwrap();
        let allowed = allowed.split(',').filter(|method| *method != "head");
        assert_eq!(
            allowed.map(str::to_owned).collect::<BTreeSet<_>>(),
            documented,
            "{path}"
        );
    }
}

#[test]
fn what_is_refused_is_refused_as_the_document_has_it() {
    let rig = Rig::start();
    let document = document();
    let long = json!({ "hex": "0".repeat(100_000) }).to_string();
    for (request, body, code) in [
        ("GET /api/v1/messages?kind=CAM", "", 400),
        ("GET /api/v1/messages?limit=0", "", 400),
        ("GET /api/v1/messages?limit=501", "", 400),
        ("GET /api/v1/messages?limit=many", "", 400),
        ("GET /api/v1/messages/-1", "", 400),
        ("GET /api/v1/messages/18446744073709551615", "", 404),
        ("POST /api/v1/decode", "{", 400),
        ("POST /api/v1/decode", "{\"hex\":\"0g\"}", 400),
        ("POST /api/v1/decode", "{\"hex\":\"00\"}", 400),
        ("POST /api/v1/decode", "{\"hex\":1}", 422),
        ("POST /api/v1/decode", &long, 413),
    ] {
        let answer = rig.ask(request, body);
        assert_eq!(answer.code, code, "{request} {}", answer.body);
        let (method, asked) = request.split_once(' ').unwrap();
        let path = asked.split('?').next().unwrap();
        let path = match path.strip_prefix("/api/v1/messages/") {
            Some(_) => "/api/v1/messages/{number}",
            None => path,
        };
        let operation = &document["paths"][path][method.to_lowercase()];
        let faults = check(&document, operation, &answer);
        assert!(faults.is_empty(), "{request}: {faults:#?}");
    }
}

#[test]
fn news_is_as_the_document_has_it() {
    let rig = Rig::start();
    let document = document();
    let mut wanted = document["paths"]["/events"]["get"]["x-events"]
        .as_object()
        .unwrap()
        .clone();
    let mut stream = rig.connect();
    stream
        .write_all(b"GET /events HTTP/1.1\r\nhost: test\r\n\r\n")
        .unwrap();
    let (mut heard, mut buffer, start) = (String::new(), [0; 16_384], Instant::now());
    let known = wanted.clone();
    while !wanted.is_empty() {
        assert!(start.elapsed() < LONG, "no {wanted:?}");
        let length = stream.read(&mut buffer).unwrap();
        // Chunks of the transfer are whole pieces of news; their lengths stand between them.
        heard.push_str(std::str::from_utf8(&buffer[..length]).unwrap());
        while let Some((news, rest)) = heard.split_once("\n\n") {
            let field = |name| news.lines().find_map(|line| line.strip_prefix(name));
            if let (Some(event), Some(data)) = (field("event: "), field("data: ")) {
                let value = serde_json::from_str(data).unwrap();
                let faults = schema::faults(&document, &known[event], &value);
                assert!(faults.is_empty(), "{event}: {faults:#?}");
                wanted.remove(event);
            }
            heard = rest.to_owned();
        }
    }
}
