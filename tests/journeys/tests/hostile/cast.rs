//! Who is there when the forged events arrive: one endpoint of every kind, of which each has its fate. Whatever an event
//! says, nobody's fate changes.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, LazyLock},
};

use approve::{AnswerError, Approve, MARGIN, ServiceCache, Summary};
use jiff::{SignedDuration, Timestamp};
use journeys::{A, Aws, B, C, Faults, MemoryLedger, PROVIDER, TOPIC, start_of_story};
use local::world::{NewEndpoint, NewService, World};
use serde_json::{Value, json};
use warden::{
    deadline::Deadline,
    gather::organization_cache::OrganizationCache,
    ledger::record::{Record, RecordFactory, Verdict},
    model::scope::Scope,
    policy::{PolicyFile, PolicySet},
    trigger::Trigger,
};

/// The role that lets B in, where an event proves it.
pub(crate) const ROLE: &str = "arn:aws:iam::444455556666:role/team/network-deployer";

/// What may become of an endpoint at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    /// The policy allows it.
    Accepted,
    /// The policy turns it away.
    Rejected,
    /// The policy allows it if an event proves the role.
    AcceptedWithProof,
    /// It waits; a person is told.
    Told,
    /// It is connected; that is noted.
    Noted,
    /// It is over, and nobody's business any more.
    Over,
    /// It is none of the warden's business.
    Untouched,
}

/// One endpoint.
#[derive(Debug, Clone)]
pub(crate) struct Member {
    pub(crate) id: String,
    pub(crate) service: String,
    pub(crate) owner: &'static str,
    /// As EC2 describes it before the event.
    pub(crate) state: String,
    pub(crate) fate: Fate,
}

/// The stage and everybody on it, before an event.
pub(crate) struct Cast {
    aws: Aws,
    ledger: MemoryLedger,
    pub(crate) members: Vec<Member>,
    services: BTreeSet<String>,
}

/// What an event brought about.
#[derive(Debug)]
pub(crate) struct Seen {
    /// The endpoints whose state is another, with the new one.
    pub(crate) moved: BTreeMap<String, String>,
    pub(crate) records: Vec<Record>,
    pub(crate) calls: Vec<&'static str>,
}

static NOW: LazyLock<Timestamp> = LazyLock::new(|| start_of_story() + SignedDuration::from_mins(10));

static POLICY: LazyLock<Arc<PolicySet>> = LazyLock::new(|| {
    let cedar = format!(
        "@id(\"redis\") permit (principal in PrivateLink::AccountGroup::\"redis-consumers\", action == PrivateLink::Action::\"Accept\", resource)
           when {{ resource.hasTag(\"Name\") && resource.getTag(\"Name\") == \"redis\" }};
         @id(\"deployers\") permit (principal == PrivateLink::Account::\"{B}\", action == PrivateLink::Action::\"Accept\", resource)
           when {{ context has requester && context.requester.role == \"{ROLE}\" && resource.hasTag(\"Name\") }};
         @id(\"no-more\") permit (principal == PrivateLink::Account::\"{C}\", action == PrivateLink::Action::\"Reject\", resource);"
    );
    let file = |name: &str, text: String| PolicyFile { name: name.to_owned(), text };
    let groups = file("groups.json", json!({"redis-consumers": {"accounts": [A]}}).to_string());
    Arc::new(PolicySet::load(&[file("p.cedar", cedar)], Some(&groups)).unwrap())
});

impl Cast {
    /// The same every time, ids included.
    pub(crate) fn new() -> Self {
        let mut world = World::new("us-east-1", start_of_story());
        let redis = service(&mut world, PROVIDER, "redis");
        let (other, unscoped, foreign) =
            (service(&mut world, PROVIDER, ""), service(&mut world, PROVIDER, "redis"), service(&mut world, C, "redis"));
        let mut cast = Self {
            aws: Aws::new(world, Faults::default()),
            ledger: MemoryLedger::default(),
            members: Vec::new(),
            services: BTreeSet::new(),
        };
        for (service, owner, state, fate) in [
            (&redis, A, "pendingAcceptance", Fate::Accepted),
            (&redis, A, "pendingAcceptance", Fate::Accepted),
            (&redis, B, "pendingAcceptance", Fate::AcceptedWithProof),
            (&redis, B, "pendingAcceptance", Fate::AcceptedWithProof),
            (&redis, C, "pendingAcceptance", Fate::Rejected),
            (&redis, A, "available", Fate::Noted),
            (&redis, A, "rejected", Fate::Over),
            (&redis, A, "deleted", Fate::Over),
            (&redis, A, "expired", Fate::Over),
            (&redis, A, "pendingAcceptanсe", Fate::Told),
            (&redis, "", "pendingAcceptance", Fate::Told),
            (&other, A, "pendingAcceptance", Fate::Told),
            (&unscoped, A, "pendingAcceptance", Fate::Untouched),
            (&unscoped, C, "pendingAcceptance", Fate::Untouched),
            (&foreign, A, "pendingAcceptance", Fate::Untouched),
        ] {
            cast.join(service, owner, state, fate);
        }
        cast.services = [redis, other].into();
        cast.aws.world().set_now(*NOW);
        cast
    }

    fn join(&mut self, service: &str, owner: &'static str, state: &str, fate: Fate) {
        let mut world = self.aws.world();
        let account = if owner.is_empty() { A } else { owner };
        let (endpoint, _) = world.create_endpoint(account, &name(service), NewEndpoint::default()).unwrap();
        let connection = world.connection_mut(&endpoint.id).unwrap();
        connection.owner = (!owner.is_empty()).then(|| owner.to_owned());
        connection.state = state.to_owned();
        self.members.push(Member { id: endpoint.id, service: service.to_owned(), owner, state: state.to_owned(), fate });
    }

    /// What `approve` does with these triggers.
    pub(crate) async fn answer(&self, triggers: Vec<Trigger>) -> (Summary, Option<AnswerError>) {
        let approve = Approve {
            describe: self.aws.clone(),
            act: self.aws.clone(),
            ledger: self.ledger.clone(),
            members: OrganizationCache::new(self.aws.clone()),
            policy: Arc::clone(&POLICY),
            scope: Scope::Services(self.services.iter().map(|id| id.parse().unwrap()).collect()),
            region: "us-east-1".parse().unwrap(),
            scribe: RecordFactory { observe: false, retention: SignedDuration::from_hours(9600), function_version: "test/1".to_owned() },
            clock: || *NOW,
            seen: ServiceCache::default(),
        };
        approve.answer(triggers, Deadline::after(std::time::Duration::from_secs(600), MARGIN)).await
    }

    /// What is different from before, and which calls that took since the last look.
    pub(crate) fn look(&self) -> Seen {
        let mut world = self.aws.world();
        let mut moved = BTreeMap::new();
        for member in &self.members {
            let state = &world.connection_mut(&member.id).unwrap().state;
            if *state != member.state {
                moved.insert(member.id.clone(), state.clone());
            }
        }
        drop(self.ledger.take_batch());
        Seen { moved, records: self.ledger.records(), calls: self.aws.faults.take_calls() }
    }
}

impl Fate {
    /// The state it may come to, given that an event did or did not prove the role.
    pub(crate) fn state(self, proven: bool) -> Option<&'static str> {
        match self {
            Self::Accepted => Some("pending"),
            Self::AcceptedWithProof => proven.then_some("pending"),
            Self::Rejected => Some("rejected"),
            Self::Told | Self::Noted | Self::Over | Self::Untouched => None,
        }
    }

    /// What may stand on its record. An event that names another owner than EC2 does is disputed wherever something is left
    /// to be answered.
    pub(crate) fn verdicts(self) -> &'static [Verdict] {
        match self {
            Self::Accepted => &[Verdict::Accepted, Verdict::Disputed],
            Self::AcceptedWithProof => &[Verdict::Accepted, Verdict::Referred, Verdict::Disputed],
            Self::Rejected => &[Verdict::Rejected, Verdict::Disputed],
            Self::Told => &[Verdict::Referred, Verdict::Disputed],
            Self::Noted => &[Verdict::Found, Verdict::Disputed],
            Self::Over | Self::Untouched => &[],
        }
    }
}

/// A service's full name.
pub(crate) fn name(service: &str) -> String {
    format!("com.amazonaws.vpce.us-east-1.{service}")
}

fn service(world: &mut World, owner: &str, tag: &str) -> String {
    let load_balancer = format!("arn:aws:elasticloadbalancing:us-east-1:{owner}:loadbalancer/net/redis/0123456789abcdef");
    let tags = if tag.is_empty() { BTreeMap::new() } else { BTreeMap::from([("Name".to_owned(), tag.to_owned())]) };
    let id = world.create_service(owner, NewService { tags, load_balancer_arns: vec![load_balancer], ..NewService::default() }).unwrap().id;
    let roots = [A, B, C].map(|account| format!("arn:aws:iam::{account}:root"));
    world.modify_permissions(owner, &id, &roots, &[]).unwrap();
    let events = ["Connect", "Accept", "Reject", "Delete"].map(str::to_owned);
    world.create_notification(owner, &id, TOPIC, &events).unwrap();
    id
}

/// Whether an event proves that the role made this endpoint: said again, place by place, from the threat model.
pub(crate) fn proves(event: &Value, endpoint: &str) -> bool {
    let says = |pointer: &str, text: &str| event.pointer(pointer).and_then(Value::as_str) == Some(text);
    says("/source", "aws.ec2")
        && says("/detail-type", "AWS API Call via CloudTrail")
        && says("/account", B)
        && says("/detail/eventSource", "ec2.amazonaws.com")
        && says("/detail/eventName", "CreateVpcEndpoint")
        && event.pointer("/detail/errorCode").is_none_or(Value::is_null)
        && says("/detail/recipientAccountId", B)
        && says("/detail/userIdentity/type", "AssumedRole")
        && says("/detail/userIdentity/sessionContext/sessionIssuer/type", "Role")
        && says("/detail/userIdentity/sessionContext/sessionIssuer/arn", ROLE)
        && says("/detail/responseElements/CreateVpcEndpointResponse/vpcEndpoint/vpcEndpointId", endpoint)
        && says("/detail/responseElements/CreateVpcEndpointResponse/vpcEndpoint/ownerId", B)
}
