//! A DynamoDB with the ledger of a provider: it answers what the audit asks, and counts what it writes as done.
//!
//! Records of endpoints that are long deleted are held as numbers. A query of a whole service would return all of them.

use std::{collections::HashMap, sync::Arc};

use axum::{
    Router,
    extract::{DefaultBodyLimit, State},
    http::{HeaderMap, StatusCode},
    routing::post,
};
use serde_json::{Value, json};

/// The records: of connected endpoints by key, and of deleted ones.
pub struct Ledger {
    /// The service of each connected endpoint.
    recorded: HashMap<String, String>,
    /// The services, by the numbers of the deleted endpoints: endpoint `n` belongs to service `n % services.len()`.
    services: Vec<String>,
    deleted: u64,
}

impl Ledger {
    /// The ledger of connected endpoints, by service, and of so many deleted ones.
    pub fn new(recorded: HashMap<String, String>, services: Vec<String>, deleted: u64) -> Self {
        Self { recorded, services, deleted }
    }

    /// The record of a key, if there is one.
    fn item(&self, partition: &str, sort: &str) -> Option<Value> {
        let (service, endpoint) = partition.strip_prefix("request/")?.split_once('/')?;
        let is_recorded = || self.recorded.get(endpoint).is_some_and(|of| of == service);
        (sort == "accepted" && (is_recorded() || self.is_deleted(service, endpoint))).then(|| item(partition))
    }

    fn is_deleted(&self, service: &str, endpoint: &str) -> bool {
        let number = endpoint.strip_prefix("vpce-f").and_then(|digits| u64::from_str_radix(digits, 16).ok());
        let of = |number: u64| self.services.get(usize::try_from(number % self.services.len() as u64).unwrap());
        number.is_some_and(|number| number < self.deleted && of(number).is_some_and(|of| of == service))
    }

    /// Every record of a service, as an index would return them.
    fn of_service(&self, service: &str) -> Vec<Value> {
        let connected = self.recorded.iter().filter(|(_, of)| *of == service).map(|(endpoint, _)| endpoint.clone());
        let place = self.services.iter().position(|of| of == service).unwrap_or_default() as u64;
        let deleted = (place..self.deleted).step_by(self.services.len()).map(|number| format!("vpce-f{number:016x}"));
        connected.chain(deleted).map(|endpoint| item(&format!("request/{service}/{endpoint}"))).collect()
    }

    fn answer(&self, operation: &str, request: &Value) -> Value {
        let value = |pointer: &str| request.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
        match operation {
            "Query" if request.get("IndexName").is_some() => {
                let items = self.of_service(value("/ExpressionAttributeValues/:service/S"));
                json!({"Count": items.len(), "ScannedCount": items.len(), "Items": items})
            }
            "Query" => json!({"Items": [], "Count": 0, "ScannedCount": 0}),
            "BatchGetItem" => self.batch(request),
            "GetItem" | "PutItem" | "DeleteItem" | "TransactWriteItems" => json!({}),
            other => panic!("the bench does not answer {other}"),
        }
    }

    fn batch(&self, request: &Value) -> Value {
        let (table, wanted) = request["RequestItems"].as_object().unwrap().iter().next().unwrap();
        let keys = wanted["Keys"].as_array().unwrap();
        let found = keys.iter().filter_map(|key| self.item(key["pk"]["S"].as_str()?, key["sk"]["S"].as_str()?));
        json!({"Responses": {table: found.collect::<Vec<_>>()}, "UnprocessedKeys": {}})
    }
}

fn item(partition: &str) -> Value {
    json!({
        "pk": {"S": partition}, "sk": {"S": "accepted"}, "kind": {"S": "decision"}, "schema": {"N": "2"},
        "at": {"S": "2026-01-02T03:04:05Z"}, "account": {"S": "400000000000"}, "policies": {"SS": ["consumers"]},
    })
}

/// The server of a ledger.
pub fn router(ledger: Ledger) -> Router {
    Router::new().route("/", post(answer)).layer(DefaultBodyLimit::disable()).with_state(Arc::new(ledger))
}

async fn answer(
    State(ledger): State<Arc<Ledger>>,
    headers: HeaderMap,
    body: String,
) -> (StatusCode, [(&'static str, &'static str); 1], String) {
    let target = headers.get("x-amz-target").and_then(|value| value.to_str().ok()).unwrap_or_default();
    let operation = target.rsplit('.').next().unwrap_or_default();
    let answer = ledger.answer(operation, &serde_json::from_str(&body).unwrap());
    (StatusCode::OK, [("content-type", "application/x-amz-json-1.0")], answer.to_string())
}
