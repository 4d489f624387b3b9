//! `local` in this process, and the real SDK pointed at it.

use std::{sync::Arc, time::Duration};

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_ec2::config::{Credentials, SharedCredentialsProvider};
use local::server::{Local, Options, serve};

/// The provider's account.
pub const PROVIDER: &str = "123456789012";
/// A consumer.
pub const A: &str = "111122223333";

/// So that a call which is never tried again fails here, instead of hanging.
const CALL_MAX: Duration = Duration::from_secs(10);

/// A running `local`.
pub struct Running {
    /// Its state.
    pub local: Arc<Local>,
    /// Where it answers.
    pub url: String,
}

/// Starts `local` on a free port.
pub async fn start(options: Options) -> Running {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let control = options.control;
    let local = Local::new(options);
    tokio::spawn(serve(listener, Arc::clone(&local), control));
    Running { local, url }
}

impl Running {
    /// What an SDK client of this account goes by: the warden's own retries, without waiting long between them.
    #[must_use]
    pub fn config(&self, account: &str) -> SdkConfig {
        let credentials = Credentials::new(account, "secret", None, None, "test");
        SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("us-east-1"))
            .endpoint_url(&self.url)
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .retry_config(warden::aws::retries().with_initial_backoff(Duration::from_millis(1)))
            .timeout_config(aws_config::timeout::TimeoutConfig::builder().operation_timeout(CALL_MAX).build())
            .sleep_impl(aws_config_sleep())
            .build()
    }

    /// A knob of the door under `/_local`, and what it says.
    pub async fn turn(&self, knob: &str) -> String {
        let answer = reqwest::Client::new().post(format!("{}/_local/{knob}", self.url)).send().await.unwrap();
        let (status, text) = (answer.status(), answer.text().await.unwrap());
        assert!(status.is_success(), "{knob}: {status} {text}");
        text
    }

    /// What it shows.
    pub async fn show(&self, knob: &str) -> String {
        reqwest::get(format!("{}/_local/{knob}", self.url)).await.unwrap().text().await.unwrap()
    }

    /// EC2 as this account.
    #[must_use]
    pub fn ec2(&self, account: &str) -> aws_sdk_ec2::Client {
        aws_sdk_ec2::Client::new(&self.config(account))
    }
}

fn aws_config_sleep() -> aws_sdk_ec2::config::SharedAsyncSleep {
    aws_sdk_ec2::config::SharedAsyncSleep::new(Sleep)
}

#[derive(Debug)]
struct Sleep;

impl aws_sdk_ec2::config::AsyncSleep for Sleep {
    fn sleep(&self, duration: Duration) -> aws_sdk_ec2::config::Sleep {
        aws_sdk_ec2::config::Sleep::new(tokio::time::sleep(duration))
    }
}
