//! Forged events before `approve`.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Instant,
};

use journeys::{A, B, C, PROVIDER, TOPIC};
use serde_json::Value;
use warden::{
    ledger::record::Verdict,
    trigger::{Target, Trigger},
};

use crate::{
    Suspect,
    cast::{self, Cast, Fate, Member, Seen},
    events,
    mutate::Stock,
};

/// At each test run.
const EVENTS: u64 = 20_000;
/// A record with everything in it that AWS may put there. DynamoDB takes items of 400 KB, and one of a record's size is
/// written for each answer.
const RECORD_BYTES_MAX: usize = 16 * 1024;

/// What at least so many of a thousand events must come to, so that it means something that none of them did harm.
const SHARES: [(&str, u64); 10] = [
    ("parsed", 400),
    ("asks: endpoints", 80),
    ("asks: services", 10),
    ("asks: topic", 20),
    ("asks: everything", 20),
    ("asks: nothing", 100),
    ("reached EC2", 150),
    ("answered", 100),
    ("disputed", 1),
    ("accepted with proof", 1),
];

const FIXTURES: [&str; 8] = [
    include_str!("../../../../shared/tests/events/cloudtrail-create-vpc-endpoint.json"),
    include_str!("../../../../shared/tests/events/cloudtrail-create-aws-service-endpoint.json"),
    include_str!("../../../../shared/tests/events/cloudtrail-create-denied.json"),
    include_str!("../../../../shared/tests/events/cloudtrail-create-gateway-endpoint.json"),
    include_str!("../../../../shared/tests/events/scheduled-sweep.json"),
    include_str!("../../../../shared/tests/events/sns-connect-json-body.json"),
    include_str!("../../../../shared/tests/events/sns-connect-text-body.json"),
    include_str!("../../../../shared/tests/events/sns-no-ids.json"),
];

/// What `event.rs` reads.
const READ: [&str; 20] = [
    "/account",
    "/detail",
    "/detail-type",
    "/detail/errorCode",
    "/detail/eventName",
    "/detail/eventSource",
    "/detail/recipientAccountId",
    "/detail/responseElements/CreateVpcEndpointResponse/vpcEndpoint",
    "/detail/responseElements/CreateVpcEndpointResponse/vpcEndpoint/ownerId",
    "/detail/responseElements/CreateVpcEndpointResponse/vpcEndpoint/serviceName",
    "/detail/responseElements/CreateVpcEndpointResponse/vpcEndpoint/vpcEndpointId",
    "/detail/userIdentity/sessionContext/sessionIssuer/arn",
    "/detail/userIdentity/sessionContext/sessionIssuer/type",
    "/detail/userIdentity/type",
    "/id",
    "/source",
    "/Records/0/EventSource",
    "/Records/0/Sns/Message",
    "/Records/0/Sns/Subject",
    "/Records/0/Sns/TopicArn",
];

/// The fixtures, each about each of the cast.
fn stock(cast: &Cast) -> Stock {
    let about = &|fixture: &str, member: &Member| {
        let owner = if member.owner.is_empty() { A } else { member.owner };
        let text = fixture
            .replace("vpce-0c1308d7312217abc", &member.id)
            .replace("vpce-svc-03d5ebb7d9579a2b3", &member.service)
            .replace("444455556666", owner)
            .replace("arn:aws:sns:us-east-1:123456789012:privatelink-connections", TOPIC);
        serde_json::from_str::<Value>(&text).unwrap()
    };
    let of_service = FIXTURES[7].replace("A connection event happened.", "Something about vpce-svc-03d5ebb7d9579a2b3.");
    let fixtures: Vec<&str> = FIXTURES.into_iter().chain([of_service.as_str()]).collect();
    let events = cast.members.iter().flat_map(|member| fixtures.iter().map(move |fixture| about(fixture, member))).collect();
    let ids = cast.members.iter().flat_map(|member| [member.id.clone(), member.service.clone(), cast::name(&member.service)]);
    let others =
        [A, B, C, PROVIDER, TOPIC, cast::ROLE, "vpce-con-0123456789abcdef0", "vpce-0123456789abcdef0", "vpce-svc-0123456789abcdef0"];
    let spoken =
        ["arn:aws:iam::111122223333:role/team/network-deployer", "arn:aws:sns:us-east-1:999900001111:connections", "aws.ec2", "aws:sns"];
    let pinned = [
        "aws.scheduler",
        "Scheduled Event",
        "AWS API Call via CloudTrail",
        "ec2.amazonaws.com",
        "CreateVpcEndpoint",
        "AssumedRole",
        "Role",
    ];
    let words = ids.chain(others.into_iter().chain(spoken).chain(pinned).map(str::to_owned)).collect();
    Stock { events, words, read: &READ }
}

/// How often what happened, so that a million events that nobody could read prove nothing.
#[derive(Debug, Default)]
struct Tally(BTreeMap<&'static str, u64>);

impl Tally {
    fn count(&mut self, what: &'static str) {
        *self.0.entry(what).or_default() += 1;
    }

    fn of_triggers(&mut self, triggers: &[Trigger]) {
        self.count("parsed");
        for trigger in triggers {
            self.count(match &trigger.asks {
                Target::Endpoints(_) => "asks: endpoints",
                Target::Services(_) => "asks: services",
                Target::Topic(_) => "asks: topic",
                Target::Everything => "asks: everything",
                Target::Nothing(_) => "asks: nothing",
            });
        }
    }

    /// At least so many of a thousand.
    fn at_least(&self, what: &str, per_mille: u64, events: u64) {
        let seen = self.0.get(what).copied().unwrap_or_default();
        assert!(seen * 1000 >= per_mille * events, "{what}: only {seen} of {events}");
    }
}

/// What an event brought about is what may be, and no more.
fn check(cast: &Cast, event: &[u8], seen: &Seen, tally: &mut Tally) {
    for (id, state) in &seen.moved {
        let member = cast.members.iter().find(|member| member.id == *id).unwrap();
        assert_eq!(member.state, "pendingAcceptance", "{member:?} did not wait");
        let proven = member.fate == Fate::AcceptedWithProof && cast::proves(&serde_json::from_slice(event).unwrap(), id);
        assert_eq!(member.fate.state(proven), Some(state.as_str()), "{member:?} came to {state}");
        tally.count(if proven { "accepted with proof" } else { "moved" });
    }
    for record in &seen.records {
        let member = cast.members.iter().find(|member| member.id == record.endpoint().as_str()).unwrap();
        assert!(member.fate.verdicts().contains(&record.verdict), "{member:?} is {}", record.verdict);
        let known =
            (record.service().as_str(), record.account().map_or("", |account| account.as_str()), record.facts.connection.state.as_str());
        assert_eq!(known, (member.service.as_str(), member.owner, member.state.as_str()), "the record is not what EC2 described");
        let bytes = record.to_json().unwrap().len();
        assert!(bytes <= RECORD_BYTES_MAX, "a record of {bytes} bytes");
        tally.count(record.verdict.as_str());
    }
    let recorded = |verdict: Verdict| -> BTreeSet<&str> {
        seen.records.iter().filter(|record| record.verdict == verdict).map(|record| record.endpoint().as_str()).collect()
    };
    let acts = |call: &str| seen.calls.iter().filter(|made| **made == call).count();
    for (verdict, state, call) in
        [(Verdict::Accepted, "pending", "AcceptVpcEndpointConnections"), (Verdict::Rejected, "rejected", "RejectVpcEndpointConnections")]
    {
        let came_to: BTreeSet<&str> = seen.moved.iter().filter(|(_, to)| *to == state).map(|(id, _)| id.as_str()).collect();
        assert_eq!(recorded(verdict), came_to, "what was done is not what is on the record");
        assert!(acts(call) <= came_to.len(), "{call} twice, or in vain: {:?}", seen.calls);
    }
}

async fn play(stock: &Stock, seeds: impl Iterator<Item = u64>) -> Tally {
    let (mut cast, mut tally) = (Cast::new(), Tally::default());
    for seed in seeds {
        let event = stock.event(seed);
        let _suspect = Suspect { seed, event: &event };
        let Ok(triggers) = Trigger::parse(&event) else { continue };
        tally.of_triggers(&triggers);
        let (_, error) = cast.answer(triggers.clone()).await;
        error.iter().for_each(|_| tally.count("to be tried again"));
        let seen = cast.look();
        check(&cast, &event, &seen, &mut tally);
        if !seen.calls.is_empty() {
            tally.count("reached EC2");
        }
        if seen.moved.is_empty() && seen.records.is_empty() {
            continue;
        }
        tally.count("answered");
        drop(cast.answer(triggers).await);
        let again = cast.look();
        assert_eq!((&seen.moved, &seen.records), (&again.moved, &again.records), "a second delivery changed something");
        assert!(!again.calls.iter().any(|call| call.starts_with("Accept") || call.starts_with("Reject")), "acted twice: {:?}", again.calls);
        cast = Cast::new();
    }
    tally
}

#[test]
fn no_forged_event_lets_anybody_in() {
    let (events, start) = (events(EVENTS), Instant::now());
    let stock = stock(&Cast::new());
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let tally = runtime.block_on(play(&stock, 0..events));
    println!("{events} events in {:.1?}, {:.0} a second: {:#?}", start.elapsed(), events as f64 / start.elapsed().as_secs_f64(), tally.0);
    for (what, per_mille) in SHARES {
        tally.at_least(what, per_mille, events);
    }
}
