//! `local` in this process, with one service, and SDK clients of it.

use std::{sync::Arc, time::Duration};

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_ec2::config::{AsyncSleep, Credentials, SharedAsyncSleep, SharedCredentialsProvider, Sleep};
use local::{
    server::{Local, Options, serve},
    world::{NewEndpoint, NewService},
};
use warden::{
    aws::ec2::Ec2,
    model::{
        connection::Connection,
        facts::{Counts, Facts},
        ids::ServiceId,
    },
    policy::{PolicyFile, PolicySet},
    ports::{ConnectionFilter, Describe},
};

use crate::{CONSUMER, PROVIDER};

/// A call that is never retried fails after this time, instead of hanging.
const CALL_MAX: Duration = Duration::from_secs(10);

/// A running `local` with a service that the consumer may request.
pub(crate) struct Server {
    pub(crate) local: Arc<Local>,
    pub(crate) url: String,
    pub(crate) service: ServiceId,
    pub(crate) service_name: String,
}

impl Server {
    pub(crate) async fn start(options: Options) -> Self {
        let control = options.control;
        let local = Local::new(options);
        let service = {
            let mut world = local.world();
            let new = NewService {
                load_balancer_arns: vec!["arn:nlb".into()],
                tags: [("Name".to_owned(), "redis".to_owned())].into(),
                ..NewService::default()
            };
            let service = world.create_service(PROVIDER, new).unwrap();
            world.modify_permissions(PROVIDER, &service.id, &[format!("arn:aws:iam::{CONSUMER}:root")], &[]).unwrap();
            world.create_notification(PROVIDER, &service.id, "arn:aws:sns:us-east-1:123456789012:t", &["Connect".into()]).unwrap();
            service
        };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(serve(listener, Arc::clone(&local), control));
        Self { local, url, service: service.id.parse().unwrap(), service_name: service.name }
    }

    /// Starts it with the control API, and with an emulator that does not exist: a forwarded call is an error.
    pub(crate) async fn start_with_control() -> Self {
        Self::start(Options { control: true, emulator: "http://127.0.0.1:1".to_owned(), ..Options::default() }).await
    }

    /// The configuration of an account's SDK clients: the warden's retries, with short waits.
    pub(crate) fn config(&self, account: &str) -> SdkConfig {
        config(&self.url, account)
            .into_builder()
            .retry_config(warden::aws::retries().with_initial_backoff(Duration::from_millis(1)))
            .timeout_config(aws_config::timeout::TimeoutConfig::builder().operation_timeout(CALL_MAX).build())
            .sleep_impl(SharedAsyncSleep::new(TokioSleep))
            .build()
    }

    /// An SDK client of an account.
    pub(crate) fn client(&self, account: &str) -> aws_sdk_ec2::Client {
        aws_sdk_ec2::Client::new(&self.config(account))
    }

    /// The warden's adapter.
    pub(crate) fn adapter(&self) -> Ec2 {
        Ec2::new(&self.config(PROVIDER), "us-east-1".parse().unwrap())
    }

    /// The consumer creates an endpoint. Returns its id.
    pub(crate) fn request(&self) -> String {
        self.local.world().create_endpoint(CONSUMER, &self.service_name, NewEndpoint::default()).unwrap().0.id
    }

    pub(crate) fn set_state(&self, endpoint: &str, state: &str) {
        self.local.world().connection_mut(endpoint).unwrap().state = state.to_owned();
    }

    /// The facts of each connection to the service, as the adapter describes them.
    pub(crate) async fn facts(&self) -> Vec<Facts> {
        let ec2 = self.adapter();
        let service = ec2.services(Some(&self.service)).await.unwrap().remove(0);
        let connections = ec2.connections(ConnectionFilter::Service(&self.service)).await.unwrap().into_iter();
        let facts = |connection: Connection| Facts::described(service.clone(), connection, Counts::default(), jiff::Timestamp::now());
        connections.map(facts).collect()
    }

    /// Calls the control API.
    pub(crate) async fn control(&self, call: &str) -> reqwest::Response {
        reqwest::Client::new().post(format!("{}/_local/{call}", self.url)).send().await.unwrap()
    }
}

/// The configuration of an account's clients without retries.
pub(crate) fn config(url: &str, account: &str) -> SdkConfig {
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .endpoint_url(url)
        .credentials_provider(SharedCredentialsProvider::new(Credentials::new(account, "secret", None, None, "test")))
        .build()
}

/// A policy set that allows every request.
pub(crate) fn permit_all() -> PolicySet {
    let text = "@id(\"all\") permit(principal, action == PrivateLink::Action::\"Accept\", resource);".to_owned();
    PolicySet::load(&[PolicyFile { name: "p.cedar".to_owned(), text }], None).unwrap()
}

/// A policy set that rejects every request.
pub(crate) fn reject_all() -> PolicySet {
    let text = "@id(\"all\") permit(principal, action == PrivateLink::Action::\"Reject\", resource);".to_owned();
    PolicySet::load(&[PolicyFile { name: "p.cedar".to_owned(), text }], None).unwrap()
}

#[derive(Debug)]
struct TokioSleep;

impl AsyncSleep for TokioSleep {
    fn sleep(&self, duration: Duration) -> Sleep {
        Sleep::new(tokio::time::sleep(duration))
    }
}
