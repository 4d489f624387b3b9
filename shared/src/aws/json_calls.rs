//! Signed calls of services that speak JSON and whose SDK crate is not worth its build: a few calls of CloudWatch and its logs,
//! EventBridge, Lambda and SQS. notify makes one of them, the command line the others. Credentials, signature, retries and HTTP are the SDK's own; this module adds the address, the request and the answer.

use std::time::Duration;

use aws_config::{BehaviorVersion, SdkConfig, retry::RetryConfig, timeout::TimeoutConfig};
use aws_runtime::{
    auth::{
        SigV4OperationSigningConfig,
        sigv4::{SCHEME_ID, SigV4AuthScheme},
    },
    retries::classifiers::AwsErrorCodeClassifier,
};
use aws_smithy_runtime::client::{
    identity::IdentityCache,
    orchestrator::operation::Operation,
    retries::classifiers::{HttpStatusCodeClassifier, TransientErrorClassifier},
};
use aws_smithy_runtime_api::{
    box_error::BoxError,
    client::{
        auth::{AuthSchemeOptionResolverParams, SharedAuthScheme, static_resolver::StaticAuthSchemeOptionResolver},
        orchestrator::{HttpRequest, HttpResponse, OrchestratorError},
        runtime_components::RuntimeComponentsBuilder,
        runtime_plugin::StaticRuntimePlugin,
    },
};
use aws_smithy_types::{body::SdkBody, config_bag::Layer, error::ErrorMetadata};
use aws_types::{SigningName, region::SigningRegion};
use serde_json::{Value, json};

use crate::{
    aws::{call_metrics::CallMetrics, error::call_error},
    model::ids::Region,
    ports::CallError,
};

/// Seconds of one attempt.
const ATTEMPT_SECONDS_MAX: u64 = 30;
/// Seconds of an invocation: the audit runs for up to 15 minutes.
const INVOCATION_SECONDS_MAX: u64 = 930;
const INVOKE: &str = "Invoke";
const CONNECT_SECONDS_MAX: u64 = 5;

/// A service and its protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum JsonService {
    CloudWatch,
    EventBridge,
    Lambda,
    Logs,
    Sqs,
}

impl JsonService {
    /// The name in the address.
    fn host(self) -> &'static str {
        match self {
            Self::CloudWatch => "monitoring",
            Self::EventBridge => "events",
            Self::Lambda => "lambda",
            Self::Logs => "logs",
            Self::Sqs => "sqs",
        }
    }

    /// The name that is signed: for these services, that of the address.
    fn signing_name(self) -> SigningName {
        SigningName::from_static(self.host())
    }

    /// The prefix of `X-Amz-Target` and the version of the protocol, or none for a REST API.
    fn target(self) -> Option<(&'static str, &'static str)> {
        match self {
            Self::CloudWatch => Some(("GraniteServiceVersion20100801", "application/x-amz-json-1.0")),
            Self::EventBridge => Some(("AWSEvents", "application/x-amz-json-1.1")),
            Self::Lambda => None,
            Self::Logs => Some(("Logs_20140328", "application/x-amz-json-1.1")),
            Self::Sqs => Some(("AmazonSQS", "application/x-amz-json-1.0")),
        }
    }
}

/// The clients of the services.
#[derive(Debug, Clone)]
pub(super) struct JsonCalls {
    config: SdkConfig,
    region: Region,
    timeouts: TimeoutConfig,
}

/// A request before it is signed.
#[derive(Debug, Clone)]
struct Request {
    method: &'static str,
    path: String,
    headers: Vec<(&'static str, String)>,
    body: String,
}

impl JsonCalls {
    /// Makes clients with the credentials of `config`, and time for the longest reads.
    pub(super) fn new(config: &SdkConfig, region: Region) -> Self {
        let attempt = Duration::from_secs(ATTEMPT_SECONDS_MAX);
        Self { config: config.clone(), region, timeouts: TimeoutConfig::builder().operation_attempt_timeout(attempt).build() }
    }

    /// Makes clients with the credentials and the times of `config`.
    #[cfg(feature = "events")]
    pub(super) fn of_a_function(config: &SdkConfig, region: Region) -> Self {
        let timeouts = config.timeout_config().cloned().unwrap_or_else(TimeoutConfig::disabled);
        Self { config: config.clone(), region, timeouts }
    }

    /// Makes a call and returns its answer.
    pub(super) async fn call(&self, service: JsonService, call: &'static str, input: &Value) -> Result<Value, CallError> {
        let headers = service.target().map_or_else(Vec::new, |(prefix, protocol)| {
            vec![("content-type", protocol.to_owned()), ("x-amz-target", format!("{prefix}.{call}"))]
        });
        self.send(service, call, Request { method: "POST", path: "/".to_owned(), headers, body: input.to_string() }).await
    }

    /// Reads from Lambda's REST API.
    pub(super) async fn read_lambda(&self, call: &'static str, path: String) -> Result<Value, CallError> {
        self.send(JsonService::Lambda, call, Request { method: "GET", path, headers: Vec::new(), body: String::new() }).await
    }

    /// Invokes a function and waits for its answer. Never repeated: the function may have run.
    pub(super) async fn invoke(&self, function: &str, input: &Value) -> Result<Value, CallError> {
        let path = format!("/2015-03-31/functions/{function}/invocations");
        self.send(JsonService::Lambda, INVOKE, Request { method: "POST", path, headers: Vec::new(), body: input.to_string() }).await
    }

    async fn send(&self, service: JsonService, call: &'static str, request: Request) -> Result<Value, CallError> {
        let invokes = call == INVOKE;
        let retries = self.config.retry_config().cloned().unwrap_or_else(RetryConfig::standard);
        let mut timeouts = self.timeouts.to_builder().connect_timeout(Duration::from_secs(CONNECT_SECONDS_MAX));
        if invokes {
            timeouts = timeouts.operation_attempt_timeout(Duration::from_secs(INVOCATION_SECONDS_MAX));
        }
        let mut operation = Operation::builder()
            .service_name(service.host())
            .operation_name(call)
            .behavior_version(BehaviorVersion::latest())
            .endpoint_url(&self.address(service))
            .timeout_config(timeouts.build())
            .interceptor(CallMetrics)
            .runtime_plugin(self.signing(service));
        if let Some(client) = self.config.http_client() {
            operation = operation.http_client(client);
        }
        operation = if invokes { operation.no_retry() } else { operation.standard_retry(&retries) };
        let operation = operation
            .retry_classifier(AwsErrorCodeClassifier::<ErrorMetadata>::new())
            .retry_classifier(TransientErrorClassifier::<ErrorMetadata>::new())
            .retry_classifier(HttpStatusCodeClassifier::default())
            .serializer(http_request)
            .deserializer(|answer: &HttpResponse| parse(answer));
        operation.build().invoke(request).await.map_err(|error| call_error(call, error))
    }

    fn address(&self, service: JsonService) -> String {
        let suffix = self.region.partition().dns_suffix();
        self.config.endpoint_url().map_or_else(|| format!("https://{}.{}.{suffix}", service.host(), self.region), str::to_owned)
    }

    /// Signs with the caller's credentials.
    fn signing(&self, service: JsonService) -> StaticRuntimePlugin {
        let mut settings = Layer::new("signing");
        settings.store_put(AuthSchemeOptionResolverParams::new(()));
        settings.store_put(SigV4OperationSigningConfig {
            region: Some(SigningRegion::from(aws_config::Region::new(self.region.to_string()))),
            name: Some(service.signing_name()),
            ..SigV4OperationSigningConfig::default()
        });
        let mut parts = RuntimeComponentsBuilder::new("signing")
            .with_auth_scheme_option_resolver(Some(StaticAuthSchemeOptionResolver::new(vec![SCHEME_ID])))
            .with_auth_scheme(SharedAuthScheme::new(SigV4AuthScheme::new()))
            .with_identity_cache(Some(self.config.identity_cache().unwrap_or_else(|| IdentityCache::lazy().build())));
        if let Some(credentials) = self.config.credentials_provider() {
            parts.set_identity_resolver(SCHEME_ID, credentials);
        }
        StaticRuntimePlugin::new().with_config(settings.freeze()).with_runtime_components(parts)
    }
}

fn http_request(from: Request) -> Result<HttpRequest, BoxError> {
    let mut request = HttpRequest::new(SdkBody::from(from.body));
    request.set_method(from.method)?;
    request.set_uri(from.path)?;
    for (name, value) in from.headers {
        request.headers_mut().insert(name, value);
    }
    Ok(request)
}

/// Returns the answer, or the error that it states in a header or in its body.
fn parse(answer: &HttpResponse) -> Result<Value, OrchestratorError<ErrorMetadata>> {
    let bytes = answer.body().bytes().unwrap_or_default();
    let body: Option<Value> = if bytes.is_empty() { Some(json!({})) } else { serde_json::from_slice(bytes).ok() };
    let text = |names: [&str; 2]| names.iter().find_map(|name| body.as_ref()?.get(name)?.as_str());
    // A function that failed answers with status 200.
    let failed = answer.headers().get("x-amz-function-error");
    if answer.status().is_success() && failed.is_none() {
        return body.ok_or_else(|| OrchestratorError::other("the answer is not JSON"));
    }
    let code = failed.or_else(|| answer.headers().get("x-amzn-errortype")).or_else(|| text(["__type", "code"]));
    let message = text(["message", "Message"]).or_else(|| text(["errorMessage", "errorType"]));
    let mut error = ErrorMetadata::builder();
    // As `com.amazonaws.sqs#QueueDoesNotExist`, or `ResourceNotFoundException:http://…`.
    if let Some(code) = code.and_then(|code| code.rsplit('#').next()).and_then(|code| code.split(':').next()) {
        error = error.code(code);
    }
    if let Some(message) = message {
        error = error.message(message);
    }
    Err(OrchestratorError::operation(error.build()))
}
