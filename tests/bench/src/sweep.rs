//! Everything that waits, at once: the real function on its schedule, beside a loop in Python over the same AWS. Then with
//! too little time, which it must never overrun: later ticks answer the rest, the oldest first.

use std::{collections::BTreeMap, time::Duration};

use approve::MARGIN;
use serde::Deserialize;

use crate::{
    check::Check,
    cloud::{Cloud, Seen, Size},
    function::{self, Folder},
    lambda::{self, Lambda},
    peak,
};

/// Of each call to AWS. Less than any answers in: what the function itself takes must show.
const LATENCY: Duration = Duration::from_millis(2);
const REPEATS: usize = 3;
const MEGABYTE: f64 = 1024.0 * 1024.0;
/// What has begun when no more may begin: a call or two, a chunk's puts. Far less than the margin.
const ENDING: Duration = Duration::from_secs(1);
/// A sweep that needs more than this does not get anywhere.
const TICKS_MAX: usize = 200;

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
    checks.extend(with_too_little_time(&folder).await);
    checks
}

fn size(requests: usize, services: usize) -> Size {
    Size { requests, services, latency: LATENCY }
}

async fn approve(folder: &Folder, size: Size) -> Swept {
    let mut all = Vec::new();
    for _ in 0..REPEATS {
        let (mut process, cloud) = Cloud::start(size).await;
        let (time, _, child) = Lambda::start().await.cold(function::approve(folder, &cloud), lambda::tick()).await;
        let peak_bytes = peak::memory_bytes_of(child.id());
        let seen = cloud.seen().await;
        process.kill().await.unwrap();
        assert_eq!((seen.waiting(), seen.calls["PutItem"]), (0, size.requests), "all are answered and recorded");
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
    assert_eq!((printed.accepted, seen.waiting()), (size.requests, 0));
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

/// What ticks came to that had too little time each.
#[derive(Default)]
struct Ticks {
    count: usize,
    /// The longest, and what it left of its time. Zero: it was overrun.
    longest: Duration,
    left: Duration,
    out_of_order: usize,
}

async fn with_too_little_time(folder: &Folder) -> Vec<Check> {
    println!("\nwith too little time: no new work in the last {} s of an invocation, so that what has begun can end\n", MARGIN.as_secs());
    println!("{:<34} {:>9} {:>9} {:>9} {:>12} {:>12} {:>9}", "", "requests", "services", "ticks", "given, s", "longest, s", "left, s");
    let mut worst = Ticks { left: Duration::MAX, ..Ticks::default() };
    let mut ending = Duration::ZERO;
    for (requests, services, work) in [(10_000, 100, 1), (50_000, 500, 6)] {
        let given = MARGIN + Duration::from_secs(work);
        let ticks = until_nobody_waits(folder, size(requests, services), given).await;
        assert!(ticks.count > 1, "{requests} requests were answered in one tick: this shows nothing");
        ending = ending.max(ticks.longest.saturating_sub(given - MARGIN));
        worst.left = worst.left.min(ticks.left);
        worst.out_of_order += ticks.out_of_order;
    }
    worst.left = worst.left.min(without_time(folder, size(50_000, 500), Duration::from_secs(3)).await);
    vec![
        Check::at_least("the least that a tick left of its time, s", worst.left.as_secs_f64(), 0.1),
        Check::at_most("the longest that a tick went on, s", ending.as_secs_f64(), ENDING.as_secs_f64()),
        Check::at_most("ticks that passed over an older request", worst.out_of_order as f64, 0.0),
    ]
}

/// One tick after the other, as the schedule sends them.
async fn until_nobody_waits(folder: &Folder, size: Size, given: Duration) -> Ticks {
    let (mut process, cloud) = Cloud::start(size).await;
    let lambda = Lambda::giving(given).await;
    let mut ticks = Ticks { left: given, ..Ticks::default() };
    let (mut before, mut function) = (cloud.seen().await, None);
    while before.waiting() > 0 {
        assert!(ticks.count < TICKS_MAX, "{} still wait", before.waiting());
        let took = match function {
            Some(_) => lambda.warm(lambda::tick()).await.0,
            None => {
                let (took, _, child) = lambda.cold(function::approve(folder, &cloud), lambda::tick()).await;
                function = Some(child);
                took
            }
        };
        let after = cloud.seen().await;
        ticks.count += 1;
        ticks.longest = ticks.longest.max(took);
        ticks.left = ticks.left.min(given.saturating_sub(took));
        ticks.out_of_order += usize::from(!is_in_order(&before, &after));
        before = after;
    }
    assert_eq!(before.calls["PutItem"], size.requests, "each is recorded, and once");
    process.kill().await.unwrap();
    print_ticks("later ticks answer the rest", size, given, &ticks);
    ticks
}

/// A tick with less than the margin begins nothing, and says so in time.
async fn without_time(folder: &Folder, size: Size, given: Duration) -> Duration {
    let (mut process, cloud) = Cloud::start(size).await;
    let (took, answer, _child) = Lambda::giving(given).await.cold(function::approve(folder, &cloud), lambda::tick()).await;
    let seen = cloud.seen().await;
    process.kill().await.unwrap();
    assert_eq!(seen.waiting(), size.requests);
    assert!(answer.contains(&format!("\"put_off\":{}", size.requests)), "{answer}");
    let ticks = Ticks { count: 1, longest: took, left: given.saturating_sub(took), out_of_order: 0 };
    print_ticks("no time at all: nothing begins", size, given, &ticks);
    ticks.left
}

fn print_ticks(name: &str, size: Size, given: Duration, ticks: &Ticks) {
    println!(
        "{name:<34} {:>9} {:>9} {:>9} {:>12.1} {:>12.2} {:>9.2}",
        size.requests,
        size.services,
        ticks.count,
        given.as_secs_f64(),
        ticks.longest.as_secs_f64(),
        ticks.left.as_secs_f64()
    );
}

/// Whether of each service those were answered that waited longest, and the services in the order of their oldest request:
/// of those that were begun, all but the last have nobody left.
fn is_in_order(before: &Seen, after: &Seen) -> bool {
    let none = Vec::new();
    let by_age: BTreeMap<usize, (&Vec<usize>, &Vec<usize>)> =
        before.waiting.iter().map(|(service, ages)| (ages[0], (ages, after.waiting.get(service).unwrap_or(&none)))).collect();
    let oldest_first = by_age.values().all(|(before, after)| before.ends_with(after));
    let mut unfinished = by_age.values().skip_while(|(_, after)| after.is_empty());
    unfinished.next();
    oldest_first && unfinished.all(|(before, after)| before == after)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waiting(queues: &[(&str, &[usize])]) -> Seen {
        Seen { calls: BTreeMap::new(), waiting: queues.iter().map(|(service, ages)| ((*service).to_owned(), ages.to_vec())).collect() }
    }

    #[test]
    fn a_tick_that_passes_over_an_older_request_is_seen() {
        let before = waiting(&[("b", &[0, 2, 4]), ("a", &[1, 3, 5])]);
        let in_order = |after: &[(&str, &[usize])]| is_in_order(&before, &waiting(after));
        assert!(in_order(&[("b", &[0, 2, 4]), ("a", &[1, 3, 5])]), "nothing was done");
        assert!(in_order(&[("b", &[2, 4]), ("a", &[1, 3, 5])]));
        assert!(in_order(&[("a", &[3, 5])]));
        assert!(in_order(&[]));
        assert!(!in_order(&[("b", &[0, 4]), ("a", &[1, 3, 5])]), "a younger one of the same service");
        assert!(!in_order(&[("b", &[0, 2, 4]), ("a", &[3, 5])]), "a service whose oldest is younger");
        assert!(!in_order(&[("b", &[4]), ("a", &[3, 5])]), "a second service before the first was done");
    }
}
