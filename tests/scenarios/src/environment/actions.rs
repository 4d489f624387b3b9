//! The actions of consumers and of people, and the passing of time.

use jiff::SignedDuration;
use local::world::{NewEndpoint, OrganizationAccount};
use warden::{
    decision::{
        Refusal,
        grant::Grantee,
        order::{Change, Command, Order, Planned, Reason},
    },
    ledger::commit::CommitOutcome,
    model::ids::ServiceId,
};

use crate::{NewRequest, PROVIDER, TestEnvironment, event};

/// The person who decides.
pub const KIM: &str = "arn:aws:sts::123456789012:assumed-role/network/kim";

impl TestEnvironment {
    /// A consumer creates an endpoint for the Redis service.
    pub fn request(&self, account: &str) -> NewRequest {
        self.request_with(account, &[])
    }

    /// A consumer creates an endpoint with these tags.
    pub fn request_with(&self, account: &str, tags: &[(&str, &str)]) -> NewRequest {
        let name = format!("com.amazonaws.vpce.us-east-1.{}", self.service);
        let tags = tags.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        let (endpoint, effects) = self.aws.world().create_endpoint(account, &name, NewEndpoint { tags, ..NewEndpoint::default() }).unwrap();
        let [notification, trail] = &effects[..] else { panic!("a notification and a CloudTrail event: {effects:?}") };
        NewRequest { endpoint: endpoint.id, notification: event(notification), trail: event(trail) }
    }

    /// A person accepts a request in EC2, without the warden.
    pub fn accept_manually(&self, endpoint: &str) {
        self.aws.world().accept(PROVIDER, &self.service, &[endpoint.to_owned()]).unwrap();
    }

    pub fn tag(&self, key: &str, value: &str) {
        self.aws.world().create_tags(PROVIDER, std::slice::from_ref(&self.service), &[(key.to_owned(), value.to_owned())]).unwrap();
    }

    pub fn untag(&self, key: &str) {
        self.aws.world().delete_tags(PROVIDER, std::slice::from_ref(&self.service), &[key.to_owned()]).unwrap();
    }

    /// Permits a principal to request the Redis service.
    pub fn permit(&self, principal: &str) {
        self.aws.world().modify_permissions(PROVIDER, &self.service, &[principal.to_owned()], &[]).unwrap();
    }

    pub fn withdraw(&self, principal: &str) {
        self.aws.world().modify_permissions(PROVIDER, &self.service, &[], &[principal.to_owned()]).unwrap();
    }

    /// Puts an account into the organization, in a state and below these units.
    pub fn enrol(&self, account: &str, state: &str, units: &str) {
        let path = format!("o-a1b2c3d4e5/r-ab12/{units}/{account}/");
        self.aws.world().organization.put(account, OrganizationAccount { name: "team".to_owned(), state: state.to_owned(), path });
    }

    pub fn grant_account(&self, account: &str) {
        self.grant(Grantee::Account(account.parse().unwrap()), None);
    }

    pub fn grant_endpoint(&self, endpoint: &str) {
        self.grant(Grantee::Subject(endpoint.parse().unwrap()), None);
    }

    /// A person grants access, perhaps for a time.
    pub fn grant(&self, to: Grantee, time: Option<SignedDuration>) {
        let until = time.map(|time| self.aws.world().now() + time);
        self.order(Command::Approve { to, until, shown: Vec::new() });
    }

    pub fn refuse(&self, endpoint: &str) {
        self.order(Command::Reject { subject: endpoint.parse().unwrap() });
    }

    /// A refusal that another version of the warden wrote: the command line of this one asks for an upgrade first.
    pub fn refuse_despite_unreadable(&self, endpoint: &str) {
        let refusal =
            Refusal { by: KIM.to_owned(), reason: "migration weekend".to_owned(), at: self.aws.world().now(), disconnects: false };
        let expected = self.ledger.service(&self.service).version.decisions;
        let change = Change::Refuse { subject: endpoint.parse().unwrap(), refusal };
        assert_eq!(self.ledger.decide_now(&self.service.parse().unwrap(), &[change], expected), CommitOutcome::Written);
    }

    /// A person orders something about the Redis service. The ledger has it, and nothing is carried out yet.
    pub fn order(&self, command: Command) {
        let service: ServiceId = self.service.parse().unwrap();
        let order = Order {
            service: service.clone(),
            command,
            by: KIM.to_owned(),
            reason: Reason::try_from("migration weekend".to_owned()).unwrap(),
            at: self.aws.world().now(),
        };
        let expected = self.ledger.service(&self.service).version.decisions;
        let Planned::Changes(changes) = order.plan(&self.ledger.people(&self.service)).unwrap() else {
            panic!("nothing changes: {order:?}")
        };
        assert_eq!(self.ledger.decide_now(&service, &changes, expected), CommitOutcome::Written);
    }

    pub fn pass(&self, time: SignedDuration) {
        let mut world = self.aws.world();
        let now = world.now() + time;
        world.set_now(now);
    }
}
