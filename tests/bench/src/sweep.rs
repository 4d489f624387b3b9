//! All pending requests at once: the real function works off a sweep and its hints, beside a loop in Python over the same AWS.
//! The time is that of the function at work. A service's pace, five seconds between two acts, is not in it: this ledger forgets.

use std::time::Duration;

use approve::MARGIN;
use serde::Deserialize;

use crate::{
    check::Check,
    cloud::{Cloud, Size},
    function::{self, Folder},
    lambda::{self, Lambda},
    peak,
};

/// Of each call to AWS. Less than any answers in: what the function itself takes must show.
const LATENCY: Duration = Duration::from_millis(2);
const REPEATS: usize = 3;
const MEGABYTE: f64 = 1024.0 * 1024.0;
/// Messages in a batch, as the template has it.
const BATCH: usize = 10;

/// What one sweep came to.
struct Swept {
    time: Duration,
    calls: usize,
    peak_bytes: u64,
}

/// Prints both tables.
pub async fn compare() -> Vec<Check> {
    let folder = Folder::with_policies(100);
    println!(
        "sweep: what waits is accepted and recorded, {} ms for each call to AWS; approve from spawn to answer, median of {REPEATS}\n",
        LATENCY.as_millis()
    );
    println!("{:<34} {:>9} {:>9} {:>9} {:>12} {:>12} {:>9}", "", "requests", "services", "seconds", "ms/request", "calls/req.", "peak MB");
    let small = approve(&folder, size(1_000, 10)).await;
    let large = approve(&folder, size(10_000, 100)).await;
    let mut checks = vec![
        Check::at_most("calls per request, in a sweep of 10,000", large.calls as f64 / 10_000.0, 1.1),
        Check::at_most("a sweep's memory, 10,000 requests against 1,000", large.peak_bytes as f64 / small.peak_bytes as f64, 1.5),
    ];
    if function::python().is_some() {
        peer(&folder, size(1_000, 10)).await;
        let loop_ = peer(&folder, size(10_000, 100)).await;
        checks.push(Check::at_least(
            "a loop with boto3, against a sweep of 10,000",
            loop_.time.as_secs_f64() / large.time.as_secs_f64(),
            20.0,
        ));
    } else {
        println!("the loop in Python was not measured: `make bench` makes its environment");
    }
    checks.push(without_time(&folder).await);
    checks
}

fn size(requests: usize, services: usize) -> Size {
    Size { requests, services, latency: LATENCY }
}

async fn approve(folder: &Folder, size: Size) -> Swept {
    let mut all = Vec::new();
    for _ in 0..REPEATS {
        let (mut process, cloud) = Cloud::start(size).await;
        let lambda = Lambda::start().await;
        let (mut time, answer, child) = lambda.cold(function::approve(folder, &cloud), lambda::batch(&[lambda::tick()])).await;
        assert_eq!(answer, lambda::DONE);
        let hints = cloud.seen().await.messages;
        assert_eq!(hints.len(), size.services);
        for messages in hints.chunks(BATCH) {
            let (took, answer) = lambda.warm(lambda::batch(messages)).await;
            assert_eq!(answer, lambda::DONE);
            time += took;
        }
        let peak_bytes = peak::memory_bytes_of(child.id());
        let seen = cloud.seen().await;
        process.kill().await.unwrap();
        assert_eq!(seen.pending, 0, "all are answered");
        all.push(Swept { time, calls: seen.calls(), peak_bytes });
    }
    all.sort_by_key(|swept| swept.time);
    let swept = all.swap_remove(REPEATS / 2);
    print("approve", size, &swept);
    swept
}

async fn peer(folder: &Folder, size: Size) -> Swept {
    #[derive(Deserialize)]
    struct Printed {
        accepted: usize,
        seconds: f64,
        peak_bytes: u64,
    }
    let (mut process, cloud) = Cloud::start(size).await;
    let output = function::peer_sweep(folder, &cloud).output().await.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let printed: Printed = serde_json::from_slice(&output.stdout).unwrap();
    let seen = cloud.seen().await;
    process.kill().await.unwrap();
    assert_eq!((printed.accepted, seen.pending), (size.requests, 0));
    let swept = Swept { time: Duration::from_secs_f64(printed.seconds), calls: seen.calls(), peak_bytes: printed.peak_bytes };
    print("a loop with boto3, one by one", size, &swept);
    swept
}

fn print(name: &str, size: Size, swept: &Swept) {
    println!(
        "{name:<34} {:>9} {:>9} {:>9.2} {:>12.3} {:>12.3} {:>9.1}",
        size.requests,
        size.services,
        swept.time.as_secs_f64(),
        swept.time.as_secs_f64() * 1e3 / size.requests as f64,
        swept.calls as f64 / size.requests as f64,
        swept.peak_bytes as f64 / MEGABYTE
    );
}

/// A batch that has less time than an act needs is left in the queue.
async fn without_time(folder: &Folder) -> Check {
    let (mut process, cloud) = Cloud::start(size(1_000, 10)).await;
    let messages: Vec<String> =
        cloud.services.iter().zip(&cloud.endpoints).map(|(service, endpoint)| lambda::notification(service, endpoint)).collect();
    let given = MARGIN.saturating_sub(Duration::from_secs(1));
    let (took, answer, _child) = Lambda::giving(given).await.cold(function::approve(folder, &cloud), lambda::batch(&messages)).await;
    let seen = cloud.seen().await;
    process.kill().await.unwrap();
    assert_eq!((seen.pending, answer.matches("itemIdentifier").count()), (1_000, messages.len()), "{answer}");
    Check::at_most("a batch without time is returned after, s", took.as_secs_f64(), given.as_secs_f64())
}
